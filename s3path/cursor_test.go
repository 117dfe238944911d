package s3path_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestCursor resumes every kind of listing behind every one of its entries.
func TestCursor(t *testing.T) {
	type opts = []s3path.ListOption
	dirs, markers := s3path.WithDirs(), s3path.WithMarkers()
	trees := []struct {
		name, tree string
		needs      []s3matrix.Gap
	}{
		{"files and directories", "a-b a/x a/y/z a/y/zz a0 b/c/d e f/ f/g/ f/g/h", nil},
		{"a file and a directory of one name", "a a/b a/b/c a0", []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}},
		{"directories without a name", "/k a//x a///y a/b b", []s3matrix.Gap{s3matrix.KeyEmptyComponent, s3matrix.KeyLeadingSlash}},
		{"names beyond ASCII", "a/é a/日本/x a/😀 b a/a+b%20c", nil},
	}
	kinds := []struct {
		name string
		list func(t *testing.T, p s3path.S3Path, o opts) seq
		opts opts
	}{
		{"IterDir", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.IterDir(t.Context(), o...) }, nil},
		{"Walk", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, nil},
		{"Walk with directories", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, opts{dirs}},
		{"Walk with markers", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, opts{markers}},
		{"Walk with both", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, opts{dirs, markers}},
		{"Walk, filtered", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, opts{dirs, s3path.WithExclude("a/y")}},
		{"Walk of a raw prefix", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Walk(t.Context(), o...) }, opts{dirs, s3path.WithRawPrefix("a")}},
		{"IterDir of a raw prefix", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.IterDir(t.Context(), o...) }, opts{s3path.WithRawPrefix("a")}},
		{"Glob *", globbing("*"), nil},
		{"Glob */*", globbing("*/*"), nil},
		{"Glob **", globbing("**"), nil},
		{"Glob ** with markers", globbing("**"), opts{markers}},
		{"Glob */", globbing("*/"), nil},
		{"Glob a literal", globbing("a/{y/z,y,b,x}"), nil},
		{"WalkDir", func(t *testing.T, p s3path.S3Path, o opts) seq {
			return func(yield func(s3path.Entry, error) bool) {
				err := p.WalkDir(t.Context(), func(e s3path.Entry, err error) error {
					if err == nil && !yield(e, nil) {
						return errMine
					}
					return err
				}, o...)
				if err != nil && !errors.Is(err, errMine) {
					yield(s3path.Entry{}, err)
				}
			}
		}, nil},
		{"Versions", func(t *testing.T, p s3path.S3Path, o opts) seq { return p.Versions(t.Context(), o...) }, nil},
	}
	for _, tree := range trees {
		t.Run(tree.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, tree.needs...)
				at.put(t, words(tree.tree)...)
				for _, root := range []s3path.S3Path{at.bucket, at.object("a")} {
					for _, kind := range kinds {
						all := entries(t, kind.list(t, root, kind.opts))
						for i, e := range all {
							o := append(slices.Clone(kind.opts), s3path.WithStartAfter(e.Cursor()), s3path.WithPageSize(3))
							what := fmt.Sprintf("%s of %v behind %q", kind.name, root, e.Cursor())
							same(t, what, identities(entries(t, kind.list(t, root, o))), identities(all[i+1:]))
						}
					}
				}
			})
		})
	}
}

func globbing(pattern string) func(t *testing.T, p s3path.S3Path, o []s3path.ListOption) seq {
	return func(t *testing.T, p s3path.S3Path, o []s3path.ListOption) seq {
		return p.Glob(t.Context(), pattern, o...)
	}
}

func entries(t *testing.T, listing seq) []s3path.Entry {
	t.Helper()
	var all []s3path.Entry
	for e, err := range listing {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// identities is what tells entries apart.
func identities(all []s3path.Entry) []string {
	out := make([]string, len(all))
	for i, e := range all {
		out[i] = fmt.Sprint(e.Key(), " ", e.Version(), " ", e.IsDir(), " ", e.Size())
	}
	return out
}

// TestCursorOfWhatIsGone: the entry need not exist any more, and what came
// meanwhile is found where it belongs.
func TestCursorOfWhatIsGone(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, words("a b/x c")...)
		walk := entries(t, at.bucket.Walk(ctx, s3path.WithDirs()))
		if len(walk) != 4 {
			t.Fatal(walk)
		}
		at.remove(t, "b/x")
		at.put(t, "aa", "bb")
		same(t, "behind the directory b", shown(at.bucket.Walk(ctx, s3path.WithDirs(), s3path.WithStartAfter(walk[1].Cursor()))), words("bb c"))
		same(t, "behind b/x", shown(at.bucket.Walk(ctx, s3path.WithStartAfter(walk[2].Cursor()))), words("bb c"))
		same(t, "behind a", shown(at.bucket.Walk(ctx, s3path.WithStartAfter(walk[0].Cursor()))), words("aa bb c"))
	})
}

// remove removes an object behind the client's back.
func (at *place) remove(t *testing.T, key string) {
	t.Helper()
	_, err := at.SDK.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
}

// TestCursorThatIsAKey: a key is a cursor as well, and where nothing is left the
// listing is empty and asks no further question.
func TestCursorThatIsAKey(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, words("d/a d/b/x d/c")...)
		d := at.object("d")
		same(t, "Walk", shown(d.Walk(ctx, s3path.WithStartAfter("d/b"))), words("b/x c"))
		same(t, "IterDir", shown(d.IterDir(ctx, s3path.WithStartAfter("d/b"))), words("b: c"))
		same(t, "Glob", shown(d.Glob(ctx, "*", s3path.WithStartAfter("d/b"))), words("b: c"))
		same(t, "Versions", shown(d.Versions(ctx, s3path.WithStartAfter("d/b"))), words("b/x c"))
		same(t, "before everything", shown(d.Walk(ctx, s3path.WithStartAfter("c"))), words("a b/x c"))
		for what, listing := range map[string]seq{
			"Walk":     d.Walk(ctx, s3path.WithStartAfter("d/c")),
			"IterDir":  d.IterDir(ctx, s3path.WithStartAfter("d/c")),
			"Glob":     d.Glob(ctx, "**", s3path.WithStartAfter("d/c")),
			"Versions": d.Versions(ctx, s3path.WithStartAfter("d/c")),
		} {
			if n := at.count(func() { same(t, what+" behind the last", shown(listing), nil) }); n > 1 {
				t.Errorf("%s behind the last: %d requests", what, n)
			}
		}
		same(t, "behind everything", shown(d.Walk(ctx, s3path.WithStartAfter("e"))), nil)
	})
}

// versioned makes the bucket keep versions.
func (at *place) versioned(t *testing.T) {
	t.Helper()
	at.Needs(t, s3matrix.Versioning)
	_, err := at.SDK.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(at.bucket.Bucket()),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A listing that begins inside a directory is whole, however much lies below
// directories whose names begin like that one's and come before it.
func TestCursorBehindNamesAlike(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for i := range 12 {
			at.put(t, fmt.Sprintf("x-old/%02d", i), fmt.Sprintf("d/x!/%02d", i))
		}
		at.put(t, words("d/x/1 d/x/2 d/y/1 x/1 x/2 x/3 x0 y/1 y/2 z")...)
		for _, row := range []struct{ root, after, want string }{
			{"", "x/1", "x/2 x/3 x0 y/1 y/2 z"},
			{"", "x/3", "x0 y/1 y/2 z"},
			{"", "d/x/1", "d/x/2 d/y/1 " + strings.Join(rels(t, at.bucket.Walk(t.Context(), s3path.WithRawPrefix("x-old"))), " ") + " x/1 x/2 x/3 x0 y/1 y/2 z"},
			{"d", "d/x/1", "x/2 y/1"},
			{"d", "d/x/2", "y/1"},
		} {
			for _, size := range []int{2, 3, 1000} {
				root := at.object(row.root)
				got := rels(t, root.Walk(t.Context(), s3path.WithStartAfter(row.after), s3path.WithPageSize(size)))
				same(t, fmt.Sprintf("Walk of %v behind %s in pages of %d", root, row.after, size), got, words(row.want))
			}
		}
		for _, size := range []int{2, 3, 1000} {
			same(t, "Glob", rels(t, at.bucket.Glob(t.Context(), "{x,y}/[12]", s3path.WithPageSize(size))), words("x/1 x/2 y/1 y/2"))
			same(t, "Glob of names", rels(t, at.bucket.Glob(t.Context(), "{x,y}/1", s3path.WithPageSize(size))), words("x/1 y/1"))
			all := entries(t, at.bucket.Versions(t.Context(), s3path.WithPageSize(size)))
			for i, e := range all {
				rest := entries(t, at.bucket.Versions(t.Context(), s3path.WithPageSize(size), s3path.WithStartAfter(e.Cursor())))
				if len(all) != 34 || !slices.Equal(rest, all[i+1:]) {
					t.Errorf("Versions behind %v in pages of %d: %v", e, size, rest)
				}
			}
		}
	})
}

// What is listed again to be sure begins with the names alike, and not with all
// that comes before them.
func TestCursorBehindNamesAlikeIsNear(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for i := range 60 {
			at.put(t, fmt.Sprintf("b/%02d", i))
		}
		for i := range 12 {
			at.put(t, fmt.Sprintf("x-old/%02d", i))
		}
		at.put(t, words("x/1 x/2 y/1")...)
		mark := at.Proxy.Mark()
		got := rels(t, at.bucket.Walk(t.Context(), s3path.WithStartAfter("x/1"), s3path.WithPageSize(3)))
		same(t, "Walk", got, words("x/2 y/1"))
		if n := len(at.Proxy.Since(mark)); n > 10 {
			t.Errorf("%d requests", n)
		}
	})
}
