package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// What servers, and the network before them, may do to a request. A fault is put
// into the proxy; what it spoils comes from the server behind.

// wireFault handles one request.
type wireFault = func(w http.ResponseWriter, r *http.Request)

// spoil has how answer the first n requests of an operation; the rest pass.
func (at *place) spoil(operation string, n int, how wireFault) {
	var seen atomic.Int64
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) == operation && seen.Add(1) <= int64(n) {
			return http.HandlerFunc(how)
		}
		return nil
	})
}

const always = 1 << 30

// recorded is what the server behind the proxy answers.
func (at *place) recorded(r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	at.Proxy.Next().ServeHTTP(rec, r)
	return rec
}

// refusal is an answer in S3's own form.
func refusal(status int, code string) wireFault {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wants it</Message></Error>", code)
	}
}

// lostAnswer lets the request through and cuts its answer off.
func (at *place) lostAnswer(w http.ResponseWriter, r *http.Request) {
	at.recorded(r)
	panic(http.ErrAbortHandler)
}

// cutting is a way for a connection to end before the body does.
type cutting struct {
	name   string
	length bool // the answer says how long the body is
	do     func(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int)
}

var cuttings = []cutting{
	{"closed", true, func(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int) { rawAnswer(w, rec, n, "", false) }},
	{"reset", true, func(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int) { rawAnswer(w, rec, n, "", true) }},
	{"chunked, closed", false, func(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int) {
		rawAnswer(w, rec, n, "Transfer-Encoding: chunked", false)
	}},
	{"no length, closed", false, func(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int) {
		rawAnswer(w, rec, n, "Connection: close", false)
	}},
}

// rawAnswer writes an answer without its body's length in the header but what is
// said instead, n bytes of the body, and ends the connection.
func rawAnswer(w http.ResponseWriter, rec *httptest.ResponseRecorder, n int, instead string, reset bool) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	body := rec.Body.Bytes()
	header := rec.Header().Clone()
	header.Del("Content-Length")
	header.Del("Transfer-Encoding")
	if instead == "" {
		instead = "Content-Length: " + strconv.Itoa(len(body))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n%s\r\n", rec.Code, http.StatusText(rec.Code), instead)
	header.Write(&b)
	b.WriteString("\r\n")
	switch {
	case strings.HasPrefix(instead, "Transfer-Encoding") && n > 0:
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
	default:
		b.Write(body[:n])
	}
	if reset {
		conn.(*net.TCPConn).SetLinger(0)
	}
	conn.Write(b.Bytes())
}

// plain answers a GET as a server that knows neither conditions nor, when it is
// told so, ranges. It asks the real one with the fixtures' client.
type plain struct {
	ranges       bool
	contentRange string // instead of the right one
	noETag       bool
}

func (how plain) answer(t *testing.T, at *place) wireFault {
	return func(w http.ResponseWriter, r *http.Request) {
		in := &s3.GetObjectInput{Bucket: aws.String(at.bucket.Bucket())}
		_, key := s3proxy.Address(r)
		in.Key = aws.String(key)
		if how.ranges && r.Header.Get("Range") != "" {
			in.Range = aws.String(r.Header.Get("Range"))
		}
		out, err := at.SDK.GetObject(r.Context(), in)
		if err != nil {
			if r.Context().Err() != nil {
				panic(http.ErrAbortHandler)
			}
			if strings.Contains(err.Error(), "416") {
				refusal(http.StatusRequestedRangeNotSatisfiable, "InvalidRange")(w, r)
				return
			}
			t.Errorf("the server behind: %v", err)
			panic(http.ErrAbortHandler)
		}
		defer out.Body.Close()
		if !how.noETag {
			w.Header().Set("ETag", *out.ETag)
		}
		w.Header().Set("Last-Modified", out.LastModified.Format(http.TimeFormat))
		w.Header().Set("Content-Length", strconv.FormatInt(*out.ContentLength, 10))
		if out.ContentRange != nil {
			switch how.contentRange {
			case "":
				w.Header().Set("Content-Range", *out.ContentRange)
			case "none":
			default:
				w.Header().Set("Content-Range", how.contentRange)
			}
			w.WriteHeader(http.StatusPartialContent)
		}
		io.Copy(w, out.Body)
	}
}

// roundTripper is a server without a network, for tests under a fake clock.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fakeClient is a client whose server is f.
func fakeClient(t *testing.T, f roundTripper, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	return openClient(t, append([]s3path.ClientOption{
		s3path.WithEndpoint("http://fake.test"), s3path.WithStaticCredentials("key", "secret", ""),
		s3path.WithHTTPClient(&http.Client{Transport: f}),
	}, opts...)...)
}

// fakeAnswer is an answer with a body, of the length that is said.
func fakeAnswer(r *http.Request, status int, length int64, body io.Reader, header ...string) *http.Response {
	h := http.Header{"Etag": {`"0123456789abcdef0123456789abcdef"`}, "Last-Modified": {"Fri, 20 Nov 2026 12:00:00 GMT"}}
	if length >= 0 {
		h.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(body), ContentLength: length, Request: r,
	}
}

// fakeRange answers a GET of data as S3 does.
func fakeRange(r *http.Request, data string) *http.Response {
	text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok {
		return fakeAnswer(r, http.StatusOK, int64(len(data)), strings.NewReader(data))
	}
	from, to, _ := strings.Cut(text, "-")
	first, _ := strconv.Atoi(from)
	last, err := strconv.Atoi(to)
	if err != nil || last >= len(data) {
		last = len(data) - 1
	}
	return fakeAnswer(r, http.StatusPartialContent, int64(last-first+1), strings.NewReader(data[first:last+1]),
		"Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(data)))
}

// pattern is n bytes that tell where they are from. They are shared: not to be
// changed.
func pattern(n int) []byte {
	b := patterned()
	return b[:n:n]
}

var patterned = sync.OnceValue(func() []byte {
	b := make([]byte, 0, 24<<20)
	for i := 0; len(b)+8 <= cap(b); i++ {
		const digits = "0123456789abcdef"
		b = append(b, digits[i>>20&15], digits[i>>16&15], digits[i>>12&15], digits[i>>8&15], digits[i>>4&15], digits[i&15], '.', '\n')
	}
	return b
})

// checkOperations compares what was asked for since mark, in order.
func (at *place) checkOperations(t *testing.T, mark int, want ...string) {
	t.Helper()
	if got := at.Proxy.Since(mark).Operations(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// filesBelow is every file below a directory by relative path, with its content;
// a directory without content ends in a slash.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		delete(found, filepath.ToSlash(filepath.Dir(rel))+"/")
		switch {
		case d.IsDir():
			found[rel+"/"] = ""
		case d.Type()&os.ModeSymlink != 0:
			found[rel], err = os.Readlink(name)
		default:
			var data []byte
			data, err = os.ReadFile(name)
			found[rel] = string(data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sameFiles compares a directory with what it should hold.
func sameFiles(t *testing.T, what, dir string, want map[string]string) {
	t.Helper()
	got := filesBelow(t, dir)
	for name, body := range want {
		if have, ok := got[name]; !ok || have != body {
			t.Errorf("%s: %s holds %s (there: %v), want %s", what, name, brief(have), ok, brief(body))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("%s: %s should not be there", what, name)
	}
}

func brief(s string) string {
	if len(s) > 60 {
		return fmt.Sprintf("%.60q… (%d bytes)", s, len(s))
	}
	return strconv.Quote(s)
}

// waiting is a body that brings nothing until its request is given up.
type waiting struct{ r *http.Request }

func (w waiting) Read([]byte) (int, error) {
	<-w.r.Context().Done()
	return 0, w.r.Context().Err()
}

func newCancel(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// slowFront has the first bytes of an object arrive, and the rest when a
// range of it has been asked for: the front of a download must not overtake the
// ranges that a test is about. see is called with each request, one at a time,
// until stop is.
func (at *place) slowFront(key string, see func(r *http.Request) http.Handler) (stop func()) {
	var (
		mu     sync.Mutex
		over   bool
		ranged = make(chan struct{})
	)
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if _, of := s3proxy.Address(r); s3proxy.Operation(r) != "GetObject" || of != key {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if over {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		}
		h := see(r)
		if r.Header.Get("Range") != "" {
			select {
			case <-ranged:
			default:
				close(ranged)
			}
			return h
		}
		ranged = make(chan struct{})
		came := ranged
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			n := min(1000, rec.Body.Len())
			w.Write(rec.Body.Bytes()[:n])
			w.(http.Flusher).Flush()
			if rec.Code == http.StatusOK && n == 1000 {
				select {
				case <-came:
				case <-r.Context().Done():
					panic(http.ErrAbortHandler)
				}
			}
			w.Write(rec.Body.Bytes()[n:])
		})
	})
	return func() { mu.Lock(); defer mu.Unlock(); over = true }
}

// eager is a client that does not wait before it tries again.
func (at *place) eager(t *testing.T, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	return openClient(t, append([]s3path.ClientOption{
		s3path.WithAWSConfig(aws.Config{
			Region: at.Region, BaseEndpoint: aws.String(at.URL),
			Credentials:                credentials.NewStaticCredentialsProvider(at.AccessKey, at.SecretKey, ""),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
			Retryer: func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) {
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
				})
			},
		}),
	}, opts...)...)
}

// removeObject deletes an object behind the client's back.
func (at *place) removeObject(t *testing.T, key string) {
	t.Helper()
	_, err := at.SDK.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Errorf("%q: %v", key, err)
	}
}

// versionsKept makes the place's bucket keep versions.
func (at *place) versionsKept(t *testing.T) {
	t.Helper()
	at.Needs(t, s3matrix.Versioning)
	_, err := at.SDK.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(at.bucket.Bucket()),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
}
