package localcache

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain runs the tests, or, in a process that one of them has started, what it
// is told to do.
func TestMain(m *testing.M) {
	if name := os.Getenv(childEnv); name != "" {
		os.Exit(runChild(name))
	}
	goleak.VerifyTestMain(m)
}

// remote is a store of one bucket that counts what it is asked.
type remote struct {
	mu      sync.Mutex
	objects map[string]string
	asked   atomic.Int64 // all requests
	bodies  atomic.Int64 // those that brought one
	delay   time.Duration
}

func newRemote(objects map[string]string) *remote { return &remote{objects: objects} }

func (s *remote) put(key, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = body
}

func etagOf(body string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(body)))[:32] }

func (s *remote) fetch(key string) func(ctx context.Context, have Meta) (*Fetched, error) {
	return func(ctx context.Context, have Meta) (*Fetched, error) {
		s.asked.Add(1)
		s.mu.Lock()
		body, ok := s.objects[key]
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(s.delay):
		}
		if !ok {
			return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
		}
		m := Meta{ETag: etagOf(body), Size: int64(len(body)), ModTime: time.Unix(1e9, 0), ContentType: "text/plain", Extra: "extra"}
		if have.ETag == m.ETag {
			return &Fetched{Meta: m}, nil
		}
		s.bodies.Add(1)
		return &Fetched{Meta: m, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func keyOf(key string) Key { return Key{Origin: "https://s3.test", Bucket: "bucket", Key: key} }

func newCache(t *testing.T, opts ...Option) *Cache {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "cache"), opts...)
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

func readFile(t *testing.T, f *File, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestOpen(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"a/model.bin": "one"})
	want := func(f Freshness, body string, asked, bodies int64) {
		t.Helper()
		a, b := s.asked.Load(), s.bodies.Load()
		file, err := c.Open(t.Context(), keyOf("a/model.bin"), f, s.fetch("a/model.bin"))
		if err == nil {
			if !strings.HasSuffix(file.Name(), filepath.FromSlash("/data/bucket/a/model.bin")) {
				t.Errorf("name %q", file.Name())
			}
			if onDisk, err := os.ReadFile(file.Name()); err != nil || string(onDisk) != body {
				t.Errorf("on disk %q, %v", onDisk, err)
			}
			if m := file.Meta(); m.ContentType != "text/plain" || m.Extra != "extra" || !m.ModTime.Equal(time.Unix(1e9, 0)) {
				t.Errorf("meta %+v", m)
			}
		}
		if got := readFile(t, file, err); got != body {
			t.Errorf("%q, want %q", got, body)
		}
		if a, b = s.asked.Load()-a, s.bodies.Load()-b; a != asked || b != bodies {
			t.Errorf("%d requests, %d bodies; want %d and %d", a, b, asked, bodies)
		}
	}
	want(Revalidate(), "one", 1, 1)
	want(Revalidate(), "one", 1, 0)
	want(Immutable(), "one", 0, 0)
	want(Offline(), "one", 0, 0)
	want(MaxAge(time.Hour), "one", 0, 0)
	s.put("a/model.bin", "two")
	want(MaxAge(time.Hour), "one", 0, 0)
	want(MaxAge(0), "two", 1, 1)
	want(Revalidate(), "two", 1, 0)
	if err := c.Drop(keyOf("a/model.bin")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), keyOf("a/model.bin"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	want(Immutable(), "two", 1, 1)
	if got, want := c.Stats(), (Stats{Hits: 4, Misses: 3, Revalidations: 2, Bytes: 3, Files: 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestManyGoroutines(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": strings.Repeat("x", 100_000)})
	s.delay = 20 * time.Millisecond
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
			if got := readFile(t, f, err); len(got) != 100_000 {
				t.Error(len(got))
			}
		})
	}
	wg.Wait()
	if n := s.asked.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
}
