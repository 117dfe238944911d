package tree

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// grow adds about n keys below prefix, in one of many shapes. What it grows
// below is smaller.
func grow(r *rand.Rand, keys []string, prefix string, n int) []string {
	name := func(i int) string {
		return []string{
			fmt.Sprintf("f%03d", i), fmt.Sprintf("%x", i*2654435761%65536), string(rune('a' + i%26)),
			fmt.Sprintf("é%d", i), fmt.Sprintf("%d.json", i), fmt.Sprintf(" %d", i), fmt.Sprintf("a-%d", i),
		}[r.IntN(7)]
	}
	if n <= 0 || len(prefix) > 300 {
		return append(keys, prefix+"x")
	}
	switch r.IntN(11) {
	case 0: // files
		for i := range n {
			keys = append(keys, prefix+fmt.Sprintf("f%04d", i))
		}
	case 1: // one-file directories
		for i := range n {
			keys = append(keys, prefix+fmt.Sprintf("d%04d/x.json", i))
		}
	case 2: // a few large directories
		k := 1 + r.IntN(5)
		for i := range k {
			keys = grow(r, keys, prefix+fmt.Sprintf("d%d/", i), (n-1)/k)
		}
	case 3: // many small directories
		k := 1 + n/4
		for i := range k {
			keys = grow(r, keys, prefix+fmt.Sprintf("d%03d/", i), r.IntN(min(8, n)))
		}
	case 4: // a chain
		for i := range min(n, 30) {
			prefix += fmt.Sprintf("c%d/", i%3)
			if r.IntN(3) == 0 {
				keys = append(keys, prefix+"x")
			}
		}
		keys = grow(r, keys, prefix, n-30)
	case 5: // files and directories of the same names
		for i := range n/2 + 1 {
			keys = append(keys, prefix+name(i))
			keys = append(keys, prefix+name(i)+"/child")
		}
	case 6: // markers
		for i := range n/2 + 1 {
			keys = append(keys, prefix+name(i)+"/")
			if r.IntN(2) == 0 {
				keys = append(keys, prefix+name(i)+"/x")
			}
		}
		keys = append(keys, prefix)
	case 7: // empty names
		keys = grow(r, keys, prefix+"/", n/2)
		keys = grow(r, keys, prefix+"a//", n/2)
	case 8: // one large directory among small ones
		k := 1 + r.IntN(20)
		for i := range k {
			keys = grow(r, keys, prefix+fmt.Sprintf("d%02d/", i), r.IntN(min(3, n)))
		}
		keys = grow(r, keys, prefix+fmt.Sprintf("d%02d/", r.IntN(k)), n-k-1)
	case 9: // the same below every directory
		k := 1 + r.IntN(1+n/3)
		below := grow(r, nil, "", (n-1)/k)
		keys = append(keys, under(seq(k, prefix+"d%02d/"), below)...)
	default: // anything
		for i := range n/3 + 1 {
			keys = append(keys, prefix+name(i))
			keys = grow(r, keys, prefix+name(i)+"/", r.IntN(min(5, n)))
		}
	}
	return keys
}

// sensible drops what no store holds.
func sensible(keys []string) []string {
	return slices.DeleteFunc(keys, func(key string) bool { return key == "" || len(key) > 1024 })
}

// randomPattern is a pattern that may match some of the keys; "" is none.
func randomPattern(r *rand.Rand, keys []string) string {
	if r.IntN(5) == 0 || len(keys) == 0 {
		return ""
	}
	alternative := func() string {
		names := strings.Split(keys[r.IntN(len(keys))], "/")
		names = names[:min(len(names), 1+r.IntN(6))]
		for i, name := range names {
			runes := []rune(name)
			cut := r.IntN(len(runes) + 1)
			switch r.IntN(12) {
			case 0, 1:
				names[i] = "*"
			case 2:
				names[i] = "**"
			case 3:
				names[i] = pattern.Quote(string(runes[:cut])) + "*"
			case 4:
				names[i] = "*" + pattern.Quote(string(runes[cut:]))
			case 5:
				names[i] = strings.Repeat("?", len(runes))
			case 6:
				names[i] = pattern.Quote(string(runes[:cut])) + "*" + pattern.Quote(string(runes[cut:]))
			case 7:
				names[i] = "{" + pattern.Quote(name) + ",f*,d0?,x}"
			case 8:
				names[i] = "[a-d]*"
			default:
				names[i] = pattern.Quote(name)
			}
		}
		s := strings.Join(names, "/")
		if r.IntN(8) == 0 {
			s += "/"
		}
		return s
	}
	text := alternative()
	if r.IntN(4) == 0 {
		all := []string{text}
		for range 1 + r.IntN(6) {
			all = append(all, alternative())
		}
		text = "{" + strings.Join(all, ",") + "}"
	}
	if _, err := pattern.Parse(text); err != nil {
		return "*/*"
	}
	return text
}

// check compares a scan with the naive listing, its requests with the bound, and
// what it takes for proven with what is there.
func check(t *testing.T, l *fake, key, text string, o Listing, size int) {
	t.Helper()
	sel := compile(t, text)
	what := fmt.Sprintf("Scan(%q, %q, %+v) of %d keys in pages of %d", key, text, o, len(l.keys), size)
	if len(l.keys) <= 40 {
		what += fmt.Sprintf("\nkeys %q", l.keys)
	}
	l.reset()
	var items []Item
	s := newScan(t.Context(), l, key, sel, o, func(i Item) Verdict {
		items = append(items, i)
		return Continue
	})
	if s.run(); s.err != nil {
		t.Fatalf("%s: %v", what, s.err)
	}
	equal(t, what, items, scanReference(l.keys, key, sel, o))
	flat := flatPages(l.keys, key, sel, o, size)
	if s.requests != l.requests() || s.flat > flat || s.level > flat*size {
		t.Fatalf("%s: %d requests, a flat listing has %d pages; the account is %+v", what, l.requests(), flat, s.account)
	}
	if l.requests() > bound(flat) && !l.hollow {
		t.Fatalf("%s: %d requests, a flat listing has %d pages\n%+v", what, l.requests(), flat, l.queries[:min(len(l.queries), 40)])
	}
}

// random checks one random tree.
func random(t *testing.T, seed uint64, large bool) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	size, n := []int{3, 10}[r.IntN(2)], 1+r.IntN(200)
	if large {
		size, n = 1000, 2000+r.IntN(20_000)
	}
	var keys []string
	for range 1 + r.IntN(3) {
		keys = grow(r, keys, "", n/2)
	}
	l := newFake(t, sensible(keys)...)
	l.flatOnly, l.skipBefore, l.markersTwice, l.hollow = r.IntN(20) == 0, r.IntN(2) == 0, r.IntN(4) == 0, r.IntN(10) == 0
	capped := r.IntN(2) == 0 // by the store, which does not say so
	if capped {
		l.pageSize = size
	}
	key := ""
	if len(l.keys) > 0 && r.IntN(3) == 0 {
		key = l.keys[r.IntN(len(l.keys))]
		key = key[:max(0, strings.IndexByte(key, '/'))]
	}
	below := slices.DeleteFunc(slices.Clone(l.keys), func(k string) bool { return !strings.HasPrefix(k, DirPrefix(key)) })
	for i, k := range below {
		below[i] = k[len(DirPrefix(key)):]
	}
	for range 6 {
		text := randomPattern(r, below)
		o := Listing{Dirs: r.IntN(2) == 0, Root: r.IntN(2) == 0, Markers: r.IntN(2) == 0, Self: r.IntN(2) == 0}
		if !capped {
			o.Max = size
		}
		if r.IntN(4) == 0 && len(below) > 0 {
			rest := []rune(below[r.IntN(len(below))])
			o.Raw = string(rest[:r.IntN(len(rest)+1)])
		}
		if r.IntN(4) == 0 {
			o.Prune = func(dir string) bool { return len(dir)%5 == 3 }
		}
		check(t, l, key, text, o, size)
		if all := scanReference(l.keys, key, compile(t, text), o); len(all) > 0 && r.IntN(2) == 0 {
			o.After = all[r.IntN(len(all))].Cursor()
			check(t, l, key, text, o, size)
		}
	}
}

func TestScanRandomTrees(t *testing.T) {
	for seed := range 300 {
		random(t, uint64(seed), false)
	}
}

func TestScanRandomLargeTrees(t *testing.T) {
	for seed := range 5 {
		random(t, uint64(seed), true)
	}
}

// TestScanResumes begins again behind every item of listings of every kind.
func TestScanResumes(t *testing.T) {
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 2))
		l := newFake(t, sensible(grow(r, nil, "", 1+r.IntN(25)))...)
		l.skipBefore, l.markersTwice = r.IntN(2) == 0, r.IntN(2) == 0
		for _, text := range []string{"", "**", "*", "*/*", "**/", randomPattern(r, l.keys), randomPattern(r, l.keys)} {
			for flags := range 16 {
				o := Listing{Max: 3, Dirs: flags&1 > 0, Markers: flags&2 > 0, Root: flags&4 > 0, Self: flags&8 > 0}
				all := scanAll(t, l, "", text, o)
				for i, item := range all {
					o.After = item.Cursor()
					equal(t, fmt.Sprintf("%q %+v of %q", text, o, l.keys), scanAll(t, l, "", text, o), all[i+1:])
				}
				if text != "" && flags == 3 {
					break // the others change nothing
				}
			}
		}
	}
}

// TestScanAfterAnyString begins behind cursors that are no item's.
func TestScanAfterAnyString(t *testing.T) {
	l := newFake(t, "a", "a-b", "a/b", "a/c/d", "a/c/e", "b/", "b/x", "d//x", "é/z", "z")
	for _, after := range []string{" ", "A", "a.", "a/", "a/\x00", "a/a", "a/b/", "a/b/c", "a/c", "a/c/dd/e", "a/d", "b/y", "c/d/e", "d/", "d//", "é", "é/zz", "z", "zz", "\U0010FFFD"} {
		for _, key := range []string{"", "a", "b", "d", "d//"} {
			for _, text := range []string{"", "**", "*", "*/*", "a/*", "{a,d}/*", "{a,b}", "a/c/d", "**/d", "d//x"} {
				for _, o := range []Listing{{}, {Dirs: true, Root: true, Max: 2}, {Markers: true, Self: true, Dirs: true}} {
					o.After = after
					check(t, l, key, text, o, cmp.Or(o.Max, 1000))
				}
			}
		}
	}
}

// TestScanUnordered compares the set of results, and the requests with the pages
// that the store has below the directory that a pattern's results must be in.
func TestScanUnordered(t *testing.T) {
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := newFake(t, sensible(grow(r, nil, "", 1+r.IntN(100)))...)
		l.shuffled, l.pageSize = true, 10
		text := randomPattern(r, l.keys)
		sel := compile(t, text)
		o := Listing{Dirs: r.IntN(2) == 0, Root: r.IntN(2) == 0, Markers: r.IntN(2) == 0, Self: r.IntN(2) == 0}
		if r.IntN(3) == 0 {
			o.Prune = func(dir string) bool { return len(dir)%5 == 3 }
		}
		items := scanAll(t, l, "", text, o)
		what := fmt.Sprintf("%q %+v of %q", text, o, l.keys)
		head := ""
		if sel != nil {
			head = sel.Head()[:strings.LastIndexByte(sel.Head(), '/')+1]
		}
		n := 0
		for _, key := range l.keys {
			if strings.HasPrefix(key, head) {
				n++
			}
		}
		if want := max(1, (n+9)/10); l.requests() != want {
			t.Fatalf("%s: %d requests, want %d", what, l.requests(), want)
		}
		// A directory comes before anything below it.
		visited := map[string]bool{}
		for _, item := range items {
			if !item.Dir {
				visited[item.Key[:strings.LastIndexByte(item.Key, '/')+1]] = true
			} else if visited[item.Key] {
				t.Fatalf("%s: directory %q comes behind what it holds", what, item.Key)
			}
		}
		slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
		equal(t, what, items, scanReference(l.keys, "", sel, o))
	}
}

func TestScanUnorderedSkips(t *testing.T) {
	l := newFake(t, slices.Concat(under(seq(3, "d%d/"), []string{"a", "b", "s/x", "s/y", "s/t/x", "s/t/u/x", "s/v/x"}), []string{"top"})...)
	l.pageSize = 4
	for seed := range uint64(40) {
		for _, skipDir := range []bool{true, false} {
			l.shuffled, l.seed = true, seed
			skipped, after := "", 0
			_, err := Scan(t.Context(), l, "", nil, Listing{Dirs: true}, func(i Item) Verdict {
				switch {
				case skipped != "" && strings.HasPrefix(i.Key, skipped):
					t.Errorf("seed %d: %q comes after %q was skipped", seed, i.Key, skipped)
				case skipped != "":
					after++
				case i.Dir == skipDir && strings.Count(i.Key, "/") == 1:
					skipped = i.Key[:3]
					return SkipDir
				}
				return Continue
			})
			if err != nil || skipped == "" || after == 0 {
				t.Errorf("seed %d: skipped %q, then %d items, %v", seed, skipped, after, err)
			}
		}
		n := 0
		if _, err := Scan(t.Context(), l, "", nil, Listing{}, func(Item) Verdict { n++; return Stop }); err != nil || n != 1 {
			t.Errorf("%d items after Stop, %v", n, err)
		}
	}
}
