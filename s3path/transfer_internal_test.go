package s3path

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

const mib = 1 << 20

// 10,000 parts reach 5 TiB, whatever the part size and whether the length is known.
// maxParts is how many parts an object can have, as S3 documents it.
const maxParts = 10_000

func TestStages(t *testing.T) {
	for _, partSize := range []int64{minPartSize, minPartSize + 1, defaultPartSize, 16 * mib, 100 * mib, 512 * mib, 1 << 30, maxPartSize} {
		plan := stages(partSize, -1)
		var parts, reach, last int64
		for _, st := range plan {
			if st.size < last || st.size > maxPartSize || st.parts < 1 {
				t.Errorf("%d: a stage of %d parts of %d behind parts of %d", partSize, st.parts, st.size, last)
			}
			parts, reach, last = parts+st.parts, reach+st.parts*st.size, st.size
		}
		if plan[0].size != partSize || parts != maxParts || reach < 5<<40 {
			t.Errorf("%d: begins with %d, %d parts reach %d", partSize, plan[0].size, parts, reach)
		}
		for _, size := range []int64{0, 1, partSize, partSize + 1, 10_000 * minPartSize, 10_000*minPartSize + 1, 5<<40 - 1, 5 << 40} {
			plan := stages(partSize, size)
			if len(plan) != 1 || plan[0].size < partSize || plan[0].size > maxPartSize {
				t.Fatalf("%d of %d: %v", partSize, size, plan)
			}
			needed := (size + plan[0].size - 1) / plan[0].size
			if needed > maxParts {
				t.Errorf("%d of %d: %d parts", partSize, size, needed)
			}
			if grown := plan[0].size > partSize; grown && size <= 10_000*partSize {
				t.Errorf("%d of %d: parts of %d, which are larger than need be", partSize, size, plan[0].size)
			}
		}
	}
}

// random is n bytes nobody can confuse, without holding them.
func random(n int64) io.Reader {
	var seed [32]byte
	return io.LimitReader(rand.NewChaCha8(seed), n)
}

// An upload in stages is one object, byte for byte: where a stage ends, the stream
// may, too, or go on by one byte, or by more than there are parts for.
func TestUploadInStages(t *testing.T) {
	handler, err := s3server.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	c, err := NewClient(t.Context(), WithEndpoint(server.URL), WithStaticCredentials("key", "secret", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	bucket := c.Object("bucket", "")
	if err := bucket.Mkdir(t.Context()); err != nil {
		t.Fatal(err)
	}
	plan := []stage{{2, 5 * mib}, {2, 6 * mib}, {1, 7 * mib}}
	for _, row := range []struct {
		name  string
		size  int64
		sizes []int64 // of the parts
	}{
		{"ends in the first stage", 6 * mib, []int64{5 * mib, mib}},
		{"ends with the first stage", 10 * mib, []int64{5 * mib, 5 * mib}},
		{"a byte more", 10*mib + 1, []int64{5 * mib, 5 * mib, 1}},
		{"one part of the second", 16 * mib, []int64{5 * mib, 5 * mib, 6 * mib}},
		{"ends with the second", 22 * mib, []int64{5 * mib, 5 * mib, 6 * mib, 6 * mib}},
		{"ends in the third", 22*mib + 3, []int64{5 * mib, 5 * mib, 6 * mib, 6 * mib, 3}},
		{"ends with the last", 29 * mib, []int64{5 * mib, 5 * mib, 6 * mib, 6 * mib, 7 * mib}},
		{"goes on", 29*mib + 1, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := c.Object("bucket", "dir/"+strings.ReplaceAll(row.name, " ", "-"))
			in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String(p.key), ContentType: aws.String("x/y")}
			out, err := c.core.multipart(t.Context(), in, random(row.size), plan, 4, nil)
			if uploads, lerr := c.core.sdk.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("bucket")}); lerr != nil || len(uploads.Uploads) > 0 {
				t.Errorf("%d uploads were left behind (%v)", len(uploads.Uploads), lerr)
			}
			if row.sizes == nil {
				if there, _ := p.Exists(t.Context()); err == nil || !strings.Contains(err.Error(), "longer than") || there {
					t.Errorf("%v, and there is an object: %v", err, there)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			r, err := p.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if trimETag(*out.etag) != r.Info().ETag() || r.Info().ContentType() != "x/y" || r.Info().Size() != row.size {
				t.Errorf("stored %+v, answered %q", r.Info(), *out.etag)
			}
			got, want := sha256.New(), sha256.New()
			if _, err := io.Copy(got, r); err != nil {
				t.Error(err)
			}
			io.Copy(want, random(row.size))
			if !bytes.Equal(got.Sum(nil), want.Sum(nil)) {
				t.Error("what was stored is not what was sent")
			}
			var sizes []int64
			for i := range row.sizes {
				head, err := c.core.sdk.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, PartNumber: aws.Int32(int32(i + 1))})
				if err != nil {
					t.Fatal(err)
				}
				if int(aws.ToInt32(head.PartsCount)) != len(row.sizes) {
					t.Errorf("%d parts", aws.ToInt32(head.PartsCount))
				}
				sizes = append(sizes, aws.ToInt64(head.ContentLength))
			}
			if fmt.Sprint(sizes) != fmt.Sprint(row.sizes) {
				t.Errorf("parts of %v, want %v", sizes, row.sizes)
			}
		})
	}

	// A source that fails in a later stage takes the earlier ones back.
	cause := errors.New("the source fails")
	in := &s3.PutObjectInput{Bucket: aws.String("bucket"), Key: aws.String("broken")}
	for _, size := range []int64{10 * mib, 17 * mib} {
		body := io.MultiReader(random(size), failing{cause})
		if _, err := c.core.multipart(t.Context(), in, body, plan, 4, nil); !errors.Is(err, cause) {
			t.Errorf("broken after %d: %v", size, err)
		}
	}
	if uploads, err := c.core.sdk.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String("bucket")}); err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d uploads were left behind (%v)", len(uploads.Uploads), err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// The ETag of an object in parts is made of the parts' own.
func TestMultipartETag(t *testing.T) {
	part := func(etag string) types.CompletedPart { return types.CompletedPart{ETag: aws.String(etag)} }
	for _, row := range []struct {
		name  string
		parts []types.CompletedPart
		want  string
	}{
		{"two parts", []types.CompletedPart{part(`"900150983cd24fb0d6963f7d28e17f72"`), part("d41d8cd98f00b204e9800998ecf8427e")}, "fdf1fdf1567f6942ffe1743f1e72301e-2"},
		{"no MD5", []types.CompletedPart{part("900150983cd24fb0d6963f7d28e17f72"), part("xyz")}, ""},
		{"another hash", []types.CompletedPart{part("900150983cd24fb0d6963f7d28e17f7200")}, ""},
		{"no ETag", []types.CompletedPart{{}}, ""},
	} {
		if got := multipartETag(row.parts); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
