package s3path_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var matrix *s3matrix.Matrix

func TestMain(m *testing.M) {
	os.Exit(s3matrix.Main(m, func(x *s3matrix.Matrix) { matrix = x }))
}

// place is one server with an empty bucket on it, for one test.
type place struct {
	*s3matrix.Server
	client *s3path.Client
	bucket s3path.S3Path
}

// everywhere runs a test on every server of the matrix, each with a bucket and a
// proxy of its own.
func everywhere(t *testing.T, test func(t *testing.T, at *place)) {
	t.Helper()
	matrix.Run(t, func(t *testing.T, s *s3matrix.Server) { test(t, newPlace(t, s)) })
}

func newPlace(t *testing.T, s *s3matrix.Server, opts ...s3path.ClientOption) *place {
	t.Helper()
	at := &place{Server: s.Private(t)}
	at.client = at.newClient(t, opts...)
	at.bucket = at.client.Object(s.NewBucket(t), "")
	return at
}

// newClient is a client of the server, through the counting proxy, with the
// server's keys.
func (at *place) newClient(t *testing.T, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	opts = append([]s3path.ClientOption{
		s3path.WithEndpoint(at.URL), s3path.WithRegion(at.Region),
		s3path.WithStaticCredentials(at.AccessKey, at.SecretKey, ""),
	}, opts...)
	return openClient(t, opts...)
}

// openClient is a client that is closed with the test.
func openClient(t *testing.T, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	c, err := s3path.NewClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// object is a path of the place's bucket.
func (at *place) object(key string) s3path.S3Path { return at.client.Object(at.bucket.Bucket(), key) }

// put makes objects behind the client's back. A key may carry a body: "key=body".
func (at *place) put(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		key, body, _ := strings.Cut(key, "=")
		at.putBody(t, key, []byte(body))
	}
}

func (at *place) putBody(t *testing.T, key string, body []byte) {
	t.Helper()
	_, err := at.SDK.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Body: bytes.NewReader(body),
	})
	if err != nil {
		t.Fatalf("fixture %q: %v", key, err)
	}
}

// putMany makes n objects behind the client's back, many at once.
func (at *place) putMany(t *testing.T, keys []string) {
	t.Helper()
	err := cloudpath.ForEach(t.Context(), 16, func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, func(ctx context.Context, key string) error {
		_, err := at.SDK.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Body: bytes.NewReader([]byte("x")),
		})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keys are all keys of the bucket, seen behind the client's back.
func (at *place) keys(t *testing.T) []string {
	t.Helper()
	var keys []string
	pages := s3.NewListObjectsV2Paginator(at.SDK, &s3.ListObjectsV2Input{Bucket: aws.String(at.bucket.Bucket())})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

// body is an object's body, seen behind the client's back.
func (at *place) body(t *testing.T, key string) string {
	t.Helper()
	out, err := at.SDK.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	defer out.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(out.Body); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// count is how many requests fn makes through the client.
func (at *place) count(fn func()) int {
	before := at.Proxy.Count()
	fn()
	return at.Proxy.Count() - before
}

// noUploads fails the test when parts of an upload are left in the bucket.
func (at *place) noUploads(t *testing.T) {
	t.Helper()
	out, err := at.SDK.ListMultipartUploads(context.WithoutCancel(t.Context()), &s3.ListMultipartUploadsInput{Bucket: aws.String(at.bucket.Bucket())})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		t.Errorf("upload %s of %s was left behind; asked for: %v", aws.ToString(u.UploadId), aws.ToString(u.Key), at.statuses())
	}
}

// statuses are the last requests and their answers.
func (at *place) statuses() []string {
	var all []string
	for _, r := range at.Proxy.Requests() {
		all = append(all, fmt.Sprint(r.Operation, " ", r.Status))
	}
	return all[max(0, len(all)-20):]
}

// rels are the relative paths of a listing.
func rels(t *testing.T, seq func(yield func(s3path.Entry, error) bool)) []string {
	t.Helper()
	var out []string
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, e.Rel())
	}
	return out
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) && len(got)+len(want) > 0 {
		t.Errorf("%s:\n got %s\nwant %s", what, quoted(got), quoted(want))
	}
}

func quoted(list []string) string { return fmt.Sprintf("%q", list) }
