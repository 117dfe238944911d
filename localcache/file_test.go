package localcache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// TestPromise: the file of an open File's name stays, with its bytes, while
// another process fetches a newer version and a third evicts; and goes when it is
// closed.
func TestPromise(t *testing.T) {
	t.Parallel()
	const key = "weights/model.bin"
	dir := filepath.Join(t.TempDir(), "cache")
	older, newer := strings.Repeat("older", 1000), strings.Repeat("newer", 1200)
	server := newHTTPRemote(t, map[string]string{key: older})
	for i := range 10 {
		server.put(fmt.Sprint("filler", i), strings.Repeat("f", 4000))
	}
	c := openCache(t, dir, WithMaxBytes(20_000))
	f, err := c.Open(t.Context(), keyOf(key), Revalidate(), httpFetch(server.URL, key))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(f.Name(), string(filepath.Separator)+"model.bin") || !filepath.IsAbs(f.Name()) {
		t.Errorf("name %q", f.Name())
	}
	still := func(when string) {
		t.Helper()
		// A program that knows nothing of us opens it by its name.
		out, err := exec.Command("sha256sum", f.Name()).Output()
		if err != nil || !strings.HasPrefix(string(out), sumString(older)) {
			t.Errorf("%s: sha256sum says %q, %v", when, out, err)
		}
		data, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<20))
		if err != nil || string(data) != older {
			t.Errorf("%s: %d bytes, %v", when, len(data), err)
		}
	}
	still("at first")
	replacer := startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: 20_000})
	evicter := startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: 20_000})

	server.put(key, newer)
	a := replacer.do(command{Do: "open", Key: key})
	if a.Sum != sumString(newer) || a.Name == f.Name() || !strings.HasSuffix(a.Name, "/model.bin") || a.Stream != "" {
		t.Errorf("the newer one is at %q: %+v", a.Name, a)
	}
	still("replaced")
	for i := range 10 {
		key := fmt.Sprint("filler", i)
		if a := evicter.do(command{Do: "open", Key: key}); a.Stream != "" {
			t.Error(a.Stream)
		}
		evicter.do(command{Do: "close", Key: key})
	}
	if a := evicter.do(command{}); a.Stats.Evictions == 0 || a.Stats.Bytes > 20_000 {
		t.Errorf("%+v", a.Stats)
	}
	still("evicted")
	evicter.do(command{Do: "drop", Key: key})
	still("dropped")
	evicter.do(command{Do: "clear"})
	still("cleared")
	evicter.do(command{Do: "prune"})
	still("pruned")
	if _, err := os.Stat(a.Name); err != nil {
		t.Errorf("the newer one is open, too: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(f.Name()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the older one is still there: %v", err)
	}
	replacer.do(command{Do: "close", Key: key})
	if _, err := os.Stat(a.Name); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the newer one is still there: %v", err)
	}
	if st := c.Stats(); st.Bytes != 0 || st.Files != 0 {
		t.Errorf("%+v", st)
	}
	checkLedger(t, c)
}

// TestPromiseOften is TestPromise in one process, at random.
func TestPromiseOften(t *testing.T) {
	t.Parallel()
	c := newCache(t, WithMaxBytes(10_000))
	s := newRemote(map[string]string{})
	body := func(key string, n int) string { return strings.Repeat(fmt.Sprint(key, " ", n, "."), 100) }
	version := map[string]int{}
	var mu sync.Mutex
	for i := range 10 {
		key := fmt.Sprint("k", i)
		s.put(key, body(key, 0))
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 60 {
				key := fmt.Sprint("k", (i*7+g)%10)
				f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
				if err != nil {
					t.Error(err)
					return
				}
				switch i % 5 {
				case 0:
					mu.Lock()
					version[key]++
					s.put(key, body(key, version[key]))
					mu.Unlock()
				case 1:
					if err := c.Drop(keyOf(key)); err != nil {
						t.Error(err)
					}
				case 2:
					time.Sleep(time.Millisecond)
				}
				streamed, err := io.ReadAll(f)
				if err != nil && f.Streamed() == nil {
					t.Error(err)
				}
				if f.Streamed() == nil {
					named, err := os.ReadFile(f.Name())
					if err != nil || !bytes.Equal(named, streamed) || etagOf(string(named)) != f.Meta().ETag {
						t.Errorf("%d bytes by name, %d by reading, %v", len(named), len(streamed), err)
					}
				}
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := c.users(); n != 0 {
		t.Errorf("%d uses are not ended", n)
	}
	checkLedger(t, c) // before Prune: nothing dead is left
	before := c.Stats()
	if err := c.Prune(t.Context()); err != nil {
		t.Error(err)
	}
	if after := c.Stats(); after != before {
		t.Errorf("Prune found something: %+v, then %+v", before, after)
	}
	checkLedger(t, c)
}

// TestReader: a File is what a streamed reader is, cached or not.
func TestReader(t *testing.T) {
	const body = "0123456789 and so on, until the end"
	for name, opts := range map[string][]Option{"cached": nil, "streamed": {WithMaxBytes(1)}} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t, opts...)
			s := newRemote(map[string]string{"k": body})
			open := func() *File {
				t.Helper()
				f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
				if err != nil {
					t.Fatal(err)
				}
				if (f.Streamed() != nil) != (name == "streamed") {
					t.Error(f.Streamed())
				}
				return f
			}
			f := open()
			if err := iotest.TestReader(f, []byte(body)); err != nil {
				t.Error(err)
			}
			if m := f.Meta(); m.Size != int64(len(body)) || m.ETag != etagOf(body) || m.Extra != "extra" || m.ContentType != "text/plain" || !m.ModTime.Equal(time.Unix(1e9, 0)) {
				t.Errorf("%+v", m)
			}
			if f.Use(Offline()) != (name == "cached") {
				t.Error("Use")
			}
			if _, err := f.Seek(5, io.SeekStart); err != nil {
				t.Error(err)
			}
			var rest bytes.Buffer
			if n, err := f.WriteTo(&rest); n != int64(len(body)-5) || err != nil || rest.String() != body[5:] {
				t.Errorf("%d, %v, %q", n, err, rest.String())
			}
			for _, row := range []struct {
				offset int64
				whence int
			}{{-1, io.SeekStart}, {-100, io.SeekEnd}, {0, 7}} {
				if _, err := f.Seek(row.offset, row.whence); err == nil {
					t.Errorf("Seek(%d, %d) succeeds", row.offset, row.whence)
				}
			}
			if n, err := f.ReadAt(make([]byte, 1), -1); n != 0 || err == nil {
				t.Errorf("%d, %v", n, err)
			}
			if n, err := f.ReadAt(make([]byte, 4), int64(len(body))-2); n != 2 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			if n, err := f.ReadAt(make([]byte, 4), 1000); n != 0 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			if at, err := f.Seek(100, io.SeekStart); at != 100 || err != nil {
				t.Error(at, err)
			}
			if n, err := f.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%d, %v", n, err)
			}
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					b := make([]byte, 3)
					if n, err := f.ReadAt(b, int64(i)); n != 3 || err != nil || string(b) != body[i:i+3] {
						t.Errorf("%d, %v, %q", n, err, b)
					}
				})
			}
			wg.Wait()
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			if err := f.Close(); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("a second Close: %v", err)
			}
			if _, err := f.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
				t.Error(err)
			}
			if _, err := f.ReadAt(make([]byte, 1), 0); !errors.Is(err, fs.ErrClosed) {
				t.Error(err)
			}
			if _, err := f.Seek(0, io.SeekStart); !errors.Is(err, fs.ErrClosed) {
				t.Error(err)
			}
		})
	}
}

// TestReadAfter: an open File is readable after everything that can happen to
// its file.
func TestReadAfter(t *testing.T) {
	for name, happen := range map[string]func(c *Cache) error{
		"Drop":  func(c *Cache) error { return c.Drop(keyOf("k")) },
		"Clear": func(c *Cache) error { return c.Clear() },
		"Close": func(c *Cache) error { return c.Close() },
		"rm":    func(c *Cache) error { return os.RemoveAll(c.dir) },
	} {
		for _, kind := range []string{"persistent", "temporary"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				c, err := Open(filepath.Join(t.TempDir(), "cache"))
				if kind == "temporary" {
					t.Setenv("TMPDIR", t.TempDir())
					c, err = Temporary("")
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s := newRemote(map[string]string{"k": "bytes"})
				f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
				if err != nil {
					t.Fatal(err)
				}
				if err := happen(c); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(f.Name()); err != nil && name != "rm" {
					t.Error(err)
				}
				if got := readFile(t, f, nil); got != "bytes" {
					t.Errorf("%q", got)
				}
				if err := c.Close(); err != nil {
					t.Error(err)
				}
				if kind == "temporary" && name != "rm" {
					if _, err := os.Stat(c.dir); !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("it is still there: %v: %v", err, filesBelow(t, c.dir))
					}
				}
				if err := c.Close(); err != nil {
					t.Errorf("a second Close: %v", err)
				}
				if _, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k")); !errors.Is(err, fs.ErrClosed) {
					t.Errorf("after Close: %v", err)
				}
			})
		}
	}
}

// TestCloseMeanwhile: what is on its way when the cache is closed arrives, and
// the last one takes a temporary directory away.
func TestCloseMeanwhile(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for range 20 {
		c, err := Temporary("")
		if err != nil {
			t.Fatal(err)
		}
		s := newRemote(map[string]string{})
		s.delay = time.Millisecond
		for i := range 8 {
			s.put(fmt.Sprint("k", i), "bytes")
		}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				key := fmt.Sprint("k", i%8)
				f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
				if errors.Is(err, fs.ErrClosed) {
					return
				}
				if got := readFile(t, f, err); got != "bytes" {
					t.Errorf("%q", got)
				}
			})
		}
		wg.Go(func() {
			time.Sleep(2 * time.Millisecond)
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if n := c.users(); n != 0 {
			t.Errorf("%d uses are not ended", n)
		}
		if _, err := os.Stat(c.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v %v", c.dir, err, filesBelow(t, c.dir))
		}
	}
}

// TestStream is what only a File that streams has to deal with.
func TestStream(t *testing.T) {
	// A body of what says, and of an object that is said to be size bytes long.
	open := func(t *testing.T, size int64, bodies ...string) *File {
		t.Helper()
		c := newCache(t)
		i := 0
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(context.Context, Meta) (*Fetched, error) {
			body := bodies[min(i, len(bodies)-1)]
			i++
			m := Meta{Size: size, ETag: strings.Repeat("x", maxRecord)} // which is too large to be noted
			if i == 1 {
				m.ETag = "" // without which nothing is kept
			}
			return &Fetched{m, io.NopCloser(strings.NewReader(body))}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if f.Streamed() == nil || f.Name() != "" {
			t.Errorf("%v, %q", f.Streamed(), f.Name())
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	t.Run("short", func(t *testing.T) {
		data, err := io.ReadAll(open(t, 10, "12345"))
		if string(data) != "12345" || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q, %v", data, err)
		}
		if n, err := open(t, 10, "12345").ReadAt(make([]byte, 2), 7); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("long", func(t *testing.T) {
		data, err := io.ReadAll(open(t, 4, "12345"))
		if string(data) != "1234" || err == nil {
			t.Errorf("%q, %v", data, err)
		}
		data, err = io.ReadAll(iotest.OneByteReader(open(t, 4, "12345")))
		if string(data) != "1234" || err == nil {
			t.Errorf("%q, %v", data, err)
		}
	})
	t.Run("unknown size", func(t *testing.T) {
		f := open(t, -1, "12345")
		if _, err := f.Seek(0, io.SeekEnd); !errors.Is(err, fs.ErrInvalid) {
			t.Error(err)
		}
		if data, err := io.ReadAll(f); string(data) != "12345" || err != nil {
			t.Errorf("%q, %v", data, err)
		}
		if n, err := f.ReadAt(make([]byte, 2), 7); n != 0 || err == nil {
			t.Errorf("%d, %v", n, err)
		}
	})
	t.Run("empty", func(t *testing.T) {
		if data, err := io.ReadAll(open(t, 0, "")); len(data) != 0 || err != nil {
			t.Errorf("%q, %v", data, err)
		}
	})
	t.Run("without an ETag nothing tells whether it is the same", func(t *testing.T) {
		f := open(t, 5, "12345", "12345")
		if _, err := io.ReadAll(f); err != nil {
			t.Error(err)
		}
		if _, err := f.ReadAt(make([]byte, 2), 0); !errors.Is(err, cloudpath.ErrChanged) {
			t.Error(err)
		}
	})
	t.Run("replaced meanwhile", func(t *testing.T) {
		c := newCache(t, WithMaxBytes(1))
		s := newRemote(map[string]string{"k": "older"})
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if data, err := io.ReadAll(f); string(data) != "older" || err != nil {
			t.Errorf("%q, %v", data, err)
		}
		if n, err := f.ReadAt(make([]byte, 2), 1); n != 2 || err != nil {
			t.Error(n, err)
		}
		s.put("k", "newer")
		if n, err := f.ReadAt(make([]byte, 2), 0); n != 0 || !errors.Is(err, cloudpath.ErrChanged) {
			t.Error(n, err)
		}
		s.put("k", "older")
		if n, err := f.ReadAt(make([]byte, 2), 0); n != 2 || err != nil {
			t.Error(n, err)
		}
	})
	t.Run("the server is gone meanwhile", func(t *testing.T) {
		c := newCache(t, WithMaxBytes(1))
		s := newRemote(map[string]string{"k": "older"})
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := io.ReadAll(f); err != nil {
			t.Error(err)
		}
		delete(s.objects, "k")
		if _, err := f.ReadAt(make([]byte, 2), 0); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	})
}
