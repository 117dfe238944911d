package s3path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Touch makes an empty object where there is none, and gives an existing one a
// new time: the same bytes, content type, metadata, cache control and tags. 2
// requests. Of two that make the object at once one makes it and the other
// touches it.
func (p S3Path) Touch(ctx context.Context, opts ...WriteOption) error {
	k, c, err := p.startWrite(ctx, "touch", opts, propertyOptions|optSSEC|optInfo)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		err := p.touch(ctx, k, *c)
		raced := errors.Is(err, fs.ErrExist) || errors.Is(err, cloudpath.ErrChanged) || isMissing(err) && code(err) != "NoSuchBucket"
		if err == nil || !raced || try == k.tries {
			return failure("touch", p, err)
		}
	}
}

func (p S3Path) touch(ctx context.Context, k *core, c call) error {
	head, err := store{k: k, p: p, ssec: c.ssec}.head(ctx, p)
	if err != nil {
		if err = explain(p, err); !isMissing(err) {
			return err
		}
		c.set |= optNoOverwrite
		return p.put(ctx, k, &c, bytes.NewReader(nil), 0)
	}
	t := &transport{k: k, to: k, c: &c, stay: true}
	c.sourceSSEC = c.ssec // it is its own source
	return t.refresh(ctx, p, head)
}

// refresh copies an object onto itself with the properties it has and those
// the call names.
func (t *transport) refresh(ctx context.Context, p S3Path, head *s3.HeadObjectOutput) error {
	large := aws.ToInt64(head.ContentLength) > maxCopy
	kept := *head
	if !large {
		kept.TagCount = nil // carried over by the copy itself
	}
	in, err := propertiesOf(ctx, t.k, t.c, p, p, &kept)
	if err != nil {
		return err
	}
	if large {
		return t.inParts(ctx, p, p, in, head)
	}
	req := copyOf(in, true, t.c.has(optTags))
	req.CopySource = aws.String(copySource(p))
	req.CopySourceIfMatch = head.ETag
	return t.copyRequest(ctx, p, p, req)
}

// Mkdir makes the marker object that stands for an empty directory, a key that
// ends in "/"; of a bucket, the bucket. Where the directory exists it does
// nothing; a file of that name is cloudpath.ErrNotDirectory. Up to 3 requests.
// S3 needs no directories: writing below one is enough to have it.
func (p S3Path) Mkdir(ctx context.Context) error {
	k, err := startPlain(ctx, p, "mkdir")
	if err != nil {
		return err
	}
	if p.key == "" {
		return failure("mkdir", p, p.makeBucket(ctx, k))
	}
	s := store{k: k, p: p}
	there, err := tree.IsDir(ctx, s, p.key)
	if err != nil || there {
		return failure("mkdir", p, err)
	}
	name := strings.TrimSuffix(p.key, "/")
	if name != "" && !strings.HasSuffix(name, "/") {
		_, err = s.Head(ctx, name)
		switch {
		case err == nil:
			return failure("mkdir", p, fmt.Errorf("%w: there is an object of this name", cloudpath.ErrNotDirectory))
		case !isMissing(err):
			return failure("mkdir", p, err)
		}
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(p.bucket), Key: aws.String(tree.DirPrefix(p.key)),
		Body: bytes.NewReader(nil), ContentLength: aws.Int64(0), ContentType: aws.String("application/x-directory"),
	}
	_, err = send(ctx, k, p.bucket, in, (*s3.Client).PutObject)
	return failure("mkdir", p, err)
}

func (p S3Path) makeBucket(ctx context.Context, k *core) error {
	in := &s3.CreateBucketInput{Bucket: aws.String(p.bucket)}
	if k.endpoint == "" && k.region != "us-east-1" { // us-east-1 is the one region that has no name there
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(k.region)}
	}
	_, err := k.sdk.CreateBucket(ctx, in)
	if code(err) == "BucketAlreadyOwnedByYou" {
		return nil
	}
	return err
}

// Tags reads the object's tags. 1 request; a missing object is fs.ErrNotExist.
func (p S3Path) Tags(ctx context.Context) (map[string]string, error) {
	k, err := startPlain(ctx, p, "tags")
	if err == nil && p.key == "" {
		err = failure("tags", p, cloudpath.ErrIsDirectory)
	}
	if err != nil {
		return nil, err
	}
	tags, err := k.tags(ctx, p)
	return tags, failure("tags", p, err)
}

func (k *core) tags(ctx context.Context, p S3Path) (map[string]string, error) {
	in := &s3.GetObjectTaggingInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
	out, err := send(ctx, k, p.bucket, in, (*s3.Client).GetObjectTagging)
	if err != nil {
		return nil, err
	}
	tags := make(map[string]string, len(out.TagSet))
	for _, t := range out.TagSet {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags, nil
}

// SetTags replaces all of the object's tags; none at all removes them. 1
// request; a missing object is fs.ErrNotExist.
func (p S3Path) SetTags(ctx context.Context, tags map[string]string) error {
	k, err := startPlain(ctx, p, "tags")
	if err == nil && p.key == "" {
		err = failure("tags", p, cloudpath.ErrIsDirectory)
	}
	if err != nil {
		return err
	}
	if len(tags) == 0 {
		in := &s3.DeleteObjectTaggingInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
		_, err := send(ctx, k, p.bucket, in, (*s3.Client).DeleteObjectTagging)
		return failure("tags", p, err)
	}
	set := make([]types.Tag, 0, len(tags))
	for key, value := range tags {
		set = append(set, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	in := &s3.PutObjectTaggingInput{
		Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version), Tagging: &types.Tagging{TagSet: set},
	}
	_, err = send(ctx, k, p.bucket, in, (*s3.Client).PutObjectTagging)
	return failure("tags", p, err)
}
