package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// fsFile is an object of an fs.FS. It makes no request before bytes are wanted.
type fsFile struct {
	found
	ctx  context.Context
	name string

	mu     sync.Mutex
	r      *Reader // nil until bytes are wanted
	off    int64   // while r is nil
	closed bool
}

var (
	_ io.ReadSeekCloser = (*fsFile)(nil)
	_ io.ReaderAt       = (*fsFile)(nil)
	_ io.WriterTo       = (*fsFile)(nil)
)

func (f *fsFile) fail(op string, err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
		return err
	}
	return viewError(op, f.name, err)
}

// Stat is what Open found.
func (f *fsFile) Stat() (fs.FileInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, f.fail("stat", fs.ErrClosed)
	}
	return f.info, nil
}

// started makes sure of the Reader. Where reading begins at the start, or there is
// a copy of the object, that is what Open does, else nothing is asked.
func (f *fsFile) started(atStart bool) error {
	if f.closed {
		return fs.ErrClosed
	}
	if f.r != nil {
		return nil
	}
	if !atStart && !f.k.copies.has(f.p) {
		f.r = f.p.pinnedReader(f.ctx, f.k, f.c, f.info.Info)
		_, err := f.r.Seek(f.off, io.SeekStart)
		return err
	}
	var same []ReadOption
	if f.info.etag != "" { // some servers give none
		same = append(same, WithIfMatch(f.info.etag))
	}
	r, err := f.p.Open(f.ctx, same...)
	switch {
	case errors.Is(err, cloudpath.ErrPreconditionFailed):
		return &cause{
			text: cloudpath.ErrChanged.Error() + ": it was replaced after it had been opened",
			is:   []error{cloudpath.ErrChanged, err},
		}
	case err != nil:
		return err
	}
	f.r = r
	_, err = r.Seek(f.off, io.SeekStart)
	return err
}

// pinnedReader is an open object of which nothing was asked yet but what it is:
// each of its requests demands the ETag of info.
func (p S3Path) pinnedReader(ctx context.Context, k *core, c *call, info Info) *Reader {
	return &Reader{o: &object{k: k, p: p, ssec: c.ssec, info: info}, ctx: ctx, ahead: c.readAhead}
}

func (f *fsFile) Read(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return 0, f.fail("read", fs.ErrClosed)
	case len(b) == 0:
		return 0, nil
	case f.r == nil && f.off >= f.info.size:
		return 0, io.EOF
	}
	if err := f.started(f.off == 0); err != nil {
		return 0, f.fail("read", err)
	}
	n, err := f.r.Read(b)
	return n, f.fail("read", err)
}

// WriteTo writes the rest of the file to w.
func (f *fsFile) WriteTo(w io.Writer) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.r == nil && f.off >= f.info.size && !f.closed {
		return 0, nil
	}
	if err := f.started(f.off == 0); err != nil {
		return 0, f.fail("read", err)
	}
	n, err := f.r.WriteTo(w)
	return n, f.fail("read", err)
}

func (f *fsFile) ReadAt(b []byte, off int64) (int, error) {
	f.mu.Lock()
	err := f.started(false)
	r := f.r
	f.mu.Unlock()
	if err != nil {
		return 0, f.fail("read", err)
	}
	n, err := r.ReadAt(b, off)
	return n, f.fail("read", err)
}

func (f *fsFile) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return 0, f.fail("seek", fs.ErrClosed)
	case f.r != nil:
		n, err := f.r.Seek(offset, whence)
		return n, f.fail("seek", err)
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += f.off
	case io.SeekEnd:
		offset += f.info.size
	default:
		return 0, f.fail("seek", fmt.Errorf("%w whence %d", fs.ErrInvalid, whence))
	}
	if offset < 0 {
		return 0, f.fail("seek", fmt.Errorf("%w position %d", fs.ErrInvalid, offset))
	}
	f.off = offset
	return offset, nil
}

func (f *fsFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return f.fail("close", fs.ErrClosed)
	}
	f.closed = true
	if f.r == nil {
		return nil
	}
	return f.fail("close", f.r.Close())
}

// fsDir is a directory of an fs.FS. It is listed when its entries are wanted.
type fsDir struct {
	v    *fsView
	name string
	info fsInfo

	mu      sync.Mutex
	listed  bool
	entries []fs.DirEntry // that were not read yet
	closed  bool
}

var _ fs.ReadDirFile = (*fsDir)(nil)

func (d *fsDir) fail(op string, err error) error { return viewError(op, d.name, err) }

func (d *fsDir) Stat() (fs.FileInfo, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, d.fail("stat", fs.ErrClosed)
	}
	return d.info, nil
}

// Read fails: a directory has no bytes.
func (d *fsDir) Read([]byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return 0, d.fail("read", fs.ErrClosed)
	}
	return 0, d.fail("read", cloudpath.ErrIsDirectory)
}

// ReadDir reads on in the directory as it was when it was first read, sorted by name.
func (d *fsDir) ReadDir(n int) ([]fs.DirEntry, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, d.fail("readdir", fs.ErrClosed)
	}
	if !d.listed {
		entries, err := d.v.ReadDir(d.name)
		if err != nil {
			return nil, err
		}
		d.entries, d.listed = entries, true
	}
	if n > 0 && len(d.entries) == 0 {
		return nil, io.EOF
	}
	if n <= 0 || n > len(d.entries) {
		n = len(d.entries)
	}
	given := d.entries[:n:n]
	d.entries = d.entries[n:]
	return given, nil
}

func (d *fsDir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return d.fail("close", fs.ErrClosed)
	}
	d.closed = true
	return nil
}
