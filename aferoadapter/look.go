package aferoadapter

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// look says what a name is: 1 request for a file, 2 for a directory, none for the
// root, which is always there.
func (f *Fs) look(op string, t target) (fs.FileInfo, error) {
	file, err := f.find(op, t)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	return info, failure(op, t.given, err)
}

// find opens what a name is. Nothing has to be closed before bytes are read of it.
func (f *Fs) find(op string, t target) (fs.File, error) {
	if t.root() {
		return directory{t}, nil
	}
	if !t.dir {
		file, err := f.view.Open(t.rel)
		if errors.Is(err, fs.ErrNotExist) {
			err = f.missing(t)
		}
		return file, failure(op, t.given, err)
	}
	switch there, err := f.path(t).IsDir(f.ctx); {
	case err != nil:
		return nil, failure(op, t.given, err)
	case there:
		return directory{t}, nil
	}
	switch file, err := f.root.Child(t.rel).IsFile(f.ctx); {
	case err != nil:
		return nil, failure(op, t.given, err)
	case file:
		return nil, failure(op, t.given, syscall.ENOTDIR)
	}
	return nil, failure(op, t.given, f.missing(t))
}

// directory is a directory that is known to be there.
type directory struct{ t target }

func (d directory) Stat() (fs.FileInfo, error) { return dirInfo(d.t.base()), nil }
func (d directory) Read([]byte) (int, error)   { return 0, syscall.EISDIR }
func (d directory) Close() error               { return nil }

// missing is the error of a name that nothing has: ENOTDIR with strict parents
// when one of those above is a file.
func (f *Fs) missing(t target) error {
	if f.strict {
		if err := f.parent(t); err != nil {
			return err
		}
	}
	return os.ErrNotExist
}

// parent is nil where the directory that a target is in is there. 1 request if so.
func (f *Fs) parent(t target) error {
	for up := t.parent(); !up.root(); up = up.parent() {
		switch dir, err := f.path(up).IsDir(f.ctx); {
		case err != nil:
			return err
		case dir && up.rel == t.parent().rel:
			return nil
		case dir:
			return os.ErrNotExist
		}
		switch file, err := f.root.Child(up.rel).IsFile(f.ctx); {
		case err != nil:
			return err
		case file:
			return syscall.ENOTDIR
		}
	}
	if t.parent().root() {
		return nil
	}
	return os.ErrNotExist
}

// demandParent is parent where parents are strict. A directory whose last child
// somebody removes through this Fs is missing for a moment: that is waited for.
func (f *Fs) demandParent(t target) error {
	if !f.strict {
		return nil
	}
	err := f.parent(t)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	settled := f.locks.dir(t.parent().rel)
	settled.Lock()
	defer settled.Unlock()
	return f.parent(t)
}
