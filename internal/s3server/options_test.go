package s3server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func status(code int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func TestFirstFaultThatMatchesWins(t *testing.T) {
	isGet := func(r *http.Request) bool { return r.Method == "GET" }
	isB := func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/b") }
	// Faults come before signatures: a test of them needs no keys.
	c := start(t, append(demanded, s3server.WithFault(isB, status(503)), s3server.WithFault(isGet, status(500)))...)
	for _, row := range []struct {
		method, key string
		want        int
	}{{"GET", "a", 500}, {"GET", "b", 503}, {"PUT", "b", 503}, {"PUT", "a", 403}} {
		if got := c.do(row.method, at(row.key), "x").status; got != row.want {
			t.Errorf("%s %s: %d, want %d", row.method, row.key, got, row.want)
		}
	}
}

func TestLatency(t *testing.T) {
	const latency = 50 * time.Millisecond
	c := start(t, s3server.WithLatency(latency))
	begin := time.Now()
	c.do("GET", at("k"), "")
	if took := time.Since(begin); took < latency {
		t.Errorf("took %v", took)
	}
}

func TestLatencyEndsWithTheRequest(t *testing.T) {
	c := start(t, s3server.WithLatency(time.Hour))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", c.url+at("k"), nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.transport.RoundTrip(r)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err == nil {
		resp.Body.Close()
	}
	// Closing the server waits for its handlers: it would wait for an hour.
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name string
		opts []s3server.Option
	}{
		{"a secret without a key", []s3server.Option{s3server.WithCredentials("", "secret")}},
		{"two directories for one bucket", []s3server.Option{s3server.WithDir(dir, bucket), s3server.WithDir(dir, bucket)}},
		{"a name that is none of a bucket", []s3server.Option{s3server.WithDir(dir, "No")}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := s3server.New(row.opts...); err == nil {
				t.Error("no error")
			}
		})
	}
	srv := newServer(t)
	if err := srv.CreateBucket("No"); err == nil {
		t.Error("a bucket with a name that is none was made")
	}
	if err := srv.CreateBucket(bucket); err != nil {
		t.Error(err)
	}
	if err := srv.CreateBucket(bucket); err == nil {
		t.Error("a bucket was made twice")
	}
}

func TestRequestsThatMeanNothing(t *testing.T) {
	c := start(t)
	c.put("k", "x")
	for _, row := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"PATCH", at("k"), 405, "MethodNotAllowed"},
		{"POST", at("k"), 405, "MethodNotAllowed"},
		{"POST", "/bucket", 405, "MethodNotAllowed"},
		{"PUT", "/", 405, "MethodNotAllowed"},
		{"GET", at("k") + "?acl", 501, "NotImplemented"},
		{"PUT", at("k") + "?renameObject", 501, "NotImplemented"},
		{"GET", "/bucket?policy", 501, "NotImplemented"},
		{"PUT", "/bucket?tagging", 501, "NotImplemented"},
		{"GET", "/bucket?tagging", 404, "NoSuchTagSet"},
		{"GET", at("k") + "?%zz", 400, "InvalidURI"},
		{"PUT", "/No", 400, "InvalidBucketName"},
		{"PUT", "/nobucket/k", 404, "NoSuchBucket"},
		{"DELETE", "/nobucket", 404, "NoSuchBucket"},
		{"DELETE", "/nobucket/k", 404, "NoSuchBucket"},
		{"POST", "/nobucket/k?uploads", 404, "NoSuchBucket"},
		{"GET", "/nobucket?location", 404, "NoSuchBucket"},
		{"GET", "/nobucket?versioning", 404, "NoSuchBucket"},
		{"GET", "/nobucket?versions", 404, "NoSuchBucket"},
		{"GET", "/nobucket?uploads", 404, "NoSuchBucket"},
		{"HEAD", "/nobucket", 404, ""},
		{"HEAD", at("missing"), 404, ""},
		{"GET", at("missing") + "?tagging", 404, "NoSuchKey"},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			if err := c.do(row.method, row.path, "").is(row.method, row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	if a := c.do("GET", at("k"), ""); a.body != "x" {
		t.Errorf("the object is now %q", a.body)
	}
}

func TestBodiesOfUnknownLength(t *testing.T) {
	c := start(t)
	r, err := http.NewRequestWithContext(t.Context(), "PUT", c.url+at("k"), io.MultiReader(strings.NewReader("x")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusLengthRequired {
		t.Errorf("got %d", resp.StatusCode)
	}
}
