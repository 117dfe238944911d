package localcache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A cache directory can be carried about, into a repository or an image: what a
// copy is, is known by its bytes then.
func TestCarriedDirectory(t *testing.T) {
	from := newCache(t)
	s := newRemote(map[string]string{"a/b.txt": "one", "c": "two", "x:y": "three"})
	for key := range s.objects {
		readFile(t, must(from.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))), nil)
	}
	carry := func(t *testing.T) *Cache {
		dir := filepath.Join(t.TempDir(), "carried")
		if err := os.CopyFS(dir, os.DirFS(from.Dir())); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		c, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
	offline := func(t *testing.T, c *Cache) {
		t.Helper()
		for key, want := range s.objects {
			f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
			if got := readFile(t, f, err); got != want {
				t.Errorf("%s is %q", key, got)
			}
		}
	}
	t.Run("read", func(t *testing.T) {
		c := carry(t)
		entries, err := c.Entries(t.Context(), "https://s3.test", "bucket")
		if err != nil || len(entries) != 3 {
			t.Errorf("%v, %v", entries, err)
		}
		offline(t, c)
		// It is known again from here on, and costs no reading.
		rec, err := c.room.record(identOf(keyOf("c")))
		if err != nil {
			t.Fatal(err)
		}
		st, err := c.room.root.Lstat(dataName(identOf(keyOf("c")).scope, rec.Copies[0].Place))
		if err != nil || !rec.Copies[0].is(st) {
			t.Errorf("the record does not know the file: %v", err)
		}
		offline(t, c)
	})
	t.Run("changed on the way", func(t *testing.T) {
		c := carry(t)
		f, err := c.Open(t.Context(), keyOf("c"), Offline(), nil)
		if err != nil {
			t.Fatal(err)
		}
		name := f.Name()
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte("TWO"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, time.Time{}, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(t.Context(), keyOf("c"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
	t.Run("touched", func(t *testing.T) {
		c := carry(t)
		f, err := c.Open(t.Context(), keyOf("c"), Offline(), nil)
		if err != nil {
			t.Fatal(err)
		}
		name := f.Name()
		if err := errors.Join(f.Close(), os.Chtimes(name, time.Time{}, time.Unix(1, 0))); err != nil {
			t.Fatal(err)
		}
		offline(t, c) // the bytes are the same
	})
	t.Run("renewed", func(t *testing.T) {
		c := carry(t)
		s := newRemote(map[string]string{"c": "four"})
		f, err := c.Open(t.Context(), keyOf("c"), Revalidate(), s.fetch("c"))
		if err == nil && filepath.Base(filepath.Dir(f.Name())) != "bucket" {
			t.Errorf("the new copy has not taken the old one's place: %s", f.Name())
		}
		if got := readFile(t, f, err); got != "four" {
			t.Error(got)
		}
	})
	t.Run("pruned and cleared", func(t *testing.T) {
		c := carry(t)
		if err := c.Prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := c.Stats(); got.Files != 3 || got.Bytes != 11 {
			t.Errorf("%+v", got)
		}
		offline(t, c)
		if err := c.Clear(); err != nil {
			t.Fatal(err)
		}
		if err := filepath.WalkDir(filepath.Join(c.Dir(), identOf(keyOf("c")).scope, "data"), func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("%s is left", name)
			}
			return err
		}); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}

func must(f *File, err error) *File {
	if err != nil {
		panic(err)
	}
	return f
}
