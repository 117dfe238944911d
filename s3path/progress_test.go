package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// told is what a call has told of its progress.
type told struct {
	t    *testing.T
	busy atomic.Bool // a call is under way
	over atomic.Bool // the operation has returned

	mu    sync.Mutex
	calls []s3path.Progress
}

func (w *told) option() s3path.TransferOption {
	return s3path.WithProgress(func(now s3path.Progress) {
		if w.busy.Swap(true) {
			w.t.Error("two calls at once")
		}
		defer w.busy.Store(false)
		if w.over.Load() {
			w.t.Errorf("%+v was told when the operation had returned", now)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.calls = append(w.calls, now)
	})
}

// check looks at what was told of an operation that has returned.
func (w *told) check() (first, last s3path.Progress) {
	w.t.Helper()
	w.over.Store(true)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.calls) == 0 {
		w.t.Error("nothing was told")
		return
	}
	first, last = w.calls[0], w.calls[len(w.calls)-1]
	if first.Done != 0 || first.Objects != 0 {
		w.t.Errorf("it began with %+v", first)
	}
	before := first
	for _, now := range w.calls {
		if now.Done < before.Done || now.Objects < before.Objects {
			w.t.Errorf("%+v came after %+v", now, before)
		}
		if now.Total >= 0 && now.Done > now.Total || now.TotalObjects >= 0 && now.Objects > now.TotalObjects {
			w.t.Errorf("%+v is more than all", now)
		}
		if before.Total >= 0 && now.Total < 0 {
			w.t.Errorf("%+v knows less than %+v", now, before)
		}
		before = now
	}
	return first, last
}

// ended also wants the operation to have come to its end.
func (w *told) ended(total int64, objects int) (first s3path.Progress) {
	w.t.Helper()
	first, last := w.check()
	if last.Done != total || last.Total != total || last.Objects != objects || last.TotalObjects != objects {
		w.t.Errorf("it ended with %+v, want %d bytes of %d objects", last, total, objects)
	}
	return first
}

// Each verb tells the whole of what it moves, from 0 to the end, and knows the
// total from the first call on but where it cannot.
func TestProgress(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const large = 12<<20 + 7
		c := at.newClient(t, s3path.WithPartSize(5<<20))
		other := at.newClient(t, s3path.WithPartSize(5<<20))
		root := c.Object(at.bucket.Bucket(), "")
		big := bytes.Repeat([]byte("x"), large)
		at.putBody(t, "big", big)
		at.put(t, "small=12345", "empty=", "tree/a=1", "tree/b/c=333", "tree/b/d=", "moved=77", "movedtree/a=1", "movedtree/b=22")
		dir := t.TempDir()
		localTree(t, dir, "a=1", "b/c=333", "b/d=")
		file := filepath.Join(t.TempDir(), "big")
		if err := os.WriteFile(file, big, 0o666); err != nil {
			t.Fatal(err)
		}
		down := t.TempDir()
		stream := func(n int) io.Reader { return struct{ io.Reader }{bytes.NewReader(big[:n])} }
		many := func(n int) []s3path.S3Path {
			var paths []s3path.S3Path
			for i := range n {
				paths = append(paths, root.Join(fmt.Sprintf("many/%04d", i)))
			}
			return paths
		}
		at.put(t, "one=1", "gone/a=1", "gone/b/c=2", "gone/d=3")

		for _, row := range []struct {
			name    string
			total   int64
			objects int
			begins  int64 // what the first call says of the total
			do      func(ctx context.Context, o s3path.TransferOption) error
		}{
			{"WriteBytes", 5, 1, 5, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteBytes(ctx, []byte("12345"), o)
			}},
			{"WriteText of nothing", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteText(ctx, "", o)
			}},
			{"WriteBytes in parts", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteBytes(ctx, big, o)
			}},
			{"WriteFrom a file", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				f, err := os.Open(file)
				if err != nil {
					return err
				}
				defer f.Close()
				_, err = root.Join("w").WriteFrom(ctx, f, o)
				return err
			}},
			{"WriteFrom a short stream", 1000, 1, 1000, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("w").WriteFrom(ctx, stream(1000), o)
				return err
			}},
			{"WriteFrom a long stream", large, 1, -1, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("w").WriteFrom(ctx, stream(large), o)
				return err
			}},
			{"Create", large, 1, -1, func(ctx context.Context, o s3path.TransferOption) error {
				w, err := root.Join("w").Create(ctx, o)
				if err != nil {
					return err
				}
				defer w.Abort()
				if _, err := io.Copy(w, stream(large)); err != nil {
					return err
				}
				return w.Close()
			}},
			{"WriteFunc", 3, 1, 3, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").WriteFunc(ctx, func(w io.Writer) error { _, err := io.WriteString(w, "abc"); return err }, o)
			}},
			{"UploadFrom a file", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("w").UploadFrom(ctx, file, o)
			}},
			{"UploadFrom a directory", 4, 3, 4, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("up").UploadFrom(ctx, dir, o)
			}},
			{"ReadBytes", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("big").ReadBytes(ctx, o)
				return err
			}},
			{"ReadText", 5, 1, 5, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("small").ReadText(ctx, o)
				return err
			}},
			{"ReadRange", 1000, 1, 1000, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("big").ReadRange(ctx, 10, 1000, o)
				return err
			}},
			{"ReadRange past the end", 2, 1, 2, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("small").ReadRange(ctx, 3, 1000, o)
				return err
			}},
			{"ReadRange of nothing", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("small").ReadRange(ctx, 3, 0, o)
				return err
			}},
			{"ReadRange of an empty object", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("empty").ReadRange(ctx, 0, 10, o)
				return err
			}},
			{"DownloadTo a file", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("big").DownloadTo(ctx, filepath.Join(down, "big"), o)
			}},
			{"DownloadTo a directory", 4, 3, 4, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("tree").DownloadTo(ctx, filepath.Join(down, "tree"), o)
			}},
			{"Copy", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("big").Copy(ctx, root.Join("copied"), o)
			}},
			{"Copy with a property", 5, 1, 5, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("small").Copy(ctx, root.Join("copied"), o, s3path.WithContentType("text/plain"))
			}},
			{"Copy to where nothing is", 5, 1, 5, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("small").Copy(ctx, root.Join("new"), o, s3path.WithNoOverwrite())
			}},
			{"Copy of nothing to where nothing is", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("empty").Copy(ctx, root.Join("new-empty"), o, s3path.WithNoOverwrite())
			}},
			{"Copy to another client", 5, 1, 5, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("small").Copy(ctx, root.Join("copied").WithClient(other), o)
			}},
			{"Copy to another client in parts", large, 1, large, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("big").Copy(ctx, root.Join("copied").WithClient(other), o)
			}},
			{"CopyTree", 4, 3, -1, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("tree").CopyTree(ctx, root.Join("copiedtree"), o)
			}},
			{"CopyTree to another client", 4, 3, -1, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("tree").CopyTree(ctx, root.Join("copiedtree").WithClient(other), o)
			}},
			{"Rename", 2, 1, 2, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("moved").Rename(ctx, root.Join("moved.to"), o)
			}},
			{"Rename of a tree", 3, 2, -1, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("movedtree").Rename(ctx, root.Join("movedtree.to"), o)
			}},
			{"SyncFrom", 4, 3, 4, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("synced").SyncFrom(ctx, dir, o)
				return err
			}},
			{"SyncFrom again", 0, 0, 0, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("synced").SyncFrom(ctx, dir, o)
				return err
			}},
			{"SyncFrom, dry", 0, 0, 0, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("not-synced").SyncFrom(ctx, dir, o, s3path.WithDryRun())
				return err
			}},
			{"SyncTo", 4, 3, 4, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("tree").SyncTo(ctx, filepath.Join(down, "synced"), o)
				return err
			}},
			{"SyncTo again", 0, 0, 0, func(ctx context.Context, o s3path.TransferOption) error {
				_, err := root.Join("tree").SyncTo(ctx, filepath.Join(down, "synced"), o)
				return err
			}},
			{"Remove", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error { return root.Join("one").Remove(ctx, o) }},
			{"Remove of what is missing", 0, 1, 0, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("one").Remove(ctx, o, s3path.WithMissingOK())
			}},
			{"RemoveAll", 0, 3, -1, func(ctx context.Context, o s3path.TransferOption) error {
				return root.Join("tree").AsDir().RemoveAll(ctx, o)
			}},
			{"RemoveAll with the path's own key", 0, 4, -1, func(ctx context.Context, o s3path.TransferOption) error { return root.Join("gone").RemoveAll(ctx, o) }},
			{"RemoveAll of nothing", 0, 1, -1, func(ctx context.Context, o s3path.TransferOption) error { return root.Join("gone").RemoveAll(ctx, o) }},
			{"RemoveMany", 0, 2500, -1, func(ctx context.Context, o s3path.TransferOption) error {
				return c.RemoveMany(ctx, slices.Values(many(2500)), o)
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				w := &told{t: t}
				if err := row.do(t.Context(), w.option()); err != nil {
					t.Fatal(err)
				}
				first := w.ended(row.total, row.objects)
				// A listing may end before the first of what it lists is moved.
				if first.Total != row.begins && row.begins >= 0 {
					t.Errorf("it began with a total of %d, want %d", first.Total, row.begins)
				}
				for _, now := range w.calls {
					if b := now.Path.Bucket(); b != at.bucket.Bucket() && !strings.HasPrefix(row.name, "RemoveMany") {
						t.Errorf("%+v is of no path of the bucket", now)
					}
				}
			})
		}
		at.noUploads(t)
	})
}

// The bytes of one object are told as they move, not in the end.
func TestProgressAsBytesMove(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const size = 3 << 20
		body := bytes.Repeat([]byte("x"), size)
		at.putBody(t, "big", body)
		for name, do := range map[string]func(o s3path.TransferOption) error{
			"up": func(o s3path.TransferOption) error { return at.object("up").WriteBytes(t.Context(), body, o) },
			"down": func(o s3path.TransferOption) error {
				return at.object("big").DownloadTo(t.Context(), filepath.Join(t.TempDir(), "big"), o)
			},
		} {
			w := &told{t: t}
			if err := do(w.option()); err != nil {
				t.Fatal(err)
			}
			w.ended(size, 1)
			if len(w.calls) < 4 { // the beginning, two pieces at least, the object
				t.Errorf("%s: %d calls: %+v", name, len(w.calls), w.calls)
			}
		}
	})
}

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
