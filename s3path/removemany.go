package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// RemoveAll removes the object with this key and everything below the path as a
// directory: 1 request per 1,000 keys to list and 1 per 1,000 to delete, which
// overlap. Nothing there is no error. A bucket is emptied, and stays, only with
// WithWholeBucket; in a bucket with versions each object gets a delete marker.
// Keys that could not be removed are named in the error.
//
// A server that does not offer to delete many at once, and a key that XML cannot
// carry, cost 1 request for each key.
func (p S3Path) RemoveAll(ctx context.Context, opts ...RemoveOption) error {
	k, c, err := startRemove(ctx, p, "remove", opts, optWholeBucket|optConcurrency|optMissingOK|optProgress)
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
	s := store{k: k, p: p, slots: make(slots, c.concurrency)}
	keys := func(yield func(string, error) bool) {
		if p.key != "" && !strings.HasSuffix(p.key, "/") && !yield(p.key, nil) {
			return
		}
		var found bool
		for o, err := range allObjects(ctx, s, p.key, &found) {
			if isMissing(err) { // the bucket, with all that is in it
				return
			}
			if !yield(o.Key, err) {
				return
			}
		}
	}
	m := c.meter(p)
	defer m.end()
	err = tree.Delete(ctx, counting{s, m}, c.concurrency, planning(m, keys, weightless))
	if own := failureOf(err, p.key); own != nil && !strings.HasSuffix(p.key, "/") {
		// Whether there is an object of the path's own key was not known. Some
		// servers refuse to delete what is only a directory.
		if _, there, perr := s.present(ctx, p); perr == nil && !there {
			err = without(err, own)
			m.removed(p, 1) // gone as it should be
		}
	}
	return failure("remove", p, p.named(err))
}

// RemoveMany removes exactly these objects, whatever their buckets, and of a
// path with a version that version: 1 request per 1,000. Missing ones are no
// error; those that could not be removed are named in it, and the others are
// removed all the same. A path of another client, and a bucket, is refused as
// cloudpath.ErrInvalidPath.
func (c *Client) RemoveMany(ctx context.Context, paths iter.Seq[S3Path], opts ...RemoveOption) error {
	var (
		none = S3Path{client: c}
		k    *core
		call *call
		err  error
	)
	if err = ctx.Err(); err == nil {
		k, err = c.use(ctx)
	}
	if err == nil {
		call, err = collect(nil, opts, RemoveOption.removeOption, optConcurrency|optMissingOK|optProgress)
	}
	if err != nil {
		return &fs.PathError{Op: "remove", Path: "s3://", Err: explain(none, err)}
	}
	if call.concurrency == 0 {
		call.concurrency = k.opts.workers()
	}
	m := call.meter(none)
	defer m.end()
	room := make(slots, call.concurrency)
	err = tree.Each(ctx, call.concurrency, c.batches(m.planPaths(paths)), func(ctx context.Context, b batch) error {
		if b.refused != nil {
			return b.refused
		}
		s := store{k: k, p: b.paths[0], slots: room}
		objects := make([]types.ObjectIdentifier, len(b.paths))
		for i, p := range b.paths {
			objects[i] = types.ObjectIdentifier{Key: aws.String(p.key), VersionId: text(p.version)}
		}
		failed, err := s.deleteMany(ctx, objects)
		if err != nil {
			return failure("remove", S3Path{client: c, bucket: s.p.bucket}, err)
		}
		m.removed(b.paths[len(b.paths)-1], len(b.paths)-len(failed))
		var all []error
		for _, p := range b.paths {
			if err, ok := failed[objectID{p.key, p.version}]; ok {
				all = append(all, failure("remove", p, err))
			}
		}
		return errors.Join(all...)
	})
	if err != nil {
		return &fs.PathError{Op: "remove", Path: "s3://", Err: explain(none, err)}
	}
	return nil
}

// counting counts what a store has deleted.
type counting struct {
	store
	m *meter
}

func (c counting) Delete(ctx context.Context, keys []string) (map[string]error, error) {
	failed, err := c.store.Delete(ctx, keys)
	if err == nil {
		last := c.store.p
		last.key, last.version = keys[len(keys)-1], ""
		c.m.removed(last, len(keys)-len(failed))
	}
	return failed, err
}

// weightless: removing an object moves none of its bytes.
func weightless(string) int64 { return 0 }

// planPaths plans paths as they come.
func (m *meter) planPaths(paths iter.Seq[S3Path]) iter.Seq[S3Path] {
	if m == nil {
		return paths
	}
	return func(yield func(S3Path) bool) {
		for p := range paths {
			m.plan(1, 0)
			if !yield(p) {
				return
			}
		}
		m.planned()
	}
}

// batch is paths of one bucket, a thousand at most, or why a path is refused.
type batch struct {
	paths   []S3Path
	refused error
}

// batches groups paths by bucket.
func (c *Client) batches(paths iter.Seq[S3Path]) iter.Seq2[batch, error] {
	return func(yield func(batch, error) bool) {
		waiting := map[string][]S3Path{}
		for p := range paths {
			if err := c.removable(p); err != nil {
				if !yield(batch{refused: err}, nil) {
					return
				}
				continue
			}
			full := append(waiting[p.bucket], p)
			if len(full) == (store{}).MaxBatch() {
				if !yield(batch{paths: full}, nil) {
					return
				}
				full = nil
			}
			waiting[p.bucket] = full
		}
		for _, rest := range waiting {
			if len(rest) > 0 && !yield(batch{paths: rest}, nil) {
				return
			}
		}
	}
}

// removable refuses what RemoveMany is not for.
func (c *Client) removable(p S3Path) error {
	err := p.check("remove")
	switch {
	case err != nil:
		return err
	case p.key == "":
		err = fmt.Errorf("%w: a bucket; Remove removes an empty one", cloudpath.ErrInvalidPath)
	case p.client.resolve() != c.resolve():
		err = fmt.Errorf("%w: the path is of another client", cloudpath.ErrInvalidPath)
	}
	return failure("remove", p, err)
}
