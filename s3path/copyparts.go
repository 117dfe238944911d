package s3path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// A copy in parts is for what S3 does not copy in one request, and for a target
// that must not exist: only when parts are put together is that condition
// honoured. It carries no property over, so all of them are sent.

// copyPartSize is the size of a part that is copied on the server: no memory is
// spent on it here, so it is larger than that of an upload.
func (k *core) copyPartSize(size int64) int64 {
	part := stages(k.opts.partSize, size)[0].size
	return min(max(part, 8*k.opts.partSize), maxPartSize)
}

// inPartsOf copies the object that head describes in ranges, and leaves no parts
// behind when it fails.
func (t *transport) inPartsOf(ctx context.Context, src, dst S3Path, head *s3.HeadObjectOutput) (made, error) {
	in, err := t.carried(ctx, src, dst, head)
	if err != nil {
		return made{}, err
	}
	m := made{etag: trimETag(aws.ToString(head.ETag)), sure: true}
	switch {
	case *head.ContentLength == 0: // there is no range of nothing
		return m, t.put(ctx, dst, in, nil)
	case m.etag == "":
		return made{}, fmt.Errorf("%w: the server gives no ETag, so nothing would say that the parts are of the same object", cloudpath.ErrProtocol)
	}
	err = t.to.again(ctx, func() error { return t.assemble(ctx, src, dst, in, head) })
	return m, err
}

// put writes data as dst.
func (t *transport) put(ctx context.Context, dst S3Path, in *s3.PutObjectInput, data []byte) error {
	c := *t.c
	c.info, c.gauge = nil, t.gauge // the information is asked for of the copy
	return dst.putOnce(ctx, t.to, &c, in, bytes.NewReader(data), int64(len(data)))
}

// assemble is one upload of copied parts.
func (t *transport) assemble(ctx context.Context, src, dst S3Path, in *s3.PutObjectInput, head *s3.HeadObjectOutput) error {
	u := &upload{k: t.to, in: in}
	if _, err := u.CreateMultipartUpload(ctx, createOf(in)); err != nil {
		return explain(dst, err)
	}
	parts, err := t.copyParts(ctx, src, in, head, u, t.to.copyPartSize(*head.ContentLength))
	if err != nil {
		return errors.Join(explain(src, err), u.abort(ctx))
	}
	_, err = u.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), IfNoneMatch: in.IfNoneMatch,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err == nil || (doubtful(err) || u.answers.lost) && u.completedAfterAll(ctx) != nil {
		return nil
	}
	return dst.writeError(t.c, errors.Join(err, u.abort(ctx)))
}

// copyParts copies the source in ranges of partSize, all of the ETag that head has.
func (t *transport) copyParts(ctx context.Context, src S3Path, in *s3.PutObjectInput, head *s3.HeadObjectOutput, u *upload, partSize int64) ([]types.CompletedPart, error) {
	size := *head.ContentLength
	g := t.gauge.attempt()
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
		done, err := t.slots.take(ctx)
		if err != nil {
			return err
		}
		out, err := send(ctx, t.to, *in.Bucket, req, (*s3.Client).UploadPartCopy)
		done()
		u.partEnded(err)
		switch {
		case status(err) == http.StatusPreconditionFailed:
			return errCopiedChanged(err)
		case err != nil:
			return err
		case out.CopyPartResult == nil || aws.ToString(out.CopyPartResult.ETag) == "":
			return fmt.Errorf("%w: part %d was copied without an ETag", cloudpath.ErrProtocol, i+1)
		}
		g.move(min(partSize, size-first))
		r := out.CopyPartResult
		parts[i] = types.CompletedPart{
			PartNumber: req.PartNumber, ETag: r.ETag, ChecksumCRC32: r.ChecksumCRC32, ChecksumCRC32C: r.ChecksumCRC32C,
			ChecksumCRC64NVME: r.ChecksumCRC64NVME, ChecksumSHA1: r.ChecksumSHA1, ChecksumSHA256: r.ChecksumSHA256,
		}
		return nil
	})
	return parts, err
}
