package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// stream reads an object's bytes from off to end. A connection that breaks is
// opened again where it broke, for the same ETag, until attempts in a row have
// brought nothing.
type stream struct {
	ctx   context.Context
	o     *object
	body  io.ReadCloser // nil before the first read, after a break and at the end
	skip  int64         // bytes of the body before off
	off   int64
	end   int64
	fails int

	// cancel ends a Read that waits for the server, from another goroutine.
	// Nil where nobody has to.
	cancel context.CancelFunc
}

// stream reads the object's bytes from off to end, asking for them when they
// are read.
func (o *object) stream(ctx context.Context, off, end int64) *stream {
	return &stream{ctx: ctx, o: o, off: off, end: end}
}

// resumePause is waited before a broken body is asked for again.
const resumePause = 20 * time.Millisecond

// longer is a pause that doubles with each failure in a row, a few times: many
// attempts must not make it hours.
func longer(pause time.Duration, fails int) time.Duration { return pause << min(fails, 8) }

func (s *stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if s.body == nil {
			if s.off >= s.end {
				return 0, io.EOF
			}
			var err error
			if s.body, s.skip, err = s.o.from(s.ctx, s.off, s.end); err != nil {
				s.body = nil
				return 0, err
			}
		}
		n, err := s.next(b)
		switch {
		case s.off >= s.end && err != nil:
			return n, s.ended(err)
		case err == nil:
			return n, nil
		}
		if err := s.broke(err); err != nil || n > 0 {
			return n, err
		}
	}
}

// next reads from the body in hand. Its error is the body's: io.EOF where the
// bytes wanted have all been read, whether or not the body goes on.
func (s *stream) next(b []byte) (int, error) {
	if s.skip > 0 {
		n, err := io.CopyN(io.Discard, s.body, s.skip)
		if s.skip -= n; err != nil {
			return 0, err
		}
	}
	left := s.end - s.off
	if left == 0 {
		// Only the end of the body is still to be seen: there the SDK compares
		// the checksum, and the connection becomes free for the next request.
		n, err := s.body.Read(b[:1])
		switch {
		case n > 0 && s.end == s.o.info.size:
			return 0, errTooLong
		case n > 0:
			return 0, io.EOF // the server sends more than it was asked for
		}
		return 0, err
	}
	n, err := s.body.Read(b[:min(int64(len(b)), left)])
	s.off += int64(n)
	if n > 0 {
		s.fails = 0
	}
	return n, err
}

var errTooLong = errors.New("the server sends more than the object has")

// ended closes a body whose bytes have all been read. A connection that broke
// behind the last of them is no loss; a checksum that does not fit is.
func (s *stream) ended(err error) error {
	ended := s.ctx.Err() // before Close, which ends the context of its own
	_ = s.Close()        // nothing is wanted of it any more
	var network net.Error
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network):
		return io.EOF
	case ended != nil:
		return ended
	}
	return fmt.Errorf("%w: %w", cloudpath.ErrProtocol, err)
}

// broke gives up a body that ended early, and says whether that is the end of
// it all: the context ended, or there were too many in a row.
func (s *stream) broke(err error) error {
	_ = s.body.Close() // broken already; what it says matters no more
	s.body = nil
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	if s.fails++; s.fails >= s.o.k.tries {
		if err == io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("the connection broke at byte %d of %d, %d times in a row: %w", s.off, s.end, s.fails, err)
	}
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-time.After(longer(resumePause, s.fails)):
		return nil
	}
}

// Close gives the connection back.
func (s *stream) Close() error {
	if s == nil {
		return nil
	}
	if s.cancel != nil {
		defer s.cancel()
	}
	if s.body == nil {
		return nil
	}
	err := s.body.Close()
	s.body, s.end = nil, s.off
	return err
}

// drained sees the body's end, once all bytes wanted of it are in hand.
func (s *stream) drained() error {
	if s.body == nil || s.off < s.end {
		return nil // seen already, or the caller stopped before it
	}
	var one [1]byte
	if _, err := s.Read(one[:]); err != io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
		return err
	}
	return nil
}
