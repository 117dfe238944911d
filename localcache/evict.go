package localcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// candidate is a record as a scan for eviction found it.
type candidate struct {
	meta
	used time.Time
}

// makeRoom evicts until need more bytes fit. What has not been used for longest
// goes first; what is open stays.
func (l *ledger) makeRoom(need int64) error {
	s := l.s
	if s.maxBytes == 0 {
		return nil
	}
	for scans := 0; l.bytes+need > s.maxBytes; {
		if len(s.queue) > 0 {
			next := s.queue[0]
			s.queue = s.queue[1:]
			if err := l.evict(next); err != nil {
				return err
			}
			continue
		}
		// One scan serves many evictions: what is used or made after it is
		// younger than all it has found.
		switch scans++; scans {
		case 1:
		case 2: // there is less than the ledger says, or all of it is open
			l.recount()
		default:
			return fmt.Errorf("%d bytes do not fit into the cache's %d: %d are in use", need, s.maxBytes, l.bytes)
		}
		l.scan()
	}
	return nil
}

// scan finds all copies, in the order in which they are to go.
func (l *ledger) scan() {
	var queue []candidate
	for m := range l.r.metas() {
		if st, err := l.r.root.Lstat(m.name); err == nil {
			queue = append(queue, candidate{m, st.ModTime()})
		}
	}
	slices.SortFunc(queue, func(a, b candidate) int { return a.used.Compare(b.used) })
	l.s.queue = queue
}

// evict removes an object's copies, unless it was used since the scan.
func (l *ledger) evict(c candidate) error {
	st, err := l.r.root.Lstat(c.name)
	if err != nil || !st.ModTime().Equal(c.used) {
		return nil //nolint:nilerr // gone already
	}
	rec, err := l.r.readRecord(c.name)
	if err != nil {
		return nil //nolint:nilerr // Prune removes it
	}
	before := l.bytes
	var busy []held
	for _, h := range rec.Copies {
		if !l.remove(c.scope, h) {
			busy = append(busy, h)
		}
	}
	if l.bytes < before {
		l.s.evictions.Add(1)
	}
	if len(busy) == len(rec.Copies) {
		return nil
	}
	return l.keep(c.ident(rec), rec, busy)
}

// remove takes a copy off the disk, and reports false where somebody has it open.
// What stands in its place and is not the copy is somebody else's, and stays. keep
// must follow, with a record that does not list it.
func (l *ledger) remove(scope string, h held) (gone bool) {
	if l.change() != nil {
		return false
	}
	name := dataName(scope, h.Place)
	st, err := l.r.root.Lstat(name)
	if err != nil && !absent(err) {
		return false
	}
	if err == nil && l.r.isCopy(name, h, st) {
		release, ok, err := l.s.lock(l.r, name, st, true)
		switch {
		case errors.Is(err, errExchanged):
		case err != nil || !ok:
			return false
		default:
			err = l.r.root.Remove(name)
			release()
			if ignoreMissing(err) != nil {
				return false
			}
			l.r.rmdirs(path.Dir(name), scope+"/data")
		}
	}
	l.add(-h.Size, -1)
	return true
}

// keep writes what is left of a record.
func (l *ledger) keep(id ident, rec *record, copies []held) (err error) {
	if rec.Copies = copies; len(copies) == 0 {
		err = ignoreMissing(l.r.root.Remove(id.metaName()))
	} else {
		err = l.r.writeRecord(id, rec)
	}
	if err != nil {
		l.state = lost
	}
	return err
}

// bury removes the dead copies of a record that nobody has open. unwritten says
// that the record on the disk does not yet call them dead.
func (l *ledger) bury(id ident, rec *record, unwritten bool) error {
	for {
		left := slices.DeleteFunc(slices.Clone(rec.Copies), func(h held) bool { return h.Dead && l.remove(id.scope, h) })
		if !unwritten && len(left) == len(rec.Copies) {
			return nil
		}
		if err := l.keep(id, rec, left); err != nil || len(left) == 0 {
			return err
		}
		// Once more: who has closed one before the record called it dead leaves
		// it to us.
		unwritten = false
	}
}

// Drop removes the copies of an object. One that is open is not used any more,
// and is removed when it is closed. What is on its way into the cache is not
// kept. Without a copy Drop does nothing.
func (c *Cache) Drop(key Key) error {
	if err := key.check(); err != nil {
		return fmt.Errorf("localcache: dropping %v: %w", key, err)
	}
	r, err := c.place()
	if err != nil {
		return fmt.Errorf("localcache: dropping %v: %w", key, err)
	}
	if err := errors.Join(c.drop(context.Background(), r, identOf(key)), c.leave(r)); err != nil {
		return fmt.Errorf("localcache: dropping %v: %w", key, err)
	}
	return nil
}

func (c *Cache) drop(ctx context.Context, r *room, id ident) error {
	c.dropsOf(id).Add(1)
	c.flights.Forget(id.flight())
	err := c.dropRecorded(ctx, r, id)
	if err != nil {
		c.undropped.Store(id.flight(), true)
	}
	return err
}

func (s *state) dropRecorded(ctx context.Context, r *room, id ident) error {
	// Whoever has the ledger may have looked at the counter before, and be about to
	// write the record.
	select {
	case s.ledger <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	_, err := r.root.Lstat(id.metaName())
	<-s.ledger
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.with(ctx, r, func(l *ledger) error { return l.drop(id) })
}

func (l *ledger) drop(id ident) error {
	rec, err := l.r.record(id)
	if errors.Is(err, errBadRecord) || errors.Is(err, errNotRegular) {
		return ignoreMissing(l.r.root.Remove(id.metaName()))
	}
	if err != nil {
		return ignoreMissing(err)
	}
	for i := range rec.Copies {
		rec.Copies[i].Dead = true
	}
	return l.bury(id, rec, true)
}

// DropBelow drops the copies of this key and of every key below it as a
// directory, in all their versions, as Drop does; with the key "" those of the
// whole bucket. It reads the records of the origin as [Cache.Entries] does.
func (c *Cache) DropBelow(ctx context.Context, origin, bucket, key string) error {
	entries, err := c.entries(ctx, origin, bucket)
	if err != nil {
		return err
	}
	prefix := key
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	var failed []error
	for _, e := range entries.all {
		if err := ctx.Err(); err != nil {
			return errors.Join(append(failed, err)...)
		}
		if e.Key.Key == key || strings.HasPrefix(e.Key.Key, prefix) {
			failed = append(failed, c.Drop(e.Key))
		}
	}
	return errors.Join(failed...)
}

// Clear drops every copy in the directory, of all origins. Files that are not
// the cache's stay.
func (c *Cache) Clear() error {
	r, err := c.place()
	if err != nil {
		return fmt.Errorf("localcache: clearing %s: %w", c.dir, err)
	}
	if err := errors.Join(c.clear(context.Background(), r), c.leave(r)); err != nil {
		return fmt.Errorf("localcache: clearing %s: %w", c.dir, err)
	}
	return nil
}

func (s *state) clear(ctx context.Context, r *room) error {
	for i := range s.drops {
		s.drops[i].Add(1)
	}
	s.sweep(ctx, r)
	return s.each(ctx, r, func(l *ledger, m meta) error {
		rec, err := r.readRecord(m.name)
		if errors.Is(err, errBadRecord) || errors.Is(err, errNotRegular) {
			return r.discard(m)
		}
		if err != nil {
			return ignoreMissing(err)
		}
		return l.drop(m.ident(rec))
	})
}

// each does something to every record, with the ledger locked for each of them:
// others have their turn in between.
func (s *state) each(ctx context.Context, r *room, do func(l *ledger, m meta) error) error {
	var failed []error
	for m := range r.metas() {
		l, err := s.lockLedger(ctx, r)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		failed = append(failed, do(l, m))
		l.release()
	}
	return errors.Join(failed...)
}

// discard removes what has a record's name and cannot be one. A directory that
// is not empty is none of ours.
func (r *room) discard(m meta) error {
	if st, err := r.root.Lstat(m.name); err != nil || st.IsDir() {
		return ignoreMissing(err)
	}
	return ignoreMissing(r.root.Remove(m.name))
}

// Prune removes what is of no use to anybody: what processes that were killed
// have left, copies that were dropped while they were open, records without a
// copy or that cannot be read. It counts the directory anew, and brings it within
// its bound. It reads every record.
func (c *Cache) Prune(ctx context.Context) error {
	r, err := c.place()
	if err != nil {
		return fmt.Errorf("localcache: pruning %s: %w", c.dir, err)
	}
	if err := errors.Join(c.prune(ctx, r), c.leave(r)); err != nil {
		return fmt.Errorf("localcache: pruning %s: %w", c.dir, err)
	}
	return nil
}

func (s *state) prune(ctx context.Context, r *room) error {
	s.sweep(ctx, r)
	return errors.Join(
		s.each(ctx, r, func(l *ledger, m meta) error { return l.prune(m) }),
		s.with(ctx, r, func(l *ledger) error {
			var failed []error
			for m := range r.metasOf(recordSuffix + newSuffix) { // whoever wrote it was killed
				failed = append(failed, r.discard(m))
			}
			l.recount()
			return errors.Join(append(failed, l.makeRoom(0))...)
		}))
}

func (l *ledger) prune(m meta) error {
	rec, err := l.r.readRecord(m.name)
	switch {
	case errors.Is(err, errBadRecord), errors.Is(err, errNotRegular):
		return l.r.discard(m)
	case err != nil:
		return ignoreMissing(err)
	case identOf(rec.of()).metaName() != m.name:
		return l.r.discard(m)
	}
	left := slices.DeleteFunc(slices.Clone(rec.Copies), func(h held) bool {
		name := dataName(m.scope, h.Place)
		st, err := l.r.root.Lstat(name)
		if err == nil && !h.Dead && l.r.isCopy(name, h, st) || err != nil && !absent(err) {
			return false
		}
		return l.remove(m.scope, h)
	})
	if len(left) == len(rec.Copies) {
		return nil
	}
	return l.keep(m.ident(rec), rec, left)
}

// with locks the ledger for one thing to be done.
func (s *state) with(ctx context.Context, r *room, do func(l *ledger) error) error {
	l, err := s.lockLedger(ctx, r)
	if err != nil {
		return err
	}
	defer l.release()
	return do(l)
}

// unlockedAge is when a download counts as abandoned where there are no locks
// to tell.
const unlockedAge = time.Hour

// sweep removes the downloads of processes that are gone. What cannot be removed
// now is found again.
func (s *state) sweep(ctx context.Context, r *room) {
	for _, scope := range r.scopes() {
		downloads := r.names(scope + "/tmp")
		if len(downloads) == 0 {
			continue
		}
		_ = s.with(ctx, r, func(l *ledger) error {
			for _, name := range downloads {
				l.sweep(scope + "/tmp/" + name)
			}
			return nil
		}) // as said
	}
}

func (l *ledger) sweep(name string) {
	st, err := l.r.root.Lstat(name)
	if err != nil || !isDownload(path.Base(name), st) {
		return
	}
	release, ok, err := l.s.lock(l.r, name, st, true)
	if err != nil || !ok {
		return // it is being written
	}
	defer release()
	if l.s.unlocked.Load() && time.Since(st.ModTime()) < unlockedAge {
		return
	}
	if l.change() == nil && l.r.root.Remove(name) == nil {
		l.add(-st.Size(), 0)
	}
}

// tmpName is the length of a download's name, which is crypto/rand's Text.
const tmpName = 26

func isDownload(name string, st fs.FileInfo) bool {
	return len(name) == tmpName && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == "" && st.Mode().IsRegular()
}

// vanish removes a temporary cache, but for what is open and what is not ours.
func (s *state) vanish(r *room) error {
	if err := s.clear(context.Background(), r); err != nil {
		return err
	}
	for _, scope := range r.scopes() {
		for _, name := range r.names(scope + "/lock") {
			lock := scope + "/lock/" + name
			if st, err := r.root.Lstat(lock); err == nil && len(name) == 2 && st.Mode().IsRegular() {
				_ = r.root.Remove(lock) // or it stays
			}
		}
		r.rmtree(scope)
	}
	if len(r.scopes()) > 0 {
		return nil // something is open, and goes when it is closed
	}
	for _, name := range []string{ledgerName, tagName, format} {
		_ = r.root.Remove(name) // as above
	}
	if err := os.Remove(r.dir); err != nil && !errors.Is(err, fs.ErrNotExist) && len(r.names(".")) == 0 {
		return err
	}
	return nil // or there is something in it that is not ours
}
