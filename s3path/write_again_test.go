package s3path_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

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

func fakeXML(r *http.Request, status int, body string) *http.Response {
	return fakeAnswer(r, status, int64(len(body)), strings.NewReader(body), "Content-Type", "application/xml")
}

func readRequest(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	return io.ReadAll(r.Body)
}
