package main

import (
	"bytes"
	"errors"
	"flag"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// Once, with the S3 that has the data: go test -fill. The directory is committed.
var refill = flag.Bool("fill", false, "fill testdata/cache anew")

// station is the S3 of the station. It does not exist: what a copy is a copy of is
// a name, and the tests ask nobody.
const (
	station  = "https://s3.station.example"
	readings = "s3://station/lake"
)

// offline is a client of the station's S3 that has nothing but the copies in
// testdata/cache. It works on a copy of them, because it notes when each was used.
func offline(t *testing.T) *s3path.Client {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "cache")
	err := os.Mkdir(dir, 0o700) // where a umask lets others write, os.CopyFS makes what is no cache
	if err == nil {
		err = os.CopyFS(dir, os.DirFS("testdata/cache"))
	}
	if err != nil {
		t.Fatal(err)
	}
	client, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(station),
		s3path.WithCacheDir(dir), s3path.WithCacheFreshness(localcache.Offline()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

func TestReport(t *testing.T) {
	if *refill {
		fillTestdata(t)
	}
	var got bytes.Buffer
	if err := report(t.Context(), &got, offline(t), readings); err != nil {
		t.Fatal(err)
	}
	const want = `readings/2026-04.csv.gz        30 days, level 206.3 cm
readings/2026-05.csv           31 days, level 198.8 cm
0 downloaded, 2 from the cache
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", got.String(), want)
	}
}

// What was never read is not there, and nothing can be changed.
func TestOffline(t *testing.T) {
	root := offline(t).MustParse(readings)
	if _, err := root.Join("notes.md").ReadText(t.Context()); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := root.Join("new").WriteText(t.Context(), "x"); !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	}
}

// The program itself, with its own S3.
func TestRun(t *testing.T) {
	t.Setenv("CLOUDPATH_CACHE_DIR", "")
	var got bytes.Buffer
	if err := run(t.Context(), &got, nil); err != nil {
		t.Fatal(err)
	}
	online, offline, ok := strings.Cut(got.String(), "2 downloaded, 0 from the cache\n")
	if !ok || online+"0 downloaded, 2 from the cache\n" != offline {
		t.Error(got.String())
	}
	if err := run(t.Context(), &got, []string{"a", "b"}); err == nil {
		t.Error("two arguments")
	}
}

// fillTestdata reads through a cache in testdata what the program reads, from a
// server that is called as the station's.
func fillTestdata(t *testing.T) {
	t.Helper()
	server := s3pathtest.NewServer(t)
	if err := os.RemoveAll("testdata/cache"); err != nil {
		t.Fatal(err)
	}
	client := server.Client(s3path.WithEndpoint(station), s3path.WithCacheDir("testdata/cache"),
		s3path.WithHTTPClient(&http.Client{Transport: called{server.URL}}))
	if err := fill(t.Context(), client.MustParse(readings)); err != nil {
		t.Fatal(err)
	}
	if err := report(t.Context(), t.Output(), client, readings); err != nil {
		t.Fatal(err)
	}
}

// called sends requests to another server than their address says.
type called struct{ url string }

func (c called) RoundTrip(r *http.Request) (*http.Response, error) {
	inside, err := url.Parse(c.url)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Host, r.URL.Host, r.URL.Scheme = r.URL.Host, inside.Host, inside.Scheme
	return http.DefaultTransport.RoundTrip(r)
}
