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
// the error names each that failed. What is kept of each object is what Copy
// keeps.
func (p S3Path) CopyTree(ctx context.Context, dst S3Path, opts ...CopyOption) error {
	t, err := p.startCopy(ctx, dst, "copy", opts)
	if err != nil {
		return err
	}
	defer t.meter.end()
	_, err = t.tree(ctx, p, dst)
	switch {
	case errors.Is(err, errNoTree):
		if _, ferr := tree.Instead(ctx, store{k: t.k, p: p, ssec: t.c.sourceSSEC}, p.key); ferr == nil {
			err = cloudpath.ErrNotDirectory
		}
	case errors.Is(err, errItself):
		err = fmt.Errorf("%w: the copy would be the tree itself, unchanged", cloudpath.ErrInvalidPath)
	}
	return failure("copy", p, err)
}

var (
	// errNoTree tells "nothing there" from a failure on the way.
	errNoTree = &cause{text: "there is neither an object nor a directory of this name", is: []error{fs.ErrNotExist}}

	errItself = errors.New("the target is the source")
)

// moved is an object that was copied, and the ETag that it had.
type moved struct{ key, etag string }

// tree copies everything below src to below dst, and returns what was copied.
func (t *transport) tree(ctx context.Context, src, dst S3Path) (copied []moved, err error) {
	if t.c.has(optInfo) {
		return nil, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, optInfo)
	}
	if src.version != "" {
		return nil, fmt.Errorf("%w: a version is of one object, not of a tree", errors.ErrUnsupported)
	}
	var (
		mu    sync.Mutex
		found bool
	)
	t.large = make(chan struct{}, 1)
	g := graft{t: t, src: src, dst: dst, from: tree.DirPrefix(src.key), to: tree.DirPrefix(dst.key)}
	objects, err := g.check(ctx, allObjects(ctx, store{k: t.k, p: src}, src.key, &found))
	if err != nil {
		return nil, err
	}
	objects = planning(t.meter, objects, func(o tree.Object) int64 { return o.Size })
	err = tree.Each(ctx, t.c.concurrency, objects, func(ctx context.Context, o tree.Object) error {
		etag, err := g.object(ctx, o)
		if err != nil {
			a := src
			a.key = o.Key
			return failure("copy", a, err)
		}
		mu.Lock()
		defer mu.Unlock()
		copied = append(copied, moved{o.Key, etag})
		return nil
	})
	if err == nil && !found && src.key != "" { // a bucket is there without any object
		return nil, errNoTree
	}
	return copied, err
}

// graft is a tree on its way to another place.
type graft struct {
	t        *transport
	src, dst S3Path
	from, to string // the prefixes
	near     bool   // both are in one bucket
}

// check refuses a target inside of what would be copied. Where it cannot be
// told from the names, because the clients differ, whether both are in one
// bucket, that is found out with the first object.
func (g *graft) check(ctx context.Context, objects iter.Seq2[tree.Object, error]) (iter.Seq2[tree.Object, error], error) {
	overlap := strings.HasPrefix(g.to, g.from) || strings.HasPrefix(g.from, g.to)
	g.near = g.t.stay && g.src.bucket == g.dst.bucket
	if g.near || !overlap || !g.src.mayShare(g.dst) {
		return objects, g.within()
	}
	return func(yield func(tree.Object, error) bool) {
		asked := false
		for o, err := range objects {
			if err == nil && !asked {
				asked = true
				first := g.src
				first.key = o.Key
				if g.near, err = g.t.seenThere(ctx, first, g.dst); err == nil {
					err = g.within()
				}
				if err != nil {
					yield(tree.Object{}, err)
					return
				}
			}
			if !yield(o, err) {
				return
			}
		}
	}, nil
}

func (g *graft) within() error {
	switch {
	case g.near && g.to == g.from:
		return errItself
	case g.near && strings.HasPrefix(g.to, g.from):
		return fmt.Errorf("%w: %v lies inside of what would be copied", cloudpath.ErrInvalidPath, g.dst)
	}
	return nil
}

// object copies one object of the tree, and returns the ETag that it had.
func (g *graft) object(ctx context.Context, o tree.Object) (etag string, err error) {
	a, b := g.src, g.dst
	a.key, b.key = o.Key, g.to+o.Key[len(g.from):]
	switch {
	case g.near && strings.HasPrefix(b.key, g.from):
		return "", fmt.Errorf("%w: the target %v is itself among what is copied", cloudpath.ErrInvalidPath, b)
	case b.key == "" && o.Size == 0:
		g.t.meter.object(a, 0).finish()
		return o.ETag, nil // the marker of what becomes a bucket, which needs none
	case b.key == "":
		return "", fmt.Errorf("the target %v: %w, and a bucket has no body", b, cloudpath.ErrIsDirectory)
	}
	if err := b.check("copy"); err != nil {
		return "", err
	}
	m, err := g.t.object(ctx, a, b, &o)
	if !m.sure {
		m.etag = ""
	}
	return m.etag, err
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
