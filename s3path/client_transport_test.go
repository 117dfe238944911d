package s3path_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// keys are credentials for a server that does not look at them.
func keys() s3path.ClientOption { return s3path.WithStaticCredentials("key", "secret", "") }

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

// An answer that does not end is given up before it has filled the memory, be it a
// listing or a refusal; an object may be as long as it is.
func TestEndlessAnswers(t *testing.T) {
	for name, row := range map[string]struct {
		status int
		begin  string
		repeat string
	}{
		"a listing": {http.StatusOK, "<ListBucketResult><Name>bucket</Name>", "<Contents><Key>" + strings.Repeat("k", 1000) + "</Key></Contents>"},
		"a refusal": {http.StatusForbidden, "<Error><Code>AccessDenied</Code>", "<Detail>" + strings.Repeat("d", 1000) + "</Detail>"},
	} {
		t.Run(name, func(t *testing.T) {
			read := 0
			c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
				endless := io.MultiReader(strings.NewReader(row.begin), &repeated{text: row.repeat, read: &read})
				return fakeAnswer(r, row.status, -1, endless), nil
			}, s3path.WithMaxAttempts(1))
			_, err := cloudpath.Collect(c.Object("bucket", "").Walk(t.Context()))
			if err == nil || row.status == http.StatusOK && !errors.Is(err, cloudpath.ErrProtocol) || row.status != http.StatusOK && !errors.Is(err, fs.ErrPermission) {
				t.Errorf("ended with %v", err)
			}
			if read > 64<<20 {
				t.Errorf("it read %d bytes", read)
			}
		})
	}
	const size = 40 << 20
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		return fakeAnswer(r, http.StatusOK, size, io.LimitReader(&repeated{text: "x", read: new(int)}, size)), nil
	})
	if data, err := c.Object("bucket", "a").ReadBytes(t.Context()); len(data) != size || err != nil {
		t.Errorf("an object: %d bytes, %v", len(data), err)
	}
}

// repeated is a text that never ends.
type repeated struct {
	text string
	off  int
	read *int
}

func (r *repeated) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = r.text[r.off]
		r.off = (r.off + 1) % len(r.text)
	}
	*r.read += len(b)
	return len(b), nil
}
