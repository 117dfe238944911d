package aferoadapter

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/s3path"
)

const access = os.O_RDONLY | os.O_WRONLY | os.O_RDWR

// OpenFile opens a file or, for reading, a directory. What the flags make of the
// handle is said in the package comment; perm is not stored. 1 request for a
// file, 2 for a directory and for a new file, 4 for that with strict parents; the
// file's bytes cost what they cost when they are read, and when the handle is
// closed.
func (f *Fs) OpenFile(name string, flag int, _ os.FileMode) (afero.File, error) {
	t, err := named("open", name)
	if err != nil {
		return nil, err
	}
	if flag&access == access {
		return nil, failure("open", name, syscall.EINVAL)
	}
	if flag&(access|os.O_CREATE|os.O_TRUNC) == 0 {
		return f.openToRead(t)
	}
	file, err := f.find("open", t)
	switch {
	case err == nil:
		return f.openExisting(t, flag, file)
	case flag&os.O_CREATE == 0:
		return nil, err
	case errors.Is(err, syscall.ENOTDIR) && t.dir && f.isFile(t):
		return nil, failure("open", name, syscall.EISDIR) // what would have to be made, as on a disk
	case !errors.Is(err, os.ErrNotExist):
		return nil, err
	}
	if err := f.demandParent(t); err != nil {
		return nil, failure("open", name, err)
	}
	if t.dir {
		return nil, failure("open", name, syscall.EISDIR)
	}
	return f.openToWrite(t, flag, nil, s3path.Info{}), nil
}

func (f *Fs) openToRead(t target) (afero.File, error) {
	if f.memo.isDir(t) {
		return &dirFile{handle: handle{fs: f, t: t}}, nil
	}
	file, err := f.find("open", t)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, failure("open", t.given, err)
	case info.IsDir():
		return &dirFile{handle: handle{fs: f, t: t}}, nil
	}
	return newReadFile(handle{fs: f, t: t}, file), nil
}

func (f *Fs) openExisting(t target, flag int, file fs.File) (afero.File, error) {
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, failure("open", t.given, err)
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0 && !t.dir:
		return nil, failure("open", t.given, os.ErrExist)
	case info.IsDir():
		return nil, failure("open", t.given, syscall.EISDIR)
	case flag&(os.O_WRONLY|os.O_RDWR|os.O_TRUNC) == 0: // os.O_CREATE of what is there
		return newReadFile(handle{fs: f, t: t}, file), nil
	}
	known, _ := info.Sys().(s3path.Info)
	return f.openToWrite(t, flag, file, known), nil
}

// openToWrite is a handle for a file that is to be committed. file is what is there,
// nil where nothing is.
func (f *Fs) openToWrite(t target, flag int, file fs.File, info s3path.Info) afero.File {
	c := commit{
		path:    f.path(t),
		isNew:   file == nil,
		excl:    flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0,
		dirty:   file == nil || flag&os.O_TRUNC != 0,
		each:    flag&os.O_SYNC != 0,
		append:  flag&os.O_APPEND != 0,
		modTime: info.ModTime(),
	}
	var old *original
	if file != nil && flag&os.O_TRUNC == 0 {
		old = &original{file: file, info: info}
		c.etag, c.kept = info.ETag(), properties(info)
	}
	if c.dirty {
		c.touch()
	}
	h := handle{fs: f, t: t}
	if flag&access == os.O_WRONLY {
		return newStreamFile(h, c, old)
	}
	return newWorkFile(h, c, old, flag&access == os.O_RDWR)
}

// original is what a file held when it was opened.
type original struct {
	file fs.File // asks nothing before bytes are read of it
	info s3path.Info
}

func (o *original) size() int64 {
	if o == nil {
		return 0
	}
	return o.info.Size()
}

func (o *original) close() error {
	if o == nil {
		return nil
	}
	return o.file.Close()
}

// commit is how a handle's bytes become the object.
type commit struct {
	path    s3path.S3Path
	isNew   bool                 // nothing is there yet
	excl    bool                 // and nothing may be when it is made
	etag    string               // what must still be there; "" where nothing of it was kept
	kept    []s3path.WriteOption // properties of what is kept
	dirty   bool                 // there is something to commit
	each    bool                 // each write is committed
	append  bool
	modTime time.Time
}

// properties are those of an object whose bytes are kept, as far as they are known
// without asking. Of an empty object, type and encoding say nothing of what is
// going to be written into it.
func properties(info s3path.Info) (kept []s3path.WriteOption) {
	if t := info.ContentType(); t != "" && info.Size() > 0 {
		kept = append(kept, s3path.WithContentType(t))
	}
	if e := info.ContentEncoding(); e != "" && info.Size() > 0 {
		kept = append(kept, s3path.WithContentEncoding(e))
	}
	if c := info.CacheControl(); c != "" {
		kept = append(kept, s3path.WithCacheControl(c))
	}
	if m := info.Metadata(); len(m) > 0 {
		kept = append(kept, s3path.WithMetadata(m))
	}
	return kept
}

// touch notes a change.
func (c *commit) touch() {
	c.dirty, c.modTime = true, time.Now().UTC().Truncate(time.Second)
}

// options are the conditions of the next commit.
func (c *commit) options() []s3path.WriteOption {
	switch {
	case c.isNew && c.excl:
		return []s3path.WriteOption{s3path.WithNoOverwrite()}
	case c.etag != "":
		return append(slices.Clip(c.kept), s3path.WithIfMatch(c.etag))
	}
	return nil
}

// done notes a commit.
func (c *commit) done(info s3path.Info) {
	c.isNew, c.dirty = false, false
	if c.etag != "" || c.excl || c.append {
		c.etag = info.ETag()
	}
}
