package s3path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

const copyOptions = propertyOptions | optNoOverwrite | optSSEC | optSourceSSEC | optInfo | optConcurrency

// Copy copies one object on the server; its bytes do not come by here. Content
// type, metadata, cache control, encoding and tags are kept. 1 request up to 5
// GiB, beyond it one for every part and up to 4; 2 where an option replaces a
// property; up to 5 with WithNoOverwrite. WithInfo costs one more. The target
// is replaced.
//
// A missing source is fs.ErrNotExist, a source that is only a directory
// cloudpath.ErrIsDirectory, and so is a target that ends in "/" unless the
// source is a marker itself. Onto itself a copy needs a version or a property
// to change, else it is cloudpath.ErrInvalidPath. A target of another client
// is streamed through, and never held whole in memory.
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
	err = t.object(ctx, p, dst, nil)
	return failure("copy", p, p.orDirectory(ctx, t.k, err))
}

// copyable refuses a source and a target that no object can have.
func (p S3Path) copyable(dst S3Path) error {
	if p.key == "" {
		return cloudpath.ErrIsDirectory
	}
	if dst.key == "" || strings.HasSuffix(dst.key, "/") && !strings.HasSuffix(p.key, "/") {
		return fmt.Errorf("the target %v: %w", dst, cloudpath.ErrIsDirectory)
	}
	if dst.version != "" {
		return fmt.Errorf("the target %v: %w: a version cannot be written to", dst, errors.ErrUnsupported)
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
	if (c.ssec.key != "") && !to.secure {
		return nil, failure(op, dst, fmt.Errorf("%w: a customer's key is never sent over plain http; use an https endpoint", errors.ErrUnsupported))
	}
	return &transport{k: k, to: to, c: c, stay: k == to}, nil
}

// maxCopy is the largest object that S3 copies in one request.
const maxCopy = 5 << 30

// object copies one object; known is what a listing said of it, or nil.
func (t *transport) object(ctx context.Context, src, dst S3Path, known *tree.Object) error {
	err := t.copy(ctx, src, dst, known)
	if err == nil && t.c.info != nil {
		var head *s3.HeadObjectOutput
		if head, err = (store{k: t.to, p: dst, ssec: t.c.ssec}).head(ctx, dst); err == nil {
			*t.c.info = infoOfHead(dst, head)
		}
	}
	if err != nil {
		return dst.writeError(t.c, err)
	}
	return nil
}

func (t *transport) copy(ctx context.Context, src, dst S3Path, known *tree.Object) error {
	var head *s3.HeadObjectOutput
	if !t.stay || t.c.has(metadataOptions|optNoOverwrite) || known != nil && known.Size > maxCopy {
		var err error
		if head, err = t.head(ctx, src); err != nil {
			return err
		}
		if t.c.has(optNoOverwrite) {
			// No server that was tried honours If-None-Match on a copy: look
			// first, then let the condition decide a race when the parts are
			// put together.
			if _, err := (store{k: t.to, p: dst, ssec: t.c.ssec}).head(ctx, dst); err == nil {
				return &cause{text: fmt.Sprintf("the target %v exists already", dst), is: []error{fs.ErrExist}}
			} else if status(err) != http.StatusNotFound {
				return explain(dst, err)
			}
		}
		if !t.stay || t.c.has(optNoOverwrite) || aws.ToInt64(head.ContentLength) > maxCopy {
			in, err := propertiesOf(ctx, t.k, t.c, src, dst, head)
			if err != nil && (t.stay || !errors.Is(err, fs.ErrPermission)) {
				return err
			}
			if err != nil { // another account's tags need not be readable
				plain := *head
				plain.TagCount = nil
				if in, err = propertiesOf(ctx, t.k, t.c, src, dst, &plain); err != nil {
					return err
				}
			}
			if !t.stay {
				return t.through(ctx, src, dst, in)
			}
			return t.inParts(ctx, src, dst, in, head)
		}
	}

	in := &s3.PutObjectInput{Bucket: aws.String(dst.bucket), Key: aws.String(dst.key)}
	t.c.override(in)
	if head != nil {
		plain := *head
		plain.TagCount = nil // carried over by the copy itself
		var err error
		if in, err = propertiesOf(ctx, t.k, t.c, src, dst, &plain); err != nil {
			return err
		}
	}
	req := copyOf(in, head != nil, t.c.has(optTags))
	req.CopySource = aws.String(copySource(src))
	switch {
	case head != nil:
		req.CopySourceIfMatch = head.ETag
	case known != nil:
		req.CopySourceIfMatch = quoteETag(known.ETag)
	}
	err := t.copyRequest(ctx, src, dst, req)
	if err == nil || !tooLargeToCopy(err) {
		return err
	}
	if head, err = t.head(ctx, src); err != nil {
		return err
	}
	if in, err = propertiesOf(ctx, t.k, t.c, src, dst, head); err != nil {
		return err
	}
	return t.inParts(ctx, src, dst, in, head)
}

// copyRequest is one CopyObject, and two more requests where its answer does
// not show that anything was copied.
func (t *transport) copyRequest(ctx context.Context, src, dst S3Path, req *s3.CopyObjectInput) error {
	req.CopySourceSSECustomerAlgorithm, req.CopySourceSSECustomerKey, req.CopySourceSSECustomerKeyMD5 = t.c.sourceSSEC.headers()
	out, err := send(ctx, t.to, dst.bucket, req, (*s3.Client).CopyObject)
	switch {
	case err != nil && req.CopySourceIfMatch != nil && status(err) == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: the source was replaced while it was being copied (%w)", cloudpath.ErrChanged, explain(src, err))
	case err != nil:
		return explain(src, err)
	case out.CopyObjectResult == nil || aws.ToString(out.CopyObjectResult.ETag) == "":
		return t.verify(ctx, src, dst)
	}
	return nil
}

func (t *transport) head(ctx context.Context, src S3Path) (*s3.HeadObjectOutput, error) {
	head, err := store{k: t.k, p: src, ssec: t.c.sourceSSEC}.head(ctx, src)
	return head, explainIf(src, err)
}

func explainIf(p S3Path, err error) error {
	if err == nil {
		return nil
	}
	return explain(p, err)
}

// verify looks whether a copy was made whose answer does not say so: some
// servers answer 200 to what they do not do.
func (t *transport) verify(ctx context.Context, src, dst S3Path) error {
	from, err := t.head(ctx, src)
	if err != nil {
		return err
	}
	to, err := store{k: t.to, p: dst, ssec: t.c.ssec}.head(ctx, dst)
	if err != nil {
		return fmt.Errorf("%w: the server said that it copied, but the target cannot be seen: %w", cloudpath.ErrProtocol, explain(dst, err))
	}
	if aws.ToInt64(from.ContentLength) != aws.ToInt64(to.ContentLength) {
		return fmt.Errorf("%w: the server said that it copied %d bytes, but the target has %d", cloudpath.ErrProtocol, aws.ToInt64(from.ContentLength), aws.ToInt64(to.ContentLength))
	}
	return nil
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
	if strings.HasPrefix(bucket, "arn:") {
		bucket += "/object"
	}
	source := bucket + "/" + escapeKey(p.key)
	if p.version != "" {
		source += "?versionId=" + url.QueryEscape(p.version)
	}
	return source
}

// copyPartSize is the size of a part that is copied on the server: no memory is
// spent on it here, so it is larger than that of an upload.
func (k *core) copyPartSize(size int64) int64 {
	part := stages(k.opts.partSize, size)[0].size
	return min(max(part, 8*k.opts.partSize), maxPartSize)
}

// inParts copies on the server in ranges, pinned to the source's ETag, and
// leaves no parts behind when it fails.
func (t *transport) inParts(ctx context.Context, src, dst S3Path, in *s3.PutObjectInput, head *s3.HeadObjectOutput) error {
	size := aws.ToInt64(head.ContentLength)
	if size == 0 { // there is no range of nothing
		in.Body, in.ContentLength = bytes.NewReader(nil), aws.Int64(0)
		_, err := send(ctx, t.to, dst.bucket, in, (*s3.Client).PutObject)
		return explainIf(dst, err)
	}
	created, err := send(ctx, t.to, dst.bucket, createOf(in), (*s3.Client).CreateMultipartUpload)
	if err != nil {
		return explain(dst, err)
	}
	u := &upload{k: t.to, in: in, id: aws.ToString(created.UploadId)}
	err = t.copyParts(ctx, src, dst, in, head, u)
	if err == nil || u.completing && doubtful(err) && u.completedAfterAll(ctx) != nil {
		return nil
	}
	return errors.Join(explain(dst, err), u.abort(ctx))
}

func (t *transport) copyParts(ctx context.Context, src, dst S3Path, in *s3.PutObjectInput, head *s3.HeadObjectOutput, u *upload) error {
	size := aws.ToInt64(head.ContentLength)
	partSize := t.to.copyPartSize(size)
	parts := make([]types.CompletedPart, (size+partSize-1)/partSize)
	numbers := func(yield func(int, error) bool) {
		for i := range parts {
			if !yield(i, nil) {
				return
			}
		}
	}
	err := cloudpath.ForEach(ctx, t.c.concurrency, numbers, func(ctx context.Context, i int) error {
		first := int64(i) * partSize
		req := &s3.UploadPartCopyInput{
			Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), PartNumber: aws.Int32(int32(i + 1)),
			CopySource:           aws.String(copySource(src)),
			CopySourceIfMatch:    head.ETag,
			CopySourceRange:      aws.String(byteRange(first, min(partSize, size-first))),
			SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		}
		req.CopySourceSSECustomerAlgorithm, req.CopySourceSSECustomerKey, req.CopySourceSSECustomerKeyMD5 = t.c.sourceSSEC.headers()
		out, err := send(ctx, t.to, dst.bucket, req, (*s3.Client).UploadPartCopy)
		switch {
		case status(err) == http.StatusPreconditionFailed:
			return fmt.Errorf("%w: the source was replaced while it was being copied (%w)", cloudpath.ErrChanged, explain(src, err))
		case err != nil:
			return explain(src, err)
		case out.CopyPartResult == nil || aws.ToString(out.CopyPartResult.ETag) == "":
			return fmt.Errorf("%w: part %d was copied without an ETag", cloudpath.ErrProtocol, i+1)
		}
		r := out.CopyPartResult
		parts[i] = types.CompletedPart{
			PartNumber: req.PartNumber, ETag: r.ETag, ChecksumCRC32: r.ChecksumCRC32, ChecksumCRC32C: r.ChecksumCRC32C,
			ChecksumCRC64NVME: r.ChecksumCRC64NVME, ChecksumSHA1: r.ChecksumSHA1, ChecksumSHA256: r.ChecksumSHA256,
		}
		return nil
	})
	if err != nil {
		return err
	}
	u.completing, u.all = true, parts
	_, err = send(ctx, t.to, dst.bucket, &s3.CompleteMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), IfNoneMatch: in.IfNoneMatch,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	}, (*s3.Client).CompleteMultipartUpload)
	return err
}

// through copies to another client: a GET there, a PUT or parts here.
func (t *transport) through(ctx context.Context, src, dst S3Path, in *s3.PutObjectInput) error {
	o := &object{k: t.k, p: src, ssec: t.c.sourceSSEC}
	s, err := o.open(ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what was wanted of it was read
	if size := o.info.size; size > t.to.opts.partSize {
		_, err := t.to.multipart(ctx, in, struct{ io.Reader }{s}, stages(t.to.opts.partSize, size), t.c.parts(t.to))
		return explainIf(dst, err)
	}
	data, err := readAll(s, o.info.size)
	if err != nil {
		return err
	}
	plain := *t.c
	plain.info = nil
	return dst.putOnce(ctx, t.to, &plain, in, bytes.NewReader(data), int64(len(data)))
}
