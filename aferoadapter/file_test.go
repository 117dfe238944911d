package aferoadapter_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/spf13/afero"
)

// What a handle for reading and writing does, before it is closed and after.
func TestWorkFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, size := range []int64{3, 9 << 20} { // in memory, and beyond
			t.Run(fmt.Sprint(size), func(t *testing.T) {
				temp := t.TempDir()
				t.Setenv("TMPDIR", temp)
				fs := at.fs()
				f := must[afero.File](t)(fs.Create("f"))
				if got := at.keys(t); len(got) > 0 {
					t.Errorf("Create made %q", got)
				}
				filler := strings.Repeat("x", int(size))
				if n, err := f.WriteString(filler); n != len(filler) || err != nil {
					t.Fatal(n, err)
				}
				seek := func(off int64, whence int, to int64) {
					t.Helper()
					if got, err := f.Seek(off, whence); got != to || err != nil {
						t.Errorf("Seek(%d, %d) = %d, %v, want %d", off, whence, got, err, to)
					}
				}
				sized := func(n int64) {
					t.Helper()
					info, err := f.Stat()
					if err != nil || info.Size() != n || info.Name() != "f" || info.Mode() != 0o644 || time.Since(info.ModTime()) > time.Minute {
						t.Errorf("%v, %v, want %d bytes", info, err, n)
					}
				}
				sized(size)
				seek(0, io.SeekEnd, size)
				seek(1, io.SeekStart, 1)
				b := make([]byte, 1)
				if n, err := f.ReadAt(b, 0); n != 1 || err != nil || b[0] != 'x' {
					t.Error(n, err, b)
				}
				seek(0, io.SeekCurrent, 1) // ReadAt and WriteAt leave it alone
				if n, err := f.WriteAt([]byte("!"), 2); n != 1 || err != nil {
					t.Error(n, err)
				}
				seek(0, io.SeekCurrent, 1)
				if n, err := f.Read(nil); n != 0 || err != nil {
					t.Error(n, err)
				}
				seek(5, io.SeekEnd, size+5)
				if n, err := f.Read(b); n != 0 || err != io.EOF {
					t.Errorf("Read behind the end: %d, %v", n, err)
				}
				sized(size) // a Seek alone does not make it longer
				if _, err := f.WriteString("end"); err != nil {
					t.Error(err)
				}
				sized(size + 8)
				if err := f.Truncate(size + 10); err != nil {
					t.Error(err)
				}
				sized(size + 10)
				seek(-5, io.SeekEnd, size+5)
				if got := readAll(t, f); got != "end\x00\x00" {
					t.Errorf("%q", got)
				}
				want(t, "a negative Seek", second(f.Seek(-1, io.SeekStart)), syscall.EINVAL)
				want(t, "an unknown whence", second(f.Seek(0, 9)), syscall.EINVAL)
				want(t, "a negative ReadAt", second(f.ReadAt(b, -1)), syscall.EINVAL)
				want(t, "a negative WriteAt", second(f.WriteAt(b, -1)), syscall.EINVAL)
				want(t, "a negative Truncate", f.Truncate(-1), syscall.EINVAL)
				want(t, "Readdir", second(f.Readdir(-1)), syscall.ENOTDIR)
				want(t, "Readdirnames", second(f.Readdirnames(-1)), syscall.ENOTDIR)
				if err := f.Truncate(1); err != nil {
					t.Error(err)
				}
				if err := f.Truncate(3); err != nil {
					t.Error(err)
				}
				if _, err := fs.Stat("f"); !os.IsNotExist(err) {
					t.Errorf("it is there before it is closed: %v", err)
				}
				closed(t, f)
				refusesAll(t, f)
				holds(t, fs, "f", "x\x00\x00")
				want(t, "Remove", fs.Remove("f"), nil)
				if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
					t.Errorf("%v are left in the directory for temporary files, %v", left, err)
				}
			})
		}
	})
}

// refusesAll fails the test unless every method of a closed file is os.ErrClosed.
func refusesAll(t *testing.T, f afero.File) {
	t.Helper()
	b := make([]byte, 1)
	for what, err := range map[string]error{
		"Read": second(f.Read(b)), "ReadAt": second(f.ReadAt(b, 0)), "Write": second(f.Write(b)), "WriteAt": second(f.WriteAt(b, 0)),
		"WriteString": second(f.WriteString("x")), "Seek": second(f.Seek(0, io.SeekStart)), "Stat": second(f.Stat()),
		"Truncate": f.Truncate(0), "Sync": f.Sync(), "Close": f.Close(),
		"Readdir": second(f.Readdir(0)), "Readdirnames": second(f.Readdirnames(0)),
	} {
		want(t, what+" after Close", err, os.ErrClosed)
	}
}

func second[T any](_ T, err error) error { return err }

// A file that is opened to be read.
func TestReadFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		content := strings.Repeat("0123456789", 40)
		at.put(t, "d/f="+content)
		fs := at.fs()
		f := must[afero.File](t)(fs.Open("d/f"))
		if err := iotest.TestReader(f, []byte(content)); err != nil {
			t.Error(err)
		}
		want(t, "Write", second(f.Write([]byte("x"))), syscall.EBADF)
		want(t, "WriteAt", second(f.WriteAt([]byte("x"), 0)), syscall.EBADF)
		want(t, "WriteString", second(f.WriteString("x")), syscall.EBADF)
		want(t, "Truncate", f.Truncate(0), syscall.EINVAL)
		want(t, "Readdir", second(f.Readdir(-1)), syscall.ENOTDIR)
		want(t, "Sync", f.Sync(), nil)
		want(t, "a negative Seek", second(f.Seek(-1, io.SeekStart)), syscall.EINVAL)
		want(t, "a negative ReadAt", second(f.ReadAt(make([]byte, 1), -1)), syscall.EINVAL)
		if n, err := f.ReadAt(make([]byte, 5), 400); n != 0 || err != io.EOF {
			t.Errorf("ReadAt at the end: %d, %v", n, err)
		}
		if n, err := f.Seek(1000, io.SeekStart); n != 1000 || err != nil {
			t.Errorf("Seek behind the end: %d, %v", n, err)
		}
		if n, err := f.Read(make([]byte, 5)); n != 0 || err != io.EOF {
			t.Errorf("Read there: %d, %v", n, err)
		}
		at.put(t, "d/f=other")
		f.Seek(1, io.SeekStart)
		want(t, "Read of what was replaced", second(f.Read(make([]byte, 1))), syscall.ESTALE)
		closed(t, f)
		refusesAll(t, f)
		holds(t, fs, "d/f", "other")
	})
}

// An open directory.
func TestDirectoryFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/b.txt=12", "d/b/x", "d/a", "d/c/")
		fs := at.fs()
		d := must[afero.File](t)(fs.Open("/d/"))
		if info, err := d.Stat(); err != nil || !info.IsDir() || info.Mode() != os.ModeDir|0o755 || info.Name() != "d" || !info.ModTime().Equal(time.Unix(0, 0)) {
			t.Errorf("%v, %v", info, err)
		}
		read := func(n int) string {
			t.Helper()
			infos, err := d.Readdir(n)
			var names []string
			for _, info := range infos {
				name := info.Name()
				if info.IsDir() {
					name += "/"
					if !info.ModTime().Equal(time.Unix(0, 0)) {
						t.Errorf("%s is of %v", name, info.ModTime())
					}
				}
				names = append(names, name)
			}
			return fmt.Sprint(names, err)
		}
		for _, row := range []struct {
			n    int
			want string
		}{{3, "[a b/ b.txt] <nil>"}, {3, "[c/] <nil>"}, {3, "[] EOF"}, {1, "[] EOF"}, {0, "[] <nil>"}, {-1, "[] <nil>"}} {
			if got := read(row.n); got != row.want {
				t.Errorf("Readdir(%d) = %s, want %s", row.n, got, row.want)
			}
			at.put(t, "d/new") // what is read is as it was
		}
		if _, err := d.Seek(0, io.SeekStart); err != nil {
			t.Error(err)
		}
		if got := read(0); got != "[a b/ b.txt c/ new] <nil>" {
			t.Error(got)
		}
		b := make([]byte, 1)
		want(t, "Read", second(d.Read(b)), syscall.EISDIR)
		want(t, "ReadAt", second(d.ReadAt(b, 0)), syscall.EISDIR)
		want(t, "Write", second(d.Write(b)), syscall.EBADF)
		want(t, "Truncate", d.Truncate(0), syscall.EINVAL)
		want(t, "Seek", second(d.Seek(1, io.SeekStart)), syscall.EINVAL)
		want(t, "Sync", d.Sync(), nil)
		closed(t, d)
		refusesAll(t, d)

		empty := must[afero.File](t)(fs.Open("d/c"))
		if names, err := empty.Readdirnames(2); names != nil || err != io.EOF {
			t.Errorf("%q, %v", names, err)
		}
		closed(t, empty)
	})
}

// One file used from many goroutines is what one of the orders makes of it.
func TestOneFileManyGoroutines(t *testing.T) {
	at := inProcess(t)
	fs := at.fs()
	for name, flag := range map[string]int{"work": os.O_RDWR, "stream": os.O_WRONLY} {
		f := open(t, fs, name, flag|os.O_CREATE)
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				b := []byte{byte('a' + i)}
				if _, err := f.WriteAt(b, int64(i)); err != nil {
					t.Error(err)
				}
				f.Stat()
				f.Seek(int64(i), io.SeekStart)
				if flag == os.O_RDWR {
					f.ReadAt(b, int64(i))
				}
				if i%4 == 0 {
					if err := f.Sync(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		closed(t, f)
		holds(t, fs, name, "abcdefghijklmnop")
	}
	f := must[afero.File](t)(fs.Open("work"))
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			b := make([]byte, 1)
			if _, err := f.ReadAt(b, int64(i)); err != nil || b[0] != byte('a'+i) {
				t.Errorf("%q, %v", b, err)
			}
			f.Seek(int64(i), io.SeekStart)
			f.Read(b)
			f.Stat()
		})
	}
	all.Wait()
	closed(t, f)
	d := must[afero.File](t)(fs.Open("."))
	var names sync.Map
	for range 4 {
		all.Go(func() {
			found, err := d.Readdirnames(1)
			if err != nil && err != io.EOF {
				t.Error(err)
			}
			for _, name := range found {
				if _, twice := names.LoadOrStore(name, true); twice {
					t.Errorf("%s twice", name)
				}
			}
		})
	}
	all.Wait()
	closed(t, d)
}

// Row by row: the errors that callers of afero compare by identity.
func TestErrors(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=file", "d/x=1", "e/")
		fs := at.fs()
		for _, row := range []struct {
			what string
			fn   func() error
			is   error
			ask  func(error) bool
		}{
			{"Open of nothing", func() error { return second(fs.Open("none")) }, os.ErrNotExist, os.IsNotExist},
			{"Stat of nothing", func() error { return second(fs.Stat("none")) }, os.ErrNotExist, os.IsNotExist},
			{"Lstat of nothing", func() error { _, _, err := fs.LstatIfPossible("none"); return err }, os.ErrNotExist, os.IsNotExist},
			{"Remove of nothing", func() error { return fs.Remove("none") }, os.ErrNotExist, os.IsNotExist},
			{"Rename of nothing", func() error { return fs.Rename("none", "other") }, os.ErrNotExist, os.IsNotExist},
			{"Chmod of nothing", func() error { return fs.Chmod("none", 0) }, os.ErrNotExist, os.IsNotExist},
			{"Chown of nothing", func() error { return fs.Chown("none", 0, 0) }, os.ErrNotExist, os.IsNotExist},
			{"Chtimes of nothing", func() error { return fs.Chtimes("none", time.Now(), time.Now()) }, os.ErrNotExist, os.IsNotExist},
			{"Mkdir of a directory", func() error { return fs.Mkdir("d", 0) }, os.ErrExist, os.IsExist},
			{"Mkdir of a file", func() error { return fs.Mkdir("f", 0) }, os.ErrExist, os.IsExist},
			{"Mkdir of a marker", func() error { return fs.Mkdir("e", 0) }, os.ErrExist, os.IsExist},
			{"MkdirAll of a directory", func() error { return fs.MkdirAll("d", 0) }, nil, nil},
			{"MkdirAll of a file", func() error { return fs.MkdirAll("f", 0) }, syscall.ENOTDIR, nil},
			{"MkdirAll below a file", func() error { return fs.MkdirAll("f/a/b", 0) }, syscall.ENOTDIR, nil},
			{"Remove of a directory with something in it", func() error { return fs.Remove("d") }, syscall.ENOTEMPTY, nil},
			{"Remove of a dot", func() error { return fs.Remove("e/.") }, syscall.EINVAL, nil},
			{"Remove of a dot behind a file", func() error { return fs.Remove("f/.") }, syscall.ENOTDIR, nil},
			{"Remove of a dot behind nothing", func() error { return fs.Remove("none/.") }, os.ErrNotExist, os.IsNotExist},
			{"Remove with a slash", func() error { return fs.Remove("f/") }, syscall.ENOTDIR, nil},
			{"Create on a directory", func() error { return second(fs.Create("d")) }, syscall.EISDIR, nil},
			{"Rename onto a directory", func() error { return fs.Rename("f", "d") }, os.ErrExist, os.IsExist},
			{"Rename of a directory onto a file", func() error { return fs.Rename("d", "f") }, syscall.ENOTDIR, nil},
			{"Rename of a directory into itself", func() error { return fs.Rename("d", "d/e") }, syscall.EINVAL, nil},
			{"ReadFile of a directory", func() error { return second(afero.ReadFile(fs, "d")) }, syscall.EISDIR, nil},
			{"ReadDir of a file", func() error { return second(afero.ReadDir(fs, "f")) }, syscall.ENOTDIR, nil},
			{"RemoveAll of nothing", func() error { return fs.RemoveAll("none/below") }, nil, nil},
			{"Chmod, of a file", func() error { return fs.Chmod("f", 0o600) }, nil, nil},
			{"Chown, of a directory", func() error { return fs.Chown("d", 1, 1) }, nil, nil},
			{"Chtimes, of a file", func() error { return fs.Chtimes("f", time.Unix(1, 0), time.Unix(1, 0)) }, nil, nil},
		} {
			err := row.fn()
			want(t, row.what, err, row.is)
			if row.ask != nil && !row.ask(err) {
				t.Errorf("%s: package os does not know %v", row.what, err)
			}
			if row.is != nil && !errors.Is(err, row.is) {
				t.Errorf("%s: %v is not %v", row.what, err, row.is)
			}
			if _, link := err.(*os.LinkError); link != strings.HasPrefix(row.what, "Rename") && err != nil {
				t.Errorf("%s: %T", row.what, err)
			}
		}
		at.has(t, "d/x=1", "e/", "f=file") // none of it changed anything
		info := must[os.FileInfo](t)(fs.Stat("f"))
		if info.Mode() != 0o644 || info.ModTime().Year() < 2020 {
			t.Errorf("something was stored: %v %v", info.Mode(), info.ModTime())
		}
	})
}
