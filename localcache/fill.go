package localcache

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

type counter = atomic.Uint64

// fold is a number that follows from a hash.
func fold(sum string) int {
	n, err := strconv.ParseUint(sum[:8], 16, 32)
	if err != nil {
		return 0
	}
	return int(n)
}

// did tells a test how far a fill is.
func (s *state) did(step string) {
	if s.step != nil {
		s.step(step)
	}
}

// fill makes a copy of what was fetched: a file of another name first, which
// takes its own when it is complete and on the disk. A process that is killed at
// any time leaves the copy that was there or the new one.
func (c *Cache) fill(ctx context.Context, r *room, id ident, t *turn, fetch fetcher, got *Fetched, begun time.Time, drops uint64) (*File, error) {
	if reason := c.unfit(got.Meta); reason != nil {
		return c.streamed(ctx, fetch, got, reason)
	}
	w, err := c.newDownload(ctx, r, id, t, got.Meta.Size)
	if err != nil {
		if ctx.Err() != nil {
			return nil, errors.Join(ctx.Err(), got.Body.Close())
		}
		return c.streamed(ctx, fetch, got, err)
	}
	if err = w.download(got); err == nil {
		var file *File
		if file, err = w.publish(ctx, got.Meta, begun, drops); err == nil {
			c.misses.Add(1)
			return file, nil
		}
		_ = w.fail(err)
	}
	w.remove()
	if w.failed() == nil || ctx.Err() != nil {
		return nil, err // it is the body's, or the caller's
	}
	return c.streamed(ctx, fetch, nil, w.failed())
}

// unfit is why an object is not kept, if it is not.
func (s *state) unfit(m Meta) error {
	switch {
	case m.ETag == "":
		return errors.New("the server gave no ETag, so that nothing would tell whether a copy is current")
	case !utf8.ValidString(m.ETag):
		return fmt.Errorf("the ETag %q is no text", m.ETag)
	case s.maxBytes > 0 && m.Size > s.maxBytes:
		return fmt.Errorf("an object of %d bytes is larger than the cache may be, %d", m.Size, s.maxBytes)
	}
	return nil
}

// download is a file that becomes a copy when it is complete.
type download struct {
	s    *state
	r    *room
	id   ident
	name string
	f    *os.File // nil once it is a copy
	done func()   // ends the lock by which others see that it is being written
	turn *turn

	mu       sync.Mutex
	err      error // of the disk, in contrast to those of the body
	reserved int64
	began    int64
	written  int64 // of a body that comes in order
	grows    bool  // its size is not known before
	ctx      context.Context
}

// growth is what is reserved at a time for a body of unknown length, in a cache
// that is not small.
const growth = 1 << 20

// newDownload reserves the bytes, so that whatever many processes do at once
// stays within the bound.
func (s *state) newDownload(ctx context.Context, r *room, id ident, t *turn, size int64) (*download, error) {
	l, err := s.lockLedger(ctx, r)
	if err != nil {
		return nil, err
	}
	defer l.release()
	w := &download{s: s, r: r, id: id, turn: t, ctx: ctx, grows: size < 0, reserved: max(size, 0), name: id.scope + "/tmp/" + rand.Text(), done: func() {}}
	if l.bytes > math.MaxInt64-w.reserved {
		return nil, fmt.Errorf("no disk holds an object of %d bytes", size)
	}
	if err := l.makeRoom(w.reserved); err != nil {
		return nil, err
	}
	if err := l.change(); err != nil {
		return nil, err
	}
	if w.f, err = r.create(w.name); err != nil {
		return nil, err
	}
	var st fs.FileInfo
	if err = w.f.Truncate(w.reserved); err == nil { // at its full size it counts from the beginning
		st, err = w.f.Stat()
	}
	if err == nil {
		var ok bool
		if w.done, ok, err = s.lock(r, w.name, st, true); err == nil && !ok {
			err = errExchanged
		}
	}
	if err != nil {
		return nil, errors.Join(err, w.f.Close(), r.root.Remove(w.name))
	}
	l.add(w.reserved, 0)
	s.did("temporary")
	return w, nil
}

// download reads the body to its end.
func (w *download) download(got *Fetched) (err error) {
	var n int64
	if body, ok := got.Body.(io.WriterTo); ok {
		n, err = body.WriteTo(w)
	} else {
		buf := w.s.buffer()
		n, err = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{got.Body}, *buf)
		w.s.buffers.Put(buf)
	}
	err = errors.Join(err, got.Body.Close())
	if err == nil && got.Meta.Size >= 0 && n != got.Meta.Size {
		err = fmt.Errorf("%w: %d bytes of %d", io.ErrUnexpectedEOF, n, got.Meta.Size)
	}
	if err != nil {
		return err
	}
	if w.grows {
		if err := w.settle(n); err != nil {
			return w.fail(err)
		}
	}
	w.s.did("written")
	return nil
}

// bufferSize is what bytes are copied and summed by.
const bufferSize = 256 << 10

func (s *state) buffer() *[]byte {
	if b, ok := s.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSize)
	return &b
}

func (w *download) Write(b []byte) (int, error) {
	n, err := w.WriteAt(b, w.written)
	w.written += int64(n)
	return n, err
}

// WriteAt may be called from several goroutines.
func (w *download) WriteAt(b []byte, off int64) (int, error) {
	if err := w.claim(off + int64(len(b))); err != nil {
		return 0, err
	}
	n, err := w.f.WriteAt(b, off)
	return n, w.fail(err)
}

// claim sees to it that there is room up to end.
func (w *download) claim(end int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn.renew()
	if w.began == 0 {
		w.began = end
		w.s.did("first bytes")
	}
	switch {
	case end <= w.reserved:
		return nil
	case !w.grows:
		return fmt.Errorf("the server sends more than the %d bytes that it said the object has", w.reserved)
	}
	if w.err == nil {
		w.err = w.grow(end - w.reserved)
	}
	return w.err
}

func (w *download) grow(by int64) error {
	l, err := w.s.lockLedger(w.ctx, w.r)
	if err != nil {
		return err
	}
	defer l.release()
	more := int64(growth)
	if bound := w.s.maxBytes; bound > 0 {
		if w.reserved+by > bound {
			return fmt.Errorf("an object of more than %d bytes is larger than the cache may be, %d", w.reserved, bound)
		}
		more = min(more, bound/64, bound-w.reserved)
	}
	by = max(by, more)
	if err := l.makeRoom(by); err != nil {
		return err
	}
	return w.resize(l, w.reserved+by)
}

// settle gives back what was reserved and not needed.
func (w *download) settle(size int64) error {
	l, err := w.s.lockLedger(w.ctx, w.r)
	if err != nil {
		return err
	}
	defer l.release()
	return w.resize(l, size)
}

func (w *download) resize(l *ledger, size int64) error {
	if err := errors.Join(l.change(), w.f.Truncate(size)); err != nil {
		return err
	}
	l.add(size-w.reserved, 0)
	w.reserved = size
	return nil
}

// fail notes a failure of the disk, and returns it.
func (w *download) fail(err error) error {
	if err != nil {
		w.mu.Lock()
		w.err = errors.Join(w.err, err)
		w.mu.Unlock()
	}
	return err
}

func (w *download) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// remove takes away what came to nothing. Where that fails the next Open of the
// cache does it.
func (w *download) remove() {
	if w.f == nil {
		return // it has become a copy
	}
	l, err := w.s.lockLedger(context.WithoutCancel(w.ctx), w.r)
	if err == nil {
		if l.change() == nil && w.r.root.Remove(w.name) == nil {
			l.add(-w.reserved, 0)
		}
		l.release()
	}
	_ = w.f.Close() // its content is of no use
	w.done()
}

// publish gives the file its name, and returns it open.
func (w *download) publish(ctx context.Context, m Meta, begun time.Time, drops uint64) (*File, error) {
	if !m.ModTime.IsZero() {
		if err := w.r.root.Chtimes(w.name, m.ModTime, m.ModTime); err != nil {
			return nil, err
		}
	}
	synced := make(chan error, 1)
	if w.s.temporary {
		synced <- nil
	} else {
		go func() { synced <- w.f.Sync() }() // which takes its time
	}
	h, err := w.describe(m)
	if err = errors.Join(err, <-synced); err != nil {
		return nil, err
	}
	w.s.did("synced")
	h.Asked = begun
	file, err := w.enter(ctx, &h, drops)
	if err == nil && !w.s.temporary {
		err = w.r.sync(path.Dir(dataName(w.id.scope, h.Place)))
		w.s.did("recorded")
		if err != nil {
			err = errors.Join(err, file.discard())
		}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// enter makes the file a copy, and opens it before anybody can take it away.
func (w *download) enter(ctx context.Context, h *held, drops uint64) (*File, error) {
	l, err := w.s.lockLedger(ctx, w.r)
	if err != nil {
		return nil, err
	}
	defer l.release()
	// What was dropped while it was on its way is for those who asked, and for
	// nobody after them.
	h.Dead = w.s.dropsOf(w.id).Load() != drops
	if err := l.publish(w.id, w.name, h); err != nil {
		return nil, err
	}
	if !h.Dead {
		w.s.undropped.Delete(w.id.flight()) // what came before has gone now
	}
	w.done() // the others may have it from here on
	err = w.f.Close()
	w.f = nil
	if err != nil {
		return nil, err
	}
	return w.s.openHeld(w.r, w.id, *h)
}

// describe is what the record says of the file.
func (w *download) describe(m Meta) (h held, err error) {
	st, err := w.f.Stat()
	if err != nil {
		return held{}, err
	}
	h = held{
		ETag: m.ETag, Size: st.Size(), ModTime: m.ModTime, ContentType: m.ContentType, Extra: m.Extra,
		FileTime: st.ModTime().UnixNano(), Inode: inode(st),
	}
	buf := w.s.buffer()
	defer w.s.buffers.Put(buf)
	if h.CRC32C, err = crc(io.NewSectionReader(w.f, 0, h.Size), *buf); err == nil && w.s.checksum {
		h.SHA256, err = w.s.sum(io.NewSectionReader(w.f, 0, h.Size))
	}
	return h, err
}

// publish writes the record of a new copy, and then gives the copy its name,
// which it notes in h.
func (l *ledger) publish(id ident, temporary string, h *held) error {
	rec, err := l.r.record(id)
	if err != nil {
		if !absent(err) {
			return err
		}
		rec = newRecord(id.key)
	}
	// What somebody asked for later is not replaced by what was asked for before.
	h.Dead = h.Dead || slices.ContainsFunc(rec.Copies, func(c held) bool {
		st, err := l.r.root.Lstat(dataName(id.scope, c.Place))
		return !c.Dead && c.Asked.After(h.Asked) && c.Asked.Before(time.Now()) && err == nil && c.is(st)
	})
	release, err := l.choose(id, rec, h)
	if err != nil {
		return err
	}
	defer release()
	if err := l.change(); err != nil {
		return err
	}
	before := rec.Copies
	rec.Copies, rec.used = append([]held{*h}, before...), time.Now()
	if err := l.r.writeRecord(id, rec); err != nil {
		return err
	}
	l.s.did("noted")
	name := dataName(id.scope, h.Place)
	err = l.r.root.Rename(temporary, name)
	if errors.Is(err, fs.ErrNotExist) { // somebody took a directory away
		l.r.made.Clear()
		if err = l.r.mkdir(path.Dir(name)); err == nil {
			err = l.r.root.Rename(temporary, name)
		}
	}
	if err != nil {
		return errors.Join(err, l.keep(id, rec, before))
	}
	l.s.did("renamed")
	l.add(0, 1)
	if h.Dead || len(before) == 0 {
		return nil
	}
	rec.Copies = rec.Copies[:1]
	for _, old := range before {
		if old.Place == h.Place {
			// What stands there now is the new copy, even where it looks like the
			// old one, because the system has given it the number of that one.
			l.add(-old.Size, -1)
			continue
		}
		old.Dead = true
		rec.Copies = append(rec.Copies, old)
	}
	return l.bury(id, rec, true)
}

// choose finds the new copy's place: that of the copy before, unless it is
// open; else the first where there is nothing. What stands there and is not a
// copy of this object stays: another object's, where a file system takes two
// names for one, or a file that is none of ours.
func (l *ledger) choose(id ident, rec *record, h *held) (release func(), err error) {
	failed := errors.New("all places for a copy are taken")
	for place := range id.places {
		name := dataName(id.scope, place)
		st, err := l.r.root.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) {
			if err = l.r.mkdir(path.Dir(name)); err == nil {
				h.Place = place
				return func() {}, nil
			}
		}
		if err != nil { // a file where a directory is needed, a name too long
			failed = err
			continue
		}
		for _, old := range rec.Copies {
			if h.Dead || old.Place != place || !l.r.isCopy(name, old, st) {
				continue
			}
			if release, ok, err := l.s.lock(l.r, name, st, true); err == nil && ok {
				h.Place = place
				return release, nil
			}
		}
	}
	return nil, failed
}

// sum is the SHA-256 of what r has.
func (s *state) sum(r io.Reader) (string, error) {
	buf := s.buffer()
	defer s.buffers.Put(buf)
	sum := sha256.New()
	if _, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, *buf); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
