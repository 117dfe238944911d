//lint:file-ignore SA1019 the upload manager is what this library was asked to build on; it is replaced by touching this file alone

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
	"sync/atomic"
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

// maxObject is the largest object that S3 is asked to hold, maxSize what the most
// and largest parts would make: what says that it is larger is no size.
const (
	maxObject = 5 << 40
	maxSize   = int64(manager.MaxUploadParts) * maxPartSize
)

// stages plans the parts of an upload. size is -1 when unknown.
func stages(partSize, size int64) []stage {
	const (
		most = int64(manager.MaxUploadParts)
		run  = most / 5
		last = most - 3*run
	)
	if size >= 0 {
		return []stage{{most, max(partSize, (size+most-1)/most)}}
	}
	plan := []stage{{run, partSize}, {run, min(8*partSize, maxPartSize)}, {run, min(64*partSize, maxPartSize)}}
	left := int64(maxObject)
	for _, st := range plan {
		left -= st.parts * st.size
	}
	return append(plan, stage{last, min(max(128*partSize, (left+last-1)/last), maxPartSize)})
}

// stored is what the server said of an object that it has stored.
type stored struct{ etag, version *string }

// multipart uploads body in parts, up to concurrency of them in hand at once.
// Nothing is visible before the last request, and whatever goes wrong, no part
// is left behind: the abort has a context of its own.
func (k *core) multipart(ctx context.Context, in *s3.PutObjectInput, body io.Reader, plan []stage, concurrency int, g *gauge) (*stored, error) {
	return k.multipartBehind(ctx, nil, in, body, plan, concurrency, g)
}

// multipartBehind is multipart behind a beginning that the server copies, if there
// is one.
func (k *core) multipartBehind(ctx context.Context, base *copiedStart, in *s3.PutObjectInput, body io.Reader, plan []stage, concurrency int, g *gauge) (*stored, error) {
	u := &upload{k: k, in: in, base: base, gauge: g.attempt()}
	out, err := u.run(ctx, body, plan, concurrency)
	switch {
	case err == nil:
		return &stored{out.ETag, out.VersionID}, nil
	case u.id == "":
		return nil, err
	case ctx.Err() != nil && !errors.Is(err, ctx.Err()):
		err = errors.Join(ctx.Err(), err) // what the cancelled requests say first is chance
	}
	if u.completing && (doubtful(err) || u.answers.lost) {
		if done := u.completedAfterAll(ctx); done != nil {
			return done, nil
		}
	}
	return nil, errors.Join(err, u.abort(ctx))
}

// upload is one multipart upload. To the manager it is the SDK client, and it
// joins the manager's runs, one for each stage, into one upload.
type upload struct {
	k    *core
	in   *s3.PutObjectInput
	base *copiedStart // what it begins with, or nil

	gauge      *gauge
	id         string
	done       []types.CompletedPart // of the stages before the one in hand
	all        []types.CompletedPart // as sent with the last request
	stage      *segment
	completing bool
	answers    answers     // to the last request
	cut        atomic.Bool // a part's request ended without an answer
}

func (u *upload) run(ctx context.Context, body io.Reader, plan []stage, concurrency int) (*manager.UploadOutput, error) {
	checksums := u.k.sums
	if u.base != nil {
		if _, err := u.CreateMultipartUpload(ctx, createOf(u.in)); err != nil {
			return nil, err
		}
		if err := u.base.copyTo(ctx, u); err != nil {
			return nil, err
		}
		plan = slices.Clone(plan)
		plan[len(plan)-1].parts -= int64(len(u.done))
	}
	var rest *bufio.Reader
	if _, ok := body.(io.ReaderAt); !ok {
		rest = bufio.NewReaderSize(body, 16) // to see whether a stage was the last; whole parts pass it by
	}
	for _, st := range plan {
		in := *u.in
		in.Body = body
		workers := min(int64(concurrency), st.parts) // the manager starts them all at once
		if rest != nil {
			u.stage = &segment{r: rest, left: st.parts * st.size}
			in.Body = u.stage
			workers = workers*plan[0].size/st.size - held // larger parts, not more memory
		}
		out, err := manager.NewUploader(u, func(m *manager.Uploader) {
			m.PartSize = st.size
			m.Concurrency = int(max(1, workers))
			m.LeavePartsOnError = true // aborted here, on a context that lives
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

// held is how many parts of a stream the manager holds in memory beside those
// that it is sending: the one it reads, and its first, which is not of its pool.
const held = 2

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

// CreateMultipartUpload begins the upload, once for all stages. Its answer names
// what has to be aborted, so a cancelled context does not cut it off at once.
func (u *upload) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, opts ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	if u.id != "" {
		return &s3.CreateMultipartUploadOutput{UploadId: aws.String(u.id)}, nil
	}
	ctx, cancel := outlive(ctx, abortTimeout)
	defer cancel()
	out, err := send(ctx, u.k, *in.Bucket, in, via((*s3.Client).CreateMultipartUpload, opts...))
	if err == nil {
		if u.id = aws.ToString(out.UploadId); u.id == "" {
			return nil, fmt.Errorf("%w: an upload without an id", cloudpath.ErrProtocol)
		}
	}
	return out, err
}

// outlive is a context that ends d after its parent.
func outlive(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	stop := context.AfterFunc(parent, func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() { stop(); cancel() }
}

// UploadPart numbers the parts of a stage behind those of the stages before it.
func (u *upload) UploadPart(ctx context.Context, in *s3.UploadPartInput, opts ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	part := *in
	part.PartNumber = aws.Int32(*in.PartNumber + int32(len(u.done)))
	size, err := seekerLen(in.Body)
	if err != nil {
		return nil, err
	}
	opts = append(slices.Clone(opts), u.gauge.part().sending(size))
	out, err := send(ctx, u.k, *in.Bucket, &part, via((*s3.Client).UploadPart, opts...))
	u.partEnded(err)
	return out, err
}

// seekerLen is how much a request's body has.
func seekerLen(body io.Reader) (int64, error) {
	s, ok := body.(io.Seeker)
	if !ok {
		return 0, fmt.Errorf("%T cannot be sent again", body)
	}
	size, err := s.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.Seek(0, io.SeekStart)
	}
	return size, err
}

// partEnded notes how the request for a part ended.
func (u *upload) partEnded(err error) {
	if err != nil && status(err) == 0 {
		u.cut.Store(true)
	}
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
	opts = append(slices.Clone(opts), u.answers.watch)
	var out *s3.CompleteMultipartUploadOutput
	complete := func() (err error) {
		out, err = send(ctx, u.k, *in.Bucket, &whole, via((*s3.Client).CompleteMultipartUpload, opts...))
		if err == nil && aws.ToString(out.ETag) == "" {
			u.answers.lost = true
			err = fmt.Errorf("%w: the server's answer does not say that the parts were put together", cloudpath.ErrProtocol)
		}
		return err
	}
	if u.stage == nil { // what collides is uploaded again from its source
		err = complete()
	} else {
		err = u.k.again(ctx, complete)
	}
	return out, err
}

// PutObject is what the manager sends for a run of less than one part: the
// object itself, or the last part of an upload that has stages behind it.
func (u *upload) PutObject(ctx context.Context, in *s3.PutObjectInput, opts ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if u.id == "" {
		size, err := seekerLen(in.Body)
		if err != nil {
			return nil, err
		}
		opts = append(slices.Clone(opts), u.gauge.part().sending(size))
		return send(ctx, u.k, *in.Bucket, in, via((*s3.Client).PutObject, opts...))
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

// A part whose request was cut off may be stored after the upload was aborted,
// so that S3 wants the abort repeated until there is no such upload.
const (
	settlings   = 4
	settlePause = 50 * time.Millisecond // doubled each time
)

// abort takes back what was uploaded. That the upload is gone already is no failure.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	in := &s3.AbortMultipartUploadInput{Bucket: u.in.Bucket, Key: u.in.Key, UploadId: aws.String(u.id)}
	for again := 0; ; again++ {
		_, err := send(ctx, u.k, *u.in.Bucket, in, (*s3.Client).AbortMultipartUpload)
		switch {
		case status(err) == http.StatusNotFound:
			// A server may still be storing the part, and make the upload anew
			// with it (versitygw): look once more.
			if !u.cut.Load() || again >= 2 {
				return nil
			}
		case err != nil:
			return &leftoverError{u.id, err}
		case !u.cut.Load() || again == settlings:
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(settlePause << again):
		}
	}
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
func (u *upload) completedAfterAll(ctx context.Context) *stored {
	return u.k.storedAs(ctx, u.in, multipartETag(u.all))
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
