package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Where a file goes: to the name that was given, below an existing directory or a
// name that ends in a separator; missing parents are made; its time is the object's.
func TestDownloadFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/a.txt=hello", "empty=")
		ctx := t.Context()
		p := at.object("dir/a.txt")
		info, err := p.Stat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ name, local, want string }{
			{"a new name", "b.txt", "b.txt"},
			{"over a file", "old.txt", "old.txt"},
			{"an existing directory", "there", "there/a.txt"},
			{"an existing directory with a separator", "there/", "there/a.txt"},
			{"a missing directory with a separator", "new/dir/", "new/dir/a.txt"},
			{"missing parents", "x/y/z.txt", "x/y/z.txt"},
			{"through a link to a directory", "link/b.txt", "there/b.txt"},
			{"over a link", "linked.txt", "linked.txt"},
		} {
			t.Run(row.name, func(t *testing.T) {
				dir := t.TempDir()
				for name, body := range map[string]string{"old.txt": "old and longer", "target.txt": "untouched"} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := errors.Join(os.Mkdir(filepath.Join(dir, "there"), 0o700), os.Symlink("there", filepath.Join(dir, "link")),
					os.Symlink("target.txt", filepath.Join(dir, "linked.txt"))); err != nil {
					t.Fatal(err)
				}
				want := filesBelow(t, dir)
				n := at.count(func() {
					if err := p.DownloadTo(ctx, dir+"/"+row.local); err != nil {
						t.Error(err)
					}
				})
				if n != 1 {
					t.Errorf("%d requests", n)
				}
				want[row.want] = "hello"
				for name := range maps.Clone(want) {
					if strings.HasSuffix(name, "/") && strings.HasPrefix(row.want, name) {
						delete(want, name)
					}
				}
				sameFiles(t, "the directory", dir, want)
				st, err := os.Lstat(filepath.Join(dir, row.want))
				if err != nil || !st.ModTime().Equal(info.ModTime()) || !st.Mode().IsRegular() {
					t.Errorf("the file is %v of %v, the object of %v (%v)", st.Mode(), st.ModTime(), info.ModTime(), err)
				}
			})
		}
		t.Run("an empty object", func(t *testing.T) {
			dir := t.TempDir()
			if err := at.object("empty").DownloadTo(ctx, dir); err != nil {
				t.Error(err)
			}
			sameFiles(t, "the directory", dir, map[string]string{"empty": ""})
		})
		t.Run("relative to where the process is", func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := errors.Join(p.DownloadTo(ctx, "here.txt"), p.DownloadTo(ctx, ".")); err != nil {
				t.Error(err)
			}
			sameFiles(t, "the directory", dir, map[string]string{"here.txt": "hello", "a.txt": "hello"})
		})
		t.Run("no name", func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			if err := p.DownloadTo(ctx, ""); !errors.Is(err, fs.ErrInvalid) {
				t.Error(err)
			}
			sameFiles(t, "the directory", dir, nil)
		})
	})
}

// A failed download leaves the old file alone and no debris, wherever it fails.
func TestDownloadFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "a", pattern(20_000))
		at.put(t, "other=x")
		cause := errors.New("enough")
		for _, row := range []struct {
			name string
			do   func(t *testing.T, dir string) error
			want error
		}{
			{"a missing object", func(t *testing.T, dir string) error { return at.object("no").DownloadTo(t.Context(), dir+"/x") }, fs.ErrNotExist},
			{"a missing bucket", func(t *testing.T, dir string) error {
				return at.client.Object(at.bucket.Bucket()+"-no", "a").DownloadTo(t.Context(), dir+"/x")
			}, fs.ErrNotExist},
			{"refused", func(t *testing.T, dir string) error {
				at.spoil("GetObject", always, refusal(http.StatusForbidden, "AccessDenied"))
				return at.object("a").DownloadTo(t.Context(), dir+"/x")
			}, fs.ErrPermission},
			{"broken for good", func(t *testing.T, dir string) error {
				at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) {
					rec := at.recorded(r)
					n := rec.Body.Len()
					if r.Header.Get("Range") != "" {
						n = 0
					}
					rawAnswer(w, rec, n/2, "", false)
				})
				return at.object("a").DownloadTo(t.Context(), dir+"/x")
			}, nil},
			{"cancelled in the middle", func(t *testing.T, dir string) error {
				ctx, cancel := context.WithCancelCause(t.Context())
				at.spoil("GetObject", 1, func(w http.ResponseWriter, r *http.Request) {
					rec := at.recorded(r)
					w.Header().Set("Content-Length", "20000")
					w.Header().Set("ETag", rec.Header().Get("ETag"))
					w.Write(rec.Body.Bytes()[:10_000])
					w.(http.Flusher).Flush()
					cancel(cause)
					<-r.Context().Done()
					panic(http.ErrAbortHandler)
				})
				return at.object("a").DownloadTo(ctx, dir+"/x")
			}, context.Canceled},
			{"the target is a directory that has files", func(t *testing.T, dir string) error {
				if err := os.MkdirAll(dir+"/full/a/in", 0o700); err != nil {
					t.Fatal(err)
				}
				defer os.RemoveAll(dir + "/full")
				err := at.object("a").DownloadTo(t.Context(), dir+"/full")
				sameFiles(t, "the target", dir+"/full", map[string]string{"a/in/": ""})
				return err
			}, nil},
			{"the parent is a file", func(t *testing.T, dir string) error { return at.object("a").DownloadTo(t.Context(), dir+"/x/y") }, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				defer at.Proxy.Intercept(nil)
				dir := t.TempDir()
				if err := os.WriteFile(dir+"/x", []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				err := row.do(t, dir)
				if pe := (*fs.PathError)(nil); err == nil || row.want != nil && !errors.Is(err, row.want) || !errors.As(err, &pe) || !strings.HasPrefix(pe.Path, "s3://") {
					t.Errorf("%v, want %v", err, row.want)
				}
				sameFiles(t, "afterwards", dir, map[string]string{"x": "old"})
			})
		}
	})
}

// A name that would lead out of the directory is refused, however the object came
// to it; under a name of the caller's it may be had.
func TestDownloadUnsafeName(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyDots)
		at.put(t, "dir/..=hello")
		dir := t.TempDir()
		if err := os.Mkdir(dir+"/in", 0o700); err != nil {
			t.Fatal(err)
		}
		for _, local := range []string{dir + "/in", dir + "/in/", dir + "/new/"} {
			if err := at.object("dir/..").DownloadTo(t.Context(), local); !errors.Is(err, cloudpath.ErrUnsafeName) {
				t.Errorf("to %s: %v", local, err)
			}
		}
		sameFiles(t, "the directory", dir, map[string]string{"in/": ""})
		if err := at.object("dir/..").DownloadTo(t.Context(), dir+"/in/x"); err != nil {
			t.Error(err)
		}
		sameFiles(t, "the directory", dir, map[string]string{"in/x": "hello"})
	})
}

const part = 5 << 20 // the smallest part that S3 takes

// A large object comes in parallel ranges, each pinned; one request at a time when
// no more are wanted.
func TestDownloadLarge(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(3*part + 1000)
		at.putBody(t, "big", body)
		c := at.newClient(t, s3path.WithPartSize(part))
		p := c.Object(at.bucket.Bucket(), "big")
		for _, n := range []int{1, 2, 8} {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				dir := t.TempDir()
				at.Proxy.Reset()
				if err := p.DownloadTo(t.Context(), dir, s3path.WithConcurrency(n)); err != nil {
					t.Error(err)
				}
				sameFiles(t, "the directory", dir, map[string]string{"big": string(body)})
				log := at.Proxy.Requests()
				if log[0].Header.Get("Range") != "" || len(log) > 4 || n == 1 && len(log) != 1 || at.Proxy.Peak() > n {
					t.Errorf("%d requests, %d at once, first %q", len(log), at.Proxy.Peak(), log[0].Header.Get("Range"))
				}
				for _, rq := range log[1:] {
					if rq.Header.Get("Range") == "" || rq.Header.Get("If-Match") == "" {
						t.Errorf("a range that is none or not pinned: %v", rq.Header)
					}
				}
			})
		}
	})
}

// The ranges do come in parallel: no answer is finished before all have been asked for.
func TestDownloadIsParallel(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(2*part + 1000)
		at.putBody(t, "big", body)
		var asked atomic.Int64
		all := make(chan struct{})
		at.spoil("GetObject", 3, func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			maps.Copy(w.Header(), rec.Header())
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes()[:500])
			w.(http.Flusher).Flush()
			if asked.Add(1) == 3 {
				close(all)
			}
			select {
			case <-all:
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
			w.Write(rec.Body.Bytes()[500:])
		})
		dir := t.TempDir()
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "big")
		if err := p.DownloadTo(t.Context(), dir); err != nil {
			t.Error(err)
		}
		sameFiles(t, "the directory", dir, map[string]string{"big": string(body)})
	})
}

// An object replaced in the middle: what arrives is one version of it, whole, or
// ErrChanged, and then the old file.
func TestDownloadReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		version := func(i int) []byte { return bytes.Repeat([]byte{'a' + byte(i)}, part+1000+i) }
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "big")
		for _, row := range []struct {
			name     string
			replaced int  // how often
			ignores  bool // the server ignores If-Match
			opts     func(first string) []s3path.ReadOption
			want     error
		}{
			{name: "once", replaced: 1},
			{name: "twice", replaced: 2},
			{name: "once, and the server ignores If-Match", replaced: 1, ignores: true},
			{name: "always", replaced: always, want: cloudpath.ErrChanged},
			{name: "once, but one version was asked for", replaced: 1, want: cloudpath.ErrChanged,
				opts: func(first string) []s3path.ReadOption { return []s3path.ReadOption{s3path.WithIfMatch(first)} }},
		} {
			t.Run(row.name, func(t *testing.T) {
				at.Proxy.Intercept(nil)
				at.putBody(t, "big", version(0))
				info, err := p.Stat(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				now := 0
				answer := plain{ranges: true}.answer(t, at)
				stop := at.slowFront("big", func(r *http.Request) http.Handler {
					if r.Header.Get("Range") != "" && now < row.replaced && r.Header.Get("If-Match") == `"`+at.etag(t, "big")+`"` {
						now++
						at.putBody(t, "big", version(now))
					}
					if row.ignores {
						return http.HandlerFunc(answer)
					}
					return nil
				})
				dir := t.TempDir()
				if err := os.WriteFile(dir+"/x", []byte("old"), 0o600); err != nil {
					t.Fatal(err)
				}
				var opts []s3path.ReadOption
				if row.opts != nil {
					opts = row.opts(info.ETag())
				}
				err = p.DownloadTo(t.Context(), dir+"/x", opts...)
				stop()
				if !errors.Is(err, row.want) {
					t.Errorf("%v, want %v", err, row.want)
				}
				want := "old"
				if row.want == nil {
					want = string(version(row.replaced))
				}
				sameFiles(t, "the directory", dir, map[string]string{"x": want})
			})
		}
		t.Run("by nothing", func(t *testing.T) {
			at.Proxy.Intercept(nil)
			at.putBody(t, "big", version(0))
			stop := at.slowFront("big", func(r *http.Request) http.Handler {
				if r.Header.Get("Range") != "" {
					at.removeObject(t, "big")
				}
				return nil
			})
			dir := t.TempDir()
			err := p.DownloadTo(t.Context(), dir+"/x")
			stop()
			if !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
			sameFiles(t, "the directory", dir, nil)
		})
		t.Run("and then by nothing", func(t *testing.T) {
			at.Proxy.Intercept(nil)
			at.putBody(t, "big", version(0))
			changed, gone := false, false
			stop := at.slowFront("big", func(r *http.Request) http.Handler {
				switch ranged := r.Header.Get("Range") != ""; {
				case ranged && !changed:
					changed = true
					at.putBody(t, "big", version(1))
				case !ranged && changed && !gone:
					gone = true
					at.removeObject(t, "big")
				}
				return nil
			})
			dir := t.TempDir()
			err := p.DownloadTo(t.Context(), dir+"/x")
			stop()
			if !errors.Is(err, fs.ErrNotExist) || !gone {
				t.Error(err)
			}
			sameFiles(t, "the directory", dir, nil)
		})
	})
}

// Every range of a large download is resumed where it breaks, the first as well.
func TestDownloadLargeResumes(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(2*part + 1000)
		at.putBody(t, "big", body)
		var broken sync.Map
		at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			n := rec.Body.Len()
			if _, twice := broken.LoadOrStore(r.Header.Get("Range"), true); !twice && n > 1000 {
				n /= 2
			}
			rawAnswer(w, rec, n, "", false)
		})
		dir := t.TempDir()
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "big")
		if err := p.DownloadTo(t.Context(), dir); err != nil {
			t.Error(err)
		}
		sameFiles(t, "the directory", dir, map[string]string{"big": string(body)})
	})
}

// Where one range of a large download fails for good, the rest is given up, and
// nothing is left.
func TestDownloadLargeFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "big", pattern(3*part))
		stop := at.slowFront("big", func(r *http.Request) http.Handler {
			if r.Header.Get("Range") != "" {
				return http.HandlerFunc(refusal(http.StatusForbidden, "AccessDenied"))
			}
			return nil
		})
		dir := t.TempDir()
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "big")
		err := p.DownloadTo(t.Context(), dir)
		stop()
		if !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
		sameFiles(t, "the directory", dir, nil)
	})
}

// etag is an object's ETag without quotes, seen behind the client's back.
func (at *place) etag(t *testing.T, key string) string {
	t.Helper()
	out, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Errorf("%q: %v", key, err)
		return ""
	}
	return strings.Trim(*out.ETag, `"`)
}
