package s3path

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// Tags reads the object's tags, an empty map where it has none. 1 request; a
// missing object is fs.ErrNotExist, a bucket cloudpath.ErrIsDirectory.
func (p S3Path) Tags(ctx context.Context) (map[string]string, error) {
	k, err := p.startTags(ctx)
	if err != nil {
		return nil, err
	}
	tags, err := k.tags(ctx, p)
	return tags, failure("tags", p, err)
}

func (p S3Path) startTags(ctx context.Context) (*core, error) {
	k, err := startPlain(ctx, p, "tags")
	if err == nil && p.key == "" {
		err = failure("tags", p, fmt.Errorf("%w: only objects have tags here", cloudpath.ErrIsDirectory))
	}
	return k, err
}

func (k *core) tags(ctx context.Context, p S3Path) (map[string]string, error) {
	in := &s3.GetObjectTaggingInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
	out, err := send(ctx, k, p.bucket, in, (*s3.Client).GetObjectTagging)
	switch {
	case code(err) == "NoSuchTagSet": // how some servers say that there are none
		return map[string]string{}, nil
	case err != nil:
		return nil, err
	case out.TagSet == nil: // of an object without tags there is an empty set
		return nil, fmt.Errorf("%w: it lists no tags", cloudpath.ErrProtocol)
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
	k, err := p.startTags(ctx)
	if err != nil {
		return err
	}
	if len(tags) == 0 {
		in := &s3.DeleteObjectTaggingInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
		_, err := send(ctx, k, p.bucket, in, (*s3.Client).DeleteObjectTagging)
		return failure("tags", p, err)
	}
	set := make([]types.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		set = append(set, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	in := &s3.PutObjectTaggingInput{
		Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version), Tagging: &types.Tagging{TagSet: set},
	}
	_, err = send(ctx, k, p.bucket, in, (*s3.Client).PutObjectTagging)
	return failure("tags", p, err)
}
