package s3path

import (
	"bufio"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// This file is the only one that knows the SDK's upload manager, and holds what
// has to be put right about it: it aborts a failed upload with the very context
// whose end made it fail, it ignores the client's checksum mode, its defaults
// are small, and its parts all have one size, which ends an upload of unknown
// length at 10,000 times that.

// abortTimeout bounds the clean-up after a failed upload, which goes on when
// the caller's context has ended.
const abortTimeout = 30 * time.Second

// stage is a run of parts of one size. A stream whose length nobody knows
// begins with small parts and goes on with larger ones, so that 10,000 of them
// reach 5 TiB.
type stage struct {
	parts int64
	size  int64
}

// stages plans the parts of an upload. size is -1 when unknown.
func stages(partSize, size int64) []stage {
	const most = int64(manager.MaxUploadParts)
	if size >= 0 {
		return []stage{{most, max(partSize, (size+most-1)/most)}}
	}
	return []stage{
		{most / 5, partSize},
		{most / 5, clampPart(partSize * 8)},
		{most / 5, clampPart(partSize * 64)},
		{most - 3*(most/5), clampPart(max(partSize*128, 1<<30))},
	}
}

func clampPart(size int64) int64 { return min(size, maxPartSize) }

// multipart uploads body in parts, up to concurrency at once. Nothing is
// visible before the last request, and whatever goes wrong, no part is left
// behind: the abort has a context of its own.
func (k *core) multipart(ctx context.Context, in *s3.PutObjectInput, body io.Reader, plan []stage, concurrency int) (*manager.UploadOutput, error) {
	u := &upload{k: k, in: in}
	out, err := u.run(ctx, body, plan, concurrency)
	if err == nil || u.id == "" {
		return out, err
	}
	if u.completing && doubtful(err) {
		if done := u.completedAfterAll(ctx); done != nil {
			return done, nil
		}
	}
	return nil, errors.Join(err, u.abort(ctx))
}

// upload is one multipart upload. To the manager it is the SDK client, and it
// joins the manager's runs, one for each stage, into one upload.
type upload struct {
	k  *core
	in *s3.PutObjectInput

	id         string
	done       []types.CompletedPart // of the stages before the one in hand
	all        []types.CompletedPart // as sent with the last request
	stage      *segment
	completing bool
}

func (u *upload) run(ctx context.Context, body io.Reader, plan []stage, concurrency int) (*manager.UploadOutput, error) {
	checksums := u.k.sums
	var rest *bufio.Reader
	if _, ok := body.(io.ReaderAt); !ok {
		rest = bufio.NewReaderSize(body, 16) // to see whether a stage was the last; whole parts pass it by
	}
	for _, st := range plan {
		in := *u.in
		in.Body = body
		if rest != nil {
			u.stage = &segment{r: rest, left: st.parts * st.size}
			in.Body = u.stage
		}
		out, err := manager.NewUploader(u, func(m *manager.Uploader) {
			m.PartSize = st.size
			m.Concurrency = max(1, int(int64(concurrency)*plan[0].size/st.size)) // larger parts, not more memory
			m.LeavePartsOnError = true                                           // aborted here, on a context that lives
			m.RequestChecksumCalculation = checksums
		}).Upload(ctx, &in)
		if err != nil {
			return nil, err
		}
		if u.stage == nil || !u.stage.more {
			return out, nil
		}
	}
	return nil, fmt.Errorf("the stream is longer than the %d parts that an object can have", manager.MaxUploadParts)
}

// segment is the part of a stream that one stage uploads.
type segment struct {
	r    *bufio.Reader
	left int64
	more bool
}

func (s *segment) Read(b []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.r.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	return n, err
}

// ended finds out whether the stream goes on behind the segment.
func (s *segment) ended() (bool, error) {
	if s == nil || s.left > 0 {
		return true, nil
	}
	_, err := s.r.Peek(1)
	if err == io.EOF {
		return true, nil
	}
	s.more = err == nil
	return false, err
}

// ---- the manager's client

var _ manager.UploadAPIClient = (*upload)(nil)

func via[I, O any](op func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error), opts []func(*s3.Options)) func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error) {
	return func(c *s3.Client, ctx context.Context, in *I, more ...func(*s3.Options)) (*O, error) {
		return op(c, ctx, in, slices.Concat(opts, more)...)
	}
}

// CreateMultipartUpload begins the upload, once for all stages.
func (u *upload) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	if u.id != "" {
		return &s3.CreateMultipartUploadOutput{UploadId: aws.String(u.id)}, nil
	}
	out, err := send(ctx, u.k, *in.Bucket, in, via((*s3.Client).CreateMultipartUpload, opts))
	if err == nil {
		if u.id = aws.ToString(out.UploadId); u.id == "" {
			return nil, fmt.Errorf("%w: an upload without an id", cloudpath.ErrProtocol)
		}
	}
	return out, err
}

// UploadPart numbers the parts of a stage behind those of the stages before it.
func (u *upload) UploadPart(ctx context.Context, in *s3.UploadPartInput, opts ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	part := *in
	part.PartNumber = aws.Int32(*in.PartNumber + int32(len(u.done)))
	return send(ctx, u.k, *in.Bucket, &part, via((*s3.Client).UploadPart, opts))
}

// CompleteMultipartUpload ends a stage, and the upload when the stream ended
// with it.
func (u *upload) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	all := slices.Clone(u.done)
	for _, part := range in.MultipartUpload.Parts {
		part.PartNumber = aws.Int32(*part.PartNumber + int32(len(u.done)))
		all = append(all, part)
	}
	ended, err := u.stage.ended()
	if err != nil {
		return nil, err
	}
	if !ended {
		u.done = all
		return &s3.CompleteMultipartUploadOutput{}, nil
	}
	whole := *in
	whole.MultipartUpload = &types.CompletedMultipartUpload{Parts: all}
	u.completing, u.all = true, all
	return send(ctx, u.k, *in.Bucket, &whole, via((*s3.Client).CompleteMultipartUpload, opts))
}

// PutObject is what the manager sends for a run of less than one part: the
// object itself, or the last part of an upload that has stages behind it.
func (u *upload) PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if u.id == "" {
		return send(ctx, u.k, *in.Bucket, in, via((*s3.Client).PutObject, opts))
	}
	part, err := u.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), PartNumber: aws.Int32(1), Body: in.Body,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
	}, opts...)
	if err != nil {
		return nil, err
	}
	last := types.CompletedPart{
		PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32, ChecksumCRC32C: part.ChecksumCRC32C,
		ChecksumCRC64NVME: part.ChecksumCRC64NVME, ChecksumSHA1: part.ChecksumSHA1, ChecksumSHA256: part.ChecksumSHA256,
	}
	out, err := u.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, UploadId: aws.String(u.id), IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{last}},
	}, opts...)
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectOutput{ETag: out.ETag, VersionId: out.VersionId}, nil
}

// AbortMultipartUpload does nothing: the manager would use a dead context.
func (u *upload) AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	return &s3.AbortMultipartUploadOutput{}, nil
}

// ---- after a failure

// abort takes back what was uploaded. That the upload is gone already is no failure.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	in := &s3.AbortMultipartUploadInput{Bucket: u.in.Bucket, Key: u.in.Key, UploadId: aws.String(u.id)}
	_, err := send(ctx, u.k, *u.in.Bucket, in, (*s3.Client).AbortMultipartUpload)
	if err != nil && status(err) != http.StatusNotFound {
		return &leftoverError{u.id, err}
	}
	return nil
}

// leftoverError says that parts of a failed upload are still stored.
type leftoverError struct {
	id  string
	err error
}

func (e *leftoverError) Error() string {
	return fmt.Sprintf("its parts are still stored as upload %s, because aborting it failed: %v", e.id, e.err)
}
func (e *leftoverError) Unwrap() error { return e.err }

// doubtful reports whether a failed request may have been carried out.
func doubtful(err error) bool {
	st := status(err)
	return st == 0 || st >= http.StatusInternalServerError || code(err) == "NoSuchUpload"
}

// completedAfterAll looks whether the parts were put together although the
// answer was lost: then the object has the ETag that they make.
func (u *upload) completedAfterAll(ctx context.Context) *manager.UploadOutput {
	want := multipartETag(u.all)
	if want == "" || ctx.Err() != nil {
		return nil
	}
	in := &s3.HeadObjectInput{Bucket: u.in.Bucket, Key: u.in.Key}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.in.SSECustomerAlgorithm, u.in.SSECustomerKey, u.in.SSECustomerKeyMD5
	out, err := send(ctx, u.k, *u.in.Bucket, in, (*s3.Client).HeadObject)
	if err != nil || trimETag(aws.ToString(out.ETag)) != want {
		return nil
	}
	return &manager.UploadOutput{ETag: out.ETag, VersionID: out.VersionId}
}

// multipartETag is the MD5 of the parts' MD5s and their number, as S3 makes it;
// "" where the parts' ETags are no MD5s.
func multipartETag(parts []types.CompletedPart) string {
	sum := md5.New()
	for _, part := range parts {
		raw, err := hex.DecodeString(trimETag(aws.ToString(part.ETag)))
		if err != nil || len(raw) != md5.Size {
			return ""
		}
		sum.Write(raw)
	}
	return fmt.Sprintf("%x-%d", sum.Sum(nil), len(parts))
}
