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
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

const (
	conditionOptions = optIfMatch | optNoOverwrite
	writeOptions     = propertyOptions | conditionOptions | optSSEC | optInfo | optConcurrency | optProgress
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
	m := c.meter(p)
	defer m.end()
	c.gauge = m.only(p)
	return failure("write", p, p.put(ctx, k, c, bytes.NewReader(data), int64(len(data))))
}

// WriteText is WriteBytes of a string.
func (p S3Path) WriteText(ctx context.Context, text string, opts ...WriteOption) error {
	return p.WriteBytes(ctx, []byte(text), opts...)
}

// WriteFrom writes everything that r has, and returns how many bytes that was:
// 1 request up to the client's part size, n+2 for n parts beyond it. It holds a
// bounded number of parts in memory, none of a regular *os.File, a *bytes.Reader
// or a *strings.Reader. When r fails nothing is written and nothing is left behind;
// other errors are those of WriteBytes.
func (p S3Path) WriteFrom(ctx context.Context, r io.Reader, opts ...WriteOption) (int64, error) {
	k, c, err := p.startWrite(ctx, "write", opts, writeOptions)
	if err != nil {
		return 0, err
	}
	m := c.meter(p)
	defer m.end()
	c.gauge = m.only(p)
	body, size, ok := atHand(r)
	if !ok {
		n, err := p.putStream(ctx, k, c, r)
		return n, failure("write", p, err)
	}
	if err := p.put(ctx, k, c, body, size); err != nil {
		return 0, failure("write", p, err)
	}
	_, err = r.(io.Seeker).Seek(size, io.SeekCurrent) // as if it had been read
	return size, failure("write", p, err)
}

// source is bytes that can be read in any order and again.
type source interface {
	io.ReadSeeker
	io.ReaderAt
}

// atHand is what is left of a reader whose bytes are on this machine. Others
// that can seek are streams all the same: their bytes may come from anywhere,
// this client included, and a request that waits for them would keep another
// from being made.
func atHand(r io.Reader) (source, int64, bool) {
	var s source
	switch r := r.(type) {
	case *bytes.Reader:
		s = r
	case *strings.Reader:
		s = r
	case *os.File:
		if st, err := r.Stat(); err != nil || !st.Mode().IsRegular() || st.Size() == 0 {
			return nil, 0, false // a pipe, or a file of a system that does not say how long it is
		}
		s = r
	default:
		return nil, 0, false
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, 0, false
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, false
	}
	if _, err := s.Seek(at, io.SeekStart); err != nil {
		return nil, 0, false
	}
	size := max(end-at, 0)
	return io.NewSectionReader(lasting{s, end}, at, size), size, true
}

// lasting is a source that has to stay as long as it was: a file that becomes
// shorter while it is sent has failed, and not the server.
type lasting struct {
	io.ReaderAt
	end int64
}

func (l lasting) ReadAt(b []byte, off int64) (int, error) {
	n, err := l.ReaderAt.ReadAt(b, off)
	if errors.Is(err, io.EOF) && off+int64(n) < l.end {
		err = fmt.Errorf("%w: the file has become shorter", io.ErrUnexpectedEOF)
	}
	return n, err
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
	if err := fn(onlyWriter{w}); err != nil {
		committed = true
		return failure("write", p, errors.Join(err, w.Abort()))
	}
	committed = true
	return w.Close()
}

// onlyWriter hides Close: what fn hands it to, an encoder for instance, may close
// whatever it can, and that would commit.
type onlyWriter struct{ w *Writer }

func (o onlyWriter) Write(b []byte) (int, error)         { return o.w.Write(b) }
func (o onlyWriter) ReadFrom(r io.Reader) (int64, error) { return o.w.ReadFrom(r) }

// Update reads an object, gives its bytes to fn (nil when it is missing), and
// writes what fn returns, provided that nobody has changed the object
// meanwhile; if somebody has, it begins again. 2 requests each time, n+3 where it
// writes n parts. An error of fn ends it. A missing bucket is fs.ErrNotExist.
func (p S3Path) Update(ctx context.Context, fn func(old []byte) ([]byte, error), opts ...WriteOption) error {
	k, c, err := p.startWrite(ctx, "update", opts, writeOptions&^(conditionOptions|optProgress))
	if err != nil {
		return err
	}
	var (
		pause = 5 * time.Millisecond
		last  string // the ETag that the round before saw
		same  int    // rounds in a row that saw it
	)
	for {
		etag, again, err := p.update(ctx, k, *c, fn)
		if !again {
			return failure("update", p, err)
		}
		if etag != last {
			last, same = etag, 0
		}
		if same++; same > unmoved {
			return failure("update", p, fmt.Errorf("the server refuses the write although nobody changes the object: %w", err))
		}
		select {
		case <-ctx.Done():
			return failure("update", p, ctx.Err())
		case <-time.After(rand.N(pause)):
			pause = min(2*pause, time.Second)
		}
	}
}

// unmoved is how often Update is refused for one and the same ETag before it
// gives up: a server that cannot compare ETags must not keep it busy for ever.
const unmoved = 20

// update is one round; etag is that of the object that it saw, "" of none.
func (p S3Path) update(ctx context.Context, k *core, c call, fn func(old []byte) ([]byte, error)) (etag string, again bool, err error) {
	o := &object{k: k, p: p, ssec: c.ssec}
	old, err := o.readAll(ctx)
	switch {
	case isMissing(err) && code(err) != "NoSuchBucket":
		c.set |= optNoOverwrite
	case err != nil:
		return o.info.etag, errors.Is(err, cloudpath.ErrChanged), err
	case o.info.etag == "":
		return "", false, fmt.Errorf("%w: the server gives no ETag to make the write depend on", cloudpath.ErrProtocol)
	default:
		c.set |= optIfMatch
		c.ifMatch = o.info.etag
	}
	data, err := fn(old)
	if err != nil {
		return "", false, err
	}
	err = p.put(ctx, k, &c, bytes.NewReader(data), int64(len(data)))
	overtaken := errors.Is(err, cloudpath.ErrPreconditionFailed) || errors.Is(err, fs.ErrExist)
	return o.info.etag, overtaken, err
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
	c.gauge.expect(size)
	if size <= k.opts.partSize {
		return p.putOnce(ctx, k, c, in, body, size)
	}
	return p.writeError(c, k.again(ctx, func() error {
		out, err := k.multipart(ctx, in, body, stages(k.opts.partSize, size), c.parts(k), c.gauge)
		if err == nil {
			c.written(p, in, size, out.etag, out.version)
		}
		return err
	}))
}

// putOnce is one PUT.
func (p S3Path) putOnce(ctx context.Context, k *core, c *call, in *s3.PutObjectInput, body io.ReadSeeker, size int64) error {
	in.ContentLength = aws.Int64(size)
	var tries answers
	return p.writeError(c, k.again(ctx, func() error {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		in.Body = body
		out, err := send(ctx, k, p.bucket, in, via((*s3.Client).PutObject, tries.watch, c.gauge.sending(size)))
		silent := err == nil && aws.ToString(out.ETag) == ""
		if silent || tries.lost && status(err) == http.StatusPreconditionFailed {
			if there := k.holds(ctx, in, body); there != nil {
				c.written(p, in, size, there.etag, there.version)
				return nil
			}
		}
		switch {
		case err != nil:
			return err
		case silent:
			return fmt.Errorf("%w: the server's answer does not say that the object was stored", cloudpath.ErrProtocol)
		}
		c.written(p, in, size, out.ETag, out.VersionId)
		return nil
	}))
}

// again repeats a conditional write that collided with another one: S3 answers
// 409, and wants the whole write asked again.
func (k *core) again(ctx context.Context, write func() error) error {
	for try := 1; ; try++ {
		err := write()
		if !conflict(err) || try >= k.tries {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rand.N(longer(50*time.Millisecond, try))):
		}
	}
}

// conflict is a write that collided and left nothing behind.
func conflict(err error) bool {
	return status(err) == http.StatusConflict && code(err) == "ConditionalRequestConflict" && !errorIs[*leftoverError](err)
}

// putStream writes a reader whose size nobody knows. It is read here and not by
// the upload, whose goroutines a panic of the reader would leave behind.
func (p S3Path) putStream(ctx context.Context, k *core, c *call, r io.Reader) (int64, error) {
	w := p.writer(ctx, k, c)
	defer func() { _ = w.Abort() }() // nothing, unless r panicked
	if _, err := w.ReadFrom(r); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return w.n, nil
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
	c.gauge.finish()
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

// writeError names what a failed condition means for the call that made it, and
// what a failed upload left behind.
func (p S3Path) writeError(c *call, err error) error {
	if err == nil {
		return nil
	}
	left, _ := errors.AsType[*leftoverError](err)
	err = explain(p, err)
	switch {
	case c.has(optNoOverwrite) && (errors.Is(err, cloudpath.ErrPreconditionFailed) || status(err) == http.StatusNotModified):
		err = &cause{text: "the object exists already", is: []error{fs.ErrExist, err}}
	case c.has(optIfMatch) && errors.Is(err, fs.ErrNotExist) && code(err) != "NoSuchBucket" && code(err) != "NoSuchUpload":
		// A target that is missing fails If-Match with 404 on some servers.
		err = &cause{text: "the object is not there any more", is: []error{cloudpath.ErrPreconditionFailed, err}}
	}
	if left != nil && !strings.Contains(err.Error(), left.id) {
		err = errors.Join(err, left)
	}
	return err
}
