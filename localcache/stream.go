package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// stream reads an object that could not be kept, as it comes from the server.
type stream struct {
	ctx    context.Context
	fetch  fetcher
	reason error

	mu   sync.Mutex
	meta Meta
	body io.ReadCloser // nil after its end
	at   int64         // of body
	off  int64         // of the next Read
}

// streamed returns the object as a stream; got is the answer in hand, or nil.
func (s *state) streamed(ctx context.Context, fetch fetcher, got *Fetched, reason error) (*File, error) {
	if got == nil {
		var err error
		if got, err = fetch(ctx, Meta{}); err != nil {
			return nil, err
		}
		if got == nil || got.Body == nil {
			return nil, errors.New("localcache: the fetch called a copy current that there is not")
		}
	}
	s.fallbacks.Add(1)
	m := got.Meta
	h := held{ETag: m.ETag, Size: m.Size, ModTime: m.ModTime, ContentType: m.ContentType, Extra: m.Extra}
	return &File{held: h, stream: &stream{ctx: ctx, fetch: fetch, reason: reason, meta: m, body: got.Body}}, nil
}

func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.read(b, s.off)
	s.off += int64(n)
	return n, err
}

// read reads once from off.
func (s *stream) read(b []byte, off int64) (int, error) {
	if s.fetch == nil {
		return 0, fs.ErrClosed
	}
	if len(b) == 0 {
		return 0, nil
	}
	if s.meta.Size >= 0 && off >= s.meta.Size && s.at != off {
		return 0, io.EOF
	}
	if err := s.reach(off); err != nil {
		return 0, err
	}
	n, err := s.body.Read(b)
	if over := s.at + int64(n) - s.meta.Size; s.meta.Size >= 0 && over > 0 {
		n, err = n-int(over), fmt.Errorf("the server sends more than the %d bytes that it said the object has", s.meta.Size)
	}
	s.at += int64(n)
	if err == io.EOF && s.meta.Size >= 0 && s.at < s.meta.Size { //nolint:errorlint // only a bare io.EOF is an end
		err = fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, s.at, s.meta.Size)
	}
	return n, err
}

// reach brings the body to off: onward by reading, back by fetching it again.
func (s *stream) reach(off int64) error {
	if s.body == nil || off < s.at {
		if s.body != nil {
			_ = s.body.Close() // nothing is wanted of it any more
			s.body = nil
		}
		got, err := s.fetch(s.ctx, Meta{})
		switch {
		case err != nil:
			return err
		case got == nil || got.Body == nil:
			return errors.New("localcache: the fetch called a copy current that there is not")
		case got.Meta.ETag == "" || got.Meta.ETag != s.meta.ETag:
			return errors.Join(fmt.Errorf("%w: it was replaced while it was being read", cloudpath.ErrChanged), got.Body.Close())
		}
		s.body, s.at = got.Body, 0
	}
	n, err := io.CopyN(io.Discard, s.body, off-s.at)
	s.at += n
	if err == io.EOF && s.meta.Size >= 0 { //nolint:errorlint // only a bare io.EOF is an end
		err = fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, s.at, s.meta.Size)
	}
	return err
}

func (s *stream) ReadAt(b []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("localcache: %w offset %d", fs.ErrInvalid, off)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for n := 0; ; {
		got, err := s.read(b[n:], off+int64(n))
		if n += got; n == len(b) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func (s *stream) Seek(offset int64, whence int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fetch == nil:
		return 0, fs.ErrClosed
	case whence == io.SeekCurrent:
		offset += s.off
	case whence == io.SeekEnd && s.meta.Size >= 0:
		offset += s.meta.Size
	case whence != io.SeekStart:
		return 0, fmt.Errorf("localcache: %w whence %d", fs.ErrInvalid, whence)
	}
	if offset < 0 {
		return 0, fmt.Errorf("localcache: %w position %d", fs.ErrInvalid, offset)
	}
	s.off = offset
	return offset, nil
}

func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fetch = nil
	if s.body == nil {
		return nil
	}
	return s.body.Close()
}
