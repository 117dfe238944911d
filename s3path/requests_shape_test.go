package s3path_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// No shape of a tree makes a listing dear: whatever is walked or globbed, it costs
// at most 3.5 times the flat pages of what has to be read, and 2.

// shape is a tree and the patterns that are asked of it, "" for a walk.
type shape struct {
	name     string
	page     int
	keys     []string
	patterns []string
}

// shapes are trees for pages of so many keys.
func shapes(page int, random *rand.Rand) []shape {
	everything := []string{"", "**", "*", "*/*", "**/*.json", "*/", "**/"}
	all := []shape{
		{
			name: "ten pages of one-file directories", page: page,
			keys:     many("d%05d/f.json", 10*page),
			patterns: append([]string{"*/f.json", "*/*.json", "*/x/*", "d0000?/*", "*/nothing", "{d00001,d00003}/f.json"}, everything...),
		}, {
			name: "one-file directories below a name each", page: page,
			keys:     many("r/d%05d/s/f.json", 4*page),
			patterns: append([]string{"r/*/s/f.json", "*/*/s/*", "r/*/s", "r/d0000?/s/?.json", "r/**/s/*", "r/*/t/*"}, everything...),
		}, {
			name: "few directories of many pages", page: page / 3,
			keys:     slices.Concat(many("a/f%05d", page), many("b/f%05d", page), many("c/s/f%05d", page), []string{"z"}),
			patterns: append([]string{"*/f00000", "?/f0000*", "*/s/f00000", "c/*/f0000?", "[ac]/f00007", "z", "*/*/*"}, everything...),
		}, {
			name: "small and large side by side", page: page / 3,
			keys: slices.Concat(many("d%04d/one", page), many("d0010/f%05d", page), many("e%03d/a/b/c", page/3),
				many("e002/a/f%05d", page), []string{"e", "zz/one"}),
			patterns: append([]string{"*/one", "d001*/one", "e*/a/b/c", "*/a/f00000", "{d0001,e001}/**", "*/*/*/c"}, everything...),
		}, {
			name: "thirty levels deep", page: page / 3,
			keys:     []string{strings.Repeat("d/", 30) + "f", strings.Repeat("d/", 29) + "e/f", strings.Repeat("d/", 10) + "g"},
			patterns: append([]string{strings.Repeat("*/", 30) + "f", strings.Repeat("*/", 10) + "g", "d/d/d/*", "**/e/*"}, everything...),
		}, {
			name: "random", page: 3 + random.IntN(8),
			keys:     randomKeys(random),
			patterns: append([]string{"a*/*", "*/b*/*.json", "**/a*", "{a,b}*/**/c*", "?/?", "*/*/*", "a", "b/", "c/**/"}, everything...),
		},
	}
	for _, s := range all {
		slices.Sort(s.keys)
	}
	return all
}

// tenThousand are pages of S3's own size, where they are quickly filled.
var tenThousand = shape{
	name: "10,000 one-file directories", page: fullPage,
	keys:     many("d%05d/f.json", 10*fullPage),
	patterns: []string{"", "*/f.json"},
}

// randomKeys is a tree that every server can hold: no name is both a file and a
// directory, none is empty.
func randomKeys(random *rand.Rand) []string {
	seen := map[string]bool{}
	for range 30 + random.IntN(60) {
		key := ""
		for range random.IntN(4) {
			key += string("abc"[random.IntN(3)]) + strings.Repeat("d", random.IntN(3)) + "/"
		}
		seen[key+string("abc"[random.IntN(3)])+fmt.Sprint(random.IntN(12))+".json"] = true
	}
	return slices.Collect(maps.Keys(seen))
}

func TestRequestsOfAnyShape(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	matrix.Run(t, func(t *testing.T, s *s3matrix.Server) {
		shapes := shapes(12, rand.New(rand.NewPCG(seed, 0)))
		if s.Name == s3matrix.InProcess {
			shapes = append(shapes, tenThousand)
		}
		for _, shape := range shapes {
			t.Run(shape.name, func(t *testing.T) {
				at := newPlace(t, s)
				at.apply(t, shape.keys)
				shape.measure(t, at, shape.keys)
				// The second client takes some of it away, and adds others.
				keys, edits := edited(shape.keys)
				at.apply(t, edits)
				shape.measure(t, at, keys)
			})
		}
	})
}

// edited is a tree without every seventh key and with another beside every ninth,
// and what it takes to make it so.
func edited(keys []string) (now, edits []string) {
	for i, key := range keys {
		if i%7 == 3 {
			edits = append(edits, "-"+key)
			continue
		}
		now = append(now, key)
		if i%9 == 4 {
			now, edits = append(now, key+".new"), append(edits, key+".new")
		}
	}
	slices.Sort(now)
	return now, edits
}

func (s shape) measure(t *testing.T, at *place, keys []string) {
	t.Helper()
	for _, pattern := range s.patterns {
		for _, opts := range [][]s3path.ListOption{
			{s3path.WithPageSize(s.page)},
			{s3path.WithPageSize(s.page), s3path.WithUnordered()},
		} {
			var got []string
			n := at.count(func() {
				if pattern == "" {
					got = rels(t, at.bucket.Walk(t.Context(), opts...))
				} else {
					got = rels(t, at.bucket.Glob(t.Context(), pattern, opts...))
				}
			})
			if len(opts) > 1 {
				slices.Sort(got)
			}
			if want := matching(t, keys, pattern, len(opts) > 1); !slices.Equal(got, want) {
				t.Errorf("%d options, %q: %d results, want %d", len(opts), pattern, len(got), len(want))
			}
			if bound := (7*flatPages(keys, pattern, s.page) + 4) / 2; n > bound {
				t.Errorf("%d options, %q: %d requests, want at most %d", len(opts), pattern, n, bound)
			}
		}
	}
}

// flatPages is how many pages hold the keys that begin as the pattern does.
func flatPages(keys []string, pattern string, page int) int {
	head := pattern
	if i := strings.IndexAny(pattern, "*?[{"); i >= 0 {
		head = pattern[:i]
	}
	n := 0
	for _, key := range keys {
		if strings.HasPrefix(key, head) {
			n++
		}
	}
	return max(1, (n+page-1)/page)
}

// matching is what a pattern selects among the keys and their directories, by
// looking at each of them.
func matching(t *testing.T, keys []string, pattern string, sorted bool) []string {
	t.Helper()
	if pattern == "" {
		return keys
	}
	// As keys and prefixes: S3's order is that of these.
	all := map[string]bool{"": true}
	for _, key := range keys {
		all[key] = true
		for i := range len(key) {
			if key[i] == '/' {
				all[key[:i+1]] = true
			}
		}
	}
	var found []string
	for rel := range all {
		ok, err := cloudpath.Match(pattern, rel)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			found = append(found, rel)
		}
	}
	slices.Sort(found)
	for i, rel := range found {
		found[i] = strings.TrimSuffix(rel, "/")
	}
	if sorted {
		slices.Sort(found)
	}
	return found
}
