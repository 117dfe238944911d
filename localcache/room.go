package localcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// room is the directory as it was found at one time. Every name in it goes
// through root, so that a planted link leads nowhere outside.
type room struct {
	dir  string // absolute
	root *os.Root
	is   fs.FileInfo

	made  sync.Map // directories known to be there
	users int      // of the state's lock: calls under way, and Files that are open
	ended bool     // of the state's lock

	ending sync.Mutex
}

// tag is the file by which backup programs know a cache, and this package what
// is its own. See https://bford.info/cachedir/.
const tag = "Signature: 8a477f597d28d172789f06886806bc55\n# This directory holds copies that github.com/cloudpath-go/cloudpath has made.\n# They can be had again: it need not be backed up.\n"

// openRoom opens dir, making it where it is missing, and refuses what other
// users could have a hand in.
func openRoom(dir string) (r *room, err error) {
	if err := makePrivate(dir); err != nil {
		return nil, err
	}
	if err := private(dir); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	r = &room{dir: dir, root: root}
	if r.is, err = root.Stat("."); err != nil {
		return nil, err
	}
	if err := r.mkdir(format); errors.Is(err, errNotDir) {
		return nil, err
	}
	if _, err := root.Lstat(tagName); errors.Is(err, fs.ErrNotExist) {
		_ = r.writeNew(tagName, []byte(tag)) // where nothing can be written now the objects are streamed
	}
	return r, nil
}

// makePrivate makes a missing directory, for this user alone whatever the umask.
func makePrivate(dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); errors.Is(err, fs.ErrExist) {
		return nil // somebody was quicker, and is looked at like anybody
	} else if err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}

// private refuses a directory that other users own, can write to or can exchange.
func private(dir string) error {
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	switch mode := st.Mode(); {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symbolic link; name the directory it leads to", cloudpath.ErrInsecureCache, dir)
	case !mode.IsDir():
		return fmt.Errorf("%s: %w", dir, cloudpath.ErrNotDirectory)
	case !own(st):
		return fmt.Errorf("%w: %s belongs to another user; use a directory of your own", cloudpath.ErrInsecureCache, dir)
	case checksModes && mode.Perm()&0o022 != 0:
		return fmt.Errorf("%w: %s has mode %v, so that others can write to it; chmod go-w it or use another", cloudpath.ErrInsecureCache, dir, mode.Perm())
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || !checksModes {
		return err
	}
	for _, way := range []string{real, dir} { // a link on the way can be exchanged as well
		if err := privateAbove(way); err != nil {
			return err
		}
	}
	return nil
}

// privateAbove refuses a directory that anybody can exchange.
func privateAbove(dir string) error {
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		st, err := os.Stat(parent)
		if err != nil {
			return err
		}
		if mode := st.Mode(); mode.Perm()&0o002 != 0 && mode&fs.ModeSticky == 0 {
			return fmt.Errorf("%w: %s, above %s, has mode %v, so that anybody can exchange it; use another directory", cloudpath.ErrInsecureCache, parent, dir, mode.Perm())
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// here reports whether the directory is still the one that was opened.
func (r *room) here() bool {
	st, err := os.Lstat(r.dir)
	return err == nil && os.SameFile(st, r.is)
}

// mkdir makes a directory and those above it, 0700 whatever the umask.
func (r *room) mkdir(name string) error {
	if _, ok := r.made.Load(name); ok {
		return nil
	}
	if name == "." {
		return nil
	}
	if err := r.mkdir(path.Dir(name)); err != nil {
		return err
	}
	err := r.root.Mkdir(name, 0o700)
	switch {
	case err == nil:
		err = r.root.Chmod(name, 0o700)
	case errors.Is(err, fs.ErrExist):
		var st fs.FileInfo
		if st, err = r.root.Lstat(name); err == nil && !st.IsDir() { // a link leads to what is not ours
			err = &fs.PathError{Op: "mkdir", Path: name, Err: errNotDir}
		}
	}
	if err == nil {
		r.made.Store(name, struct{}{})
	}
	return err
}

// rmdirs removes directories that have become empty, from name up to and
// without top.
func (r *room) rmdirs(name, top string) {
	for ; name != top && len(name) > len(top); name = path.Dir(name) {
		r.made.Delete(name)
		if r.root.Remove(name) != nil {
			return // not empty, as a rule
		}
	}
}

// rmtree removes the directories from name downwards in which there is nothing.
func (r *room) rmtree(name string) {
	for _, below := range r.names(name) {
		if st, err := r.root.Lstat(name + "/" + below); err == nil && st.IsDir() {
			r.rmtree(name + "/" + below)
		}
	}
	r.made.Delete(name)
	_ = r.root.Remove(name) // unless something is left in it
}

// create makes a new file, 0600 whatever the umask. What is there already, or
// a link, is an error: nothing is ever written through an existing name.
func (r *room) create(name string) (*os.File, error) {
	for again := true; ; again = false {
		if err := r.mkdir(path.Dir(name)); err != nil {
			return nil, err
		}
		f, err := r.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if errors.Is(err, fs.ErrNotExist) && again {
			r.made.Clear() // somebody took a directory away
			continue
		}
		if err != nil {
			return nil, err
		}
		if err := f.Chmod(0o600); err != nil {
			return nil, errors.Join(err, f.Close(), r.root.Remove(name))
		}
		return f, nil
	}
}

func (r *room) writeNew(name string, data []byte) error {
	f, err := r.create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		err = errors.Join(err, r.root.Remove(name))
	}
	return err
}

// open opens a file for reading without waiting for anybody, and only a regular
// one.
func (r *room) open(name string) (*os.File, fs.FileInfo, error) {
	f, err := r.root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		if st, is := r.root.Lstat(name); is == nil && !st.Mode().IsRegular() { // a link, a socket
			err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
		}
		return nil, nil, err
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errNotRegular}
	}
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, st, nil
}

var (
	errNotDir     = cloudpath.ErrNotDirectory
	errNotRegular = errors.New("not a regular file")
)

func (r *room) sync(dir string) error {
	d, err := r.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(syncDir(d), d.Close())
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
