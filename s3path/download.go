package s3path

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// DownloadTo copies an object to a local file, or everything below the path
// into a local directory. Missing parents are created.
//
// An object: 1 GET, and for a large one further ranges in parallel. Where local
// is a directory, or ends in a separator, the file is local/Name. The bytes go
// to a temporary file beside the target, which takes the target's name when it
// is complete and on the disk: a failed download leaves the old file as it was,
// and nothing else. The file's time is the object's.
//
// A tree (where there is no object of exactly this key, or the path ends in
// "/"): 1 request per 1,000 keys and 1 per object. Empty markers become
// directories. A key that cannot be a file name below local is
// cloudpath.ErrUnsafeName, before anything is written; a marker with a body,
// and an object that has the name of a directory, are reported by key when the
// rest is done.
func (p S3Path) DownloadTo(ctx context.Context, local string, opts ...ReadOption) error {
	k, c, err := startRead(ctx, p, "download", opts, readOptions|optConcurrency)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(p.key, "/") && p.key != "" {
		err := p.downloadObject(ctx, k, c, local)
		if !errors.Is(err, cloudpath.ErrIsDirectory) {
			return failure("download", p, err)
		}
	}
	if c.has(readOptions &^ optSSEC) {
		return failure("download", p, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, c.set&(readOptions&^optSSEC)))
	}
	return failure("download", p, p.downloadTree(ctx, k, c, local))
}

func (p S3Path) downloadObject(ctx context.Context, k *core, c *call, local string) error {
	o := &object{k: k, p: p, ssec: c.ssec}
	s, err := o.open(ctx, c.ifMatch)
	if err != nil {
		if isMissing(err) && p.version == "" && code(err) != "NoSuchBucket" {
			// A directory is found by the listing that downloads it.
			return errors.Join(cloudpath.ErrIsDirectory, err)
		}
		return err
	}
	defer func() { _ = s.Close() }() // everything wanted was read
	dir, name := filepath.Split(local)
	if st, err := os.Stat(local); name == "" || err == nil && st.IsDir() {
		if _, err := localName(p.Name()); err != nil {
			return err
		}
		dir, name = local, p.Name()
	}
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // a handle for names; nothing is written through it
	d := &download{k: k, slots: make(chan struct{}, c.parts(k)-1), sync: true}
	for retry := 0; ; retry++ {
		err = d.object(ctx, o, s, root, name)
		if !errors.Is(err, cloudpath.ErrChanged) || retry == 2 || p.version != "" || c.ifMatch != "" {
			break
		}
		// It was replaced meanwhile: begin again with what is there now.
		_ = s.Close()
		if s, err = o.open(ctx, ""); err != nil {
			return err
		}
	}
	if err == nil && c.info != nil {
		*c.info = o.info
	}
	return err
}

// localName is a key's name, or relative path, as a local one. filepath.Localize
// refuses what would lead out of a directory, and what this system reserves.
func localName(rel string) (string, error) {
	name, err := filepath.Localize(rel)
	if err != nil || rel == "." {
		return "", fmt.Errorf("%w: %q", cloudpath.ErrUnsafeName, rel)
	}
	return name, nil
}

// download is one DownloadTo.
type download struct {
	k     *core
	slots chan struct{} // room for requests beside the first of each object
	sync  bool
}

// object writes an object to root/name; s is the GET that has just answered.
func (d *download) object(ctx context.Context, o *object, s *stream, root *os.Root, name string) (err error) {
	dir := filepath.Dir(name)
	temporary := filepath.Join(dir, ".cloudpath-"+rand.Text()+".part")
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(root.Remove(temporary)))
		}
	}()
	err = d.parts(ctx, o, s, f)
	if err == nil && d.sync {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := root.Chtimes(temporary, time.Time{}, o.info.modTime); err != nil {
		return err
	}
	return root.Rename(temporary, name)
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// parts fills f. The GET in hand reads parts from the front, further ranged
// GETs from the back, until they meet: the first connection works to the end,
// and an object of one part is one request.
func (d *download) parts(ctx context.Context, o *object, s *stream, f *os.File) error {
	partSize := d.k.opts.partSize
	n := (o.info.size + partSize - 1) / partSize
	if n <= 1 {
		return errors.Join(d.copy(f, 0, s), s.drained())
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		mu          sync.Mutex
		front, back = int64(0), n // parts in [front, back) are nobody's yet
		wg          sync.WaitGroup
	)
	claim := func(fromBack bool) (int64, bool) {
		mu.Lock()
		defer mu.Unlock()
		if front >= back {
			return 0, false
		}
		if fromBack {
			back--
			return back, true
		}
		front++
		return front - 1, true
	}
	for range n - 1 {
		select {
		case d.slots <- struct{}{}:
		default:
			continue
		}
		wg.Go(func() {
			defer func() { <-d.slots }()
			for {
				i, ok := claim(true)
				if !ok || ctx.Err() != nil {
					return
				}
				part := o.stream(ctx, i*partSize, min((i+1)*partSize, o.info.size))
				err := d.copy(f, i*partSize, part)
				if err == nil {
					err = part.drained()
				}
				if err = errors.Join(err, part.Close()); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	for ctx.Err() == nil {
		i, ok := claim(false)
		if !ok {
			break
		}
		end := min((i+1)*partSize, o.info.size)
		if err := d.copy(f, i*partSize, io.LimitReader(s, end-i*partSize)); err != nil {
			cancel(err)
			break
		}
		if end == o.info.size {
			if err := s.drained(); err != nil {
				cancel(err)
			}
		}
		if s.off != end && ctx.Err() == nil {
			cancel(fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, s.off, o.info.size))
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

func (d *download) copy(f *os.File, off int64, r io.Reader) error {
	buf := d.k.buffer()
	defer d.k.putBuffer(buf)
	_, err := io.CopyBuffer(io.NewOffsetWriter(f, off), struct{ io.Reader }{r}, *buf)
	return err
}

// ---- trees

func (p S3Path) downloadTree(ctx context.Context, k *core, c *call, local string) error {
	var (
		s       = store{k: k, p: p}
		base    = tree.DirPrefix(p.key)
		objects []tree.Object
		dirs    = map[string]bool{}
		unsafe  []error
		reports []error
	)
	found, err := tree.Scan(ctx, s, p.key, nil, tree.Listing{Markers: true, Self: true}, func(item tree.Item) tree.Verdict {
		rel := item.Key[len(base):]
		if dir, ok := strings.CutSuffix(rel, "/"); ok || rel == "" {
			if item.Object.Size > 0 {
				reports = append(reports, fmt.Errorf("s3://%s/%s: it stands for a directory and has %d bytes, which no local directory can hold", p.bucket, item.Key, item.Object.Size))
			}
			if rel = dir; rel == "" {
				return tree.Continue
			}
			dirs[rel] = true
		} else {
			objects = append(objects, item.Object)
		}
		if _, err := localName(rel); err != nil {
			unsafe = append(unsafe, fmt.Errorf("s3://%s/%s: %w", p.bucket, item.Key, err))
			return tree.Continue
		}
		for i := range len(rel) {
			if rel[i] == '/' {
				dirs[rel[:i]] = true
			}
		}
		return tree.Continue
	})
	switch {
	case err != nil:
		return err
	case !found && p.key != "":
		return fs.ErrNotExist
	case len(unsafe) > 0:
		return errors.Join(unsafe...)
	}
	if err := os.MkdirAll(local, 0o777); err != nil {
		return err
	}
	root, err := os.OpenRoot(local)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // a handle for names; nothing is written through it
	for dir := range dirs {
		name, err := localName(dir)
		if err == nil {
			err = root.MkdirAll(name, 0o777)
		}
		if err != nil {
			return err
		}
	}
	d := &download{k: k, slots: make(chan struct{}, c.concurrency)}
	err = tree.Each(ctx, c.concurrency, sequence(objects), func(ctx context.Context, found tree.Object) error {
		from := p
		from.key, from.version = found.Key, ""
		rel := found.Key[len(base):]
		if dirs[rel] {
			return fmt.Errorf("%v: it has the name of a directory, and cannot be both on a disk", from)
		}
		name, err := localName(rel)
		if err != nil {
			return err
		}
		return failure("download", from, d.fetch(ctx, from, c.ssec, root, name))
	})
	return errors.Join(append([]error{err}, reports...)...)
}

// fetch is one object of a tree.
func (d *download) fetch(ctx context.Context, from S3Path, ssec customerKey, root *os.Root, name string) error {
	d.slots <- struct{}{} // given back by whoever holds one: parts wait for nothing
	defer func() { <-d.slots }()
	o := &object{k: d.k, p: from, ssec: ssec}
	s, err := o.open(ctx, "")
	if err != nil {
		return err
	}
	return errors.Join(d.object(ctx, o, s, root, name), s.Close())
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
