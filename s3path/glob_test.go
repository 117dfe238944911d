package s3path_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

const globTree = "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"

// globRows is what patterns find in globTree, "." is the root.
var globRows = []struct{ patterns, glob, rglob string }{
	{"*", "dirB dirC fileA.txt", below},
	{"**/*", below, below},
	{"**", ". " + below, ". " + below},
	{"fileA fileB *A */fileA dir*/FILE* nope* */*/*/*", "", ""},
	{"*.txt", "fileA.txt", fourFiles},
	{"[!d]*", "fileA.txt", fourFiles},
	{"fileB.txt", "", "dirB/fileB.txt"},
	{"dir*/file*", "dirB/fileB.txt dirC/fileC.txt", "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"*/*", "dirB/fileB.txt dirC/dirD dirC/fileC.txt", "dirB/fileB.txt dirC/dirD dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"dir[BC]", "dirB dirC", "dirB dirC"},
	{"**/dirD", "dirC/dirD", "dirC/dirD"},
	{"dirC/**/*", "dirC/dirD dirC/dirD/fileD.txt dirC/fileC.txt", "dirC/dirD dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"*/", "dirB dirC", "dirB dirC dirC/dirD"},
	{"**/", ". dirB dirC dirC/dirD", ". dirB dirC dirC/dirD"},
	{"{dirB,dirC}/*.txt", "dirB/fileB.txt dirC/fileC.txt", "dirB/fileB.txt dirC/fileC.txt"},
}

const (
	below     = "dirB dirB/fileB.txt dirC dirC/dirD dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"
	fourFiles = "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"
)

// found is what a pattern found, the root as ".".
func found(t *testing.T, listing seq) []string {
	t.Helper()
	out := rels(t, listing)
	for i, rel := range out {
		if rel == "" {
			out[i] = "."
		}
	}
	return out
}

// TestGlob is the table, from the bucket and from below a directory, whatever the
// size of a page, ordered and not.
func TestGlob(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, words(globTree)...)
		for _, key := range words(globTree) {
			at.put(t, "deep/er/"+key)
		}
		roots := map[string]s3path.S3Path{"a directory": at.object("deep/er"), "a directory with a slash": at.object("deep/er/")}
		bucket := newPlace(t, at.Server)
		bucket.put(t, words(globTree)...)
		roots["a bucket"] = bucket.bucket
		for where, root := range roots {
			for _, row := range globRows {
				for _, pattern := range words(row.patterns) {
					for _, opts := range [][]s3path.ListOption{nil, {s3path.WithPageSize(2)}} {
						same(t, "Glob("+pattern+") in "+where, found(t, root.Glob(ctx, pattern, opts...)), words(row.glob))
						same(t, "RGlob("+pattern+") in "+where, found(t, root.RGlob(ctx, pattern, opts...)), words(row.rglob))
					}
					got, want := found(t, root.Glob(ctx, pattern, s3path.WithUnordered())), words(row.glob)
					slices.Sort(got)
					slices.Sort(want)
					same(t, "Glob("+pattern+") unordered in "+where, got, want)
				}
			}
			for e, err := range root.Glob(ctx, "**") {
				switch {
				case err != nil:
					t.Fatal(err)
				case root.Child(e.Rel()) != e.S3Path:
					t.Errorf("Child(%q) of %v is not %v", e.Rel(), root, e.S3Path)
				case e.IsDir() != !strings.HasSuffix(e.Key(), ".txt") || e.IsFile() == e.IsDir():
					t.Errorf("%v: IsDir %v, IsFile %v", e, e.IsDir(), e.IsFile())
				}
			}
		}
	})
}

// TestGlobOfNothing: on a missing directory and on a file a pattern matches
// nothing, without an error.
func TestGlobOfNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words(globTree)...)
		for _, key := range []string{"missing", "missing/", "dir", "fileA.txt", "fileA.txt/"} {
			for _, pattern := range []string{"*", "*/", "**/*", "**", "fileA.txt", "*/*"} {
				same(t, pattern+" on "+key, rels(t, at.object(key).Glob(t.Context(), pattern)), nil)
				same(t, pattern+" at any depth on "+key, rels(t, at.object(key).RGlob(t.Context(), pattern)), nil)
			}
		}
	})
}

// TestGlobNames are names that look like patterns, or are hidden elsewhere.
func TestGlobNames(t *testing.T) {
	rows := []struct {
		name, tree, pattern string
		want                []string
		needs               []s3matrix.Gap
	}{
		{"`star*` is found by `star[*]`", "star* starfish", "star[*]", []string{"star*"}, nil},
		{"and by an escape", "star* starfish", `star\*`, []string{"star*"}, nil},
		{"and by QuotePattern", "star* starfish", cloudpath.QuotePattern("star*"), []string{"star*"}, nil},
		{"`.hidden` by `*`", ".hidden seen", "*", []string{".hidden", "seen"}, nil},
		{"`[` by `[[]`", "a[b ab", "a[[]b", []string{"a[b"}, nil},
		{"the order of the keys", "a-b a/x a0", "*", []string{"a-b", "a", "a0"}, nil},
		{"a directory without a name comes back as it is", "d//x d/x", "**/x", []string{"d//x", "d/x"}, []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
		{"and is matched by no star", "d//x d/y/x", "d/*/x", []string{"d/y/x"}, []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
		{"but by itself", "d//x d/y/x", "d//x", []string{"d//x"}, []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
		{"a file and a directory of one name", "both both/child", "b*", []string{"both", "both"},
			[]s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, row.needs...)
				at.put(t, words(row.tree)...)
				same(t, row.pattern, rels(t, at.bucket.Glob(t.Context(), row.pattern)), row.want)
			})
		})
	}
	t.Run("a file with spaces by `* *.txt`", func(t *testing.T) {
		everywhere(t, func(t *testing.T, at *place) {
			at.put(t, "a file.txt", "afile.txt", "plus+file.txt")
			same(t, "* *.txt", rels(t, at.bucket.Glob(t.Context(), "* *.txt")), []string{"a file.txt"})
			same(t, "plus", rels(t, at.bucket.Glob(t.Context(), "*+*")), []string{"plus+file.txt"})
		})
	})
}

// TestGlobMarkers: a marker is a key whose own name is empty, which only `**`
// matches, and it is yielded only where it is asked for.
func TestGlobMarkers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, "d/", "d/x", "d/sub/")
		same(t, "without", shown(at.bucket.Glob(ctx, "**")), []string{":", "d:", "d/sub:", "d/x"})
		same(t, "with", shown(at.bucket.Glob(ctx, "**", s3path.WithMarkers())), []string{":", "d:", "d/", "d/sub:", "d/sub/", "d/x"})
		same(t, "a star", shown(at.bucket.Glob(ctx, "*", s3path.WithMarkers())), []string{"d:"})
		same(t, "below the marker's directory", shown(at.object("d").Glob(ctx, "**", s3path.WithMarkers())), []string{":", "sub:", "sub/", "x"})
	})
}

// TestBadPattern is found before any request.
func TestBadPattern(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, pattern := range []string{"", "a**", "[a", "{a,b", "/a", "s3://b/a", "../a", "a/../b", strings.Repeat("{a,b}", 11)} {
			for what, listing := range map[string]iter.Seq2[s3path.Entry, error]{
				"Glob":        at.bucket.Glob(t.Context(), pattern),
				"RGlob":       at.bucket.RGlob(t.Context(), pattern),
				"WithInclude": at.bucket.Walk(t.Context(), s3path.WithInclude("ok", pattern)),
				"WithExclude": at.bucket.Walk(t.Context(), s3path.WithExclude(pattern)),
				"taking back": at.bucket.Walk(t.Context(), s3path.WithExclude("!"+pattern)),
			} {
				if err := last(listing); !errors.Is(err, cloudpath.ErrBadPattern) || !strings.Contains(err.Error(), at.bucket.String()) {
					t.Errorf("%s(%.20q): %v, want cloudpath.ErrBadPattern", what, pattern, err)
				}
			}
		}
		if n := at.Proxy.Count(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}
