package s3path_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// keys are credentials for a server that does not look at them.
func keys() s3path.ClientOption { return s3path.WithStaticCredentials("key", "secret", "") }

// ---- redirects

// A redirect to another host is not followed, whoever brought the HTTP client,
// and that host sees no request at all: no session token, no customer's key.
func TestRedirectsAreNotFollowed(t *testing.T) {
	thief := listen(t, object)
	for _, status := range []int{301, 302, 303, 307, 308} {
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+strings.Replace(thief.host(), "127.0.0.1", "localhost", 1)+r.URL.Path, status)
		})
		static := configOf("key", "secret")
		with := func(client aws.HTTPClient) s3path.ClientOption {
			cfg := static.Copy()
			cfg.HTTPClient = client
			return s3path.WithAWSConfig(cfg)
		}
		for _, row := range []struct {
			name string
			opt  s3path.ClientOption
		}{
			{"none", s3path.WithStaticCredentials("key", "secret", "TOKEN")},
			{"WithHTTPClient", s3path.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})},
			{"an http.Client in the configuration", with(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}})},
			{"the SDK's buildable client in the configuration", with(awshttp.NewBuildableClient())},
			{"the SDK's frozen client in the configuration", with(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true }).Freeze())},
		} {
			t.Run(fmt.Sprint(status, " ", row.name), func(t *testing.T) {
				opts := []s3path.ClientOption{s3path.WithEndpoint(l.URL), row.opt}
				if row.name == "WithHTTPClient" {
					opts = append(opts, s3path.WithStaticCredentials("key", "secret", "TOKEN"))
				}
				p := openClient(t, opts...).Object("bucket", "key")
				_, get := p.ReadBytes(t.Context())
				_, head := p.Stat(t.Context())
				put := p.WriteText(t.Context(), "x")
				for what, err := range map[string]error{"GET": get, "HEAD": head, "PUT": put} {
					want := s3path.ErrWrongRegion
					if status != 301 && status != 307 {
						want = cloudpath.ErrProtocol
					}
					if !errors.Is(err, want) || !strings.Contains(err.Error(), "localhost") {
						t.Errorf("%s: %v", what, err)
					}
				}
				if n := thief.Count(); n != 0 {
					t.Fatalf("the other host was asked %q", thief.Requests().Operations())
				}
			})
		}
	}
}

// An HTTP client of another kind decides itself whether it follows; an answer
// of another host is not taken.
func TestForeignHTTPClient(t *testing.T) {
	l := listen(t, object)
	cfg := configOf("key", "secret")
	var asked atomic.Int32
	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		asked.Add(1)
		return http.DefaultTransport.RoundTrip(r)
	})
	c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(cfg))
	if err := stat(t, c); err != nil || asked.Load() != 1 {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}

	thief := listen(t, object)
	from := listen(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, http.StatusFound) })
	follows := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	cfg.HTTPClient = smithyhttp.ClientDoFunc(follows.Do)
	_, err := openClient(t, s3path.WithEndpoint(from.URL), s3path.WithAWSConfig(cfg)).Object("bucket", "key").ReadBytes(t.Context())
	if err == nil || !strings.Contains(err.Error(), thief.host()) {
		t.Errorf("an answer of another host: %v", err)
	}
	if n := from.Count(); n != 1 {
		t.Errorf("asked %d times", n)
	}

	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) { return nil, nil })
	if err := stat(t, openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(cfg), s3path.WithMaxAttempts(1))); err == nil {
		t.Error("no answer is no error")
	}
}

// ---- the caller's HTTP client

// WithHTTPClient: its transport, its jar and its timeout are used, and the
// caller's value stays as it was.
func TestWithHTTPClient(t *testing.T) {
	w := &wire{answer: object}
	own := &http.Client{Transport: w, Timeout: 70 * time.Millisecond}
	c := openClient(t, s3path.WithEndpoint("http://s3.test"), keys(), s3path.WithHTTPClient(own))
	if err := stat(t, c); err != nil {
		t.Fatal(err)
	}
	if len(w.requests()) != 1 {
		t.Error("its transport was not asked")
	}
	if own.Transport != w || own.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}

	l := listen(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	slow := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithMaxAttempts(1), s3path.WithHTTPClient(&http.Client{Timeout: 50 * time.Millisecond}))
	begin := time.Now()
	if err := stat(t, slow); err == nil || time.Since(begin) > 5*time.Second {
		t.Errorf("its timeout: %v after %v", err, time.Since(begin))
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithHTTPClient(nil)); err == nil || !strings.Contains(err.Error(), "WithHTTPClient") {
		t.Errorf("nil: %v", err)
	}
	// It comes before the configuration's.
	cfg := configOf("k", "s")
	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(*http.Request) (*http.Response, error) { return nil, errors.New("not me") })
	if err := stat(t, openClient(t, s3path.WithEndpoint("http://s3.test"), s3path.WithAWSConfig(cfg), s3path.WithHTTPClient(&http.Client{Transport: w}))); err != nil {
		t.Error(err)
	}
}

// The buildable client of an aws.Config: its transport, its timeout and its read
// timeout are used.
func TestBuildableClient(t *testing.T) {
	l := listen(t, object)
	var dialed atomic.Int32
	build := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			dialed.Add(1)
			var d net.Dialer
			return d.DialContext(ctx, network, address)
		}
	})
	open := func(url string, client aws.HTTPClient) *s3path.Client {
		cfg := configOf("k", "s")
		cfg.HTTPClient = client
		return openClient(t, s3path.WithEndpoint(url), s3path.WithAWSConfig(cfg), s3path.WithMaxAttempts(1))
	}
	if err := stat(t, open(l.URL, build)); err != nil || dialed.Load() != 1 {
		t.Errorf("dialed %d times, %v", dialed.Load(), err)
	}
	if err := stat(t, open(l.URL, (*http.Client)(nil))); err != nil {
		t.Errorf("a nil client: %v", err)
	}
	mute := listen(t, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, client := range map[string]aws.HTTPClient{
		"timeout": build.WithTimeout(50 * time.Millisecond), "read timeout": build.WithReadTimeout(50 * time.Millisecond),
	} {
		begin := time.Now()
		if err := stat(t, open(mute.URL, client)); err == nil || time.Since(begin) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(begin))
		}
	}
}

// ---- TLS

func TestTLSIsVerified(t *testing.T) {
	bareEnvironment(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(object))
	server.Config.ErrorLog = nil
	server.StartTLS()
	defer server.Close()

	// Somebody spoils the defaults of the whole program.
	spoiled := http.DefaultTransport
	defer func() { http.DefaultTransport = spoiled }()
	loose := http.DefaultTransport.(*http.Transport).Clone()
	loose.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	http.DefaultTransport = loose

	open := func(opts ...s3path.ClientOption) *s3path.Client {
		return openClient(t, append([]s3path.ClientOption{s3path.WithEndpoint(server.URL), s3path.WithMaxAttempts(1)}, opts...)...)
	}
	for name, opts := range map[string][]s3path.ClientOption{
		"default": {keys()}, "anonymous": {s3path.WithAnonymous()}, "own configuration": {s3path.WithAWSConfig(configOf("k", "s"))},
		"a client without a transport": {keys(), s3path.WithHTTPClient(&http.Client{})},
	} {
		err := stat(t, open(opts...))
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok || !strings.Contains(err.Error(), "AWS_CA_BUNDLE") {
			t.Errorf("%s: %v", name, err)
		}
	}

	// Trusted by the environment, for every client that asks it.
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	writeFile(t, bundle, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	t.Setenv("AWS_CA_BUNDLE", bundle)
	for name, opt := range map[string]s3path.ClientOption{"default": keys(), "anonymous": s3path.WithAnonymous()} {
		if err := stat(t, open(opt)); err != nil {
			t.Errorf("AWS_CA_BUNDLE, %s: %v", name, err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	trusting := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
	if err := stat(t, open(keys(), s3path.WithHTTPClient(trusting))); err != nil {
		t.Errorf("WithHTTPClient: %v", err)
	}
	for _, file := range []string{filepath.Join(t.TempDir(), "missing"), os.Args[0]} {
		t.Setenv("AWS_CA_BUNDLE", file)
		for _, opt := range []s3path.ClientOption{keys(), s3path.WithAnonymous()} {
			if _, err := s3path.NewClient(t.Context(), opt); err == nil {
				t.Errorf("AWS_CA_BUNDLE=%s is no error", file)
			}
		}
	}
}

// A program that has replaced http.DefaultTransport can make clients.
func TestForeignDefaultTransport(t *testing.T) {
	l := listen(t, object)
	usual := http.DefaultTransport
	defer func() { http.DefaultTransport = usual }()
	http.DefaultTransport = &wire{answer: refuseAll(500, "", "")}
	if err := stat(t, openClient(t, s3path.WithEndpoint(l.URL), keys())); err != nil {
		t.Error(err)
	}
}

// ---- stalls

// stalling serves the first n requests by going silent where a test wants it.
func stalling(t *testing.T, n int32, stall http.HandlerFunc) *listener {
	var count atomic.Int32
	return listen(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= n {
			stall(w, r)
			return
		}
		object(w, r)
	})
}

func mute(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// halfway sends the beginning of the object and goes silent.
func halfway(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
	w.Header().Set("Content-Length", "5")
	_, _ = io.WriteString(w, "he")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// halfAList sends the beginning of a listing and goes silent.
func halfAList(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket`)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestStallIsRetried(t *testing.T) {
	const stall = 100 * time.Millisecond
	ranged := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			object(w, r)
			return
		}
		if r.Header.Get("Range") != "bytes=2-4" || r.Header.Get("If-Match") == "" {
			t.Errorf("resumed with %q", r.Header)
		}
		w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		w.Header().Set("Content-Range", "bytes 2-4/5")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "llo")
	}
	open := func(l *listener) s3path.S3Path {
		return openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall)).Object("bucket", "key")
	}
	read := func(p s3path.S3Path) error {
		got, err := p.ReadText(t.Context())
		if err == nil && got != "hello" {
			err = fmt.Errorf("read %q", got)
		}
		return err
	}
	for _, row := range []struct {
		name   string
		server *listener
		do     func(p s3path.S3Path) error
	}{
		{"HEAD before the headers", stalling(t, 1, mute), func(p s3path.S3Path) error { _, err := p.Stat(t.Context()); return err }},
		{"GET before the headers", stalling(t, 1, mute), read},
		{"PUT before the headers", stalling(t, 1, mute), func(p s3path.S3Path) error { return p.WriteText(t.Context(), "x") }},
		{"GET in the middle of the body", func() *listener {
			var n atomic.Int32
			return listen(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					halfway(w, r)
					return
				}
				ranged(w, r)
			})
		}(), read},
		{"LIST in the middle of the body", stalling(t, 1, halfAList), func(p s3path.S3Path) error {
			for _, err := range p.Parent().Walk(t.Context()) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if err := row.do(open(row.server)); err != nil {
				t.Error(err)
			}
			if n := row.server.Count(); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A server that stays silent is an error that says so, and a timeout.
func TestStallForever(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
	}{{"before the headers", mute}, {"in the middle of the body", halfway}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, row.answer)
			c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(50*time.Millisecond), s3path.WithMaxAttempts(2))
			_, err := c.Object("bucket", "key").ReadBytes(t.Context())
			if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "no byte for 50ms") {
				t.Error(err)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Error("the caller's deadline has not passed")
			}
		})
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithStallTimeout(-1)); err == nil || !strings.Contains(err.Error(), "WithStallTimeout") {
		t.Errorf("a negative time: %v", err)
	}
}

// What is slow but moves is not given up, in either direction, and neither is an
// answer that its reader leaves lying.
func TestSlowIsNotStalled(t *testing.T) {
	const stall = 150 * time.Millisecond
	pace := func(n int, step func()) { // n steps that take three times the stall
		tick := time.NewTicker(3 * stall / time.Duration(n))
		defer tick.Stop()
		for range n {
			<-tick.C
			step()
		}
	}
	t.Run("a slow answer", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", "10")
			pace(10, func() {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			})
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall))
		got, err := c.Object("bucket", "key").ReadText(t.Context())
		if got != "xxxxxxxxxx" || err != nil || l.Count() != 1 {
			t.Errorf("%q, %v after %d requests", got, err, l.Count())
		}
	})
	t.Run("a slow upload", func(t *testing.T) {
		t.Parallel()
		// Without sockets, which take some megabytes before anybody reads.
		w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
			pace(16, func() { _, _ = io.CopyN(io.Discard, r.Body, 64<<10) })
			object(w, r)
		}}
		c := openClient(t, s3path.WithEndpoint("http://s3.test"), keys(), s3path.WithStallTimeout(stall), s3path.WithHTTPClient(w.client()))
		err := c.Object("bucket", "key").WriteBytes(t.Context(), make([]byte, 1<<20))
		if err != nil || len(w.requests()) != 1 {
			t.Errorf("%v after %d requests", err, len(w.requests()))
		}
	})
	t.Run("a slow reader", func(t *testing.T) {
		t.Parallel()
		const size = 1 << 20 // no buffer holds all of it
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(make([]byte, size))
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall))
		r, err := c.Object("bucket", "key").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var read int
		pace(2, func() {
			n, _ := io.ReadFull(r, make([]byte, 1000))
			read += n
		})
		rest, err := io.Copy(io.Discard, r)
		if int(rest)+read != size || err != nil || l.Count() != 1 {
			t.Errorf("%d bytes, %v after %d requests", int(rest)+read, err, l.Count())
		}
	})
	t.Run("no stall timeout", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			pace(1, func() { object(w, r) })
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(0))
		if err := stat(t, c); err != nil || l.Count() != 1 {
			t.Errorf("%v after %d requests", err, l.Count())
		}
	})
}

// ---- the caller's context

// A deadline, or a cancelled context, ends a call at once, wherever it waits.
func TestContextEndsACallAtOnce(t *testing.T) {
	busy := listen(t, refuseAll(503, "SlowDown", "Please reduce your request rate."))
	silent := listen(t, mute)
	arrived := make(chan struct{}, 1)
	held := listen(t, func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; mute(w, r) })
	half := listen(t, halfway)
	list := listen(t, halfAList)
	parts := listen(t, func(w http.ResponseWriter, r *http.Request) { // begins and ends uploads, takes no part
		switch {
		case r.Method == http.MethodPut:
			mute(w, r)
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, `<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>`)
		default:
			object(w, r)
		}
	})
	read := func(ctx context.Context, p s3path.S3Path) error { _, err := p.ReadBytes(ctx); return err }
	for _, row := range []struct {
		name   string
		server *listener
		opts   []s3path.ClientOption
		do     func(ctx context.Context, p s3path.S3Path) error
	}{
		{"before the headers", silent, nil, read},
		{"in the middle of the body", half, nil, read},
		{"in the middle of a listing", list, nil, func(ctx context.Context, p s3path.S3Path) error {
			for _, err := range p.Parent().Walk(ctx) {
				return err
			}
			return nil
		}},
		{"between two attempts", busy, []s3path.ClientOption{s3path.WithMaxAttempts(1000)}, read},
		{"waiting for a permit", held, []s3path.ClientOption{s3path.WithConcurrency(1)}, func(ctx context.Context, p s3path.S3Path) error {
			block, cancel := context.WithCancel(context.WithoutCancel(ctx))
			done := make(chan struct{})
			go func() { defer close(done); _ = read(block, p) }()
			defer func() { cancel(); <-done }()
			<-arrived // the one permit is taken
			return read(ctx, p)
		}},
		{"a write", silent, nil, func(ctx context.Context, p s3path.S3Path) error { return p.WriteText(ctx, "x") }},
		{"a write in parts", parts, nil, func(ctx context.Context, p s3path.S3Path) error {
			return p.WriteBytes(ctx, make([]byte, 9<<20))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := openClient(t, append([]s3path.ClientOption{s3path.WithEndpoint(row.server.URL), keys()}, row.opts...)...)
			p := c.Object("bucket", "key")
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
			defer cancel()
			begin := time.Now()
			if err := row.do(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("deadline: %v", err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("deadline: after %v", took)
			}
			ctx, cancel = context.WithCancel(t.Context())
			begin = time.Now()
			time.AfterFunc(60*time.Millisecond, cancel)
			if err := row.do(ctx, p); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("cancelled: after %v", took)
			}
			before := row.server.Count()
			if err := row.do(ctx, p); row.name != "waiting for a permit" && (!errors.Is(err, context.Canceled) || row.server.Count() != before) {
				t.Errorf("cancelled before: %v after %d requests", err, row.server.Count()-before)
			}
		})
	}
}

// ---- retries

func TestRetries(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		tried  bool
	}{
		{"500", refuseAll(500, "InternalError", "We encountered an internal error."), true},
		{"502", text(502, "<html>"), true},
		{"503", refuseAll(503, "SlowDown", "Please reduce your request rate."), true},
		{"503 without a word", text(503, ""), true},
		{"429", refuseAll(429, "TooManyRequests", ""), true},
		{"429 without a word", text(429, ""), true},
		{"a broken connection", cut, true},
		{"400", refuseAll(400, "InvalidRequest", ""), false},
		{"403", refuseAll(403, "AccessDenied", ""), false},
		{"404", refuseAll(404, "NoSuchKey", ""), false},
		{"412", refuseAll(412, "PreconditionFailed", ""), false},
		{"501", refuseAll(501, "NotImplemented", ""), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := stalling(t, 1, row.answer)
			p := openClient(t, s3path.WithEndpoint(l.URL), keys()).Object("bucket", "key")
			err := p.WriteText(t.Context(), "body") // which is sent again whole
			if (err == nil) != row.tried {
				t.Error(err)
			}
			want := 1
			if row.tried {
				want = 2
			}
			if n := l.Requests().Operation("PutObject"); len(n) != want {
				t.Errorf("%d attempts, want %d", len(n), want)
			}
			if last := l.last(t); row.tried && last.RequestBytes < 4 {
				t.Errorf("the second attempt sent %d bytes", last.RequestBytes)
			}
		})
	}
}

// How often a request is tried: WithMaxAttempts, else AWS_MAX_ATTEMPTS, else 3.
func TestMaxAttempts(t *testing.T) {
	bareEnvironment(t)
	var wg sync.WaitGroup // of the requests; the clients are made one by one, for each its environment
	attempts := func(what string, want int, opts ...s3path.ClientOption) {
		l := listen(t, text(503, ""))
		p := openClient(t, append([]s3path.ClientOption{s3path.WithEndpoint(l.URL)}, opts...)...).Object("bucket", "key")
		wg.Go(func() {
			_, err := p.ReadBytes(t.Context())
			if err == nil || !strings.Contains(err.Error(), "fewer requests") {
				t.Errorf("%s: %v", what, err)
			}
			if n := l.Count(); n != want {
				t.Errorf("%s: %d attempts, want %d", what, n, want)
			}
		})
	}
	attempts("default", 3, keys())
	attempts("option", 1, keys(), s3path.WithMaxAttempts(1))
	attempts("option", 2, keys(), s3path.WithMaxAttempts(2))
	attempts("own configuration", 2, s3path.WithAWSConfig(aws.Config{RetryMaxAttempts: 2}))
	attempts("own retryer", 1, s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }}))
	attempts("own retryer of the SDK's kind", 2, s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 })
	}}))
	attempts("own retryer, option", 2, s3path.WithMaxAttempts(2), s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 5 })
	}}))
	attempts("own retryer for S3", 1, s3path.WithAWSConfig(aws.Config{ServiceOptions: []func(string, any){func(_ string, o any) {
		if o, ok := o.(*s3.Options); ok {
			o.Retryer = aws.NopRetryer{}
		}
	}}}))
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	attempts("AWS_MAX_ATTEMPTS", 2, keys())
	attempts("AWS_MAX_ATTEMPTS, anonymous", 2, s3path.WithAnonymous())
	attempts("option before AWS_MAX_ATTEMPTS", 1, keys(), s3path.WithMaxAttempts(1))
	t.Setenv("AWS_RETRY_MODE", "adaptive")
	attempts("AWS_RETRY_MODE", 2, keys())
	wg.Wait()
	for _, n := range []int{0, -1} {
		if _, err := s3path.NewClient(t.Context(), s3path.WithMaxAttempts(n)); err == nil || !strings.Contains(err.Error(), "WithMaxAttempts") {
			t.Errorf("%d attempts: %v", n, err)
		}
	}
}

// No budget is shared: a prefix that fails for long takes no retries from the
// rest of the client. (The SDK's own budget is spent after 100 failures.)
func TestNoRetryBudget(t *testing.T) {
	l := listen(t, text(503, ""))
	const n = 150
	c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithMaxAttempts(2), s3path.WithConcurrency(n))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := c.Object("bucket", "key").ReadBytes(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
	wg.Wait()
	if got := l.Count(); got != 2*n {
		t.Errorf("%d attempts at %d requests that failed, want %d", got, n, 2*n)
	}
}

// ---- connections

// 30 bursts of 32 requests use no more connections than one burst needs.
func TestConnectionsAreReused(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "key=x")
		for range 30 {
			var wg sync.WaitGroup
			for range 32 {
				wg.Go(func() {
					if _, err := at.object("key").Stat(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
		}
		if n, conns := at.Proxy.Count(), at.Proxy.Conns(); n != 30*32 || conns > 32 {
			t.Errorf("%d requests over %d connections", n, conns)
		}
	})
}

// WithConcurrency bounds the requests under way in the whole client, with an SDK
// client of the caller's own too; what the caller holds open does not count.
func TestConcurrencyOfAClient(t *testing.T) {
	arrived := make(chan struct{}, 64)
	l := listen(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		object(w, r)
	})
	l.SetLatency(2 * time.Millisecond)
	sdk := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(l.URL), UsePathStyle: true})
	for name, c := range map[string]*s3path.Client{
		"own":        openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithConcurrency(3)),
		"SDK client": openClient(t, s3path.WithS3Client(sdk), s3path.WithConcurrency(3)),
	} {
		l.Reset()
		var open []*s3path.Reader
		for range 10 { // more than there are permits
			r, err := c.Object("bucket", "key").Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, r)
		}
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if err := stat(t, c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if peak := l.Peak(); peak > 3 {
			t.Errorf("%s: %d requests at once", name, peak)
		}
		for _, r := range open {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		for len(arrived) > 0 {
			<-arrived
		}
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithConcurrency(0)); err == nil || !strings.Contains(err.Error(), "WithConcurrency") {
		t.Errorf("0: %v", err)
	}
}

// One client serves any number of goroutines.
func TestManyGoroutines(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				ctx := t.Context()
				p := at.object(fmt.Sprintf("dir%d/key", i%8)).Join(fmt.Sprint(i))
				body := bytes.Repeat([]byte{byte(i)}, 1000+i)
				if err := p.WriteBytes(ctx, body); err != nil {
					t.Error(err)
					return
				}
				got, err := p.ReadBytes(ctx)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%v: %d bytes, %v", p, len(got), err)
				}
				if ok, err := p.Exists(ctx); !ok || err != nil {
					t.Error(p, ok, err)
				}
				if err := p.Remove(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		same(t, "keys", at.keys(t), nil)
	})
}

// ---- what goes with every request

// Every operation on a bucket says who pays and whose the bucket should be, the
// source of a copy and the parts of an upload included.
func TestRequestPayerAndOwner(t *testing.T) {
	const owner = "123456789012"
	opts := []s3path.ClientOption{s3path.WithRequestPayer(), s3path.WithExpectedBucketOwner(owner), s3path.WithPartSize(5 << 20)}
	for _, kind := range []string{"client", "SDK client"} {
		t.Run(kind, func(t *testing.T) {
			at := newPlace(t, matrix.Servers()[0])
			c := at.newClient(t, opts...)
			if kind == "SDK client" {
				sdk := s3.New(s3.Options{Region: at.Region, BaseEndpoint: aws.String(at.URL), UsePathStyle: true,
					Credentials: configOf(at.AccessKey, at.SecretKey).Credentials})
				c = openClient(t, append(opts, s3path.WithS3Client(sdk))...)
			}
			at.client, at.bucket = c, c.Object(at.bucket.Bucket(), "")
			everyOperation(t, at)
			seen := map[string]bool{}
			for _, r := range at.Proxy.Requests() {
				seen[r.Operation] = true
				if r.Header.Get("X-Amz-Request-Payer") != "requester" && r.Operation != "ListBuckets" && r.Operation != "CreateBucket" {
					t.Errorf("%s does not say who pays", r.Operation)
				}
				if got := r.Header.Get("X-Amz-Expected-Bucket-Owner"); (got == owner) == (r.Operation == "ListBuckets" || r.Operation == "CreateBucket") {
					t.Errorf("%s: expected owner %q", r.Operation, got)
				}
				if source := r.Header.Get("X-Amz-Copy-Source") != ""; source != (r.Header.Get("X-Amz-Source-Expected-Bucket-Owner") == owner) {
					t.Errorf("%s: expected owner of the source %q", r.Operation, r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"))
				}
			}
			for _, name := range everyOperationMakes {
				if !seen[name] {
					t.Errorf("no %s was made", name)
				}
			}
		})
	}
	for _, bad := range []string{"", "12345", "12345678901x", "1234567890123"} {
		if _, err := s3path.NewClient(t.Context(), s3path.WithExpectedBucketOwner(bad)); err == nil || !strings.Contains(err.Error(), "WithExpectedBucketOwner") {
			t.Errorf("owner %q: %v", bad, err)
		}
	}
}

// everyOperationMakes are the operations that everyOperation has the client make.
var everyOperationMakes = []string{
	"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload", "DeleteBucket", "DeleteObject",
	"DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectTagging", "HeadObject", "ListBuckets", "ListMultipartUploads",
	"ListObjectVersions", "ListObjectsV2", "PutObject", "PutObjectTagging", "RestoreObject", "UploadPart", "UploadPartCopy",
}

// everyOperation has a client make every request that it knows.
func everyOperation(t *testing.T, at *place) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	big := make([]byte, 6<<20)
	must(at.object("dir/small").WriteText(ctx, "x", s3path.WithTags(map[string]string{"a": "b"})))
	must(at.object("dir/big").WriteBytes(ctx, big))
	_, err := at.object("dir/small").ReadBytes(ctx)
	must(err)
	_, err = at.object("dir/small").ReadRange(ctx, 0, 1)
	must(err)
	_, err = at.object("dir/small").Stat(ctx)
	must(err)
	must(at.object("dir/small").Copy(ctx, at.object("dir/copy")))
	must(at.object("dir/big").Copy(ctx, at.object("dir/new"), s3path.WithNoOverwrite())) // in parts
	must(at.object("dir/small").SetTags(ctx, map[string]string{"c": "d"}))
	_, err = at.object("dir/small").Tags(ctx)
	must(err)
	must(at.object("dir/small").SetTags(ctx, nil))
	rels(t, at.bucket.Walk(ctx))
	rels(t, at.bucket.Versions(ctx))
	_, err = at.client.AbortStale(ctx, at.bucket, 0)
	must(err)
	if err := at.object("dir/small").Restore(ctx, 1, s3path.RestoreStandard); err == nil {
		t.Error("restored what is not archived")
	}
	w, err := at.object("dir/aborted").Create(ctx)
	must(err)
	_, err = w.Write(big)
	must(err)
	must(w.Abort())
	must(at.object("dir/copy").Remove(ctx))
	must(at.object("dir").RemoveAll(ctx))
	other := at.client.Object(at.bucket.Bucket()+"2", "")
	must(other.Mkdir(ctx))
	for _, err := range at.client.Buckets(ctx) {
		must(err)
	}
	must(other.Remove(ctx))
}

// A presigned URL of such a client works without headers that nobody sends.
func TestPresignedByRequestPayer(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "key=x")
		c := at.newClient(t, s3path.WithRequestPayer())
		url, err := c.Object(at.bucket.Bucket(), "key").PresignGet(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ToLower(url), "x-amz-request-payer=requester") {
			t.Errorf("the URL does not say who pays")
		}
		resp, err := at.HTTP.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "x" {
			t.Errorf("%s %q %v", resp.Status, body, err)
		}
	})
}
