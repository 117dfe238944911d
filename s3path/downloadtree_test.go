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
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// A tree: every object below, markers become directories, the tree's own marker is
// its root, missing parents are made, each file has its object's time.
func TestDownloadTree(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/a.txt=a", "dir/sub/b.txt=b", "dir/sub/deep/er/c.txt=c", "dir/empty/", "dir/", "dirt/x=no", "dir.txt=no", "top=no")
		ctx := t.Context()
		want := map[string]string{"a.txt": "a", "sub/b.txt": "b", "sub/deep/er/c.txt": "c", "empty/": ""}
		for _, row := range []struct {
			name, key, local string
			requests         int
		}{
			{"spelled with a slash", "dir/", "out", 4},
			{"spelled without", "dir", "out", 5},
			{"missing parents", "dir/", "x/y/z", 4},
			{"a separator at the end", "dir/", "out/", 4},
		} {
			t.Run(row.name, func(t *testing.T) {
				dir := t.TempDir()
				n := at.count(func() {
					if err := at.object(row.key).DownloadTo(ctx, dir+"/"+row.local); err != nil {
						t.Error(err)
					}
				})
				if n != row.requests {
					t.Errorf("%d requests, want %d", n, row.requests)
				}
				sameFiles(t, "the tree", filepath.Join(dir, row.local), want)
				info, err := at.object("dir/sub/b.txt").Stat(ctx)
				st, lerr := os.Stat(filepath.Join(dir, row.local, "sub/b.txt"))
				if err != nil || lerr != nil || !st.ModTime().Equal(info.ModTime()) {
					t.Errorf("the file's time is not %v (%v, %v)", info.ModTime(), err, lerr)
				}
			})
		}
		t.Run("into what is there already", func(t *testing.T) {
			dir := t.TempDir()
			for name, body := range map[string]string{"a.txt": "old and longer", "mine": "stays"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := at.object("dir").DownloadTo(ctx, dir); err != nil {
				t.Error(err)
			}
			sameFiles(t, "the tree", dir, map[string]string{"a.txt": "a", "sub/b.txt": "b", "sub/deep/er/c.txt": "c", "empty/": "", "mine": "stays"})
		})
		t.Run("a bucket", func(t *testing.T) {
			dir := t.TempDir()
			if err := at.bucket.DownloadTo(ctx, dir); err != nil {
				t.Error(err)
			}
			sameFiles(t, "the tree", dir, map[string]string{
				"dir/a.txt": "a", "dir/sub/b.txt": "b", "dir/sub/deep/er/c.txt": "c", "dir/empty/": "", "dirt/x": "no", "dir.txt": "no", "top": "no",
			})
		})
		t.Run("a missing one", func(t *testing.T) {
			dir := t.TempDir()
			for _, key := range []string{"nothing", "nothing/", "top/"} {
				if err := at.object(key).DownloadTo(ctx, dir+"/out"); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: %v", key, err)
				}
			}
			sameFiles(t, "the directory", dir, nil)
		})
		t.Run("onto a file", func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := at.object("dir").DownloadTo(ctx, name); err == nil {
				t.Error("a tree was written onto a file")
			}
			sameFiles(t, "the directory", filepath.Dir(name), map[string]string{"x": "old"})
		})
		t.Run("options that are for one object", func(t *testing.T) {
			var info s3path.Info
			for name, o := range map[string]s3path.ReadOption{"WithInfo": s3path.WithInfo(&info), "WithIfMatch": s3path.WithIfMatch("abc")} {
				dir := t.TempDir()
				if err := at.object("dir/").DownloadTo(ctx, dir, o); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: %v", name, err)
				}
				if err := at.object("nothing").DownloadTo(ctx, dir+"/out", o); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, errors.ErrUnsupported) {
					t.Errorf("%s of nothing: %v", name, err)
				}
				sameFiles(t, "the directory", dir, nil)
			}
		})
	})
}

// An empty bucket is a tree without anything in it.
func TestDownloadEmptyBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		if err := at.bucket.DownloadTo(t.Context(), dir+"/out"); err != nil {
			t.Error(err)
		}
		sameFiles(t, "the directory", dir, map[string]string{"out/": ""})
	})
}

// Keys that would leave the target are refused by name before anything is written.
func TestDownloadUnsafeKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			key  string
			gaps []s3matrix.Gap
		}{
			{"dir/../../x", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir/..", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir/sub/../../../x", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir/./x", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir/.", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir//abs", []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
			{"dir//", []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
			{"dir/a//b", []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
			{"dir/a//", []s3matrix.Gap{s3matrix.KeyEmptyComponent}},
			{"dir/../", []s3matrix.Gap{s3matrix.KeyDots}},
			{"dir/nul\x00byte", []s3matrix.Gap{s3matrix.KeyNUL, s3matrix.KeyControl}},
		} {
			t.Run(strings.ReplaceAll(fmt.Sprintf("%q", row.key), "/", "|"), func(t *testing.T) {
				at.Needs(t, row.gaps...)
				at.put(t, row.key+"=evil", "dir/good=good")
				defer at.removeObject(t, row.key)
				top := t.TempDir()
				local := filepath.Join(top, "one/two/out")
				err := at.object("dir/").DownloadTo(t.Context(), local)
				if !errors.Is(err, cloudpath.ErrUnsafeName) {
					t.Fatal(err)
				}
				if quoted := fmt.Sprintf("%q", "s3://"+at.bucket.Bucket()+"/"+row.key); !strings.Contains(err.Error(), quoted) {
					t.Errorf("%v does not name %s", err, quoted)
				}
				sameFiles(t, "the directory", top, nil)
			})
		}
		t.Run("/abs below the bucket", func(t *testing.T) {
			at.Needs(t, s3matrix.KeyLeadingSlash)
			at.put(t, "/tmp=evil")
			top := t.TempDir()
			if err := at.bucket.DownloadTo(t.Context(), top); !errors.Is(err, cloudpath.ErrUnsafeName) {
				t.Error(err)
			}
			sameFiles(t, "the directory", top, nil)
		})
	})
}

// The same where the server that lists such keys could not hold them: a listing is
// what anybody may send.
func TestDownloadListedUnsafeKeys(t *testing.T) {
	for _, rel := range []string{"..", "../x", "../../../../etc/passwd", "/etc/passwd", "a//b", "/", "a/../..", "./a", "a/.", "nul%00", "dir/", "x/../y/"} {
		unsafe := rel != "dir/"
		t.Run(strings.ReplaceAll(rel, "/", "|"), func(t *testing.T) {
			c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
				if s3proxy.Operation(r) != "ListObjectsV2" {
					t.Errorf("%s %s was asked for", r.Method, r.URL)
				}
				body := fmt.Sprintf(`<?xml version="1.0"?><ListBucketResult><Name>bucket</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`+
					`<Contents><Key>top/%s</Key><Size>0</Size></Contents></ListBucketResult>`, rel)
				return fakeAnswer(r, http.StatusOK, int64(len(body)), strings.NewReader(body)), nil
			})
			top := t.TempDir()
			err := c.Object("bucket", "top/").DownloadTo(t.Context(), filepath.Join(top, "a/b"))
			if errors.Is(err, cloudpath.ErrUnsafeName) != unsafe || !unsafe && err != nil {
				t.Error(err)
			}
			if want := map[string]string{"a/b/dir/": ""}; unsafe {
				sameFiles(t, "the directory", top, nil)
			} else {
				sameFiles(t, "the directory", top, want)
			}
		})
	}
}

// A marker with a body is reported by key when the rest is done.
func TestDownloadMarkerWithBody(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.MarkerWithBody)
		at.put(t, "dir/=own", "dir/nz/=body", "dir/a=a")
		dir := t.TempDir()
		err := at.object("dir/").DownloadTo(t.Context(), dir)
		for _, key := range []string{"dir/", "dir/nz/"} {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%q", "s3://"+at.bucket.Bucket()+"/"+key)) {
				t.Errorf("%v does not name %s", err, key)
			}
		}
		sameFiles(t, "the tree", dir, map[string]string{"a": "a", "nz/": ""})
	})
}

// A key that is both file and directory is reported, not dropped, when the rest is done.
func TestDownloadFileAndDirectory(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "dir/both=file", "dir/both/child=c", "dir/mark=file", "dir/mark/", "dir/a=a")
		dir := t.TempDir()
		mark := at.Proxy.Mark()
		err := at.object("dir/").DownloadTo(t.Context(), dir)
		if gets := at.Proxy.Since(mark).Operation("GetObject"); len(gets) != 2 {
			t.Errorf("%d objects were asked for, 2 can be stored", len(gets))
		}
		for _, key := range []string{"dir/both", "dir/mark"} {
			if err == nil || !strings.Contains(err.Error(), at.object(key).String()+":") {
				t.Errorf("%v does not name %s", err, key)
			}
		}
		sameFiles(t, "the tree", dir, map[string]string{"a": "a", "both/child": "c", "mark/": ""})
	})
}

// Links planted below the target are not followed out of it, those that stay
// inside may be.
func TestDownloadTreeThroughLinks(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/out/x=x", "dir/file=f", "dir/in/y=y", "dir/a=a")
		top := t.TempDir()
		outside, local := filepath.Join(top, "outside"), filepath.Join(top, "local")
		err := errors.Join(os.MkdirAll(outside, 0o700), os.MkdirAll(filepath.Join(local, "real"), 0o700),
			os.WriteFile(filepath.Join(outside, "victim"), []byte("untouched"), 0o600),
			os.Symlink(outside, filepath.Join(local, "out")),
			os.Symlink("../outside/victim", filepath.Join(local, "file")),
			os.Symlink("real", filepath.Join(local, "in")))
		if err != nil {
			t.Fatal(err)
		}
		err = at.object("dir").DownloadTo(t.Context(), local)
		if err == nil || !strings.Contains(err.Error(), at.object("dir/out/x").String()) {
			t.Errorf("%v does not name what was refused", err)
		}
		sameFiles(t, "outside", outside, map[string]string{"victim": "untouched"})
		// A link in place of the file itself is replaced, its target is not written.
		sameFiles(t, "the tree", local, map[string]string{"out": outside, "file": "f", "in": "real", "real/y": "y", "a": "a"})
	})
}

// What fails is named, the rest is done, and neither partial files nor debris are left.
func TestDownloadTreePartly(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/a=a", "dir/broken=0123456789", "dir/forbidden=x", "dir/taken=new", "dir/sub/b=b")
		dir := t.TempDir()
		if err := errors.Join(os.MkdirAll(dir+"/taken/by", 0o700), os.WriteFile(dir+"/broken", []byte("old"), 0o600)); err != nil {
			t.Fatal(err)
		}
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			switch _, key := s3proxy.Address(r); key {
			case "dir/forbidden":
				return http.HandlerFunc(refusal(http.StatusForbidden, "AccessDenied"))
			case "dir/broken":
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					rec := at.recorded(r)
					n := 0
					if r.Header.Get("Range") == "" {
						n = 4
					}
					rawAnswer(w, rec, n, "", false)
				})
			}
			return nil
		})
		err := at.object("dir/").DownloadTo(t.Context(), dir)
		for _, key := range []string{"dir/broken", "dir/forbidden", "dir/taken"} {
			if err == nil || !strings.Contains(err.Error(), at.object(key).String()+":") {
				t.Errorf("%v does not name %s", err, key)
			}
		}
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%v is not what the server said", err)
		}
		sameFiles(t, "the tree", dir, map[string]string{"a": "a", "sub/b": "b", "broken": "old", "taken/by/": ""})
	})
}

// A large object of a tree that is replaced in the middle is downloaded again.
func TestDownloadTreeReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		old, now := strings.Repeat("o", 2*part), strings.Repeat("n", 2*part+10)
		at.put(t, "dir/small=s")
		at.putBody(t, "dir/big", []byte(old))
		done := false
		stop := at.slowFront("dir/big", func(r *http.Request) http.Handler {
			if r.Header.Get("Range") != "" && !done {
				done = true
				at.putBody(t, "dir/big", []byte(now))
			}
			return nil
		})
		dir := t.TempDir()
		p := at.newClient(t, s3path.WithPartSize(part), s3path.WithConcurrency(4)).Object(at.bucket.Bucket(), "dir/")
		err := p.DownloadTo(t.Context(), dir)
		stop()
		if err != nil {
			t.Error(err)
		}
		sameFiles(t, "the tree", dir, map[string]string{"small": "s", "big": now})
	})
}

// A tree moves in parallel, but no more at once than was wanted.
func TestDownloadTreeConcurrency(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		keys := many("dir/%02d", 30)
		at.putMany(t, keys)
		at.Proxy.Reset()
		dir := t.TempDir()
		if err := at.object("dir/").DownloadTo(t.Context(), dir, s3path.WithConcurrency(4)); err != nil {
			t.Error(err)
		}
		if peak := at.Proxy.Peak(); peak > 4 {
			t.Errorf("%d requests at once", peak)
		}
		if n := len(filesBelow(t, dir)); n != 30 {
			t.Errorf("%d files", n)
		}
	})
}
