package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
)

// TestIdentity: origins, buckets, keys and versions have copies of their own.
func TestIdentity(t *testing.T) {
	t.Parallel()
	c := newCache(t)
	var keys []Key
	for _, origin := range []string{"aws", "https://one.test", "http://one.test"} {
		for _, bucket := range []string{"b", "c"} {
			for _, key := range []string{"k", "l"} {
				for _, version := range []string{"", "1", "2"} {
					keys = append(keys, Key{origin, bucket, key, version})
				}
			}
		}
	}
	for _, key := range keys {
		f, err := c.Open(t.Context(), key, Revalidate(), newRemote(map[string]string{"": key.String()}).fetch(""))
		readFile(t, f, err)
	}
	for _, key := range keys {
		f, err := c.Open(t.Context(), key, Offline(), nil)
		if got := readFile(t, f, err); got != key.String() {
			t.Errorf("%v has the bytes of %q", key, got)
		}
	}
	for _, origin := range []string{"aws", "https://one.test"} {
		entries, err := c.Entries(t.Context(), origin, "b")
		if err != nil || len(entries) != 2 || entries[0].Key != (Key{origin, "b", "k", ""}) || entries[1].Key != (Key{origin, "b", "l", ""}) {
			t.Errorf("%v, %v", entries, err)
		}
	}
	if err := c.DropBelow(t.Context(), "aws", "b", "k"); err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		f, err := c.Open(t.Context(), key, Offline(), nil)
		if dropped := key.Origin == "aws" && key.Bucket == "b" && key.Key == "k"; dropped != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", key, err)
		}
		if err == nil {
			readFile(t, f, err)
		}
	}
}

// TestSessions: who may not read an object at the server does not get it from
// the disk, and nobody takes the answer that another session's request had.
func TestSessions(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "secret"})
	s.delay = 50 * time.Millisecond
	refused := errors.Join(fs.ErrPermission, errors.New("403"))
	sessions := []*Cache{c.Session(), c.Session(), c.Session()}
	var refusals atomic.Int64
	open := func(i int) error {
		fetch := s.fetch("k")
		if i == 2 {
			fetch = func(context.Context, Meta) (*Fetched, error) { refusals.Add(1); return nil, refused }
		}
		f, err := sessions[i].Open(t.Context(), keyOf("k"), Revalidate(), fetch)
		if i == 2 {
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%v", err)
			}
			return err
		}
		if got := readFile(t, f, err); got != "secret" {
			t.Errorf("%q", got)
		}
		return err
	}
	var wg sync.WaitGroup
	for i := range sessions {
		for i == 2 && s.asked.Load() == 0 { // whose refusal might be waited for, and nobody after it
			time.Sleep(time.Millisecond)
		}
		for range 4 {
			wg.Go(func() { _ = open(i) })
		}
	}
	wg.Wait()
	if n := s.asked.Load(); n < 2 {
		t.Errorf("%d requests of two sessions", n)
	}
	if n := s.bodies.Load(); n != 1 {
		t.Errorf("%d bodies", n)
	}
	if refusals.Load() == 0 {
		t.Error("the third session did not ask")
	}
	// Each asks for itself when there is a copy, too; and the copy stays.
	for i := range sessions {
		asked, refused := s.asked.Load(), refusals.Load()
		_ = open(i)
		if n := s.asked.Load() - asked + refusals.Load() - refused; n != 1 {
			t.Errorf("%d requests", n)
		}
	}
	f, err := c.Open(t.Context(), keyOf("k"), Offline(), nil)
	readFile(t, f, err)
	if err := sessions[0].Close(); err != nil {
		t.Error(err)
	}
	if _, err := c.Open(t.Context(), keyOf("k"), Offline(), nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a session's Close closes the cache: %v", err)
	}
}

// TestLeader: of many who want an object one asks. What happens to it is not what
// happens to the others.
func TestLeader(t *testing.T) {
	const waiters = 32
	t.Run("fails", func(t *testing.T) {
		c := newCache(t)
		s := newRemote(map[string]string{"k": "bytes"})
		failed := errors.New("the server is ill")
		var calls atomic.Int64
		begun := make(chan struct{})
		fetch := func(ctx context.Context, have Meta) (*Fetched, error) {
			if calls.Add(1) == 1 {
				close(begun)
				time.Sleep(50 * time.Millisecond)
				return nil, failed
			}
			return s.fetch("k")(ctx, have)
		}
		errs := make(chan error)
		go func() {
			_, err := c.Open(t.Context(), keyOf("k"), Revalidate(), fetch)
			errs <- err
		}()
		<-begun
		var wg sync.WaitGroup
		for range waiters {
			wg.Go(func() {
				f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), fetch)
				if got := readFile(t, f, err); got != "bytes" {
					t.Errorf("%q", got)
				}
			})
		}
		if err := <-errs; !errors.Is(err, failed) {
			t.Error(err)
		}
		wg.Wait()
		if n := s.bodies.Load(); n != 1 {
			t.Errorf("%d bodies", n)
		}
	})
	t.Run("all fail, and not one after the other", func(t *testing.T) {
		c := newCache(t)
		var calls atomic.Int64
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range waiters {
			failed := fmt.Errorf("failure %d", i)
			wg.Go(func() {
				_, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(context.Context, Meta) (*Fetched, error) {
					calls.Add(1)
					time.Sleep(100 * time.Millisecond)
					return nil, failed
				})
				if !errors.Is(err, failed) {
					t.Errorf("another's error: %v", err)
				}
			})
		}
		wg.Wait()
		if n := calls.Load(); n != waiters {
			t.Errorf("%d requests of %d", n, waiters)
		}
		if took := time.Since(begin); took > waiters*100*time.Millisecond/2 {
			t.Errorf("it took %v", took)
		}
	})
	t.Run("is cancelled", func(t *testing.T) {
		c := newCache(t)
		s := newRemote(map[string]string{"k": "bytes"})
		ctx, cancel := context.WithCancel(t.Context())
		begun := make(chan struct{})
		errs := make(chan error)
		go func() {
			_, err := c.Open(ctx, keyOf("k"), Revalidate(), func(ctx context.Context, _ Meta) (*Fetched, error) {
				close(begun)
				<-ctx.Done()
				return nil, ctx.Err()
			})
			errs <- err
		}()
		<-begun
		var wg sync.WaitGroup
		for range waiters {
			wg.Go(func() {
				f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
				readFile(t, f, err)
			})
		}
		time.Sleep(20 * time.Millisecond)
		cancel()
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		wg.Wait()
		if n := s.bodies.Load(); n != 1 {
			t.Errorf("%d bodies", n)
		}
	})
	t.Run("is cancelled while bytes come", func(t *testing.T) {
		c := newCache(t)
		ctx, cancel := context.WithCancel(t.Context())
		_, err := c.Open(ctx, keyOf("k"), Revalidate(), func(ctx context.Context, _ Meta) (*Fetched, error) {
			return &Fetched{Meta{ETag: "e", Size: 10}, io.NopCloser(io.MultiReader(strings.NewReader("12345"), readerFunc(func([]byte) (int, error) {
				cancel()
				return 0, ctx.Err()
			})))}, nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		for c.users() > 0 { // the flight lands a moment later
			time.Sleep(time.Millisecond)
		}
		checkLedger(t, c)
	})
	t.Run("a waiter's own context", func(t *testing.T) {
		c := newCache(t)
		s := newRemote(map[string]string{"k": "bytes"})
		s.delay = 2 * time.Second
		var wg sync.WaitGroup
		wg.Go(func() {
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
			readFile(t, f, err)
		})
		for s.asked.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		begin := time.Now()
		if _, err := c.Open(ctx, keyOf("k"), Revalidate(), s.fetch("k")); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := time.Since(begin); took > s.delay/2 {
			t.Errorf("it took %v", took)
		}
		wg.Wait()
	})
	t.Run("needs not ask", func(t *testing.T) {
		// One for whom any copy will do waits for another process, and takes what
		// that one brings; one who wants it asked about asks.
		dir := filepath.Join(t.TempDir(), "cache")
		c, d := openCache(t, dir), openCache(t, dir)
		s := newRemote(map[string]string{"k": "bytes"})
		s.delay = 100 * time.Millisecond
		var wg sync.WaitGroup
		wg.Go(func() {
			f, err := d.Open(t.Context(), keyOf("k"), Immutable(), s.fetch("k"))
			readFile(t, f, err)
		})
		for s.asked.Load() == 0 {
			time.Sleep(time.Millisecond)
		}
		wg.Go(func() {
			f, err := c.Open(t.Context(), keyOf("k"), Immutable(), s.fetch("k"))
			readFile(t, f, err)
		})
		time.Sleep(20 * time.Millisecond)
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
		readFile(t, f, err)
		wg.Wait()
		if asked, bodies := s.asked.Load(), s.bodies.Load(); asked != 2 || bodies != 1 {
			t.Errorf("%d requests, %d bodies", asked, bodies)
		}
	})
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// users is how many calls and Files there are.
func (s *state) users() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.room.users
}

func openCache(t *testing.T, dir string, opts ...Option) *Cache {
	t.Helper()
	c, err := Open(dir, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if n := c.users(); n != 0 {
			t.Errorf("%d uses are not ended", n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// TestTwoProcesses: one fetches, all have the same bytes.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	const each = 16
	dir := filepath.Join(t.TempDir(), "cache")
	body := strings.Repeat("0123456789abcdef", 1<<16)
	server := newHTTPRemote(t, map[string]string{"cold": body})
	server.delay.Store(int64(100 * time.Millisecond))
	children := []*process{startProcess(t, childArgs{Dir: dir, URL: server.URL}), startProcess(t, childArgs{Dir: dir, URL: server.URL})}
	for _, p := range children {
		p.send(command{Do: "many", Key: "cold", Many: each})
	}
	for _, p := range children {
		a := p.receive()
		if a.Err != "" || len(a.Sums) != 1 || a.Sums[sumString(body)] != each {
			t.Errorf("%+v", a)
		}
	}
	if bodies, asked := server.bodies.Load(), server.asked.Load(); bodies != 1 || asked > 2 {
		t.Errorf("%d bodies, %d requests", bodies, asked)
	}
	// It changes all the time, and is never torn.
	server.delay.Store(0)
	sums := map[string]bool{}
	for i := range 20 {
		body := strings.Repeat(string(rune('a'+i)), 200_000+i)
		server.put("cold", body)
		sums[sumString(body)] = true
		for _, p := range children {
			p.send(command{Do: "many", Key: "cold", Many: each})
		}
		for _, p := range children {
			a := p.receive()
			if a.Err != "" {
				t.Error(a.Err)
			}
			for sum := range a.Sums {
				if !sums[sum] {
					t.Errorf("torn: %+v", a)
				}
			}
		}
	}
	c := openCache(t, dir)
	if err := c.Prune(t.Context()); err != nil {
		t.Error(err)
	}
	checkLedger(t, c)
}

// TestNoLocks: on a file system without locks everything is fetched once more,
// and nothing else is different.
func TestNoLocks(t *testing.T) {
	for _, failure := range []error{syscall.ENOLCK, syscall.ENOSYS, errors.ErrUnsupported} {
		t.Run(failure.Error(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			s := newRemote(map[string]string{})
			caches := []*Cache{openCache(t, dir, WithMaxBytes(4000)), openCache(t, dir, WithMaxBytes(4000))}
			for _, c := range caches {
				c.try = func(*flock.Flock, bool) (bool, error) { return false, failure }
			}
			for i := range 5 {
				s.put(fmt.Sprint("key", i), strings.Repeat(fmt.Sprint(i), 300))
			}
			var wg sync.WaitGroup
			for i := range 200 {
				wg.Go(func() {
					key := fmt.Sprint("key", i%5)
					f, err := caches[i%2].Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
					if got := readFile(t, f, err); got != strings.Repeat(fmt.Sprint(i%5), 300) {
						t.Errorf("%q", got)
					}
				})
			}
			wg.Wait()
			for _, c := range caches {
				if err := c.Prune(t.Context()); err != nil {
					t.Error(err)
				}
				f, err := c.Open(t.Context(), keyOf("key1"), Revalidate(), s.fetch("key1"))
				readFile(t, f, err)
			}
		})
	}
	t.Run("another failure", func(t *testing.T) {
		c := newCache(t)
		s := newRemote(map[string]string{"k": "bytes"})
		c.try = func(*flock.Flock, bool) (bool, error) { return false, syscall.EIO }
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
		if got := readFile(t, f, err); got != "bytes" || !errors.Is(f.Streamed(), syscall.EIO) {
			t.Errorf("%q, %v", got, f.Streamed())
		}
		if st := c.Stats(); st.Fallbacks != 1 {
			t.Errorf("%+v", st)
		}
	})
}
