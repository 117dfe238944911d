package localcache

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// A lock is the system's on a file (flock): it belongs to one opening of the
// file, so that two in one process exclude each other as well, and it ends with
// the process that holds it, however that ends. Lock files are never removed,
// because a lock on a removed file excludes nobody.

// tryLock is what takes a lock, systemLock as a rule. Tests put another in its
// place.
type tryLock func(l *flock.Flock, exclusive bool) (bool, error)

// lock takes a lock on the file that is, or false where somebody else has it.
// Where the file system has no locks everybody gets one: they save work, and
// only the promise of [File] depends on them.
func (s *state) lock(r *room, name string, is fs.FileInfo, exclusive bool) (release func(), ok bool, err error) {
	l := flock.New(filepath.Join(r.dir, filepath.FromSlash(name)), flock.SetFlag(os.O_RDONLY|openFlags), flock.SetPermissions(0o600))
	release = func() { _ = l.Close() } // it ends with the file in any case
	ok, err = s.try(l, exclusive)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ELOOP) {
		return nil, false, errors.Join(err, errExchanged)
	}
	if err != nil {
		release()
		if lockless(err) {
			s.unlocked.Store(true)
			return func() {}, true, nil
		}
		return nil, false, err
	}
	if !ok {
		release() // the file is open all the same
		return nil, false, nil
	}
	// It was opened by a path and not through root: it must be that very file.
	if st, err := l.Stat(); err != nil || !os.SameFile(st, is) {
		release()
		return nil, false, errors.Join(err, errExchanged)
	}
	return release, true, nil
}

var errExchanged = errors.New("another file has taken its name")

// lockless reports whether the file system has no locks.
func lockless(err error) bool {
	return errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOSYS) || errors.Is(err, errors.ErrUnsupported)
}

// lockFile opens the file of a lock, making it where it is missing.
func (r *room) lockFile(name string) (*os.File, fs.FileInfo, error) {
	if err := r.mkdir(path.Dir(name)); err != nil {
		return nil, nil, err
	}
	for range 2 {
		f, err := r.root.OpenFile(name, os.O_RDWR|openFlags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			if f, err = r.create(name); errors.Is(err, fs.ErrExist) {
				continue // somebody was quicker
			}
		}
		if err != nil {
			return nil, nil, err
		}
		// It will be written to: what is there under another name, too, is not ours.
		st, err := f.Stat()
		if err == nil && (!st.Mode().IsRegular() || names(st) > 1) {
			err = &fs.PathError{Op: "lock", Path: name, Err: errNotRegular}
		}
		var now fs.FileInfo
		if err == nil {
			now, err = r.root.Lstat(name)
		}
		if err == nil && !os.SameFile(now, st) {
			err = &fs.PathError{Op: "lock", Path: name, Err: errExchanged}
		}
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return f, st, nil
	}
	return nil, nil, &fs.PathError{Op: "lock", Path: name, Err: errExchanged}
}

// poll is how often a lock is asked for that another process holds.
const (
	pollFirst = 500 * time.Microsecond
	pollMost  = 50 * time.Millisecond
)

// turn is the right to fetch an object there is no copy of, among processes: so
// that the others wait for one instead of fetching it, too. It saves requests and
// nothing depends on it.
type turn struct {
	r    *room
	name string
	done func()
	beat time.Time
}

// takeTurn waits until nobody else fetches the object. It does not wait for one
// who holds the lock for another object, because there are only 256 of them; nor
// for one who has brought nothing for as long as patience; nor for a second one
// after the first. It fails only when the context ends.
func (s *state) takeTurn(ctx context.Context, r *room, id ident) (*turn, error) {
	t := &turn{r: r, name: id.lockName(), done: func() {}}
	f, st, err := r.lockFile(t.name)
	if err != nil {
		return t, nil //nolint:nilerr // without a lock it is done without
	}
	defer func() { _ = f.Close() }() // what was written to it is only read while the lock is held
	var first string
	pause, strange := pollFirst, 0
	for {
		release, ok, err := s.lock(r, t.name, st, true)
		switch {
		case err != nil:
			return t, nil //nolint:nilerr // without a lock it is done without
		case ok:
			t.done = release
			_, err := f.WriteAt([]byte(id.sum+rand.Text()), 0)
			_ = err // who cannot read whose it is does not wait
			t.renew()
			return t, nil
		}
		holder := make([]byte, len(id.sum)+tmpName)
		if _, err := f.ReadAt(holder, 0); err != nil || string(holder[:len(id.sum)]) != id.sum {
			if strange++; strange > 1 { // it may not yet have said whose it is
				return t, nil //nolint:nilerr // another object's
			}
		} else if first == "" {
			first = string(holder)
		} else if first != string(holder) {
			return t, nil
		}
		if now, err := f.Stat(); err != nil || time.Since(now.ModTime()) > s.patience {
			return t, nil //nolint:nilerr // it has stopped, or is gone
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, pollMost)
		}
	}
}

// renew shows those who wait that bytes are coming.
func (t *turn) renew() {
	now := time.Now()
	if now.Sub(t.beat) < time.Second {
		return
	}
	t.beat = now
	_ = t.r.root.Chtimes(t.name, now, now) // who sees no sign of life does not wait
}
