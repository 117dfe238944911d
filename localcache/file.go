package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"
)

// File is an open copy: always one version of the object from its first byte
// to its last. Until Close no process that uses the cache removes or replaces the
// file of this name; a newer copy gets another. It may be read from several
// goroutines by ReadAt.
type File struct {
	held   held
	asked  time.Time
	closed atomic.Bool

	// Of a copy on disk:
	s    *state
	r    *room // nil where it streams
	id   ident
	f    *os.File
	done func() // ends the lock

	carried *held // what the record says of a file that was carried here; else nil

	stream *stream // of one that could not be kept
}

var (
	_ io.ReadSeekCloser = (*File)(nil)
	_ io.ReaderAt       = (*File)(nil)
	_ io.WriterTo       = (*File)(nil)
)

// Name is the file's name on disk, absolute, ending in the object's own name: for
// programs that take file names. They must not change the file. It is "" of a
// File that streams.
func (f *File) Name() string {
	if f.r == nil {
		return ""
	}
	return filepath.Join(f.r.dir, filepath.FromSlash(dataName(f.id.scope, f.held.Place)))
}

// Meta is what was known of the object when it was fetched.
func (f *File) Meta() Meta { return f.held.meta() }

// Streamed is why the object could not be kept on disk, and nil when it was. A
// File that streams reads from the server: in order it costs nothing more, going
// back fetches the object again from its beginning.
func (f *File) Streamed() error {
	if f.stream == nil {
		return nil
	}
	return f.stream.reason
}

// Use reports whether fr lets this copy be used without asking the server, and
// if so counts it as used.
func (f *File) Use(fr Freshness) bool {
	if f.stream != nil || !fr.allows(f.asked) {
		return false
	}
	f.s.hits.Add(1)
	f.used()
	return true
}

// Confirm notes that the server, asked at that time, called this copy current.
func (f *File) Confirm(ctx context.Context, asked time.Time, fr Freshness) {
	if f.stream == nil {
		f.s.revalidations.Add(1)
		f.confirm(ctx, asked, fr)
	}
}

// Read reads on from where the last Read or Seek left off.
func (f *File) Read(b []byte) (int, error) {
	if f.stream != nil {
		return f.stream.Read(b)
	}
	return f.f.Read(b)
}

// ReadAt reads from off, and leaves Read's position alone.
func (f *File) ReadAt(b []byte, off int64) (int, error) {
	if f.stream != nil {
		return f.stream.ReadAt(b, off)
	}
	return f.f.ReadAt(b, off)
}

// Seek sets where the next Read begins.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	if f.stream != nil {
		return f.stream.Seek(offset, whence)
	}
	return f.f.Seek(offset, whence)
}

// WriteTo writes the rest to w.
func (f *File) WriteTo(w io.Writer) (int64, error) {
	if f.stream != nil {
		return io.Copy(w, struct{ io.Reader }{f.stream})
	}
	return f.f.WriteTo(w)
}

// Close gives the file back. A second Close is fs.ErrClosed.
func (f *File) Close() error {
	if f.closed.Swap(true) {
		return fmt.Errorf("localcache: %s: %w", f.held.Place, fs.ErrClosed)
	}
	if f.stream != nil {
		return f.stream.Close()
	}
	err := f.discard()
	f.retire()
	return errors.Join(err, f.s.leave(f.r))
}

// discard ends the hold on a copy. The room is not left.
func (f *File) discard() error {
	if f == nil {
		return nil
	}
	f.done()
	return f.f.Close()
}

// retire removes a copy that was dropped or replaced while it was open, if this
// was its last reader. What cannot be removed now goes with the next Prune.
func (f *File) retire() {
	isDead := func(h held) bool { return h.Dead }
	if rec, err := f.r.record(f.id); err != nil || !slices.ContainsFunc(rec.Copies, isDead) {
		return
	}
	l, err := f.s.lockLedger(context.Background(), f.r)
	if err != nil {
		return
	}
	defer l.release()
	if rec, err := f.r.record(f.id); err == nil {
		_ = l.bury(f.id, rec, false) // as said
	}
}

// used makes the copy the one most recently used.
func (f *File) used() {
	now := time.Now()
	_ = f.r.root.Chtimes(f.id.metaName(), now, now) // only its turn in eviction depends on it
}

// confirm notes that the server was asked and called the copy current, where a
// later call may want to know.
func (f *File) confirm(ctx context.Context, asked time.Time, fr Freshness) {
	f.used()
	f.asked = asked
	if fr.kind != maxAge {
		return
	}
	l, err := f.s.lockLedger(ctx, f.r)
	if err != nil {
		return // then it is asked again
	}
	defer l.release()
	rec, err := f.r.record(f.id)
	if err != nil {
		return
	}
	for i := range rec.Copies {
		c := &rec.Copies[i]
		later := asked.After(c.Asked) || c.Asked.After(time.Now()) // the clock was set back since
		if c.Place == f.held.Place && c.Inode == f.held.Inode && c.ETag == f.held.ETag && later {
			c.Asked = asked
			_ = f.r.writeRecord(f.id, rec) // as above
			return
		}
	}
}

// lookup opens the copy that there is of an object, nil where there is none that
// can be trusted. An error says that there may be one.
func (s *state) lookup(ctx context.Context, r *room, id ident) (*File, error) {
	file, known, err := s.find(r, id)
	if file != nil && file.carried != nil {
		s.adopt(ctx, file)
	}
	if file != nil || !known {
		return file, err
	}
	// Somebody may be about to replace it: then it is found when they are done.
	l, err := s.lockLedger(ctx, r)
	if err != nil {
		return nil, ctx.Err()
	}
	defer l.release()
	file, _, err = s.find(r, id)
	return file, err
}

// find looks for a copy once. known says that there is a record of one.
func (s *state) find(r *room, id ident) (file *File, known bool, err error) {
	rec, err := r.record(id)
	if err != nil {
		if absent(err) {
			err = nil
		}
		return nil, false, err
	}
	for _, c := range rec.Copies {
		if _, dropped := s.undropped.Load(id.flight()); c.Dead || dropped {
			continue
		}
		known = true
		f, failed := s.openHeld(r, id, c)
		switch {
		case failed != nil && !absent(failed):
			err = failed
		case failed == nil && s.verified(f):
			return f, true, nil
		case failed == nil:
			_ = f.discard() // only read
		}
	}
	return nil, known, err
}

// adopt notes that a file which was carried here is the copy, so that the next
// one need not read it to know. Where that cannot be written it reads it.
func (s *state) adopt(ctx context.Context, f *File) {
	l, err := s.lockLedger(ctx, f.r)
	if err != nil {
		return
	}
	defer l.release()
	rec, err := f.r.record(f.id)
	if err != nil {
		return
	}
	for i := range rec.Copies {
		c := &rec.Copies[i]
		if c.Place == f.held.Place && c.FileTime == f.carried.FileTime && c.Inode == f.carried.Inode {
			c.FileTime, c.Inode = f.held.FileTime, f.held.Inode
			_ = f.r.writeRecord(f.id, rec) // as said
			return
		}
	}
}

// openHeld opens a copy, and holds it against removal.
func (s *state) openHeld(r *room, id ident, h held) (*File, error) {
	name := dataName(id.scope, h.Place)
	f, st, err := r.open(name)
	if err != nil {
		return nil, err
	}
	carried := !h.is(st)
	if carried && !(h.like(st) && r.holds(name, h)) {
		return nil, errors.Join(errExchanged, f.Close())
	}
	done, ok, err := s.lock(r, name, st, false)
	if err == nil && !ok {
		err = errExchanged // somebody is about to remove it
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	// From now on it stays. It may have gone just before.
	if now, err := r.root.Lstat(name); err != nil || !os.SameFile(now, st) {
		done()
		return nil, errors.Join(errExchanged, f.Close())
	}
	file := &File{held: h, asked: h.Asked, s: s, r: r, id: id, f: f, done: done}
	if carried {
		file.held.FileTime, file.held.Inode = st.ModTime().UnixNano(), inode(st)
		file.carried = &h
	}
	return file, nil
}

// verified compares every byte, where that is wanted.
func (s *state) verified(f *File) bool {
	if !s.checksum {
		return true
	}
	sum, err := s.sum(io.NewSectionReader(f.f, 0, f.held.Size))
	return err == nil && sum == f.held.SHA256
}
