package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// An object that S3 does not copy in one request is copied in parts, with its
// properties and tags, and pinned to its ETag.
func TestCopyInPartsKeepsProperties(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		at.putRich(t, "d/f", richer("body"))
		at.meddle("CopyObject", 1, forever, tooLarge)
		mark := at.Proxy.Mark()
		if err := at.object("d/f").Copy(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject", "HeadObject", "GetObjectTagging", "CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload")
		at.wantStored(t, "g", richer("body"))
		at.wantStored(t, "d/f", richer("body"))
		part := at.Proxy.Since(mark).Operation("UploadPartCopy")[0]
		if got, want := part.Header.Get("X-Amz-Copy-Source-If-Match"), *at.head(t, "d/f").ETag; got != want {
			t.Errorf("the part is pinned to %q, want %q", got, want)
		}

		// What the call says comes before what the source has.
		err := at.object("d/f").Copy(t.Context(), at.object("h"), s3path.WithContentType("text/csv"), s3path.WithTags(map[string]string{"new": "tag"}))
		if err != nil {
			t.Fatal(err)
		}
		want := richer("body")
		want.contentType, want.tags = "text/csv", map[string]string{"new": "tag"}
		at.wantStored(t, "h", want)

		// Onto itself, and without tags.
		if err := at.object("h").Copy(t.Context(), at.object("h"), s3path.WithTags(nil)); err != nil {
			t.Fatal(err)
		}
		want.tags = nil
		at.wantStored(t, "h", want)

		// An empty object has no range.
		at.put(t, "empty")
		if err := at.object("empty").Copy(t.Context(), at.object("none")); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "none", "")

		// A rename, and a tree.
		if err := at.object("g").Rename(t.Context(), at.object("e/g")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("e").CopyTree(t.Context(), at.object("i")); err != nil {
			t.Fatal(err)
		}
		at.wantStored(t, "i/g", richer("body"))
		at.wantKeys(t, "d/f", "h", "empty", "none", "e/g", "i/g")
		at.noUploads(t)
	})
}

// Several parts of one object, at once and in order.
func TestCopyOfSeveralParts(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		at.client = at.newClient(t, s3path.WithPartSize(5<<20)) // parts of copies are 8 times as large
		body := bytes.Repeat([]byte("0123456789abcdef"), 41<<20/16)
		at.putBody(t, "f", body)
		mark := at.Proxy.Mark()
		if err := at.object("f").Copy(t.Context(), at.object("g"), s3path.WithNoOverwrite()); err != nil {
			t.Fatal(err)
		}
		parts := at.Proxy.Since(mark).Operation("UploadPartCopy")
		var ranges []string
		for _, r := range parts {
			ranges = append(ranges, r.Header.Get("X-Amz-Copy-Source-Range"))
		}
		slices.Sort(ranges)
		same(t, "ranges", ranges, []string{"bytes=0-41943039", "bytes=41943040-42991615"})
		if got := at.body(t, "g"); got != string(body) {
			t.Errorf("the copy differs: %d bytes of %d", len(got), len(body))
		}
	})
}

// A source that is replaced between its parts is no mix of both, and leaves
// nothing behind.
func TestCopyOfReplacedSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy, s3matrix.PartCopySourceIfMatch)
		at.put(t, "f=old", "target=theirs")
		for _, operation := range []string{"CreateMultipartUpload", "UploadPartCopy"} {
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				switch s3proxy.Operation(r) {
				case "CopyObject":
					return tooLarge
				case operation:
					at.put(t, "f=new")
				}
				return nil
			})
			for name, call := range map[string]func() error{
				"copy":   func() error { return at.object("f").Copy(t.Context(), at.object("target")) },
				"rename": func() error { return at.object("f").Rename(t.Context(), at.object("target")) },
			} {
				at.put(t, "f=old")
				wantFailure(t, call(), name, at.object("f").String(), cloudpath.ErrChanged)
				at.wantBody(t, "f", "new")
				at.wantBody(t, "target", "theirs")
			}
			at.noUploads(t)
		}
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) == "UploadPartCopy" {
				at.put(t, "f=new")
			}
			return nil
		})
		at.put(t, "f=old")
		err := at.object("f").Copy(t.Context(), at.object("vacant"), s3path.WithNoOverwrite())
		wantFailure(t, err, "copy", at.object("f").String(), cloudpath.ErrChanged)
		at.wantKeys(t, "f", "target")
		at.noUploads(t)
	})
}

// Whatever goes wrong with a part, no parts are left and the target is what it
// was; the source of a rename stays.
func TestCopyInPartsFails(t *testing.T) {
	noETag := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.Write([]byte(`<CopyPartResult><LastModified>2026-11-20T12:00:00Z</LastModified></CopyPartResult>`))
	}
	gone := refusing(http.StatusNotFound, "NoSuchKey", "as the test wants it")
	for _, row := range []struct {
		name, operation string
		how             http.HandlerFunc
		kinds           []error
	}{
		{"part refused", "UploadPartCopy", refusing(http.StatusForbidden, "AccessDenied", "no"), []error{fs.ErrPermission}},
		{"part without an ETag", "UploadPartCopy", noETag, []error{cloudpath.ErrProtocol}},
		{"part without an answer", "UploadPartCopy", claiming, []error{cloudpath.ErrProtocol}},
		{"source removed meanwhile", "UploadPartCopy", gone, []error{fs.ErrNotExist}},
		{"upload refused", "CreateMultipartUpload", refusing(http.StatusForbidden, "AccessDenied", "no"), []error{fs.ErrPermission}},
		{"completion refused", "CompleteMultipartUpload", refusing(http.StatusForbidden, "AccessDenied", "no"), []error{fs.ErrPermission}},
		{"completion claimed", "CompleteMultipartUpload", claiming, []error{cloudpath.ErrProtocol}},
		{"tags refused", "GetObjectTagging", refusing(http.StatusForbidden, "AccessDenied", "no"), []error{fs.ErrPermission}},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.putRich(t, "f", rich("body"))
				at.put(t, "target=theirs")
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					switch s3proxy.Operation(r) {
					case "CopyObject":
						return tooLarge
					case row.operation:
						return row.how
					}
					return nil
				})
				wantFailure(t, at.object("f").Copy(t.Context(), at.object("target")), "copy", at.object("f").String(), row.kinds...)
				wantFailure(t, at.object("f").Rename(t.Context(), at.object("target")), "rename", at.object("f").String(), row.kinds...)
				at.Proxy.Intercept(nil)
				at.wantBody(t, "target", "theirs")
				at.wantStored(t, "f", rich("body"))
				at.noUploads(t)
			})
		})
	}
}

// An answer that is lost after the parts were put together is no failure, and
// nothing is deleted that was not.
func TestCopyInPartsLosesItsAnswer(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		for _, row := range []struct {
			attempts int
			opts     []s3path.CopyOption
		}{{1, nil}, {2, []s3path.CopyOption{s3path.WithNoOverwrite()}}} {
			at.client = at.newClient(t, s3path.WithMaxAttempts(row.attempts))
			at.put(t, "f=body")
			done := false
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				switch s3proxy.Operation(r) {
				case "CopyObject":
					return tooLarge
				case "CompleteMultipartUpload":
					if !done {
						done = true
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
							at.pass(discarded{http.Header{}}, r)
							panic(http.ErrAbortHandler)
						})
					}
				}
				return nil
			})
			if err := at.object("f").Rename(t.Context(), at.object("g"), row.opts...); err != nil {
				t.Errorf("%d attempts: %v", row.attempts, err)
			}
			at.Proxy.Intercept(nil)
			at.wantBody(t, "g", "body")
			at.wantKeys(t, "g")
			at.noUploads(t)
			at.discard(t, "g")
		}
	})
}

// discarded is an answer that nobody gets.
type discarded struct{ header http.Header }

func (d discarded) Header() http.Header         { return d.header }
func (d discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d discarded) WriteHeader(int)             {}

// A context that ends in the middle takes the upload with it.
func TestCopyInPartsCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		at.put(t, "f=body")
		for _, operation := range []string{"CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"} {
			ctx, cancel := context.WithCancel(t.Context())
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				switch s3proxy.Operation(r) {
				case "CopyObject":
					return tooLarge
				case operation:
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						cancel()
						at.pass(w, r)
					})
				}
				return nil
			})
			err := at.object("f").Rename(ctx, at.object("g"))
			at.Proxy.Intercept(nil)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", operation, err)
			}
			at.wantBody(t, "f", "body")
			at.noUploads(t)
		}
	})
}

// A HEAD that does not say how long the source is makes no empty object of it, and
// one that cannot be true no plan of its parts.
func TestCopyOfUnknownLength(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	for length, says := range map[string]string{"": "how long", "4611686018427387904": "an object of 4611686018427387904 bytes"} {
		at.meddle("HeadObject", 1, forever, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"841a2d689ad86bd1611447453c22c6fc"`)
			if length == "" {
				w.Header().Set("Transfer-Encoding", "chunked")
			} else {
				w.Header().Set("Content-Length", length)
			}
			w.WriteHeader(http.StatusOK)
		})
		_, appended := at.object("f").Append(t.Context())
		for name, err := range map[string]error{
			"no overwrite": at.object("f").Rename(t.Context(), at.object("g"), s3path.WithNoOverwrite()),
			"properties":   at.object("f").Rename(t.Context(), at.object("g"), s3path.WithContentType("a/b")),
			"other client": at.object("f").Rename(t.Context(), apart(t).object("g")),
			"append":       appended,
		} {
			if !errors.Is(err, cloudpath.ErrProtocol) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	at.Proxy.Intercept(nil)
	at.wantKeys(t, "f")
}

// A size that no object has is not planned for.
func TestCopyOfNoSuchSize(t *testing.T) {
	for _, size := range []int64{math.MaxInt64, 1 << 60, 1 << 50} {
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			switch {
			case r.Method == http.MethodHead && strings.HasSuffix(r.URL.Path, "/a"):
				return fakeAnswer(r, http.StatusOK, size, strings.NewReader("")), nil
			case r.Method == http.MethodPost:
				return fakeXML(r, http.StatusOK, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"), nil
			}
			return fakeXML(r, http.StatusNotFound, ""), nil
		})
		err := c.Object("bucket", "a").Copy(t.Context(), c.Object("bucket", "b"), s3path.WithNoOverwrite())
		if !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
