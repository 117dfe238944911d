package localcache

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFreshness(t *testing.T) {
	now := time.Now()
	for _, row := range []struct {
		f       Freshness
		name    string
		asked   time.Time
		allows  bool
		offline bool
	}{
		{Freshness{}, "Revalidate()", now, false, false},
		{Revalidate(), "Revalidate()", now, false, false},
		{MaxAge(time.Hour), "MaxAge(1h0m0s)", now.Add(-time.Minute), true, false},
		{MaxAge(time.Hour), "MaxAge(1h0m0s)", now.Add(-2 * time.Hour), false, false},
		{MaxAge(time.Hour), "MaxAge(1h0m0s)", now.Add(time.Minute), false, false}, // the clock was set back
		{MaxAge(0), "MaxAge(0s)", now, false, false},
		{MaxAge(-time.Hour), "MaxAge(-1h0m0s)", now, false, false},
		{Immutable(), "Immutable()", now.Add(time.Hour), true, false},
		{Offline(), "Offline()", time.Time{}, true, true},
	} {
		if row.f.allows(row.asked) != row.allows || row.f.String() != row.name || row.f.IsOffline() != row.offline {
			t.Errorf("%v, asked %v ago: %v", row.f, now.Sub(row.asked), row.f.allows(row.asked))
		}
	}
}

// TestMaxAge: the server's last answer counts, 304 or not, in this process or in
// another; one that comes from the future does not.
func TestMaxAge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := openCache(t, dir)
	s := newRemote(map[string]string{"k": "bytes"})
	open := func(c *Cache, f Freshness, asked int64) {
		t.Helper()
		before := s.asked.Load()
		if err := read(c, "k", f, s, "bytes", false); err != nil {
			t.Error(err)
		}
		if n := s.asked.Load() - before; n != asked {
			t.Errorf("%v: %d requests, want %d", f, n, asked)
		}
	}
	open(c, MaxAge(time.Hour), 1)
	open(c, MaxAge(time.Hour), 0)
	setAsked := func(when time.Time) {
		t.Helper()
		name := filepath.Join(dir, filepath.FromSlash(identOf(keyOf("k")).metaName()))
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := decodeRecord(data)
		if err != nil {
			t.Fatal(err)
		}
		rec.Copies[0].Asked = when
		if data, err = json.Marshal(rec); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	setAsked(time.Now().Add(-2 * time.Hour))
	open(c, MaxAge(3*time.Hour), 0)
	open(c, MaxAge(time.Hour), 1) // 304
	open(c, MaxAge(time.Hour), 0) // counts as an answer
	open(openCache(t, dir), MaxAge(time.Hour), 0)
	setAsked(time.Now().Add(time.Hour)) // the clock was set back since
	open(c, MaxAge(2*time.Hour), 1)
	open(c, MaxAge(2*time.Hour), 0)
	if n := s.bodies.Load(); n != 1 {
		t.Errorf("%d bodies", n)
	}
	if st := c.Stats(); st.Hits != 4 || st.Revalidations != 2 || st.Misses != 1 {
		t.Errorf("%+v", st)
	}
	// Who asks the server on his own can say so.
	setAsked(time.Now().Add(-2 * time.Hour))
	f, err := c.Open(t.Context(), keyOf("k"), Immutable(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Use(MaxAge(time.Hour)) || f.Use(Revalidate()) || !f.Use(Immutable()) {
		t.Error("Use")
	}
	f.Confirm(t.Context(), time.Now(), MaxAge(time.Hour))
	if !f.Use(MaxAge(time.Hour)) || f.Use(Revalidate()) {
		t.Error("Fresh after Confirm")
	}
	readFile(t, f, nil)
	open(openCache(t, dir), MaxAge(time.Hour), 0)
}

// TestSameSecond: two objects of one size, written in the same second, are told
// apart, and one is never taken for the other.
func TestSameSecond(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "first"})
	if err := errors.Join(
		read(c, "k", Revalidate(), s, "first", false),
		read(c, "k", Revalidate(), s, "first", false)); err != nil {
		t.Fatal(err)
	}
	s.put("k", "other") // newRemote gives all objects one time
	if err := errors.Join(
		read(c, "k", Immutable(), s, "first", false),
		read(c, "k", Revalidate(), s, "other", false)); err != nil {
		t.Error(err)
	}
	s.put("k", "first") // a replica that lags
	if err := errors.Join(
		read(c, "k", Revalidate(), s, "first", false),
		read(c, "k", Offline(), s, "first", false)); err != nil {
		t.Error(err)
	}
	if st := c.Stats(); st.Misses != 3 || st.Files != 1 {
		t.Errorf("%+v", st)
	}
}

// TestGone: what the server has no longer is dropped; a server that fails or
// refuses says nothing about the object.
func TestGone(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "bytes"})
	if err := read(c, "k", Revalidate(), s, "bytes", false); err != nil {
		t.Fatal(err)
	}
	for _, failure := range []error{errors.New("500"), fs.ErrPermission, context.DeadlineExceeded} {
		if _, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(context.Context, Meta) (*Fetched, error) { return nil, failure }); !errors.Is(err, failure) {
			t.Error(err)
		}
		if err := read(c, "k", Offline(), s, "bytes", false); err != nil {
			t.Error(err)
		}
	}
	delete(s.objects, "k")
	if err := read(c, "k", Immutable(), s, "bytes", false); err != nil {
		t.Error(err)
	}
	held, err := c.Open(t.Context(), keyOf("k"), Immutable(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, f := range []Freshness{Offline(), Immutable(), MaxAge(time.Hour)} {
		if _, err := c.Open(t.Context(), keyOf("k"), f, s.fetch("k")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v: %v", f, err)
		}
	}
	if got := readFile(t, held, nil); got != "bytes" {
		t.Errorf("%q", got)
	}
	if st := c.Stats(); st.Files != 0 || st.Bytes != 0 || len(filesBelow(t, filepath.Dir(held.Name()))) != 0 {
		t.Errorf("%+v", st)
	}
	if n := c.users(); n != 0 {
		t.Errorf("%d uses are not ended", n)
	}
}

// TestAnswers: a fetch that makes no sense is an error.
func TestAnswers(t *testing.T) {
	c := newCache(t)
	for name, fetch := range map[string]fetcher{
		"nothing":                    func(context.Context, Meta) (*Fetched, error) { return nil, nil },
		"current, but there is none": func(context.Context, Meta) (*Fetched, error) { return &Fetched{}, nil },
	} {
		if f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), fetch); err == nil {
			t.Errorf("%s: %v", name, f)
		}
	}
	if _, err := c.Open(t.Context(), keyOf("k"), MaxAge(time.Hour), nil); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("nobody to ask: %v", err)
	}
	if n := c.users(); n != 0 {
		t.Errorf("%d uses are not ended", n)
	}
}

// TestEmptyETag: what has no ETag is never kept, because nothing would tell
// whether it is current.
func TestEmptyETag(t *testing.T) {
	c := newCache(t)
	for _, etag := range []string{"", "\xff"} {
		for range 2 {
			f, err := c.Open(t.Context(), keyOf("k"), Immutable(), func(_ context.Context, have Meta) (*Fetched, error) {
				if have != (Meta{}) {
					t.Errorf("%+v", have)
				}
				return &Fetched{Meta{Size: 5, ETag: etag}, io.NopCloser(strings.NewReader("bytes"))}, nil
			})
			if got := readFile(t, f, err); got != "bytes" || f.Streamed() == nil {
				t.Errorf("%q, %v", got, f.Streamed())
			}
		}
	}
	if st := c.Stats(); st != (Stats{Fallbacks: 4}) {
		t.Errorf("%+v", st)
	}
}

// TestDropMeanwhile: what was dropped while it was on its way is for those who
// asked for it, and for nobody after them.
func TestDropMeanwhile(t *testing.T) {
	for name, drop := range map[string]func(c *Cache) error{
		"Drop":      func(c *Cache) error { return c.Drop(keyOf("dir/k")) },
		"Clear":     func(c *Cache) error { return c.Clear() },
		"a session": func(c *Cache) error { return c.Session().Drop(keyOf("dir/k")) },
	} {
		for _, there := range []string{"cold", "with a copy", "with a newer copy"} {
			t.Run(name+", "+there, func(t *testing.T) {
				c := newCache(t)
				c.patience = 50 * time.Millisecond // for the one that is held up
				s := newRemote(map[string]string{"dir/k": "before"})
				if there == "with a copy" {
					if err := read(c, "dir/k", Revalidate(), s, "before", false); err != nil {
						t.Fatal(err)
					}
				}
				s.put("dir/k", "on its way")
				begun, goOn := make(chan struct{}), make(chan struct{})
				var wg sync.WaitGroup
				wg.Go(func() {
					f, err := c.Open(t.Context(), keyOf("dir/k"), Revalidate(), func(ctx context.Context, have Meta) (*Fetched, error) {
						got, err := s.fetch("dir/k")(ctx, have)
						close(begun)
						<-goOn
						return got, err
					})
					if err == nil && f.Streamed() == nil {
						if data, err := os.ReadFile(f.Name()); err != nil || string(data) != "on its way" {
							t.Errorf("%q, %v", data, err)
						}
					}
					if got := readFile(t, f, err); got != "on its way" {
						t.Errorf("%q", got)
					}
				})
				<-begun
				if err := drop(c); err != nil {
					t.Error(err)
				}
				s.put("dir/k", "afterwards")
				if there == "with a newer copy" {
					if err := read(c.Session(), "dir/k", Revalidate(), s, "afterwards", false); err == nil || !strings.Contains(err.Error(), "uses") {
						t.Error(err)
					}
				}
				close(goOn)
				wg.Wait()
				f, err := c.Open(t.Context(), keyOf("dir/k"), Offline(), nil)
				switch there {
				case "with a newer copy":
					if got := readFile(t, f, err); got != "afterwards" {
						t.Errorf("%q", got)
					}
				default:
					if !errors.Is(err, fs.ErrNotExist) {
						t.Errorf("it was kept: %v", err)
					}
				}
				if err := read(c, "dir/k", Immutable(), s, "afterwards", false); err != nil {
					t.Error(err)
				}
				checkLedger(t, c)
			})
		}
	}
}

// TestDropOften: after a Drop nobody finds what was there before it, however many
// are just about to keep that.
func TestDropOften(t *testing.T) {
	c := newCache(t)
	c.temporary = true // nothing has to last
	defer func() { c.temporary = false }()
	s := newRemote(map[string]string{"k": "0"})
	var dropped atomic.Int64
	var wg sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				least := dropped.Load()
				f, err := c.Open(t.Context(), keyOf("k"), Immutable(), s.fetch("k"))
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(f)
				n, bad := strconv.ParseInt(string(data), 10, 64)
				if err := errors.Join(err, bad, f.Close()); err != nil || n < least {
					t.Errorf("read %d after what was before %d was dropped, %v", n, least, err)
					return
				}
			}
		})
	}
	begin := time.Now()
	for n := int64(0); time.Since(begin) < 500*time.Millisecond; n++ {
		s.put("k", strconv.FormatInt(n, 10))
		if err := c.Drop(keyOf("k")); err != nil {
			t.Error(err)
		}
		dropped.Store(n)
	}
	stop()
	wg.Wait()
}

// TestOutOfOrder: an answer that was asked for earlier does not replace one that
// was asked for later.
func TestOutOfOrder(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"k": "zero"})
	if err := read(c, "k", Revalidate(), s, "zero", false); err != nil {
		t.Fatal(err)
	}
	s.put("k", "one")
	begun, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(ctx context.Context, have Meta) (*Fetched, error) {
			got, err := s.fetch("k")(ctx, have)
			close(begun)
			<-goOn
			return got, err
		})
		if got := readFile(t, f, err); got != "one" {
			t.Errorf("%q", got)
		}
	})
	<-begun
	s.put("k", "two")
	f, err := c.Session().Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
	if got := readFile(t, f, err); got != "two" {
		t.Errorf("%q", got)
	}
	close(goOn)
	wg.Wait()
	if err := read(c, "k", Offline(), nil, "two", false); err != nil {
		t.Error(err)
	}
	checkLedger(t, c)
}

// TestEntries: the index follows what this process and others do.
func TestEntries(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	objects := map[string]string{}
	for i := range 60 {
		objects[fmt.Sprintf("d%d/k%02d", i%3, i)] = strings.Repeat("x", 100+i)
	}
	server := newHTTPRemote(t, objects)
	c := openCache(t, dir)
	p := startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: 4000})
	check := func(when string) []Entry {
		t.Helper()
		entries, err := c.Entries(t.Context(), keyOf("").Origin, "bucket")
		if err != nil {
			t.Fatal(err)
		}
		fresh := openCache(t, dir) // whose index knows nothing yet
		again, err := fresh.Entries(t.Context(), keyOf("").Origin, "bucket")
		if err != nil {
			t.Fatal(err)
		}
		got, want := keysOf(entries), keysOf(again)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
		for _, e := range entries {
			f, err := c.Open(t.Context(), e.Key, Offline(), nil)
			if err != nil {
				t.Errorf("%s: %v", when, err)
				continue
			}
			if f.Meta() != e.Meta || e.Meta.Size != int64(len(objects[e.Key.Key])) {
				t.Errorf("%+v, want %+v", e.Meta, f.Meta())
			}
			f.Close()
		}
		if n := p.do(command{Do: "entries"}).Entries; fmt.Sprint(n) != fmt.Sprint(got) {
			t.Errorf("%s: the other process says %v, want %v", when, n, got)
		}
		return entries
	}
	if n := len(check("empty")); n != 0 {
		t.Errorf("%d entries", n)
	}
	for i := range 20 {
		key := fmt.Sprintf("d%d/k%02d", i%3, i)
		f, err := c.Open(t.Context(), keyOf(key), Revalidate(), httpFetch(server.URL, key))
		readFile(t, f, err)
	}
	if n := len(check("added")); n != 20 {
		t.Errorf("%d entries", n)
	}
	for i := 20; i < 60; i++ {
		key := fmt.Sprintf("d%d/k%02d", i%3, i)
		p.do(command{Do: "many", Key: key, Many: 1})
		if i%10 == 0 {
			check("evicted by another process")
		}
	}
	entries := check("evicted by another process")
	if len(entries) == 0 || len(entries) > 40 {
		t.Errorf("%d entries", len(entries))
	}
	if err := c.Drop(entries[0].Key); err != nil {
		t.Fatal(err)
	}
	if n := len(check("dropped")); n != len(entries)-1 {
		t.Errorf("%d entries", n)
	}
	if err := c.DropBelow(t.Context(), keyOf("").Origin, "bucket", "d1/"); err != nil {
		t.Fatal(err)
	}
	for _, e := range check("dropped below") {
		if strings.HasPrefix(e.Key.Key, "d1/") {
			t.Errorf("%v", e.Key)
		}
	}
	p.do(command{Do: "clear"})
	if n := len(check("cleared")); n != 0 {
		t.Errorf("%d entries", n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p.do(command{Do: "many", Key: "d0/k00", Many: 1})
	if _, err := c.Entries(ctx, keyOf("").Origin, "bucket"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	check("after one that was cancelled")
}

func keysOf(entries []Entry) []string {
	var keys []string
	for _, e := range entries {
		keys = append(keys, e.Key.Key)
	}
	return keys
}
