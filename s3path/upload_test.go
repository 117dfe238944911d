package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// makeFiles makes files below a directory: "name=body", "dir/", "link -> target".
func makeFiles(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, file := range files {
		name, body, _ := strings.Cut(file, "=")
		link, target, linked := strings.Cut(file, " -> ")
		if linked {
			name = link
		}
		full := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(full), 0o700)
		switch {
		case err != nil:
		case linked:
			err = os.Symlink(target, full)
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(full, 0o700)
		default:
			err = os.WriteFile(full, []byte(body), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// bodies are all objects of the bucket, seen behind the client's back.
func (at *place) bodies(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, key := range at.keys(t) {
		found[key] = at.body(t, key)
	}
	return found
}

func (at *place) checkBodies(t *testing.T, want map[string]string) {
	t.Helper()
	if got := at.bodies(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the bucket holds %q, want %q", got, want)
	}
}

// A file goes to the key that was given, or below a bucket or a path that ends in
// a slash to one of its own name, as cp does.
func TestUploadFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, "a b.txt=hello", "link -> a b.txt", "empty=")
		for _, row := range []struct {
			name, local string
			p           s3path.S3Path
			key, body   string
		}{
			{"a key", "a b.txt", at.object("dir/x"), "dir/x", "hello"},
			{"below a path that ends in a slash", "a b.txt", at.object("dir/"), "dir/a b.txt", "hello"},
			{"below a bucket", "a b.txt", at.bucket, "a b.txt", "hello"},
			{"a link is what it leads to, under its own name", "link", at.object("dir/"), "dir/link", "hello"},
			{"an empty file", "empty", at.object("dir/e"), "dir/e", ""},
		} {
			t.Run(row.name, func(t *testing.T) {
				mark := at.Proxy.Mark()
				if err := row.p.UploadFrom(t.Context(), filepath.Join(dir, row.local)); err != nil {
					t.Fatal(err)
				}
				at.checkOperations(t, mark, "PutObject")
				if got := at.body(t, row.key); got != row.body {
					t.Errorf("stored %q", got)
				}
			})
		}
		t.Run("relative to where the process is", func(t *testing.T) {
			t.Chdir(dir)
			if err := at.object("here/").UploadFrom(t.Context(), "empty"); err != nil {
				t.Error(err)
			}
			if err := at.object("all").UploadFrom(t.Context(), "."); err != nil {
				t.Error(err)
			}
			if got := at.body(t, "here/empty") + at.body(t, "all/a b.txt"); got != "hello" {
				t.Errorf("stored %q", got)
			}
		})
		t.Run("missing", func(t *testing.T) {
			mark := at.Proxy.Mark()
			for _, local := range []string{"nothing", "nothing/", "a b.txt/", ""} {
				err := at.object("dir/x").UploadFrom(t.Context(), filepath.Join(dir, "no")+local)
				if pe := (*fs.PathError)(nil); !errors.Is(err, fs.ErrNotExist) || !errors.As(err, &pe) || pe.Path != at.object("dir/x").String() {
					t.Errorf("%q: %v", local, err)
				}
			}
			at.checkOperations(t, mark)
		})
	})
}

// A directory: its files below the path, however that is spelled; empty
// directories make nothing; one request for each file.
func TestUploadTree(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, "a.txt=a", "sub/b.txt=b", "sub/deep/er/ü c+%.txt=c", "empty/", "sub/none/at/all/", ".hidden=h")
		for _, row := range []struct {
			name, local string
			p           s3path.S3Path
			below       string
		}{
			{"a key", "", at.object("one"), "one/"},
			{"a key with a slash", "/", at.object("two/"), "two/"},
			{"a bucket", "", at.bucket, ""},
		} {
			t.Run(row.name, func(t *testing.T) {
				for _, key := range at.keys(t) {
					at.removeObject(t, key)
				}
				n := at.count(func() {
					if err := row.p.UploadFrom(t.Context(), dir+row.local); err != nil {
						t.Error(err)
					}
				})
				if n != 4 {
					t.Errorf("%d requests", n)
				}
				at.checkBodies(t, map[string]string{row.below + "a.txt": "a", row.below + "sub/b.txt": "b", row.below + "sub/deep/er/ü c+%.txt": "c", row.below + ".hidden": "h"})
			})
		}
		t.Run("an empty directory", func(t *testing.T) {
			mark := at.Proxy.Mark()
			if err := at.object("x").UploadFrom(t.Context(), t.TempDir()); err != nil {
				t.Error(err)
			}
			at.checkOperations(t, mark)
		})
		t.Run("options that are for one object", func(t *testing.T) {
			var info s3path.Info
			mark := at.Proxy.Mark()
			for name, o := range map[string]s3path.WriteOption{"WithInfo": s3path.WithInfo(&info), "WithIfMatch": s3path.WithIfMatch("abc")} {
				if err := at.object("x").UploadFrom(t.Context(), dir, o); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", name, err)
				}
			}
			at.checkOperations(t, mark)
		})
		t.Run("a version", func(t *testing.T) {
			if err := at.object("x").AtVersion("3").UploadFrom(t.Context(), dir); !errors.Is(err, errors.ErrUnsupported) {
				t.Error(err)
			}
		})
		t.Run("options for each of them", func(t *testing.T) {
			if err := at.object("x").UploadFrom(t.Context(), dir, s3path.WithCacheControl("max-age=9"), s3path.WithNoOverwrite()); err != nil {
				t.Error(err)
			}
			info, err := at.object("x/sub/b.txt").Stat(t.Context())
			if err != nil || info.CacheControl() != "max-age=9" || info.ContentType() != "text/plain" {
				t.Errorf("%+v, %v", info, err)
			}
			makeFiles(t, dir, "new=n")
			err = at.object("x").UploadFrom(t.Context(), dir, s3path.WithNoOverwrite())
			if !errors.Is(err, fs.ErrExist) || strings.Count(err.Error(), "exists already") != 4 {
				t.Error(err)
			}
			if got := at.body(t, "x/new"); got != "n" {
				t.Errorf("the new one is %q", got)
			}
		})
	})
}

// Symbolic links are followed inside the tree, those with an absolute target too,
// and refused by name when they lead out of it, nowhere or in a circle; the rest is
// done.
func TestUploadLinks(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		top := t.TempDir()
		makeFiles(t, top, "outside/secret=secret", "outside/dir/secret=secret",
			"in/a=a", "in/sub/b=b",
			"in/file-link -> a", "in/sub/up -> ../a", "in/dir-link -> sub",
			"in/absolute -> "+top+"/in/a", "in/absolute-dir -> "+top+"/in/sub",
			"in/out-file -> ../outside/secret", "in/out-dir -> ../outside/dir", "in/out-absolute -> "+top+"/outside/secret",
			"in/out-absolute-dir -> "+top+"/outside/dir", "in/sibling -> "+top+"/in-no", "in/nowhere -> nothing", "in/self -> self",
			"in/loop/here -> .", "in/loop/up -> ../loop", "in/loop/absolute -> "+top+"/in/loop", "in/loop/root -> "+top+"/in", "in/loop/c=c",
			"in-no/secret=secret",
			"link-to-in -> in")
		refused := []string{"out-file", "out-dir", "out-absolute", "out-absolute-dir", "sibling", "nowhere", "self", "loop/here", "loop/up", "loop/absolute", "loop/root"}
		want := map[string]string{
			"x/a": "a", "x/sub/b": "b", "x/file-link": "a", "x/sub/up": "a", "x/dir-link/b": "b", "x/dir-link/up": "a",
			"x/absolute": "a", "x/absolute-dir/b": "b", "x/absolute-dir/up": "a", "x/loop/c": "c",
		}
		for _, local := range []string{"in", "link-to-in"} {
			err := at.object("x").UploadFrom(t.Context(), filepath.Join(top, local))
			for _, name := range refused {
				if err == nil || !strings.Contains(err.Error(), filepath.Join(top, local, name)+": ") {
					t.Errorf("%v does not name %s", err, name)
				}
			}
			at.checkBodies(t, want)
		}
	})
}

// What fails is named, and the rest is done.
func TestUploadTreePartly(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, "a=a", "b=b", "sub/c=c", "bad\xffname=x", strings.Repeat("long/", 250)+"x=x")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if _, key := s3proxy.Address(r); key == "x/b" {
				return http.HandlerFunc(refusal(http.StatusForbidden, "AccessDenied"))
			}
			return nil
		})
		err := at.object("x").UploadFrom(t.Context(), dir)
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), at.object("x/b").String()) {
			t.Errorf("%v does not name what was refused", err)
		}
		if !errors.Is(err, cloudpath.ErrInvalidPath) || strings.Count(err.Error(), "invalid path") != 2 {
			t.Errorf("%v does not name what S3 cannot address", err)
		}
		at.checkBodies(t, map[string]string{"x/a": "a", "x/sub/c": "c"})
	})
}

// A directory that cannot be read is named.
func TestUploadUnreadable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Log("root reads everything: only what it cannot either is tested")
	}
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, "a=a", "locked/b=b", "file=f")
		locked := filepath.Join(dir, "locked")
		if err := errors.Join(os.Chmod(locked, 0), os.Chmod(filepath.Join(dir, "file"), 0)); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(locked, 0o700) })
		err := at.object("x").UploadFrom(t.Context(), dir)
		if os.Getuid() == 0 {
			at.checkBodies(t, map[string]string{"x/a": "a", "x/file": "f", "x/locked/b": "b"})
			return
		}
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), locked) {
			t.Error(err)
		}
		at.checkBodies(t, map[string]string{"x/a": "a"})
	})
}

// A tree moves in parallel, but no more at once than was wanted.
func TestUploadTreeConcurrency(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, many("%02d=x", 30)...)
		at.Proxy.Reset()
		if err := at.object("x").UploadFrom(t.Context(), dir, s3path.WithConcurrency(4)); err != nil {
			t.Error(err)
		}
		if peak := at.Proxy.Peak(); peak > 4 {
			t.Errorf("%d requests at once", peak)
		}
		if n := len(at.keys(t)); n != 30 {
			t.Errorf("%d objects", n)
		}
	})
}

// Up and down again is the same tree.
func TestTreeRoundTrip(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		from, to := t.TempDir(), t.TempDir()
		makeFiles(t, from, "a=a", "a b/c+d%20e?f#g=x", "ü/日本=y", "deep/er/and/deep/er=z", "big="+string(pattern(part+5)))
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "t")
		if err := errors.Join(p.UploadFrom(t.Context(), from), p.DownloadTo(t.Context(), to)); err != nil {
			t.Error(err)
		}
		sameFiles(t, "down again", to, filesBelow(t, from))
	})
}
