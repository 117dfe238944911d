package aferoadapter_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestNames(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "data/x=inside", "data/d/y=deep", "database/z=sibling", "x=outside")
		fs := at.below()
		var missing, notDir, invalid error = os.ErrNotExist, syscall.ENOTDIR, syscall.EINVAL
		for _, row := range []struct {
			name string
			err  error
			is   string // what is there: a file's content, or "/" of a directory
			base string // FileInfo.Name
		}{
			{"", missing, "", ""},
			{".", nil, "/", "."},
			{"/", nil, "/", "/"},
			{"./", nil, "/", "."},
			{"//", nil, "/", "/"},
			{"..", nil, "/", "."},
			{"x", nil, "inside", "x"},
			{"/x", nil, "inside", "x"},
			{"./x", nil, "inside", "x"},
			{"//x", nil, "inside", "x"},
			{"x/", notDir, "", ""},
			{"x/.", notDir, "", ""},
			{"d", nil, "/", "d"},
			{"d/", nil, "/", "d"},
			{"/d//", nil, "/", "d"},
			{"d/.", nil, "/", "d"},
			{"d/y", nil, "deep", "y"},
			{"d/../x", nil, "inside", "x"},
			{`d\y`, onWindows(nil, missing), "deep", "y"},
			{`\d\y`, onWindows(nil, missing), "deep", "y"},
			{"../../x", nil, "inside", "x"},
			{"/..//x", nil, "inside", "x"},
			{"a/../../x", nil, "inside", "x"},
			{`..\..\x`, onWindows(nil, missing), "inside", "x"},
			{"../database/z", missing, "", ""},
			{"none", missing, "", ""},
			{"none/", missing, "", ""},
			{"d/none", missing, "", ""},
			{"d\x00y", invalid, "", ""},
			{"d\xffy", invalid, "", ""},
			{strings.Repeat("n", 1100), invalid, "", ""},
		} {
			if strings.HasPrefix(row.name, `..\`) && at.Lacks(t, s3matrix.KeyDots) {
				continue // the server refuses the key
			}
			info, err := fs.Stat(row.name)
			want(t, "Stat "+row.name, err, row.err)
			f, err := fs.Open(row.name)
			want(t, "Open "+row.name, err, row.err)
			if row.err != nil || err != nil || info == nil {
				continue
			}
			if f.Name() != row.name {
				t.Errorf("%q: File.Name is %q", row.name, f.Name())
			}
			if info.Name() != row.base {
				t.Errorf("%q: FileInfo.Name is %q, want %q", row.name, info.Name(), row.base)
			}
			if row.is == "/" {
				if !info.IsDir() || !info.Mode().IsDir() {
					t.Errorf("%q is no directory", row.name)
				}
			} else if got := readAll(t, f); got != row.is {
				t.Errorf("%q holds %q, want %q", row.name, got, row.is)
			}
			closed(t, f)
		}
		// And so for those that write.
		for name, err := range map[string]error{"": missing, "a\x00b": invalid, "a\xff": invalid} {
			_, cerr := fs.Create(name)
			want(t, "Create", cerr, err)
			want(t, "Mkdir", fs.Mkdir(name, 0o755), err)
			want(t, "MkdirAll", fs.MkdirAll(name, 0o755), err)
			want(t, "Remove", fs.Remove(name), err)
			want(t, "Chmod", fs.Chmod(name, 0o755), err)
			want(t, "Rename", fs.Rename(name, "other"), err)
			want(t, "Rename to", fs.Rename("x", name), err)
		}
		want(t, "RemoveAll of no name", fs.RemoveAll(""), nil)
		write(t, fs, "/../../w", "1")
		write(t, fs, filepath.FromSlash("d/w"), "2")
		at.has(t, "data/d/w=2", "data/d/y=deep", "data/w=1", "data/x=inside", "database/z=sibling", "x=outside")
	})
}

// onWindows is what "\" means: elsewhere it is a letter like others.
func onWindows(there, otherwise error) error {
	if os.PathSeparator == '\\' {
		return there
	}
	return otherwise
}

// The root is there before anything was written below it, and stays.
func TestRoot(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, root := range []s3path.S3Path{at.bucket, at.bucket.Join("new"), at.bucket.Join("new/deep/")} {
			for _, opts := range [][]aferoadapter.Option{nil, {aferoadapter.WithStrictParents()}} {
				fs := aferoadapter.New(root, opts...)
				infos, err := afero.ReadDir(fs, "/")
				if err != nil || len(infos) != 0 {
					t.Errorf("%v: %v, %v", root, infos, err)
				}
				want(t, "Mkdir", fs.Mkdir("/", 0o755), os.ErrExist)
				want(t, "MkdirAll", fs.MkdirAll("/", 0o755), nil)
				want(t, "Remove", fs.Remove("/"), syscall.EINVAL)
				want(t, "RemoveAll", fs.RemoveAll("."), syscall.EINVAL)
				want(t, "RemoveAll", fs.RemoveAll("/x/.."), syscall.EINVAL)
				want(t, "Rename of it", fs.Rename("/", "x"), syscall.EINVAL)
				want(t, "Chmod", fs.Chmod("/", 0o700), nil)
				_, err = fs.Create("/")
				want(t, "Create", err, syscall.EISDIR)
				write(t, fs, "x", "1")
				want(t, "Rename onto it", fs.Rename("x", "/"), os.ErrExist)
				want(t, "Rename of nothing", fs.Rename("y", "/"), os.ErrNotExist)
				want(t, "Remove", fs.Remove("x"), nil)
			}
		}
		at.has(t)
		absent := at.client.Object("absent-"+at.bucket.Bucket(), "")
		for _, root := range []s3path.S3Path{absent, absent.Join("new")} {
			_, err := afero.ReadDir(aferoadapter.New(root), "/")
			want(t, "the root of no bucket", err, os.ErrNotExist)
		}
	})
}

// Keys that no name leads to, and objects beside directories.
func TestHostileKeys(t *testing.T) {
	at := inProcess(t)
	at.put(t, "d/../x=1", "d//z=2", `d/back\slash=3`, "d/both=4", "d/both/below=5", "d/ok=6")
	fs := at.fs()
	infos, err := afero.ReadDir(fs, "d")
	var shown []string
	for _, info := range infos {
		shown = append(shown, fmt.Sprint(info.Name(), " ", info.IsDir()))
	}
	wanted := []string{"both true", "ok false"}
	if os.PathSeparator != '\\' {
		wanted = []string{`back\slash false`, "both true", "ok false"}
		holds(t, fs, `d/back\slash`, "3")
	}
	if err != nil || !slices.Equal(shown, wanted) {
		t.Errorf("%q, %v, want %q", shown, err, wanted)
	}
	info, err := fs.Stat("d/both")
	if err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
	f := must[afero.File](t)(fs.Open("d/both"))
	names, err := f.Readdirnames(-1)
	if err != nil || len(names) != 1 || names[0] != "below" {
		t.Errorf("%q, %v", names, err)
	}
	closed(t, f)
}

func TestOpen(t *testing.T) {
	at := inProcess(t)
	s3path.SetDefaultClient(at.client)
	t.Cleanup(func() { s3path.SetDefaultClient(nil) })
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{at.bucket.String() + "/data", dir, "file://" + dir} {
		fs, err := aferoadapter.Open(t.Context(), place)
		if err != nil {
			t.Fatal(err)
		}
		if err := fs.MkdirAll("a/b", 0o755); err != nil {
			t.Error(err)
		}
		write(t, fs, "/a/b/c", "content")
		holds(t, fs, "a/b/c", "content")
		_, err = fs.Open("a/none")
		if !os.IsNotExist(err) {
			t.Errorf("%v", err)
		}
	}
	if body := at.body(t, "data/a/b/c"); body != "content" {
		t.Errorf("%q", body)
	}
	for _, bad := range []string{"", "s3://", "gs://bucket/x", dir + "/file", "http://host/x"} {
		if fs, err := aferoadapter.Open(t.Context(), bad); err == nil {
			t.Errorf("Open(%q) is %v", bad, fs)
		}
	}
}
