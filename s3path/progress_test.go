package s3path_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
