package s3server

import (
	"io"
	"slices"
	"time"
)

const (
	nullVersion = "null"
	ownerID     = "75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a"
	ownerName   = "s3server"
)

// bucket is a name, a keyspace and the uploads in progress.
type bucket struct {
	name    string
	created time.Time
	keys    keyspace
	uploads map[string]*upload
}

func newBucket(name string, keys keyspace) *bucket {
	return &bucket{name: name, created: time.Now(), keys: keys, uploads: make(map[string]*upload)}
}

// version is one object as it was stored, or a delete marker. It does not change once it
// is in a keyspace: tags and restores replace it.
type version struct {
	id         string
	sequence   uint64 // higher is newer
	modified   time.Time
	etag       string // without quotes
	size       int64
	marker     bool // a delete marker
	body       []extent
	file       string // in a directory: the key of the file that is the body
	properties properties
	tags       []tag
	checksum   checksum
	parts      []int64   // sizes, of an upload in parts
	restored   time.Time // until when an archived object can be read
}

// keyspace holds the objects of one bucket. The server's lock is held during every call,
// exclusively during those that change something and always over a directory.
type keyspace interface {
	// current is the newest version of key, a delete marker included, or nil.
	current(key string) (*version, error)
	// version is the one with this id, or nil.
	version(key, id string) (*version, error)
	// open reads a stretch of a version's body; it may be read after the lock is gone.
	open(v *version, offset, length int64) (io.ReadCloser, error)
	// extents is the body as blobs, whose uses the caller then holds.
	extents(v *version) ([]extent, error)
	// commit stores v, whose body is extents the keyspace takes over, as the newest
	// version of key, and returns what is now there.
	commit(key string, v *version) (*version, error)
	// replace puts v in the place of old, which differs in tags or restoration only.
	replace(key string, old, v *version) error
	// remove deletes key as DELETE without a version does.
	remove(key string) (removal, error)
	// removeVersion deletes one version for good.
	removeVersion(key, id string) (removal, error)
	// list walks the keys from start on that have the prefix. A keyspace may leave out
	// keys that share a common prefix with an earlier one, as long as it is not the
	// common prefix of start.
	list(prefix, delimiter, start string) (walker, error)
	empty() (bool, error)
	discard() error // the bucket is deleted; what is left in it goes
	versioning() string
	setVersioning(status string) error
	// refuse says why this keyspace cannot hold key, or nil.
	refuse(key string, size int64) error
}

// walker moves over keys in order.
type walker interface {
	key() (string, bool)
	versions() ([]*version, error) // of this key, newest first, at least one
	next()
	seek(key string)
}

// removal tells what a deletion did.
type removal struct {
	version string // the id of what was removed or of the marker that was made
	marker  bool   // a marker was made, or was what was removed
}

// memory is a keyspace in memory.
type memory struct {
	bodies *bodyStore
	index  index
	status string // of versioning: "", Enabled or Suspended
	last   uint64 // sequence number of the newest version
}

func newMemory(bodies *bodyStore) *memory { return &memory{bodies: bodies} }

func (m *memory) current(key string) (*version, error) {
	if rec := m.index.get(key); rec != nil {
		return rec.versions[0], nil
	}
	return nil, nil
}

func (m *memory) version(key, id string) (*version, error) {
	if rec := m.index.get(key); rec != nil {
		if i := rec.find(id); i >= 0 {
			return rec.versions[i], nil
		}
	}
	return nil, nil
}

func (r *record) find(id string) int {
	return slices.IndexFunc(r.versions, func(v *version) bool { return v.id == id })
}

func (m *memory) open(v *version, offset, length int64) (io.ReadCloser, error) {
	r, err := m.bodies.open(v.body, offset, length)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(r), nil
}

func (m *memory) extents(v *version) ([]extent, error) {
	m.bodies.retain(v.body)
	return v.body, nil
}

func (m *memory) commit(key string, v *version) (*version, error) {
	rec := m.index.put(key)
	m.last++
	v.sequence = m.last
	if m.status == versioningEnabled {
		v.id = serialID(v.sequence)
	} else {
		v.id = nullVersion
		m.drop(rec, nullVersion)
	}
	rec.versions = slices.Insert(rec.versions, 0, v)
	return v, nil
}

func (m *memory) replace(key string, old, v *version) error {
	rec := m.index.get(key)
	if rec != nil {
		if i := slices.Index(rec.versions, old); i >= 0 {
			rec.versions[i] = v
			return nil
		}
	}
	return noSuchKey(key)
}

func (m *memory) remove(key string) (removal, error) {
	if m.status == "" {
		rec := m.index.get(key)
		if rec == nil {
			return removal{}, nil
		}
		m.drop(rec, nullVersion)
		m.index.delete(key)
		return removal{}, nil
	}
	v, err := m.commit(key, &version{marker: true, modified: time.Now()})
	if err != nil {
		return removal{}, err
	}
	return removal{version: v.id, marker: true}, nil
}

func (m *memory) removeVersion(key, id string) (removal, error) {
	done := removal{version: id}
	rec := m.index.get(key)
	if rec == nil {
		return done, nil
	}
	done.marker = m.drop(rec, id)
	if len(rec.versions) == 0 {
		m.index.delete(key)
	}
	return done, nil
}

// drop takes one version out of a record, and says whether it was a marker.
func (m *memory) drop(rec *record, id string) (marker bool) {
	i := rec.find(id)
	if i < 0 {
		return false
	}
	v := rec.versions[i]
	rec.versions = slices.Delete(rec.versions, i, i+1)
	m.bodies.release(v.body)
	return v.marker
}

func (m *memory) list(_, _, start string) (walker, error) {
	w := &memoryWalker{cursor{x: &m.index}}
	w.seek(start)
	return w, nil
}

type memoryWalker struct{ cursor }

func (w *memoryWalker) versions() ([]*version, error) { return w.record().versions, nil }

func (m *memory) empty() (bool, error) { return m.index.size == 0, nil }

func (m *memory) discard() error {
	for _, c := range m.index.chunks {
		for _, rec := range c.records {
			for _, v := range rec.versions {
				m.bodies.release(v.body)
			}
		}
	}
	m.index = index{}
	return nil
}

func (m *memory) versioning() string { return m.status }

func (m *memory) setVersioning(status string) error {
	m.status = status
	return nil
}

func (m *memory) refuse(string, int64) error { return nil }
