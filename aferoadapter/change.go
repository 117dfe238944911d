package aferoadapter

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// Mkdir makes a directory, as a marker: up to 5 requests, 7 with strict parents. A
// name that exists is os.ErrExist, with strict parents a missing parent
// os.ErrNotExist. perm is not stored.
func (f *Fs) Mkdir(name string, _ os.FileMode) error {
	t, err := named("mkdir", name)
	if err != nil {
		return err
	}
	defer f.locks.name(t.rel)()
	_, err = f.look("mkdir", t)
	switch {
	case err == nil, errors.Is(err, syscall.ENOTDIR) && t.dir && f.isFile(t):
		return failure("mkdir", name, os.ErrExist)
	case !errors.Is(err, os.ErrNotExist):
		return err
	}
	if err := f.demandParent(t); err != nil {
		return failure("mkdir", name, err)
	}
	defer f.memo.drop()
	return failure("mkdir", name, f.path(t).Mkdir(f.ctx))
}

// isFile reports whether what was spelled as a directory is a file.
func (f *Fs) isFile(t target) bool {
	file, err := f.root.Child(t.rel).IsFile(f.ctx)
	return err == nil && file
}

// MkdirAll makes a directory and thereby those above it: 1 request where it exists,
// else up to 2 for each level that is missing, and up to 3. A file among them is
// ENOTDIR. perm is not stored.
func (f *Fs) MkdirAll(name string, _ os.FileMode) error {
	t, err := named("mkdir", name)
	if err != nil {
		return err
	}
	defer f.locks.name(t.rel)()
	for up := t; !up.root(); up = up.parent() {
		dir, err := f.root.Child(up.rel).IsDir(f.ctx)
		switch {
		case err != nil:
			return failure("mkdir", name, err)
		case dir && up.rel == t.rel:
			return nil
		}
		if dir { // and so are those above
			break
		}
		switch file, err := f.root.Child(up.rel).IsFile(f.ctx); {
		case err != nil:
			return failure("mkdir", name, err)
		case file:
			return failure("mkdir", up.as(t), syscall.ENOTDIR)
		}
	}
	if t.root() {
		return nil
	}
	defer f.memo.drop()
	return failure("mkdir", name, f.path(t).Mkdir(f.ctx))
}

// Remove removes a file or an empty directory: 2 or 3 requests, 1 to see that the
// parent is still there, and 2 to make it stay where this was its last child. A
// directory that is not empty is ENOTEMPTY, a missing name os.ErrNotExist, and the
// root EINVAL.
func (f *Fs) Remove(name string) error {
	t, err := named("remove", name)
	switch {
	case err != nil:
		return err
	case t.root():
		return failure("remove", name, syscall.EINVAL)
	}
	defer f.locks.name(t.rel)()
	if t.dir {
		switch _, err := f.look("remove", t); {
		case err != nil:
			return err
		case t.dot:
			return failure("remove", name, syscall.EINVAL)
		}
	}
	return failure("remove", name, f.leaving(t, false, func() error {
		err := f.path(t).Remove(f.ctx)
		if errors.Is(err, os.ErrNotExist) {
			return f.missing(t)
		}
		return err
	}))
}

// leaving takes something, or the whole of it, out of its directory, which stays.
func (f *Fs) leaving(t target, whole bool, take func() error) error {
	defer f.memo.drop()
	defer f.locks.leaving(t.rel, whole)()
	err := take()
	if up := t.parent(); err == nil && !up.root() {
		err = f.path(up).Mkdir(f.ctx) // where it is there that is 1 request
	}
	return err
}

// RemoveAll removes a file, or a directory with all that it holds: 1 request per
// 1,000 files to list and 1 to delete them, and 2 to 4 for the parent, which stays.
// That nothing is there is no error; the root is EINVAL.
func (f *Fs) RemoveAll(name string) error {
	if name == "" {
		return nil // as os.RemoveAll has it
	}
	t, err := named("removeall", name)
	switch {
	case err != nil:
		return err
	case t.root() || t.dot:
		return failure("removeall", name, syscall.EINVAL)
	}
	defer f.locks.name(t.rel)()
	t.dir = false // a file goes too, as with os.RemoveAll
	err = f.leaving(t, true, func() error {
		if up := t.parent(); !up.root() {
			switch dir, err := f.path(up).IsDir(f.ctx); {
			case err != nil:
				return err
			case !dir:
				return f.missing(t)
			}
		}
		return f.path(t).RemoveAll(f.ctx)
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil // nothing is there, and nothing has come to be
	}
	return failure("removeall", name, err)
}

// Rename moves a file, replacing one that has the new name, or a directory with
// all that it holds: 2 requests for a file, 1 for each of a directory's and 1 per
// 1,000 of these to list and to delete them, up to 4 to look at both names, and 1 to
// 3 for the old parent, which stays. S3 cannot
// rename: each file is copied, then deleted, and others may see both for a while.
//
// As with os.Rename, a directory that has the new name is os.ErrExist, a directory
// onto a file ENOTDIR, one into itself EINVAL, a missing old name
// os.ErrNotExist. The errors are *os.LinkError.
func (f *Fs) Rename(oldname, newname string) error {
	err := f.rename(oldname, newname)
	if err == nil {
		return nil
	}
	return &os.LinkError{Op: "rename", Old: oldname, New: newname, Err: plain(err)}
}

func (f *Fs) rename(oldname, newname string) error {
	from, err := named("rename", oldname)
	if err != nil {
		return err
	}
	to, err := named("rename", newname)
	if err != nil {
		return err
	}
	if from.root() || to.root() {
		return f.renameRoot(from, to)
	}
	defer f.locks.two(from.rel, to.rel)()
	for _, t := range []target{from, to} { // as a disk, which sees to both parents before the names
		if err := f.demandParent(t); err != nil {
			return err
		}
	}
	moved, err := f.look("rename", from)
	if err != nil {
		return err
	}
	there, err := f.look("rename", to)
	isNew := errors.Is(err, os.ErrNotExist)
	switch {
	case err != nil && !isNew:
		return err
	case !isNew && there.IsDir() && (from.rel != to.rel || oldname == newname): // as os.Rename has it
		return os.ErrExist
	case from.rel == to.rel:
		return nil
	case moved.IsDir() && strings.HasPrefix(to.rel, from.rel+"/"):
		return syscall.EINVAL
	case moved.IsDir() && !isNew, !moved.IsDir() && to.dir:
		return syscall.ENOTDIR
	}
	from.dir, to.dir = moved.IsDir(), moved.IsDir()
	return f.leaving(from, moved.IsDir(), func() error { return f.path(from).Rename(f.ctx, f.path(to)) })
}

// renameRoot is the refusal to move the root, or something onto it.
func (f *Fs) renameRoot(from, to target) error {
	if from.root() {
		return syscall.EINVAL
	}
	if _, err := f.look("rename", from); err != nil {
		return err
	}
	return os.ErrExist
}
