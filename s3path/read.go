package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

const readOptions = optSSEC | optInfo | optIfMatch

// Open opens an object for reading: 1 GET, no HEAD before it; its answer says
// size, type and ETag. A missing key is fs.ErrNotExist; where there is only a
// directory it is cloudpath.ErrIsDirectory, found out by 1 request more. The
// context is in force until Close.
func (p S3Path) Open(ctx context.Context, opts ...ReadOption) (*Reader, error) {
	k, c, err := startRead(ctx, p, "open", opts, readOptions|optReadAhead)
	if err != nil {
		return nil, err
	}
	got, err := p.open(ctx, k, c)
	if err != nil {
		return nil, failure("open", p, err)
	}
	return &Reader{o: got.o, ctx: ctx, ahead: c.readAhead, s: got.s, f: got.f}, nil
}

// open is what every read of a whole object begins with: its GET, or its copy.
func (p S3Path) open(ctx context.Context, k *core, c *call) (*reading, error) {
	if k.copies != nil && !c.ssec.isSet() {
		return p.through(ctx, k, c, k.copies)
	}
	if p.key == "" {
		return nil, cloudpath.ErrIsDirectory
	}
	o := &object{k: k, p: p, ssec: c.ssec}
	s, err := o.open(ctx, c.ifMatch)
	if err != nil {
		return nil, p.orDirectory(ctx, k, err)
	}
	if c.info != nil {
		*c.info = o.info
	}
	return &reading{o: o, s: s}, nil
}

// orDirectory turns "no such key" into ErrIsDirectory where there is a
// directory of that name. What cannot be found out does not hide the first answer.
func (p S3Path) orDirectory(ctx context.Context, k *core, err error) error {
	if !isMissing(err) || p.version != "" || code(err) == "NoSuchBucket" {
		return err
	}
	if dir, lerr := tree.IsDir(ctx, store{k: k, p: p}, p.key); lerr == nil && dir {
		return fmt.Errorf("%w, and there is no object with exactly this key", cloudpath.ErrIsDirectory)
	}
	return err
}

// ReadBytes reads a whole object. 1 request; errors as with Open.
func (p S3Path) ReadBytes(ctx context.Context, opts ...ReadOption) ([]byte, error) {
	k, c, err := startRead(ctx, p, "read", opts, readOptions|optProgress)
	if err != nil {
		return nil, err
	}
	m := c.meter(p)
	defer m.end()
	c.gauge = m.only(p)
	data, err := p.readBytes(ctx, k, c)
	return data, failure("read", p, err)
}

func (p S3Path) readBytes(ctx context.Context, k *core, c *call) ([]byte, error) {
	got, err := p.open(ctx, k, c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = got.close() }() // read to its end, or broken
	size := got.o.info.size
	c.gauge.expect(size)
	data, err := readAll(got.reader(c.gauge), size)
	if err == nil {
		c.gauge.finish()
	}
	return data, err
}

// readAll reads the whole object: 1 GET.
func (o *object) readAll(ctx context.Context) ([]byte, error) {
	s, err := o.open(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }() // read to its end, or broken
	return readAll(s, s.end)
}

// maxPrealloc is how much memory a size that a server names may claim at once.
const maxPrealloc = 64 << 20

// readAll reads a stream of size bytes to its end, checksum included.
func readAll(r io.Reader, size int64) ([]byte, error) {
	data := make([]byte, 0, min(size, maxPrealloc)+1) // one more, for the read that finds the end
	for {
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if err == io.EOF {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// ReadText reads a whole object as text. 1 request; errors as with Open. A
// UTF-8 byte order mark is dropped, UTF-16 and UTF-32 with a mark are decoded,
// and what is no valid text becomes U+FFFD.
func (p S3Path) ReadText(ctx context.Context, opts ...ReadOption) (string, error) {
	data, err := p.ReadBytes(ctx, opts...)
	if err != nil {
		return "", err
	}
	return decodeText(data), nil
}

// ReadRange reads length bytes from offset: 1 request, none for length 0; a
// negative length means to the end. A range that ends past the end is short
// with a nil error. At or past the end there is nothing and io.EOF, except at
// offset 0 of an empty object, where there is nothing and no error; WithInfo
// costs 1 request more there. A negative offset is fs.ErrInvalid; other errors
// as with Open.
func (p S3Path) ReadRange(ctx context.Context, offset, length int64, opts ...ReadOption) ([]byte, error) {
	k, c, err := startRead(ctx, p, "read", opts, readOptions|optProgress)
	switch {
	case err != nil:
		return nil, err
	case p.key == "":
		return nil, failure("read", p, cloudpath.ErrIsDirectory)
	case offset < 0:
		return nil, failure("read", p, fmt.Errorf("%w: offset %d is negative", fs.ErrInvalid, offset))
	case length > math.MaxInt64-offset:
		length = -1 // further than any object goes
	}
	m := c.meter(p)
	defer m.end()
	c.gauge = m.only(p)
	if length == 0 {
		c.gauge.finish()
		return nil, nil
	}
	data, err := p.readRange(ctx, k, c, offset, length)
	if err == nil {
		c.gauge.finish()
	}
	if err != io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
		err = failure("read", p, err)
	}
	return data, err
}

func (p S3Path) readRange(ctx context.Context, k *core, c *call, offset, length int64) ([]byte, error) {
	got, err := p.beside(ctx, k, c, func(o *object, etag string) (*stream, error) {
		return o.openRange(ctx, offset, length, etag)
	})
	switch {
	case status(err) == http.StatusRequestedRangeNotSatisfiable:
		return nil, (&object{k: k, p: p, ssec: c.ssec}).beyond(ctx, c, offset)
	case err != nil:
		return nil, p.orDirectory(ctx, k, explain(p, err))
	}
	defer func() { _ = got.close() }() // what was wanted of it was read
	if c.info != nil {
		*c.info = got.o.info
	}
	end := got.o.info.size
	switch {
	case offset == 0 && end == 0:
		return nil, nil
	case offset >= end: // and the server ignores ranges
		return nil, io.EOF
	case length > 0:
		end = min(end, offset+length)
	}
	c.gauge.expect(end - offset)
	if got.f != nil {
		return readAll(io.NewSectionReader(got.f, offset, end-offset), end-offset)
	}
	got.s.end = end
	return readAll(c.gauge.reading(got.s), end-offset)
}

// openRange asks for a part of an object, of which nothing is known yet.
func (o *object) openRange(ctx context.Context, offset, length int64, etag string) (*stream, error) {
	out, err := o.get(ctx, byteRange(offset, length), etag)
	if err != nil {
		return nil, err
	}
	s := o.stream(ctx, offset, 0)
	s.body = out.Body
	if s.skip, err = position(out, offset); err == nil {
		err = o.learn(ctx, out)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// beyond is the answer where the object has no byte at offset: an empty object
// has no first one.
func (o *object) beyond(ctx context.Context, c *call, offset int64) error {
	if c.info != nil { // which the refusal does not hold
		head, err := store{k: o.k, p: o.p, ssec: o.ssec}.head(ctx, o.p)
		if err != nil {
			return explain(o.p, err)
		}
		*c.info = infoOfHead(o.p, head)
	}
	if offset == 0 {
		return nil
	}
	return io.EOF
}
