package aferoadapter_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// both runs a test with parents lax and strict.
func both(t *testing.T, test func(t *testing.T, at *place, fs *aferoadapter.Fs)) {
	everywhere(t, func(t *testing.T, at *place) {
		t.Run("lax", func(t *testing.T) { at := newPlace(t, at.Server); test(t, at, at.fs()) })
		t.Run("strict", func(t *testing.T) {
			at := newPlace(t, at.Server)
			test(t, at, at.fs(aferoadapter.WithStrictParents()))
		})
	})
}

// What strict parents refuse, and lax ones make.
func TestParents(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		lax, strict := at.fs(), at.fs(aferoadapter.WithStrictParents())
		at.put(t, "file=1", "dir/", "src=2", "tree/x=3")
		for what, do := range map[string]func(fs afero.Fs, name string) error{
			"Create": func(fs afero.Fs, name string) error { f, err := fs.Create(name); return errors.Join(err, closeIf(f)) },
			"OpenFile": func(fs afero.Fs, name string) error {
				f, err := fs.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0)
				return errors.Join(err, closeIf(f))
			},
			"Mkdir":     func(fs afero.Fs, name string) error { return fs.Mkdir(name, 0o755) },
			"a file":    func(fs afero.Fs, name string) error { return fs.Rename("src", name) },
			"a tree":    func(fs afero.Fs, name string) error { return fs.Rename("tree", name) },
			"WriteFile": func(fs afero.Fs, name string) error { return afero.WriteFile(fs, name, nil, 0) },
		} {
			at.put(t, "src=2", "tree/x=3")
			if err := do(strict, "none/"+what); !os.IsNotExist(plain(err)) {
				t.Errorf("%s below a missing directory: %v", what, err)
			}
			if err := do(strict, "none/none/"+what); !os.IsNotExist(plain(err)) {
				t.Errorf("%s two levels below one: %v", what, err)
			}
			if err := do(strict, "file/"+what); !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("%s below a file: %v", what, err)
			}
			if err := do(strict, "file/none/"+what); !errors.Is(err, syscall.ENOTDIR) {
				t.Errorf("%s two levels below one: %v", what, err)
			}
			if err := do(strict, "dir/"+what); err != nil {
				t.Errorf("%s below a directory: %v", what, err)
			}
			at.put(t, "src=2", "tree/x=3")
			if err := do(lax, "new "+what+"/deep/x"); err != nil {
				t.Errorf("%s with lax parents: %v", what, err)
			}
			if info, err := lax.Stat("new " + what + "/deep"); err != nil || !info.IsDir() {
				t.Errorf("%s did not make its parents: %v, %v", what, info, err)
			}
		}
		for what, err := range map[string]error{
			"Stat": second(strict.Stat("file/x")), "Open": second(strict.Open("file/x/y")),
			"Remove": strict.Remove("file/x"), "RemoveAll": strict.RemoveAll("file/x"), "Chmod": strict.Chmod("file/x", 0),
			"MkdirAll": strict.MkdirAll("file/x/y", 0),
		} {
			want(t, what+" below a file", err, syscall.ENOTDIR)
		}
		for name, at := range map[string]string{"file/x/y": "file", "/file/x": "/file", "file": "file", "./file": "./file"} {
			err := lax.MkdirAll(name, 0)
			if pathErr, ok := err.(*os.PathError); !ok || pathErr.Path != at {
				t.Errorf("MkdirAll %s: %v, want an error about %s", name, err, at)
			}
		}
		want(t, "MkdirAll", strict.MkdirAll("m/n/o", 0), nil)
		if info, err := strict.Stat("m/n"); err != nil || !info.IsDir() {
			t.Errorf("%v, %v", info, err)
		}
	})
}

// plain takes a joined error apart.
func plain(err error) error {
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr
	}
	if linkErr := (*os.LinkError)(nil); errors.As(err, &linkErr) {
		return linkErr
	}
	return err
}

func closeIf(f afero.File) error {
	if f == nil {
		return nil
	}
	return f.Close()
}

// A directory stays when its last child goes, however it goes.
func TestParentStays(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		for what, take := range map[string]func(name string) error{
			"Remove":                fs.Remove,
			"RemoveAll":             fs.RemoveAll,
			"Remove of a directory": fs.Remove,
			"RemoveAll of one":      fs.RemoveAll,
			"Rename":                func(name string) error { return fs.Rename(name, "elsewhere") },
			"Rename of a directory": func(name string) error { return fs.Rename(name, "elsewhere") },
		} {
			if err := errors.Join(fs.RemoveAll("elsewhere"), fs.RemoveAll("a")); err != nil {
				t.Fatal(err)
			}
			switch what {
			case "Remove", "RemoveAll", "Rename":
				at.put(t, "a/b/c=1")
			case "RemoveAll of one", "Rename of a directory":
				at.put(t, "a/b/c/d/e=1")
			default:
				at.put(t, "a/b/c/")
			}
			want(t, what, take("a/b/c"), nil)
			at2 := must[os.FileInfo](t)(fs.Stat("a/b"))
			if !at2.IsDir() {
				t.Errorf("%s: a/b is a file", what)
			}
			empty, err := afero.IsEmpty(fs, "a/b")
			if err != nil || !empty {
				t.Errorf("%s: %v, %v", what, empty, err)
			}
			if _, err := fs.Stat("a/b/c"); !os.IsNotExist(err) {
				t.Errorf("%s: it is still there: %v", what, err)
			}
			want(t, "Remove of the empty parent", fs.Remove("a/b"), nil)
			if names, err := afero.ReadDir(fs, "a"); err != nil || len(names) > 0 {
				t.Errorf("%s: %v, %v", what, names, err)
			}
		}
		want(t, "RemoveAll of nothing", fs.RemoveAll("none/x"), nil)
		if _, err := fs.Stat("none"); !os.IsNotExist(err) {
			t.Errorf("RemoveAll of nothing made its parent: %v", err)
		}
	})
}

// What RemoveAll removes, and what not.
func TestRemoveAll(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		at.put(t, "d/a/x", "d/a/y/z", "d/a.txt", "d/ab/x", "f=1", "e/")
		want(t, "a directory", fs.RemoveAll("d/a"), nil)
		want(t, "a file", fs.RemoveAll("f"), nil)
		want(t, "a marker", fs.RemoveAll("e/"), nil)
		want(t, "a file with a slash", fs.RemoveAll("d/a.txt/"), nil)
		want(t, "a dot", fs.RemoveAll("d/ab/."), syscall.EINVAL)
		at.has(t, "d/ab/x")
	})
}

// What failed of several objects is named, in an error that is about the caller's
// name alone.
func TestSeveralFail(t *testing.T) {
	at := inProcess(t)
	at.put(t, "d/a", "d/b")
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if op := s3proxy.Operation(r); op != "CopyObject" && op != "DeleteObjects" {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s3proxy.Operation(r) == "CopyObject" {
				w.WriteHeader(http.StatusBadRequest)
				io.WriteString(w, "<Error><Code>Odd</Code><Message>today</Message></Error>")
				return
			}
			io.WriteString(w, "<DeleteResult><Deleted><Key>d</Key></Deleted><Error><Key>d/a</Key><Code>Odd</Code></Error><Error><Key>d/b</Key><Code>Odd</Code></Error></DeleteResult>")
		})
	})
	fs := at.fs()
	rename, ok := fs.Rename("d", "e").(*os.LinkError)
	remove, ok2 := fs.RemoveAll("d").(*os.PathError)
	if !ok || !ok2 {
		t.Fatalf("%v, %v", rename, remove)
	}
	for _, err := range []error{rename.Err, remove.Err} {
		nested := (*os.PathError)(nil)
		api := smithy.APIError(nil)
		if errors.As(err, &nested) || !errors.As(err, &api) || api.ErrorCode() != "Odd" {
			t.Errorf("%v has %v and %v in it", err, nested, api)
		}
		if !strings.Contains(err.Error(), "d/a") || !strings.Contains(err.Error(), "d/b") {
			t.Errorf("%v does not name what failed", err)
		}
	}
}

// Row by row: what is renamed, onto what.
func TestRename(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		for i, row := range []struct {
			from, to string
			err      error
			then     []string
		}{
			{"file", "new", nil, []string{"dir/sub/x=3", "dir/y=4", "empty/", "new=1", "other=2"}},
			{"file", "other", nil, []string{"dir/sub/x=3", "dir/y=4", "empty/", "other=1"}},
			{"file", "file", nil, nil},
			{"file", "/./file", nil, nil},
			{"file", "dir", os.ErrExist, nil},
			{"file", "empty", os.ErrExist, nil},
			{"file", "dir/", os.ErrExist, nil},
			{"file", "new/", syscall.ENOTDIR, nil},
			{"file/", "new", syscall.ENOTDIR, nil},
			{"file", "dir/file", nil, []string{"dir/file=1", "dir/sub/x=3", "dir/y=4", "empty/", "other=2"}},
			{"dir/y", "y", nil, []string{"dir/sub/x=3", "empty/", "file=1", "other=2", "y=4"}},
			{"dir", "new", nil, []string{"empty/", "file=1", "new/sub/x=3", "new/y=4", "other=2"}},
			{"dir/", "new/", nil, []string{"empty/", "file=1", "new/sub/x=3", "new/y=4", "other=2"}},
			{"dir", "file", syscall.ENOTDIR, nil},
			{"dir", "empty", os.ErrExist, nil},
			{"dir", "dir", os.ErrExist, nil},
			{"dir", "./dir", nil, nil},
			{"dir", "dir/new", syscall.EINVAL, nil},
			{"dir", "dir/sub/new", syscall.EINVAL, nil},
			{"dir", "empty/dir", nil, []string{"empty/", "empty/dir/sub/x=3", "empty/dir/y=4", "file=1", "other=2"}},
			{"dir/sub", "sub", nil, []string{"dir/y=4", "empty/", "file=1", "other=2", "sub/x=3"}},
			{"empty", "new", nil, []string{"dir/sub/x=3", "dir/y=4", "file=1", "new/", "other=2"}},
			{"none", "new", os.ErrNotExist, nil},
			{"none", "file", os.ErrNotExist, nil},
			{"none", "dir", os.ErrNotExist, nil},
			{"none/", "new", os.ErrNotExist, nil},
		} {
			dir := fmt.Sprintf("r%02d/", i)
			before := []string{"dir/sub/x=3", "dir/y=4", "empty/", "file=1", "other=2"}
			for _, object := range before {
				at.put(t, dir+object)
			}
			err := fs.Rename(dir+row.from, dir+row.to)
			want(t, fmt.Sprintf("Rename %s to %s", row.from, row.to), err, row.err)
			if link, ok := err.(*os.LinkError); err != nil && (!ok || link.Old != dir+row.from || link.New != dir+row.to) {
				t.Errorf("Rename %s to %s: %#v", row.from, row.to, err)
			}
			if row.then == nil {
				row.then = before
			}
			then := at.keysBelow(t, dir)
			if !slices.Equal(then, row.then) {
				t.Errorf("after Rename %s to %s there is %q, want %q", row.from, row.to, then, row.then)
			}
		}
	})
}

// Of those that make or remove one name at once, through one Fs, one succeeds, and
// the others are told what package os would tell them.
func TestOneNameManyGoroutines(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		const n = 8
		race := func(what string, do func(i int) error, lost error, winners int64) {
			t.Helper()
			var all sync.WaitGroup
			var won atomic.Int64
			for i := range n {
				all.Go(func() {
					if err := do(i); err == nil {
						won.Add(1)
					} else {
						want(t, what, err, lost)
					}
				})
			}
			all.Wait()
			if won.Load() != winners {
				t.Errorf("%s: %d succeeded, want %d", what, won.Load(), winners)
			}
		}
		race("Mkdir", func(int) error { return fs.Mkdir("d", 0o755) }, os.ErrExist, 1)
		race("MkdirAll", func(int) error { return fs.MkdirAll("d/e/f", 0o755) }, nil, n)
		race("Create", func(i int) error {
			f, err := fs.Create("d/file")
			if err != nil {
				return err
			}
			if _, err := f.WriteString("x"); err != nil {
				t.Error(err)
			}
			return f.Close()
		}, nil, n)
		holds(t, fs, "d/file", "x")
		race("Create of O_EXCL", func(int) error {
			f, err := fs.OpenFile("d/excl", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				return err
			}
			return f.Close()
		}, os.ErrExist, 1)
		race("Remove", func(int) error { return fs.Remove("d/file") }, os.ErrNotExist, 1)
		race("Rename", func(i int) error { return fs.Rename("d/excl", fmt.Sprintf("d/to%d", i)) }, os.ErrNotExist, 1)
		race("RemoveAll", func(int) error { return fs.RemoveAll("d") }, nil, n)
		// The last child is removed while others make another: the directory stays.
		for i := range 5 {
			inDirectory(t, fs, "p/last")
			race("Create beside Remove", func(j int) error {
				if j == 0 {
					return fs.Remove("p/last")
				}
				return afero.WriteFile(fs, fmt.Sprintf("p/new%d-%d", i, j), nil, 0o644)
			}, nil, n)
			for j := 1; j < n; j++ {
				want(t, "Remove", fs.Remove(fmt.Sprintf("p/new%d-%d", i, j)), nil)
			}
		}
	})
}

// What goes with all that it holds does not come back because somebody else was
// removing something in it, whose directory stays.
func TestWholeTreesAndWhatIsInThem(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		for what, take := range map[string]func() error{
			"RemoveAll":       func() error { return fs.RemoveAll("top/tree") },
			"RemoveAll above": func() error { return fs.RemoveAll("top") },
			"Rename":          func() error { return fs.Rename("top/tree", "moved") },
		} {
			for range 5 {
				at.put(t, "top/tree/1", "top/tree/2", "top/tree/d/e/3", "top/tree/d/e/4", "top/tree/kept")
				var all sync.WaitGroup
				for _, name := range []string{"1", "2", "d/e/3", "d/e/4"} {
					all.Go(func() {
						if err := fs.Remove("top/tree/" + name); err != nil && !os.IsNotExist(err) {
							t.Error(err)
						}
					})
				}
				all.Go(func() { want(t, "RemoveAll of a part", fs.RemoveAll("top/tree/d"), nil) })
				all.Go(func() { want(t, what, take(), nil) })
				all.Wait()
				if info, err := fs.Stat("top/tree"); !os.IsNotExist(err) {
					t.Errorf("%s: it came back: %v, %v", what, info, err)
				}
				want(t, "RemoveAll", errors.Join(fs.RemoveAll("moved"), fs.RemoveAll("top")), nil)
			}
		}
	})
}

func inDirectory(t *testing.T, fs afero.Fs, name string) {
	t.Helper()
	if err := fs.MkdirAll("p", 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, fs, name, "")
}

// Truncate and WriteAt at odd places, in memory and beyond, against a plain slice.
func TestOddOffsets(t *testing.T) {
	both(t, func(t *testing.T, at *place, fs *aferoadapter.Fs) {
		for _, big := range []int64{0, aferoadapter.InMemory - 3} {
			f := must[afero.File](t)(fs.Create("f"))
			var model []byte
			grow := func(n int64) {
				if n > int64(len(model)) {
					model = append(model, make([]byte, n-int64(len(model)))...)
				}
			}
			for i, off := range []int64{0, 1, 7, 3, 4095, 4096, big, big + 1, big + 5, 2} {
				b := []byte(fmt.Sprintf("<%d>", i))
				if _, err := f.WriteAt(b, off); err != nil {
					t.Fatal(err)
				}
				grow(off + int64(len(b)))
				copy(model[off:], b)
				size := []int64{int64(len(model)), int64(len(model)) - 1, int64(len(model)) + 3, big}[i%4]
				if err := f.Truncate(size); err != nil {
					t.Fatal(err)
				}
				grow(size)
				model = model[:size:size]
				if info, err := f.Stat(); err != nil || info.Size() != size {
					t.Errorf("%v, %v", info, err)
				}
			}
			closed(t, f)
			if got, err := afero.ReadFile(fs, "f"); err != nil || string(got) != string(model) {
				t.Errorf("%d bytes, %v, want %d", len(got), err, len(model))
			}
		}
	})
}
