package aferoadapter

import (
	"context"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Fs is an afero.Fs of what lies below a path on S3. It is made by New and may be
// used from many goroutines.
type Fs struct {
	*shared
	ctx  context.Context
	view fs.FS
}

// shared is what the copies of an Fs with other contexts have in common.
type shared struct {
	root   s3path.S3Path
	strict bool
	memo   memo
	locks  locks
}

var (
	_ afero.Fs      = (*Fs)(nil)
	_ afero.Lstater = (*Fs)(nil)
)

// Option changes how an Fs behaves.
type Option interface{ apply(*shared) }

type option func(*shared)

func (o option) apply(s *shared) { o(s) }

// WithStrictParents wants parents to exist, as on a disk: Create, OpenFile, Mkdir
// and Rename below a missing directory are os.ErrNotExist, and whatever is below a
// file is ENOTDIR. A name that is missing costs 1 request more to look at, 2 to make
// and 3 to rename something to, and each level above it that is missing as well up
// to 2, or 6 to be told that nothing can be made there.
func WithStrictParents() Option { return option(func(s *shared) { s.strict = true }) }

// New returns an Fs of what lies below root, which need not exist yet. It makes no
// request. Its operations have no context of their own: give one by WithContext.
func New(root s3path.S3Path, opts ...Option) *Fs {
	s := &shared{root: root, memo: memo{now: time.Now}, locks: locks{seed: maphash.MakeSeed()}}
	for _, o := range opts {
		o.apply(s)
	}
	return s.in(context.Background())
}

func (s *shared) in(ctx context.Context) *Fs {
	return &Fs{shared: s, ctx: ctx, view: s.root.FS(ctx)}
}

// Open returns an Fs of "s3://bucket/prefix", with the default client, or of a
// local directory ("./dir", "file:///srv/data"), where every option is the disk's
// own behaviour. It makes no request; ctx is for those of the Fs. Another scheme
// is cloudpath.ErrInvalidPath, a local file ENOTDIR.
func Open(ctx context.Context, uriOrPath string, opts ...Option) (afero.Fs, error) {
	if strings.HasPrefix(uriOrPath, "s3://") {
		root, err := s3path.Parse(uriOrPath)
		if err != nil {
			return nil, err
		}
		return New(root, opts...).WithContext(ctx), nil
	}
	dir := strings.TrimPrefix(uriOrPath, "file://")
	if scheme, _, ok := strings.Cut(dir, "://"); ok || dir == "" {
		return nil, &os.PathError{
			Op: "open", Path: uriOrPath,
			Err: fmt.Errorf("%w: %q is neither s3://bucket/prefix nor a local directory", cloudpath.ErrInvalidPath, scheme),
		}
	}
	if st, err := os.Stat(dir); err == nil && !st.IsDir() {
		return nil, &os.PathError{Op: "open", Path: uriOrPath, Err: syscall.ENOTDIR}
	}
	return afero.NewBasePathFs(afero.NewOsFs(), dir), nil
}

// WithContext returns the same Fs for another context: what is done with it, and
// with files that it opens, until they are closed, ends when ctx does.
func (f *Fs) WithContext(ctx context.Context) *Fs { return f.in(ctx) }

// Name is "s3path", as afero's others have the names of their types.
func (f *Fs) Name() string { return "s3path" }

// Create opens a file for reading and writing, empty. What is there stays until
// Close or Sync. 1 request where a file is there, else 2; 1 at Close.
func (f *Fs) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o666)
}

// Open opens a file or a directory for reading: 1 request for a file, 2 for a
// directory, none for one that was just listed. A missing name is os.ErrNotExist.
func (f *Fs) Open(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDONLY, 0)
}

// Stat describes a file or a directory: 1 request for a file, 2 for a directory. A
// missing name is os.ErrNotExist. Sys of a file's answer is an s3path.Info.
func (f *Fs) Stat(name string) (os.FileInfo, error) {
	t, err := named("stat", name)
	if err != nil {
		return nil, err
	}
	return f.look("stat", t)
}

// LstatIfPossible is Stat, because there are no symbolic links, but that it makes
// no request for what was just listed.
func (f *Fs) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	t, err := named("lstat", name)
	if err != nil {
		return nil, true, err
	}
	if info := f.memo.lstat(t); info != nil {
		return info, true, nil
	}
	info, err := f.look("lstat", t)
	return info, true, err
}

// Chmod stores nothing, because S3 has no modes. A missing name is
// os.ErrNotExist. Requests as with Stat.
func (f *Fs) Chmod(name string, _ os.FileMode) error { return f.present("chmod", name) }

// Chown stores nothing, because S3 has no owners of this kind. A missing name is
// os.ErrNotExist. Requests as with Stat.
func (f *Fs) Chown(name string, _, _ int) error { return f.present("chown", name) }

// Chtimes stores nothing: S3 sets the times. A missing name is os.ErrNotExist.
// Requests as with Stat.
func (f *Fs) Chtimes(name string, _, _ time.Time) error { return f.present("chtimes", name) }

func (f *Fs) present(op, name string) error {
	t, err := named(op, name)
	if err == nil {
		_, err = f.look(op, t)
	}
	return err
}
