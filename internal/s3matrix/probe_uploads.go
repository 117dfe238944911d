package s3matrix

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// uploadRows is about what arrives: whole, checked, in parts, in versions.
var uploadRows = []row{
	{gap: WrongCRC32Rejected, probe: probeWrongCRC32},
	{gap: WrongMD5Rejected, probe: probeWrongMD5},
	{gap: EntityTooSmall, probe: probeEntityTooSmall},
	{gap: UploadPartCopy, probe: probeUploadPartCopy},
	{gap: Versioning, probe: probeVersioning},
}

// missing is nil when there is no such object.
func (p *probe) missing(ctx context.Context, key string) error {
	_, err := p.SDK.HeadObject(ctx, &s3.HeadObjectInput{Bucket: p.bucket, Key: &key})
	return refused("HEAD "+key, err, 404)
}

func probeWrongCRC32(ctx context.Context, p *probe) error {
	_, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("body"), ChecksumCRC32: aws.String("AAAAAA==")})
	if err := refused("PUT with a wrong CRC32", err, 400); err != nil {
		return err
	}
	return p.missing(ctx, "k")
}

func probeWrongMD5(ctx context.Context, p *probe) error {
	sum := md5.Sum([]byte("another"))
	_, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("body"), ContentMD5: aws.String(base64.StdEncoding.EncodeToString(sum[:]))})
	if err := refused("PUT with a wrong Content-MD5", err, 400); err != nil {
		return err
	}
	return p.missing(ctx, "k")
}

func probeEntityTooSmall(ctx context.Context, p *probe) error {
	complete, err := p.upload(ctx, "k", "small", "parts")
	if err != nil {
		return err
	}
	_, err = p.SDK.CompleteMultipartUpload(ctx, complete)
	if err := refused("complete with small parts", err, 400); err != nil {
		return err
	}
	return p.missing(ctx, "k")
}

func probeUploadPartCopy(ctx context.Context, p *probe) error {
	if err := p.put(ctx, "src", "0123456789"); err != nil {
		return err
	}
	id, err := p.begin(ctx, "dst")
	if err != nil {
		return err
	}
	out, err := p.SDK.UploadPartCopy(ctx, &s3.UploadPartCopyInput{Bucket: p.bucket, Key: aws.String("dst"), UploadId: id, PartNumber: aws.Int32(1), CopySource: p.source("src"), CopySourceRange: aws.String("bytes=2-5")})
	if err != nil {
		return fmt.Errorf("part copy: %w", err)
	}
	if out.CopyPartResult == nil {
		return errors.New("part copy: the answer is not one of a copy")
	}
	_, err = p.SDK.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: p.bucket, Key: aws.String("dst"), UploadId: id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag}}},
	})
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	return p.holds(ctx, "dst", "2345")
}

func probeVersioning(ctx context.Context, p *probe) error {
	_, err := p.SDK.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  p.bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		return fmt.Errorf("enabling versions: %w", err)
	}
	old, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("old")})
	if err != nil {
		return err
	}
	if err := p.put(ctx, "k", "new"); err != nil {
		return err
	}
	if _, err := p.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: p.bucket, Key: aws.String("k")}); err != nil {
		return err
	}
	if err := p.missing(ctx, "k"); err != nil {
		return err
	}
	out, err := p.SDK.GetObject(ctx, &s3.GetObjectInput{Bucket: p.bucket, Key: aws.String("k"), VersionId: old.VersionId})
	if err != nil {
		return fmt.Errorf("GET of the old version: %w", err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil {
		return fmt.Errorf("GET of the old version: %w", err)
	}
	if string(got) != "old" {
		return fmt.Errorf("GET of the old version: %q", got)
	}
	list, err := p.SDK.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: p.bucket})
	if err != nil {
		return err
	}
	if len(list.Versions) != 2 || len(list.DeleteMarkers) != 1 {
		return fmt.Errorf("%d versions and %d delete markers are listed, not 2 and 1", len(list.Versions), len(list.DeleteMarkers))
	}
	return nil
}
