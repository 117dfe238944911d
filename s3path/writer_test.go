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
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// sizes on both sides of what one part holds: the Writer makes no request before
// it has outgrown one.
var writerSizes = []int{0, 1, part, part + 1, 2*part + 7}

// Create makes no request; Close commits, in one request or in n+2, whatever the
// pieces were that it was written in.
func TestWriter(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		for _, size := range writerSizes {
			for _, piece := range []int{1000, 1 << 20, 3 * part} {
				if size < part && piece > 1000 || piece > 1000 && at.Name != "in-process" {
					continue
				}
				t.Run(fmt.Sprintf("%d by %d", size, piece), func(t *testing.T) {
					body := pattern(size)
					at.put(t, "a=old")
					mark := at.Proxy.Mark()
					w, err := p.Create(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					for rest := body; len(rest) > 0; {
						b := bytes.Clone(rest[:min(len(rest), piece)])
						if n, err := w.Write(b); n != len(b) || err != nil {
							t.Fatalf("Write(%d) = %d, %v", len(b), n, err)
						}
						clear(b) // is the caller's again
						rest = rest[min(len(rest), piece):]
					}
					if size <= part {
						at.checkOperations(t, mark)
					}
					if got := at.body(t, "a"); got != "old" {
						t.Errorf("before Close there is %s", brief(got))
					}
					if err := w.Close(); err != nil {
						t.Fatal(err)
					}
					want := map[string]int{"PutObject": 1}
					if size > part {
						want = map[string]int{"CreateMultipartUpload": 1, "UploadPart": (size + part - 1) / part, "CompleteMultipartUpload": 1}
					}
					if got := at.Proxy.Since(mark).Counts(); !maps.Equal(got, want) {
						t.Errorf("requests %v, want %v", got, want)
					}
					if got := at.body(t, "a"); got != string(body) {
						t.Errorf("stored %s", brief(got))
					}
					if info := w.Info(); info.Size() != int64(size) || info.ETag() != at.etag(t, "a") || info.Name() != "a" {
						t.Errorf("Info is %+v", info)
					}
				})
			}
		}
	})
}

// Abort discards; the old object is untouched, no parts are left, and nothing
// works behind it.
func TestWriterAbort(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		at.put(t, "a=old")
		for _, size := range writerSizes {
			w, err := p.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(make([]byte, size)); err != nil {
				t.Error(err)
			}
			mark := at.Proxy.Mark()
			if err := w.Abort(); err != nil {
				t.Errorf("%d bytes: Abort: %v", size, err)
			}
			if size <= part {
				at.checkOperations(t, mark)
			}
			mark = at.Proxy.Mark()
			if err := w.Abort(); err != nil {
				t.Errorf("%d bytes: a second Abort: %v", size, err)
			}
			for name, err := range map[string]error{"Write": second(w.Write(nil)), "ReadFrom": second(w.ReadFrom(strings.NewReader(""))), "Close": w.Close()} {
				if !errors.Is(err, fs.ErrClosed) {
					t.Errorf("%d bytes: %s after Abort: %v", size, name, err)
				}
			}
			at.checkOperations(t, mark)
			if got := at.body(t, "a"); got != "old" {
				t.Errorf("%d bytes: there is %s", size, brief(got))
			}
			at.noUploads(t)
		}
	})
}

// A second Close is fs.ErrClosed; Abort after Close does nothing, so that it can be
// deferred.
func TestWriterClosed(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		for _, size := range writerSizes {
			body := pattern(size)
			func() {
				w, err := p.Create(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer w.Abort()
				if _, err := w.Write(body); err != nil {
					t.Error(err)
				}
				if err := w.Close(); err != nil {
					t.Error(err)
				}
				mark := at.Proxy.Mark()
				for name, err := range map[string]error{"Close": w.Close(), "Write": second(w.Write([]byte("x"))), "ReadFrom": second(w.ReadFrom(strings.NewReader("x")))} {
					if pe := (*fs.PathError)(nil); !errors.Is(err, fs.ErrClosed) || !errors.As(err, &pe) {
						t.Errorf("%d bytes: %s after Close: %v", size, name, err)
					}
				}
				if err := w.Abort(); err != nil {
					t.Errorf("%d bytes: Abort after Close: %v", size, err)
				}
				at.checkOperations(t, mark)
			}()
			if got := at.body(t, "a"); got != string(body) {
				t.Errorf("%d bytes: there is %s", size, brief(got))
			}
		}
	})
}

// Without Close there is no object, and once the Writer is let go, no request.
func TestWriterForgotten(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		n := at.count(func() {
			w, err := at.object("a").Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte("x")); err != nil {
				t.Error(err)
			}
			w = nil
			runtime.GC()
		})
		if n != 0 {
			t.Errorf("%d requests", n)
		}
		same(t, "keys", at.keys(t), nil)
	})
}

// A context that is cancelled between Create and Close discards: at the next
// Write, at Close, or in the middle of a part that is being sent.
func TestWriterCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		at.put(t, "a=old")
		for _, size := range []int{1, part + 1} {
			for _, row := range []struct {
				name string
				then func(t *testing.T, w *s3path.Writer) error
			}{
				{"Close", func(t *testing.T, w *s3path.Writer) error { return w.Close() }},
				{"Write", func(t *testing.T, w *s3path.Writer) error {
					_, err := w.Write(make([]byte, 100))
					if cerr := w.Close(); !isCanceled(cerr) {
						t.Errorf("Close after a Write that failed: %v", cerr)
					}
					return err
				}},
				{"ReadFrom", func(t *testing.T, w *s3path.Writer) error {
					_, err := w.ReadFrom(strings.NewReader("more"))
					if cerr := w.Close(); !isCanceled(cerr) {
						t.Errorf("Close after a ReadFrom that failed: %v", cerr)
					}
					return err
				}},
				{"Abort", func(t *testing.T, w *s3path.Writer) error {
					if err := w.Abort(); err != nil {
						t.Errorf("Abort: %v", err)
					}
					return context.Canceled
				}},
			} {
				t.Run(fmt.Sprintf("%d bytes, then %s", size, row.name), func(t *testing.T) {
					ctx, cancel := newCancel(t)
					w, err := p.Create(ctx)
					if err != nil {
						t.Fatal(err)
					}
					if _, err := w.Write(make([]byte, size)); err != nil {
						t.Fatal(err)
					}
					cancel()
					if err := row.then(t, w); !isCanceled(err) {
						t.Errorf("%s: %v", row.name, err)
					}
					if got := at.body(t, "a"); got != "old" {
						t.Errorf("there is %s", brief(got))
					}
					at.noUploads(t)
				})
			}
		}
	})
}

// An upload that is cancelled while its nth request is under way leaves nothing,
// although that request went through.
func TestUploadCancelledAnywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		body := pattern(2*part + 1000)
		for name, write := range at.ways(part + 1) {
			if name == "WriteText" || name == "WriteFunc" || name == "UploadFrom" {
				continue // the same as others below
			}
			for _, operation := range []string{"CreateMultipartUpload", "UploadPart"} {
				t.Run(name+", "+operation, func(t *testing.T) {
					at.put(t, "a=old")
					ctx, cancel := newCancel(t)
					at.spoil(operation, 1, func(w http.ResponseWriter, r *http.Request) {
						rec := at.recorded(r)
						cancel()
						maps.Copy(w.Header(), rec.Header())
						w.WriteHeader(rec.Code)
						w.Write(rec.Body.Bytes())
					})
					err := write(ctx, p, body)
					if pe := (*fs.PathError)(nil); !isCanceled(err) || !errors.As(err, &pe) {
						t.Errorf("%v", err)
					}
					at.Proxy.Intercept(nil)
					if got := at.body(t, "a"); got != "old" {
						t.Errorf("there is %s", brief(got))
					}
					at.noUploads(t)
				})
			}
		}
	})
}

// WriteFunc commits only when its function returns nil; an error, a panic and the
// end of the goroutine discard.
func TestWriteFunc(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		cause := errors.New("no")
		for _, size := range []int{1, part, 2*part + 7} {
			body := pattern(size)
			for _, row := range []struct {
				name string
				end  func() error
				call func(fn func() error) error
				want error
				kept bool
			}{
				{name: "nil", end: func() error { return nil }, kept: true},
				{name: "an error", end: func() error { return cause }, want: cause},
				{name: "a panic", end: func() error { panic(cause) }, want: cause, call: func(fn func() error) (err error) {
					defer func() { err, _ = recover().(error) }()
					return fn()
				}},
				{name: "the end of the goroutine", end: func() error { runtime.Goexit(); return nil }, want: cause, call: func(fn func() error) error {
					done := make(chan struct{})
					go func() { defer close(done); _ = fn() }()
					<-done
					return cause
				}},
			} {
				t.Run(fmt.Sprintf("%s after %d", row.name, size), func(t *testing.T) {
					at.put(t, "a=old")
					var kept io.Writer
					write := func() error {
						return p.WriteFunc(t.Context(), func(w io.Writer) error {
							kept = w
							if _, err := io.Copy(w, iotest.HalfReader(bytes.NewReader(body))); err != nil {
								return err
							}
							return row.end()
						})
					}
					if row.call == nil {
						row.call = func(fn func() error) error { return fn() }
					}
					if err := row.call(write); !errors.Is(err, row.want) {
						t.Errorf("%v, want %v", err, row.want)
					}
					want := "old"
					if row.kept {
						want = string(body)
					}
					if got := at.body(t, "a"); got != want {
						t.Errorf("there is %s", brief(got))
					}
					if _, err := kept.Write([]byte("late")); !errors.Is(err, fs.ErrClosed) {
						t.Errorf("Write behind the end: %v", err)
					}
					at.noUploads(t)
				})
			}
		}
	})
}

// An encoder that closes what it writes to commits nothing.
func TestWriteFuncClosed(t *testing.T) {
	p := memoryBucket(t).Join("a")
	cause := errors.New("no")
	err := p.WriteFunc(t.Context(), func(w io.Writer) error {
		if c, ok := w.(io.Closer); ok {
			return errors.Join(c.Close(), cause)
		}
		return cause
	})
	if there, serr := p.Exists(t.Context()); !errors.Is(err, cause) || there || serr != nil {
		t.Errorf("%v; there is an object: %v, %v", err, there, serr)
	}
}

// Where an upload fails, the Write that comes next says why, and so does Close.
func TestWriterUploadFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		at.put(t, "a=old")
		for _, operation := range []string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} {
			at.spoil(operation, always, refusal(http.StatusForbidden, "AccessDenied"))
			w, err := p.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var werr error
			for range 200 { // more than would ever be buffered
				if operation == "CompleteMultipartUpload" && werr == nil {
					_, werr = w.Write(make([]byte, 2*part))
					break
				}
				if _, werr = w.Write(make([]byte, 1<<20)); werr != nil {
					break
				}
			}
			if operation != "CompleteMultipartUpload" && !errors.Is(werr, fs.ErrPermission) {
				t.Errorf("%s refused: Write: %v", operation, werr)
			}
			if err := w.Close(); !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s refused: Close: %v", operation, err)
			}
			at.Proxy.Intercept(nil)
			if got := at.body(t, "a"); got != "old" {
				t.Errorf("there is %s", brief(got))
			}
			at.noUploads(t)
		}
	})
}

// An abort that fails names the upload, whatever the write failed of.
func TestAbortFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part), s3path.WithMaxAttempts(1))
		p := c.Object(at.bucket.Bucket(), "a")
		at.put(t, "a=old")
		for name, write := range at.ways(part + 1) {
			for _, row := range []struct {
				name string
				fail func(cancel func()) (operation string, how wireFault)
				opts []s3path.WriteOption
				want error
			}{
				{name: "refused", want: fs.ErrPermission, fail: func(func()) (string, wireFault) {
					return "UploadPart", refusal(http.StatusForbidden, "AccessDenied")
				}},
				{name: "cancelled", want: context.Canceled, fail: func(cancel func()) (string, wireFault) {
					return "UploadPart", func(w http.ResponseWriter, r *http.Request) {
						io.Copy(io.Discard, r.Body)
						cancel()
						<-r.Context().Done()
						panic(http.ErrAbortHandler)
					}
				}},
				{name: "there is one", want: fs.ErrExist, opts: []s3path.WriteOption{s3path.WithNoOverwrite()}, fail: func(func()) (string, wireFault) {
					return "", nil
				}},
			} {
				t.Run(name+", "+row.name, func(t *testing.T) {
					ctx, cancel := newCancel(t)
					operation, how := row.fail(cancel)
					mark := at.Proxy.Mark()
					at.Proxy.Intercept(func(r *http.Request) http.Handler {
						switch s3proxy.Operation(r) {
						case operation:
							return http.HandlerFunc(how)
						case "AbortMultipartUpload":
							return http.HandlerFunc(refusal(http.StatusForbidden, "AccessDenied"))
						}
						return nil
					})
					err := write(ctx, p, make([]byte, 2*part), row.opts...)
					if !errors.Is(err, row.want) {
						t.Errorf("%v, want %v", err, row.want)
					}
					aborts := at.Proxy.Since(mark).Operation("AbortMultipartUpload")
					if len(aborts) != 1 {
						t.Fatalf("%d aborts", len(aborts))
					}
					id := aborts[0].Query.Get("uploadId")
					if err == nil || strings.Count(err.Error(), "as upload "+id) != 1 {
						t.Errorf("%v does not name upload %s, once", err, id)
					}
					at.Proxy.Intercept(nil)
					if _, err := c.AbortStale(t.Context(), c.Object(at.bucket.Bucket(), ""), 0); err != nil {
						t.Error(err)
					}
				})
			}
		}
	})
}
