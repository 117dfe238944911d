package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	o, s, err := p.open(ctx, k, c)
	if err != nil {
		return nil, failure("open", p, err)
	}
	return &Reader{o: o, ctx: ctx, ahead: c.readAhead, s: s}, nil
}

// open is the GET that every read of a whole object begins with.
func (p S3Path) open(ctx context.Context, k *core, c *call) (*object, *stream, error) {
	if p.key == "" {
		return nil, nil, cloudpath.ErrIsDirectory
	}
	o := &object{k: k, p: p, ssec: c.ssec}
	s, err := o.open(ctx, c.ifMatch)
	if err != nil {
		return nil, nil, p.orDirectory(ctx, k, err)
	}
	if c.info != nil {
		*c.info = o.info
	}
	return o, s, nil
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
	k, c, err := startRead(ctx, p, "read", opts, readOptions)
	if err != nil {
		return nil, err
	}
	data, err := p.readBytes(ctx, k, c)
	return data, failure("read", p, err)
}

func (p S3Path) readBytes(ctx context.Context, k *core, c *call) ([]byte, error) {
	_, s, err := p.open(ctx, k, c)
	if err != nil {
		return nil, err
	}
	data, err := readAll(s, s.end)
	return data, errors.Join(err, s.Close())
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
// offset 0 of an empty object, where there is nothing and no error.
func (p S3Path) ReadRange(ctx context.Context, offset, length int64, opts ...ReadOption) ([]byte, error) {
	k, c, err := startRead(ctx, p, "read", opts, readOptions)
	switch {
	case err != nil:
		return nil, err
	case offset < 0:
		return nil, failure("read", p, fmt.Errorf("%w: offset %d is negative", fs.ErrInvalid, offset))
	case length == 0:
		return nil, nil
	case p.key == "":
		return nil, failure("read", p, cloudpath.ErrIsDirectory)
	}
	o := &object{k: k, p: p, ssec: c.ssec}
	out, err := o.get(ctx, byteRange(offset, length), c.ifMatch)
	switch {
	case status(err) == http.StatusRequestedRangeNotSatisfiable && offset == 0:
		return nil, nil // an empty object has no first byte
	case status(err) == http.StatusRequestedRangeNotSatisfiable:
		return nil, io.EOF
	case err != nil:
		return nil, failure("read", p, p.orDirectory(ctx, k, explain(p, err)))
	}
	total, err := totalSize(out)
	if err == nil && offset < total {
		err = at(out, offset)
	}
	if err != nil {
		return nil, failure("read", p, errors.Join(err, out.Body.Close()))
	}
	o.info = infoOfGet(p, out)
	o.info.size = total
	if c.info != nil {
		*c.info = o.info
	}
	if offset >= total {
		if err := out.Body.Close(); err != nil || total == 0 && offset == 0 {
			return nil, failure("read", p, err)
		}
		return nil, io.EOF
	}
	end := total
	if length > 0 {
		end = min(total, offset+length)
	}
	s := o.stream(ctx, offset, end)
	s.body = out.Body
	data, err := readAll(s, end-offset)
	return data, failure("read", p, errors.Join(err, s.Close()))
}
