package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"strings"
	"sync"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// CopyTree copies everything below the path to below dst, markers included:
// 1 request per 1,000 keys and 1 for each object, many at once. A missing tree
// is fs.ErrNotExist, a file cloudpath.ErrNotDirectory; a tree into itself is
// cloudpath.ErrInvalidPath. When some objects fail, the others are copied and
// the error names each that failed.
func (p S3Path) CopyTree(ctx context.Context, dst S3Path, opts ...CopyOption) error {
	t, err := p.startCopy(ctx, dst, "copy", opts)
	if err != nil {
		return err
	}
	_, err = t.tree(ctx, p, dst)
	if errors.Is(err, errNoTree) {
		if _, herr := (store{k: t.k, p: p}).Head(ctx, strings.TrimSuffix(p.key, "/")); herr == nil {
			err = cloudpath.ErrNotDirectory
		}
	}
	return failure("copy", p, err)
}

// Rename moves an object, or everything below the path where there is no object
// of exactly this key or the path ends in "/". It copies, makes sure, then
// deletes: an object costs 2 requests, a tree 1 per 1,000 keys, 1 for each
// object and 1 per 1,000 deletions. S3 cannot rename, so a reader may see both
// for a while, never neither.
//
// A missing source is fs.ErrNotExist and leaves the target alone. An object
// that is the target is replaced. Onto itself nothing happens; a tree into
// itself is cloudpath.ErrInvalidPath. When some objects of a tree fail, the
// error names each; their sources stay. An error after the copy says that the
// source is still there: to rename again finishes it.
func (p S3Path) Rename(ctx context.Context, dst S3Path, opts ...CopyOption) error {
	t, err := p.startCopy(ctx, dst, "rename", opts)
	if err != nil {
		return err
	}
	if p.version != "" {
		return failure("rename", p, fmt.Errorf("%w: a version cannot be renamed; copy it", errors.ErrUnsupported))
	}
	if p.same(dst) {
		return nil
	}
	if p.key == "" {
		return failure("rename", p, fmt.Errorf("%w: a bucket cannot be renamed; CopyTree copies what it holds", cloudpath.ErrInvalidPath))
	}
	if !strings.HasSuffix(p.key, "/") {
		err := p.renameObject(ctx, t, dst)
		if !errors.Is(err, errNoObject) {
			return failure("rename", p, err)
		}
	}
	return failure("rename", p, p.renameTree(ctx, t, dst))
}

// errNoObject and errNoTree tell "nothing there" from a failure on the way.
var (
	errNoObject = &cause{text: "there is no such object", is: []error{fs.ErrNotExist}}
	errNoTree   = &cause{text: "there is neither an object nor a directory of this name", is: []error{fs.ErrNotExist}}
)

func (p S3Path) renameObject(ctx context.Context, t *transport, dst S3Path) error {
	wrong := p.copyable(dst)
	if wrong != nil {
		// The source may be a tree, for which this target would be right.
		if _, err := t.head(ctx, p); isMissing(err) && code(err) != "NoSuchBucket" {
			return errNoObject
		}
		return wrong
	}
	if err := t.object(ctx, p, dst, nil); err != nil {
		if isMissing(err) && code(err) != "NoSuchBucket" {
			return errNoObject
		}
		return err
	}
	failed, err := store{k: t.k, p: p}.deleteKeys(ctx, p.key)
	if err == nil {
		err = failed[p.key]
	}
	if err != nil {
		return fmt.Errorf("copied to %v, but the source could not be removed: %w", dst, err)
	}
	return nil
}

func (p S3Path) renameTree(ctx context.Context, t *transport, dst S3Path) error {
	if t.c.has(optInfo) {
		return fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, optInfo)
	}
	copied, err := t.tree(ctx, p, dst)
	if len(copied) == 0 {
		return err
	}
	derr := tree.Delete(ctx, store{k: t.k, p: p}, t.c.concurrency, sequence(copied))
	if derr != nil {
		derr = fmt.Errorf("copied to %v, but these sources could not be removed: %w", dst, p.named(derr))
	}
	return errors.Join(err, derr)
}

// tree copies everything below src to below dst, and returns the keys that were
// copied.
func (t *transport) tree(ctx context.Context, src, dst S3Path) (copied []string, err error) {
	if t.c.has(optInfo) {
		return nil, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, optInfo)
	}
	from, to := tree.DirPrefix(src.key), tree.DirPrefix(dst.key)
	near := t.stay && src.bucket == dst.bucket
	if near && strings.HasPrefix(to, from) {
		return nil, fmt.Errorf("%w: %v lies inside of what would be copied", cloudpath.ErrInvalidPath, dst)
	}
	var (
		mu    sync.Mutex
		found bool
	)
	s := store{k: t.k, p: src}
	err = tree.Each(ctx, t.c.concurrency, allObjects(ctx, s, src.key, &found), func(ctx context.Context, o tree.Object) error {
		a, b := src, dst
		a.key, a.version = o.Key, ""
		b.key, b.version = to+o.Key[len(from):], ""
		var err error
		if near && strings.HasPrefix(b.key, from) {
			err = fmt.Errorf("%w: the target %v is itself among what is copied", cloudpath.ErrInvalidPath, b)
		} else {
			err = errors.Join(b.check("copy"))
			if err == nil {
				err = t.object(ctx, a, b, &o)
			}
		}
		if err != nil {
			return failure("copy", a, err)
		}
		mu.Lock()
		defer mu.Unlock()
		copied = append(copied, o.Key)
		return nil
	})
	if err == nil && !found {
		return nil, errNoTree
	}
	return copied, err
}

// allObjects lists every object below key, all markers included.
func allObjects(ctx context.Context, s store, key string, found *bool) iter.Seq2[tree.Object, error] {
	return func(yield func(tree.Object, error) bool) {
		stopped := false
		some, err := tree.Scan(ctx, s, key, nil, tree.Listing{Markers: true, Self: true}, func(item tree.Item) tree.Verdict {
			*found = true
			if !yield(item.Object, nil) {
				stopped = true
				return tree.Stop
			}
			return tree.Continue
		})
		*found = *found || some
		if err != nil && !stopped {
			yield(tree.Object{}, err)
		}
	}
}

// named turns the keys of a bulk failure into paths.
func (p S3Path) named(err error) error {
	var one *tree.Failure
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, p.named(e))
		}
		return errors.Join(out...)
	}
	if errors.As(err, &one) {
		q := p
		q.key, q.version = one.Key, ""
		return failure("remove", q, one.Err)
	}
	return err
}
