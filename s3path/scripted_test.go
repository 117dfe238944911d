package s3path_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// scripted answers without a network, so that it works under a fake clock.
type scripted func(method, path string) (status int)

func (s scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	status := s(r.Method, r.URL.Path)
	body := ""
	header := http.Header{"Etag": {`"0123456789abcdef0123456789abcdef"`}, "Last-Modified": {"Fri, 20 Nov 2026 12:00:00 GMT"}}
	if r.Method == http.MethodGet && r.URL.Query().Has("list-type") && status == http.StatusOK {
		bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		body = `<?xml version="1.0"?><ListBucketResult><Name>` + bucket + `</Name><IsTruncated>false</IsTruncated></ListBucketResult>`
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// scriptedClient is a client whose server is a function.
func scriptedClient(t *testing.T, answer scripted, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	return openClient(t, append([]s3path.ClientOption{
		s3path.WithEndpoint("http://scripted.test"), s3path.WithStaticCredentials("key", "secret", ""),
		s3path.WithHTTPClient(&http.Client{Transport: answer}),
	}, opts...)...)
}

// memoryBucket is a bucket of the in-process server, for what has nothing to do
// with servers.
func memoryBucket(t *testing.T, opts ...s3pathtest.Option) s3path.S3Path {
	t.Helper()
	return s3pathtest.Bucket(t, "bucket", opts...)
}
