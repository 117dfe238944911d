package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// FS is what lies below the path as an [fs.FS], for code that takes one:
// template.ParseFS, http.FS, fs.WalkDir. It is also an fs.StatFS, fs.ReadDirFS,
// fs.ReadFileFS and fs.SubFS. FS itself makes no request; the context is in force
// for everything that is done with the view and its files.
//
// Open and Stat are 1 request for a file and 2 for a directory. The first Read
// of a file is one GET; after a Seek it is one from there on, and each ReadAt is
// one of exactly its bytes; Seek, Stat and Close make none. All are of the
// object that Open saw: if it is replaced, they fail with cloudpath.ErrChanged.
// ReadFile is 1 request, ReadDir 1 for each 1,000 children, the first time.
//
// Files are io.Seeker, io.ReaderAt and io.WriterTo besides, and safe for
// concurrent use. A FileInfo's Sys is the [Info]. A directory's time is
// time.Unix(0, 0).
//
// Names are those of io/fs: a key with a component that is empty, "." or ".." is
// not shown. Where there is an object beside a directory of its name, listings
// show the directory, and so does Open once a listing has shown it; before, the
// 1 request of an Open finds the object.
//
// Errors are *fs.PathError with the name, behind which errors.Is finds what it
// finds elsewhere in this package. A name of something missing is
// fs.ErrNotExist, a bad one fs.ErrInvalid.
func (p S3Path) FS(ctx context.Context) fs.FS {
	v := &fsView{ctx: ctx, root: p.AsDir()}
	if p.version != "" {
		v.root = p // refused with each call
	}
	return v
}

// fsView is the keys below root as io/fs sees them.
type fsView struct {
	ctx  context.Context
	root S3Path // spelled as a directory

	mu     sync.Mutex
	hidden map[string]bool // names that a listing showed to be directories with an object beside
}

var (
	_ fs.StatFS     = (*fsView)(nil)
	_ fs.ReadDirFS  = (*fsView)(nil)
	_ fs.ReadFileFS = (*fsView)(nil)
	_ fs.SubFS      = (*fsView)(nil)
)

// path is what a name stands for.
func (v *fsView) path(op, name string) (S3Path, error) {
	switch {
	case !fs.ValidPath(name):
		return S3Path{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	case v.root.version != "":
		return S3Path{}, viewError(op, name, fmt.Errorf("%w: a version is of one object and holds no others", errors.ErrUnsupported))
	case name == ".":
		return v.root, nil
	}
	return v.root.Child(name), nil
}

// viewError is an error with the name that the caller knows.
func viewError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	if inner, ok := err.(*fs.PathError); ok { //nolint:errorlint // one that wraps another says more than that one
		err = inner.Err
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

// fsInfo is an Info under the name that io/fs has for it.
type fsInfo struct {
	Info
	name string
}

func (i fsInfo) Name() string { return i.name }

func (i fsInfo) Sys() any { return i.Info }

// ModTime of a directory is not the zero time, which programs take for year 1.
func (i fsInfo) ModTime() time.Time {
	if i.IsDir() {
		return time.Unix(0, 0)
	}
	return i.Info.ModTime()
}

// baseName is the last component of a valid name, "." of ".".
func baseName(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }

// found is something that a name stands for, as one look found it.
type found struct {
	p    S3Path
	k    *core
	c    *call
	info fsInfo
}

// look says what a name stands for: 1 request for a file, 2 for a directory.
func (v *fsView) look(op, name string) (found, error) {
	p, err := v.path(op, name)
	if err != nil {
		return found{}, err
	}
	k, c, err := startRead(v.ctx, p, op, nil, optSSEC|optReadAhead) // of the client's defaults
	if err != nil {
		return found{}, viewError(op, name, err)
	}
	f := found{p: p, k: k, c: c}
	dir, err := v.wins(name, p)
	switch {
	case err != nil:
	case dir:
		f.info.Info = infoOfDir(p)
	default:
		f.info.Info, err = p.stat(v.ctx, k, c)
		if head, ok := f.info.sys.(*s3.HeadObjectOutput); ok && head.ContentLength == nil {
			// What is taken for empty is not read.
			err = fmt.Errorf("%w: the server does not say how long the object is", cloudpath.ErrProtocol)
		}
	}
	f.info.name = baseName(name)
	return f, viewError(op, name, explainIf(p, err))
}

func explainIf(p S3Path, err error) error {
	if err == nil {
		return nil
	}
	return explain(p, err)
}

// wins reports whether a name is of a directory with an object beside: nothing is
// asked unless a listing showed that it is.
func (v *fsView) wins(name string, p S3Path) (bool, error) {
	v.mu.Lock()
	seen := v.hidden[name]
	v.mu.Unlock()
	if !seen {
		return false, nil
	}
	return p.IsDir(v.ctx)
}

// maxHidden bounds what a view remembers of objects beside directories.
const maxHidden = 10_000

func (v *fsView) hide(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.hidden == nil {
		v.hidden = map[string]bool{}
	}
	if len(v.hidden) < maxHidden {
		v.hidden[name] = true
	}
}

// Open opens a file or a directory.
func (v *fsView) Open(name string) (fs.File, error) {
	f, err := v.look("open", name)
	switch {
	case err != nil:
		return nil, err
	case f.info.IsDir():
		return &fsDir{v: v, name: name, info: f.info}, nil
	}
	return &fsFile{found: f, ctx: v.ctx, name: name}, nil
}

// Stat is what Open's file would say of itself.
func (v *fsView) Stat(name string) (fs.FileInfo, error) {
	f, err := v.look("stat", name)
	if err != nil {
		return nil, err
	}
	return f.info, nil
}

// ReadFile is one GET.
func (v *fsView) ReadFile(name string) ([]byte, error) {
	p, err := v.path("read", name)
	if err != nil {
		return nil, err
	}
	dir, err := v.wins(name, p)
	if err == nil && dir {
		err = cloudpath.ErrIsDirectory
	}
	if err != nil {
		return nil, viewError("read", name, err)
	}
	data, err := p.ReadBytes(v.ctx)
	return data, viewError("read", name, err)
}

// Sub is the view of a directory, and makes no request.
func (v *fsView) Sub(dir string) (fs.FS, error) {
	p, err := v.path("sub", dir)
	if err != nil {
		return nil, err
	}
	if dir == "." {
		return v, nil
	}
	return p.FS(v.ctx), nil
}

// ReadDir is one level, sorted by name.
func (v *fsView) ReadDir(name string) ([]fs.DirEntry, error) {
	p, err := v.path("readdir", name)
	if err != nil {
		return nil, err
	}
	var entries []fs.DirEntry
	for e, err := range p.IterDir(v.ctx) {
		if err != nil {
			return nil, viewError("readdir", name, err)
		}
		if child := e.Name(); child != "." && fs.ValidPath(child) {
			entries = append(entries, fs.FileInfoToDirEntry(fsInfo{e.info(), child}))
		}
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return v.unique(name, entries), nil
}

// unique leaves out the objects beside a directory of their name.
func (v *fsView) unique(dir string, sorted []fs.DirEntry) []fs.DirEntry {
	kept := sorted[:0]
	for _, e := range sorted {
		last := len(kept) - 1
		if last < 0 || kept[last].Name() != e.Name() {
			kept = append(kept, e)
			continue
		}
		if name := e.Name(); dir == "." {
			v.hide(name)
		} else {
			v.hide(dir + "/" + name)
		}
		if e.IsDir() {
			kept[last] = e
		}
	}
	return kept
}
