package s3path

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// Writer writes an object. Close commits it, Abort discards it, and so do a
// cancelled context and a failed write: until Close has returned nil, readers
// see what was there before. `defer w.Abort()` behind Create is right, because
// Abort after Close does nothing. A Writer holds one part in memory, and a
// bounded number once it has outgrown that. It is for one goroutine at a time.
type Writer struct {
	ctx context.Context
	k   *core
	c   *call
	p   S3Path

	in   *s3.PutObjectInput // what is written, where it is not the call alone that says
	base *copiedStart       // what it begins with, or nil

	buf  []byte // until it outgrows one part
	n    int64
	pipe *io.PipeWriter // of the upload in parts
	done chan struct{}  // closed when that has ended
	oerr error          // how it ended

	meter  *meter
	failed error // what made the write fail
	closed bool
	info   Info
}

var _ cloudpath.Writer = (*Writer)(nil)

var errAborted = errors.New("the write was aborted")

// Create begins to write an object. It makes no request: the first is made by
// Close, or when one part is full. Requests and errors as with WriteFrom.
func (p S3Path) Create(ctx context.Context, opts ...WriteOption) (*Writer, error) {
	k, c, err := p.startWrite(ctx, "create", opts, writeOptions)
	if err != nil {
		return nil, err
	}
	return p.writer(ctx, k, c).measured(), nil
}

func (p S3Path) writer(ctx context.Context, k *core, c *call) *Writer {
	w := &Writer{ctx: ctx, k: k, c: c, p: p}
	if c.info == nil {
		c.info = &w.info
	}
	return w
}

// measured is a Writer that is a call of its own, and tells how far it is.
func (w *Writer) measured() *Writer {
	w.meter = w.c.meter(w.p)
	w.c.gauge = w.meter.only(w.p)
	return w
}

// Write adds bytes to the object.
func (w *Writer) Write(b []byte) (int, error) {
	n, err := w.write(b)
	return n, failure("write", w.p, err)
}

func (w *Writer) write(b []byte) (int, error) {
	switch {
	case w.closed:
		return 0, fs.ErrClosed
	case w.failed != nil:
		return 0, w.failed
	case w.ctx.Err() != nil:
		return 0, w.fail(w.ctx.Err())
	}
	kept := 0
	if w.pipe == nil {
		kept = min(len(b), int(w.k.opts.partSize)-len(w.buf))
		w.keep(b[:kept])
	}
	if b = b[kept:]; len(b) == 0 {
		return kept, nil
	}
	if w.pipe == nil {
		w.start()
	}
	n, err := w.pipe.Write(b)
	w.n += int64(n)
	if err != nil {
		err = w.fail(err)
	}
	return kept + n, err
}

// keep adds bytes to the first part. It grows as they come, and never beyond a
// part's size.
func (w *Writer) keep(b []byte) {
	if need := len(w.buf) + len(b); need > cap(w.buf) {
		grown := make([]byte, len(w.buf), min(max(2*cap(w.buf), need), int(w.k.opts.partSize)))
		copy(grown, w.buf)
		w.buf = grown
	}
	w.buf = append(w.buf, b...)
	w.n += int64(len(b))
}

// ReadFrom writes everything that r has. When r fails, so does the write: Close
// discards it and returns r's error.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	if _, err := w.write(nil); err != nil {
		return 0, failure("write", w.p, err)
	}
	var n int64
	buf := w.k.buffer()
	defer w.k.putBuffer(buf)
	for {
		got, err := r.Read(*buf)
		if got > 0 {
			wrote, werr := w.write((*buf)[:got])
			n += int64(wrote)
			if werr != nil {
				return n, failure("write", w.p, werr)
			}
		}
		switch {
		case err == io.EOF:
			return n, nil
		case err != nil:
			return n, failure("write", w.p, w.fail(err))
		}
	}
}

// start begins the upload in parts, with what is in hand as its beginning.
func (w *Writer) start() {
	in := w.in
	if in == nil {
		in = w.k.putInput(w.p, w.c, w.buf)
	}
	r, pipe := io.Pipe()
	body := io.MultiReader(bytes.NewReader(w.buf), r)
	w.buf, w.pipe, w.done = nil, pipe, make(chan struct{})
	w.c.gauge.expect(-1)
	// The upload waits for bytes, not for the context: wake it.
	stop := context.AfterFunc(w.ctx, func() { r.CloseWithError(w.ctx.Err()) })
	go func() {
		defer close(w.done)
		defer stop()
		var out *stored
		out, w.oerr = w.k.multipartBehind(w.ctx, w.base, in, body, stages(w.k.opts.partSize, -1), w.c.parts(w.k), w.c.gauge)
		if w.oerr == nil {
			w.c.written(w.p, in, w.n, out.etag, out.version)
			return
		}
		r.CloseWithError(w.p.writeError(w.c, w.oerr))
	}()
}

// fail discards what was written so far.
func (w *Writer) fail(err error) error {
	if w.failed == nil {
		w.failed = err
		if left := w.discard(err); left != nil && !errors.Is(err, left) {
			w.failed = errors.Join(explain(w.p, err), left)
		}
	}
	return w.failed
}

// discard ends the upload without an object, and reports what would not go away.
func (w *Writer) discard(reason error) error {
	w.buf = nil
	if w.pipe == nil {
		return nil
	}
	w.pipe.CloseWithError(reason)
	<-w.done
	if left := (*leftoverError)(nil); errors.As(w.oerr, &left) {
		return left
	}
	return nil
}

// Close commits: when it returns nil, the object is there. After a failed
// write, or when the context has ended, it discards and returns that error. A
// second Close is fs.ErrClosed.
func (w *Writer) Close() error {
	if w.closed {
		return failure("close", w.p, fs.ErrClosed)
	}
	defer w.meter.end()
	if w.failed == nil && w.ctx.Err() != nil {
		_ = w.fail(w.ctx.Err()) // is in w.failed
	}
	w.closed = true
	if w.failed != nil {
		return failure("write", w.p, w.failed)
	}
	if w.base != nil && w.pipe == nil {
		if w.base.is(w.n) {
			*w.c.info = infoOfHead(w.p, w.base.head) // nothing is new
			w.c.gauge.finish()
			return nil
		}
		w.start()
	}
	if w.pipe == nil && w.in != nil {
		data := w.buf
		w.buf = nil
		w.c.gauge.expect(int64(len(data)))
		return failure("write", w.p, w.p.putOnce(w.ctx, w.k, w.c, w.in, bytes.NewReader(data), int64(len(data))))
	}
	if w.pipe == nil {
		data := w.buf
		w.buf = nil
		return failure("write", w.p, w.p.put(w.ctx, w.k, w.c, bytes.NewReader(data), int64(len(data))))
	}
	w.pipe.Close() // always nil
	<-w.done
	if w.oerr != nil {
		return failure("write", w.p, w.p.writeError(w.c, w.oerr))
	}
	return nil
}

// Abort discards what was written; the old object stays as it was. After Close
// it does nothing.
func (w *Writer) Abort() error {
	if w.closed {
		return nil
	}
	defer w.meter.end()
	w.closed = true
	if w.failed != nil {
		return nil // discarded when it failed
	}
	return failure("write", w.p, w.discard(errAborted))
}

// Info describes the object as it was written, after Close. Its ModTime is not
// known.
func (w *Writer) Info() Info { return *w.c.info }
