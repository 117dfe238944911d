package s3server

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestIndexIsAnOrderedMap compares the index with a map through thousands of changes.
func TestIndexIsAnOrderedMap(t *testing.T) {
	for _, order := range []string{"random", "ascending", "descending"} {
		t.Run(order, func(t *testing.T) {
			const seed, n = 3, 5000
			r := rand.New(rand.NewPCG(seed, seed))
			var x index
			want := make(map[string]*record)
			for i := range n {
				number := map[string]int{"random": r.IntN(n), "ascending": i, "descending": n - i}[order]
				key := fmt.Sprintf("%06d", number)
				rec := x.put(key)
				if old := want[key]; old != nil && old != rec {
					t.Fatalf("a second put of %s made another record", key)
				}
				want[key] = rec
				if i%3 == 0 {
					gone := fmt.Sprintf("%06d", r.IntN(n))
					x.delete(gone)
					delete(want, gone)
				}
			}
			compareIndex(t, &x, want)
			keys := slices.Sorted(maps.Keys(want))
			for range 1000 {
				key := fmt.Sprintf("%05d", r.IntN(n))
				p := cursor{x: &x}
				p.seek(key)
				got, ok := p.key()
				i, _ := slices.BinarySearch(keys, key)
				if ok != (i < len(keys)) || ok && got != keys[i] {
					t.Fatalf("seek %s found %q, %v", key, got, ok)
				}
			}
			for key := range want {
				x.delete(key)
			}
			compareIndex(t, &x, nil)
		})
	}
}

func compareIndex(t *testing.T, x *index, want map[string]*record) {
	t.Helper()
	if x.size != len(want) {
		t.Errorf("size %d, want %d", x.size, len(want))
	}
	p := cursor{x: x}
	p.seek("")
	for _, key := range slices.Sorted(maps.Keys(want)) {
		got, ok := p.key()
		if !ok || got != key || p.record() != want[key] || x.get(key) != want[key] {
			t.Fatalf("at %s is %q, %v", key, got, ok)
		}
		p.next()
	}
	if got, ok := p.key(); ok {
		t.Errorf("%q is behind the end", got)
	}
}

func TestBehind(t *testing.T) {
	for _, row := range []struct {
		prefix, want string
		ok           bool
	}{
		{"a/", "a0", true},
		{"a\xff", "b", true},
		{"\xff\xff", "", false},
		{"", "", false},
	} {
		if got, ok := behind(row.prefix); got != row.want || ok != row.ok {
			t.Errorf("behind %q is %q, %v", row.prefix, got, ok)
		}
	}
}
