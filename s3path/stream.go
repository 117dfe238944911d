package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// object is one version of an object's bytes, as a GET found it: everything
// read later must be of the same ETag.
type object struct {
	k    *core
	p    S3Path
	ssec customerKey
	info Info
}

// get is one GetObject. rng is a Range header or "", etag the ETag that the
// object must have or "".
func (o *object) get(ctx context.Context, rng, etag string) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{
		Bucket: aws.String(o.p.bucket), Key: aws.String(o.p.key), VersionId: text(o.p.version),
		Range: text(rng), IfMatch: quoteETag(etag),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = o.ssec.headers()
	return send(ctx, o.k, o.p.bucket, in, (*s3.Client).GetObject)
}

// open asks for the whole object: one GET, which also says what it is.
func (o *object) open(ctx context.Context, etag string) (*stream, error) {
	out, err := o.get(ctx, "", etag)
	if err != nil {
		return nil, explain(o.p, err)
	}
	o.info = infoOfGet(o.p, out)
	if out.ContentLength == nil || *out.ContentLength < 0 {
		// A body that ends when the connection does cannot be told from a
		// broken one: the size must come from somewhere.
		head, err := store{k: o.k, p: o.p, ssec: o.ssec}.head(ctx, o.p)
		if err != nil || head.ContentLength == nil {
			return nil, errors.Join(fmt.Errorf("%w: the server does not say how long the object is", cloudpath.ErrProtocol), err, out.Body.Close())
		}
		if etag := trimETag(aws.ToString(head.ETag)); etag != o.info.etag {
			return nil, errors.Join(cloudpath.ErrChanged, out.Body.Close())
		}
		o.info.size = *head.ContentLength
	}
	return &stream{ctx: ctx, o: o, body: out.Body, end: o.info.size, tries: o.k.tries}, nil
}

// from asks for the bytes from off to end (exclusive), of the same ETag.
func (o *object) from(ctx context.Context, off, end int64) (io.ReadCloser, error) {
	out, err := o.get(ctx, byteRange(off, end-off), o.info.etag)
	if err != nil {
		if status(err) == http.StatusPreconditionFailed || status(err) == http.StatusRequestedRangeNotSatisfiable {
			return nil, fmt.Errorf("%w: it was replaced while it was being read (%w)", cloudpath.ErrChanged, explain(o.p, err))
		}
		return nil, explain(o.p, err)
	}
	if etag := trimETag(aws.ToString(out.ETag)); etag != o.info.etag {
		// Some servers ignore If-Match.
		return nil, errors.Join(fmt.Errorf("%w: it was replaced while it was being read", cloudpath.ErrChanged), out.Body.Close())
	}
	if err := at(out, off); err != nil {
		return nil, errors.Join(err, out.Body.Close())
	}
	return out.Body, nil
}

// at makes sure that an answer begins at off. A server that ignores ranges
// sends everything: what comes before off is read and dropped.
func at(out *s3.GetObjectOutput, off int64) error {
	if out.ContentRange == nil {
		if _, err := io.CopyN(io.Discard, out.Body, off); err != nil {
			return fmt.Errorf("%w: the server ignores ranges, and skipping to byte %d failed: %w", cloudpath.ErrProtocol, off, err)
		}
		return nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(*out.ContentRange, "bytes "), "-")
	if n, err := strconv.ParseInt(first, 10, 64); err != nil || n != off {
		return fmt.Errorf("%w: asked for bytes from %d, got %q", cloudpath.ErrProtocol, off, *out.ContentRange)
	}
	return nil
}

// totalSize is the size of the whole object that an answer to a range is of.
func totalSize(out *s3.GetObjectOutput) (int64, error) {
	if out.ContentRange == nil && out.ContentLength != nil && *out.ContentLength >= 0 {
		return *out.ContentLength, nil
	}
	_, total, _ := strings.Cut(aws.ToString(out.ContentRange), "/")
	n, err := strconv.ParseInt(total, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: the server does not say how long the object is (Content-Range %q)", cloudpath.ErrProtocol, aws.ToString(out.ContentRange))
	}
	return n, nil
}

// byteRange is a Range header for n bytes from off, to the end when n < 0.
func byteRange(off, n int64) string {
	if n < 0 {
		return fmt.Sprintf("bytes=%d-", off)
	}
	return fmt.Sprintf("bytes=%d-%d", off, off+n-1)
}

// stream reads an object's bytes from off to end. A connection that breaks is
// opened again where it broke, for the same ETag, until attempts in a row have
// brought nothing.
type stream struct {
	ctx   context.Context
	o     *object
	body  io.ReadCloser // nil before the first read and after a break
	off   int64
	end   int64
	tries int
	fails int
}

// resumePause is waited before a broken body is asked for again.
const resumePause = 20 * time.Millisecond

func (s *stream) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	for {
		if s.body == nil {
			if s.off >= s.end {
				return 0, io.EOF
			}
			body, err := s.o.from(s.ctx, s.off, s.end)
			if err != nil {
				return 0, err
			}
			s.body = body
		}
		want := b
		if left := s.end - s.off; left > 0 && int64(len(want)) > left {
			want = want[:left] // a server that sends more than was asked for
		}
		n, err := s.body.Read(want)
		n = int(min(int64(n), s.end-s.off))
		s.off += int64(n)
		if n > 0 {
			s.fails = 0
		}
		switch {
		case err == nil && n == 0 && s.off >= s.end:
			return 0, io.EOF // more than the object has
		case err == nil:
			return n, nil
		case s.off >= s.end && errors.Is(err, io.EOF):
			return n, io.EOF
		case s.off >= s.end:
			return n, fmt.Errorf("%w: %w", cloudpath.ErrProtocol, err) // a checksum that does not fit
		case s.ctx.Err() != nil:
			return n, s.ctx.Err()
		}
		_ = s.body.Close() // broken already; what it says matters no more
		s.body = nil
		if s.fails++; s.fails >= s.tries {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return n, fmt.Errorf("the connection broke at byte %d of %d, %d times in a row: %w", s.off, s.end, s.fails, err)
		}
		if n > 0 {
			return n, nil
		}
		select {
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		case <-time.After(resumePause << s.fails):
		}
	}
}

func (s *stream) Close() error {
	if s.body == nil {
		return nil
	}
	err := s.body.Close()
	s.body, s.end = nil, s.off
	return err
}

// drained reads what ends the body once all its bytes are in hand: there the
// SDK compares the checksum, and the connection becomes free for the next.
func (s *stream) drained() error {
	if s.body == nil {
		return nil
	}
	var one [1]byte
	n, err := s.Read(one[:])
	switch {
	case n > 0 || err == nil:
		return nil // the caller stopped before the end
	case errors.Is(err, io.EOF):
		return nil
	}
	return err
}
