package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// writings are the ways to write an object.
var writings = map[string]func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error{
	"WriteBytes": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		return p.WriteBytes(ctx, data, opts...)
	},
	"WriteText": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		return p.WriteText(ctx, string(data), opts...)
	},
	"WriteFrom": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		n, err := p.WriteFrom(ctx, bytes.NewReader(data), opts...)
		if err == nil && n != int64(len(data)) {
			err = fmt.Errorf("%d bytes written of %d", n, len(data))
		}
		return err
	},
	"WriteFrom a stream": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		n, err := p.WriteFrom(ctx, struct{ io.Reader }{bytes.NewReader(data)}, opts...)
		if err == nil && n != int64(len(data)) {
			err = fmt.Errorf("%d bytes written of %d", n, len(data))
		}
		return err
	},
	"WriteFunc": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		return p.WriteFunc(ctx, func(w io.Writer) error { _, err := w.Write(data); return err }, opts...)
	},
	"Create": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		w, err := p.Create(ctx, opts...)
		if err != nil {
			return err
		}
		defer w.Abort()
		if _, err := io.Copy(w, bytes.NewReader(data)); err != nil {
			return err
		}
		return w.Close()
	},
	"UploadFrom": func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
		dir, err := os.MkdirTemp("", "")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		name := filepath.Join(dir, "local")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			return err
		}
		return p.UploadFrom(ctx, name, opts...)
	},
}

// ways are the writings worth their time: where the disk is slow, large objects are
// written with a source in hand and without one.
func (at *place) ways(size int) map[string]func(ctx context.Context, p s3path.S3Path, data []byte, opts ...s3path.WriteOption) error {
	if size < part || at.Name == s3matrix.InProcess {
		return writings
	}
	some := maps.Clone(writings)
	maps.DeleteFunc(some, func(name string, _ func(context.Context, s3path.S3Path, []byte, ...s3path.WriteOption) error) bool {
		return name != "WriteBytes" && name != "Create"
	})
	return some
}

// One PUT, and no request before it: credentials that may only write suffice. New
// or over an old one, small or as large as one part, or of no bytes at all.
func TestWriteSmall(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if op := s3proxy.Operation(r); op != "PutObject" {
				t.Errorf("%s was asked for", op)
				return http.HandlerFunc(refusal(http.StatusForbidden, "AccessDenied"))
			}
			return nil
		})
		for name, write := range writings {
			for _, size := range []int{0, 1, 5000, part} {
				if size == part && name != "WriteBytes" && name != "WriteFrom a stream" && name != "Create" {
					continue
				}
				for _, which := range []string{"new", "over an old one"} {
					t.Run(fmt.Sprintf("%s %d %s", name, size, which), func(t *testing.T) {
						body := pattern(size)
						key := fmt.Sprintf("%s/%d", name, size)
						mark := at.Proxy.Mark()
						if err := write(t.Context(), c.Object(at.bucket.Bucket(), key), body); err != nil {
							t.Fatal(err)
						}
						at.checkOperations(t, mark, "PutObject")
						if got := at.body(t, key); got != string(body) {
							t.Errorf("stored %s", brief(got))
						}
					})
				}
			}
		}
	})
}

// n parts are n+2 requests; nothing is there before the last of them.
func TestWriteLarge(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for name, write := range at.ways(part + 1) {
			if name == "WriteText" {
				continue // is WriteBytes
			}
			for _, size := range []int{part + 1, 2*part + 1000} {
				if size == part+1 && name != "WriteBytes" && name != "Create" {
					continue
				}
				t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
					body := pattern(size)
					at.put(t, "a=old")
					at.Proxy.Intercept(func(r *http.Request) http.Handler {
						if s3proxy.Operation(r) == "CompleteMultipartUpload" {
							if got := at.body(t, "a"); got != "old" {
								t.Errorf("before the end there is %s", brief(got))
							}
						}
						return nil
					})
					mark := at.Proxy.Mark()
					if err := write(t.Context(), c.Object(at.bucket.Bucket(), "a"), body); err != nil {
						t.Fatal(err)
					}
					n := (size + part - 1) / part
					want := map[string]int{"CreateMultipartUpload": 1, "UploadPart": n, "CompleteMultipartUpload": 1}
					if got := at.Proxy.Since(mark).Counts(); !maps.Equal(got, want) {
						t.Errorf("requests %v, want %v", got, want)
					}
					if got := at.body(t, "a"); got != string(body) {
						t.Errorf("stored %d bytes that differ", len(got))
					}
				})
			}
		}
		at.noUploads(t)
	})
}

// A bucket, and a key that ends in a slash, cannot be written to; no request is made.
func TestWriteToDirectory(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		mark := at.Proxy.Mark()
		for name, write := range writings {
			if name == "UploadFrom" {
				continue // writes below it
			}
			for _, p := range []s3path.S3Path{at.bucket, at.object("dir/"), at.object("/")} {
				if err := write(t.Context(), p, []byte("x")); !errors.Is(err, cloudpath.ErrIsDirectory) {
					t.Errorf("%s to %v: %v", name, p, err)
				}
			}
			if err := write(t.Context(), at.object("a").AtVersion("3"), []byte("x")); !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s to a version: %v", name, err)
			}
		}
		if err := at.bucket.Update(t.Context(), nil); !errors.Is(err, cloudpath.ErrIsDirectory) {
			t.Errorf("Update of a bucket: %v", err)
		}
		at.checkOperations(t, mark)
	})
}

// A missing bucket is fs.ErrNotExist, in one part and in several.
func TestWriteToMissingBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket()+"-no", "a")
		for _, size := range []int{3, part + 1} {
			for name, write := range at.ways(size) {
				err := write(t.Context(), p, make([]byte, size))
				if pe := (*fs.PathError)(nil); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) || pe.Path != p.String() {
					t.Errorf("%s of %d bytes: %v", name, size, err)
				}
			}
		}
	})
}

// What an object is stored with arrives, in one part and in several, and WithInfo
// tells what was written.
func TestWriteProperties(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 1} {
			key := fmt.Sprint(size)
			p := c.Object(at.bucket.Bucket(), key)
			var info s3path.Info
			err := p.WriteBytes(t.Context(), make([]byte, size), s3path.WithInfo(&info),
				s3path.WithContentType("text/x-test"), s3path.WithContentEncoding("zstd"), s3path.WithCacheControl("max-age=5"),
				s3path.WithContentDisposition(`attachment; filename="x"`), s3path.WithMetadata(map[string]string{"Colour": "blue"}),
				s3path.WithTags(map[string]string{"a b": "c+d=e/@"}))
			if err != nil {
				t.Fatal(err)
			}
			out, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(aws.ToString(out.ContentType), aws.ToString(out.ContentEncoding), aws.ToString(out.CacheControl), aws.ToString(out.ContentDisposition), out.Metadata["colour"]); got != `text/x-testzstdmax-age=5attachment; filename="x"blue` {
				t.Errorf("%d bytes are stored with %s", size, got)
			}
			if info.ETag() != strings.Trim(*out.ETag, `"`) || info.Size() != int64(size) || info.Name() != key || info.ContentType() != "text/x-test" ||
				info.ContentEncoding() != "zstd" || info.CacheControl() != "max-age=5" || info.Metadata()["colour"] != "blue" || !info.Complete() || !info.ModTime().IsZero() {
				t.Errorf("WithInfo gave %+v", info)
			}
			tags, err := p.Tags(t.Context())
			if err != nil || !maps.Equal(tags, map[string]string{"a b": "c+d=e/@"}) {
				t.Errorf("tags %v, %v", tags, err)
			}
		}
	})
}

// Every way of writing tells what it wrote.
func TestWriteInfo(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for name, write := range writings {
			var info s3path.Info
			p := at.object(name)
			if err := write(t.Context(), p, []byte("1,2\n"), s3path.WithInfo(&info), s3path.WithContentType("text/csv")); err != nil {
				t.Fatal(err)
			}
			if info.ETag() != at.etag(t, name) || info.Size() != 4 || info.Name() != p.Name() || info.ContentType() != "text/csv" {
				t.Errorf("%s: %+v", name, info)
			}
		}
	})
}

// Checksums on the wire are the client's choice, in one part and in several.
func TestChecksumMode(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			name string
			c    *s3path.Client
			want bool
		}{
			{"when required, as with any endpoint of one's own", at.newClient(t, s3path.WithPartSize(part)), false},
			{"when supported", at.checksumming(t, s3path.WithPartSize(part)), true},
		} {
			for _, size := range []int{100, part + 1} {
				for name, write := range at.ways(size) {
					mark := at.Proxy.Mark()
					if err := write(t.Context(), row.c.Object(at.bucket.Bucket(), "a"), pattern(size)); err != nil {
						t.Errorf("%s, %s of %d bytes: %v", row.name, name, size, err)
					}
					for _, rq := range at.Proxy.Since(mark) {
						found := rq.Header.Get("X-Amz-Checksum-Crc32") != "" || strings.Contains(rq.Header.Get("X-Amz-Trailer"), "checksum") ||
							rq.Header.Get("X-Amz-Checksum-Algorithm") != "" || rq.Header.Get("X-Amz-Sdk-Checksum-Algorithm") != ""
						inXML := bytes.Contains(rq.Body, []byte("<ChecksumCRC32>"))
						if complete := rq.Operation == "CompleteMultipartUpload"; !complete && found != row.want || complete && inXML != row.want {
							t.Errorf("%s, %s of %d bytes: %s has a checksum: %v (%v)", row.name, name, size, rq.Operation, found || inXML, rq.Header)
						}
					}
				}
			}
		}
	})
}
