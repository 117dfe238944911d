package s3path_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// Busy servers are asked again, and so is one that got something else than was
// sent; what was sent is sent again from its beginning.
func TestWriteAgain(t *testing.T) {
	for _, row := range []struct {
		status int
		code   string
	}{
		{http.StatusServiceUnavailable, "SlowDown"}, {http.StatusTooManyRequests, "TooManyRequests"},
		{http.StatusInternalServerError, "InternalError"}, {http.StatusBadRequest, "BadDigest"},
	} {
		for _, size := range []int{1000, part + 1000} {
			synctest.Test(t, func(t *testing.T) {
				var (
					mu      sync.Mutex
					stored  = map[string]string{} // by query
					refused = map[string]bool{}
				)
				c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
					body, err := readRequest(r)
					if err != nil {
						return nil, err
					}
					mu.Lock()
					defer mu.Unlock()
					q := r.URL.Query()
					switch {
					case r.Method == http.MethodPost && q.Has("uploads"):
						return fakeXML(r, http.StatusOK, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"), nil
					case r.Method == http.MethodPost:
						return fakeXML(r, http.StatusOK, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"), nil
					case !refused[q.Get("partNumber")]:
						refused[q.Get("partNumber")] = true
						return fakeXML(r, row.status, "<Error><Code>"+row.code+"</Code></Error>"), nil
					}
					stored[q.Get("partNumber")] = string(body)
					return fakeAnswer(r, http.StatusOK, 0, strings.NewReader("")), nil
				}, s3path.WithPartSize(part))
				body := string(pattern(size))
				if err := c.Object("bucket", "a").WriteText(t.Context(), body); err != nil {
					t.Errorf("%s, %d bytes: %v", row.code, size, err)
				}
				if got := stored[""] + stored["1"] + stored["2"]; got != body {
					t.Errorf("%s, %d bytes: stored %s", row.code, size, brief(got))
				}
			})
		}
	}
}

// Many attempts are no reason to wait for hours between two of them.
func TestPausesStaySmall(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, p s3path.S3Path) error{
		"a body that breaks": func(ctx context.Context, p s3path.S3Path) error { _, err := p.ReadBytes(ctx); return err },
		"a write that collides": func(ctx context.Context, p s3path.S3Path) error {
			return p.WriteText(ctx, "x", s3path.WithIfMatch("x"))
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			const attempts = 40
			n := 0
			c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
				n++
				if r.Method == http.MethodPut {
					return fakeXML(r, http.StatusConflict, "<Error><Code>ConditionalRequestConflict</Code></Error>"), nil
				}
				answer := fakeRange(r, "data")
				answer.Body = io.NopCloser(strings.NewReader(""))
				return answer, nil
			}, s3path.WithMaxAttempts(attempts))
			begin := time.Now()
			err := call(t.Context(), c.Object("bucket", "a"))
			if took := time.Since(begin); err == nil || n != attempts || took > attempts*15*time.Second {
				t.Errorf("%s: %v after %d attempts and %v", name, err, n, took)
			}
		})
	}
}

func fakeXML(r *http.Request, status int, body string) *http.Response {
	return fakeAnswer(r, status, int64(len(body)), strings.NewReader(body), "Content-Type", "application/xml")
}

func readRequest(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}

// Of so many workers most would have nothing to do: no object has as many parts.
func TestConcurrencyWithoutEnd(t *testing.T) {
	p := memoryBucket(t).Join("a")
	most := 0
	watch := s3path.WithProgress(func(s3path.Progress) { most = max(most, runtime.NumGoroutine()) })
	if err := p.WriteBytes(t.Context(), pattern(2*part), s3path.WithConcurrency(1<<17), watch); err != nil {
		t.Fatal(err)
	}
	if most > 20_000 {
		t.Errorf("%d goroutines", most)
	}
}
