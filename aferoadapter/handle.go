package aferoadapter

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"
)

// handle is what all files have.
type handle struct {
	fs *Fs
	t  target
}

// Name is the name that the file was opened with.
func (h handle) Name() string { return h.t.given }

func (h handle) fail(op string, err error) error { return failure(op, h.t.given, err) }

// file is what a handle that is no directory has.
type file struct {
	handle
	closed atomic.Bool
}

// refuse is the error of what the handle does not do.
func (f *file) refuse(op string, err error) error {
	if f.closed.Load() {
		err = os.ErrClosed
	}
	return f.fail(op, err)
}

// Readdir fails: this is no directory.
func (f *file) Readdir(int) ([]os.FileInfo, error) {
	return nil, f.refuse("readdir", syscall.ENOTDIR)
}

// Readdirnames fails: this is no directory.
func (f *file) Readdirnames(int) ([]string, error) {
	return nil, f.refuse("readdir", syscall.ENOTDIR)
}

// position is where Seek leads to.
func position(offset int64, whence int, off, size int64) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += off
	case io.SeekEnd:
		offset += size
	default:
		return 0, syscall.EINVAL
	}
	if offset < 0 {
		return 0, syscall.EINVAL
	}
	return offset, nil
}

// largest is the size of the largest object that S3 keeps.
const largest = 5 << 40

// fits is the error of a place in a file that no file can have.
func fits(off, n int64) error {
	switch end := off + n; {
	case off < 0 || end < off:
		return syscall.EINVAL
	case end > largest:
		return syscall.EFBIG
	}
	return nil
}

// unless is the error of a read or a write that the handle is not for, which is not
// asked about no bytes, and less than about bytes before the first.
func unless(err error, b []byte, off int64) error {
	switch {
	case off < 0:
		return syscall.EINVAL
	case len(b) == 0:
		return nil
	}
	return err
}
