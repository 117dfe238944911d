package s3path_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// bareEnvironment is a machine on which nothing is configured: no variable, no
// file in the home directory, no metadata service. It returns the home directory.
func bareEnvironment(t *testing.T) string {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			unset(t, name)
		}
	}
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	// The SDK has looked up the home directory before the test began.
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(home, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(home, "credentials"))
	return home
}

// unset takes a variable away for the length of a test.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // which puts it back in the end
	if err := os.Unsetenv(name); err != nil {
		t.Fatal(err)
	}
}

// configFile fills the shared configuration file.
func configFile(t *testing.T, content string) { writeFile(t, os.Getenv("AWS_CONFIG_FILE"), content) }

// credentialsFile fills the shared credentials file.
func credentialsFile(t *testing.T, content string) {
	writeFile(t, os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), content)
}

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o700); err != nil {
		t.Fatal(err)
	}
}

// listener is a server of a test's own making, with a log of what it was asked.
type listener struct {
	*s3proxy.Proxy
	URL string
}

// listen serves with answer on a free port of this machine.
func listen(t *testing.T, answer http.HandlerFunc) *listener {
	t.Helper()
	l := &listener{Proxy: s3proxy.New(answer)}
	front, err := l.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := front.Close(); err != nil {
			t.Error(err)
		}
	})
	l.URL = front.URL
	return l
}

// host is the listener's address under another name than its URL has.
func (l *listener) host() string { return strings.TrimPrefix(l.URL, "http://") }

// last is the request that came last.
func (l *listener) last(t *testing.T) s3proxy.Request {
	t.Helper()
	log := l.Requests()
	if len(log) == 0 {
		t.Fatal("no request came")
	}
	return log[len(log)-1]
}

// object answers every HEAD and GET with a small object, every PUT and DELETE
// with success, and every LIST with nothing.
func object(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	h := w.Header()
	switch {
	case r.URL.Query().Has("list-type"):
		bucket, _ := s3proxy.Address(r)
		fmt.Fprintf(w, `<?xml version="1.0"?><ListBucketResult><Name>%s</Name><IsTruncated>false</IsTruncated></ListBucketResult>`, bucket)
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		h.Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		h.Set("Last-Modified", "Fri, 20 Nov 2026 12:00:00 GMT")
		h.Set("Content-Length", "5")
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "hello")
		}
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		h.Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
	}
}

// refuse answers as S3 refuses; a HEAD has no body.
func refuse(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	_, _ = io.Copy(io.Discard, r.Body)
	body := fmt.Sprintf(`<?xml version="1.0"?><Error><Code>%s</Code><Message>%s</Message><RequestId>ID</RequestId></Error>`, code, message)
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, body)
	}
}

// refuseAll is refuse for every request.
func refuseAll(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { refuse(w, r, status, code, message) }
}

// wire is a transport without a network, for hosts that no test may ask: it
// keeps what it was asked and has a handler answer.
type wire struct {
	answer http.HandlerFunc

	mu  sync.Mutex
	log []*http.Request
}

// A handler that panics with http.ErrAbortHandler breaks the connection off.
func (w *wire) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch broken := recover(); broken {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, errors.New("the connection broke")
		default:
			panic(broken)
		}
	}()
	w.mu.Lock()
	w.log = append(w.log, r.Clone(r.Context()))
	w.mu.Unlock()
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	rec := &recorded{header: http.Header{}}
	w.answer(rec, r)
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(rec.status), StatusCode: rec.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: rec.header, Body: io.NopCloser(strings.NewReader(rec.body.String())), ContentLength: int64(rec.body.Len()), Request: r,
	}, nil
}

// requests is what was asked so far.
func (w *wire) requests() []*http.Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]*http.Request(nil), w.log...)
}

func (w *wire) last(t *testing.T) *http.Request {
	t.Helper()
	log := w.requests()
	if len(log) == 0 {
		t.Fatal("no request was sent")
	}
	return log[len(log)-1]
}

func (w *wire) client() *http.Client { return &http.Client{Transport: w} }

// recorded is an answer on its way to becoming an http.Response.
type recorded struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(b []byte) (int, error) { return r.body.Write(b) }

// configOf is a configuration with these keys and nothing else.
func configOf(key, secret string) aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")}
}
