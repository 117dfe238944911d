package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Remove removes one object, an empty directory (its marker), or an empty
// bucket. 2 requests for an object, up to 3 for an empty directory, 1 for a
// bucket. Nothing there is fs.ErrNotExist; a directory or a bucket that holds
// something is cloudpath.ErrNotEmpty. WithMissingOK is 1 request, for exactly
// this key, and nil whatever was there. WithIfMatch is compared here and by the
// server, of which some are known to ignore it (MinIO); with both options it is
// 2 requests. A path with a version removes that version; in a bucket with
// versions any other removal leaves a delete marker.
func (p S3Path) Remove(ctx context.Context, opts ...RemoveOption) error {
	k, c, err := startRemove(ctx, p, "remove", opts, optMissingOK|optIfMatch|optProgress)
	if err != nil {
		return err
	}
	m := c.meter(p)
	defer m.end()
	err = p.remove(ctx, k, c)
	if c.has(optMissingOK) && isMissing(err) {
		err = nil
	}
	if err == nil {
		m.only(p).finish()
	}
	return failure("remove", p, err)
}

func (p S3Path) remove(ctx context.Context, k *core, c *call) error {
	s := store{k: k, p: p}
	switch {
	case p.key == "":
		return p.removeBucket(ctx, k, c)
	case c.has(optMissingOK) && !c.has(optIfMatch):
		return s.deleteOne(ctx, p.identified(c))
	case strings.HasSuffix(p.key, "/") && p.version == "":
		return p.removeMarker(ctx, s, c)
	}
	etag, there, err := s.present(ctx, p)
	switch {
	case err != nil:
		return err
	case there:
		if c.ifMatch != "" && etag != c.ifMatch {
			return fmt.Errorf("%w: the object has the ETag %q", cloudpath.ErrPreconditionFailed, etag)
		}
		return s.deleteOne(ctx, p.identified(c))
	case p.version != "", c.has(optMissingOK):
		return fs.ErrNotExist
	}
	return p.removeMarker(ctx, s, c)
}

// identified is the object, for a request to delete it.
func (p S3Path) identified(c *call) types.ObjectIdentifier {
	return types.ObjectIdentifier{Key: aws.String(p.key), VersionId: text(p.version), ETag: quoteETag(c.ifMatch)}
}

// removeMarker removes an empty directory, of which there is nothing but its
// marker.
func (p S3Path) removeMarker(ctx context.Context, s store, c *call) error {
	marker := p
	marker.key = tree.DirPrefix(p.key)
	var objects []tree.Object
	_, err := tree.Scan(ctx, s, p.key, nil, tree.Listing{Max: 2, Markers: true, Self: true}, func(item tree.Item) tree.Verdict {
		if objects = append(objects, item.Object); len(objects) > 1 {
			return tree.Stop
		}
		return tree.Continue
	})
	if err != nil {
		return err
	}
	switch {
	case len(objects) == 0:
		return fs.ErrNotExist
	case len(objects) > 1 || objects[0].Key != marker.key:
		return fmt.Errorf("%w: RemoveAll removes a directory with what it holds", cloudpath.ErrNotEmpty)
	case c.ifMatch != "" && objects[0].ETag != c.ifMatch:
		return fmt.Errorf("%w: the marker has the ETag %q", cloudpath.ErrPreconditionFailed, objects[0].ETag)
	}
	return s.deleteOne(ctx, marker.identified(c))
}

// present reports whether the object of exactly this key, or this version of
// it, is there, and its ETag. One request; of an object that is encrypted with a
// customer's key nothing is said without the key, so that it takes a listing.
func (s store) present(ctx context.Context, p S3Path) (etag string, there bool, err error) {
	head, err := s.head(ctx, p)
	switch {
	case err == nil:
		return trimETag(aws.ToString(head.ETag)), true, nil
	case status(err) == http.StatusNotFound:
		return "", false, nil
	case status(err) == http.StatusMethodNotAllowed && p.version != "": // a delete marker's answer
		return "", true, nil
	case status(err) == http.StatusForbidden && s.ssec.isSet(): // another key's answer, or a refusal
	case status(err) != http.StatusBadRequest:
		return "", false, explain(p, err)
	case p.version != "":
		return "", true, nil
	}
	page, lerr := s.List(ctx, tree.Query{Prefix: p.key, Max: 1})
	switch {
	case lerr == nil && len(page.Objects) > 0 && page.Objects[0].Key == p.key:
		return page.Objects[0].ETag, true, nil
	case lerr != nil || status(err) == http.StatusForbidden:
		return "", false, explain(p, err)
	}
	return "", false, nil
}

func (p S3Path) removeBucket(ctx context.Context, k *core, c *call) error {
	if c.has(optIfMatch) {
		return fmt.Errorf("%w for a bucket: %v", errors.ErrUnsupported, optIfMatch)
	}
	_, err := send(ctx, k, p.bucket, &s3.DeleteBucketInput{Bucket: aws.String(p.bucket)}, (*s3.Client).DeleteBucket)
	if err != nil {
		return explain(p, err)
	}
	return nil
}
