package aferoadapter

import (
	"io"
	"io/fs"
	"os"
	"syscall"
)

// readFile is a file that is only read: a file of the fs.FS, with afero's errors.
type readFile struct {
	file
	f readable
}

// readable is what a file of an s3path's FS is.
type readable interface {
	fs.File
	io.ReadSeeker
	io.ReaderAt
	io.WriterTo
}

func newReadFile(h handle, f fs.File) *readFile {
	return &readFile{file: file{handle: h}, f: f.(readable)}
}

func (r *readFile) Read(b []byte) (int, error) {
	n, err := r.f.Read(b)
	return n, r.fail("read", err)
}

func (r *readFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.f.ReadAt(b, off)
	return n, r.fail("read", err)
}

// WriteTo writes the rest of the file to w: 1 request.
func (r *readFile) WriteTo(w io.Writer) (int64, error) {
	n, err := r.f.WriteTo(w)
	return n, r.fail("read", err)
}

func (r *readFile) Seek(offset int64, whence int) (int64, error) {
	n, err := r.f.Seek(offset, whence)
	return n, r.fail("seek", err)
}

func (r *readFile) Stat() (os.FileInfo, error) {
	info, err := r.f.Stat()
	return info, r.fail("stat", err)
}

func (r *readFile) Close() error {
	r.closed.Store(true)
	return r.fail("close", r.f.Close())
}

func (r *readFile) Write([]byte) (int, error) { return 0, r.refuse("write", syscall.EBADF) }
func (r *readFile) WriteAt(b []byte, off int64) (int, error) {
	return 0, r.refuse("write", unless(syscall.EBADF, b, off))
}
func (r *readFile) WriteString(string) (int, error) { return 0, r.refuse("write", syscall.EBADF) }
func (r *readFile) Truncate(int64) error            { return r.refuse("truncate", syscall.EINVAL) }

// Sync does nothing: there is nothing to write.
func (r *readFile) Sync() error { return r.refuse("sync", nil) }
