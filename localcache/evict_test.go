package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestLeastRecentlyUsed: the copies go in the order in which they were used last.
func TestLeastRecentlyUsed(t *testing.T) {
	t.Parallel()
	c := newCache(t, WithMaxBytes(1000))
	objects := map[string]string{}
	for i := range 40 {
		objects[fmt.Sprintf("k%02d", i)] = strings.Repeat("x", 100)
	}
	s := newRemote(objects)
	use := func(key string, f Freshness) {
		t.Helper()
		file, err := c.Open(t.Context(), keyOf(key), f, s.fetch(key))
		readFile(t, file, err)
	}
	present := func() []string {
		t.Helper()
		entries, err := c.Entries(t.Context(), keyOf("").Origin, "bucket")
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range entries {
			keys = append(keys, e.Key.Key)
		}
		return keys
	}
	// A model: the keys, least recently used first.
	var model []string
	touch := func(key string) {
		model = append(slices.DeleteFunc(model, func(k string) bool { return k == key }), key)
		model = model[max(0, len(model)-10):]
	}
	for i := range 400 {
		key := fmt.Sprintf("k%02d", (i*i+i/7)%23)
		use(key, []Freshness{Revalidate(), Immutable(), MaxAge(time.Hour)}[i%3])
		touch(key)
		if got, want := present(), slices.Sorted(slices.Values(model)); !slices.Equal(got, want) {
			t.Fatalf("after %d: %v, want %v", i, got, want)
		}
	}
	if st := c.Stats(); st.Evictions == 0 || st.Bytes != 1000 || st.Files != 10 {
		t.Errorf("%+v", st)
	}
	// What is open stays, whatever comes.
	held := slices.Clone(model[:3])
	var files []*File
	for _, key := range held {
		f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	for i := range 40 {
		use(fmt.Sprintf("k%02d", i), Immutable())
	}
	for i, f := range files {
		if _, err := os.Stat(f.Name()); err != nil {
			t.Error(err)
		}
		if got := readFile(t, f, nil); got != objects[held[i]] {
			t.Errorf("%q", got)
		}
	}
	// When all is open, what comes is streamed.
	files = nil
	for _, key := range present() {
		f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	s.put("new", "streamed")
	f, err := c.Open(t.Context(), keyOf("new"), Revalidate(), s.fetch("new"))
	if f.Streamed() == nil || !strings.Contains(f.Streamed().Error(), "in use") {
		t.Error(f.Streamed())
	}
	readFile(t, f, err)
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	use("new", Revalidate())
	use("new", Offline())
}

// TestBound runs many objects of many sizes through a small cache, and looks at
// the directory at each step: it is within the bound, always.
//
// CLOUDPATH_CACHE_OBJECTS is how many, 3000 without it.
func TestBound(t *testing.T) {
	t.Parallel()
	n := 3000
	if text := os.Getenv("CLOUDPATH_CACHE_OBJECTS"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	const bound, largest = 1 << 20, 16 << 10
	c, err := Temporary("", WithMaxBytes(bound))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	body := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 1+i*7919%largest) }
	foreign := filepath.Join(c.dir, "foreign.txt")
	if err := os.WriteFile(foreign, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(c.dir)

	// At these steps the ledger is locked, so that nothing changes while we look.
	var most, looks int64
	every := int64(max(1, n/100))
	var steps atomic.Int64
	c.step = func(name string) {
		if (name == "temporary" || name == "noted" || name == "renamed") && steps.Add(1)%every == 0 {
			most = max(most, onDisk(t, c.dir))
			looks++
		}
	}
	begin := time.Now()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 4 {
		wg.Go(func() {
			var open []*File
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					break
				}
				key := fmt.Sprint("dir", i%17, "/object", i)
				want := body(i)
				size := int64(len(want))
				if i%5 == 0 {
					size = -1 // is not known before
				}
				f, err := c.Open(t.Context(), keyOf(key), Revalidate(), func(context.Context, Meta) (*Fetched, error) {
					return &Fetched{Meta{ETag: key, Size: size}, io.NopCloser(strings.NewReader(want))}, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if f.Streamed() != nil {
					t.Error(f.Streamed())
				}
				if open = append(open, f); len(open) > 8 { // some are open all the time
					if got := readFile(t, open[0], nil); got != body(indexOf(open[0])) {
						t.Errorf("%d bytes", len(got))
					}
					open = open[1:]
				}
			}
			for _, f := range open {
				if err := f.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	st := c.Stats()
	t.Logf("%d objects in %v: at most %d bytes at %d looks, bound %d, %+v", n, took.Round(time.Millisecond), most, looks, int64(bound), st)
	if most > bound || most < bound/2 {
		t.Errorf("at most %d bytes at one time", most)
	}
	if st.Misses != int64(n) || st.Evictions == 0 || st.Fallbacks != 0 {
		t.Errorf("%+v", st)
	}
	checkLedger(t, c)
	if _, err := os.Stat(foreign); err != nil {
		t.Error(err)
	}
}

// indexOf is the number in the key of TestBound's.
func indexOf(f *File) int {
	_, number, _ := strings.Cut(f.id.key.Key, "/object")
	i, err := strconv.Atoi(number)
	if err != nil {
		return -1
	}
	return i
}

// onDisk is what the copies and downloads take.
func onDisk(t *testing.T, dir string) int64 {
	var n int64
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if slash := filepath.ToSlash(strings.TrimPrefix(name, dir)); !d.IsDir() && (strings.Contains(slash, "/data/") || strings.Contains(slash, "/tmp/")) {
			if st, err := d.Info(); err == nil {
				n += st.Size()
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// TestBoundOfProcesses: the bound holds for all of them together.
func TestBoundOfProcesses(t *testing.T) {
	t.Parallel()
	const bound, size, n = 100_000, 9_000, 120
	dir := filepath.Join(t.TempDir(), "cache")
	objects := map[string]string{}
	for i := range n {
		objects[fmt.Sprint("k", i)] = strings.Repeat(string(rune('a'+i%26)), size)
	}
	server := newHTTPRemote(t, objects)
	children := []*process{
		startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: bound}),
		startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: bound}),
	}
	done := make(chan struct{})
	var most int64
	c := openCache(t, dir)
	var watcher, wg sync.WaitGroup
	watcher.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(2 * time.Millisecond):
			}
			// Nobody changes anything while we look.
			if err := c.with(context.Background(), c.room, func(*ledger) error {
				most = max(most, onDisk(t, dir))
				return nil
			}); err != nil {
				t.Error(err)
			}
		}
	})
	var evictions atomic.Int64
	for k, p := range children {
		wg.Go(func() {
			var a answer
			for i := range n {
				key := fmt.Sprint("k", (i*(k+2))%n)
				p.send(command{Do: "many", Key: key, Many: 2})
				if a = p.receive(); a.Err != "" || a.Sums[sumString(objects[key])] != 2 {
					t.Errorf("%+v", a)
				}
			}
			evictions.Add(a.Stats.Evictions)
		})
	}
	wg.Wait()
	close(done)
	watcher.Wait()
	if most > bound || most < bound/2 || evictions.Load() == 0 {
		t.Errorf("%d bytes at most, %d evictions", most, evictions.Load())
	}
	checkLedger(t, c)
}

// TestLowerBound: what was kept with a larger bound goes when the cache is opened,
// the least recently used first, and none of it that is open.
func TestLowerBound(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := openCache(t, dir)
	s := newRemote(map[string]string{"k0": "bytes", "k1": "bytes", "k2": "bytes", "k3": "bytes"})
	for _, key := range []string{"k0", "k1", "k2", "k3"} {
		f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
		readFile(t, f, err)
	}
	oldest, err := c.Have(keyOf("k0"))
	if err != nil {
		t.Fatal(err)
	}
	lower := openCache(t, dir, WithMaxBytes(14))
	if st := lower.Stats(); st.Bytes != 10 || st.Evictions != 2 {
		t.Errorf("%+v", st)
	}
	readFile(t, oldest, nil)
	for key, there := range map[string]bool{"k0": true, "k1": false, "k2": false, "k3": true} {
		f, err := lower.Have(keyOf(key))
		if (err == nil) != there {
			t.Errorf("%s: %v", key, err)
		}
		if err == nil {
			readFile(t, f, nil)
		}
	}
	checkLedger(t, lower)
}

// TestTooLarge: what does not fit is streamed, and nothing has to go for it
// where its size is known.
func TestTooLarge(t *testing.T) {
	c := newCache(t, WithMaxBytes(100))
	s := newRemote(map[string]string{"small": "bytes", "large": strings.Repeat("x", 101), "whole": strings.Repeat("y", 100)})
	f, err := c.Open(t.Context(), keyOf("small"), Revalidate(), s.fetch("small"))
	readFile(t, f, err)
	for i := range 2 {
		asked := s.asked.Load()
		f, err := c.Open(t.Context(), keyOf("large"), Revalidate(), s.fetch("large"))
		if f.Streamed() == nil || f.Name() != "" {
			t.Error(f.Streamed())
		}
		if got := readFile(t, f, err); got != s.objects["large"] {
			t.Errorf("%q", got)
		}
		if n := s.asked.Load() - asked; n != 1 {
			t.Errorf("%d requests", n)
		}
		if st := c.Stats(); st.Fallbacks != int64(i+1) || st.Evictions != 0 || st.Files != 1 {
			t.Errorf("%+v", st)
		}
	}
	unknown := func(key string) fetcher {
		return func(ctx context.Context, have Meta) (*Fetched, error) {
			got, err := s.fetch(key)(ctx, have)
			got.Meta.Size = -1
			return got, err
		}
	}
	f, err = c.Open(t.Context(), keyOf("large"), Revalidate(), unknown("large"))
	if f.Streamed() == nil {
		t.Error("it fits")
	}
	if got := readFile(t, f, err); got != s.objects["large"] {
		t.Errorf("%q", got)
	}
	f, err = c.Open(t.Context(), keyOf("whole"), Revalidate(), unknown("whole"))
	if f.Streamed() != nil {
		t.Error(f.Streamed())
	}
	if got := readFile(t, f, err); got != s.objects["whole"] {
		t.Errorf("%q", got)
	}
	if st := c.Stats(); st.Bytes != 100 || st.Files != 1 || st.Fallbacks != 3 {
		t.Errorf("%+v", st)
	}
	checkLedger(t, c)
	for _, n := range []int64{0, -1} {
		if _, err := Open(t.TempDir(), WithMaxBytes(n)); err == nil {
			t.Errorf("a bound of %d", n)
		}
	}
}
