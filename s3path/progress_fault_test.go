package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// A request that has to be made again is counted once.
func TestProgressOfRetries(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const size = 11 << 20
		c := at.newClient(t, s3path.WithPartSize(5<<20))
		root := c.Object(at.bucket.Bucket(), "")
		body := bytes.Repeat([]byte("x"), size)
		at.putBody(t, "big", body)
		// cut breaks the first request of an operation in the middle of its body.
		cut := func(operation string) {
			var once atomic.Bool
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if s3proxy.Operation(r) != operation || once.Swap(true) {
					return nil
				}
				return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
					panic(http.ErrAbortHandler)
				})
			})
		}
		for _, row := range []struct {
			name  string
			fault func()
			size  int64
			do    func(ctx context.Context, o s3path.TransferOption) error
		}{
			{"a PUT that breaks", func() { cut("PutObject") }, 4 << 20, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteBytes(ctx, body[:4<<20], o)
			}},
			{"a part that breaks", func() { cut("UploadPart") }, size, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteBytes(ctx, body, o)
			}},
			{"an upload that collides", func() {
				var once atomic.Bool
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if s3proxy.Operation(r) != "CompleteMultipartUpload" || once.Swap(true) {
						return nil
					}
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.WriteHeader(http.StatusConflict)
						_, _ = io.WriteString(w, "<Error><Code>ConditionalRequestConflict</Code><Message>Again.</Message></Error>")
					})
				})
			}, size, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("new").WriteBytes(ctx, body, o, s3path.WithNoOverwrite())
			}},
			{"a GET that breaks", func() {
				var once atomic.Bool
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if s3proxy.Operation(r) != "GetObject" || once.Swap(true) {
						return nil
					}
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						at.Proxy.Next().ServeHTTP(&shortAnswer{ResponseWriter: w, left: 3 << 20}, r)
					})
				})
			}, size, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("big").DownloadTo(ctx, filepath.Join(t.TempDir(), "big"), o)
			}},
			{"an object that is replaced meanwhile", func() {
				var once atomic.Bool
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if s3proxy.Operation(r) == "GetObject" && r.Header.Get("Range") != "" && !once.Swap(true) {
						at.putBody(t, "big", body[:6<<20])
					}
					return nil
				})
			}, 6 << 20, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("big").DownloadTo(ctx, filepath.Join(t.TempDir(), "big"), o)
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				row.fault()
				defer at.Proxy.Intercept(nil)
				w := &told{t: t}
				if err := row.do(t.Context(), w.option()); err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(row.name, "an object") {
					// What was read of the longer one before counts as far as it went.
					if _, last := w.check(); last.Done != last.Total || last.Done < row.size || last.Done > size || last.Objects != 1 {
						t.Errorf("it ended with %+v", last)
					}
					return
				}
				w.ended(row.size, 1)
			})
		}
	})
}

// shortAnswer breaks the connection after some bytes of an answer.
type shortAnswer struct {
	http.ResponseWriter
	left int
}

func (a *shortAnswer) Write(b []byte) (int, error) {
	if a.left -= len(b); a.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return a.ResponseWriter.Write(b)
}

// After a failure less than everything has been told, and nothing when the
// operation has returned, however busy the connections still are.
func TestProgressOfFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const size = 22 << 20
		body := bytes.Repeat([]byte("x"), size)
		at.put(t, "tree/a=1", "tree/b=22", "tree/c=333")
		root := at.newClient(t, s3path.WithPartSize(5<<20)).Object(at.bucket.Bucket(), "")

		ctx, cancel := context.WithCancel(t.Context())
		w := &told{t: t}
		at.Proxy.SetRate(8 << 20)
		err := root.Join("w").WriteBytes(ctx, body, s3path.WithProgress(func(now s3path.Progress) {
			w.mu.Lock()
			w.calls = append(w.calls, now)
			w.mu.Unlock()
			if w.over.Load() {
				t.Errorf("%+v was told when the operation had returned", now)
			}
			if now.Done > 2<<20 {
				cancel()
			}
		}))
		_, last := w.check()
		at.Proxy.SetRate(0)
		if !errors.Is(err, context.Canceled) || last.Done >= size || last.Objects != 0 {
			t.Errorf("%v, after %+v", err, last)
		}
		time.Sleep(50 * time.Millisecond)
		at.noUploads(t)

		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if _, key := s3proxy.Address(r); s3proxy.Operation(r) != "GetObject" || key != "tree/b" {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
		})
		w = &told{t: t}
		err = root.Join("tree").DownloadTo(t.Context(), t.TempDir(), w.option())
		if _, last := w.check(); err == nil || last.Done != 4 || last.Total != 6 || last.Objects != 2 || last.TotalObjects != 3 {
			t.Errorf("%v, after %+v", err, last)
		}
	})
}

// What cannot tell its progress refuses to be asked.
func TestProgressRefused(t *testing.T) {
	bucket := memoryBucket(t)
	p, ctx := bucket.Join("a"), t.Context()
	if err := p.WriteText(ctx, "1"); err != nil {
		t.Fatal(err)
	}
	w := &told{t: t}
	w.over.Store(true)
	o := w.option()
	_, open := p.Open(ctx, o)
	_, stat := p.Stat(ctx, o)
	_, get := p.PresignGet(ctx, time.Minute, o)
	_, put := p.PresignPut(ctx, time.Minute, o)
	for name, err := range map[string]error{
		"Open": open, "Stat": stat, "PresignGet": get, "PresignPut": put, "Touch": p.Touch(ctx, o),
		"Update": p.Update(ctx, func(old []byte) ([]byte, error) { return old, nil }, o),
	} {
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "WithProgress") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := p.WriteText(ctx, "2", s3path.WithProgress(nil)); err == nil || !strings.Contains(err.Error(), "WithProgress: nil") {
		t.Errorf("a nil function: %v", err)
	}
}

// To AWS itself a body goes in chunks with a checksum behind it: what is counted
// are the object's bytes, and what is sent is what is sent without being counted.
func TestProgressOfChunkedBodies(t *testing.T) {
	bareEnvironment(t)
	var (
		mu   sync.Mutex
		sent []string
	)
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		mu.Lock()
		sent = append(sent, fmt.Sprint(n, " ", r.ContentLength, " ", r.Header.Get("Content-Encoding"), " ", r.Header.Get("X-Amz-Trailer")))
		mu.Unlock()
		agreeable(w, r)
	}}
	p := openClient(t, s3path.WithRegion("us-east-1"), keys(), s3path.WithHTTPClient(w.client())).Object("bucket", "key")
	const size = 100_000
	if err := p.WriteBytes(t.Context(), make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	counted := &told{t: t}
	if err := p.WriteBytes(t.Context(), make([]byte, size), counted.option()); err != nil {
		t.Fatal(err)
	}
	counted.ended(size, 1)
	if len(sent) != 2 || sent[0] != sent[1] || !strings.Contains(sent[0], "aws-chunked") {
		t.Errorf("sent %q", sent)
	}
}

// A server that refuses to delete RemoveAll's own key, because it is only a
// directory: what is not there is as good as removed, and counts.
func TestProgressOfRemoveAllOwnKey(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "tree/a=1", "tree/b=2")
		at.spoil("DeleteObjects", 1, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, "<DeleteResult><Deleted><Key>tree/a</Key></Deleted><Deleted><Key>tree/b</Key></Deleted>"+
				"<Error><Key>tree</Key><Code>InternalError</Code><Message>It is a directory.</Message></Error></DeleteResult>")
		})
		w := &told{t: t}
		if err := at.object("tree").RemoveAll(t.Context(), w.option()); err != nil {
			t.Fatal(err)
		}
		w.ended(0, 3)
	})
}
