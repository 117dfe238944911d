package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// history is a listing of versions as text: bodies, "-" a delete marker, "!" the
// latest.
func history(t *testing.T, listing seq) []string {
	t.Helper()
	var out []string
	for e, err := range listing {
		if err != nil {
			t.Fatal(err)
		}
		text := "-"
		if !e.IsDeleteMarker() {
			body, err := e.ReadText(t.Context())
			if err != nil {
				t.Errorf("reading %v at %s: %v", e, e.Version(), err)
			}
			if int64(len(body)) != e.Size() {
				t.Errorf("%v at %s has %d bytes, listed with %d", e, e.Version(), len(body), e.Size())
			}
			text = body
		}
		if e.IsLatest() {
			text += "!"
		}
		out = append(out, e.Key()+"="+text)
	}
	return out
}

// TestVersions: every version and delete marker, newest first, each path pinned.
func TestVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.versioned(t)
		at.put(t, "d/k=one", "d/k=two")
		at.remove(t, "d/k")
		at.put(t, "d/k=three", "d/k-sibling=x", "d/l=1", "d/gone=2", "e=y")
		at.remove(t, "d/gone")
		k := []string{"d/k=three!", "d/k=-", "d/k=two", "d/k=one"}
		gone, sibling, l := []string{"d/gone=-!", "d/gone=2"}, []string{"d/k-sibling=x!"}, []string{"d/l=1!"}
		d := slices.Concat(gone, k, sibling, l)
		for _, size := range []int{1000, 2, 3} {
			page := s3path.WithPageSize(size)
			same(t, fmt.Sprint("of a key, pages of ", size), history(t, at.object("d/k").Versions(ctx, page)), k)
			same(t, fmt.Sprint("of a directory, pages of ", size), history(t, at.object("d").Versions(ctx, page)), d)
			same(t, fmt.Sprint("with a slash, pages of ", size), history(t, at.object("d/").Versions(ctx, page)), d)
			same(t, fmt.Sprint("of the bucket, pages of ", size), history(t, at.bucket.Versions(ctx, page)), append(slices.Clone(d), "e=y!"))
		}
		same(t, "of nothing", history(t, at.object("d/kk").Versions(ctx)), nil)
		same(t, "of a string prefix only", history(t, at.object("d/k-").Versions(ctx)), nil)
		same(t, "limited", history(t, at.bucket.Versions(ctx, s3path.WithLimit(3))), d[:3])
		same(t, "filtered", history(t, at.object("d").Versions(ctx, s3path.WithInclude("k"), s3path.WithMinSize(3))),
			[]string{"d/k=three!", "d/k=two", "d/k=one"})

		all := entries(t, at.object("d").Versions(ctx))
		for i, e := range all {
			if e.Rel() != strings.TrimPrefix(e.Key(), "d/") || e.IsDir() || !e.IsFile() {
				t.Errorf("%v: Rel %q, IsDir %v", e, e.Rel(), e.IsDir())
			}
			if e.Version() == "" || e.Parent().Version() != "" || at.object(e.Key()).AtVersion(e.Version()) != e.S3Path {
				t.Errorf("%v is not pinned: %q", e, e.Version())
			}
			same(t, fmt.Sprintf("behind %v at %s", e, e.Version()),
				identities(entries(t, at.object("d").Versions(ctx, s3path.WithStartAfter(e.Cursor()), s3path.WithPageSize(2)))), identities(all[i+1:]))

			info, err := e.Stat(ctx)
			exists, xerr := e.Exists(ctx)
			isFile, ferr := e.S3Path.IsFile(ctx)
			isDir, derr := e.S3Path.IsDir(ctx)
			if xerr != nil || ferr != nil || derr != nil || isDir || exists == e.IsDeleteMarker() || isFile != exists {
				t.Errorf("%v at %s: Exists %v, %v; IsFile %v, %v; IsDir %v, %v", e, e.Version(), exists, xerr, isFile, ferr, isDir, derr)
			}
			if e.IsDeleteMarker() {
				if !errors.Is(err, fs.ErrNotExist) || e.Size() != 0 || e.ETag() != "" || e.StorageClass() != "" {
					t.Errorf("delete marker %v: Stat %v, %+v", e, err, e)
				}
				if _, err := e.ReadBytes(ctx); err == nil {
					t.Errorf("a delete marker of %v was read", e)
				}
				continue
			}
			listed, lerr := e.Info()
			if err != nil || lerr != nil {
				t.Errorf("%v at %s: %v, %v", e, e.Version(), err, lerr)
				continue
			}
			if v := listed.(s3path.Info).VersionID(); v != e.Version() || info.VersionID() != v || info.ETag() != e.ETag() ||
				!info.ModTime().Equal(e.ModTime()) || info.StorageClass() != e.StorageClass() {
				t.Errorf("listed as %+v, Stat says %+v", listed, info)
			}
		}
	})
}

// TestVersionsOfBoth is the object with exactly the key and what is below it,
// and not what lies between.
func TestVersionsOfBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.versioned(t)
		ctx := t.Context()
		at.put(t, "a=1", "a=2", "a/x=3", "a0=no")
		var between []string
		for i := range 30 {
			between = append(between, fmt.Sprintf("a-%02d", i))
		}
		at.putMany(t, between)
		want := []string{"a=2!", "a=1", "a/x=3!"}
		for _, size := range []int{1, 2, 3, 10} {
			n := at.count(func() {
				same(t, fmt.Sprint("pages of ", size), rels(t, at.object("a").Versions(ctx, s3path.WithPageSize(size))), []string{"", "", "x"})
			})
			if n > 4 {
				t.Errorf("pages of %d: %d requests for 3 versions; what lies between was listed", size, n)
			}
		}
		same(t, "as they are", history(t, at.object("a").Versions(ctx)), want)
		same(t, "with the slash", history(t, at.object("a/").Versions(ctx)), want[2:])
	})
}

// TestPinnedIsNoDirectory: a version is of one object, whatever lies below its
// key, and a marker's is no file.
func TestPinnedIsNoDirectory(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.versioned(t)
		at.put(t, "d/", "d/x=1")
		id := ""
		for _, e := range entries(t, at.object("d").Versions(t.Context())) {
			if e.Key() == "d/" {
				id = e.Version()
			}
		}
		if id == "" {
			t.Fatal("the marker has no version")
		}
		for _, key := range []string{"d", "d/"} {
			p := at.object(key).AtVersion(id)
			if is, err := p.IsDir(t.Context()); is || err != nil {
				t.Errorf("%v is a directory: %v, %v", p, is, err)
			}
		}
		if is, err := at.object("d/").AtVersion(id).IsFile(t.Context()); is || err != nil {
			t.Errorf("the marker is a file: %v, %v", is, err)
		}
	})
}

// TestVersionsOfUnversioned: each object has one, and it can be read.
func TestVersionsOfUnversioned(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/a=1", "d/a=22", "d/b/c=333")
		same(t, "a tree", history(t, at.object("d").Versions(t.Context())), []string{"d/a=22!", "d/b/c=333!"})
		same(t, "an empty directory", history(t, at.object("e").Versions(t.Context())), nil)
	})
}
