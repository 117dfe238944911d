package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"
)

// Fetched is a fetch's answer. Body nil means that the copy in hand is still
// current. The cache reads Body to its end and closes it; one that is an
// io.WriterTo may find that it is given an io.WriterAt, and write in any order.
type Fetched struct {
	Meta Meta
	Body io.ReadCloser
}

// Open returns the object as a file: the copy where there is one that f lets be
// used or that fetch calls current, else a new copy of what fetch brings, once
// all of it is there.
//
// fetch asks the server, and is called at most once as a rule: with the Meta of
// the copy in hand, or the zero Meta. Of many goroutines that want the same
// object one calls it, and the others wait and take the same answer, each as long
// as its own context; when it fails, they try themselves. A process waits for
// another one that is fetching an object of which there is no copy. fetch may
// answer fs.ErrNotExist, and then the copy is dropped. With [Offline] it is never
// called, and what there is no copy of is fs.ErrNotExist. Where it is nil and would
// be called, that is fs.ErrInvalid.
//
// Where nothing can be kept (the disk is full, the object larger than the bound,
// without an ETag, and so on) the File streams, and Streamed says why.
//
// The caller closes the File.
func (c *Cache) Open(ctx context.Context, key Key, f Freshness, fetch func(ctx context.Context, have Meta) (*Fetched, error)) (*File, error) {
	if err := key.check(); err != nil {
		return nil, fmt.Errorf("localcache: opening %v: %w", key, err)
	}
	if fetch == nil && !f.IsOffline() {
		fetch = func(context.Context, Meta) (*Fetched, error) {
			return nil, fmt.Errorf("localcache: opening %v: %w: there is nobody to ask, fetch is nil", key, fs.ErrInvalid)
		}
	}
	file, err := c.openKey(ctx, identOf(key), f, fetch)
	if err != nil {
		return nil, err
	}
	return file, nil
}

// Have returns the copy that there is, however old, and fs.ErrNotExist where
// there is none. It asks nobody and counts nothing: [File.Use] and
// [File.Confirm] do, for callers that may want only a part of the object and so
// ask for themselves. The caller closes the File.
func (c *Cache) Have(key Key) (*File, error) {
	if err := key.check(); err != nil {
		return nil, fmt.Errorf("localcache: opening %v: %w", key, err)
	}
	r, err := c.place()
	if err != nil {
		return nil, fmt.Errorf("%w: there is no copy: %w", fs.ErrNotExist, err)
	}
	file, err := c.lookup(context.Background(), r, identOf(key))
	if file != nil {
		return file, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: there is no copy", fs.ErrNotExist)
	}
	return nil, errors.Join(err, c.leave(r))
}

func (c *Cache) openKey(ctx context.Context, id ident, f Freshness, fetch fetcher) (*File, error) {
	for tries := 0; ; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := c.place()
		if errors.Is(err, fs.ErrClosed) {
			return nil, err
		}
		if err != nil && f.IsOffline() {
			return nil, fmt.Errorf("%w: there is no copy: %w", fs.ErrNotExist, err)
		}
		if err != nil { // the directory is gone for good
			return c.streamed(ctx, fetch, nil, err)
		}
		file, err := c.lookup(ctx, r, id)
		if file != nil && f.allows(file.asked) {
			c.hits.Add(1)
			file.used()
			return file, nil // which leaves the room when it is closed
		}
		err = errors.Join(err, file.discard(), c.leave(r))
		if f.IsOffline() {
			if err == nil {
				err = fmt.Errorf("%w: there is no copy, and Offline asks no server", fs.ErrNotExist)
			}
			return nil, err
		}
		if tries++; tries > maxJoins {
			return c.ask(ctx, id, f, fetch)
		}
		file, again, err := c.join(ctx, id, f, fetch)
		if !again {
			return file, err
		}
	}
}

// maxJoins is for how many others' requests, all of which come to nothing, one
// waits before making its own beside them.
const maxJoins = 2

type fetcher = func(ctx context.Context, have Meta) (*Fetched, error)

// outcome is what those who waited may know of an answer.
type outcome struct {
	etag   string
	asked  bool  // else there was a copy that the one who asked need not ask about
	stored error // why it could not be kept
}

// join asks for the object, or waits for somebody who does. again says that this
// came to nothing and is to be tried anew.
func (c *Cache) join(ctx context.Context, id ident, f Freshness, fetch fetcher) (file *File, again bool, err error) {
	var mine handover
	answer := c.flights.DoChan(id.flight(), func() (any, error) {
		begun := time.Now()
		file, err := c.ask(ctx, id, f, fetch)
		if err != nil {
			mine.give(nil)
			return nil, err
		}
		o := outcome{file.Meta().ETag, !file.asked.Before(begun), file.Streamed()}
		mine.give(file)
		return o, nil
	})
	select {
	case <-ctx.Done():
		mine.leave()
		return nil, false, ctx.Err()
	case got := <-answer:
		if file, asked := mine.take(); asked {
			return file, false, got.Err
		}
		if got.Err != nil {
			return nil, true, nil //nolint:nilerr // it was another's failure
		}
		o := got.Val.(outcome)
		if o.stored != nil {
			file, err := c.streamed(ctx, fetch, nil, o.stored)
			return file, false, err
		}
		r, err := c.place()
		if err != nil {
			return nil, true, nil //nolint:nilerr // the next round meets it again
		}
		file, err := c.lookup(ctx, r, id)
		if file != nil && file.held.ETag == o.etag && (o.asked || f.allows(file.asked)) {
			c.hits.Add(1)
			return file, false, nil
		}
		// It is gone already, or replaced.
		return nil, true, errors.Join(err, file.discard(), c.leave(r))
	}
}

// handover brings the file of the one who asks from the goroutine that does it
// to the one who called, who may have left.
type handover struct {
	mu    sync.Mutex
	file  *File
	asked bool
	left  bool
}

func (h *handover) give(f *File) {
	h.mu.Lock()
	h.asked, h.file = true, f
	left := h.left
	h.mu.Unlock()
	if left && f != nil {
		_ = f.Close() // nobody is left to be told
	}
}

func (h *handover) take() (f *File, asked bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.file, h.asked
}

func (h *handover) leave() {
	h.mu.Lock()
	h.left = true
	f := h.file
	h.mu.Unlock()
	if f != nil {
		_ = f.Close() // nobody is left to be told
	}
}

// ask makes the request, and keeps what it brings.
func (c *Cache) ask(ctx context.Context, id ident, f Freshness, fetch fetcher) (*File, error) {
	r, err := c.place()
	if err != nil {
		return c.streamed(ctx, fetch, nil, err)
	}
	file, err := c.askIn(ctx, r, id, f, fetch)
	if file == nil || file.r == nil {
		err = errors.Join(err, c.leave(r))
	}
	return file, err
}

func (c *Cache) askIn(ctx context.Context, r *room, id ident, f Freshness, fetch fetcher) (*File, error) {
	file, _ := c.lookup(ctx, r, id) // what may be there is not needed: there is a server
	t := &turn{r: r, name: id.lockName(), done: func() {}}
	if file == nil {
		var err error
		if t, err = c.takeTurn(ctx, r, id); err != nil {
			return nil, err
		}
		file, _ = c.lookup(ctx, r, id) // somebody else may have been quicker
		c.did("locked")
	}
	defer func() { t.done() }()
	if file != nil && f.allows(file.asked) {
		c.hits.Add(1)
		return file, nil
	}
	begun, drops := time.Now(), c.dropsOf(id).Load()
	var have Meta
	if file != nil {
		have = file.Meta()
	}
	got, err := fetch(ctx, have)
	switch {
	case err == nil && got == nil:
		err = errors.New("localcache: the fetch brought no answer")
	case err == nil && got.Body == nil && file == nil:
		err = errors.New("localcache: the fetch called a copy current that there is not")
	}
	if err != nil {
		err = errors.Join(err, file.discard())
		if errors.Is(err, fs.ErrNotExist) {
			err = errors.Join(err, c.drop(ctx, r, id))
		}
		return nil, err
	}
	if got.Body == nil {
		c.revalidations.Add(1)
		file.confirm(ctx, begun, f)
		return file, nil
	}
	// An open copy stays where it is, and the new one would need another place.
	if err := file.discard(); err != nil {
		return nil, errors.Join(err, got.Body.Close())
	}
	return c.fill(ctx, r, id, t, fetch, got, begun, drops)
}

// dropsOf counts how often the object, or one that shares its counter, was
// dropped: what was asked for before is not kept.
func (s *state) dropsOf(id ident) *counter {
	return &s.drops[fold(id.sum)%len(s.drops)]
}
