package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// UploadFrom copies a local file to this path, or a local directory's content
// below it.
//
// A file: 1 request up to the client's part size, n+2 for n parts beyond it. On
// a bucket or a path that ends in "/" it becomes an object of its own name
// there. A directory: its files in parallel, each as above; an empty directory
// makes nothing. Symbolic links are followed inside the directory; one that
// leads out of it is refused by name, as is what is neither file nor directory,
// when the rest is done.
func (p S3Path) UploadFrom(ctx context.Context, local string, opts ...WriteOption) error {
	k, c, err := startWrite(ctx, p, "upload", opts, writeOptions)
	if err != nil {
		return err
	}
	st, err := os.Stat(local)
	if err != nil {
		return failure("upload", p, err)
	}
	m := c.meter(p)
	defer m.end()
	if !st.IsDir() {
		to := p
		if p.key == "" || strings.HasSuffix(p.key, "/") {
			to = p.Child(filepath.Base(local))
		}
		c.gauge = m.only(to)
		return failure("upload", to, to.uploadFile(ctx, k, c, func() (*os.File, error) { return os.Open(local) }))
	}
	if p.version != "" {
		return failure("upload", p, fmt.Errorf("%w: a version cannot be written to", errors.ErrUnsupported))
	}
	if c.has(optInfo | optIfMatch) {
		return failure("upload", p, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, c.set&(optInfo|optIfMatch)))
	}
	root, err := os.OpenRoot(local)
	if err != nil {
		return failure("upload", p, err)
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	err = tree.Each(ctx, c.concurrency, m.measure(root, localFiles(root)), func(ctx context.Context, f localFile) error {
		if f.err != nil {
			return f.err
		}
		to := p.Child(filepath.ToSlash(f.name))
		one := *c
		one.gauge = m.object(to, f.size)
		err := to.uploadFile(ctx, k, &one, func() (*os.File, error) { return root.Open(f.at) })
		return failure("upload", to, err)
	})
	return failure("upload", p, err)
}

func (p S3Path) uploadFile(ctx context.Context, k *core, c *call, open func() (*os.File, error)) error {
	if err := p.check("upload"); err != nil {
		return err
	}
	if err := p.writable(); err != nil {
		return err
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read
	if body, size, ok := atHand(f); ok {
		return p.put(ctx, k, c, body, size)
	}
	_, err = p.putStream(ctx, k, c, f)
	return err
}

// localFile is a file below a local directory, or the reason why one is none.
type localFile struct {
	name string // relative to the directory
	at   string // where it is: the same, but for what a link with an absolute target leads to
	size int64  // where it was measured
	err  error
}

// measure looks at all files before the first is moved, when there is a meter to
// tell how much they are.
func (m *meter) measure(root *os.Root, files iter.Seq2[localFile, error]) iter.Seq2[localFile, error] {
	if m == nil {
		return files
	}
	var all []localFile
	for f, err := range files {
		if f.err = errors.Join(f.err, err); f.err == nil {
			if st, err := root.Stat(f.at); err == nil {
				f.size = st.Size()
			}
			m.plan(1, f.size)
		}
		all = append(all, f)
	}
	m.planned()
	return sequence(all)
}

// localFiles walks a directory. Links are followed as far as they do not lead
// out of it, nor in a circle.
func localFiles(root *os.Root) func(yield func(localFile, error) bool) {
	return func(yield func(localFile, error) bool) {
		w := fileWalk{root: root, yield: yield}
		w.dir(".", ".", nil)
	}
}

type fileWalk struct {
	root  *os.Root
	yield func(localFile, error) bool
}

// refuse reports what is no file to upload.
func (w fileWalk) refuse(name string, err error) bool {
	return w.yield(localFile{err: fmt.Errorf("%s: %w", filepath.Join(w.root.Name(), name), err)}, nil)
}

// dir walks the directory name, which is found at at; above are those that it
// is in. It is false when the loop was left.
func (w fileWalk) dir(name, at string, above []os.FileInfo) bool {
	entries, here, err := readDir(w.root, at)
	if err != nil {
		return w.refuse(name, err)
	}
	for _, seen := range above {
		if os.SameFile(seen, here) {
			return w.refuse(name, errors.New("the link leads in a circle"))
		}
	}
	above = append(above[:len(above):len(above)], here)
	for _, e := range entries {
		if !w.entry(filepath.Join(name, e.Name()), filepath.Join(at, e.Name()), e.Type(), above) {
			return false
		}
	}
	return true
}

func (w fileWalk) entry(name, at string, mode fs.FileMode, above []os.FileInfo) bool {
	if mode&fs.ModeSymlink != 0 {
		st, target, err := w.follow(at)
		if err != nil {
			return w.refuse(name, fmt.Errorf("the link is broken or leads out of the directory: %w", err))
		}
		mode, at = st.Mode().Type(), target
	}
	switch {
	case mode.IsDir():
		return w.dir(name, at, above)
	case mode.IsRegular():
		return w.yield(localFile{name: name, at: at}, nil)
	}
	return w.refuse(name, errors.New("it is neither a file nor a directory"))
}

// follow finds what a link leads to. os.Root takes no link with an absolute
// target, wherever that is: one inside the directory is spelled relative to it.
func (w fileWalk) follow(at string) (os.FileInfo, string, error) {
	st, err := w.root.Stat(at)
	if err == nil {
		return st, at, nil
	}
	top, terr := filepath.EvalSymlinks(w.root.Name())
	full, ferr := filepath.EvalSymlinks(filepath.Join(w.root.Name(), at))
	if terr != nil || ferr != nil {
		return nil, "", err
	}
	rel, rerr := filepath.Rel(top, full)
	if rerr != nil || !filepath.IsLocal(rel) {
		return nil, "", err
	}
	st, err = w.root.Stat(rel)
	return st, rel, err
}

func readDir(root *os.Root, dir string) ([]fs.DirEntry, os.FileInfo, error) {
	f, err := root.Open(dir)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = f.Close() }() // only read
	here, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	entries, err := f.ReadDir(-1)
	return entries, here, err
}
