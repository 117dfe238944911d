package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// localTree is what a tree becomes on disk, by path relative to its root.
type localTree struct {
	p       S3Path
	base    string // the directory prefix
	objects []tree.Object
	dirs    map[string]bool
	unsafe  []error // what must not become a name on disk
	bodies  []error // markers that a directory cannot stand for
}

// add takes a listed key in.
func (t *localTree) add(o tree.Object) {
	uri := fmt.Sprintf("s3://%s/%s", t.p.bucket, o.Key)
	rel := o.Key[len(t.base):]
	dir, marker := strings.CutSuffix(rel, "/")
	marker = marker || rel == ""
	if marker && o.Size > 0 {
		t.bodies = append(t.bodies, fmt.Errorf("%q: it stands for a directory and has %d bytes, which no local directory can hold", uri, o.Size))
	}
	if rel == "" {
		return // the tree's own marker
	}
	if marker {
		rel = dir
	}
	if _, err := localName(rel); err != nil {
		t.unsafe = append(t.unsafe, fmt.Errorf("%w: %q", cloudpath.ErrUnsafeName, uri))
		return
	}
	if marker {
		t.dirs[rel] = true
	} else {
		t.objects = append(t.objects, o)
	}
	addAbove(t.dirs, rel)
}

// addAbove adds the directories above a relative path.
func addAbove(dirs map[string]bool, rel string) {
	for i := range len(rel) {
		if rel[i] == '/' {
			dirs[rel[:i]] = true
		}
	}
}

// errBoth is why an object beside a directory of its name is not written to a disk.
var errBoth = errors.New("it has the name of a directory, and cannot be both on a disk")

// listTree lists a whole tree before anything of it is written.
func (p S3Path) listTree(ctx context.Context, k *core) (*localTree, error) {
	t := &localTree{p: p, base: tree.DirPrefix(p.key), dirs: map[string]bool{}}
	found, err := tree.Scan(ctx, store{k: k, p: p}, p.key, nil, tree.Listing{Markers: true, Self: true}, func(item tree.Item) tree.Verdict {
		t.add(item.Object)
		return tree.Continue
	})
	switch {
	case err != nil:
		return nil, err
	case !found && p.key != "":
		return nil, fs.ErrNotExist
	case len(t.unsafe) > 0:
		return nil, errors.Join(t.unsafe...)
	}
	return t, nil
}

func (p S3Path) downloadTree(ctx context.Context, k *core, c *call, m *meter, local string) error {
	t, err := p.listTree(ctx, k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(local, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(local)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // a handle for names; nothing is written through it
	wrong := t.bodies
	for dir := range t.dirs {
		name, err := localName(dir)
		if err == nil {
			err = root.MkdirAll(name, 0o777)
		}
		wrong = append(wrong, err)
	}
	for _, o := range t.objects {
		m.plan(1, o.Size)
	}
	m.planned()
	d := &download{k: k, slots: make(chan struct{}, c.concurrency)}
	err = tree.Each(ctx, c.concurrency, sequence(t.objects), func(ctx context.Context, found tree.Object) error {
		from := p
		from.key, from.version = found.Key, ""
		rel := found.Key[len(t.base):]
		if t.dirs[rel] {
			return failure("download", from, errBoth)
		}
		name, err := localName(rel)
		if err == nil {
			err = d.fetch(ctx, from, c.ssec, root, name, m.object(from, found.Size))
		}
		return failure("download", from, err)
	})
	return errors.Join(append(wrong, err)...)
}

// fetch is one object of a tree.
func (d *download) fetch(ctx context.Context, from S3Path, ssec customerKey, root *os.Root, name string, g *gauge) error {
	select {
	case d.slots <- struct{}{}: // given back by whoever holds one: parts wait for nothing
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-d.slots }()
	got, err := from.beside(ctx, d.k, &call{ssec: ssec}, func(o *object, etag string) (*stream, error) { return o.open(ctx, etag) })
	if err != nil {
		return err
	}
	defer func() { _ = got.close() }() // nothing, unless it came to nothing
	got.o.gauge = g
	return d.object(ctx, got, root, name)
}

// sequence is a slice as a listing.
func sequence[T any](items []T) func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}
