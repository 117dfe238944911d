package s3path

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/localcache"
)

// Reader is an open object. Reading from the start is the GET that Open made;
// Seek makes no request until the next Read; each ReadAt is one ranged GET and
// may be called from many goroutines. Every request after the first demands the
// ETag that Open saw: an object that is replaced meanwhile gives
// cloudpath.ErrChanged, never a mix of old and new bytes. A connection that
// breaks is resumed where it broke. Of an object that is in the client's cache the
// copy is read, and no request is made.
type Reader struct {
	o     *object
	ctx   context.Context
	ahead int64

	f      *localcache.File // the copy on disk; nil where the bytes come from the server
	s      *stream          // nil after a Seek
	off    int64
	closed atomic.Bool

	mu     sync.Mutex // of the read-ahead window
	window []byte
	at     int64
}

var _ cloudpath.Reader = (*Reader)(nil)

// Info describes the object as it was when it was opened.
func (r *Reader) Info() Info { return r.o.info }

func (r *Reader) fail(err error) error {
	if err == nil || err == io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
		return err
	}
	return failure("read", r.o.p, err)
}

// Read reads on from where the last Read or Seek left off.
func (r *Reader) Read(b []byte) (int, error) {
	switch {
	case r.closed.Load():
		return 0, r.fail(fs.ErrClosed)
	case len(b) == 0:
		return 0, nil
	case r.f != nil:
		n, err := r.f.Read(b)
		return n, r.fail(err)
	case r.off >= r.o.info.size && r.s == nil:
		return 0, io.EOF
	}
	if r.s == nil && r.ahead > 0 {
		n, err := r.readAhead(b, r.off)
		r.off += int64(n)
		if n > 0 {
			err = nil
		}
		return n, r.fail(err)
	}
	if r.s == nil {
		r.s = r.o.stream(r.ctx, r.off, r.o.info.size)
	}
	n, err := r.s.Read(b)
	r.off += int64(n)
	return n, r.fail(err)
}

// Seek makes no request. Beyond the end is legal and reads io.EOF.
func (r *Reader) Seek(offset int64, whence int) (int64, error) {
	if r.closed.Load() {
		return 0, r.fail(fs.ErrClosed)
	}
	if r.f != nil {
		var err error // the file's position is where it reads
		if r.off, err = r.f.Seek(0, io.SeekCurrent); err != nil {
			return 0, r.fail(err)
		}
	}
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += r.off
	case io.SeekEnd:
		offset += r.o.info.size
	default:
		return 0, r.fail(fmt.Errorf("seek: %w whence %d", fs.ErrInvalid, whence))
	}
	if offset < 0 {
		return 0, r.fail(fmt.Errorf("seek: %w position %d", fs.ErrInvalid, offset))
	}
	if offset == r.off {
		return offset, nil
	}
	r.off = offset
	if r.f != nil {
		_, err := r.f.Seek(offset, io.SeekStart)
		return offset, r.fail(err)
	}
	return offset, r.fail(r.release())
}

func (r *Reader) release() error {
	s := r.s
	if r.s = nil; s == nil {
		return nil
	}
	return s.Close()
}

// ReadAt is one ranged GET of exactly these bytes, or none where WithReadAhead
// has them. It leaves Read's position alone.
func (r *Reader) ReadAt(b []byte, off int64) (int, error) {
	switch {
	case r.closed.Load():
		return 0, r.fail(fs.ErrClosed)
	case off < 0:
		return 0, r.fail(fmt.Errorf("%w offset %d", fs.ErrInvalid, off))
	case len(b) == 0:
		return 0, nil
	case off >= r.o.info.size:
		return 0, io.EOF
	case r.f != nil:
		n, err := r.f.ReadAt(b, off)
		return n, r.fail(err)
	}
	if r.ahead > 0 {
		n, err := r.readAhead(b, off)
		return n, r.fail(err)
	}
	n, err := r.o.readAt(r.ctx, b, off)
	return n, r.fail(err)
}

func (o *object) readAt(ctx context.Context, b []byte, off int64) (int, error) {
	end := min(off+int64(len(b)), o.info.size)
	s := o.stream(ctx, off, end)
	defer func() { _ = s.Close() }() // the bytes are in hand
	n, err := io.ReadFull(s, b[:end-off])
	if err == nil {
		err = s.drained()
	}
	if err == nil && n < len(b) {
		err = io.EOF
	}
	return n, err
}

// readAhead serves from the window, or fills it from off on.
func (r *Reader) readAhead(b []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	end := r.at + int64(len(r.window))
	if inside := r.at <= off && off < end; !inside || off+int64(len(b)) > end && end < r.o.info.size {
		n := min(max(r.ahead, int64(len(b))), r.o.info.size-off)
		window := make([]byte, n)
		if got, err := r.o.readAt(r.ctx, window, off); int64(got) < n {
			return 0, err
		}
		r.window, r.at = window, off
	}
	n := copy(b, r.window[off-r.at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteTo writes the rest of the object to w.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	if r.closed.Load() {
		return 0, r.fail(fs.ErrClosed)
	}
	if r.f != nil {
		return r.f.WriteTo(w) // its failure may be w's
	}
	if r.off >= r.o.info.size && r.s == nil {
		return 0, nil
	}
	if r.s == nil {
		r.s = r.o.stream(r.ctx, r.off, r.o.info.size)
	}
	buf := r.o.k.buffer()
	defer r.o.k.putBuffer(buf)
	var n int64
	for {
		got, err := r.s.Read(*buf)
		if got > 0 {
			wrote, werr := w.Write((*buf)[:got])
			n += int64(wrote)
			if werr == nil && wrote < got {
				werr = io.ErrShortWrite
			}
			if werr != nil {
				// What w did not take is read again by whoever reads next.
				r.off += int64(wrote)
				_ = r.release() // the news is that w failed
				return n, werr
			}
			r.off += int64(got)
		}
		if err == io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
			return n, nil
		}
		if err != nil {
			return n, r.fail(err)
		}
	}
}

// Close gives the connection back. A second Close is fs.ErrClosed.
func (r *Reader) Close() error {
	if r.closed.Swap(true) {
		return r.fail(fs.ErrClosed)
	}
	if r.f != nil {
		return r.fail(r.f.Close())
	}
	return r.fail(r.release())
}
