package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func childrenOf(t testing.TB, l Lister, key string, o Listing) []Item {
	t.Helper()
	var items []Item
	for item, err := range Children(t.Context(), l, key, o) {
		if err != nil {
			t.Fatalf("Children(%q): %v", key, err)
		}
		items = append(items, item)
	}
	return items
}

func TestChildrenRequests(t *testing.T) {
	tests := []struct {
		name string
		keys []string
		key  string
		want int
	}{
		{"2,500 files", seq(2500, "d/f%04d"), "d", 3},
		{"2,500 directories", under(seq(2500, "d/e%04d/"), []string{"a", "b", "c"}), "d/", 3},
		{"2,500 in the bucket", seq(2500, "f%04d"), "", 3},
		{"one among large directories", append(under(seq(3, "d/e%d/"), seq(5000, "f%04d")), "d/x"), "d", 1},
		{"an empty bucket", nil, "", 1},
		{"a directory that is only its marker", []string{"d/"}, "d", 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newFake(t, test.keys...)
			equal(t, "children", childrenOf(t, l, test.key, Listing{}), childrenReference(l.keys, test.key, Listing{}))
			if l.requests() != test.want {
				t.Errorf("%d requests, want %d", l.requests(), test.want)
			}
		})
	}
}

func TestChildrenFirstCostsOnePage(t *testing.T) {
	l := newFake(t, seq(2500, "f%04d")...)
	for range Children(t.Context(), l, "", Listing{}) {
		break
	}
	if l.requests() != 1 {
		t.Errorf("%d requests", l.requests())
	}
}

func TestChildrenResumedCostNothingMore(t *testing.T) {
	l := newFake(t, under(seq(3000, "d%04d/"), []string{"a", "z"})...)
	for _, after := range []string{"d1999/", "d1999/a", "d1999/\x00", "d1999/m/n"} {
		l.reset()
		if items := childrenOf(t, l, "", Listing{After: after}); len(items) != 1000 || l.requests() != 1 {
			t.Errorf("after %q: %d items with %d requests", after, len(items), l.requests())
		}
	}
}

func TestChildrenOfTheRows(t *testing.T) {
	keys := []string{"both", "both/child", "d/", "d//x", "d/a", "d/a-b", "d/a/x", "fake/", "top.txt"}
	tests := []struct {
		key, want string
		err       error
		requests  int
	}{
		{"", "both both/: d/: fake/: top.txt", nil, 1},
		{"both", "both/child", nil, 1},
		{"d", "d//: d/a d/a-b d/a/:", nil, 1},
		{"d/", "d//: d/a d/a-b d/a/:", nil, 1},
		{"d//", "d//x", nil, 1},
		{"fake", "", nil, 1},
		{"fake/", "", nil, 1},
		{"top.txt", "", ErrNotDirectory, 2},
		{"top.txt/", "", fs.ErrNotExist, 1},
		{"top", "", fs.ErrNotExist, 2},
		{"nope/", "", fs.ErrNotExist, 1},
	}
	for _, test := range tests {
		for _, shuffled := range []bool{false, true} {
			l := newFake(t, keys...)
			l.shuffled, l.pageSize = shuffled, 10
			l.markersTwice = true
			var items []Item
			var failed error
			for item, err := range Children(t.Context(), l, test.key, Listing{}) {
				if failed = err; err == nil {
					items = append(items, item)
				}
			}
			slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
			if got := strings.Join(show(items), " "); got != test.want || !errors.Is(failed, test.err) || l.requests() != test.requests {
				t.Errorf("Children(%q): %q, %v, %d requests; want %q, %v, %d", test.key, got, failed, l.requests(), test.want, test.err, test.requests)
			}
		}
	}
}

func TestChildrenErrors(t *testing.T) {
	last := func(l *fake, key string, o Listing) (n int, err error) {
		for _, err = range Children(t.Context(), l, key, o) {
			n++
		}
		return n, err
	}
	l := newFake(t)
	l.missing = true
	if _, err := last(l, "", Listing{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing bucket: %v", err)
	}
	if _, err := last(l, "d", Listing{Raw: "x/y"}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing bucket, with a raw prefix: %v", err)
	}
	l = newFake(t, "d/x", "f")
	l.listErr = fs.ErrPermission
	if _, err := last(l, "d", Listing{}); !errors.Is(err, fs.ErrPermission) || l.heads > 0 {
		t.Errorf("of a forbidden listing: %v, %d HEADs", err, l.heads)
	}
	for _, want := range []error{fs.ErrPermission, errBroken} {
		l = newFake(t, "d/x", "f")
		l.headErr = want
		if _, err := last(l, "f", Listing{}); !errors.Is(err, want) {
			t.Errorf("empty, with a HEAD that answers %v: %v", want, err)
		}
		if n, err := last(l, "d", Listing{}); n != 1 || err != nil {
			t.Errorf("a HEAD that answers %v hides a directory: %d children, %v", want, n, err)
		}
	}
	l = newFake(t, seq(25, "f%02d")...)
	l.pageSize, l.failAt, l.listErr = 10, 2, errBroken
	if n, err := last(l, "", Listing{}); n != 11 || !errors.Is(err, errBroken) || l.requests() != 2 {
		t.Errorf("of a second page that fails: %d items, %v, %d requests", n, err, l.requests())
	}
	for _, o := range []Listing{{Raw: "q"}, {After: "f/"}, {After: "zz"}, {Raw: "f0", After: "zz"}, {Prune: func(string) bool { return true }}} {
		l = newFake(t, "f/x")
		if n, err := last(l, "", o); n != 0 || err != nil {
			t.Errorf("%+v: %d items, %v; a listing that filters everything is no error", o, n, err)
		}
	}
}

func TestChildrenCancelled(t *testing.T) {
	l := newFake(t, seq(50, "f%02d")...)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	var last error
	for _, err := range Children(ctx, l, "", Listing{}) {
		cancel()
		n, last = n+1, err
	}
	if n != 2 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d items, then %v", n, last)
	}
}

func TestChildrenPassesListingOn(t *testing.T) {
	l := newFake(t, "a", "b", "c")
	childrenOf(t, l, "", Listing{Max: 2, Owner: true})
	for _, q := range l.queries {
		if q.Max != 2 || !q.Owner || q.Delimiter != "/" {
			t.Errorf("query %+v", q)
		}
	}
	if l.requests() != 2 {
		t.Errorf("%d requests", l.requests())
	}
}

func TestChildrenRandom(t *testing.T) {
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 4))
		l := newFake(t, sensible(grow(r, nil, "", 1+r.IntN(60)))...)
		l.pageSize, l.flatOnly, l.skipBefore, l.markersTwice, l.hollow = 3, r.IntN(10) == 0, r.IntN(2) == 0, r.IntN(2) == 0, r.IntN(4) == 0
		shuffled := r.IntN(5) == 0
		l.shuffled = shuffled
		if len(l.keys) == 0 {
			continue
		}
		key := l.keys[r.IntN(len(l.keys))]
		key = key[:strings.LastIndexByte(key, '/')+1]
		if r.IntN(2) == 0 && Name(key) != "" {
			key = strings.TrimSuffix(key, "/")
		}
		o := Listing{}
		if r.IntN(3) == 0 {
			o.Prune = func(dir string) bool { return len(dir)%3 == 0 }
		}
		if r.IntN(3) == 0 && !shuffled { // such stores take no such prefix
			rest := l.keys[r.IntN(len(l.keys))]
			o.Raw = strings.ToValidUTF8(rest[:r.IntN(len(rest)+1)], "")
		}
		what := fmt.Sprintf("Children(%q, %+v) of %q", key, o, l.keys)
		all := childrenOf(t, l, key, o)
		slices.SortStableFunc(all, func(a, b Item) int {
			if !shuffled {
				return 0
			}
			return strings.Compare(a.Cursor(), b.Cursor())
		})
		equal(t, what, all, childrenReference(l.keys, key, o))
		for i, item := range all {
			o.After = item.Cursor()
			rest := childrenOf(t, l, key, o)
			if shuffled {
				slices.SortFunc(rest, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
			}
			equal(t, what+" after "+o.After, rest, all[i+1:])
		}
	}
}

func TestChildrenAfterAnyString(t *testing.T) {
	l := newFake(t, "a", "a-b", "a/b", "a/c/d", "b/", "b/x", "d//x", "é/z", "z")
	for _, skip := range []bool{false, true} {
		l.skipBefore = skip
		for _, after := range []string{" ", "A", "a.", "a/", "a/\x00", "a/a", "a/c/", "a/c/dd/e", "b/", "b/\x00", "d/", "d//", "d//x", "é", "é/zz", "z", "zz"} {
			for _, key := range []string{"", "a", "b/", "d", "d//"} {
				for _, raw := range []string{"", "a", "b", "a/", "/", "c/d"} {
					o := Listing{After: after, Raw: raw, Max: 2}
					equal(t, fmt.Sprintf("Children(%q, %+v)", key, o), childrenOf(t, l, key, o), childrenReference(l.keys, key, o))
				}
			}
		}
	}
}

func TestItemPathAndCursor(t *testing.T) {
	tests := []struct {
		item         Item
		path, cursor string
	}{
		{Item{Key: "a/b"}, "a/b", "a/b"},
		{Item{Key: "a/"}, "a/", "a/\x00"},
		{Item{Dir: true, Key: "a/"}, "a", "a/"},
		{Item{Dir: true, Key: "a//"}, "a//", "a//"},
		{Item{Dir: true, Key: "/"}, "/", "/"},
		{Item{Dir: true, Key: ""}, "", "\x00"},
	}
	for _, test := range tests {
		if path, cursor := test.item.Path(), test.item.Cursor(); path != test.path || cursor != test.cursor {
			t.Errorf("%+v: path %q, cursor %q", test.item, path, cursor)
		}
		if DirPrefix(test.item.Path()) != test.item.Key && test.item.Dir {
			t.Errorf("%+v: its path has another prefix", test.item)
		}
	}
}
