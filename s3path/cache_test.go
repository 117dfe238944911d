package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// caching is a client of the same server with a cache in dir.
func (at *place) caching(t *testing.T, dir string, f s3path.Freshness, opts ...s3path.ClientOption) *place {
	t.Helper()
	keepPrivate(t, dir)
	other := *at
	other.client = at.newClient(t, append(opts, s3path.WithCacheDir(dir), s3path.WithCacheFreshness(f))...)
	other.bucket = other.client.Object(at.bucket.Bucket(), "")
	return &other
}

// keepPrivate is for directories that t.TempDir has made: the umask may let others
// write to them.
func keepPrivate(t *testing.T, dir string) {
	t.Helper()
	if err := os.Chmod(dir, 0o700); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

// text reads an object, or says why it cannot be.
func (at *place) text(t *testing.T, key string) string {
	t.Helper()
	text, err := at.object(key).ReadText(t.Context())
	return said(text, err)
}

// warm reads an object through a new cache and then, counted, again.
func (at *billed) warm(t *testing.T, f s3path.Freshness) string {
	t.Helper()
	warm := at.caching(t, t.TempDir(), f)
	warm.text(t, "f")
	at.start()
	return warm.text(t, "f")
}

// stampede reads one object that is in no cache yet, from many goroutines.
func (at *billed) stampede(t *testing.T, n int) string {
	t.Helper()
	cold := at.caching(t, t.TempDir(), localcache.Revalidate())
	at.Proxy.SetLatency(50 * time.Millisecond) // they are all there before the answer is
	defer at.Proxy.SetLatency(0)
	at.start()
	found := make([]string, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			r, err := cold.object("f").Open(t.Context())
			if err != nil {
				found[i] = said(nil, err)
				return
			}
			data, err := io.ReadAll(r)
			found[i] = said(string(data), errors.Join(err, r.Close()))
		})
	}
	wg.Wait()
	for _, text := range found {
		if text != found[0] {
			t.Errorf("one read %q, another %q", found[0], text)
		}
	}
	return found[0]
}

// Every way of reading is answered by the copy, as far as the client's freshness
// says.
func TestReadThroughCache(t *testing.T) {
	ways := []struct {
		name  string
		fills bool
		read  func(t *testing.T, p s3path.S3Path) string
	}{
		{"ReadText", true, func(t *testing.T, p s3path.S3Path) string { return said(p.ReadText(t.Context())) }},
		{"Open", true, func(t *testing.T, p s3path.S3Path) string {
			r, err := p.Open(t.Context())
			if err != nil {
				return said(nil, err)
			}
			data, err := io.ReadAll(r)
			return said(string(data), errors.Join(err, r.Close()))
		}},
		{"Cached", true, func(t *testing.T, p s3path.S3Path) string {
			f, err := p.Cached(t.Context())
			if err != nil {
				return said(nil, err)
			}
			data, err := os.ReadFile(f.Name())
			return said(string(data), errors.Join(err, f.Close()))
		}},
		{"ReadRange", false, func(t *testing.T, p s3path.S3Path) string {
			data, err := p.ReadRange(t.Context(), 0, -1)
			return said(string(data), err)
		}},
		{"DownloadTo", false, func(t *testing.T, p s3path.S3Path) string {
			local := filepath.Join(t.TempDir(), "f")
			if err := p.DownloadTo(t.Context(), local); err != nil {
				return said(nil, err)
			}
			data, err := os.ReadFile(local)
			return said(string(data), err)
		}},
		{"DownloadTo of a tree", false, func(t *testing.T, p s3path.S3Path) string {
			dir := t.TempDir()
			if err := p.Parent().AsDir().DownloadTo(t.Context(), dir); err != nil {
				return said(nil, err)
			}
			data, err := os.ReadFile(filepath.Join(dir, p.Name()))
			return said(string(data), err)
		}},
	}
	everywhere(t, func(t *testing.T, at *place) {
		for _, way := range ways {
			t.Run(way.name, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				clients := map[string]*place{}
				for _, f := range []s3path.Freshness{localcache.Revalidate(), localcache.MaxAge(time.Hour), localcache.MaxAge(0), localcache.Immutable(), localcache.Offline()} {
					clients[f.String()] = at.caching(t, dir, f)
				}
				want := func(f, body string, gets, bodies int) {
					t.Helper()
					mark := at.Proxy.Mark()
					if got := way.read(t, clients[f].object("d/f")); got != body {
						t.Errorf("%s: read %q, want %q", f, got, body)
					}
					log := at.Proxy.Since(mark).Operation("GetObject")
					n := 0
					for _, r := range log {
						if r.Status == http.StatusOK || r.Status == http.StatusPartialContent {
							n++
						}
					}
					if len(log) != gets || n != bodies {
						t.Errorf("%s: %d GETs, %d of them with a body; want %d and %d", f, len(log), n, gets, bodies)
					}
				}
				at.put(t, "d/f=one")
				if got := way.read(t, clients["Offline()"].object("d/f")); got != said(nil, fs.ErrNotExist) {
					t.Errorf("offline, without a copy: %q", got)
				}
				want("Revalidate()", "one", 1, 1)
				if !way.fills {
					want("Revalidate()", "one", 1, 1) // no copy was made
					clients["Revalidate()"].text(t, "d/f")
				}
				want("Revalidate()", "one", 1, 0)
				want("MaxAge(1h0m0s)", "one", 0, 0)
				want("MaxAge(0s)", "one", 1, 0)
				want("Immutable()", "one", 0, 0)
				want("Offline()", "one", 0, 0)

				at.put(t, "d/f=two") // of the same size, in the same second
				want("Offline()", "one", 0, 0)
				want("Immutable()", "one", 0, 0)
				want("Revalidate()", "two", 1, 1)
				if way.fills {
					want("Immutable()", "two", 0, 0)
				}
			})
		}
	})
}

// What is known of an object, and how it can be read, is the same of its copy.
func TestCopyIsTheObject(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		data := bytes.Repeat([]byte("0123456789"), 1000)
		if err := at.object("d/f.bin").WriteBytes(t.Context(), data, s3path.WithContentType("a/b"), s3path.WithCacheControl("max-age=9"),
			s3path.WithMetadata(map[string]string{"who": "me"}), s3path.WithContentEncoding("zip")); err != nil {
			t.Fatal(err)
		}
		streamed, err := at.object("d/f.bin").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer streamed.Close()
		cached := at.caching(t, t.TempDir(), localcache.Revalidate())
		for _, which := range []string{"cold", "warm"} {
			var info s3path.Info
			r, err := cached.object("d/f.bin").Open(t.Context(), s3path.WithInfo(&info))
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("%+v", described(streamed.Info()))
			if got := fmt.Sprintf("%+v", described(r.Info())); got != want {
				t.Errorf("%s:\n got %s\nwant %s", which, got, want)
			}
			if got := fmt.Sprintf("%+v", described(info)); got != want {
				t.Errorf("%s, WithInfo:\n got %s\nwant %s", which, got, want)
			}
			mark := at.Proxy.Mark()
			if err := iotest.TestReader(r, data); err != nil {
				t.Errorf("%s: %v", which, err)
			}
			if _, err := r.Seek(9990, io.SeekStart); err != nil {
				t.Error(err)
			}
			var rest bytes.Buffer
			if n, err := r.WriteTo(&rest); n != 10 || err != nil || rest.String() != "0123456789" {
				t.Errorf("%s: WriteTo %d %q, %v", which, n, rest.String(), err)
			}
			if n := at.Proxy.Since(mark); len(n) != 0 {
				t.Errorf("%s: reading a copy asked for %v", which, n.Operations())
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			if err := r.Close(); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("the second Close: %v", err)
			}
			if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("Read after Close: %v", err)
			}
		}
	})
}

// described is an Info without the answer it came from.
func described(i s3path.Info) []any {
	return []any{i.Name(), i.Size(), i.Mode(), i.ModTime(), i.ETag(), i.ContentType(), i.ContentEncoding(), i.CacheControl(), i.Metadata(), i.StorageClass(), i.VersionID(), i.Restore(), i.Complete()}
}

// Whatever changes an object through a client drops the client's copy of it, so
// that not even a client that never asks reads what is no more.
func TestChangesDropCopies(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			name   string
			change func(t *testing.T, c *place) error
			want   string // what d/f reads as then
		}{
			{"WriteText", func(t *testing.T, c *place) error { return c.object("d/f").WriteText(t.Context(), "new") }, "new"},
			{"WriteFrom", func(t *testing.T, c *place) error {
				_, err := c.object("d/f").WriteFrom(t.Context(), iotest.OneByteReader(strings.NewReader("new")))
				return err
			}, "new"},
			{"Create", func(t *testing.T, c *place) error {
				w, err := c.object("d/f").Create(t.Context())
				if err != nil {
					return err
				}
				_, err = io.WriteString(w, "new")
				return errors.Join(err, w.Close())
			}, "new"},
			{"Update", func(t *testing.T, c *place) error {
				return c.object("d/f").Update(t.Context(), func([]byte) ([]byte, error) { return []byte("new"), nil })
			}, "new"},
			{"UploadFrom", func(t *testing.T, c *place) error {
				local := filepath.Join(t.TempDir(), "f")
				writeFile(t, local, "new")
				return c.object("d/f").UploadFrom(t.Context(), local)
			}, "new"},
			{"Copy onto it", func(t *testing.T, c *place) error { return c.object("d/other").Copy(t.Context(), c.object("d/f")) }, "other"},
			{"Copy in parts", func(t *testing.T, c *place) error {
				return c.object("d/other").Copy(t.Context(), c.object("d/f"), s3path.WithNoOverwrite())
			}, "old"}, // it is there, so that nothing changes
			{"Rename onto it", func(t *testing.T, c *place) error { return c.object("d/other").Rename(t.Context(), c.object("d/f")) }, "other"},
			{"Rename away", func(t *testing.T, c *place) error { return c.object("d/f").Rename(t.Context(), c.object("d/g")) }, said(nil, fs.ErrNotExist)},
			{"Rename of the tree", func(t *testing.T, c *place) error { return c.object("d/").Rename(t.Context(), c.object("e/")) }, said(nil, fs.ErrNotExist)},
			{"Remove", func(t *testing.T, c *place) error { return c.object("d/f").Remove(t.Context()) }, said(nil, fs.ErrNotExist)},
			{"RemoveAll", func(t *testing.T, c *place) error { return c.object("d").RemoveAll(t.Context()) }, said(nil, fs.ErrNotExist)},
			{"RemoveMany", func(t *testing.T, c *place) error {
				return c.client.RemoveMany(t.Context(), slices.Values([]s3path.S3Path{c.object("d/f")}))
			}, said(nil, fs.ErrNotExist)},
			{"Touch", func(t *testing.T, c *place) error { return c.object("d/f").Touch(t.Context()) }, "old"},
		} {
			t.Run(row.name, func(t *testing.T) {
				if err := at.object("").RemoveAll(t.Context(), s3path.WithWholeBucket()); err != nil {
					t.Fatal(err)
				}
				at.put(t, "d/f=old", "d/other=other")
				c := at.caching(t, t.TempDir(), localcache.Immutable())
				if got := c.text(t, "d/f"); got != "old" {
					t.Fatal(got)
				}
				before := c.client.Cache().Stats()
				err := row.change(t, c)
				if refused := errors.Is(err, fs.ErrExist); err != nil && !refused {
					t.Fatal(err)
				} else if refused {
					return
				}
				if got := c.text(t, "d/f"); got != row.want {
					t.Errorf("read %q, want %q", got, row.want)
				}
				if after := c.client.Cache().Stats(); after.Hits != before.Hits {
					t.Errorf("the old copy was read: %+v", after)
				}
			})
		}
	})
}

// A write that began after a read did is not hidden by what the read brings.
func TestWriteDuringFill(t *testing.T) {
	at := apart(t)
	at.put(t, "f=old")
	c := at.caching(t, t.TempDir(), localcache.Immutable())
	answered, proceed := make(chan struct{}), make(chan struct{})
	at.meddle("GetObject", 1, 1, func(w http.ResponseWriter, r *http.Request) {
		answer := at.recorded(r)
		close(answered)
		<-proceed
		for k, v := range answer.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
	first := make(chan string)
	go func() { first <- c.text(t, "f") }()
	<-answered
	if err := c.object("f").WriteText(t.Context(), "new"); err != nil {
		t.Fatal(err)
	}
	if got := c.text(t, "f"); got != "new" {
		t.Errorf("after the write: %q", got)
	}
	close(proceed)
	if got := <-first; got != "old" {
		t.Errorf("the read that began before: %q", got)
	}
	if got := c.text(t, "f"); got != "new" {
		t.Errorf("in the end: %q", got)
	}
}

func TestGoneOnTheServer(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=one")
		dir := t.TempDir()
		c, offline := at.caching(t, dir, localcache.Revalidate()), at.caching(t, dir, localcache.Offline())
		c.text(t, "d/f")
		at.discard(t, "d/f")
		_, err := c.object("d/f").Open(t.Context())
		wantFailure(t, err, "open", c.object("d/f").String(), fs.ErrNotExist)
		if got := offline.text(t, "d/f"); got != said(nil, fs.ErrNotExist) {
			t.Errorf("the copy is still there: %q", got)
		}
		at.put(t, "d/f/x")
		if got := c.text(t, "d/f"); got != said(nil, cloudpath.ErrIsDirectory) {
			t.Errorf("a directory in its place: %q", got)
		}
		// Whoever asks for the object and would make no copy drops it, too.
		for how, read := range map[string]func(p s3path.S3Path, etag string) error{
			"ReadRange": func(p s3path.S3Path, _ string) error { _, err := p.ReadRange(t.Context(), 1, 1); return err },
			"ReadRange of this ETag": func(p s3path.S3Path, etag string) error {
				_, err := p.ReadRange(t.Context(), 1, 1, s3path.WithIfMatch(etag))
				return err
			},
			"DownloadTo": func(p s3path.S3Path, _ string) error {
				return p.DownloadTo(t.Context(), filepath.Join(t.TempDir(), "g"))
			},
		} {
			at.put(t, "d/g=one")
			etag := at.etag(t, "d/g")
			c.text(t, "d/g")
			at.discard(t, "d/g")
			if err := read(c.object("d/g"), etag); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", how, err)
			}
			if got := offline.text(t, "d/g"); got != said(nil, fs.ErrNotExist) {
				t.Errorf("%s: the copy is still there: %q", how, got)
			}
		}
	})
}

// An empty object has a copy, too; so has one whose key ends in a slash.
func TestCopyOfNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "empty=", "dir/=")
		c := at.caching(t, t.TempDir(), localcache.Immutable())
		for _, key := range []string{"empty", "dir/"} {
			for _, want := range []int{1, 0} {
				n := at.count(func() {
					if got := c.text(t, key); got != "" {
						t.Errorf("%q", got)
					}
				})
				if n != want {
					t.Errorf("%s: %d requests, want %d", key, n, want)
				}
			}
		}
	})
}

// Progress is that of the bytes that come, and of a copy that none need to.
func TestProgressThroughCache(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		data := pattern(17 << 20)
		at.putBody(t, "f", data)
		c := at.caching(t, t.TempDir(), localcache.Revalidate())
		for _, which := range []string{"cold", "warm"} {
			var seen []s3path.Progress
			f, err := c.object("f").Cached(t.Context(), s3path.WithProgress(func(p s3path.Progress) { seen = append(seen, p) }))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			for i, p := range seen {
				if i == 0 && p.Done != 0 || i > 0 && p.Done < seen[i-1].Done {
					t.Errorf("%s: %+v at %d", which, p, i)
				}
			}
			if last := seen[len(seen)-1]; last.Done != int64(len(data)) || last.Total != last.Done || last.Objects != 1 || last.TotalObjects != 1 {
				t.Errorf("%s: at last %+v", which, last)
			}
			if which == "cold" && len(seen) < 4 {
				t.Errorf("%d calls for 17 MiB", len(seen))
			}
		}
	})
}

// Large objects come in several ranges at once, into the cache as into a file.
func TestFillInParts(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		data := pattern(21 << 20)
		at.putBody(t, "f", data)
		c := at.caching(t, t.TempDir(), localcache.Revalidate())
		mark := at.Proxy.Mark()
		f, err := c.object("f").Cached(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if got, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if n := len(at.Proxy.Since(mark).Operation("GetObject")); n < 2 || n > 3 {
			t.Errorf("%d GETs for 21 MiB", n)
		}
	})
}

// An object that is replaced while it comes is fetched anew: never a mix.
func TestReplacedDuringFill(t *testing.T) {
	at := apart(t)
	at.putBody(t, "f", bytes.Repeat([]byte("a"), 20<<20))
	c := at.caching(t, t.TempDir(), localcache.Revalidate())
	replaced := false
	var mu sync.Mutex
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		mu.Lock()
		defer mu.Unlock()
		if s3proxy.Operation(r) == "GetObject" && r.Header.Get("Range") != "" && !replaced {
			replaced = true
			at.putBody(t, "f", bytes.Repeat([]byte("b"), 20<<20))
		}
		return nil
	})
	data, err := c.object("f").ReadBytes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !replaced || len(data) != 20<<20 || bytes.Count(data, []byte("b")) != len(data) {
		t.Errorf("%d bytes, %d of them new", len(data), bytes.Count(data, []byte("b")))
	}
}
