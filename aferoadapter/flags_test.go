package aferoadapter_test

import (
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
)

// What each combination of flags does to a file, a directory and nothing: the error
// of opening, and what is there when two bytes were written and it was closed.
func TestFlags(t *testing.T) {
	var (
		missing       = os.ErrNotExist
		exists        = os.ErrExist
		isDir   error = syscall.EISDIR
		refused       = "-"
	)
	type result struct {
		err  error
		then string // "-": the write was refused
	}
	bad := func(err error) result { return result{err: err} }
	ok := func(then string) result { return result{then: then} }
	rows := []struct {
		name               string
		flag               int
		file, none, folder result
	}{
		{"O_RDONLY", os.O_RDONLY, ok(refused), bad(missing), ok(refused)},
		{"O_RDONLY|O_CREATE", os.O_RDONLY | os.O_CREATE, ok(refused), ok(refused), bad(isDir)},
		{"O_RDONLY|O_CREATE|O_EXCL", os.O_RDONLY | os.O_CREATE | os.O_EXCL, bad(exists), ok(refused), bad(exists)},
		{"O_RDONLY|O_TRUNC", os.O_RDONLY | os.O_TRUNC, ok(refused), bad(missing), bad(isDir)},
		{"O_WRONLY", os.O_WRONLY, ok("XYd"), bad(missing), bad(isDir)},
		{"O_WRONLY|O_CREATE", os.O_WRONLY | os.O_CREATE, ok("XYd"), ok("XY"), bad(isDir)},
		{"O_WRONLY|O_TRUNC", os.O_WRONLY | os.O_TRUNC, ok("XY"), bad(missing), bad(isDir)},
		{"O_WRONLY|O_CREATE|O_TRUNC", os.O_WRONLY | os.O_CREATE | os.O_TRUNC, ok("XY"), ok("XY"), bad(isDir)},
		{"O_WRONLY|O_CREATE|O_EXCL", os.O_WRONLY | os.O_CREATE | os.O_EXCL, bad(exists), ok("XY"), bad(exists)},
		{"O_WRONLY|O_EXCL", os.O_WRONLY | os.O_EXCL, ok("XYd"), bad(missing), bad(isDir)},
		{"O_WRONLY|O_APPEND", os.O_WRONLY | os.O_APPEND, ok("oldXY"), bad(missing), bad(isDir)},
		{"O_WRONLY|O_APPEND|O_CREATE", os.O_WRONLY | os.O_APPEND | os.O_CREATE, ok("oldXY"), ok("XY"), bad(isDir)},
		{"O_WRONLY|O_APPEND|O_TRUNC", os.O_WRONLY | os.O_APPEND | os.O_TRUNC, ok("XY"), bad(missing), bad(isDir)},
		{"O_WRONLY|O_CREATE|O_SYNC", os.O_WRONLY | os.O_CREATE | os.O_SYNC, ok("XYd"), ok("XY"), bad(isDir)},
		{"O_RDWR", os.O_RDWR, ok("XYd"), bad(missing), bad(isDir)},
		{"O_RDWR|O_CREATE", os.O_RDWR | os.O_CREATE, ok("XYd"), ok("XY"), bad(isDir)},
		{"O_RDWR|O_TRUNC", os.O_RDWR | os.O_TRUNC, ok("XY"), bad(missing), bad(isDir)},
		{"O_RDWR|O_CREATE|O_TRUNC", os.O_RDWR | os.O_CREATE | os.O_TRUNC, ok("XY"), ok("XY"), bad(isDir)},
		{"O_RDWR|O_CREATE|O_EXCL", os.O_RDWR | os.O_CREATE | os.O_EXCL, bad(exists), ok("XY"), bad(exists)},
		{"O_RDWR|O_APPEND", os.O_RDWR | os.O_APPEND, ok("oldXY"), bad(missing), bad(isDir)},
		{"O_RDWR|O_APPEND|O_CREATE", os.O_RDWR | os.O_APPEND | os.O_CREATE, ok("oldXY"), ok("XY"), bad(isDir)},
		{"O_RDWR|O_CREATE|O_SYNC", os.O_RDWR | os.O_CREATE | os.O_SYNC, ok("XYd"), ok("XY"), bad(isDir)},
		{"O_WRONLY|O_RDWR", os.O_WRONLY | os.O_RDWR, bad(syscall.EINVAL), bad(syscall.EINVAL), bad(syscall.EINVAL)},
	}
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		at.put(t, "folder/x")
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				write(t, fs, "file", "old")
				want(t, "RemoveAll", fs.RemoveAll("none"), nil)
				for name, result := range map[string]result{"file": row.file, "none": row.none, "folder": row.folder} {
					f, err := fs.OpenFile(name, row.flag, 0o644)
					want(t, name, err, result.err)
					if err != nil {
						continue
					}
					n, err := f.Write([]byte("XY"))
					if refuse := result.then == refused; refuse {
						want(t, name+": Write", err, syscall.EBADF)
					} else if err != nil || n != 2 {
						t.Errorf("%s: Write: %d, %v", name, n, err)
					}
					if row.flag&os.O_WRONLY != 0 {
						_, err := f.Read(make([]byte, 1))
						want(t, name+": Read", err, syscall.EBADF)
					}
					closed(t, f)
					if result.then != refused {
						holds(t, fs, name, result.then)
					}
				}
				if row.flag&(os.O_WRONLY|os.O_RDWR) == 0 {
					content := "old"
					if row.flag&os.O_TRUNC != 0 {
						content = ""
					}
					holds(t, fs, "file", content)
					if row.flag&os.O_CREATE != 0 {
						holds(t, fs, "none", "")
					}
				}
			})
		}
		at.noUploads(t)
	})
}

// O_EXCL is looked at when the file is opened, and enforced when it is committed.
func TestExclusive(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		for name, flag := range map[string]int{"stream": os.O_WRONLY, "work": os.O_RDWR} {
			f := open(t, fs, name, flag|os.O_CREATE|os.O_EXCL)
			io.WriteString(f, "mine")
			at.put(t, name+"=theirs")
			want(t, "Close", f.Close(), os.ErrExist)
			if _, err := fs.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, 0); !os.IsExist(err) {
				t.Errorf("%v is not os.IsExist", err)
			}
			holds(t, fs, name, "theirs")
			// After Sync it is there, and ours.
			f = open(t, fs, name+"2", flag|os.O_CREATE|os.O_EXCL)
			io.WriteString(f, "one")
			want(t, "Sync", f.Sync(), nil)
			holds(t, fs, name+"2", "one")
			io.WriteString(f, "two")
			closed(t, f)
			holds(t, fs, name+"2", "onetwo")
		}
	})
}

// A handle that keeps old bytes does not commit over somebody else's; one that began
// empty does.
func TestOvertaken(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, fs := range []afero.Fs{at.fs(), at.fs(aferoadapter.WithStrictParents())} {
			for _, row := range []struct {
				flag int
				err  error
				then string
			}{
				{os.O_RDWR, syscall.ESTALE, "theirs"},
				{os.O_WRONLY, syscall.ESTALE, "theirs"},
				{os.O_WRONLY | os.O_APPEND, syscall.ESTALE, "theirs"},
				{os.O_RDWR | os.O_TRUNC, nil, "XY"},
				{os.O_WRONLY | os.O_TRUNC, nil, "XY"},
			} {
				write(t, fs, "f", "before")
				f := open(t, fs, "f", row.flag)
				if _, err := f.Write([]byte("XY")); err != nil {
					t.Fatal(err)
				}
				at.put(t, "f=theirs")
				want(t, "Close", f.Close(), row.err)
				holds(t, fs, "f", row.then)
			}
		}
	})
}
