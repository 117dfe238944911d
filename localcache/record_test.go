package localcache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzDecodeRecord(f *testing.F) {
	good := newRecord(keyOf("a/b"))
	good.Copies = []held{{Place: "bucket/a/b", ETag: "e", Size: 3}}
	data, err := json.Marshal(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(bytes.Replace(data, []byte("bucket/a/b"), []byte("../../x"), 1))
	f.Add(bytes.Replace(data, []byte("bucket/a/b"), []byte("/etc/passwd"), 1))
	f.Add([]byte(`{"bucket":"b","raw":"/w==","copies":[{"place":"x","etag":"e","size":-1}]}`))
	f.Add([]byte(`{"bucket":"b","key":"k","future":[1,2],"copies":[{"place":"x","etag":"e","size":1e3}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, data []byte) {
		rec, err := decodeRecord(data)
		if err != nil {
			return
		}
		if rec.of().check() != nil || len(rec.Copies) == 0 {
			t.Errorf("a record of nothing: %+v", rec)
		}
		for _, c := range rec.Copies {
			if !filepath.IsLocal(filepath.FromSlash(c.Place)) || c.Place == "." || strings.Contains("/"+c.Place+"/", "/../") || c.Size < 0 || c.ETag == "" {
				t.Errorf("%+v", c)
			}
		}
	})
}

// TestRecords: a record that says something else than the truth, or nothing that
// can be understood, is a miss.
func TestRecords(t *testing.T) {
	for name, change := range map[string]func(t *testing.T, data []byte) []byte{
		"empty":                func(*testing.T, []byte) []byte { return nil },
		"truncated":            func(_ *testing.T, data []byte) []byte { return data[:len(data)/2] },
		"garbage":              func(*testing.T, []byte) []byte { return []byte("\x00\xff garbage") },
		"null":                 func(*testing.T, []byte) []byte { return []byte("null") },
		"huge":                 func(_ *testing.T, data []byte) []byte { return append(data, bytes.Repeat([]byte(" "), maxRecord)...) },
		"enormous":             func(*testing.T, []byte) []byte { return bytes.Repeat([]byte("["), 1<<22) },
		"of another key":       replace(`"key":"k"`, `"key":"other"`),
		"of another bucket":    replace(`"bucket":"bucket"`, `"bucket":"other"`),
		"of another origin":    replace(`"origin":"https://s3.test"`, `"origin":"https://other"`),
		"place outside":        replace(`"place":"bucket/k"`, `"place":"../../../k"`),
		"absolute place":       replace(`"place":"bucket/k"`, `"place":"/etc/passwd"`),
		"place of nothing":     replace(`"place":"bucket/k"`, `"place":"bucket/none"`),
		"place of another":     replace(`"place":"bucket/k"`, `"place":"bucket/other"`),
		"another size":         replace(`"size":12`, `"size":11`),
		"negative size":        replace(`"size":12`, `"size":-12`),
		"no ETag":              replace(`"etag":"`, `"nothing":"`),
		"copies of wrong type": replace(`"copies":[`, `"copies":7,"old":[`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			s := newRemote(map[string]string{"k": "right bytes!", "other": "other bytes!"})
			for _, key := range []string{"k", "other"} {
				f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
				readFile(t, f, err)
			}
			record := filepath.Join(c.dir, filepath.FromSlash(identOf(keyOf("k")).metaName()))
			data, err := os.ReadFile(record)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(record, change(t, data), 0o600); err != nil {
				t.Fatal(err)
			}
			bodies := s.bodies.Load()
			for range 2 {
				f, err := c.Open(t.Context(), keyOf("k"), Immutable(), s.fetch("k"))
				if f.Streamed() != nil {
					t.Error(f.Streamed())
				}
				if got := readFile(t, f, err); got != "right bytes!" {
					t.Errorf("%q", got)
				}
			}
			if n := s.bodies.Load() - bodies; n != 1 {
				t.Errorf("%d bodies", n)
			}
			if st := c.Stats(); st.Misses != 3 || st.Hits != 1 {
				t.Errorf("%+v", st)
			}
			f, err := c.Open(t.Context(), keyOf("other"), Offline(), nil)
			if got := readFile(t, f, err); got != "other bytes!" {
				t.Errorf("%q", got)
			}
		})
	}
}

func replace(old, now string) func(t *testing.T, data []byte) []byte {
	return func(t *testing.T, data []byte) []byte {
		if !bytes.Contains(data, []byte(old)) {
			t.Fatalf("the record does not hold %s: %s", old, data)
		}
		return bytes.Replace(data, []byte(old), []byte(now), 1)
	}
}

// TestFutureRecord: fields that a later version adds are no reason not to use
// what this one knows; a record of another format is in another directory.
func TestFutureRecord(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "right bytes!"})
	f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
	readFile(t, f, err)
	record := filepath.Join(c.dir, filepath.FromSlash(identOf(keyOf("k")).metaName()))
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(record, replace(`{"origin"`, `{"future":{"a":[1]},"origin"`)(t, data), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err = c.Open(t.Context(), keyOf("k"), Offline(), nil)
	if got := readFile(t, f, err); got != "right bytes!" {
		t.Errorf("%q", got)
	}
	later := filepath.Join(c.dir, "v2", "data", "k")
	if err := os.MkdirAll(filepath.Dir(later), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(later, []byte("of a later format"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Clear(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(later); err != nil {
		t.Error(err)
	}
}

// TestHalfRecord: the record that a killed process was about to write goes, whether
// or not there was one before.
func TestHalfRecord(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "bytes", "other": "bytes"})
	f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
	readFile(t, f, err)
	for _, key := range []string{"k", "new"} {
		if err := c.room.writeNew(identOf(keyOf(key)).metaName()+newSuffix, []byte("{")); err != nil {
			t.Fatal(err)
		}
	}
	if debris(c) == nil {
		t.Error("nothing is left")
	}
	if err := errors.Join(c.Prune(t.Context()), debris(c)); err != nil {
		t.Error(err)
	}
	f, err = c.Open(t.Context(), keyOf("k"), Offline(), nil)
	if got := readFile(t, f, err); got != "bytes" {
		t.Errorf("%q", got)
	}
}

// TestLargeRecord: what is too large to be noted is streamed.
func TestLargeRecord(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "bytes"})
	f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(ctx context.Context, have Meta) (*Fetched, error) {
		got, err := s.fetch("k")(ctx, have)
		got.Meta.Extra = strings.Repeat("x", maxRecord)
		return got, err
	})
	if got := readFile(t, f, err); got != "bytes" || f.Streamed() == nil || f.Name() != "" {
		t.Errorf("%q, %v", got, f.Streamed())
	}
	if st := c.Stats(); st.Fallbacks != 1 || st.Files != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
	checkLedger(t, c)
}
