package aferoadapter

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// dirFile is an open directory.
type dirFile struct {
	handle
	mu     sync.Mutex
	listed bool
	infos  []fs.FileInfo // sorted by name
	at     int           // how many were read
	closed bool
}

var _ fs.ReadDirFile = (*dirFile)(nil)

// list is a directory's entries: 1 request per 1,000.
func (f *Fs) list(t target) ([]fs.FileInfo, error) {
	began, state := f.memo.now(), f.memo.state()
	entries, err := fs.ReadDir(f.view, t.rel)
	if t.root() && errors.Is(err, fs.ErrNotExist) && !f.root.IsBucket() {
		// The root need not have been written to; its bucket must be there.
		there, berr := f.root.Client().Object(f.root.Bucket(), "").Exists(f.ctx)
		if berr != nil {
			return nil, berr
		}
		if there {
			err = nil
		}
	}
	if err != nil {
		return nil, err
	}
	infos := make([]fs.FileInfo, 0, len(entries))
	for _, e := range entries {
		if filepath.ToSlash(e.Name()) != e.Name() {
			continue // no name leads there on Windows
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	f.memo.add(t.rel, infos, state, began)
	return infos, nil
}

// next is the next n entries, all that are left for n <= 0.
func (d *dirFile) next(n int) ([]fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, d.fail("readdir", os.ErrClosed)
	}
	if !d.listed {
		infos, err := d.fs.list(d.t)
		if err != nil {
			return nil, d.fail("readdir", err)
		}
		d.infos, d.listed = infos, true
	}
	left := d.infos[d.at:]
	if n > 0 && len(left) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(left) {
		n = len(left)
	}
	d.at += n
	return left[:n:n], nil
}

// Readdir reads on in the directory as it was when it was first read.
func (d *dirFile) Readdir(n int) ([]os.FileInfo, error) { return d.next(n) }

// Readdirnames is Readdir's names.
func (d *dirFile) Readdirnames(n int) ([]string, error) {
	infos, err := d.next(n)
	var names []string
	for _, info := range infos {
		names = append(names, info.Name())
	}
	return names, err
}

// ReadDir is Readdir for package io/fs.
func (d *dirFile) ReadDir(n int) ([]fs.DirEntry, error) {
	infos, err := d.next(n)
	var entries []fs.DirEntry
	for _, info := range infos {
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	return entries, err
}

// Seek to the beginning lets the directory be read anew; there is nothing else to
// seek in it.
func (d *dirFile) Seek(offset int64, whence int) (int64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.closed:
		return 0, d.fail("seek", os.ErrClosed)
	case offset != 0 || whence != io.SeekStart:
		return 0, d.fail("seek", syscall.EINVAL)
	}
	d.listed, d.infos, d.at = false, nil, 0
	return 0, nil
}

func (d *dirFile) Stat() (os.FileInfo, error) {
	if err := d.refuse("stat", nil); err != nil {
		return nil, err
	}
	return dirInfo(d.t.base()), nil
}

// Close ends the handle. A second Close is os.ErrClosed.
func (d *dirFile) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return d.fail("close", os.ErrClosed)
	}
	d.closed, d.infos = true, nil
	return nil
}

// refuse is the error of what a directory does not do.
func (d *dirFile) refuse(op string, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		err = os.ErrClosed
	}
	return d.fail(op, err)
}

func (d *dirFile) Read(b []byte) (int, error) {
	return 0, d.refuse("read", unless(syscall.EISDIR, b, 0))
}
func (d *dirFile) ReadAt(b []byte, off int64) (int, error) {
	return 0, d.refuse("read", unless(syscall.EISDIR, b, off))
}
func (d *dirFile) Write([]byte) (int, error) { return 0, d.refuse("write", syscall.EBADF) }
func (d *dirFile) WriteAt(b []byte, off int64) (int, error) {
	return 0, d.refuse("write", unless(syscall.EBADF, b, off))
}
func (d *dirFile) WriteString(string) (int, error) { return 0, d.refuse("write", syscall.EBADF) }
func (d *dirFile) Truncate(int64) error            { return d.refuse("truncate", syscall.EINVAL) }

// Sync does nothing: there is nothing to write.
func (d *dirFile) Sync() error { return d.refuse("sync", nil) }
