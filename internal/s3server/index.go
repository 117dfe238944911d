package s3server

import (
	"slices"
	"sort"
	"strings"
)

// index is an ordered map from keys to their versions: chunks of sorted keys, so that
// insertion moves few of them and a listing walks arrays. It is not safe for concurrent
// use.
type index struct {
	chunks []*chunk
	size   int
}

type chunk struct {
	keys    []string
	records []*record
}

// record is a key with its versions, newest first.
type record struct{ versions []*version }

const chunkSize = 512

// locate finds the chunk that holds key or would, and the place in it.
func (x *index) locate(key string) (c, i int, found bool) {
	// The last chunk whose first key is not behind key.
	c = sort.Search(len(x.chunks), func(n int) bool { return x.chunks[n].keys[0] > key }) - 1
	if c < 0 {
		return 0, 0, false
	}
	i, found = slices.BinarySearch(x.chunks[c].keys, key)
	return c, i, found
}

func (x *index) get(key string) *record {
	c, i, found := x.locate(key)
	if !found {
		return nil
	}
	return x.chunks[c].records[i]
}

// put returns the record of key, made if it is missing.
func (x *index) put(key string) *record {
	c, i, found := x.locate(key)
	if found {
		return x.chunks[c].records[i]
	}
	x.size++
	// A small key would pin the request it was cut from.
	key = strings.Clone(key)
	rec := new(record)
	if len(x.chunks) == 0 {
		x.chunks = append(x.chunks, &chunk{keys: []string{key}, records: []*record{rec}})
		return rec
	}
	ch := x.chunks[c]
	if len(ch.keys) >= chunkSize {
		if c == len(x.chunks)-1 && i == len(ch.keys) {
			// Keys that arrive in order fill chunks to the brim.
			x.chunks = append(x.chunks, &chunk{keys: []string{key}, records: []*record{rec}})
			return rec
		}
		half := len(ch.keys) / 2
		upper := &chunk{keys: slices.Clone(ch.keys[half:]), records: slices.Clone(ch.records[half:])}
		clear(ch.keys[half:])
		clear(ch.records[half:])
		ch.keys, ch.records = ch.keys[:half], ch.records[:half]
		x.chunks = slices.Insert(x.chunks, c+1, upper)
		if i > half {
			ch, i = upper, i-half
		}
	}
	ch.keys = slices.Insert(ch.keys, i, key)
	ch.records = slices.Insert(ch.records, i, rec)
	return rec
}

func (x *index) delete(key string) {
	c, i, found := x.locate(key)
	if !found {
		return
	}
	x.size--
	ch := x.chunks[c]
	ch.keys = slices.Delete(ch.keys, i, i+1)
	ch.records = slices.Delete(ch.records, i, i+1)
	if len(ch.keys) == 0 {
		x.chunks = slices.Delete(x.chunks, c, c+1)
	}
}

// cursor walks the index in key order. It is valid while the index does not change.
type cursor struct {
	x    *index
	c, i int
}

// seek moves to the first key that is not before key.
func (p *cursor) seek(key string) {
	p.c, p.i, _ = p.x.locate(key)
	p.settle()
}

func (p *cursor) next() {
	p.i++
	p.settle()
}

// settle moves from behind the end of a chunk to the start of the one after it.
func (p *cursor) settle() {
	if p.c < len(p.x.chunks) && p.i >= len(p.x.chunks[p.c].keys) {
		p.c, p.i = p.c+1, 0
	}
}

func (p *cursor) key() (string, bool) {
	if p.c >= len(p.x.chunks) {
		return "", false
	}
	return p.x.chunks[p.c].keys[p.i], true
}

func (p *cursor) record() *record { return p.x.chunks[p.c].records[p.i] }

// behind is the smallest string that sorts after every string that starts with prefix;
// there is none when prefix has no byte below 0xff.
func behind(prefix string) (string, bool) {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i] < 0xff {
			return prefix[:i] + string([]byte{prefix[i] + 1}), true
		}
	}
	return "", false
}
