package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// WithNoOverwrite: fs.ErrExist when there is one, in one part and in several; the
// header is If-None-Match: *.
func TestNoOverwrite(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 10} {
			for name, write := range at.ways(size) {
				t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
					key := fmt.Sprintf("%s/%d", name, size)
					p, body := c.Object(at.bucket.Bucket(), key), pattern(size)
					mark := at.Proxy.Mark()
					if err := write(t.Context(), p, body, s3path.WithNoOverwrite()); err != nil {
						t.Fatal(err)
					}
					last := at.Proxy.Since(mark)
					if got := last[len(last)-1].Header; got.Get("If-None-Match") != "*" || got.Get("If-Match") != "" {
						t.Errorf("asked %v", got)
					}
					err := write(t.Context(), p, []byte("another"), s3path.WithNoOverwrite())
					if pe := (*fs.PathError)(nil); !errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) || pe.Path != p.String() {
						t.Errorf("over it: %v", err)
					}
					if err := write(t.Context(), p, pattern(size+1), s3path.WithNoOverwrite()); !errors.Is(err, fs.ErrExist) {
						t.Errorf("over it: %v", err)
					}
					if got := at.body(t, key); got != string(body) {
						t.Errorf("there is %s", brief(got))
					}
				})
			}
		}
		at.noUploads(t)
	})
}

// Of 24 that race exactly one wins, and the others get fs.ErrExist.
func TestNoOverwriteRace(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part), s3path.WithConcurrency(24))
		for _, size := range []int{10, part + 10} {
			racers := 24
			if size > part && at.Name != "in-process" {
				racers = 6 // their disks are slow; the header is the same
			}
			key := strconv.Itoa(size)
			body := func(i int) []byte { return append(pattern(size), byte(i)) }
			var wg sync.WaitGroup
			start := make(chan struct{})
			errs := make([]error, racers)
			for i := range errs {
				wg.Go(func() {
					data := body(i)
					<-start
					errs[i] = c.Object(at.bucket.Bucket(), key).WriteBytes(t.Context(), data, s3path.WithNoOverwrite())
				})
			}
			close(start)
			wg.Wait()
			winner := -1
			for i, err := range errs {
				switch {
				case err == nil && winner >= 0:
					t.Errorf("%d bytes: %d and %d have won", size, winner, i)
				case err == nil:
					winner = i
				case !errors.Is(err, fs.ErrExist):
					t.Errorf("%d bytes: %v", size, err)
				}
			}
			if winner < 0 || at.body(t, key) != string(body(winner)) {
				t.Errorf("%d bytes: %d has won, and it is not its body that is there", size, winner)
			}
		}
		at.noUploads(t)
	})
}

// WithIfMatch: written while the object is the one that was seen, with or without
// quotes; else ErrPreconditionFailed, also when it is gone.
func TestWriteIfMatch(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 10} {
			for name, write := range at.ways(size) {
				if size > part && name != "WriteBytes" && name != "Create" {
					continue
				}
				t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
					at.put(t, "a=first")
					p, ctx, body := c.Object(at.bucket.Bucket(), "a"), t.Context(), pattern(size)
					var info s3path.Info
					if _, err := p.ReadBytes(ctx, s3path.WithInfo(&info)); err != nil {
						t.Fatal(err)
					}
					first := info.ETag()
					if err := write(ctx, p, body, s3path.WithIfMatch(first), s3path.WithInfo(&info)); err != nil {
						t.Errorf("unchanged: %v", err)
					}
					second := info.ETag()
					if err := write(ctx, p, pattern(size+1), s3path.WithIfMatch(first)); !errors.Is(err, cloudpath.ErrPreconditionFailed) || errors.Is(err, fs.ErrExist) {
						t.Errorf("changed: %v", err)
					}
					if got := at.body(t, "a"); got != string(body) {
						t.Errorf("there is %s", brief(got))
					}
					if err := write(ctx, p, pattern(size+2), s3path.WithIfMatch(`"`+second+`"`)); err != nil {
						t.Errorf("unchanged, with quotes: %v", err)
					}
					at.removeObject(t, "a")
					if err := write(ctx, p, body, s3path.WithIfMatch(second)); !errors.Is(err, cloudpath.ErrPreconditionFailed) || errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "not there any more") {
						t.Errorf("gone: %v", err)
					}
					same(t, "keys", at.keys(t), nil)
				})
			}
		}
		at.noUploads(t)
	})
}

// An empty ETag, and both conditions at once, are errors before any request.
func TestConditionsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		mark := at.Proxy.Mark()
		for name, write := range writings {
			for want, opts := range map[string][]s3path.WriteOption{
				"WithIfMatch":                  {s3path.WithIfMatch("")},
				"WithIfMatch: the ETag":        {s3path.WithIfMatch(`""`)},
				"WithIfMatch, WithNoOverwrite": {s3path.WithIfMatch("x"), s3path.WithNoOverwrite()},
			} {
				if err := write(t.Context(), at.object("a"), []byte("x"), opts...); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v does not name %s", name, err, want)
				}
			}
		}
		for name, o := range map[string]s3path.WriteOption{"WithIfMatch": s3path.WithIfMatch("x"), "WithNoOverwrite": s3path.WithNoOverwrite()} {
			err := at.object("a").Update(t.Context(), nil, o)
			if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), name) {
				t.Errorf("Update %s: %v", name, err)
			}
		}
		at.checkOperations(t, mark)
	})
}

// S3 answers 409 when two conditional writes collide: the whole write is asked
// again. What has no source to be read again has its last request asked again.
func TestConflictIsTriedAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 10} {
			for name, write := range at.ways(size) {
				if name != "WriteBytes" && name != "WriteFrom a stream" {
					continue // with a source, and without
				}
				operation := map[bool]string{true: "PutObject", false: "CompleteMultipartUpload"}[size < part]
				t.Run(fmt.Sprintf("%s %d", name, size), func(t *testing.T) {
					key := fmt.Sprintf("%s/%d", name, size)
					p, body := c.Object(at.bucket.Bucket(), key), pattern(size)
					at.spoil(operation, 2, refusal(http.StatusConflict, "ConditionalRequestConflict"))
					mark := at.Proxy.Mark()
					if err := write(t.Context(), p, body, s3path.WithNoOverwrite()); err != nil {
						t.Error(err)
					}
					if n := len(at.Proxy.Since(mark).Operation(operation)); n != 3 {
						t.Errorf("%d times %s", n, operation)
					}
					if got := at.body(t, key); got != string(body) {
						t.Errorf("there is %s", brief(got))
					}
					at.spoil(operation, always, refusal(http.StatusConflict, "ConditionalRequestConflict"))
					if err := write(t.Context(), p, body, s3path.WithIfMatch("x")); !errors.Is(err, cloudpath.ErrPreconditionFailed) {
						t.Errorf("for ever: %v", err)
					}
				})
			}
		}
		at.noUploads(t)
	})
}

// A write whose answer is lost has been made: the SDK asks again, and is refused
// because of the first. That is success, by the ETag.
func TestAnswerIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.eager(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 10} {
			for name, write := range at.ways(size) {
				operation := map[bool]string{true: "PutObject", false: "CompleteMultipartUpload"}[size < part]
				for _, opts := range [][]s3path.WriteOption{nil, {s3path.WithNoOverwrite()}} {
					t.Run(fmt.Sprintf("%s %d, %d options", name, size, len(opts)), func(t *testing.T) {
						key := fmt.Sprintf("%s/%d/%d", name, size, len(opts))
						p, body := c.Object(at.bucket.Bucket(), key), pattern(size)
						var info s3path.Info
						opts = append(opts, s3path.WithInfo(&info))
						at.spoil(operation, 1, at.lostAnswer)
						if err := write(t.Context(), p, body, opts...); err != nil {
							t.Error(err)
						}
						at.Proxy.Intercept(nil)
						if got := at.body(t, key); got != string(body) {
							t.Errorf("there is %s", brief(got))
						}
						if info.ETag() != at.etag(t, key) || info.Size() != int64(size) {
							t.Errorf("WithInfo gave %+v", info)
						}
					})
				}
			}
		}
		at.noUploads(t)
	})
}

// Every answer is lost, or is a failure of the server's: the parts were put
// together all the same, and that is seen.
func TestEveryAnswerIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.eager(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		body := pattern(part + 10)
		for name, how := range map[string]wireFault{
			"cut": at.lostAnswer,
			"500": func(w http.ResponseWriter, r *http.Request) {
				at.recorded(r)
				refusal(http.StatusInternalServerError, "InternalError")(w, r)
			},
			"200 without a word": func(w http.ResponseWriter, r *http.Request) { at.recorded(r) },
			"200 with an error inside": func(w http.ResponseWriter, r *http.Request) {
				at.recorded(r)
				refusal(http.StatusOK, "InternalError")(w, r)
			},
		} {
			at.put(t, "a=old")
			at.spoil("CompleteMultipartUpload", always, how)
			if err := p.WriteBytes(t.Context(), body); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			at.Proxy.Intercept(nil)
			if got := at.body(t, "a"); got != string(body) {
				t.Errorf("%s: there is %s", name, brief(got))
			}
			at.noUploads(t)
		}
		// Not put together: an error, and the old object.
		at.put(t, "a=old")
		for name, how := range map[string]wireFault{
			"cut":                func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
			"200 without a word": func(http.ResponseWriter, *http.Request) {},
			"200 with HTML":      func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html><body>Log in</body></html>") },
		} {
			at.spoil("CompleteMultipartUpload", always, how)
			if err := p.WriteBytes(t.Context(), body); err == nil {
				t.Errorf("%s: no error although nothing was put together", name)
			}
			at.Proxy.Intercept(nil)
			if got := at.body(t, "a"); got != "old" {
				t.Errorf("%s: there is %s", name, brief(got))
			}
			at.noUploads(t)
		}
	})
}

// An answer to a PUT that is not S3's is doubted: the object is looked at.
func TestPutIsDoubted(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=old")
		p := at.object("a")
		at.spoil("PutObject", 1, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			io.WriteString(w, "<html><body>Log in</body></html>")
		})
		if err := p.WriteText(t.Context(), "new"); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("a portal: %v", err)
		}
		at.spoil("PutObject", 1, func(w http.ResponseWriter, r *http.Request) { at.recorded(r) })
		var info s3path.Info
		if err := p.WriteText(t.Context(), "new", s3path.WithInfo(&info)); err != nil || info.ETag() != at.etag(t, "a") {
			t.Errorf("stored, and nothing said: %v, %+v", err, info)
		}
		if got := at.body(t, "a"); got != "new" {
			t.Errorf("there is %s", brief(got))
		}
	})
}

// An answer that is lost where somebody else was faster is a refusal all the same.
func TestAnswerIsLostToAnother(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.eager(t, s3path.WithPartSize(part))
		for _, size := range []int{10, part + 10} {
			operation := map[bool]string{true: "PutObject", false: "CompleteMultipartUpload"}[size < part]
			p := c.Object(at.bucket.Bucket(), fmt.Sprint(size))
			at.spoil(operation, 1, func(http.ResponseWriter, *http.Request) {
				at.put(t, p.Key()+"=the other's")
				panic(http.ErrAbortHandler)
			})
			if err := p.WriteBytes(t.Context(), pattern(size), s3path.WithNoOverwrite()); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%d bytes: %v", size, err)
			}
			if got := at.body(t, p.Key()); got != "the other's" {
				t.Errorf("%d bytes: there is %s", size, brief(got))
			}
		}
		at.noUploads(t)
	})
}

// A server that ignores conditions is believed: the condition was sent, its answer
// is reported, nothing else is asked.
func TestConditionsIgnored(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=old")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) != "PutObject" {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				var b bytes.Buffer
				b.ReadFrom(r.Body)
				at.putBody(t, "a", b.Bytes())
				w.Header().Set("ETag", `"`+at.etag(t, "a")+`"`)
			})
		})
		mark := at.Proxy.Mark()
		if err := at.object("a").WriteText(t.Context(), "new", s3path.WithNoOverwrite()); err != nil {
			t.Error(err)
		}
		at.checkOperations(t, mark, "PutObject")
	})
}
