package s3path_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// localTree makes files below dir: "name=body".
func localTree(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, f := range files {
		name, body, _ := strings.Cut(f, "=")
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(body), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// localFiles are the files below dir: "name=body", sorted.
func localFilesOf(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out = append(out, filepath.ToSlash(rel)+"="+string(body))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func chtime(t *testing.T, name string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(name, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestSyncFrom(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, dir, site := t.Context(), t.TempDir(), at.object("site")
		old, young := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		localTree(t, dir, "new=1", "sub/same=22", "size=333", "newer=new!", "skip.tmp=x")
		chtime(t, filepath.Join(dir, "sub/same"), old)
		chtime(t, filepath.Join(dir, "size"), old)
		chtime(t, filepath.Join(dir, "newer"), young)
		at.put(t, "site/sub/same=22", "site/size=4444", "site/newer=old!", "site/extra=5", "site/kept.tmp=6", "site2/file=7", "site.txt=8")
		before := at.keys(t)

		opts := []s3path.SyncOption{s3path.WithExclude("*.tmp"), s3path.WithDelete()}
		want := s3path.SyncResult{Copied: []string{"new", "newer", "size"}, Deleted: []string{"extra"}, Skipped: []string{"sub/same"}}
		dry, err := site.SyncFrom(ctx, dir, append(opts, s3path.WithDryRun())...)
		checkSync(t, "dry run", dry, err, want)
		same(t, "a dry run changes nothing", at.keys(t), before)

		var got s3path.SyncResult
		// 1 listing, 3 uploads, 1 deletion.
		if n := at.count(func() { got, err = site.SyncFrom(ctx, dir, opts...) }); n != 5 {
			t.Errorf("%d requests, want 5", n)
		}
		checkSync(t, "sync", got, err, want)
		same(t, "keys", at.keys(t), []string{"site.txt", "site/kept.tmp", "site/new", "site/newer", "site/size", "site/sub/same", "site2/file"})
		if body := at.body(t, "site/newer"); body != "new!" {
			t.Errorf("newer is %q", body)
		}

		chtime(t, filepath.Join(dir, "newer"), old)
		chtime(t, filepath.Join(dir, "new"), old)
		if n := at.count(func() { got, err = site.SyncFrom(ctx, dir, opts...) }); n != 1 {
			t.Errorf("nothing to do took %d requests, want the listing", n)
		}
		checkSync(t, "again", got, err, s3path.SyncResult{Skipped: []string{"new", "newer", "size", "sub/same"}})
	})
}

func TestSyncTo(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, dir, site := t.Context(), t.TempDir(), at.object("site")
		at.put(t, "site/new=1", "site/sub/same=22", "site/size=4444", "site/newer=new!", "site/skip.tmp=6", "site2/file=7", "site/deep/er/x=8")
		localTree(t, dir, "sub/same=22", "size=333", "newer=old!", "extra=5", "kept.tmp=x", "gone/too=9")
		young := time.Now().Add(time.Hour)
		chtime(t, filepath.Join(dir, "sub/same"), young)
		chtime(t, filepath.Join(dir, "newer"), time.Now().Add(-time.Hour))
		before := localFilesOf(t, dir)

		opts := []s3path.SyncOption{s3path.WithExclude("*.tmp"), s3path.WithDelete()}
		want := s3path.SyncResult{Copied: []string{"deep/er/x", "new", "newer", "size"}, Deleted: []string{"extra", "gone/too"}, Skipped: []string{"sub/same"}}
		dry, err := site.SyncTo(ctx, dir, append(opts, s3path.WithDryRun())...)
		checkSync(t, "dry run", dry, err, want)
		same(t, "a dry run changes nothing", localFilesOf(t, dir), before)

		var got s3path.SyncResult
		if n := at.count(func() { got, err = site.SyncTo(ctx, dir, opts...) }); n != 5 {
			t.Errorf("%d requests, want 5", n)
		}
		checkSync(t, "sync", got, err, want)
		same(t, "files", localFilesOf(t, dir), []string{"deep/er/x=8", "kept.tmp=x", "new=1", "newer=new!", "size=4444", "sub/same=22"})

		if n := at.count(func() { got, err = site.SyncTo(ctx, dir, opts...) }); n != 1 {
			t.Errorf("nothing to do took %d requests, want the listing", n)
		}
		checkSync(t, "again", got, err, s3path.SyncResult{Skipped: []string{"deep/er/x", "new", "newer", "size", "sub/same"}})

		fresh := filepath.Join(t.TempDir(), "not", "yet", "there")
		got, err = site.SyncTo(ctx, fresh, s3path.WithDryRun())
		checkSync(t, "dry run into nothing", got, err, s3path.SyncResult{Copied: []string{"deep/er/x", "new", "newer", "size", "skip.tmp", "sub/same"}})
		if _, err := os.Stat(fresh); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a dry run made the directory: %v", err)
		}
	})
}

// A link to a directory was uploaded as a directory, and stays when that is synced back.
// A file in the place of a directory, and the other way round, makes way where files
// may be removed, unless a filter leaves it out.
func TestSyncToMakesWay(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, site := t.Context(), at.object("site")
		at.put(t, "site/was-file/a/x=1", "site/was-dir=2", "site/same=3")
		tree := words("was-file=old was-dir/deep/y=old was-dir/z=old same=3")
		want := s3path.SyncResult{
			Copied:  words("was-dir was-file/a/x"),
			Deleted: words("was-dir/deep/y was-dir/z was-file"),
			Skipped: words("same"),
		}
		made := func() string {
			dir := t.TempDir()
			localTree(t, dir, tree...)
			chtime(t, filepath.Join(dir, "same"), time.Now().Add(time.Hour))
			return dir
		}
		dir := made()
		before := localFilesOf(t, dir)
		got, err := site.SyncTo(ctx, dir, s3path.WithDelete(), s3path.WithDryRun())
		checkSync(t, "dry run", got, err, want)
		same(t, "a dry run changes nothing", localFilesOf(t, dir), before)
		got, err = site.SyncTo(ctx, dir, s3path.WithDelete())
		checkSync(t, "sync", got, err, want)
		same(t, "files", localFilesOf(t, dir), words("same=3 was-dir=2 was-file/a/x=1"))

		dir = made()
		if _, err := site.SyncTo(ctx, dir); err == nil {
			t.Error("it found a way without WithDelete")
		}
		same(t, "files without WithDelete", localFilesOf(t, dir), before)
		got, err = site.SyncTo(ctx, dir, s3path.WithDelete(), s3path.WithExclude("was-file", "was-dir/z"))
		if err == nil || !strings.Contains(err.Error(), "was-dir") {
			t.Errorf("over what is left out: %v", err)
		}
		same(t, "files with a filter", localFilesOf(t, dir), words("same=3 was-dir/z=old was-file=old"))
		same(t, "deleted with a filter", got.Deleted, words("was-dir/deep/y"))
	})
}

func TestSyncKeepsLinks(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		localTree(t, dir, "real/x=1")
		for _, name := range []string{"link", "gone"} {
			if err := os.Symlink("real", filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
		site := at.bucket.Join("site")
		got, err := site.SyncFrom(t.Context(), dir, s3path.WithExclude("gone/**"))
		checkSync(t, "there", got, err, s3path.SyncResult{Copied: []string{"link/x", "real/x"}})
		got, err = site.SyncTo(t.Context(), dir, s3path.WithDelete())
		checkSync(t, "and back", got, err, s3path.SyncResult{Deleted: []string{"gone"}, Skipped: []string{"link/x", "real/x"}})
		if target, err := os.Readlink(filepath.Join(dir, "link")); err != nil || target != "real" {
			t.Errorf("the link is %q, %v", target, err)
		}
	})
}

func checkSync(t *testing.T, what string, got s3path.SyncResult, err error, want s3path.SyncResult) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	same(t, what+", copied", got.Copied, want.Copied)
	same(t, what+", deleted", got.Deleted, want.Deleted)
	same(t, what+", skipped", got.Skipped, want.Skipped)
}

func TestSyncFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, dir := t.Context(), t.TempDir()
		localTree(t, dir, "mine=1")
		if _, err := at.object("missing").SyncTo(ctx, dir, s3path.WithDelete()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("from a missing tree: %v, want ErrNotExist", err)
		}
		same(t, "a mistyped path deletes nothing", localFilesOf(t, dir), []string{"mine=1"})

		if _, err := at.object("site").SyncFrom(ctx, filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("from a missing directory: %v, want ErrNotExist", err)
		}

		// A file that cannot be uploaded: the rest is, and nothing is deleted.
		if err := os.Symlink("/etc/hostname", filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		at.put(t, "site/extra=1")
		got, err := at.object("site").SyncFrom(ctx, dir, s3path.WithDelete())
		if err == nil || !strings.Contains(err.Error(), "out") {
			t.Errorf("a link that leads out: %v, want it named", err)
		}
		same(t, "the others are uploaded", got.Copied, []string{"mine"})
		same(t, "nothing is deleted", at.keys(t), []string{"site/extra", "site/mine"})
	})
}

// A key that must not become a file name is refused before anything is written.
func TestSyncToRefusesUnsafeNames(t *testing.T) {
	bucket := memoryBucket(t)
	ctx, dir := t.Context(), t.TempDir()
	for _, key := range []string{"fine", "../up", "a//b"} {
		if err := bucket.Client().Object(bucket.Bucket(), "site/"+key).WriteText(ctx, "x"); err != nil {
			t.Fatal(err)
		}
	}
	_, err := bucket.Join("site").SyncTo(ctx, dir)
	if !errors.Is(err, cloudpath.ErrUnsafeName) || !strings.Contains(err.Error(), "../up") || !strings.Contains(err.Error(), "a//b") {
		t.Errorf("got %v, want ErrUnsafeName and both keys", err)
	}
	same(t, "nothing is written", localFilesOf(t, dir), nil)
	if _, err := bucket.Join("site").SyncTo(ctx, dir, s3path.WithInclude("fine")); err != nil {
		t.Errorf("when filters leave them out: %v", err)
	}
	same(t, "the safe one is", localFilesOf(t, dir), []string{"fine=x"})
}

// What a client's defaults say of every write holds for a sync as well.
func TestSyncFromUsesWriteDefaults(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, dir := t.Context(), t.TempDir()
		localTree(t, dir, "a.txt=1")
		c := at.newClient(t, s3path.WithWriteDefaults(s3path.WithCacheControl("no-store"), s3path.WithMetadata(map[string]string{"by": "default"})))
		site := c.Object(at.bucket.Bucket(), "site")
		if _, err := site.SyncFrom(ctx, dir, s3path.WithMetadata(map[string]string{"by": "call"})); err != nil {
			t.Fatal(err)
		}
		info, err := site.Join("a.txt").Stat(ctx)
		if err != nil || info.CacheControl() != "no-store" || info.Metadata()["by"] != "call" {
			t.Errorf("%q %v, %v", info.CacheControl(), info.Metadata(), err)
		}
	})
}
