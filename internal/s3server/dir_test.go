package s3server_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func writeFile(t *testing.T, dir, name, body string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(body), 0o666); err != nil {
		t.Fatal(err)
	}
}

// tree is everything below dir, directories with a slash.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			rel += "/"
		}
		names = append(names, rel)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names
}

func TestFilesAreObjects(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	writeFile(t, dir, "by/hand.txt", "hello")
	a := c.do("GET", at("by/hand.txt"), "")
	if a.body != "hello" || a.etag() != `"5d41402abc4b2a76b9719d911017c592"` || a.header.Get("Content-Type") != "binary/octet-stream" {
		t.Errorf("got %q with %v", a.body, a.header)
	}
	if got := c.list().keys(); !slices.Equal(got, []string{"by/hand.txt"}) {
		t.Errorf("listed %q", got)
	}
	writeFile(t, dir, "by/hand.txt", "changed")
	if b := c.do("GET", at("by/hand.txt"), "", "If-None-Match: "+a.etag()); b.body != "changed" || b.etag() == a.etag() {
		t.Errorf("after a change by hand: %d %q %s", b.status, b.body, b.etag())
	}
	if err := os.Remove(filepath.Join(dir, "by", "hand.txt")); err != nil {
		t.Fatal(err)
	}
	if err := c.do("GET", at("by/hand.txt"), "").is("GET", 404, "NoSuchKey"); err != nil {
		t.Error(err)
	}
}

func TestObjectsAreFiles(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	c.put("a/b/c.txt", "hello", "Content-Type: text/plain", "x-amz-meta-k: v", "x-amz-tagging: t=1")
	data, err := os.ReadFile(filepath.Join(dir, "a", "b", "c.txt"))
	if err != nil || string(data) != "hello" {
		t.Errorf("the file has %q, %v", data, err)
	}
	a := c.do("GET", at("a/b/c.txt"), "")
	if a.header.Get("Content-Type") != "text/plain" || a.header.Get("x-amz-meta-k") != "v" || a.header.Get("x-amz-tagging-count") != "1" {
		t.Errorf("got %v", a.header)
	}
	c.do("PUT", at("a/copy.txt"), "", "x-amz-copy-source: "+at("a/b/c.txt"))
	if a := c.do("GET", at("a/copy.txt"), "", "Range: bytes=1-3"); a.body != "ell" || a.header.Get("x-amz-meta-k") != "v" {
		t.Errorf("the copy has %q and %v", a.body, a.header)
	}
	if got, want := tree(t, dir), []string{"a/", "a/b/", "a/b/c.txt", "a/copy.txt"}; !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
	c.do("DELETE", at("a/b/c.txt"), "")
	if got, want := tree(t, dir), []string{"a/", "a/copy.txt"}; !slices.Equal(got, want) {
		t.Errorf("after a DELETE the directory has %q, want %q", got, want)
	}
	writeFile(t, dir, "a/copy.txt", "by hand")
	if a := c.do("GET", at("a/copy.txt"), ""); a.header.Get("x-amz-meta-k") != "" {
		t.Error("a file that was changed by hand keeps the metadata of what it was")
	}
}

// TestWhatADirectoryCannotHold refuses, and leaves the directory as it is.
func TestWhatADirectoryCannotHold(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	outside := filepath.Join(filepath.Dir(dir), "outside")
	c.put("file", "x")
	c.put("dir/file", "x")
	if err := os.Symlink(dir, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	for _, row := range []struct {
		key  string
		code string
	}{
		{"file/below", "ObjectParentIsFile"},
		{"file/", "ObjectParentIsFile"},
		{"dir", "ExistingObjectIsDirectory"},
		{"link", "ExistingObjectIsDirectory"},
		{"link/file", "ObjectParentIsFile"},
		{"a//b", "InvalidArgument"},
		{"/lead", "InvalidArgument"},
		{"//", "InvalidArgument"},
		{".", "InvalidArgument"},
		{"..", "InvalidArgument"},
		{"../outside", "InvalidArgument"},
		{"dir/../../outside", "InvalidArgument"},
		{"a/./b", "InvalidArgument"},
		{"nul\x00", "InvalidArgument"},
		{strings.Repeat("n", 256), "InvalidArgument"},
		{".s3server-temporary", "InvalidArgument"},
		{"marker/", "InvalidArgument"},
	} {
		t.Run(fmt.Sprintf("%.20q", row.key), func(t *testing.T) {
			status := map[string]int{"InvalidArgument": 400}[row.code]
			if status == 0 {
				status = 409
			}
			if err := c.do("PUT", at(row.key), "body").is("PUT", status, row.code); err != nil {
				t.Error(err)
			}
			if err := c.do("PUT", at(row.key), "", "x-amz-copy-source: "+at("dir/file")).is("copy", status, row.code); err != nil {
				t.Error(err)
			}
			if row.key != "marker/" {
				if err := c.do("POST", at(row.key)+"?uploads", "").is("upload", status, row.code); err != nil {
					t.Error(err)
				}
			}
			if err := c.do("GET", at(row.key), "").is("GET", 404, "NoSuchKey"); err != nil {
				t.Error(err)
			}
			if a := c.do("DELETE", at(row.key), ""); a.status != 204 {
				t.Errorf("DELETE: %d", a.status)
			}
		})
	}
	if after := tree(t, dir); !slices.Equal(after, before) {
		t.Errorf("the directory has %q, had %q", after, before)
	}
	if _, err := os.Stat(outside); err == nil {
		t.Error("a file was written outside the directory")
	}
	if got := c.list("prefix=../").keys(); len(got) != 0 {
		t.Errorf("listed %q from outside", got)
	}
	if err := c.do("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>").is("versioning", 501, "NotImplemented"); err != nil {
		t.Error(err)
	}
	if err := c.do("DELETE", "/bucket", "").is("DELETE bucket", 409, "BucketNotEmpty"); err != nil {
		t.Error(err)
	}
}

func TestMarkersOfADirectory(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	if err := os.MkdirAll(filepath.Join(dir, "empty", "by", "hand"), 0o777); err != nil {
		t.Fatal(err)
	}
	if p := c.list("delimiter=/"); p.KeyCount != 0 {
		t.Errorf("a directory without files is listed: %q", p.prefixes())
	}
	c.put("dir/", "", "x-amz-meta-k: v")
	c.put("dir/file", "x")
	if a := c.do("HEAD", at("dir/"), ""); a.status != 200 || a.header.Get("x-amz-meta-k") != "v" || a.header.Get("Content-Length") != "0" {
		t.Errorf("HEAD of a marker: %d %v", a.status, a.header)
	}
	if got, want := c.list().keys(), []string{"dir/", "dir/file"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	if got, want := c.list("delimiter=/").prefixes(), []string{"dir/"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	c.do("DELETE", at("dir/file"), "")
	if got, want := c.list("prefix=dir/", "delimiter=/").keys(), []string{"dir/"}; !slices.Equal(got, want) {
		t.Errorf("without its file listed %q, want %q", got, want)
	}
	c.do("DELETE", at("dir/"), "")
	if got, want := tree(t, dir), []string{"empty/", "empty/by/", "empty/by/hand/"}; !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
}

// TestChangesByHandWithinATick rewrites a file at once with as many bytes, and gives it
// the time it had, as a slow clock does: neither size nor time tells the two apart.
func TestChangesByHandWithinATick(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	before := c.put("k", "by request", "x-amz-meta-k: v").etag()
	if a := c.do("GET", at("k"), ""); a.etag() != before || a.header.Get("x-amz-meta-k") != "v" {
		t.Errorf("unchanged, it has ETag %s and %v", a.etag(), a.header)
	}
	file := filepath.Join(dir, "k")
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "k", "by hand !!")
	if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil {
		t.Fatal(err)
	}
	if a := c.do("GET", at("k"), ""); a.body != "by hand !!" || a.etag() == before || a.header.Get("x-amz-meta-k") != "" {
		t.Errorf("%q with ETag %s, before it was %s", a.body, a.etag(), before)
	}
}

// TestChangesByHandThatKeepTheTime rewrites a file whose time is long past and sets that
// again: a test that fixes the times of its files does so.
func TestChangesByHandThatKeepTheTime(t *testing.T) {
	dir := t.TempDir()
	c := startDir(t, dir)
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	write := func(body string) {
		t.Helper()
		writeFile(t, dir, "k", body)
		if err := os.Chtimes(filepath.Join(dir, "k"), past, past); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	before := c.do("GET", at("k"), "")
	write("two")
	if a := c.do("GET", at("k"), ""); a.body != "two" || a.etag() == before.etag() || a.header.Get("Last-Modified") != before.header.Get("Last-Modified") {
		t.Errorf("%q with ETag %s, before it was %s", a.body, a.etag(), before.etag())
	}
}

// TestDirectoryRemovedByHand is an empty bucket, which the next object makes anew.
func TestDirectoryRemovedByHand(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dir")
	writeFile(t, dir, "k", "x")
	c := startDir(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if got := c.list(); got.KeyCount != 0 {
		t.Errorf("listed %q", got.keys())
	}
	c.put("k", "y")
	if got, want := tree(t, dir), []string{"k"}; !slices.Equal(got, want) {
		t.Errorf("the directory has %q, want %q", got, want)
	}
}

func TestTagsAndVersionsOfADirectory(t *testing.T) {
	c := startDir(t, t.TempDir())
	c.inParts("file", "x")
	c.put("dir/", "")
	for _, key := range []string{"file", "dir/"} {
		c.do("PUT", at(key)+"?tagging", tagging("a", "1"))
		if got := c.tags(key); got != "a=1;" {
			t.Errorf("%s has tags %q", key, got)
		}
	}
	if a := c.do("HEAD", at("file"), ""); !strings.HasSuffix(a.etag(), `-1"`) {
		t.Errorf("tags change the ETag to %s", a.etag())
	}
	c.wantHistory("dir/  true", "file x true")
	for _, row := range []struct {
		method, id string
		want       int
	}{{"GET", "null", 200}, {"GET", "nonsense", 400}, {"DELETE", "null", 204}, {"GET", "null", 404}} {
		if got := c.do(row.method, at("file")+"?versionId="+row.id, "").status; got != row.want {
			t.Errorf("%s of version %s: %d, want %d", row.method, row.id, got, row.want)
		}
	}
	c.do("DELETE", at("dir/")+"?versionId=null", "")
	c.wantHistory()
}

func TestListingOfADirectoryMatchesTheObviousOne(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	dir := t.TempDir()
	c := startDir(t, dir)
	var keys []string
	for range 200 {
		parts := make([]string, 1+r.IntN(4))
		for i := range parts {
			parts[i] = []string{"a", "b", "a-b", "a0", "z", "dir"}[r.IntN(6)]
		}
		parts[len(parts)-1] += ".txt"
		key := strings.Join(parts, "/")
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
			writeFile(t, dir, key, key)
		}
	}
	choose := func(from ...string) string { return from[r.IntN(len(from))] }
	for range 200 {
		prefix := choose("", "a", "a/", "dir/a", "a/b/", "z.", "none/", "a//", "..", "a/b/z.txt")
		delimiter := choose("", "/", "-", "/a")
		after := choose("", "", keys[r.IntN(len(keys))], "a/", "a/b", "dir/a", "zz")
		limit := 1 + r.IntN(20)
		got, want := c.pages(prefix, delimiter, after, limit), expected(keys, prefix, delimiter, after)
		if !slices.Equal(got, want) {
			t.Errorf("prefix %q, delimiter %q, after %q, %d a page:\ngot  %q\nwant %q", prefix, delimiter, after, limit, got, want)
		}
	}
}

func TestDirectoryBesideBucketsInMemory(t *testing.T) {
	c := startDir(t, t.TempDir())
	if a := c.do("PUT", "/other", ""); a.status != 200 {
		t.Fatalf("CreateBucket: %d", a.status)
	}
	c.put("k", "x")
	c.do("PUT", "/other/k", "", "x-amz-copy-source: "+at("k"))
	c.do("DELETE", at("k"), "")
	if a := c.do("GET", "/other/k", ""); a.body != "x" {
		t.Errorf("got %q", a.body)
	}
	if err := c.do("DELETE", "/bucket", "").is("DELETE bucket", 501, "NotImplemented"); err != nil {
		t.Error(err)
	}
}

func TestDirectoryThatIsNone(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "file", "x")
	for _, name := range []string{filepath.Join(dir, "missing"), filepath.Join(dir, "file")} {
		if _, err := s3server.New(s3server.WithDir(name, bucket)); err == nil {
			t.Errorf("%s is no directory, but New takes it", name)
		}
	}
}
