package s3server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

const bodiesBucket = "bodies"

// bodyStore keeps bodies in gofakes3's memory backend. Each body is received once, under
// a number of its own; objects, versions and parts refer to it. So a body that is still
// being received, or that loses a race, is never visible under a key, and copying moves
// no bytes.
type bodyStore struct {
	shards [shardCount]gofakes3.Backend
	last   atomic.Uint64
}

// shardCount is how many backends share the bodies. Each hashes what it receives under
// its own lock, so one backend would make parts that arrive together wait for each other.
const shardCount = 16

// blob is one stored body. Its uses are counted under the server's lock.
type blob struct {
	home gofakes3.Backend
	name string
	size int64
	md5  []byte
	uses int
}

// extent is a stretch of a blob.
type extent struct {
	blob   *blob
	offset int64
	length int64
}

func newBodyStore() (*bodyStore, error) {
	s := new(bodyStore)
	for i := range s.shards {
		s.shards[i] = s3mem.New()
		if err := s.shards[i].CreateBucket(bodiesBucket); err != nil {
			return nil, fmt.Errorf("s3server: %w", err)
		}
	}
	return s, nil
}

// receive stores size bytes of r. The blob has no uses yet: retain or discard it.
func (s *bodyStore) receive(r io.Reader, size int64) (*blob, error) {
	number := s.last.Add(1)
	home, name := s.shards[number%shardCount], fmt.Sprintf("%016x", number)
	if _, err := home.PutObject(bodiesBucket, name, nil, r, size, nil); err != nil {
		var api *apiError
		if errors.As(err, &api) {
			return nil, api
		}
		// The backend only fails when r does: the client went away, or said less than
		// its Content-Length.
		return nil, fail("IncompleteBody", "You did not provide the number of bytes specified by the Content-Length HTTP header: %v", err)
	}
	stored, err := home.HeadObject(bodiesBucket, name)
	if err != nil {
		return nil, err
	}
	if err := stored.Contents.Close(); err != nil {
		return nil, err
	}
	return &blob{home: home, name: name, size: size, md5: stored.Hash}, nil
}

// discard drops a blob that nothing refers to.
func (s *bodyStore) discard(b *blob) {
	if b != nil && b.uses == 0 {
		// The memory backend cannot fail to delete from a bucket that exists.
		_, _ = b.home.DeleteObject(bodiesBucket, b.name)
	}
}

// retain counts a use of each extent. The server's lock is held.
func (s *bodyStore) retain(extents []extent) {
	for _, e := range extents {
		e.blob.uses++
	}
}

// release ends a use of each extent. The server's lock is held.
func (s *bodyStore) release(extents []extent) {
	for _, e := range extents {
		e.blob.uses--
		s.discard(e.blob)
	}
}

// open reads length bytes at offset of the body that the extents make up. What is opened
// stays readable after the blobs are gone.
func (s *bodyStore) open(extents []extent, offset, length int64) (io.Reader, error) {
	var readers []io.Reader
	for _, e := range extents {
		if length <= 0 {
			break
		}
		if offset >= e.length {
			offset -= e.length
			continue
		}
		n := min(e.length-offset, length)
		stored, err := e.blob.home.GetObject(bodiesBucket, e.blob.name, &gofakes3.ObjectRangeRequest{
			Start: e.offset + offset,
			End:   e.offset + offset + n - 1,
		})
		if err != nil {
			return nil, err
		}
		readers = append(readers, stored.Contents) // in memory: nothing to close
		offset, length = 0, length-n
	}
	switch len(readers) {
	case 0:
		return bytes.NewReader(nil), nil
	case 1:
		return readers[0], nil
	}
	return io.MultiReader(readers...), nil
}

func (b *blob) whole() []extent {
	if b.size == 0 {
		// Kept, although it has no bytes, so that releasing the extents drops the blob.
		return []extent{{blob: b}}
	}
	return []extent{{blob: b, length: b.size}}
}

// stretch is the extents of length bytes at offset.
func stretch(extents []extent, offset, length int64) []extent {
	var out []extent
	for _, e := range extents {
		if length <= 0 {
			break
		}
		if offset >= e.length {
			offset -= e.length
			continue
		}
		n := min(e.length-offset, length)
		out = append(out, extent{e.blob, e.offset + offset, n})
		offset, length = 0, length-n
	}
	return out
}
