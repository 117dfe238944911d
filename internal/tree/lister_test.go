package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// fake is a flat store in memory. It counts requests, and misbehaves as told.
type fake struct {
	keys     []string // sorted
	pageSize int      // 1000 if 0

	shuffled     bool   // lists in no order and takes neither After nor a prefix that ends within a name
	seed         uint64 // of that order
	missing      bool   // there is no such bucket
	skipBefore   bool   // leaves out a prefix that begins before After, whatever it holds
	markersTwice bool   // lists a marker beside its prefix
	flatOnly     bool   // does not know the delimiter
	hollow       bool   // sends an empty page before every other one

	listErr, headErr error
	failAt           int                // the LIST that fails with listErr, 0 for all
	onList           func(n int)        // called before the answer to the n-th LIST
	mangle           func(Query, *Page) // changes an answer

	lists, heads int
	queries      []Query
	t            testing.TB
}

func newFake(t testing.TB, keys ...string) *fake {
	keys = slices.Clone(keys)
	slices.Sort(keys)
	return &fake{keys: slices.Compact(keys), t: t}
}

func (f *fake) requests() int { return f.lists + f.heads }

func (f *fake) reset() { f.lists, f.heads, f.queries = 0, 0, nil }

func (f *fake) Ordered() bool { return !f.shuffled }

func (f *fake) Head(_ context.Context, key string) (Object, error) {
	f.heads++
	switch {
	case f.headErr != nil:
		return Object{}, f.headErr
	case f.missing || !slices.Contains(f.keys, key):
		return Object{}, fmt.Errorf("head %q: %w", key, fs.ErrNotExist)
	}
	return object(key), nil
}

func object(key string) Object {
	return Object{Key: key, Size: int64(len(key)), ETag: "etag of " + key}
}

func (f *fake) List(ctx context.Context, q Query) (Page, error) {
	f.lists++
	f.queries = append(f.queries, q)
	if f.onList != nil {
		f.onList(f.lists)
	}
	switch {
	case ctx.Err() != nil:
		return Page{}, ctx.Err()
	case f.listErr != nil && (f.failAt == 0 || f.failAt == f.lists):
		return Page{}, f.listErr
	case f.missing:
		return Page{}, fmt.Errorf("list: no such bucket: %w", fs.ErrNotExist)
	case q.Token != "" && q.After != "":
		f.t.Errorf("a request with both a token and a start: %+v", q)
	case f.shuffled && (q.After != "" || q.Prefix != "" && !strings.HasSuffix(q.Prefix, "/")):
		f.t.Errorf("a store without order was asked %+v", q)
	}
	size := f.pageSize
	if size == 0 {
		size = 1000
	}
	if q.Max > 0 {
		size = min(size, q.Max)
	}
	var page Page
	if f.shuffled {
		page = f.shuffledPage(q, size)
	} else {
		page = f.page(q, size)
	}
	if f.mangle != nil {
		f.mangle(q, &page)
	}
	return page, nil
}

// page answers as S3 does. A token is "kind:key": everything behind key, or
// behind the prefix key.
func (f *fake) page(q Query, size int) Page {
	pos := place{q.Prefix, at}
	// Some servers answer nothing to a start outside the prefix.
	if q.After != "" && !strings.HasPrefix(q.After, q.Prefix) {
		f.t.Errorf("%q does not begin with the prefix %q", q.After, q.Prefix)
		return Page{}
	}
	if q.After != "" {
		pos = place{q.After, behindKey}
	}
	hollow := f.hollow
	if kind, key, ok := strings.Cut(q.Token, ":"); ok {
		if rest, again := strings.CutPrefix(kind, "h"); again {
			kind, hollow = rest, false
		}
		n, err := strconv.Atoi(kind)
		if err != nil {
			f.t.Errorf("no token of ours: %q", q.Token)
		}
		pos = place{key, side(n)}
	}
	if hollow {
		return Page{Next: fmt.Sprintf("h%d:%s", pos.side, pos.key)}
	}
	var page Page
	// next is the index of the first key behind a place.
	next := func(p place) int {
		i := sort.SearchStrings(f.keys, p.key)
		return i + sort.Search(len(f.keys)-i, func(j int) bool { return p.reached(f.keys[i+j]) })
	}
	for i := max(next(place{q.Prefix, at}), next(pos)); i < len(f.keys) && strings.HasPrefix(f.keys[i], q.Prefix); i = next(pos) {
		key := f.keys[i]
		if len(page.Objects)+len(page.Prefixes) == size {
			page.Next = fmt.Sprintf("%d:%s", pos.side, pos.key)
			return page
		}
		if j := strings.IndexByte(key[len(q.Prefix):], '/'); q.Delimiter != "" && !f.flatOnly && j >= 0 {
			prefix := key[:len(q.Prefix)+j+1]
			pos = place{prefix, behindDir}
			if f.skipBefore && prefix <= q.After {
				continue
			}
			if f.markersTwice && key == prefix {
				page.Objects = append(page.Objects, object(key))
			}
			page.Prefixes = append(page.Prefixes, prefix)
			continue
		}
		page.Objects = append(page.Objects, object(key))
		pos = place{key, behindKey}
	}
	return page
}

// shuffledPage lists in an order that has nothing to do with that of the keys.
func (f *fake) shuffledPage(q Query, size int) Page {
	r := rand.New(rand.NewPCG(f.seed, uint64(len(f.keys))))
	var page Page
	from, _ := strconv.Atoi(q.Token)
	seen := map[string]bool{}
	n := 0
	for _, i := range r.Perm(len(f.keys)) {
		key := f.keys[i]
		if !strings.HasPrefix(key, q.Prefix) {
			continue
		}
		prefix := ""
		if j := strings.IndexByte(key[len(q.Prefix):], '/'); q.Delimiter != "" && j >= 0 {
			prefix = key[:len(q.Prefix)+j+1]
			if seen[prefix] {
				continue
			}
			seen[prefix] = true
		}
		n++
		switch {
		case n <= from:
		case n > from+size:
			page.Next = strconv.Itoa(from + size)
			return page
		case prefix != "":
			page.Prefixes = append(page.Prefixes, prefix)
		default:
			page.Objects = append(page.Objects, object(key))
		}
	}
	return page
}

// seq is the keys format % 0 … format % n-1.
func seq(n int, format string) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(format, i)
	}
	return keys
}

// under is every name below every directory.
func under(dirs, names []string) []string {
	var keys []string
	for _, d := range dirs {
		for _, n := range names {
			keys = append(keys, d+n)
		}
	}
	return keys
}

var errBroken = errors.New("connection reset")

// show is how a test writes items: a directory with a colon, so that it cannot
// be taken for a marker.
func show(items []Item) []string {
	lines := make([]string, len(items))
	for i, item := range items {
		lines[i] = item.Key
		if item.Dir {
			lines[i] = item.Key + ":"
		}
	}
	return lines
}

// equal compares items, with a readable message.
func equal(t testing.TB, what string, got, want []Item) {
	t.Helper()
	g, w := show(got), show(want)
	if !slices.Equal(g, w) {
		if len(g)+len(w) > 200 {
			g, w = firstDifference(g, w)
		}
		t.Fatalf("%s:\n got %q\nwant %q", what, g, w)
	}
	for _, item := range got {
		if item.Dir != (item.Object == Object{}) || !item.Dir && item.Object != object(item.Key) {
			t.Fatalf("%s: item %+v has another object", what, item)
		}
	}
}

func firstDifference(a, b []string) ([]string, []string) {
	i := 0
	for i < min(len(a), len(b)) && a[i] == b[i] {
		i++
	}
	return a[i:min(len(a), i+5)], b[i:min(len(b), i+5)]
}
