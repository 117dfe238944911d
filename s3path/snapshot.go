package s3path

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"time"
)

// Snapshot is what a listing found, to be compared with a later one: relative
// path to size, time and ETag. It is kept as JSON between runs. The zero
// Snapshot has seen nothing.
type Snapshot struct{ objects map[string]Stamp }

// Stamp is what a Snapshot knows of an object.
type Stamp struct {
	Size    int64     `json:"size"` // bytes
	ModTime time.Time `json:"time"` // whole seconds
	ETag    string    `json:"etag,omitempty"`
}

// same reports whether two stamps are of the same content: by the ETag, because
// an object can be written twice in a second and rewritten unchanged; by size
// and time on servers that give none.
func (s Stamp) same(t Stamp) bool {
	if s.ETag != "" && t.ETag != "" {
		return s.ETag == t.ETag
	}
	return s.Size == t.Size && s.ModTime.Equal(t.ModTime)
}

// Snapshot lists the objects below the path, as Walk does, and remembers them.
// 1 request per 1,000 keys, and none for what a later Diff says. A listing that
// fails gives no snapshot: what was known before stays true.
func (p S3Path) Snapshot(ctx context.Context, opts ...ListOption) (Snapshot, error) {
	s := Snapshot{map[string]Stamp{}}
	for e, err := range p.Walk(ctx, opts...) {
		if err != nil {
			return Snapshot{}, err
		}
		if !e.IsDir() {
			s.objects[e.Rel()] = Stamp{e.Size(), e.ModTime(), e.ETag()}
		}
	}
	return s, nil
}

// Len is the number of objects.
func (s Snapshot) Len() int { return len(s.objects) }

// All yields the objects by their relative paths, sorted.
func (s Snapshot) All() iter.Seq2[string, Stamp] {
	return func(yield func(string, Stamp) bool) {
		for _, rel := range slices.Sorted(maps.Keys(s.objects)) {
			if !yield(rel, s.objects[rel]) {
				return
			}
		}
	}
}

// Diff is what is different between two snapshots: relative paths, sorted.
type Diff struct{ Added, Changed, Removed []string }

// Diff compares with a newer snapshot of the same tree. An object that was
// written again with the same content has the same ETag and is not Changed.
func (s Snapshot) Diff(newer Snapshot) Diff {
	var d Diff
	for rel, now := range newer.All() {
		switch before, known := s.objects[rel]; {
		case !known:
			d.Added = append(d.Added, rel)
		case !before.same(now):
			d.Changed = append(d.Changed, rel)
		}
	}
	for rel := range s.All() {
		if _, still := newer.objects[rel]; !still {
			d.Removed = append(d.Removed, rel)
		}
	}
	return d
}

// MarshalJSON writes an object of relative paths.
func (s Snapshot) MarshalJSON() ([]byte, error) {
	if s.objects == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(s.objects)
}

// UnmarshalJSON reads what MarshalJSON wrote. On an error the snapshot stays as
// it was.
func (s *Snapshot) UnmarshalJSON(data []byte) error {
	var objects map[string]Stamp
	if err := json.Unmarshal(data, &objects); err != nil {
		return err
	}
	s.objects = objects
	return nil
}
