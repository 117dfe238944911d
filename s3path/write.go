package s3path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

const (
	conditionOptions = optIfMatch | optNoOverwrite
	writeOptions     = propertyOptions | conditionOptions | optSSEC | optInfo | optConcurrency
)

// WriteBytes writes an object, whole or not at all: 1 request and none before
// it, so credentials that may only write suffice; data larger than the client's
// part size goes in n parts and n+2 requests. An object that was there is
// replaced when the new one is complete. Writing to a bucket or to a path that
// ends in "/" is cloudpath.ErrIsDirectory; a missing bucket is fs.ErrNotExist.
func (p S3Path) WriteBytes(ctx context.Context, data []byte, opts ...WriteOption) error {
	k, c, err := p.startWrite(ctx, "write", opts, writeOptions)
	if err != nil {
		return err
	}
	return failure("write", p, p.put(ctx, k, c, bytes.NewReader(data), int64(len(data))))
}

// WriteText is WriteBytes of a string.
func (p S3Path) WriteText(ctx context.Context, text string, opts ...WriteOption) error {
	return p.WriteBytes(ctx, []byte(text), opts...)
}

// WriteFrom writes everything that r has, and returns how many bytes that was:
// 1 request up to the client's part size, n+2 for n parts beyond it. It holds a
// bounded number of parts in memory, none of an *os.File or another
// io.ReaderAt that can seek. When r fails nothing is written and nothing is
// left behind.
func (p S3Path) WriteFrom(ctx context.Context, r io.Reader, opts ...WriteOption) (int64, error) {
	k, c, err := p.startWrite(ctx, "write", opts, writeOptions)
	if err != nil {
		return 0, err
	}
	if body, size, ok := sized(r); ok {
		if err := p.put(ctx, k, c, body, size); err != nil {
			return 0, failure("write", p, err)
		}
		return size, nil
	}
	n, err := p.putStream(ctx, k, c, r)
	return n, failure("write", p, err)
}

// source is bytes that can be read in any order and again.
type source interface {
	io.ReadSeeker
	io.ReaderAt
}

// sized is what is left of a reader that knows its size.
func sized(r io.Reader) (source, int64, bool) {
	s, ok := r.(source)
	if !ok {
		return nil, 0, false
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0, false // a pipe, a terminal
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil || end < at {
		return nil, 0, false
	}
	if _, err := s.Seek(at, io.SeekStart); err != nil {
		return nil, 0, false
	}
	return io.NewSectionReader(s, at, end-at), end - at, true
}

// WriteFunc writes what fn writes to w. The object appears when fn has returned
// nil and everything is stored; an error, a panic or a cancelled context
// leaves what was there before, and nothing else. Requests as with WriteFrom.
func (p S3Path) WriteFunc(ctx context.Context, fn func(w io.Writer) error, opts ...WriteOption) error {
	w, err := p.Create(ctx, opts...)
	if err != nil {
		return err
	}
	committed := false
	defer func() {
		if !committed {
			_ = w.Abort() // fn panicked: that is the news
		}
	}()
	if err := fn(w); err != nil {
		committed = true
		return failure("write", p, errors.Join(err, w.Abort()))
	}
	committed = true
	return w.Close()
}

// Update reads an object, gives its bytes to fn (nil when it is missing), and
// writes what fn returns, provided that nobody has changed the object
// meanwhile; if somebody has, it begins again. 2 requests each time. An error
// of fn ends it.
func (p S3Path) Update(ctx context.Context, fn func(old []byte) ([]byte, error), opts ...WriteOption) error {
	k, c, err := p.startWrite(ctx, "update", opts, writeOptions&^conditionOptions)
	if err != nil {
		return err
	}
	pause := 5 * time.Millisecond
	for {
		again, err := p.update(ctx, k, *c, fn)
		if !again {
			return failure("update", p, err)
		}
		select {
		case <-ctx.Done():
			return failure("update", p, ctx.Err())
		case <-time.After(rand.N(pause)):
			pause = min(2*pause, time.Second)
		}
	}
}

func (p S3Path) update(ctx context.Context, k *core, c call, fn func(old []byte) ([]byte, error)) (again bool, err error) {
	var seen Info
	old, err := p.readBytes(ctx, k, &call{set: optInfo, info: &seen, ssec: c.ssec})
	switch {
	case errors.Is(err, cloudpath.ErrChanged):
		return true, nil
	case isMissing(err) && code(err) != "NoSuchBucket":
		c.set |= optNoOverwrite
	case err != nil:
		return false, err
	case seen.etag == "":
		return false, fmt.Errorf("%w: the server gives no ETag to make the write depend on", cloudpath.ErrProtocol)
	default:
		c.set |= optIfMatch
		c.ifMatch = seen.etag
		if old == nil {
			old = []byte{} // an empty object is not a missing one
		}
	}
	data, err := fn(old)
	if err != nil {
		return false, err
	}
	err = p.put(ctx, k, &c, bytes.NewReader(data), int64(len(data)))
	changed := errors.Is(err, cloudpath.ErrPreconditionFailed) || errors.Is(err, fs.ErrExist)
	return changed, err
}

// startWrite begins a write of exactly this key.
func (p S3Path) startWrite(ctx context.Context, op string, opts []WriteOption, allowed optionSet) (*core, *call, error) {
	k, c, err := startWrite(ctx, p, op, opts, allowed)
	if err == nil {
		err = failure(op, p, p.writable())
	}
	return k, c, err
}

// writable refuses what no object can be written to.
func (p S3Path) writable() error {
	if p.key == "" || strings.HasSuffix(p.key, "/") {
		return cloudpath.ErrIsDirectory
	}
	if p.version != "" {
		return fmt.Errorf("%w: a version cannot be written to", errors.ErrUnsupported)
	}
	return nil
}

// put writes bytes of known size: one PUT, or parts.
func (p S3Path) put(ctx context.Context, k *core, c *call, body source, size int64) error {
	head := make([]byte, min(size, sniffLen))
	if _, err := body.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	in := k.putInput(p, c, head)
	if size > k.opts.partSize {
		out, err := k.multipart(ctx, in, body, stages(k.opts.partSize, size), c.parts(k))
		if err != nil {
			return p.writeError(c, err)
		}
		c.written(p, in, size, out.ETag, out.VersionID)
		return nil
	}
	return p.putOnce(ctx, k, c, in, body, size)
}

// putOnce is one PUT. S3 answers 409 when two conditional writes collide, and
// wants the loser to ask again.
func (p S3Path) putOnce(ctx context.Context, k *core, c *call, in *s3.PutObjectInput, body io.ReadSeeker, size int64) error {
	in.ContentLength = aws.Int64(size)
	for try := 1; ; try++ {
		in.Body = body
		out, err := send(ctx, k, p.bucket, in, (*s3.Client).PutObject)
		switch {
		case err == nil:
			c.written(p, in, size, out.ETag, out.VersionId)
			return nil
		case !conflict(err) || try == k.tries || !rewind(in):
			return p.writeError(c, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(50 * time.Millisecond << try)):
		}
	}
}

func conflict(err error) bool {
	return status(err) == http.StatusConflict && code(err) == "ConditionalRequestConflict"
}

// putStream writes a reader whose size nobody knows.
func (p S3Path) putStream(ctx context.Context, k *core, c *call, r io.Reader) (int64, error) {
	counted := &counter{r: r}
	first, err := io.ReadAll(io.LimitReader(counted, k.opts.partSize+1))
	if err != nil {
		return 0, err
	}
	if int64(len(first)) <= k.opts.partSize {
		return counted.n, p.put(ctx, k, c, bytes.NewReader(first), int64(len(first)))
	}
	in := k.putInput(p, c, first)
	body := io.MultiReader(bytes.NewReader(first), counted)
	out, err := k.multipart(ctx, in, body, stages(k.opts.partSize, -1), c.parts(k))
	if err != nil {
		return 0, p.writeError(c, err)
	}
	c.written(p, in, counted.n, out.ETag, out.VersionID)
	return counted.n, nil
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// putInput is the request for an object with the call's properties.
func (k *core) putInput(p S3Path, c *call, head []byte) *s3.PutObjectInput {
	contentType, encoding := k.contentTypeOf(c, p.Name(), head)
	in := &s3.PutObjectInput{
		Bucket:             aws.String(p.bucket),
		Key:                aws.String(p.key),
		ContentType:        text(contentType),
		ContentEncoding:    text(encoding),
		ContentDisposition: text(c.contentDisposition),
		CacheControl:       text(c.cacheControl),
		Metadata:           c.metadata,
		Tagging:            text(encodeTags(c.tags)),
		StorageClass:       types.StorageClass(c.storageClass),
		ACL:                types.ObjectCannedACL(c.acl),
		IfMatch:            quoteETag(c.ifMatch),
	}
	if c.has(optNoOverwrite) {
		in.IfNoneMatch = aws.String("*")
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = c.encryption()
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = c.ssec.headers()
	return in
}

func (c *call) encryption() (types.ServerSideEncryption, *string) {
	switch {
	case c.has(optSSEKMS):
		return types.ServerSideEncryptionAwsKms, text(c.kmsKey)
	case c.has(optSSE):
		return types.ServerSideEncryptionAes256, nil
	}
	return "", nil
}

// encodeTags are tags as a header carries them.
func encodeTags(tags map[string]string) string {
	values := url.Values{}
	for k, v := range tags {
		values.Set(k, v)
	}
	return values.Encode()
}

// written reports an object as it was written. When the server wrote it is not
// in its answer, so the time is unknown.
func (c *call) written(p S3Path, in *s3.PutObjectInput, size int64, etag, version *string) {
	if c.info == nil {
		return
	}
	*c.info = Info{
		name: p.Name(), size: size, etag: trimETag(aws.ToString(etag)), versionID: versionID(version),
		contentType: aws.ToString(in.ContentType), contentEncoding: aws.ToString(in.ContentEncoding),
		cacheControl: aws.ToString(in.CacheControl), metadata: lowerKeys(in.Metadata),
		storageClass: string(in.StorageClass), complete: true,
	}
}

// writeError names what a failed condition means for the call that made it. A
// target that is missing fails If-Match with 404 on some servers.
func (p S3Path) writeError(c *call, err error) error {
	err = explain(p, err)
	switch {
	case c.has(optNoOverwrite) && errors.Is(err, cloudpath.ErrPreconditionFailed):
		return &cause{text: "the object exists already", is: []error{fs.ErrExist, err}}
	case c.has(optIfMatch) && errors.Is(err, fs.ErrNotExist) && code(err) != "NoSuchBucket":
		return &cause{text: "the object is not there any more", is: []error{cloudpath.ErrPreconditionFailed, err}}
	}
	return err
}
