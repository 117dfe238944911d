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
// "/"): 1 request per 1,000 keys and 1 per object, and without the "/" 1 to see
// that there is no such object. Nothing there is fs.ErrNotExist. Empty markers become
// directories. A key that cannot be a file name below local is
// cloudpath.ErrUnsafeName, before anything is written; a marker with a body,
// and an object that has the name of a directory, are reported by key when the
// rest is done.
func (p S3Path) DownloadTo(ctx context.Context, local string, opts ...ReadOption) error {
	k, c, err := startRead(ctx, p, "download", opts, readOptions|optConcurrency|optProgress)
	if err != nil {
		return err
	}
	m := c.meter(p)
	defer m.end()
	if local == "" {
		return failure("download", p, fmt.Errorf("%w: the local name is empty", fs.ErrInvalid))
	}
	if !strings.HasSuffix(p.key, "/") && p.key != "" {
		err := p.downloadObject(ctx, k, c, m, local)
		if !errors.Is(err, cloudpath.ErrIsDirectory) {
			return failure("download", p, err)
		}
	}
	if c.has(readOptions &^ optSSEC) {
		if err := p.mayBeTree(ctx, k); err != nil {
			return failure("download", p, err)
		}
		return failure("download", p, fmt.Errorf("%w for a tree: %v", errors.ErrUnsupported, c.set&(readOptions&^optSSEC)))
	}
	if p.version != "" {
		return failure("download", p, fmt.Errorf("%w: a version is of one object", errors.ErrUnsupported))
	}
	return failure("download", p, p.downloadTree(ctx, k, c, m, local))
}

// mayBeTree is fs.ErrNotExist when neither an object nor a directory is there,
// before an option is refused that only an object can honour: the object is what
// is missing then. Whoever asks knows already that there is no object.
func (p S3Path) mayBeTree(ctx context.Context, k *core) error {
	if p.key == "" || strings.HasSuffix(p.key, "/") {
		return nil // it is spelled as a directory
	}
	dir, err := tree.IsDir(ctx, store{k: k, p: p}, p.key)
	if err == nil && !dir {
		err = errNoTree
	}
	return err
}

func (p S3Path) downloadObject(ctx context.Context, k *core, c *call, m *meter, local string) error {
	got, err := p.beside(ctx, k, c, func(o *object, etag string) (*stream, error) { return o.open(ctx, etag) })
	if err != nil {
		if isMissing(err) && p.version == "" && code(err) != "NoSuchBucket" {
			// A directory is found by the listing that downloads it.
			return errors.Join(cloudpath.ErrIsDirectory, err)
		}
		return err
	}
	defer func() { _ = got.close() }() // nothing, unless it came to nothing
	got.o.gauge = m.only(p)
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
	d := &download{k: k, slots: make(chan struct{}, c.parts(k)-1), sync: true, ifMatch: c.ifMatch}
	err = d.object(ctx, got, root, name)
	if err == nil && c.info != nil {
		*c.info = got.o.info
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
	k       *core
	slots   chan struct{} // room for requests beside the first of each object
	sync    bool
	ifMatch string // what the caller wants; nothing else will do then
}

// object writes an object to root/name; got is its copy or the GET that has just
// answered, and is closed. When the object is replaced meanwhile it begins again
// with what is there now, as often as a request is tried.
func (d *download) object(ctx context.Context, got *reading, root *os.Root, name string) error {
	o, s := got.o, got.s
	if got.f != nil {
		buf := d.k.buffer()
		defer d.k.putBuffer(buf)
		err := d.attempt(o, root, name, func(f *os.File) error { return copyAt(ctx, f, 0, got.f, o.gauge, *buf) })
		if err == nil {
			o.gauge.finish()
		}
		return err
	}
	for try := 1; ; try++ {
		err := d.attempt(o, root, name, func(f *os.File) error { return d.parts(ctx, o, s, f) })
		_ = s.Close() // everything wanted was read
		if err == nil {
			o.gauge.finish()
		}
		if !errors.Is(err, cloudpath.ErrChanged) || try >= d.k.tries || o.p.version != "" || d.ifMatch != "" {
			return err
		}
		if s, err = o.open(ctx, ""); err != nil {
			return err
		}
	}
}

// attempt writes one version of an object to root/name.
func (d *download) attempt(o *object, root *os.Root, name string, fill func(f *os.File) error) (err error) {
	temporary := filepath.Join(filepath.Dir(name), ".cloudpath-"+rand.Text()+".part")
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(root.Remove(temporary)))
		}
	}()
	o.gauge.expect(o.info.size)
	err = fill(f)
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
func (d *download) parts(ctx context.Context, o *object, s *stream, f io.WriterAt) error {
	partSize := d.k.opts.partSize
	last := (o.info.size - 1) / partSize // 0 of an empty object, too
	g := o.gauge.attempt()
	buf := d.k.buffer() // one for each connection, whatever it brings
	defer d.k.putBuffer(buf)
	if last < 1 || o.info.etag == "" {
		return copyAt(ctx, f, 0, s, g, *buf)
	}
	outer := ctx
	ctx, cancel := context.WithCancelCause(outer)
	defer cancel(nil)
	// Where a part fails, the connection in front need not bring another byte.
	defer context.AfterFunc(ctx, s.cancel)()
	var (
		wg   sync.WaitGroup
		todo = &span{front: 0, back: last + 1}
		end  = func(i int64) int64 { return min(i*partSize+partSize, o.info.size) }
	)
	fromBack := func(i int64) {
		defer func() { <-d.slots }()
		buf := d.k.buffer()
		defer d.k.putBuffer(buf)
		for ok := true; ok && ctx.Err() == nil; i, ok = todo.last() {
			part := o.stream(ctx, i*partSize, end(i))
			err := copyAt(ctx, f, i*partSize, part, g, *buf)
			if _ = part.Close(); err != nil { // read to its end
				cancel(err)
			}
		}
	}
	for i, ok := todo.first(); ok && ctx.Err() == nil; i, ok = todo.first() {
		// Room that others have left meanwhile is used, too.
		for d.slot() {
			back, ok := todo.last()
			if !ok {
				<-d.slots
				break
			}
			wg.Go(func() { fromBack(back) })
		}
		err := copyAt(ctx, f, i*partSize, io.LimitReader(s, end(i)-i*partSize), g, *buf)
		if err == nil && s.off != end(i) {
			err = fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, s.off, o.info.size)
		}
		if err == nil {
			err = s.drained()
		}
		if err != nil {
			cancel(err)
		}
	}
	wg.Wait()
	if outer.Err() != nil {
		return outer.Err()
	}
	return context.Cause(ctx)
}

// slot takes room for one more request, if there is any.
func (d *download) slot() bool {
	select {
	case d.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// span is the parts in [front, back) that nobody has taken.
type span struct {
	mu          sync.Mutex
	front, back int64
}

func (s *span) first() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.front >= s.back {
		return 0, false
	}
	s.front++
	return s.front - 1, true
}

func (s *span) last() (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.front >= s.back {
		return 0, false
	}
	s.back--
	return s.back, true
}

// copyAt writes what r has to f, from off on, until ctx ends: r may be the
// request of another context.
func copyAt(ctx context.Context, f io.WriterAt, off int64, r io.Reader, g *gauge, buf []byte) error {
	_, err := io.CopyBuffer(io.NewOffsetWriter(f, off), g.reading(until{ctx, r}), buf)
	return err
}

// until is a reader that ends with a context.
type until struct {
	ctx context.Context
	r   io.Reader
}

func (u until) Read(b []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, u.ctx.Err()
	}
	return u.r.Read(b)
}
