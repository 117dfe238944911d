package s3pathtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"go.uber.org/goleak"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeT is a test that may be ended without ending the one it is in.
type fakeT struct {
	testing.TB // nil: what a test needs is below
	cleanups   []func()
	fatal      string
}

func (f *fakeT) Helper()           {}
func (f *fakeT) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }
func (f *fakeT) Fatal(args ...any) { f.fatal = fmt.Sprint(args...); runtime.Goexit() }

// inATest runs fn as a test would be, cleanups included, and returns what it
// was ended with.
func inATest(fn func(t testing.TB)) string {
	f := &fakeT{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			for _, cleanup := range slices.Backward(f.cleanups) {
				cleanup()
			}
		}()
		fn(f)
	}()
	<-done
	return f.fatal
}

func rels(t *testing.T, p s3path.S3Path) []string {
	t.Helper()
	var out []string
	for e, err := range p.Walk(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Rel())
	}
	return out
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// A bucket is empty, keeps what is written, and is gone when the test ends.
func TestBucket(t *testing.T) {
	var kept s3path.S3Path
	t.Run("while the test runs", func(t *testing.T) {
		bucket := s3pathtest.Bucket(t, "reports")
		if !bucket.IsBucket() || bucket.String() != "s3://reports" {
			t.Errorf("the bucket is %v", bucket)
		}
		same(t, "at first", rels(t, bucket))
		for _, key := range []string{"a//b", "dir/file", "dir", " +%ü"} {
			if err := bucket.Child(key).WriteText(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			if text, err := bucket.Child(key).ReadText(t.Context()); text != key || err != nil {
				t.Errorf("%q reads %q, %v", key, text, err)
			}
		}
		same(t, "then", rels(t, bucket), " +%ü", "a//b", "dir", "dir/file")
		kept = bucket
	})
	if _, err := kept.Exists(context.Background()); err == nil {
		t.Error("the bucket outlives its test")
	}
	if fatal := inATest(func(t testing.TB) { s3pathtest.Bucket(t, "No Such Name") }); !strings.Contains(fatal, "No Such Name") {
		t.Errorf("a name that S3 does not allow ends the test with %q", fatal)
	}
}

// Two buckets of one name share nothing.
func TestBucketsAreApart(t *testing.T) {
	one, two := s3pathtest.Bucket(t, "same"), s3pathtest.Bucket(t, "same")
	if err := one.Join("key").WriteText(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	same(t, "the other", rels(t, two))
}

// Files are objects, and objects files.
func TestBucketInDir(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "by-hand.txt"), []byte("by hand"), 0o600); err != nil {
		t.Fatal(err)
	}
	bucket := s3pathtest.BucketInDir(t, dir, s3pathtest.WithPageSize(1))
	if text, err := bucket.Join("sub/by-hand.txt").ReadText(ctx); text != "by hand" || err != nil {
		t.Errorf("a file reads %q, %v", text, err)
	}
	if err := bucket.Join("new/object.txt").WriteText(ctx, "by program"); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(filepath.Join(dir, "new", "object.txt")); string(data) != "by program" || err != nil {
		t.Errorf("an object is the file %q, %v", data, err)
	}
	same(t, "all", rels(t, bucket), "new/object.txt", "sub/by-hand.txt")
	if err := bucket.Join("sub").RemoveAll(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sub", "by-hand.txt")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a removed object's file: %v", err)
	}
	if fatal := inATest(func(t testing.TB) { s3pathtest.BucketInDir(t, filepath.Join(dir, "missing")) }); fatal == "" {
		t.Error("a directory that is not there does not end the test")
	}
}

// The caller's options are not written to.
func TestOptionsStayTheCallers(t *testing.T) {
	opts := make([]s3pathtest.Option, 1, 4)
	opts[0] = s3pathtest.WithPageSize(2)
	spare := opts[:2]
	s3pathtest.BucketInDir(t, t.TempDir(), opts...)
	if spare[1] != nil {
		t.Error("an option was added to the caller's")
	}
}

// A server's buckets share a client; further clients may ask as somebody else.
func TestServer(t *testing.T) {
	ctx := t.Context()
	var seen atomic.Pointer[http.Header]
	s := s3pathtest.NewServer(t, s3pathtest.WithFault(func(r *http.Request) bool {
		h := r.Header.Clone()
		seen.Store(&h)
		return false
	}, http.NotFoundHandler()))
	one, two := s.Bucket("one"), s.Bucket("two")
	if one.Client() != two.Client() {
		t.Error("the buckets have different clients")
	}
	if s.Bucket("one") != one {
		t.Error("the bucket of this name is another")
	}
	if err := one.Join("key").WriteText(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := one.Join("key").Copy(ctx, two.Join("copy")); err != nil {
		t.Error(err)
	}
	asks := func(what, who string, c *s3path.Client) {
		t.Helper()
		if text, err := c.Object("two", "copy").ReadText(ctx); text != "x" || err != nil {
			t.Errorf("%s: %q, %v", what, text, err)
		}
		if got := seen.Load().Get("Authorization"); who == "" && got != "" || !strings.Contains(got, who) {
			t.Errorf("%s: signed %q", what, got)
		}
	}
	asks("default", "Credential=test/", s.Client())
	asks("static keys", "Credential=mine/", s.Client(s3path.WithStaticCredentials("mine", "secret", "")))
	asks("anonymous", "", s.Client(s3path.WithAnonymous(), s3path.WithMaxAttempts(1)))
	asks("own configuration", "", s.Client(s3path.WithAWSConfig(aws.Config{})))
	asks("own SDK client", "", s.Client(s3path.WithS3Client(s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(s.URL), UsePathStyle: true}))))
	asks("another region", "/eu-west-1/", s.Client(s3path.WithRegion("eu-west-1")))
	if c := s.Client(s3path.WithEndpoint("http://127.0.0.1:1")); !strings.Contains(c.String(), "127.0.0.1:1,") {
		t.Errorf("an endpoint of the caller's: %v", c)
	}
	fatal := inATest(func(t testing.TB) { s3pathtest.NewServer(t).Client(s3path.WithAnonymous(), s3path.WithProfile("p")) })
	if !strings.Contains(fatal, "WithAnonymous") || !strings.Contains(fatal, "WithProfile") {
		t.Errorf("contradicting options end the test with %q", fatal)
	}
}

// The developer's machine does not matter.
func TestEnvironmentDoesNotMatter(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_PROFILE": "nowhere", "AWS_REGION": "no region", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
		"AWS_CA_BUNDLE": "/nowhere", "AWS_MAX_ATTEMPTS": "many", "AWS_REQUEST_CHECKSUM_CALCULATION": "sometimes", "AWS_CONFIG_FILE": t.TempDir(),
		"CLOUDPATH_CACHE_DIR": "/nowhere", "CLOUDPATH_CACHE_MODE": "sometimes",
	} {
		t.Setenv(name, value)
	}
	bucket := s3pathtest.Bucket(t, "bucket")
	if bucket.Client().Cache() != nil {
		t.Error("it has a cache")
	}
	if err := bucket.Join("key").WriteText(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	ctx := t.Context()
	t.Run("WithPageSize", func(t *testing.T) {
		var lists atomic.Int32
		bucket := s3pathtest.Bucket(t, "bucket", s3pathtest.WithPageSize(2), s3pathtest.WithFault(func(r *http.Request) bool {
			if r.URL.Query().Has("list-type") {
				lists.Add(1)
			}
			return false
		}, http.NotFoundHandler()))
		for i := range 5 {
			if err := bucket.Join(fmt.Sprint(i)).WriteText(ctx, "x"); err != nil {
				t.Fatal(err)
			}
		}
		same(t, "keys", rels(t, bucket), "0", "1", "2", "3", "4")
		if n := lists.Load(); n != 3 {
			t.Errorf("%d listings", n)
		}
	})
	t.Run("WithLatency", func(t *testing.T) {
		bucket := s3pathtest.Bucket(t, "bucket", s3pathtest.WithLatency(30*time.Millisecond))
		begin := time.Now()
		if _, err := bucket.Exists(ctx); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); took < 30*time.Millisecond {
			t.Errorf("one request took %v", took)
		}
	})
	t.Run("WithFault", func(t *testing.T) {
		refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		always := func(*http.Request) bool { return true }
		bucket := s3pathtest.Bucket(t, "bucket", s3pathtest.WithFault(always, refuse)) // which is made all the same
		if _, err := bucket.Join("key").ReadBytes(ctx); !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
		var once sync.Once
		first := func(*http.Request) (yes bool) { once.Do(func() { yes = true }); return yes }
		cut := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		bucket = s3pathtest.Bucket(t, "bucket", s3pathtest.WithFault(first, cut))
		if err := bucket.Join("key").WriteText(ctx, "x"); err != nil {
			t.Errorf("a connection that breaks once: %v", err)
		}
	})
	for name, opt := range map[string]s3pathtest.Option{
		"WithPageSize": s3pathtest.WithPageSize(0), "WithLatency": s3pathtest.WithLatency(-1), "a nil option": nil,
		"WithFault": s3pathtest.WithFault(nil, nil),
	} {
		if s, err := s3pathtest.Start(opt); err == nil || s != nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if fatal := inATest(func(t testing.TB) { s3pathtest.Bucket(t, "bucket", opt) }); !strings.Contains(fatal, name) {
			t.Errorf("%s ends the test with %q", name, fatal)
		}
	}
}

// Tests may run at once, each with a server of its own or all with one.
func TestParallel(t *testing.T) {
	s := s3pathtest.NewServer(t)
	t.Run("at once", func(t *testing.T) {
		for i := range 16 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				for _, bucket := range []s3path.S3Path{s3pathtest.Bucket(t, "bucket"), s.Bucket(fmt.Sprintf("bucket-%d", i))} {
					p := bucket.Join("key")
					if err := p.WriteText(t.Context(), fmt.Sprint(i)); err != nil {
						t.Error(err)
					}
					if text, err := p.ReadText(t.Context()); text != fmt.Sprint(i) || err != nil {
						t.Errorf("%q, %v", text, err)
					}
					same(t, "keys", rels(t, bucket), "key")
				}
			})
		}
	})
}

// Start is for programs that are no test.
func TestStart(t *testing.T) {
	s, err := s3pathtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p := s.Bucket("bucket").Join("key")
	if err := p.WriteText(t.Context(), "x"); err != nil {
		t.Error(err)
	}
	if _, err := s.NewClient(t.Context(), s3path.WithAnonymous(), s3path.WithProfile("p")); err == nil || !strings.Contains(err.Error(), "WithProfile") {
		t.Errorf("NewClient: %v", err)
	}
	panics := func(what string, fn func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s went on", what)
			}
		}()
		fn()
	}
	panics("Client", func() { s.Client(s3path.WithAnonymous(), s3path.WithProfile("p")) })
	panics("Bucket", func() { s.Bucket("No Such Name") })
}

// Close ends a server with requests under way, at once and as often as one
// likes; its clients fail then.
func TestClose(t *testing.T) {
	arrived := make(chan struct{}, 1)
	s, err := s3pathtest.Start(s3pathtest.WithFault(func(r *http.Request) bool { return r.Method == http.MethodHead }, http.HandlerFunc(
		func(_ http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; <-r.Context().Done() })))
	if err != nil {
		t.Fatal(err)
	}
	c := s.Client(s3path.WithMaxAttempts(1))
	bucket := s.Bucket("bucket")
	if err := bucket.Join("big").WriteBytes(t.Context(), make([]byte, 32<<20)); err != nil {
		t.Fatal(err)
	}
	r, err := bucket.Join("big").Open(t.Context()) // and nobody reads it
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	go func() { _, err := c.Object("bucket", "key").Stat(context.WithoutCancel(t.Context())); failed <- err }()
	<-arrived
	begin := time.Now()
	s.Close()
	s.Close()
	if took := time.Since(begin); took > 4*time.Second {
		t.Errorf("Close took %v", took)
	}
	if err := <-failed; err == nil {
		t.Error("a request under way succeeded")
	}
	if _, err := bucket.Exists(t.Context()); err == nil {
		t.Error("a client of the server's outlives it")
	}
	if _, err := s.NewClient(t.Context()); err == nil {
		t.Error("a client of a closed server")
	}
	_, _ = io.Copy(io.Discard, r)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// Close does not wait for answers that never come: of a handler that waits for the
// end of its request without having read it, or for something that comes after Close.
func TestCloseOfFaultsThatHang(t *testing.T) {
	later := make(chan struct{})
	defer close(later)
	for name, hang := range map[string]func(r *http.Request){
		"for the request": func(r *http.Request) { <-r.Context().Done() },
		"for the test":    func(*http.Request) { <-later },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := s3pathtest.Start(s3pathtest.WithFault(
				func(r *http.Request) bool { return r.Method == http.MethodPut },
				http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hang(r) })))
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			if err := s.Bucket("bucket").Join("key").WriteText(ctx, "x"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("it was written: %v", err)
			}
			begin := time.Now()
			s.Close()
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("Close took %v", took)
			}
		})
	}
}

// What the package promises of its server: conditions, versions, uploads in
// parts, presigned URLs.
func TestPromises(t *testing.T) {
	ctx := t.Context()
	bucket := s3pathtest.Bucket(t, "bucket")
	p := bucket.Join("key")
	if err := p.WriteText(ctx, "first", s3path.WithNoOverwrite()); err != nil {
		t.Fatal(err)
	}
	if err := p.WriteText(ctx, "second", s3path.WithNoOverwrite()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("WithNoOverwrite: %v", err)
	}
	if err := p.WriteText(ctx, "second", s3path.WithIfMatch("other")); !errors.Is(err, cloudpath.ErrPreconditionFailed) {
		t.Errorf("WithIfMatch: %v", err)
	}
	big := make([]byte, 9<<20)
	if err := bucket.Join("big").WriteBytes(ctx, big); err != nil {
		t.Error(err)
	}
	if info, err := bucket.Join("big").Stat(ctx); err != nil || info.Size() != 9<<20 || !strings.HasSuffix(info.ETag(), "-2") {
		t.Errorf("an upload in parts: %d bytes, ETag %s, %v", info.Size(), info.ETag(), err)
	}
	url, err := p.PresignGet(ctx, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); string(body) != "first" || err != nil {
		t.Errorf("a presigned URL: %s %q %v", resp.Status, body, err)
	}
	if url, err = p.PresignGet(ctx, time.Second); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond)
	late, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer late.Body.Close()
	if late.StatusCode != http.StatusForbidden {
		t.Errorf("a presigned URL after its time: %s", late.Status)
	}
	sdk := bucket.Client().S3()
	_, err = sdk.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: aws.String("bucket"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.WriteText(ctx, "second"); err != nil {
		t.Fatal(err)
	}
	versions := 0
	for _, err := range p.Versions(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		versions++
	}
	if versions != 2 {
		t.Errorf("%d versions", versions)
	}
}
