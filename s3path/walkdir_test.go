package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// walkTree has names of which the order of names is the order of keys, so that
// both kinds of walk are the same.
var walkTree = []string{"a/b/c/x", "a/b/y", "a/z", "d/empty/", "d/e", "f", "g/h/i", "g/j/k", "g/l"}

// step is one call of a walk's function.
func step(rel string, isDir bool, err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rel + " is missing"
	case err != nil:
		return rel + " failed"
	case isDir:
		return rel + "/"
	}
	return rel
}

// script is what a walk's function answers about a path.
type script struct {
	root   string
	at     string
	answer error
}

func (s script) on(calls *[]string) func(rel string, isDir bool, err error) error {
	return func(rel string, isDir bool, err error) error {
		*calls = append(*calls, step(rel, isDir, err))
		if rel == s.at {
			return s.answer
		}
		return err
	}
}

var errMine = errors.New("mine")

// TestWalkDirIsFsWalkDir runs the same functions over a local tree and over the
// same tree in S3: every answer at every path, from every kind of root.
func TestWalkDirIsFsWalkDir(t *testing.T) {
	dir := t.TempDir()
	for _, key := range walkTree {
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(key)), 0o755); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(key, "/") {
			if err := os.WriteFile(filepath.Join(dir, key), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	local := os.DirFS(dir)
	answers := []error{nil, fs.SkipDir, fs.SkipAll, errMine, fmt.Errorf("wrapped: %w", fs.SkipDir)}
	var scripts []script
	for _, root := range []string{".", "a", "d", "d/empty", "f", "g/l", "missing", "a/missing"} {
		for _, at := range []string{".", "a", "a/b", "a/b/c", "a/b/y", "a/z", "b", "b/c", "b/c/x", "b/y", "d", "d/e", "d/empty", "e", "empty", "f", "g", "g/h", "g/h/i", "g/j", "g/l", "z"} {
			for _, answer := range answers {
				scripts = append(scripts, script{root, at, answer})
			}
		}
	}
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, walkTree...)
		for _, s := range scripts {
			var want []string
			on := s.on(&want)
			wantErr := fs.WalkDir(local, s.root, func(name string, d fs.DirEntry, err error) error {
				rel := "."
				if name != s.root {
					rel = strings.TrimPrefix(name, s.root+"/")
				}
				return on(rel, d != nil && d.IsDir(), err)
			})

			var got []string
			on = s.on(&got)
			root := at.bucket.Join(s.root)
			gotErr := root.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
				rel := e.Rel()
				if rel == "" {
					rel = "."
				}
				return on(rel, e.IsDir(), err)
			})
			name := fmt.Sprintf("root %s, %v at %s", s.root, s.answer, s.at)
			same(t, name, got, want)
			if (gotErr == nil) != (wantErr == nil) || errors.Is(gotErr, errMine) != errors.Is(wantErr, errMine) ||
				errors.Is(gotErr, fs.ErrNotExist) != errors.Is(wantErr, fs.ErrNotExist) {
				t.Errorf("%s: %v, of the local tree %v", name, gotErr, wantErr)
			}
		}
	})
}

// walked is the calls of a walk that never objects.
func walked(t *testing.T, p s3path.S3Path, opts ...s3path.ListOption) []string {
	t.Helper()
	var calls []string
	err := p.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
		calls = append(calls, step(e.Rel(), e.IsDir(), err))
		if p.Child(e.Rel()) != e.S3Path {
			t.Errorf("Child(%q) of %v is not %v", e.Rel(), p, e.S3Path)
		}
		return err
	}, opts...)
	if err != nil {
		t.Errorf("WalkDir of %v: %v", p, err)
	}
	return calls
}

// TestWalkDirOrder is S3's, and what local trees do not have.
func TestWalkDirOrder(t *testing.T) {
	rows := []struct {
		name, tree, key string
		needs           []s3matrix.Gap
		opts            []s3path.ListOption
		want            string
	}{
		{name: "`a/` comes after `a-b`", tree: "a-b a/x a0", want: "/ a-b a/ a/x a0"},
		{name: "an empty bucket", want: "/"},
		{name: "only a marker", tree: "d/", key: "d", want: "/"},
		{name: "a root with a slash", tree: "d/x d/s/y", key: "d/", want: "/ s/ s/y x"},
		{name: "markers", tree: "d/ d/s/ d/x", opts: []s3path.ListOption{s3path.WithMarkers()}, want: "/ d/ d/ d/s/ d/s/ d/x"},
		{name: "a file and a directory of one name", tree: "both both/child", want: "/ both both/ both/child",
			needs: []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}},
		{name: "a directory rather than the file of its name", tree: "both both/child", key: "both", want: "/ child",
			needs: []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}},
		{name: "a directory without a name", tree: "d//x d/y", key: "d", want: "/ // /x y", needs: []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
		{name: "an excluded directory", tree: "a/x a/y b/x", opts: []s3path.ListOption{s3path.WithExclude("a")}, want: "/ b/ b/x"},
		{name: "filters choose objects", tree: "a/x a/y b/x", opts: []s3path.ListOption{s3path.WithInclude("*/y")}, want: "/ a/ a/y b/"},
		{name: "an exclusion of everything leaves the root", tree: "a/x", opts: []s3path.ListOption{s3path.WithExclude("**")}, want: "/"},
		{name: "a raw prefix", tree: "dat.csv data/x e", opts: []s3path.ListOption{s3path.WithRawPrefix("dat")}, want: "dat.csv data/ data/x"},
		{name: "a limit", tree: "a/x b", opts: []s3path.ListOption{s3path.WithLimit(2)}, want: "/ a/"},
		{name: "a limit of none", tree: "a/x b", opts: []s3path.ListOption{s3path.WithLimit(0)}, want: ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, row.needs...)
				at.put(t, words(row.tree)...)
				same(t, "calls", walked(t, at.object(row.key), row.opts...), words(row.want))
			})
		})
	}
}

// TestWalkDirFile: a root that is a file is one call with that file.
func TestWalkDirFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/f=12345")
		calls := 0
		n := at.count(func() {
			err := at.object("dir/f").WalkDir(t.Context(), func(e s3path.Entry, err error) error {
				calls++
				if err != nil || e.IsDir() || e.Rel() != "" || e.Size() != 5 || e.S3Path != at.object("dir/f") || e.ETag() == "" {
					t.Errorf("%v %+v", err, e)
				}
				if !(map[s3path.Entry]bool{e: true})[e] { // it can be compared
					t.Errorf("%v is not itself", e)
				}
				return fs.SkipDir
			})
			if err != nil {
				t.Error(err)
			}
		})
		if calls != 1 || n != 2 {
			t.Errorf("%d calls, %d requests; want 1 and 2", calls, n)
		}
	})
}

// TestWalkDirMissing: a missing root calls fn once with fs.ErrNotExist, and what
// fn makes of it is the result.
func TestWalkDirMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/f")
		for _, p := range []s3path.S3Path{at.object("missing"), at.object("dir/f/"), at.object("di"), at.client.Object("absent-bucket-of-nobody", "")} {
			for _, answer := range []error{nil, errMine, fs.SkipDir, fs.SkipAll} {
				calls := 0
				err := p.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
					calls++
					var perr *fs.PathError
					if !errors.Is(err, fs.ErrNotExist) || e.S3Path != p || !errors.As(err, &perr) || perr.Path != p.String() {
						t.Errorf("%v: called with %v, %v", p, e, err)
					}
					return answer
				})
				if want := errors.Is(answer, errMine); calls != 1 || errors.Is(err, errMine) != want || (err != nil) != want {
					t.Errorf("%v: %d calls, %v; fn returned %v", p, calls, err, answer)
				}
			}
		}
	})
}

// TestWalkDirFailing: what was listed was visited, then fn hears of the failure.
func TestWalkDirFailing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a/1", "a/2", "a/3", "a/4")
		for _, answer := range []error{nil, errMine} {
			at.failPage(2, answer403)
			var calls []string
			err := at.bucket.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
				calls = append(calls, step(e.Rel(), e.IsDir(), err))
				if err != nil {
					if !errors.Is(err, fs.ErrPermission) {
						t.Error(err)
					}
					return answer
				}
				return nil
			}, s3path.WithPageSize(2))
			same(t, "calls", calls, []string{"/", "a/", "a/1", "a/2", " failed"})
			if !errors.Is(err, answer) {
				t.Errorf("%v, fn returned %v", err, answer)
			}
		}
	})
}

// TestWalkDirPrunes: SkipDir saves requests, SkipAll ends at once.
func TestWalkDirPrunes(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var keys []string
		for _, dir := range []string{"a", "big", "c"} {
			for i := range 58 {
				keys = append(keys, fmt.Sprintf("%s/%02d", dir, i))
			}
		}
		at.putMany(t, keys)
		walk := func(answer error, opts ...s3path.ListOption) (requests, calls int) {
			requests = at.count(func() {
				err := at.bucket.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
					calls++
					if e.IsDir() && e.Rel() == "big" {
						return answer
					}
					return err
				}, append(opts, s3path.WithPageSize(10))...)
				if err != nil {
					t.Error(err)
				}
			})
			return requests, calls
		}
		requests, calls := walk(nil)
		if requests != 18 || calls != 178 {
			t.Errorf("everything: %d requests, %d calls; want 18 and 178", requests, calls)
		}
		// The page that shows big shows 2 of it, and the next one begins behind it.
		if requests, calls = walk(fs.SkipDir); requests != 12 || calls != 120 {
			t.Errorf("SkipDir: %d requests, %d calls; want 12 and 120", requests, calls)
		}
		if requests, calls = walk(fs.SkipAll); requests != 6 || calls != 61 {
			t.Errorf("SkipAll: %d requests, %d calls; want 6 and 61", requests, calls)
		}
		if requests, calls = walk(nil, s3path.WithExclude("big")); requests != 12 || calls != 119 {
			t.Errorf("WithExclude: %d requests, %d calls; want 12 and 119", requests, calls)
		}
	})
}

// TestWalkDirRefuses what it cannot begin with: fn is not called.
func TestWalkDirRefuses(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		never := func(e s3path.Entry, err error) error {
			t.Errorf("called with %v, %v", e, err)
			return nil
		}
		for what, row := range map[string]struct {
			err  error
			want error
		}{
			"an option":           {at.bucket.WalkDir(t.Context(), never, s3path.WithDirs()), errors.ErrUnsupported},
			"a version":           {at.object("k").AtVersion("1").WalkDir(t.Context(), never), errors.ErrUnsupported},
			"a bad pattern":       {at.bucket.WalkDir(t.Context(), never, s3path.WithInclude("[")), cloudpath.ErrBadPattern},
			"the zero path":       {s3path.S3Path{}.WalkDir(t.Context(), never), cloudpath.ErrInvalidPath},
			"a cancelled context": {at.bucket.WalkDir(cancelled, never), context.Canceled},
		} {
			if !errors.Is(row.err, row.want) {
				t.Errorf("%s: %v, want %v", what, row.err, row.want)
			}
		}
		if n := at.Proxy.Count(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}
