package s3path_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// settled is a package variable, as programs have them.
var settled = s3path.MustParse("s3://bucket/key")

// The default client is configured by its first request: paths are made and
// decoded whatever the environment says, a wrong environment is that request's
// error, and a corrected one is used by the next.
func TestDefaultClientIsLazy(t *testing.T) {
	s3path.ForgetDefaultClient(t)
	bareEnvironment(t)
	l := listen(t, object)
	t.Setenv("AWS_PROFILE", "nowhere")
	t.Setenv("AWS_ENDPOINT_URL", "http://user:hunter2@wrong")
	t.Setenv("AWS_MAX_ATTEMPTS", "many")

	p, err := s3path.Parse("s3://bucket/key")
	if err != nil || p != settled {
		t.Fatalf("Parse: %v, %v", p, err)
	}
	var decoded struct{ Path s3path.S3Path }
	if err := json.Unmarshal([]byte(`{"Path":"s3://bucket/key"}`), &decoded); err != nil || decoded.Path != p {
		t.Fatalf("unmarshalled: %v, %v", decoded.Path, err)
	}
	if got := s3path.DefaultClient().String(); got != "s3path.Client(default, not yet used)" {
		t.Errorf("String configures it: %s", got)
	}
	if got := fmt.Sprintf("%v %+v", p, p.Join("a").Parent()); got != "s3://bucket/key s3://bucket/key" {
		t.Error(got)
	}

	for range 2 { // it is no error for ever, and no error only once
		_, err = p.Stat(t.Context())
		if failed, ok := errors.AsType[*fs.PathError](err); !ok || failed.Path != p.String() || failed.Op != "stat" ||
			!strings.Contains(err.Error(), "default client") || !strings.Contains(err.Error(), "environment") {
			t.Errorf("a wrong environment: %v", err)
		}
		noCanary(t, "a wrong environment", err, "hunter2")
	}
	if p.Client().S3() != nil {
		t.Error("S3 gives an SDK client that cannot be configured")
	}
	if p.URL() != "" {
		t.Errorf("URL is %q", p.URL())
	}

	unset(t, "AWS_MAX_ATTEMPTS")
	unset(t, "AWS_PROFILE")
	if _, err := p.Stat(t.Context()); !errors.Is(err, s3path.ErrInvalidEndpoint) || !strings.Contains(err.Error(), "AWS_ENDPOINT_URL") {
		t.Errorf("half corrected: %v", err)
	}
	t.Setenv("AWS_ENDPOINT_URL", l.URL)
	if _, err := p.Stat(t.Context()); err != nil {
		t.Errorf("corrected: %v", err)
	}
	if n := l.Count(); n != 1 {
		t.Errorf("%d requests", n)
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
	if _, err := settled.Stat(t.Context()); err != nil {
		t.Errorf("configured once and for all: %v", err)
	}
	if got, want := s3path.DefaultClient().String(), fmt.Sprintf("s3path.Client(%s, us-east-1)", l.URL); got != want {
		t.Errorf("String is %s, want %s", got, want)
	}
}

// Any number of goroutines may make the first request.
func TestDefaultClientFirstRequests(t *testing.T) {
	s3path.ForgetDefaultClient(t)
	bareEnvironment(t)
	l := listen(t, object)
	t.Setenv("AWS_ENDPOINT_URL", l.URL)
	var wg sync.WaitGroup
	seen := make([]any, 64)
	for i := range seen {
		wg.Go(func() {
			if _, err := settled.Stat(t.Context()); err != nil {
				t.Error(err)
			}
			seen[i] = s3path.DefaultClient().S3()
		})
	}
	wg.Wait()
	for _, sdk := range seen {
		if sdk != seen[0] {
			t.Fatal("it was configured more than once")
		}
	}
}

// The zero Client is no client: what asks with it is an error.
func TestZeroClient(t *testing.T) {
	c := &s3path.Client{}
	p := c.Object("bucket", "key")
	_, stat := p.Stat(t.Context())
	_, buckets := buckets(t.Context(), c)
	_, address := c.PathFromURL("https://host/bucket/key")
	for what, err := range map[string]error{"Stat": stat, "Buckets": buckets, "PathFromURL": address, "Walk": last(p.Walk(t.Context()))} {
		if _, ok := errors.AsType[*fs.PathError](err); !ok || !strings.Contains(err.Error(), "NewClient") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if c.S3() != nil || c.Cache() != nil || p.URL() != "" {
		t.Error("it has something")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// SetDefaultClient is in force for all paths of the default client, made before
// or after; nil goes back to the environment's.
func TestSetDefaultClient(t *testing.T) {
	s3path.ForgetDefaultClient(t)
	bareEnvironment(t)
	fromEnvironment, one, two := listen(t, object), listen(t, object), listen(t, object)
	t.Setenv("AWS_ENDPOINT_URL", fromEnvironment.URL)
	asked := func(l *listener, paths ...s3path.S3Path) {
		t.Helper()
		for _, p := range paths {
			before := l.Count()
			if _, err := p.Stat(t.Context()); err != nil {
				t.Error(err)
			}
			if l.Count() != before+1 {
				t.Errorf("%v did not ask %s", p, l.URL)
			}
		}
	}
	first := openClient(t, s3path.WithEndpoint(one.URL), s3path.WithAnonymous())
	second := openClient(t, s3path.WithEndpoint(two.URL), s3path.WithAnonymous())
	own := second.MustParse("s3://bucket/key")

	s3path.SetDefaultClient(first)
	if s3path.DefaultClient() != first || settled.Client() != first {
		t.Error("DefaultClient is another")
	}
	after := s3path.MustParse("s3://bucket/key")
	asked(one, settled, after, settled.Join("child"))
	asked(two, own)

	s3path.SetDefaultClient(second)
	asked(two, settled, own)
	s3path.SetDefaultClient(s3path.DefaultClient())
	asked(two, settled)

	s3path.SetDefaultClient(nil)
	asked(fromEnvironment, settled)
	s3path.SetDefaultClient(first)
	asked(one, settled)

	var wg sync.WaitGroup // while requests are under way
	for i := range 16 {
		wg.Go(func() {
			if i%2 == 0 {
				s3path.SetDefaultClient(second)
			}
			if _, err := settled.Stat(t.Context()); err != nil {
				t.Error(err)
			}
			_ = s3path.DefaultClient().String()
		})
	}
	wg.Wait()
}

func TestClose(t *testing.T) {
	l := listen(t, object)
	c := openClient(t, s3path.WithEndpoint(l.URL), keys())
	p := c.Object("bucket", "key")
	if _, err := p.Stat(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := p.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	before := l.Count()
	for name, do := range map[string]func() error{
		"Stat":   func() error { _, err := p.Stat(t.Context()); return err },
		"Read":   func() error { _, err := p.ReadBytes(t.Context()); return err },
		"Write":  func() error { return p.WriteText(t.Context(), "x") },
		"Remove": func() error { return p.Remove(t.Context()) },
		"Walk": func() error {
			for _, err := range p.Parent().Walk(t.Context()) {
				return err
			}
			return nil
		},
		"Buckets": func() error {
			for _, err := range c.Buckets(t.Context()) {
				return err
			}
			return nil
		},
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "closed") {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
	if l.Count() != before {
		t.Error("requests were made after Close")
	}
	if got := c.S3(); got != nil {
		t.Error("S3 after Close")
	}
	if got := p.Join("x").String(); got != "s3://bucket/key/x" {
		t.Errorf("a pure method after Close: %s", got)
	}
	buf := make([]byte, 8)
	if n, _ := r.Read(buf); string(buf[:n]) != "hello" {
		t.Errorf("a Reader that was open: %q", buf[:n])
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if l.Conns() == 0 {
		t.Error("no connection was counted")
	}
}

// Of a closed default client a new one can take the place.
func TestCloseOfTheDefaultClient(t *testing.T) {
	s3path.ForgetDefaultClient(t)
	bareEnvironment(t)
	if err := s3path.DefaultClient().Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := settled.Stat(t.Context()); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("closed: %v", err)
	}
	bucket := s3pathtest.Bucket(t, "bucket")
	s3path.SetDefaultClient(bucket.Client())
	if ok, err := settled.Exists(t.Context()); ok || err != nil {
		t.Errorf("replaced: %v, %v", ok, err)
	}
}
