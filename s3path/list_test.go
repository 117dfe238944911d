package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// shown is a listing as text: directories end in a colon, an error ends it.
func shown(listing seq) []string {
	var out []string
	for e, err := range listing {
		switch {
		case err != nil:
			out = append(out, "error")
		case e.IsDir():
			out = append(out, e.Rel()+":")
		default:
			out = append(out, e.Rel())
		}
	}
	return out
}

// words splits at spaces, "" is no words.
func words(s string) []string { return strings.Fields(s) }

// TestIterDir is one level: each child once, in S3's order, never itself.
func TestIterDir(t *testing.T) {
	rows := []struct {
		name  string
		tree  string
		needs []s3matrix.Gap
		want  map[string]string // path to its children
	}{
		{"files and directories", "d/a d/b/x d/b/y d/b/z/w d/c e f/x", nil, map[string]string{
			"d": "a b: c", "d/": "a b: c", "d/b": "x y z:", "": "d: e f:",
		}},
		{"the marker is hidden", "d/ d/x d/sub/", nil, map[string]string{"d": "sub: x", "d/": "sub: x", "": "d:"}},
		{"only a marker", "d/", nil, map[string]string{"d": "", "d/": ""}},
		{"S3's order: `a/` comes after `a-b`", "a-b a/x a0 a+b", nil, map[string]string{"": "a+b a-b a: a0"}},
		{"a sibling that begins alike", "a/x ab/x abc", nil, map[string]string{"a": "x", "": "a: ab: abc"}},
		{"a file and a directory of one name", "both both/child", []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}, map[string]string{
			"": "both both:", "both": "child", "both/": "child",
		}},
		{"a directory without a name: `d//x` below `d` is `d//`", "d//x d//y d/z d/a//b", []s3matrix.Gap{s3matrix.KeyEmptyComponent}, map[string]string{
			"d": "/: a: z", "d//": "x y", "": "d:", "d/a": "/:", "d/a//": "b",
		}},
		{"a leading slash", "/k k", []s3matrix.Gap{s3matrix.KeyLeadingSlash}, map[string]string{"": "/: k", "/": "k"}},
		{"names that are dots", "d/./x d/../y d/z", []s3matrix.Gap{s3matrix.KeyDots}, map[string]string{"d": "..: .: z", "d/..": "y", "d/.": "x"}},
		{"a marker with a body is a directory all the same", "d/nz/=body d/x", []s3matrix.Gap{s3matrix.MarkerWithBody}, map[string]string{"d": "nz: x", "d/nz": ""}},
		{"an empty bucket", "", nil, map[string]string{"": ""}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, row.needs...)
				at.put(t, words(row.tree)...)
				for key, want := range row.want {
					p := at.object(key)
					same(t, fmt.Sprintf("IterDir of %v", p), shown(p.IterDir(t.Context())), words(want))
					for e, err := range p.IterDir(t.Context()) {
						if err == nil && p.Child(e.Rel()) != e.S3Path {
							t.Errorf("Child(%q) of %v is not %v", e.Rel(), p, e.S3Path)
						}
					}
				}
			})
		})
	}
}

// TestIterDirNames: a child directory comes without its slash unless its name is
// empty.
func TestIterDirNames(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyEmptyComponent)
		at.put(t, "d//x", "d/sub/y")
		var got []string
		for e, err := range at.object("d").IterDir(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, e.Name()+" "+e.Key()+" "+e.String())
		}
		bucket := at.bucket.String()
		same(t, "name, key, URI", got, []string{" d// " + bucket + "/d//", "sub d/sub " + bucket + "/d/sub"})
	})
}

// TestNothingToList: of a missing directory, of a file and of an empty bucket. It
// costs a request to tell the first two apart, and only where there is doubt.
func TestNothingToList(t *testing.T) {
	rows := []struct {
		key      string
		is       error
		requests int
	}{
		{"missing", fs.ErrNotExist, 2},
		{"missing/", fs.ErrNotExist, 1},
		{"dir/f", cloudpath.ErrNotDirectory, 2},
		{"dir/f/", fs.ErrNotExist, 1}, // which is no path of the file
		{"di", fs.ErrNotExist, 2},
		{"dir/f/x", fs.ErrNotExist, 2},
	}
	everywhere(t, func(t *testing.T, at *place) {
		for what, list := range listings {
			same(t, what+" of an empty bucket", shown(list(t, at.bucket)), nil)
		}
		at.put(t, "dir/f", "marked/")
		for what, list := range listings {
			for _, row := range rows {
				p := at.object(row.key)
				var err error
				n := at.count(func() { err = last(list(t, p)) })
				if !errors.Is(err, row.is) || errors.Is(row.is, fs.ErrNotExist) != errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s of %v: %v, want %v", what, p, err, row.is)
				}
				if n != row.requests {
					t.Errorf("%s of %v: %d requests, want %d", what, p, n, row.requests)
				}
				var perr *fs.PathError
				if !errors.As(err, &perr) || perr.Path != p.String() {
					t.Errorf("%s of %v: %v does not name the path", what, p, err)
				}
			}
			p := at.object("marked")
			if n := at.count(func() { same(t, what+" of only a marker", shown(list(t, p)), nil) }); n != 1 {
				t.Errorf("%s of only a marker: %d requests, want 1", what, n)
			}
		}
	})
}

type seq = iter.Seq2[s3path.Entry, error]

// listings are those that say what is missing.
var listings = map[string]func(t *testing.T, p s3path.S3Path) seq{
	"IterDir":               func(t *testing.T, p s3path.S3Path) seq { return p.IterDir(t.Context()) },
	"Walk":                  func(t *testing.T, p s3path.S3Path) seq { return p.Walk(t.Context()) },
	"Walk with directories": func(t *testing.T, p s3path.S3Path) seq { return p.Walk(t.Context(), s3path.WithDirs()) },
}

// TestWalk is every object below, in key order.
func TestWalk(t *testing.T) {
	type opts = []s3path.ListOption
	dirs, markers := s3path.WithDirs(), s3path.WithMarkers()
	const plain = "a-b a/x a/y/z a0 b/ b/c/ b/c/x"
	rows := []struct {
		name  string
		tree  string
		needs []s3matrix.Gap
		key   string
		opts  opts
		want  string
	}{
		{"key order, markers left out", plain, nil, "", nil, "a-b a/x a/y/z a0 b/c/x"},
		{"markers", plain, nil, "", opts{markers}, "a-b a/x a/y/z a0 b/ b/c/ b/c/x"},
		{"directories, each before its content", plain, nil, "", opts{dirs}, "a-b a: a/x a/y: a/y/z a0 b: b/c: b/c/x"},
		{"both", plain, nil, "", opts{dirs, markers}, "a-b a: a/x a/y: a/y/z a0 b: b/ b/c: b/c/ b/c/x"},
		{"below a directory", plain, nil, "a", nil, "x y/z"},
		{"with a slash", plain, nil, "a/", opts{dirs}, "x y: y/z"},
		{"never the directory's own marker", plain, nil, "b", opts{dirs, markers}, "c: c/ c/x"},
		{"unordered", plain, nil, "", opts{s3path.WithUnordered(), dirs}, "a-b a: a/x a/y: a/y/z a0 b: b/c: b/c/x"},
		{"a file and a directory of one name", "both both/child", []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile},
			"", opts{dirs}, "both both: both/child"},
		{"directories without a name", "d//x d///y /k", []s3matrix.Gap{s3matrix.KeyEmptyComponent, s3matrix.KeyLeadingSlash},
			"", opts{dirs}, "/: /k d: d//: d///: d///y d//x"},
		{"an empty bucket", "", nil, "", opts{dirs}, ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, row.needs...)
				at.put(t, words(row.tree)...)
				for _, size := range []int{1000, 2, 3} { // the answer does not depend on pages; MinIO takes 1 for a question about one key
					root := at.object(row.key)
					got := shown(root.Walk(t.Context(), append(slices.Clone(row.opts), s3path.WithPageSize(size))...))
					want := words(row.want)
					if row.name == "unordered" {
						slices.Sort(got)
						slices.Sort(want)
					}
					same(t, fmt.Sprintf("pages of %d", size), got, want)
				}
				for e, err := range at.object(row.key).Walk(t.Context(), row.opts...) {
					if err != nil || at.object(row.key).Child(e.Rel()) != e.S3Path {
						t.Errorf("Child(%q) is not %v (%v)", e.Rel(), e.S3Path, err)
					}
				}
			})
		})
	}
}

// TestEachRangeListsAgain: a listing is what it was made of, not what it found.
func TestEachRangeListsAgain(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a")
		walk, iter, glob := at.bucket.Walk(t.Context()), at.bucket.IterDir(t.Context()), at.bucket.Glob(t.Context(), "*")
		if n := at.Proxy.Count(); n != 0 {
			t.Errorf("%d requests before anybody ranged", n)
		}
		for _, want := range []string{"a", "a b"} {
			same(t, "Walk", rels(t, walk), words(want))
			same(t, "IterDir", rels(t, iter), words(want))
			same(t, "Glob", rels(t, glob), words(want))
			at.put(t, "b")
		}
	})
}

// TestDeepTree is 30 levels.
func TestDeepTree(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		var dirs []string
		for i := range 30 {
			dirs = append(dirs, fmt.Sprintf("level%02d", i))
		}
		deep := strings.Join(dirs, "/")
		at.put(t, deep+"/leaf.txt", "level00/near.txt")
		same(t, "Walk", rels(t, at.bucket.Walk(ctx)), []string{deep + "/leaf.txt", "level00/near.txt"})
		if n := len(rels(t, at.bucket.Walk(ctx, s3path.WithDirs()))); n != 32 {
			t.Errorf("Walk with directories: %d, want 32", n)
		}
		same(t, "RGlob", rels(t, at.bucket.RGlob(ctx, "leaf.txt")), []string{deep + "/leaf.txt"})
		same(t, "a star for each level", rels(t, at.bucket.Glob(ctx, strings.Repeat("*/", 30)+"*")), []string{deep + "/leaf.txt"})
		same(t, "IterDir of the deepest", rels(t, at.object(deep).IterDir(ctx)), []string{"leaf.txt"})
		calls := 0
		if err := at.bucket.WalkDir(ctx, func(_ s3path.Entry, err error) error { calls++; return err }); err != nil || calls != 33 {
			t.Errorf("WalkDir: %d calls, %v; want 33", calls, err)
		}
	})
}
