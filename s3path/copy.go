package s3path

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

const copyOptions = propertyOptions | optNoOverwrite | optSSEC | optSourceSSEC | optInfo | optConcurrency | optProgress

// Copy copies one object on the server; its bytes do not come by here. Content
// type, metadata, cache control, encoding and tags are kept; the storage class,
// the encryption and the ACL are those of a new object, as with S3's own copy,
// unless options name others. 1 request up to 5 GiB, beyond it one for every
// part and up to 5; 2 where an option replaces a property; up to 5 with
// WithNoOverwrite, and then 1 more for an object that has tags and 1 for each part
// (of 8 times the client's part size, so 64 MiB) after the first. WithInfo costs one
// more. The target is replaced.
//
// A missing source is fs.ErrNotExist, a source that is only a directory
// cloudpath.ErrIsDirectory, and so is a target that ends in "/" unless the
// source is a marker itself. Onto itself a copy needs a version or a property
// to change, else it is cloudpath.ErrInvalidPath. A source that is replaced
// while its parts are copied is cloudpath.ErrChanged.
//
// A target of another client is streamed through, with its properties, and with
// its tags where they can be read; no more than a few parts of it are held in
// memory. That is 3 requests, n+4 for n parts, 1 more for an object that has tags
// and 1 with WithNoOverwrite.
func (p S3Path) Copy(ctx context.Context, dst S3Path, opts ...CopyOption) error {
	t, err := p.startCopy(ctx, dst, "copy", opts)
	if err != nil {
		return err
	}
	if err := p.copyable(dst); err != nil {
		return failure("copy", p, err)
	}
	if p.same(dst) && p.version == "" && !t.c.has(propertyOptions|optSSEC|optSourceSSEC) {
		return failure("copy", p, fmt.Errorf("%w: the copy would be the object itself, unchanged", cloudpath.ErrInvalidPath))
	}
	defer t.meter.end()
	_, err = t.object(ctx, p, dst, nil)
	if errorIs[*noSource](err) {
		err = p.orDirectory(ctx, t.k, err)
	}
	return failure("copy", p, err)
}

// copyable refuses a source and a target that no object can have.
func (p S3Path) copyable(dst S3Path) error {
	if p.key == "" {
		return cloudpath.ErrIsDirectory
	}
	if dst.key == "" || strings.HasSuffix(dst.key, "/") && !strings.HasSuffix(p.key, "/") {
		return fmt.Errorf("the target %v: %w", dst, cloudpath.ErrIsDirectory)
	}
	return nil
}

// same reports whether two paths name the same object, whatever the version.
func (p S3Path) same(q S3Path) bool {
	return p.client.resolve() == q.client.resolve() && p.bucket == q.bucket && p.key == q.key
}

// transport is one Copy, CopyTree or Rename.
type transport struct {
	k    *core // the source's
	to   *core // the target's
	c    *call
	stay bool // both are the same client

	// What copies on the server takes one of these: many objects of many parts are
	// not more at once than the call says.
	slots slots

	// In a tree, large objects pass through this process one at a time: each
	// holds several parts.
	large chan struct{}

	meter *meter
	gauge *gauge // of the object in hand
}

func (p S3Path) startCopy(ctx context.Context, dst S3Path, op string, opts []CopyOption) (*transport, error) {
	k, c, err := startCopy(ctx, p, op, opts, copyOptions)
	if err != nil {
		return nil, err
	}
	to, err := startPlain(ctx, dst, op)
	if err != nil {
		return nil, err
	}
	if c.ssec.isSet() && !to.secure {
		return nil, failure(op, dst, errPlainKey)
	}
	if dst.version != "" {
		return nil, failure(op, dst, fmt.Errorf("%w: the target is a version, which cannot be written to", errors.ErrUnsupported))
	}
	t := transportOf(k, to, c)
	t.meter = c.meter(p)
	return t, nil
}

func transportOf(k, to *core, c *call) *transport {
	return &transport{k: k, to: to, c: c, stay: k == to, slots: make(slots, c.concurrency)}
}

// slots is room for as many requests of a call as may be under way at once.
type slots chan struct{}

// take waits for its turn, and returns what ends it.
func (s slots) take(ctx context.Context) (done func(), err error) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// made is what a copy that was made is known to be a copy of.
type made struct {
	etag string // of the source

	// sure says that the copy is of this very ETag. Else it is the target's,
	// which is the source's unless that came in parts or is encrypted.
	sure bool
	md5  bool // the ETag follows from the bytes alone, so that it is the source's if that one's does

	asked   time.Time // before the copy began, by the server's clock; zero where it does not tell
	written time.Time // when the target was, as the server says
}

// object copies one object; known is what a listing said of it, or nil.
func (t *transport) object(ctx context.Context, src, dst S3Path, known *tree.Object) (made, error) {
	one := *t
	if known != nil {
		one.gauge = t.meter.object(src, known.Size)
	} else {
		one.gauge = t.meter.only(src)
	}
	m, err := one.copy(ctx, src, dst, known)
	if err == nil {
		one.gauge.finish()
	}
	if err == nil && t.c.info != nil {
		err = t.inform(ctx, dst)
	}
	return m, err
}

// inform stores what the target has become.
func (t *transport) inform(ctx context.Context, dst S3Path) error {
	head, err := store{k: t.to, p: dst, ssec: t.c.ssec}.head(ctx, dst)
	if err != nil {
		return fmt.Errorf("copied to %v, but what was written there cannot be looked at: %w", dst, explain(dst, err))
	}
	*t.c.info = infoOfHead(dst, head)
	return nil
}

func (t *transport) copy(ctx context.Context, src, dst S3Path, known *tree.Object) (made, error) {
	switch {
	case !t.stay:
		return t.through(ctx, src, dst)
	case t.c.has(optNoOverwrite):
		return t.create(ctx, src, dst)
	case t.c.has(metadataOptions), src.same(dst) && src.version == "", known != nil && known.Size > maxCopy:
		head, err := t.head(ctx, src)
		if err != nil {
			return made{}, err
		}
		return t.pinned(ctx, src, dst, head)
	}
	if known == nil && t.gauge != nil { // whose total nobody would know
		head, err := t.head(ctx, src)
		if err != nil {
			return made{}, err
		}
		known = &tree.Object{Key: src.key, Size: *head.ContentLength, ETag: trimETag(aws.ToString(head.ETag))}
	}
	req := t.request(dst)
	if known != nil {
		req.CopySourceIfMatch = quoteETag(known.ETag)
	}
	m, err := t.copyRequest(ctx, src, dst, req)
	// The refusal of an ETag that a listing gave: the object was replaced since,
	// or the server lists ETags that its objects do not have. Either way the
	// object as it is now is the one to copy.
	overtaken := known != nil && errors.Is(err, cloudpath.ErrChanged)
	marker := strings.HasSuffix(src.key, "/") && status(err) == http.StatusBadRequest
	if err == nil || !overtaken && !marker && !tooLargeToCopy(err) {
		return m, err
	}
	head, herr := t.head(ctx, src)
	switch {
	case herr != nil:
		return made{}, herr
	case tooLargeToCopy(err), marker && *head.ContentLength == 0:
		// versitygw copies no markers. An empty one is as well written anew.
		return t.inPartsOf(ctx, src, dst, head)
	case marker:
		return made{}, err
	}
	return t.pinned(ctx, src, dst, head)
}

// maxCopy is the largest object that S3 copies in one request.
const maxCopy = 5 << 30

// pinned copies the object that head describes and no other: in one request, or
// in parts.
func (t *transport) pinned(ctx context.Context, src, dst S3Path, head *s3.HeadObjectOutput) (made, error) {
	if *head.ContentLength > maxCopy {
		return t.inPartsOf(ctx, src, dst, head)
	}
	req := t.request(dst)
	if t.c.has(metadataOptions) || src.same(dst) && src.version == "" {
		// S3 replaces all of these properties or none. It copies the tags itself.
		plain := *head
		plain.TagCount = nil
		in, err := t.carried(ctx, src, dst, &plain)
		if err != nil {
			return made{}, err
		}
		req = copyOf(in, true, t.c.has(optTags))
	}
	req.CopySourceIfMatch = head.ETag
	m, err := t.copyRequest(ctx, src, dst, req)
	if err != nil && tooLargeToCopy(err) {
		return t.inPartsOf(ctx, src, dst, head)
	}
	return m, err
}

// request is a copy that keeps what S3 keeps and changes what the call says.
func (t *transport) request(dst S3Path) *s3.CopyObjectInput {
	in := &s3.PutObjectInput{Bucket: aws.String(dst.bucket), Key: aws.String(dst.key)}
	t.c.override(in)
	return copyOf(in, false, t.c.has(optTags))
}

// carried is the request that writes dst with the source's properties.
func (t *transport) carried(ctx context.Context, src, dst S3Path, head *s3.HeadObjectOutput) (*s3.PutObjectInput, error) {
	return propertiesOf(ctx, t.k, t.c, src, dst, head)
}

// copyRequest is one CopyObject, and two more requests where its answer does
// not show that anything was copied.
func (t *transport) copyRequest(ctx context.Context, src, dst S3Path, req *s3.CopyObjectInput) (made, error) {
	req.CopySource = aws.String(copySource(src))
	req.CopySourceSSECustomerAlgorithm, req.CopySourceSSECustomerKey, req.CopySourceSSECustomerKeyMD5 = t.c.sourceSSEC.headers()
	done, err := t.slots.take(ctx)
	if err != nil {
		return made{}, err
	}
	begun := time.Now()
	out, err := send(ctx, t.to, dst.bucket, req, (*s3.Client).CopyObject)
	done()
	if err != nil {
		if req.CopySourceIfMatch != nil && status(err) == http.StatusPreconditionFailed {
			return made{}, errCopiedChanged(err)
		}
		return made{}, t.refused(ctx, src, dst, err)
	}
	m := made{etag: trimETag(aws.ToString(req.CopySourceIfMatch)), sure: req.CopySourceIfMatch != nil}
	if answered, ok := awsmiddleware.GetServerTime(out.ResultMetadata); ok {
		m.asked = answered.Add(-time.Since(begun))
	}
	if out.CopyObjectResult == nil || aws.ToString(out.CopyObjectResult.ETag) == "" {
		return t.verify(ctx, src, dst, m)
	}
	if !m.sure {
		m.etag = trimETag(*out.CopyObjectResult.ETag)
		m.md5 = ofContent(m.etag, out.ServerSideEncryption, out.SSECustomerAlgorithm)
	}
	m.written = aws.ToTime(out.CopyObjectResult.LastModified)
	return m, nil
}

// errCopiedChanged says that the source is not what it was when the copy began.
func errCopiedChanged(err error) error {
	return &cause{
		text: cloudpath.ErrChanged.Error() + ": the source was replaced while it was being copied",
		is:   []error{cloudpath.ErrChanged, err},
	}
}

// noSource says that there is no object to copy.
type noSource struct{ err error }

func (e *noSource) Error() string { return e.err.Error() }
func (e *noSource) Unwrap() error { return e.err }

// refused explains the failure of a request that reads the source, or reads it
// and writes the target.
func (t *transport) refused(ctx context.Context, src, dst S3Path, err error) error {
	switch {
	case code(err) == "NoSuchBucket":
		return t.explainNoBucket(ctx, src, dst, err)
	case status(err) == http.StatusNotFound:
		return &noSource{explain(src, err)}
	}
	return explain(src, err)
}

// explainNoBucket finds out which of the two buckets is missing.
func (t *transport) explainNoBucket(ctx context.Context, src, dst S3Path, err error) error {
	if src.bucket != dst.bucket || !t.stay {
		_, herr := send(ctx, t.to, dst.bucket, &s3.HeadBucketInput{Bucket: aws.String(dst.bucket)}, (*s3.Client).HeadBucket)
		if status(herr) == http.StatusNotFound {
			return explain(dst, err)
		}
	}
	return explain(src, err)
}

// head looks at the source. An answer that does not say how long the object is
// would make an empty object of it.
func (t *transport) head(ctx context.Context, src S3Path) (*s3.HeadObjectOutput, error) {
	head, err := store{k: t.k, p: src, ssec: t.c.sourceSSEC}.head(ctx, src)
	switch {
	case status(err) == http.StatusNotFound:
		return nil, &noSource{explain(src, err)}
	case err != nil:
		return nil, explain(src, err)
	case head.ContentLength == nil || *head.ContentLength < 0:
		return nil, fmt.Errorf("%w: the server does not say how long the object is", cloudpath.ErrProtocol)
	case *head.ContentLength > maxSize: // its parts would be more than memory holds
		return nil, fmt.Errorf("%w: an object of %d bytes", cloudpath.ErrProtocol, *head.ContentLength)
	}
	t.gauge.expect(*head.ContentLength)
	return head, nil
}

// verify looks whether a copy was made whose answer does not say so: some
// servers answer 200 to what they do not do. What was there before may well be
// as long as the source.
func (t *transport) verify(ctx context.Context, src, dst S3Path, m made) (made, error) {
	from, err := t.head(ctx, src)
	if err != nil {
		return made{}, err
	}
	doubt := func(what string) (made, error) {
		return made{}, fmt.Errorf("%w: the server said that it copied, but %s", cloudpath.ErrProtocol, what)
	}
	to, err := store{k: t.to, p: dst, ssec: t.c.ssec}.head(ctx, dst)
	if err != nil {
		return made{}, fmt.Errorf("%w: the server said that it copied, but the target cannot be seen: %w", cloudpath.ErrProtocol, explain(dst, err))
	}
	was, is := trimETag(aws.ToString(from.ETag)), trimETag(aws.ToString(to.ETag))
	m.written = aws.ToTime(to.LastModified)
	fresh := !m.asked.IsZero() && !m.written.Before(m.asked.Add(-time.Second)) // it is in whole seconds
	switch {
	case to.ContentLength == nil || *to.ContentLength != *from.ContentLength:
		return doubt(fmt.Sprintf("the target has %d bytes, and not %d", aws.ToInt64(to.ContentLength), *from.ContentLength))
	case was != is && ofContentOf(from) && ofContentOf(to):
		return doubt("the target has another content")
	case (was == "" || was != is || src.same(dst)) && !fresh:
		return doubt("nothing shows that the target was written")
	case m.sure && m.etag != was:
		return made{}, fmt.Errorf("%w: the source was replaced while it was being copied", cloudpath.ErrChanged)
	}
	m.etag, m.sure = was, true
	return m, nil
}

// ofContent reports whether an object's ETag follows from its bytes alone: then
// two that differ are of different bytes. It does not where the object came in
// parts or is encrypted.
func ofContent(etag string, sse types.ServerSideEncryption, customer *string) bool {
	return len(etag) == 2*md5.Size && strings.Trim(etag, "0123456789abcdef") == "" &&
		customer == nil && (sse == "" || sse == types.ServerSideEncryptionAes256)
}

func ofContentOf(head *s3.HeadObjectOutput) bool {
	return ofContent(trimETag(aws.ToString(head.ETag)), head.ServerSideEncryption, head.SSECustomerAlgorithm)
}

// tooLargeToCopy is S3's refusal of a source beyond 5 GiB.
func tooLargeToCopy(err error) bool {
	return code(err) == "EntityTooLarge" ||
		code(err) == "InvalidRequest" && strings.Contains(err.Error(), "larger than the maximum allowable size")
}

// copySource names a source in a header: each component escaped, the slashes
// kept. S3 decodes it once.
func copySource(p S3Path) string {
	bucket := p.bucket
	if isARN(bucket) {
		bucket += "/object"
	}
	source := bucket + "/" + escapeKey(p.key)
	if p.version != "" {
		source += "?versionId=" + url.QueryEscape(p.version)
	}
	return source
}

// create copies to where nothing may be. No server that was tried honours
// If-None-Match on a copy: look first, then let the condition decide a race
// when the parts are put together.
func (t *transport) create(ctx context.Context, src, dst S3Path) (made, error) {
	head, err := t.head(ctx, src)
	if err != nil {
		return made{}, err
	}
	if err := t.vacant(ctx, dst); err != nil {
		return made{}, err
	}
	return t.inPartsOf(ctx, src, dst, head)
}

// vacant fails where there is an object already.
func (t *transport) vacant(ctx context.Context, dst S3Path) error {
	_, there, err := (store{k: t.to, p: dst, ssec: t.c.ssec}).present(ctx, dst)
	if there {
		return &cause{text: fmt.Sprintf("the target %v exists already", dst), is: []error{fs.ErrExist}}
	}
	return err
}
