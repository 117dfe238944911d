package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// object is one version of an object's bytes, as a GET found it: everything
// read later must be of the same ETag.
type object struct {
	k    *core
	p    S3Path
	ssec customerKey
	info Info

	// have is the ETag of a copy, whose bytes the first GET need not bring: then
	// its answer is 304. "" where there is none.
	have string

	gauge *gauge // of a download
}

// get is one GetObject. rng is a Range header or "", etag the ETag that the
// object must have or "".
func (o *object) get(ctx context.Context, rng, etag string) (*s3.GetObjectOutput, error) {
	in := &s3.GetObjectInput{
		Bucket: aws.String(o.p.bucket), Key: aws.String(o.p.key), VersionId: text(o.p.version),
		Range: text(rng), IfMatch: quoteETag(etag), IfNoneMatch: quoteETag(o.have),
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = o.ssec.headers()
	out, err := send(ctx, o.k, o.p.bucket, in, (*s3.Client).GetObject)
	if err != nil {
		return nil, err
	}
	if o.have != "" { // what is there now is another one; later requests are many at once
		o.have = ""
	}
	if got := trimETag(aws.ToString(out.ETag)); etag != "" && got != etag {
		// Some servers ignore If-Match.
		return nil, errors.Join(fmt.Errorf("%w: its ETag is %q", cloudpath.ErrPreconditionFailed, got), out.Body.Close())
	}
	return out, nil
}

// open asks for the whole object: one GET, which also says what it is.
func (o *object) open(ctx context.Context, etag string) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx) // ends a Read that waits, see stream.cancel
	out, err := o.get(ctx, "", etag)
	if err != nil {
		cancel()
		return nil, explain(o.p, err)
	}
	if _, err = position(out, 0); err == nil { // an answer may be a part unasked
		err = o.learn(ctx, out)
	}
	if err != nil {
		err = errors.Join(err, out.Body.Close())
		cancel()
		return nil, err
	}
	s := o.stream(ctx, 0, o.info.size)
	s.body, s.cancel = out.Body, cancel
	return s, nil
}

// learn takes from an answer what it says of the whole object.
func (o *object) learn(ctx context.Context, out *s3.GetObjectOutput) (err error) {
	o.info = infoOfGet(o.p, out)
	known := out.ContentLength != nil && *out.ContentLength >= 0
	if out.ContentRange != nil {
		_, total, _ := strings.Cut(*out.ContentRange, "/")
		o.info.size, err = strconv.ParseInt(total, 10, 64)
		known = err == nil && o.info.size >= 0
	}
	if !known {
		// A body that ends when the connection does cannot be told from a
		// broken one: the size must come from somewhere.
		if o.info.size, err = o.sizeByHead(ctx); err != nil {
			return err
		}
	}
	if o.info.size > maxSize {
		return fmt.Errorf("%w: an object of %d bytes", cloudpath.ErrProtocol, o.info.size)
	}
	return nil
}

// sizeByHead asks how long the object is, where the answer that brings its
// bytes does not say so or said something else than it sent.
func (o *object) sizeByHead(ctx context.Context) (int64, error) {
	head, err := store{k: o.k, p: o.p, ssec: o.ssec}.head(ctx, o.p)
	switch {
	case err != nil:
		return 0, explain(o.p, err)
	case trimETag(aws.ToString(head.ETag)) != o.info.etag:
		return 0, errReplaced
	case head.ContentLength == nil || *head.ContentLength < 0 || o.info.etag == "":
		return 0, fmt.Errorf("%w: the server does not say how long the object is", cloudpath.ErrProtocol)
	}
	return *head.ContentLength, nil
}

var errReplaced = fmt.Errorf("%w: it was replaced while it was being read", cloudpath.ErrChanged)

// from asks for the bytes from off to end (exclusive), of the same ETag. skip
// is how many bytes of the answer come before them.
func (o *object) from(ctx context.Context, off, end int64) (body io.ReadCloser, skip int64, err error) {
	if o.info.etag == "" {
		return nil, 0, fmt.Errorf("%w: the server gave no ETag, so nothing would say that bytes read later are of the same object", cloudpath.ErrProtocol)
	}
	out, err := o.get(ctx, byteRange(off, end-off), o.info.etag)
	switch {
	case status(err) == http.StatusRequestedRangeNotSatisfiable:
		return nil, 0, o.shorter(ctx, err)
	case err != nil:
		err = explain(o.p, err)
		if errors.Is(err, cloudpath.ErrPreconditionFailed) {
			err = fmt.Errorf("%w (%w)", errReplaced, err)
		}
		return nil, 0, err
	}
	skip, err = position(out, off)
	if err != nil {
		return nil, 0, errors.Join(err, out.Body.Close())
	}
	return out.Body, skip, nil
}

// shorter explains that the object has not the byte that was asked for,
// although by the answer to its first request it has: either another object
// stands there now, and the server ignores If-Match, or that answer was wrong.
func (o *object) shorter(ctx context.Context, refusal error) error {
	size, err := o.sizeByHead(ctx)
	if err != nil {
		return fmt.Errorf("%w (%w)", err, explain(o.p, refusal))
	}
	return fmt.Errorf("%w: the server said that the object has %d bytes, and has %d", io.ErrUnexpectedEOF, o.info.size, size)
}

// position is how many bytes of an answer come before the byte that was asked
// for: all of them where a server ignores ranges and sends the object from its
// beginning. An answer that begins elsewhere is none.
func position(out *s3.GetObjectOutput, off int64) (skip int64, err error) {
	if out.ContentRange == nil {
		raw, ok := awsmiddleware.GetRawResponse(out.ResultMetadata).(*smithyhttp.Response)
		if ok && raw.StatusCode == http.StatusPartialContent {
			return 0, fmt.Errorf("%w: asked for bytes from %d, got a part that does not say which", cloudpath.ErrProtocol, off)
		}
		return off, nil
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(*out.ContentRange, "bytes "), "-")
	if n, err := strconv.ParseInt(first, 10, 64); err != nil || n != off {
		return 0, fmt.Errorf("%w: asked for bytes from %d, got %q", cloudpath.ErrProtocol, off, *out.ContentRange)
	}
	return 0, nil
}

// byteRange is a Range header for n bytes from off, to the end when n < 0.
func byteRange(off, n int64) string {
	if n < 0 {
		return fmt.Sprintf("bytes=%d-", off)
	}
	return fmt.Sprintf("bytes=%d-%d", off, off+n-1)
}
