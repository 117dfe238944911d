package s3path_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestAppend(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const mib = 1 << 20
		block := strings.Repeat("0123456789abcdef", mib/16)
		for _, row := range []struct {
			what     string
			old, new string
			want     []string
		}{
			{"nothing", "", "new", []string{"HeadObject", "PutObject"}},
			{"a small object", "old", "new", []string{"HeadObject", "GetObject", "PutObject"}},
			{"nothing to one", "old", "", []string{"HeadObject", "GetObject", "PutObject"}},
			{"a large object", strings.Repeat(block, 5), "new", []string{"HeadObject", "CreateMultipartUpload", "UploadPartCopy", "UploadPart", "CompleteMultipartUpload"}},
			{"nothing to that", strings.Repeat(block, 5), "", []string{"HeadObject"}},
			{"two parts to it", strings.Repeat(block, 6), strings.Repeat(block, 9), []string{"HeadObject", "CreateMultipartUpload", "UploadPartCopy", "UploadPart", "UploadPart", "CompleteMultipartUpload"}},
			{"parts to a small one", "old", strings.Repeat(block, 9), []string{"HeadObject", "GetObject", "CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"}},
		} {
			t.Run(row.what, func(t *testing.T) {
				p := at.bucket.Join("log")
				if row.old == "" {
					if err := p.Remove(t.Context(), s3path.WithMissingOK()); err != nil {
						t.Fatal(err)
					}
				} else if err := p.WriteText(t.Context(), row.old, s3path.WithContentType("text/x-log"), s3path.WithMetadata(map[string]string{"who": "me"})); err != nil {
					t.Fatal(err)
				}
				progress := &told{t: t}
				ops := at.operations(func() {
					w, err := p.Append(t.Context(), progress.option())
					if err != nil {
						t.Fatal(err)
					}
					if _, err := w.Write([]byte(row.new)); err != nil {
						t.Fatal(err)
					}
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					if size := w.Info().Size(); size != int64(len(row.old)+len(row.new)) {
						t.Errorf("Info says %d bytes", size)
					}
				})
				moved := int64(len(row.old) + len(row.new))
				if len(row.want) == 1 {
					moved = 0
				}
				progress.ended(moved, 1)
				slices.Sort(ops[1:])
				want := slices.Clone(row.want)
				slices.Sort(want[1:])
				if !slices.Equal(ops, want) {
					t.Errorf("made %q, want %q", ops, want)
				}
				var info s3path.Info
				got, err := p.ReadBytes(t.Context(), s3path.WithInfo(&info))
				if err != nil || string(got) != row.old+row.new {
					t.Errorf("%d bytes, %v, want %d", len(got), err, len(row.old+row.new))
				}
				if row.old != "" && (info.ContentType() != "text/x-log" || info.Metadata()["who"] != "me") {
					t.Errorf("it is %q now, with %v", info.ContentType(), info.Metadata())
				}
				at.noUploads(t)
			})
		}
	})
}

func TestAppendRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const block = 5 << 20
		for _, row := range []struct {
			what     string
			old, now string
			want     error
		}{
			{"replaced", "old", "now", cloudpath.ErrPreconditionFailed},
			{"a large one, replaced", strings.Repeat("o", block), strings.Repeat("n", block), cloudpath.ErrPreconditionFailed},
			{"made meanwhile", "", "now", fs.ErrExist},
		} {
			t.Run(row.what, func(t *testing.T) {
				p := at.bucket.Join("log")
				if err := p.Remove(t.Context(), s3path.WithMissingOK()); err != nil {
					t.Fatal(err)
				}
				if row.old != "" {
					at.put(t, "log="+row.old)
				}
				w, err := p.Append(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write([]byte("tail")); err != nil {
					t.Fatal(err)
				}
				at.put(t, "log="+row.now)
				if err := w.Close(); !errors.Is(err, row.want) {
					t.Errorf("Close: %v, want %v", err, row.want)
				}
				if got := at.body(t, "log"); got != row.now {
					t.Errorf("it has %d bytes", len(got))
				}
				at.noUploads(t)
			})
		}
		t.Run("wrong ETag", func(t *testing.T) {
			at.put(t, "log=x")
			if _, err := at.bucket.Join("log").Append(t.Context(), s3path.WithIfMatch("other")); !errors.Is(err, cloudpath.ErrPreconditionFailed) {
				t.Error(err)
			}
		})
		t.Run("a directory", func(t *testing.T) {
			if _, err := at.bucket.Append(t.Context()); !errors.Is(err, cloudpath.ErrIsDirectory) {
				t.Error(err)
			}
		})
		t.Run("no bucket", func(t *testing.T) {
			w, err := at.client.Object("absent-"+at.bucket.Bucket(), "k").Append(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Close(); !errors.Is(err, fs.ErrNotExist) { // a HEAD's answer does not tell it from a missing object
				t.Error(err)
			}
		})
		t.Run("an option that does not apply", func(t *testing.T) {
			if _, err := at.bucket.Join("k").Append(t.Context(), s3path.WithNoOverwrite()); !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}
		})
	})
}

// A part that cannot be copied, an abort and a context that ends leave the old
// object, and no parts.
func TestAppendFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		old := strings.Repeat("o", 5<<20)
		at.put(t, "log="+old)
		begin := func(ctx context.Context) *s3path.Writer {
			w, err := at.bucket.Join("log").Append(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("tail")); err != nil {
				t.Fatal(err)
			}
			return w
		}
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) != "UploadPartCopy" {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		})
		if err := begin(t.Context()).Close(); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("a part refused: %v", err)
		}
		at.Proxy.Intercept(nil)
		w := begin(t.Context())
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		w = begin(ctx)
		cancel()
		if err := w.Close(); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		if got := at.body(t, "log"); got != old {
			t.Errorf("it has %d bytes", len(got))
		}
		at.noUploads(t)
	})
}
