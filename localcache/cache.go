package localcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"
)

// Cache is a directory of copies. It is safe for use by any number of
// goroutines, and any number of processes may have one on the same directory.
type Cache struct {
	*state
	flights singleflight.Group
}

// state is a Cache but for what its sessions have each to themselves.
type state struct {
	dir       string // absolute
	temporary bool
	maxBytes  int64 // 0 is without bound
	checksum  bool
	patience  time.Duration // for a process that holds a lock and does nothing
	try       tryLock
	step      func(name string) // nil; tests see here how far a fill is

	mu     sync.Mutex // of the room, and of closing
	room   *room
	closed bool

	ledger    chan struct{} // of one: the ledger's lock among goroutines
	unlocked  atomic.Bool   // the file system has no locks
	drops     [512]counter
	undropped sync.Map    // by ident.flight: what should have been dropped, and could not be
	waited    time.Time   // for the ledger, in vain; of who has it among goroutines
	queue     []candidate // for eviction; of who has locked the ledger
	index     index
	buffers   sync.Pool

	hits, misses, revalidations, evictions, fallbacks atomic.Int64
}

// Option configures a Cache.
type Option interface{ apply(*state) error }

type option func(*state) error

func (o option) apply(s *state) error { return o(s) }

// WithMaxBytes bounds what the copies take, in bytes, together with what is
// being downloaded: for the directory as a whole, in all processes that give the
// same bound. Copies that have not been used for longest make room, those that
// are open never do. An object that does not fit is streamed.
func WithMaxBytes(n int64) Option {
	return option(func(s *state) error {
		if n < 1 {
			return fmt.Errorf("WithMaxBytes: %d; a bound is at least 1", n)
		}
		s.maxBytes = n
		return nil
	})
}

// WithFullChecksum reads a copy as a whole each time it is opened, and compares
// it with the SHA-256 of what was downloaded: it notices any change on the disk.
// Without it, size and time of the file are compared. A copy that was made
// without this option counts as changed.
func WithFullChecksum() Option {
	return option(func(s *state) error { s.checksum = true; return nil })
}

const (
	defaultPatience = 15 * time.Second
	sweeping        = time.Second // for what can as well be swept another time
)

// Open opens the cache in dir, and makes the directory where it is missing. It
// removes what downloads that were killed have left, and what there is beyond the
// bound.
//
// dir must be a directory of this user's, no symbolic link, that nobody else can
// write to, with no directory above it that anybody could exchange; else it is
// cloudpath.ErrInsecureCache. It may hold other files, which are left alone.
func Open(dir string, opts ...Option) (*Cache, error) {
	if dir == "" {
		return nil, fmt.Errorf("localcache: opening a cache: %w: the directory's name is empty", fs.ErrInvalid)
	}
	c, err := open(dir, false, opts)
	if err != nil {
		return nil, fmt.Errorf("localcache: opening the cache in %s: %w", dir, err)
	}
	return c, nil
}

// Temporary makes a cache in a new directory below parent, which is made where it
// is missing, or among the system's temporary ones where that is "". Close removes
// it. Nothing in it has to outlast the machine, so that writing to it waits for no
// disk.
func Temporary(parent string, opts ...Option) (*Cache, error) {
	dir, err := makeTemporary(parent)
	if err != nil {
		return nil, fmt.Errorf("localcache: making a temporary cache: %w", err)
	}
	c, err := open(dir, true, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("localcache: making a temporary cache: %w", err), os.Remove(dir))
	}
	return c, nil
}

func makeTemporary(parent string) (string, error) {
	if parent != "" {
		if err := makePrivate(parent); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(parent, "cloudpath-")
}

func open(dir string, temporary bool, opts []Option) (*Cache, error) {
	s := &state{temporary: temporary, patience: defaultPatience, try: systemLock, ledger: make(chan struct{}, 1)}
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("a nil option")
		}
		if err := o.apply(s); err != nil {
			return nil, err
		}
	}
	var err error
	if s.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	if s.room, err = openRoom(s.dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sweeping)
	defer cancel()
	s.sweep(ctx, s.room)
	if s.maxBytes > 0 { // what is there may have been kept with a larger bound, or with none
		_ = s.with(ctx, s.room, func(l *ledger) error { return l.makeRoom(0) }) // or the next download does
	}
	return &Cache{state: s}, nil
}

// Session returns the same cache for callers of one kind. While one of a session
// asks for an object the others of it wait and take what came; those of another
// session ask for themselves, because the server may not allow them what it
// allows the first. Package s3path gives each client one.
func (c *Cache) Session() *Cache { return &Cache{state: c.state} }

// Dir is the cache's directory, as an absolute path.
func (c *Cache) Dir() string { return c.dir }

// Close ends the use of the cache; files that are open stay so. It removes a
// Temporary cache, all but what the cache did not write, and files that are open,
// which go when they are closed. A second Close does nothing.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil
	}
	c.closed = true
	r := c.room
	c.mu.Unlock()
	return c.end(r)
}

// end removes a temporary cache once it is closed, but for what is open: that
// goes when the last one leaves.
func (s *state) end(r *room) error {
	r.ending.Lock()
	defer r.ending.Unlock()
	s.mu.Lock()
	before, last := r.ended, r.users == 0
	r.ended = before || last
	s.mu.Unlock()
	if before {
		return nil
	}
	var err error
	if s.temporary && r.here() {
		err = s.vanish(r)
	}
	if last {
		err = errors.Join(err, r.root.Close())
	}
	return err
}

// place returns the directory, opened anew where somebody has put another in
// its place or taken it away, for one user more: leave must follow.
func (s *state) place() (*room, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("the cache: %w", fs.ErrClosed)
	}
	if !s.room.here() {
		r, err := openRoom(s.dir)
		if err != nil {
			return nil, err
		}
		if s.room.users == 0 {
			s.room.ended = true
			_ = s.room.root.Close() // nothing was written through it
		}
		s.room = r
	}
	s.room.users++
	return s.room, nil
}

func (s *state) leave(r *room) error {
	s.mu.Lock()
	r.users--
	ended := r.users == 0 && (s.closed || r != s.room)
	s.mu.Unlock()
	if ended {
		return s.end(r)
	}
	return nil
}

// Stats is what a Cache has done, and what its directory holds.
type Stats struct {
	Hits          int64 // opens answered by a copy without asking the server
	Misses        int64 // opens for which the object was fetched
	Revalidations int64 // opens answered by a copy that the server called current
	Evictions     int64 // copies removed to make room
	Fallbacks     int64 // opens that were streamed, because nothing could be kept: disk full or read-only, object larger than the bound
	Bytes, Files  int64 // on disk, of all processes together
}

// Stats returns the counts of this Cache since it was opened, and the size of
// its directory. It makes no request.
func (c *Cache) Stats() Stats {
	s := Stats{
		Hits: c.hits.Load(), Misses: c.misses.Load(), Revalidations: c.revalidations.Load(),
		Evictions: c.evictions.Load(), Fallbacks: c.fallbacks.Load(),
	}
	r, err := c.place()
	if err != nil {
		return s
	}
	defer func() { _ = c.leave(r) }() // what it removes has nothing to do with the numbers
	if l, err := c.lockLedger(context.Background(), r); err == nil {
		s.Bytes, s.Files = l.bytes, l.files
		l.release()
	}
	return s
}
