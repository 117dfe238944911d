package jobtest

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// Place is a server with a bucket for one test, and a proxy in front that counts
// what the program asks and nobody else.
type Place struct {
	*s3matrix.Server
	Bucket string
}

// NewPlace makes a bucket that is gone with the test.
func NewPlace(t testing.TB, s *s3matrix.Server) *Place {
	t.Helper()
	return &Place{Server: s.Private(t), Bucket: s.NewBucket(t)}
}

// Env is the environment of somebody who uses this server.
func (at *Place) Env(more ...string) []string {
	return append([]string{
		"AWS_ENDPOINT_URL=" + at.URL, "AWS_REGION=" + at.Region,
		"AWS_ACCESS_KEY_ID=" + at.AccessKey, "AWS_SECRET_ACCESS_KEY=" + at.SecretKey,
	}, more...)
}

// URI is the s3:// address of a key of the bucket.
func (at *Place) URI(key string) string {
	return strings.TrimSuffix("s3://"+at.Bucket+"/"+key, "/")
}

// Seed makes objects behind the program's back, many at once.
func (at *Place) Seed(t testing.TB, objects map[string]string) {
	t.Helper()
	err := at.each(t, maps.Keys(objects), func(ctx context.Context, key string) error {
		_, err := at.SDK.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(at.Bucket), Key: aws.String(key), Body: strings.NewReader(objects[key]),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// each does something to many keys at once.
func (at *Place) each(t testing.TB, keys iter.Seq[string], fn func(ctx context.Context, key string) error) error {
	t.Helper()
	return cloudpath.ForEach(context.WithoutCancel(t.Context()), 16, func(yield func(string, error) bool) {
		for key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, fn)
}

// Delete removes objects behind the program's back.
func (at *Place) Delete(t testing.TB, keys ...string) {
	t.Helper()
	err := at.each(t, slices.Values(keys), func(ctx context.Context, key string) error {
		_, err := at.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(at.Bucket), Key: aws.String(key)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Keys are all keys of the bucket, sorted.
func (at *Place) Keys(t testing.TB) []string {
	t.Helper()
	return slices.Sorted(maps.Keys(at.etags(t)))
}

// etags are the ETags of all objects of the bucket, by their keys.
func (at *Place) etags(t testing.TB) map[string]string {
	t.Helper()
	etags := map[string]string{}
	pages := s3.NewListObjectsV2Paginator(at.SDK, &s3.ListObjectsV2Input{Bucket: aws.String(at.Bucket)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(context.WithoutCancel(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			etags[*o.Key] = strings.Trim(aws.ToString(o.ETag), `"`)
		}
	}
	return etags
}

// Body is an object's body.
func (at *Place) Body(t testing.TB, key string) string {
	t.Helper()
	out, err := at.SDK.GetObject(context.WithoutCancel(t.Context()), &s3.GetObjectInput{Bucket: aws.String(at.Bucket), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	_, err = io.Copy(&body, out.Body)
	if err = errors.Join(err, out.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return body.String()
}

// Holds fails the test unless the bucket holds exactly these objects, bodies by
// their keys, and no part of an upload that was not finished.
func (at *Place) Holds(t testing.TB, want map[string]string) {
	t.Helper()
	etags := at.etags(t)
	for _, key := range slices.Sorted(maps.Keys(want)) {
		etag, there := etags[key]
		if !there {
			t.Errorf("%s: %s is missing", at.Name, key)
			continue
		}
		if etag == fmt.Sprintf("%x", md5.Sum([]byte(want[key]))) {
			continue // which saves thousands of requests
		}
		if body := at.Body(t, key); body != want[key] {
			t.Errorf("%s: %s holds %s, want %s", at.Name, key, short(body), short(want[key]))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(etags)) {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: there is %s, which nobody wants", at.Name, key)
		}
	}
	at.NoUploads(t)
}

// short is as much of a body as a message can hold.
func short(body string) string {
	if len(body) > 100 {
		return body[:100] + "…"
	}
	return body
}

// NoUploads fails the test when parts of an upload are left in the bucket.
func (at *Place) NoUploads(t testing.TB) {
	t.Helper()
	out, err := at.SDK.ListMultipartUploads(context.WithoutCancel(t.Context()), &s3.ListMultipartUploadsInput{Bucket: aws.String(at.Bucket)})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		t.Errorf("%s: upload %s of %s was left behind", at.Name, aws.ToString(u.UploadId), aws.ToString(u.Key))
	}
}

// Hold lets requests of one operation (in S3's words, "UploadPart") wait for ever,
// all after the first few of them. It returns a function that waits until one of
// them waits.
func (at *Place) Hold(operation string, after int) (arrived func(t testing.TB)) {
	var (
		mu     sync.Mutex
		seen   int
		waits  = make(chan struct{})
		closed sync.Once
	)
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != operation {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if seen++; seen <= after {
			return nil
		}
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			closed.Do(func() { close(waits) })
			_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client is gone
			<-r.Context().Done()
		})
	})
	return func(t testing.TB) {
		t.Helper()
		select {
		case <-waits:
		case <-time.After(time.Minute):
			t.Errorf("no %s came to wait for", operation)
		}
	}
}

// Refuse lets every request of one operation be refused with this status and
// S3 error code.
func (at *Place) Refuse(operation string, status int, code string) {
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != operation {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>Not today.</Message></Error>")
		})
	})
}
