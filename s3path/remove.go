package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
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
// this key, and nil whatever was there.
func (p S3Path) Remove(ctx context.Context, opts ...RemoveOption) error {
	k, c, err := startRemove(ctx, p, "remove", opts, optMissingOK|optIfMatch)
	if err != nil {
		return err
	}
	return failure("remove", p, p.remove(ctx, k, c))
}

func (p S3Path) remove(ctx context.Context, k *core, c *call) error {
	s := store{k: k, p: p}
	switch {
	case p.key == "":
		return p.removeBucket(ctx, k, c)
	case c.has(optMissingOK):
		return p.deleteExactly(ctx, k, c, p.key)
	case p.version != "":
		if _, err := s.head(ctx, p); err != nil && status(err) != http.StatusMethodNotAllowed { // which is a delete marker's answer
			return explain(p, err)
		}
		return p.deleteExactly(ctx, k, c, p.key)
	}
	if !strings.HasSuffix(p.key, "/") {
		o, err := s.Head(ctx, p.key)
		if err == nil {
			if c.ifMatch != "" && o.ETag != c.ifMatch { // some servers ignore the condition on a delete
				return fmt.Errorf("%w: the object has the ETag %q", cloudpath.ErrPreconditionFailed, o.ETag)
			}
			return p.deleteExactly(ctx, k, c, p.key)
		}
		if !isMissing(err) {
			return err
		}
	}
	marker := tree.DirPrefix(p.key)
	page, err := s.List(ctx, tree.Query{Prefix: marker, Max: 2})
	switch {
	case err != nil:
		return err
	case len(page.Objects) == 0:
		return fs.ErrNotExist
	case len(page.Objects) > 1 || page.Objects[0].Key != marker:
		return fmt.Errorf("%w: RemoveAll removes a directory with what it holds", cloudpath.ErrNotEmpty)
	case c.ifMatch != "" && page.Objects[0].ETag != c.ifMatch:
		return fmt.Errorf("%w: the marker has the ETag %q", cloudpath.ErrPreconditionFailed, page.Objects[0].ETag)
	}
	return p.deleteExactly(ctx, k, c, marker)
}

func (p S3Path) deleteExactly(ctx context.Context, k *core, c *call, key string) error {
	in := &s3.DeleteObjectInput{
		Bucket: aws.String(p.bucket), Key: aws.String(key), VersionId: text(p.version), IfMatch: quoteETag(c.ifMatch),
	}
	_, err := send(ctx, k, p.bucket, in, (*s3.Client).DeleteObject)
	if err == nil {
		return nil
	}
	err = explain(p, err)
	if c.has(optMissingOK) && !c.has(optIfMatch) && isMissing(err) && code(err) != "NoSuchBucket" {
		return nil
	}
	return err
}

func (p S3Path) removeBucket(ctx context.Context, k *core, c *call) error {
	if c.has(optIfMatch) {
		return fmt.Errorf("%w for a bucket: %v", errors.ErrUnsupported, optIfMatch)
	}
	_, err := send(ctx, k, p.bucket, &s3.DeleteBucketInput{Bucket: aws.String(p.bucket)}, (*s3.Client).DeleteBucket)
	if err == nil {
		return nil
	}
	if err = explain(p, err); c.has(optMissingOK) && isMissing(err) {
		return nil
	}
	return err
}

// deleteKeys is one DELETE for one key.
func (s store) deleteKeys(ctx context.Context, key string) (map[string]error, error) {
	failed := map[objectID]error{}
	s.deleteOne(ctx, types.ObjectIdentifier{Key: aws.String(key)}, failed)
	return map[string]error{key: failed[objectID{key, ""}]}, nil
}

// RemoveAll removes the object with this key and everything below the path as a
// directory: 1 request per 1,000 keys to list and 1 per 1,000 to delete, which
// overlap. Nothing there is no error. A bucket is emptied, and stays, only with
// WithWholeBucket; in a bucket with versions each object gets a delete marker.
// Keys that could not be removed are named in the error.
func (p S3Path) RemoveAll(ctx context.Context, opts ...RemoveOption) error {
	k, c, err := startRemove(ctx, p, "remove", opts, optWholeBucket|optConcurrency|optMissingOK)
	if err != nil {
		return err
	}
	switch {
	case p.version != "":
		return failure("remove", p, fmt.Errorf("%w: Remove removes one version", errors.ErrUnsupported))
	case p.key == "" && !c.has(optWholeBucket):
		return failure("remove", p, fmt.Errorf("%w: this is a whole bucket; WithWholeBucket says that it is meant", cloudpath.ErrInvalidPath))
	case p.key != "" && c.has(optWholeBucket):
		return failure("remove", p, fmt.Errorf("%w here: %v, the path is no bucket", errors.ErrUnsupported, optWholeBucket))
	}
	s := store{k: k, p: p}
	keys := func(yield func(string, error) bool) {
		if p.key != "" && !strings.HasSuffix(p.key, "/") && !yield(p.key, nil) {
			return
		}
		var found bool
		for o, err := range allObjects(ctx, s, p.key, &found) {
			if !yield(o.Key, err) {
				return
			}
		}
	}
	err = tree.Delete(ctx, s, c.concurrency, keys)
	return failure("remove", p, p.named(err))
}

// RemoveMany removes exactly these objects, whatever their buckets, and of a
// path with a version that version: 1 request per 1,000. Missing ones are no
// error; those that could not be removed are named in it. The paths must be of
// this client.
func (c *Client) RemoveMany(ctx context.Context, paths iter.Seq[S3Path], opts ...RemoveOption) error {
	var (
		none = S3Path{client: c}
		k    *core
		call *call
		err  error
	)
	if k, err = c.use(ctx); err == nil {
		call, err = collect(nil, opts, RemoveOption.removeOption, optConcurrency|optMissingOK)
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: "s3://", Err: explain(none, err)}
	}
	if call.concurrency == 0 {
		call.concurrency = k.opts.workers()
	}
	err = tree.Each(ctx, call.concurrency, c.batches(paths), func(ctx context.Context, batch []S3Path) error {
		s := store{k: k, p: batch[0]}
		objects := make([]types.ObjectIdentifier, len(batch))
		for i, p := range batch {
			objects[i] = types.ObjectIdentifier{Key: aws.String(p.key), VersionId: text(p.version)}
		}
		failed, err := s.deleteMany(ctx, objects)
		if err != nil {
			return failure("remove", S3Path{client: c, bucket: batch[0].bucket}, err)
		}
		var all []error
		for _, p := range batch {
			if err, ok := failed[objectID{p.key, p.version}]; ok {
				all = append(all, failure("remove", p, err))
			}
		}
		return errors.Join(all...)
	})
	if err != nil {
		return &fs.PathError{Op: "remove", Path: "s3://", Err: err}
	}
	return nil
}

// batches groups paths by bucket, a thousand at most together.
func (c *Client) batches(paths iter.Seq[S3Path]) iter.Seq2[[]S3Path, error] {
	return func(yield func([]S3Path, error) bool) {
		waiting := map[string][]S3Path{}
		for p := range paths {
			err := p.check("remove")
			switch {
			case err != nil:
			case p.key == "":
				err = failure("remove", p, fmt.Errorf("%w: a bucket; Remove removes an empty one", cloudpath.ErrInvalidPath))
			case p.client.resolve() != c.resolve():
				err = failure("remove", p, fmt.Errorf("%w: the path is of another client", cloudpath.ErrInvalidPath))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			batch := append(waiting[p.bucket], p)
			if len(batch) == (store{}).MaxBatch() {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
			waiting[p.bucket] = batch
		}
		for _, batch := range waiting {
			if len(batch) > 0 && !yield(batch, nil) {
				return
			}
		}
	}
}
