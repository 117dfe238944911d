package localcache

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Entry is an object of which there is a copy.
type Entry struct {
	Key  Key
	Meta Meta
}

// Entries returns the objects of a bucket of which there are copies of what was
// current, in the byte order of their keys: what can be read with [Offline]. The
// slice is shared and must not be changed.
//
// The first call reads every record of the origin, later ones those that may
// have changed.
func (c *Cache) Entries(ctx context.Context, origin, bucket string) ([]Entry, error) {
	entries, err := c.entries(ctx, origin, bucket)
	if err != nil {
		return nil, fmt.Errorf("localcache: listing %s: %w", c.dir, err)
	}
	return entries.current, nil
}

// index is what the records were when they were read last.
type index struct {
	mu     sync.Mutex
	is     fs.FileInfo // the directory
	scopes map[string]*scopeIndex
}

type scopeIndex struct {
	fans    map[string]fan
	buckets map[string]*bucketIndex
}

// bucketIndex is sorted.
type bucketIndex struct {
	all     []Entry
	current []Entry // without versions
}

// fan is one directory of records. A directory's time changes with each record
// that comes, goes or is written anew.
type fan struct {
	changed time.Time
	read    time.Time
	entries []Entry
}

// ticks is how far apart two changes have to be for their times to differ.
const ticks = 2 * time.Second

func (c *Cache) entries(ctx context.Context, origin, bucket string) (*bucketIndex, error) {
	r, err := c.place()
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.leave(r) }() // only read
	scope := identOf(Key{Origin: origin}).scope

	c.index.mu.Lock()
	defer c.index.mu.Unlock()
	if c.index.is == nil || !os.SameFile(c.index.is, r.is) {
		c.index.is, c.index.scopes = r.is, map[string]*scopeIndex{}
	}
	s := c.index.scopes[scope]
	if s == nil {
		s = &scopeIndex{fans: map[string]fan{}}
		c.index.scopes[scope] = s
	}
	changed, err := s.refresh(ctx, r, scope)
	if err != nil {
		return nil, err
	}
	if changed || s.buckets == nil {
		s.sort(origin)
	}
	if b := s.buckets[bucket]; b != nil {
		return b, nil
	}
	return &bucketIndex{}, nil
}

// refresh reads the directories that may have changed.
func (s *scopeIndex) refresh(ctx context.Context, r *room, scope string) (changed bool, err error) {
	names := r.names(scope + "/meta")
	for name := range s.fans {
		if !slices.Contains(names, name) {
			delete(s.fans, name)
			changed = true
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return changed, err
		}
		dir := scope + "/meta/" + name
		st, err := r.root.Lstat(dir)
		if err != nil || !st.IsDir() {
			continue
		}
		was, ok := s.fans[name]
		if ok && was.changed.Equal(st.ModTime()) && was.read.Sub(was.changed) > ticks {
			continue
		}
		changed = true
		now := fan{changed: st.ModTime(), read: time.Now()}
		for _, record := range r.names(dir) {
			if !strings.HasSuffix(record, recordSuffix) {
				continue
			}
			rec, err := r.readRecord(dir + "/" + record)
			if err != nil || identOf(rec.of()).metaName() != dir+"/"+record {
				continue // none, or somebody else's
			}
			if i := slices.IndexFunc(rec.Copies, func(h held) bool {
				st, err := r.root.Lstat(dataName(scope, h.Place))
				return !h.Dead && err == nil && h.like(st)
			}); i >= 0 {
				now.entries = append(now.entries, Entry{rec.of(), rec.Copies[i].meta()})
			}
		}
		s.fans[name] = now
	}
	return changed, nil
}

func (s *scopeIndex) sort(origin string) {
	s.buckets = map[string]*bucketIndex{}
	for _, f := range s.fans {
		for _, e := range f.entries {
			if e.Key.Origin != origin { // another with the same hash
				continue
			}
			b := s.buckets[e.Key.Bucket]
			if b == nil {
				b = &bucketIndex{}
				s.buckets[e.Key.Bucket] = b
			}
			b.all = append(b.all, e)
		}
	}
	for _, b := range s.buckets {
		slices.SortFunc(b.all, func(x, y Entry) int { return strings.Compare(x.Key.Key, y.Key.Key) })
		for _, e := range b.all {
			if e.Key.Version == "" {
				b.current = append(b.current, e)
			}
		}
	}
}
