package s3matrix

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// stale is the ETag of nothing: well-formed and never right.
var stale = aws.String(`"00000000000000000000000000000000"`)

// conditionRows is about requests that must only work on the object the client
// has in mind.
var conditionRows = []row{
	{gap: PutConditions, probe: probePutConditions},
	{gap: GetConditions, probe: probeGetConditions},
	{gap: CompleteIfNoneMatch, probe: probeCompleteIfNoneMatch},
	{gap: CopyIfNoneMatch, probe: probeCopyIfNoneMatch},
	{gap: CopySourceIfMatch, probe: probeCopySourceIfMatch},
	{gap: PartCopySourceIfMatch, probe: probePartCopySourceIfMatch},
	{gap: DeleteIfMatch, probe: probeDeleteIfMatch},
}

func probePutConditions(ctx context.Context, p *probe) error {
	etag, err := p.etag(ctx, "k", "old")
	if err != nil {
		return err
	}
	in := func() *s3.PutObjectInput {
		return &s3.PutObjectInput{Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("new")}
	}
	anew := in()
	anew.IfNoneMatch = aws.String("*")
	_, err = p.SDK.PutObject(ctx, anew)
	if err := refused("PUT If-None-Match: *", err, 412); err != nil {
		return err
	}
	late := in()
	late.IfMatch = stale
	_, err = p.SDK.PutObject(ctx, late)
	if err := refused("PUT with a stale If-Match", err, 412); err != nil {
		return err
	}
	if err := p.holds(ctx, "k", "old"); err != nil {
		return err
	}
	right := in()
	right.IfMatch = etag
	if _, err := p.SDK.PutObject(ctx, right); err != nil {
		return fmt.Errorf("PUT with the right If-Match: %w", err)
	}
	return p.holds(ctx, "k", "new")
}

func probeGetConditions(ctx context.Context, p *probe) error {
	etag, err := p.etag(ctx, "k", "body")
	if err != nil {
		return err
	}
	get := func(match, noneMatch *string) error {
		out, err := p.SDK.GetObject(ctx, &s3.GetObjectInput{Bucket: p.bucket, Key: aws.String("k"), IfMatch: match, IfNoneMatch: noneMatch})
		if err == nil {
			out.Body.Close()
		}
		return err
	}
	head := func(match, noneMatch *string) error {
		_, err := p.SDK.HeadObject(ctx, &s3.HeadObjectInput{Bucket: p.bucket, Key: aws.String("k"), IfMatch: match, IfNoneMatch: noneMatch})
		return err
	}
	for name, ask := range map[string]func(match, noneMatch *string) error{"GET": get, "HEAD": head} {
		if err := ask(etag, nil); err != nil {
			return fmt.Errorf("%s with the right If-Match: %w", name, err)
		}
		if err := ask(nil, stale); err != nil {
			return fmt.Errorf("%s with a stale If-None-Match: %w", name, err)
		}
		if err := refused(name+" with a stale If-Match", ask(stale, nil), 412); err != nil {
			return err
		}
		if err := refused(name+" with the right If-None-Match", ask(nil, etag), 304); err != nil {
			return err
		}
	}
	return nil
}

func probeCompleteIfNoneMatch(ctx context.Context, p *probe) error {
	if err := p.put(ctx, "k", "old"); err != nil {
		return err
	}
	complete, err := p.upload(ctx, "k", "new")
	if err != nil {
		return err
	}
	complete.IfNoneMatch = aws.String("*")
	_, err = p.SDK.CompleteMultipartUpload(ctx, complete)
	if err := refused("complete with If-None-Match: *", err, 412); err != nil {
		return err
	}
	return p.holds(ctx, "k", "old")
}

// source is the copy source of a key that needs no escaping.
func (p *probe) source(key string) *string { return aws.String(*p.bucket + "/" + key) }

func probeCopyIfNoneMatch(ctx context.Context, p *probe) error {
	if err := p.put(ctx, "src", "new"); err != nil {
		return err
	}
	if err := p.put(ctx, "dst", "old"); err != nil {
		return err
	}
	_, err := p.SDK.CopyObject(ctx, &s3.CopyObjectInput{Bucket: p.bucket, Key: aws.String("dst"), CopySource: p.source("src"), IfNoneMatch: aws.String("*")})
	if err := refused("copy with If-None-Match: *", err, 412); err != nil {
		return err
	}
	return p.holds(ctx, "dst", "old")
}

func probeCopySourceIfMatch(ctx context.Context, p *probe) error {
	etag, err := p.etag(ctx, "src", "body")
	if err != nil {
		return err
	}
	_, err = p.SDK.CopyObject(ctx, &s3.CopyObjectInput{Bucket: p.bucket, Key: aws.String("late"), CopySource: p.source("src"), CopySourceIfMatch: stale})
	if err := refused("copy with a stale source", err, 412); err != nil {
		return err
	}
	_, err = p.SDK.CopyObject(ctx, &s3.CopyObjectInput{Bucket: p.bucket, Key: aws.String("right"), CopySource: p.source("src"), CopySourceIfMatch: etag})
	if err != nil {
		return fmt.Errorf("copy with the right source: %w", err)
	}
	return p.holds(ctx, "right", "body")
}

func probePartCopySourceIfMatch(ctx context.Context, p *probe) error {
	etag, err := p.etag(ctx, "src", "body")
	if err != nil {
		return err
	}
	id, err := p.begin(ctx, "dst")
	if err != nil {
		return err
	}
	in := &s3.UploadPartCopyInput{Bucket: p.bucket, Key: aws.String("dst"), UploadId: id, PartNumber: aws.Int32(1), CopySource: p.source("src"), CopySourceIfMatch: stale}
	_, err = p.SDK.UploadPartCopy(ctx, in)
	if err := refused("part copy with a stale source", err, 412); err != nil {
		return err
	}
	in.CopySourceIfMatch = etag
	if _, err := p.SDK.UploadPartCopy(ctx, in); err != nil {
		return fmt.Errorf("part copy with the right source: %w", err)
	}
	return nil
}

func probeDeleteIfMatch(ctx context.Context, p *probe) error {
	etag, err := p.etag(ctx, "k", "body")
	if err != nil {
		return err
	}
	_, err = p.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: p.bucket, Key: aws.String("k"), IfMatch: stale})
	if err := refused("DELETE with a stale If-Match", err, 412); err != nil {
		return err
	}
	if err := p.holds(ctx, "k", "body"); err != nil {
		return err
	}
	if _, err := p.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: p.bucket, Key: aws.String("k"), IfMatch: etag}); err != nil {
		return fmt.Errorf("DELETE with the right If-Match: %w", err)
	}
	_, err = p.SDK.HeadObject(ctx, &s3.HeadObjectInput{Bucket: p.bucket, Key: aws.String("k")})
	return refused("HEAD after DELETE", err, 404)
}

// begin starts a multipart upload.
func (p *probe) begin(ctx context.Context, key string) (id *string, err error) {
	out, err := p.SDK.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: p.bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("begin an upload: %w", err)
	}
	return out.UploadId, nil
}

// upload starts a multipart upload with these parts, ready to be completed.
func (p *probe) upload(ctx context.Context, key string, parts ...string) (*s3.CompleteMultipartUploadInput, error) {
	id, err := p.begin(ctx, key)
	if err != nil {
		return nil, err
	}
	var completed []types.CompletedPart
	for i, body := range parts {
		number := aws.Int32(int32(i + 1))
		out, err := p.SDK.UploadPart(ctx, &s3.UploadPartInput{Bucket: p.bucket, Key: &key, UploadId: id, PartNumber: number, Body: strings.NewReader(body)})
		if err != nil {
			return nil, fmt.Errorf("upload part %d: %w", i+1, err)
		}
		completed = append(completed, types.CompletedPart{PartNumber: number, ETag: out.ETag})
	}
	return &s3.CompleteMultipartUploadInput{
		Bucket: p.bucket, Key: &key, UploadId: id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: completed},
	}, nil
}
