package aferoadapter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var matrix *s3matrix.Matrix

func TestMain(m *testing.M) {
	if crashing() {
		os.Exit(1) // it should not have come to its end
	}
	os.Exit(s3matrix.Main(m, func(x *s3matrix.Matrix) { matrix = x }))
}

// place is one server with an empty bucket on it, for one test.
type place struct {
	*s3matrix.Server
	client *s3path.Client
	bucket s3path.S3Path
}

// everywhere runs a test on every server, each with a bucket and a proxy of its own.
func everywhere(t *testing.T, test func(t *testing.T, at *place)) {
	t.Helper()
	matrix.Run(t, func(t *testing.T, s *s3matrix.Server) { test(t, newPlace(t, s)) })
}

// inProcess is the server in this process, for what depends on no server.
func inProcess(t *testing.T) *place {
	t.Helper()
	return newPlace(t, matrix.Servers()[0])
}

func newPlace(t *testing.T, s *s3matrix.Server, opts ...s3path.ClientOption) *place {
	t.Helper()
	at := &place{Server: s.Private(t)}
	opts = append([]s3path.ClientOption{
		s3path.WithEndpoint(at.URL), s3path.WithRegion(at.Region),
		s3path.WithStaticCredentials(at.AccessKey, at.SecretKey, ""),
	}, opts...)
	c, err := s3path.NewClient(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	at.client, at.bucket = c, c.Object(s.NewBucket(t), "")
	return at
}

// fs is an Fs of the whole bucket.
func (at *place) fs(opts ...aferoadapter.Option) *aferoadapter.Fs {
	return aferoadapter.New(at.bucket, opts...)
}

// below is an Fs of a prefix that nothing was written to.
func (at *place) below(opts ...aferoadapter.Option) *aferoadapter.Fs {
	return aferoadapter.New(at.bucket.Join("data"), opts...)
}

// put makes objects behind the Fs's back: "key" or "key=body".
func (at *place) put(t *testing.T, keys ...string) {
	t.Helper()
	for _, key := range keys {
		key, body, _ := strings.Cut(key, "=")
		_, err := at.SDK.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Body: strings.NewReader(body),
		})
		if err != nil {
			t.Fatalf("fixture %q: %v", key, err)
		}
	}
}

// keys is all keys of the bucket, each with its body, seen behind the Fs's back.
func (at *place) keys(t *testing.T) []string {
	t.Helper()
	return at.keysBelow(t, "")
}

// keysBelow is those that begin with a prefix, and what they are behind it.
func (at *place) keysBelow(t *testing.T, prefix string) []string {
	t.Helper()
	var keys []string
	pages := s3.NewListObjectsV2Paginator(at.SDK, &s3.ListObjectsV2Input{Bucket: aws.String(at.bucket.Bucket()), Prefix: aws.String(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			key := (*o.Key)[len(prefix):]
			if body := at.body(t, *o.Key); body != "" {
				key += "=" + body
			}
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// has fails the test unless the bucket has exactly these objects.
func (at *place) has(t *testing.T, want ...string) {
	t.Helper()
	if got := at.keys(t); !slices.Equal(got, want) {
		t.Errorf("the bucket has\n%q, want\n%q", got, want)
	}
}

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

// costs fails the test unless fn makes these requests, in this order.
func (at *place) costs(t *testing.T, what string, fn func(), want ...string) {
	t.Helper()
	mark := at.Proxy.Mark()
	fn()
	var got []string
	for _, r := range at.Proxy.Since(mark) {
		got = append(got, r.Operation)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s made the requests %q, want %q", what, got, want)
	}
}

// noUploads fails the test when parts of an upload are left in the bucket.
func (at *place) noUploads(t *testing.T) {
	t.Helper()
	out, err := at.SDK.ListMultipartUploads(context.WithoutCancel(t.Context()), &s3.ListMultipartUploadsInput{Bucket: aws.String(at.bucket.Bucket())})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range out.Uploads {
		t.Errorf("upload %s of %s was left behind", aws.ToString(u.UploadId), aws.ToString(u.Key))
	}
}

// want fails the test unless an error is a *os.PathError whose Err is exactly this,
// or nil if this is nil.
func want(t *testing.T, what string, err, is error) {
	t.Helper()
	if is == nil {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	var inner error
	switch e := err.(type) {
	case *os.PathError:
		inner = e.Err
	case *os.LinkError:
		inner = e.Err
	}
	if inner != is {
		t.Errorf("%s: %#v (%v), want one of %v", what, err, err, is)
	}
	if nested := (*os.PathError)(nil); inner != nil && errors.As(inner, &nested) {
		t.Errorf("%s: a PathError inside of a PathError: %v", what, err)
	}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func open(t *testing.T, fs afero.Fs, name string, flag int) afero.File {
	t.Helper()
	f, err := fs.OpenFile(name, flag, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, fs afero.Fs, name, text string) {
	t.Helper()
	if err := afero.WriteFile(fs, name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// holds fails the test unless a file has this content.
func holds(t *testing.T, fs afero.Fs, name, content string) {
	t.Helper()
	got, err := afero.ReadFile(fs, name)
	if err != nil || string(got) != content {
		t.Errorf("%s holds %q, %v, want %q", name, clip(got), err, clip([]byte(content)))
	}
}

func clip(b []byte) string {
	if len(b) > 80 {
		return string(b[:80]) + "…"
	}
	return string(b)
}

func readAll(t *testing.T, r io.Reader) string {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

func closed(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
