package aferoadapter

import (
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// workFile is a file that is written and read anywhere, on a copy of it in memory
// or on this machine's disk, until it is committed.
type workFile struct {
	file
	mu       sync.Mutex
	c        commit
	old      *original // what is still to be fetched; nil when it was
	data     scratch
	off      int64
	writable bool
	failed   error // what this machine did not take; nothing is committed then
}

func newWorkFile(h handle, c commit, old *original, writable bool) *workFile {
	return &workFile{file: file{handle: h}, c: c, old: old, writable: writable}
}

// fetch brings what the file held when it was opened: 1 request, once.
func (w *workFile) fetch() error {
	if w.old == nil {
		return nil
	}
	if w.old.size() > 0 {
		old := w.old.file.(readable)
		_, err := old.Seek(0, io.SeekStart) // also where an earlier try broke off
		if err == nil {
			_, err = old.WriteTo(&w.data)
		}
		if err != nil {
			w.data.truncated()
			return err
		}
	}
	err := w.old.close()
	w.old = nil
	return err
}

func (w *workFile) size() int64 {
	if w.old != nil {
		return w.old.size()
	}
	return w.data.size
}

// ready says whether the handle may be used for what is wanted.
func (w *workFile) ready(write bool) error {
	switch {
	case w.closed.Load():
		return os.ErrClosed
	case write && !w.writable:
		return syscall.EBADF
	case write && w.failed != nil:
		return w.failed
	}
	return nil
}

func (w *workFile) Read(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.readAt(b, w.off)
	w.off += int64(n)
	if err == io.EOF && n > 0 { //nolint:errorlint // readAt's own
		err = nil
	}
	return n, w.fail("read", err)
}

func (w *workFile) ReadAt(b []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.readAt(b, off)
	return n, w.fail("read", err)
}

func (w *workFile) readAt(b []byte, off int64) (int, error) {
	if err := w.ready(false); err != nil {
		return 0, err
	}
	switch {
	case off < 0:
		return 0, syscall.EINVAL
	case len(b) == 0:
		return 0, nil
	case off >= w.size():
		return 0, io.EOF
	}
	if err := w.fetch(); err != nil {
		return 0, err
	}
	return w.data.ReadAt(b, off)
}

func (w *workFile) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	off := w.off
	if w.c.append {
		off = w.size()
	}
	n, err := w.writeAt(b, off)
	if n > 0 {
		w.off = off + int64(n)
	}
	return n, w.fail("write", err)
}

// WriteString is Write of a string.
func (w *workFile) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (w *workFile) WriteAt(b []byte, off int64) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.closed.Load():
		return 0, w.fail("write", os.ErrClosed)
	case !w.writable:
		return 0, w.fail("write", unless(syscall.EBADF, b, off))
	case w.c.append:
		return 0, w.fail("write", syscall.EINVAL)
	}
	n, err := w.writeAt(b, off)
	return n, w.fail("write", err)
}

func (w *workFile) writeAt(b []byte, off int64) (int, error) {
	if err := w.ready(true); err != nil {
		return 0, err
	}
	if err := fits(off, int64(len(b))); err != nil || len(b) == 0 {
		return 0, err
	}
	if err := w.fetch(); err != nil {
		return 0, err
	}
	n, err := w.data.WriteAt(b, off)
	w.failed = err
	if n > 0 {
		w.c.touch()
	}
	if err == nil && w.c.each {
		err = w.commit()
	}
	return n, err
}

func (w *workFile) Truncate(size int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fail("truncate", w.truncate(size))
}

func (w *workFile) truncate(size int64) error {
	switch err := w.ready(true); {
	case err == syscall.EBADF: //nolint:errorlint // ready's own
		return syscall.EINVAL // as ftruncate has it
	case err != nil:
		return err
	}
	if err := fits(size, 0); err != nil {
		return err
	}
	if size == 0 && w.old != nil { // nothing of it is wanted
		if err := w.old.close(); err != nil {
			return err
		}
		w.old = nil
	}
	if err := w.fetch(); err != nil {
		return err
	}
	if err := w.data.Truncate(size); err != nil {
		return err
	}
	w.c.touch()
	return nil
}

func (w *workFile) Seek(offset int64, whence int) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed.Load() {
		return 0, w.fail("seek", os.ErrClosed)
	}
	to, err := position(offset, whence, w.off, w.size())
	if err != nil {
		return 0, w.fail("seek", err)
	}
	w.off = to
	return to, nil
}

func (w *workFile) Stat() (os.FileInfo, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed.Load() {
		return nil, w.fail("stat", os.ErrClosed)
	}
	return fileInfo{w.t.base(), w.size(), w.c.modTime}, nil
}

// Sync commits what was written: 1 request, or those of an upload in parts; none
// when nothing was.
func (w *workFile) Sync() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed.Load() {
		return w.fail("sync", os.ErrClosed)
	}
	return w.fail("sync", w.commit())
}

// Close commits what was written. An error says that it was not: then what was
// there before is still there.
func (w *workFile) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed.Load() {
		return w.fail("close", os.ErrClosed)
	}
	w.closed.Store(true)
	err := w.commit()
	if w.old != nil {
		_ = w.old.close() // nothing was wanted of it
	}
	if cerr := w.data.close(); err == nil {
		err = cerr
	}
	return w.fail("close", err)
}

func (w *workFile) commit() error {
	switch {
	case w.failed != nil:
		return w.failed
	case !w.c.dirty:
		return nil
	}
	var info s3path.Info
	options := append(w.c.options(), s3path.WithInfo(&info))
	r, err := w.data.reader()
	if err != nil {
		return err
	}
	defer w.fs.memo.drop()
	if _, err := w.c.path.WriteFrom(w.fs.ctx, r, options...); err != nil {
		return err
	}
	w.c.done(info)
	return nil
}
