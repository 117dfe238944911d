package s3matrix

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

// removeBucket deletes whatever is in a bucket, and the bucket. One that is gone
// already is fine.
func (s *Server) removeBucket(ctx context.Context, bucket string) error {
	err := errors.Join(s.abortUploads(ctx, bucket), s.deleteVersions(ctx, bucket))
	if err == nil {
		_, err = s.SDK.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String(bucket)})
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "NoSuchBucket" {
		return nil
	}
	return err
}

func (s *Server) abortUploads(ctx context.Context, bucket string) error {
	uploads := s3.NewListMultipartUploadsPaginator(s.SDK, &s3.ListMultipartUploadsInput{Bucket: aws.String(bucket)})
	for uploads.HasMorePages() {
		page, err := uploads.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing uploads: %w", err)
		}
		for _, u := range page.Uploads {
			if _, err := s.SDK.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: aws.String(bucket), Key: u.Key, UploadId: u.UploadId}); err != nil {
				return fmt.Errorf("aborting the upload of %q: %w", aws.ToString(u.Key), err)
			}
		}
	}
	return nil
}

// deleteVersions deletes every version, and with them every object. It lists from
// the start after each page, because the page before is gone.
func (s *Server) deleteVersions(ctx context.Context, bucket string) error {
	var last []types.ObjectIdentifier
	for {
		doomed, err := s.versions(ctx, bucket)
		if err != nil || len(doomed) == 0 {
			return err
		}
		if sameObjects(doomed, last) {
			return fmt.Errorf("%d versions cannot be deleted, first %q", len(doomed), *doomed[0].Key)
		}
		last = doomed
		if doomed, err = s.deleteUnspeakable(ctx, bucket, doomed); err != nil {
			return err
		}
		if len(doomed) == 0 {
			continue
		}
		out, err := s.SDK.DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: aws.String(bucket),
			Delete: &types.Delete{Objects: doomed, Quiet: aws.Bool(true)},
		})
		if err != nil {
			return fmt.Errorf("deleting versions: %w", err)
		}
		if len(out.Errors) > 0 {
			e := out.Errors[0]
			return fmt.Errorf("deleting %d versions: %q: %s: %s", len(out.Errors), aws.ToString(e.Key), aws.ToString(e.Code), aws.ToString(e.Message))
		}
	}
}

// deleteUnspeakable deletes one by one what XML cannot name, and returns the rest.
func (s *Server) deleteUnspeakable(ctx context.Context, bucket string, doomed []types.ObjectIdentifier) (rest []types.ObjectIdentifier, err error) {
	for _, o := range doomed {
		if !strings.ContainsFunc(*o.Key, unicode.IsControl) {
			rest = append(rest, o)
			continue
		}
		if _, err := s.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: o.Key, VersionId: o.VersionId}); err != nil {
			return nil, fmt.Errorf("deleting %q: %w", *o.Key, err)
		}
	}
	return rest, nil
}

// versions is the first page of versions and delete markers.
func (s *Server) versions(ctx context.Context, bucket string) ([]types.ObjectIdentifier, error) {
	page, err := s.SDK.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		return nil, fmt.Errorf("listing versions: %w", err)
	}
	var found []types.ObjectIdentifier
	add := func(escaped, version *string) error {
		key, err := unescape(escaped, page.EncodingType)
		if err == nil {
			found = append(found, types.ObjectIdentifier{Key: key, VersionId: version})
		}
		return err
	}
	for _, v := range page.Versions {
		err = errors.Join(err, add(v.Key, v.VersionId))
	}
	for _, m := range page.DeleteMarkers {
		err = errors.Join(err, add(m.Key, m.VersionId))
	}
	return found, err
}

// unescape undoes encoding-type=url, where the server has done it.
func unescape(key *string, encoding types.EncodingType) (*string, error) {
	if encoding != types.EncodingTypeUrl {
		return key, nil
	}
	plain, err := url.QueryUnescape(aws.ToString(key))
	return &plain, err
}

func sameObjects(a, b []types.ObjectIdentifier) bool {
	return slices.EqualFunc(a, b, func(x, y types.ObjectIdentifier) bool {
		return aws.ToString(x.Key) == aws.ToString(y.Key) && aws.ToString(x.VersionId) == aws.ToString(y.VersionId)
	})
}
