package s3path_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Where the copies are: an option comes before the environment, and what cannot
// be is said by NewClient.
func TestCacheSettings(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	keepPrivate(t, one)
	keepPrivate(t, two)
	own, err := localcache.Open(filepath.Join(t.TempDir(), "own"))
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	type options = []s3path.ClientOption
	dir, mode := s3path.WithCacheDir, s3path.WithCacheMode
	for _, row := range []struct {
		name         string
		envDir, mode string
		opts         options
		dir          string // "" for none, "temporary", or the directory
		fails        string
	}{
		{"nothing", "", "", nil, "", ""},
		{"a directory", "", "", options{dir(one)}, one, ""},
		{"a directory that is not there yet", "", "", options{dir(filepath.Join(one, "x", "y"))}, filepath.Join(one, "x", "y"), ""},
		{"a directory and off", "", "", options{dir(one), mode(s3path.CacheOff)}, "", ""},
		{"temporary", "", "", options{mode(s3path.CacheTemporary)}, "temporary", ""},
		{"temporary below a directory", "", "", options{mode(s3path.CacheTemporary), dir(one)}, "temporary", ""},
		{"temporary below one that is not there yet", "", "", options{mode(s3path.CacheTemporary), dir(filepath.Join(one, "z", "y"))}, "temporary", ""},
		{"persistent", "", "", options{mode(s3path.CachePersistent), dir(two)}, two, ""},
		{"persistent without a directory", "", "", options{mode(s3path.CachePersistent)}, "", "needs a directory"},
		{"the environment's directory", one, "", nil, one, ""},
		{"an option comes before the environment's directory", one, "", options{dir(two)}, two, ""},
		{"the environment's mode off", one, "off", nil, "", ""},
		{"an option comes before the environment's mode", one, "off", options{mode(s3path.CachePersistent)}, one, ""},
		{"the environment's mode temporary", "", "temporary", nil, "temporary", ""},
		{"the environment's mode persistent", one, "persistent", nil, one, ""},
		{"the environment's mode persistent, and nowhere", "", "persistent", nil, "", "CLOUDPATH_CACHE_DIR"},
		{"the environment's mode is unknown", one, "sometimes", nil, "", "CLOUDPATH_CACHE_MODE"},
		{"an unknown mode", "", "", options{mode(7)}, "", "WithCacheMode"},
		{"an empty directory", "", "", options{dir("")}, "", "WithCacheDir"},
		{"a cache of one's own", "", "", options{s3path.WithCache(own)}, own.Dir(), ""},
		{"a cache of one's own comes before the environment", one, "off", options{s3path.WithCache(own)}, own.Dir(), ""},
		{"no cache of one's own", "", "", options{s3path.WithCache(nil)}, "", "WithCache"},
		{"a cache of one's own and a directory", "", "", options{s3path.WithCache(own), dir(one)}, "", "WithCacheDir, WithCache"},
		{"a cache of one's own and a mode", "", "", options{s3path.WithCache(own), mode(s3path.CacheOff)}, "", "WithCacheMode, WithCache"},
		{"a cache of one's own and a bound", "", "", options{s3path.WithCache(own), s3path.WithCacheMaxBytes(1)}, "", "WithCacheMaxBytes, WithCache"},
		{"a bound of nothing", "", "", options{dir(one), s3path.WithCacheMaxBytes(0)}, "", "WithCacheMaxBytes"},
		{"offline without a cache", "", "", options{s3path.WithCacheFreshness(localcache.Offline())}, "", "offline"},
		{"offline in a temporary one", "", "", options{s3path.WithCacheFreshness(localcache.Offline()), mode(s3path.CacheTemporary)}, "", "offline"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("CLOUDPATH_CACHE_DIR", row.envDir)
			t.Setenv("CLOUDPATH_CACHE_MODE", row.mode)
			c, err := s3path.NewClient(t.Context(), append(row.opts, s3path.WithAnonymous())...)
			if row.fails != "" {
				if err == nil || !strings.Contains(err.Error(), row.fails) {
					t.Errorf("%v does not name %q", err, row.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			cache := c.Cache()
			switch {
			case row.dir == "" && cache != nil:
				t.Errorf("a cache in %s", cache.Dir())
			case row.dir != "" && cache == nil:
				t.Error("no cache")
			case row.dir == "temporary":
				if cache.Dir() == one || cache.Dir() == two {
					t.Errorf("in %s", cache.Dir())
				}
			case row.dir != "" && cache.Dir() != row.dir:
				t.Errorf("in %s, want %s", cache.Dir(), row.dir)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if row.dir == "" {
				return
			}
			_, err = os.Stat(cache.Dir())
			if gone := errors.Is(err, fs.ErrNotExist); gone != (row.dir == "temporary") {
				t.Errorf("after Close: %v", err)
			}
		})
	}
	if _, err := own.Open(t.Context(), localcache.Key{Origin: "o", Bucket: "b", Key: "k"}, localcache.Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the client has closed a cache that is not its own: %v", err)
	}
}

func TestInsecureCacheDir(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err := s3path.NewClient(t.Context(), s3path.WithAnonymous(), s3path.WithCacheDir(dir))
	if !errors.Is(err, cloudpath.ErrInsecureCache) || !strings.Contains(err.Error(), dir) {
		t.Error(err)
	}
}

// The default client has the environment's cache, from its first request on.
func TestDefaultClientCache(t *testing.T) {
	bareEnvironment(t)
	dir := t.TempDir()
	t.Setenv("CLOUDPATH_CACHE_DIR", dir)
	if got := s3path.DefaultClient(); got.Cache() != nil && got.Cache().Dir() != dir {
		t.Errorf("in %s", got.Cache().Dir())
	}
}

// A client without a cache keeps the files of Cached until it is closed.
func TestCachedWithoutACache(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/model.bin=one")
		c, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(at.URL), s3path.WithRegion(at.Region),
			s3path.WithStaticCredentials(at.AccessKey, at.SecretKey, ""))
		if err != nil {
			t.Fatal(err)
		}
		p := c.Object(at.bucket.Bucket(), "d/model.bin")
		read := func(want string) string {
			t.Helper()
			f, err := p.Cached(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(f.Name())
			if err != nil || string(data) != want || !strings.HasSuffix(f.Name(), string(filepath.Separator)+"model.bin") {
				t.Errorf("%s: %q, %v", f.Name(), data, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			return f.Name()
		}
		name := read("one")
		if n := at.count(func() { read("one") }); n != 1 {
			t.Errorf("%d requests for a current copy", n)
		}
		if c.Cache() != nil {
			t.Error("a client without a cache has one")
		}
		if n := at.count(func() {
			if text, err := p.ReadText(t.Context()); err != nil || text != "one" {
				t.Errorf("%q, %v", text, err)
			}
		}); n != 1 {
			t.Errorf("%d requests for a streamed read", n)
		}
		if err := p.WriteText(t.Context(), "two"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the copy of what was overwritten is still there: %v", err)
		}
		read("two")
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after Close: %v", err)
		}
		if _, err := p.Cached(t.Context()); err == nil {
			t.Error("Cached of a closed client")
		}
	})
}

// Every client asks with its own rights: what one may read, another one that
// shares its cache may not for that.
func TestCacheIsNoPermission(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=secret")
		dir := t.TempDir()
		at.caching(t, dir, localcache.Revalidate()).text(t, "f")
		c := openClient(t, s3path.WithEndpoint(at.URL), s3path.WithRegion(at.Region), s3path.WithAnonymous(), s3path.WithCacheDir(dir))
		p := c.Object(at.bucket.Bucket(), "f")
		for name, err := range map[string]error{
			"ReadText": func() error { _, err := p.ReadText(t.Context()); return err }(),
			"Cached":   func() error { _, err := p.Cached(t.Context()); return err }(),
			"ReadRange": func() error {
				_, err := p.ReadRange(t.Context(), 0, 1)
				return err
			}(),
			"DownloadTo": p.DownloadTo(t.Context(), filepath.Join(t.TempDir(), "f")),
		} {
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got := at.caching(t, dir, localcache.Offline()).text(t, "f"); got != "secret" {
			t.Errorf("the copy is gone: %q", got)
		}
	})
}

// Two endpoints, one directory: neither's copies are taken for the other's.
func TestCacheOfTwoServers(t *testing.T) {
	one, two := apart(t), apart(t) // the same server, by two addresses
	dir := t.TempDir()
	one.put(t, "f=one")
	a, b := one.caching(t, dir, localcache.Immutable()), two.caching(t, dir, localcache.Immutable())
	if got := a.text(t, "f"); got != "one" {
		t.Error(got)
	}
	p := b.client.Object(a.bucket.Bucket(), "f")
	for _, want := range []int{1, 0} {
		n := two.count(func() {
			if got := said(p.ReadText(t.Context())); got != "one" {
				t.Error(got)
			}
		})
		if n != want {
			t.Errorf("%d requests to the second endpoint, want %d", n, want)
		}
	}
	if got := b.client.Cache().Stats(); got.Files != 2 {
		t.Errorf("%+v", got)
	}
}

// What cannot be kept is streamed, and read as well as what can.
func TestTooLargeForTheCache(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		data := pattern(3 << 20)
		at.putBody(t, "large", data)
		at.put(t, "small=x")
		c := at.caching(t, t.TempDir(), localcache.Immutable(), s3path.WithCacheMaxBytes(1<<20))
		r, err := c.object("large").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 100)
		if _, err := io.ReadFull(r, head); err != nil || !bytes.Equal(head, data[:100]) {
			t.Errorf("%q, %v", head, err)
		}
		if n, err := r.ReadAt(head, 2<<20); n != 100 || err != nil || !bytes.Equal(head, data[2<<20:][:100]) {
			t.Errorf("ReadAt: %d, %v", n, err)
		}
		if rest, err := io.ReadAll(r); err != nil || !bytes.Equal(rest, data[100:]) {
			t.Errorf("%d bytes more, %v", len(rest), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		if all, err := c.object("large").ReadBytes(t.Context()); err != nil || !bytes.Equal(all, data) {
			t.Errorf("%d bytes, %v", len(all), err)
		}
		_, err = c.object("large").Cached(t.Context())
		if err == nil || !strings.Contains(err.Error(), "kept on disk") {
			t.Errorf("Cached: %v", err)
		}
		c.text(t, "small")
		if s := c.client.Cache().Stats(); s.Fallbacks != 3 || s.Files != 1 || s.Bytes != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// What is decrypted with the caller's key is never stored.
func TestCacheAndCustomerKey(t *testing.T) {
	at := securely(t)
	dir := t.TempDir()
	c := at.caching(t, dir, localcache.Revalidate(), s3path.WithHTTPClient(at.HTTP))
	key := s3path.WithSSECustomerKey(oneKey)
	if err := c.object("f").WriteText(t.Context(), "CANARYSECRET", key); err != nil {
		t.Fatal(err)
	}
	if text, err := c.object("f").ReadText(t.Context(), key); err != nil || text != "CANARYSECRET" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := c.object("f").Cached(t.Context(), key); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		if bytes.Contains(data, []byte("CANARYSECRET")) {
			t.Errorf("%s holds it", name)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A condition holds whether or not there is a copy.
func TestCacheAndIfMatch(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=one")
		one := at.etag(t, "f")
		at.put(t, "f=two")
		two := at.etag(t, "f")
		for _, f := range []s3path.Freshness{localcache.Revalidate(), localcache.MaxAge(time.Hour), localcache.Immutable()} {
			at.put(t, "f=two")
			c := at.caching(t, t.TempDir(), f)
			read := func(etag string) string {
				text, err := c.object("f").ReadText(t.Context(), s3path.WithIfMatch(etag))
				ranged, rerr := c.object("f").ReadRange(t.Context(), 0, -1, s3path.WithIfMatch(etag))
				if a, b := said(text, err), said(string(ranged), rerr); a != b {
					t.Errorf("%v: ReadText %q, ReadRange %q", f, a, b)
				}
				return said(text, err)
			}
			refused := said(nil, cloudpath.ErrPreconditionFailed)
			for _, step := range []struct{ etag, want string }{{one, refused}, {two, "two"}, {two, "two"}, {one, refused}, {two, "two"}} {
				if got := read(step.etag); got != step.want {
					t.Errorf("%v, If-Match %s: %q, want %q", f, step.etag, got, step.want)
				}
			}
			// Another one that the server has is not hidden by the copy, however
			// long that may be used; nor is it brought for one who does not want it.
			at.put(t, "f=three")
			fetched := c.client.Cache().Stats().Misses
			if got := read(two); f == localcache.Revalidate() && got != refused {
				t.Errorf("%v, the copy's ETag, which is no more: %q", f, got)
			}
			if n := c.client.Cache().Stats().Misses - fetched; n != 0 {
				t.Errorf("%v: it was brought %d times for nothing", f, n)
			}
			if got := read(at.etag(t, "f")); got != "three" {
				t.Errorf("%v, the new ETag: %q", f, got)
			}
		}
	})
}

// A server that fails is not hidden by a copy: an answer is wanted, and there is none.
func TestCacheAndBrokenServer(t *testing.T) {
	at := apart(t)
	at.put(t, "f=one")
	c := at.caching(t, t.TempDir(), localcache.Revalidate(), s3path.WithMaxAttempts(1))
	c.text(t, "f")
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) == "GetObject" {
			return refusing(http.StatusInternalServerError, "InternalError", "no")
		}
		return nil
	})
	if _, err := c.object("f").ReadText(t.Context()); err == nil {
		t.Error("the copy was taken for the server's answer")
	}
	// "Not modified" is no answer to who has nothing.
	at.Proxy.Intercept(func(*http.Request) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	})
	if _, err := c.object("g").ReadText(t.Context()); err == nil || !strings.Contains(err.Error(), "HTTP 304") {
		t.Error(err)
	}
	at.Proxy.Intercept(nil)
	if got := c.text(t, "f"); got != "one" {
		t.Error(got)
	}
}
