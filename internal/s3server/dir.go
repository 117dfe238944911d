package s3server

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/johannesboyne/gofakes3/backend/s3afero"
	"github.com/spf13/afero"
)

// directory is a keyspace whose objects are the files below a directory. Writing and
// deleting is the work of gofakes3's directory backend. Reading is not: that backend
// hashes a file each time it opens it.
type directory struct {
	fs     afero.Fs
	store  *s3afero.SingleBucketBackend
	bucket string
	bodies *bodyStore
	files  map[string]knownFile // what is known of files, by key
	marks  map[string]*version  // markers that were made, by key
}

// knownFile is what is known of a file, as long as the file is as it was.
type knownFile struct {
	info fs.FileInfo
	sum  string    // MD5 of the bytes
	seen time.Time // when they were hashed or written
	*version
}

// settled is how long before a file was hashed it must have been written for its time to
// tell it from one written after: clocks of file systems tick every few milliseconds.
const settled = 50 * time.Millisecond

// trusted says whether the file cannot have changed since it was seen. Its time alone
// does not say so: a program may set that to what it was.
func (k knownFile) trusted(info fs.FileInfo) bool {
	return k.is(info) && changed(k.info).Equal(changed(info)) && k.seen.Sub(changed(info)) > settled
}

func (k knownFile) is(info fs.FileInfo) bool {
	return k.version != nil && k.info.Size() == info.Size() && k.info.ModTime().Equal(info.ModTime()) && os.SameFile(k.info, info)
}

func openDirectory(dir, bucket string, bodies *bodyStore) (*directory, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fmt.Errorf("s3server: bucket %q: %w", bucket, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("s3server: bucket %q: %s is not a directory", bucket, dir)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, fmt.Errorf("s3server: bucket %q: %w", bucket, err)
	}
	below := afero.NewBasePathFs(afero.NewOsFs(), dir)
	store, err := s3afero.SingleBucket(bucket, &replacingFs{below}, nil)
	if err != nil {
		return nil, fmt.Errorf("s3server: bucket %q: %w", bucket, err)
	}
	return &directory{
		fs: below, store: store, bucket: bucket, bodies: bodies,
		files: make(map[string]knownFile), marks: make(map[string]*version),
	}, nil
}

// stat looks at a name without following links, neither the last one nor those on the way.
// What is not there, or is behind a file or a link, is nil.
func (d *directory) stat(name string) (fs.FileInfo, error) {
	name = strings.TrimSuffix(name, "/")
	if name == "" {
		info, err := d.fs.Stat(".")
		if errors.Is(err, fs.ErrNotExist) { // removed by hand, with all objects
			return nil, nil
		}
		return info, err
	}
	if reason := unfit(name); reason != "" {
		return nil, nil
	}
	for i := 0; ; i++ {
		next := strings.IndexByte(name[i:], '/')
		last := next < 0
		if i = i + next; last {
			i = len(name)
		}
		info, err := d.lstat(name[:i])
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return nil, nil
		}
		if err != nil || last {
			return info, err
		}
		if !info.IsDir() {
			return nil, nil
		}
	}
}

func (d *directory) lstat(name string) (fs.FileInfo, error) {
	info, _, err := d.fs.(afero.Lstater).LstatIfPossible(filepath.FromSlash(name))
	return info, err
}

func (d *directory) current(key string) (*version, error) {
	info, err := d.stat(key)
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(key, "/") {
		if info == nil || !info.IsDir() {
			delete(d.marks, key)
		}
		return d.marks[key], nil
	}
	if info == nil || !info.Mode().IsRegular() {
		delete(d.files, key)
		return nil, nil
	}
	known := d.files[key]
	if known.trusted(info) {
		return known.version, nil
	}
	seen := time.Now()
	sum, err := d.hash(key)
	if err != nil {
		return nil, err
	}
	v := known.version
	if !known.is(info) || known.sum != sum {
		v = &version{id: nullVersion, modified: info.ModTime(), etag: sum, size: info.Size(), file: key}
	}
	d.files[key] = knownFile{info, sum, seen, v}
	return v, nil
}

func (d *directory) hash(key string) (string, error) {
	f, err := d.fs.Open(filepath.FromSlash(key))
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}

func (d *directory) version(key, id string) (*version, error) {
	if id != nullVersion {
		return nil, nil
	}
	return d.current(key)
}

func (d *directory) open(v *version, offset, length int64) (io.ReadCloser, error) {
	if v.file == "" {
		return io.NopCloser(bytes.NewReader(nil)), nil
	}
	f, err := d.fs.Open(filepath.FromSlash(v.file))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !d.files[v.file].is(info) {
		err = fmt.Errorf("the file of %q changed while it was opened", v.file)
	}
	if err == nil {
		_, err = f.Seek(offset, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(f, length), f}, nil
}

func (d *directory) extents(v *version) ([]extent, error) {
	body, err := d.open(v, 0, v.size)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	stored, err := d.bodies.receive(body, v.size)
	if err != nil {
		return nil, err
	}
	extents := stored.whole()
	d.bodies.retain(extents)
	return extents, nil
}

func (d *directory) commit(key string, v *version) (*version, error) {
	if err := d.refuse(key, v.size); err != nil {
		return nil, err
	}
	stored := *v
	stored.id, stored.body = nullVersion, nil
	if strings.HasSuffix(key, "/") {
		if err := d.fs.MkdirAll(filepath.FromSlash(key), 0o777); err != nil {
			return nil, err
		}
		d.marks[key] = &stored
		d.bodies.release(v.body)
		return &stored, nil
	}
	r, err := d.bodies.open(v.body, 0, v.size)
	if err != nil {
		return nil, err
	}
	if err := d.fs.MkdirAll(".", 0o777); err != nil { // removed by hand
		return nil, err
	}
	sum := md5.New()
	if _, err := d.store.PutObject(d.bucket, key, nil, io.TeeReader(r, sum), v.size, nil); err != nil {
		return nil, err
	}
	info, err := d.lstat(key)
	if err != nil {
		return nil, err
	}
	stored.file, stored.modified = key, info.ModTime()
	d.files[key] = knownFile{info, fmt.Sprintf("%x", sum.Sum(nil)), time.Now(), &stored}
	d.bodies.release(v.body)
	return &stored, nil
}

func (d *directory) replace(key string, old, v *version) error {
	if known, ok := d.files[key]; ok && known.version == old {
		known.version = v
		d.files[key] = known
		return nil
	}
	if d.marks[key] == old {
		d.marks[key] = v
		return nil
	}
	return noSuchKey(key)
}

func (d *directory) remove(key string) (removal, error) {
	v, err := d.current(key)
	if err != nil || v == nil {
		return removal{}, err
	}
	if v.file == "" {
		delete(d.marks, key)
	} else {
		if _, err := d.store.DeleteObject(d.bucket, key); err != nil {
			return removal{}, err
		}
		delete(d.files, key)
	}
	d.prune(key)
	return removal{}, nil
}

// prune removes the directories of a key that are empty now, up to one that is a marker.
func (d *directory) prune(key string) {
	for {
		i := strings.LastIndexByte(strings.TrimSuffix(key, "/"), '/')
		if strings.HasSuffix(key, "/") {
			if d.marks[key] != nil || d.fs.Remove(filepath.FromSlash(key)) != nil {
				return // not empty: the usual end
			}
		}
		if i < 0 {
			return
		}
		key = key[:i+1]
	}
}

func (d *directory) removeVersion(key, id string) (removal, error) {
	if id == nullVersion {
		if _, err := d.remove(key); err != nil {
			return removal{}, err
		}
	}
	return removal{version: id}, nil
}

func (d *directory) empty() (bool, error) {
	keys, err := d.collect("", "", "", nil)
	return len(keys) == 0, err
}

func (d *directory) discard() error { return notImplemented("deleting a bucket that is a directory") }

func (d *directory) versioning() string { return "" }

func (d *directory) setVersioning(string) error {
	return notImplemented("versions in a bucket that is a directory")
}

// refuse says why there cannot be a file for key.
func (d *directory) refuse(key string, size int64) error {
	if reason := unfit(strings.TrimSuffix(key, "/")); reason != "" {
		return fail("InvalidArgument", "The bucket is a directory, which cannot hold this key: %s.", reason).with("Key", key)
	}
	marker := strings.HasSuffix(key, "/")
	for i := range len(key) {
		if key[i] != '/' {
			continue
		}
		if info, err := d.stat(key[:i]); err != nil {
			return err
		} else if info != nil && !info.IsDir() {
			return fail("ObjectParentIsFile", "The bucket is a directory, where %q is a file and cannot hold other keys.", key[:i]).with("Key", key)
		}
	}
	if marker && size > 0 {
		return fail("InvalidArgument", "The bucket is a directory, which cannot hold a body under a key that ends in a slash.").with("Key", key)
	}
	if marker {
		return nil
	}
	info, err := d.stat(key)
	if err != nil {
		return err
	}
	if info != nil && !info.Mode().IsRegular() {
		return fail("ExistingObjectIsDirectory", "The bucket is a directory, where this key is a directory or a special file.").with("Key", key)
	}
	return nil
}

// unfit says why a name, without its last slash, cannot be that of a file.
func unfit(name string) string {
	const longest = 255 // bytes of a component
	if name == "" || path.Clean(name) != name || name == "." || strings.HasPrefix(name, "/") {
		return `it has an empty component, "." or ".."`
	}
	if strings.IndexByte(name, 0) >= 0 {
		return "it has a NUL byte"
	}
	for component := range strings.SplitSeq(name, "/") {
		switch {
		case component == "..":
			return `it has ".."`
		case len(component) > longest:
			return "a component is longer than 255 bytes"
		case strings.HasPrefix(component, temporary):
			return "a component is reserved for files being written"
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, reserved) {
		return "this system reserves the name"
	}
	return ""
}
