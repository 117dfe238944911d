package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	if !st.IsDir() {
		to := p
		if p.key == "" || strings.HasSuffix(p.key, "/") {
			to = p.Child(filepath.Base(local))
		}
		return failure("upload", to, to.uploadFile(ctx, k, c, func() (*os.File, error) { return os.Open(local) }))
	}
	if c.has(optInfo | optIfMatch) {
		return failure("upload", p, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, c.set&(optInfo|optIfMatch)))
	}
	root, err := os.OpenRoot(local)
	if err != nil {
		return failure("upload", p, err)
	}
	defer func() { _ = root.Close() }() // nothing was written through it
	err = tree.Each(ctx, c.concurrency, localFiles(root), func(ctx context.Context, f localFile) error {
		if f.err != nil {
			return f.err
		}
		to := p.Child(filepath.ToSlash(f.name))
		one := *c
		err := to.uploadFile(ctx, k, &one, func() (*os.File, error) { return root.Open(f.name) })
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
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() {
		_, err := p.putStream(ctx, k, c, f)
		return err
	}
	return p.put(ctx, k, c, io.NewSectionReader(f, 0, st.Size()), st.Size())
}

// localFile is a file below a local directory, or the reason why one is none.
type localFile struct {
	name string
	err  error
}

// localFiles walks a directory. Links are followed as far as os.Root lets them:
// not out of it, and not in a circle.
func localFiles(root *os.Root) func(yield func(localFile, error) bool) {
	return func(yield func(localFile, error) bool) {
		var walk func(dir string, above []os.FileInfo) bool
		walk = func(dir string, above []os.FileInfo) bool {
			refuse := func(name string, err error) bool {
				return yield(localFile{err: fmt.Errorf("%s: %w", filepath.Join(root.Name(), name), err)}, nil)
			}
			entries, here, err := readDir(root, dir)
			if err != nil {
				return refuse(dir, err)
			}
			for _, seen := range above {
				if os.SameFile(seen, here) {
					return refuse(dir, errors.New("the link leads in a circle"))
				}
			}
			above = append(above[:len(above):len(above)], here)
			for _, e := range entries {
				name := filepath.Join(dir, e.Name())
				mode := e.Type()
				if mode&fs.ModeSymlink != 0 {
					st, err := root.Stat(name)
					if err != nil {
						if !refuse(name, fmt.Errorf("the link is broken or leads out of the directory: %w", err)) {
							return false
						}
						continue
					}
					mode = st.Mode().Type()
				}
				ok := true
				switch {
				case mode.IsDir():
					ok = walk(name, above)
				case mode.IsRegular():
					ok = yield(localFile{name: name}, nil)
				default:
					ok = refuse(name, errors.New("it is neither a file nor a directory"))
				}
				if !ok {
					return false
				}
			}
			return true
		}
		walk(".", nil)
	}
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
