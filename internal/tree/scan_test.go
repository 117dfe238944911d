package tree

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// compile parses a pattern; "" is none.
func compile(t testing.TB, text string) *pattern.Pattern {
	t.Helper()
	if text == "" {
		return nil
	}
	p, err := pattern.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// scanAll is everything that a scan yields.
func scanAll(t testing.TB, l Lister, key, text string, o Listing) []Item {
	t.Helper()
	var items []Item
	found, err := Scan(t.Context(), l, key, compile(t, text), o, func(i Item) Verdict {
		items = append(items, i)
		return Continue
	})
	if err != nil {
		t.Fatalf("Scan(%q, %q): %v", key, text, err)
	}
	for _, item := range items {
		if !found && item.Key != "" {
			t.Fatalf("Scan(%q, %q) yields %q, and has found nothing", key, text, item.Key)
		}
	}
	return items
}

// bound is the most requests that a scan may make.
func bound(flat int) int { return int(math.Floor(3.5*float64(flat))) + 2 }

func TestScanRequests(t *testing.T) {
	fiveDirs := under(seq(5, "d%d/"), seq(1000, "f%04d"))
	ab := slices.Concat(
		under(seq(5, "a/b/d%02d/s/"), seq(1000, "f%05d.json")),
		seq(2500, "a/c/f%04d.json"),
		[]string{"top.json"},
	)
	twenty := under(seq(20, "g/d%02d/s/"), seq(10_000, "f%05d.json"))
	oneFile := under(seq(10_000, "g/d%05d/"), []string{"x.json"})
	tests := []struct {
		name    string
		keys    []string
		key     string
		pattern string
		want    int
		items   int
	}{
		{"walk of 5,000 in 5 directories", fiveDirs, "", "", 5, 5000},
		{"`a/b/**/*.json`, 5,000 of 7,501 keys under a/b", ab, "", "a/b/**/*.json", 5, 5000},
		{"`a/b/d01/s/f0000?.json`, 10 hits among 1,000s", ab, "", "a/b/d01/s/f0000?.json", 1, 10},
		{"`g/*/s/f0000?.json`, 20 directories of 10,000", twenty, "", "g/*/s/f0000?.json", 21, 200},
		{"the same from g", twenty, "g", "*/s/f0000?.json", 21, 200},
		{"`*` over 2,500 files", seq(2500, "f%04d"), "", "*", 3, 2500},
		{"`*` over 2,500 directories", under(seq(2500, "d%04d/"), []string{"a", "b", "c"}), "", "*", 3, 2500},
		{"`p/*` over 2,500 directories", under(seq(2500, "p/d%04d/"), []string{"a", "b", "c"}), "", "p/*", 3, 2500},
		{"`*` over 20 directories of 10,000", twenty, "g", "*", 1, 20},
		{"`*.txt` among large directories", append(slices.Clone(twenty), "g/a.txt", "g/z.txt"), "g", "*.txt", 1, 2},
		{"`*/x.json`, 10,000 one-file directories", oneFile, "g", "*/x.json", 10, 10_000},
		{"`g/*/x.json`, 10,000 one-file directories", oneFile, "", "g/*/x.json", 10, 10_000},
		{"walk of 10,000 one-file directories", oneFile, "", "", 10, 10_000},
		{"`**/x.json`, 10,000 one-file directories", oneFile, "", "**/x.json", 10, 10_000},
		{"`*/*/*/*` of a small tree", under(under(seq(3, "d%d/"), seq(3, "e%d/")), seq(3, "f%d/g")), "", "*/*/*/*", 1, 27},
		{"a hundred alternatives on a small tree", seq(1000, "f%03d"), "", "{" + strings.Join(seq(100, "f%02d5"), ",") + "}", 1, 100},
		{"a hundred alternatives at the end of directories", under(seq(100, "d%02d/"), seq(5, "f%d")), "", "{" + strings.Join(seq(100, "d%02d/f1"), ",") + "}", 1, 100},
		{"a literal file", []string{"lit", "other"}, "", "lit", 1, 1},
		{"a literal directory", []string{"lit/a", "lit/b", "other"}, "", "lit", 1, 1},
		{"a literal of which both exist", []string{"lit", "lit-a", "lit/b"}, "", "lit", 1, 2},
		{"a literal that is not there", []string{"a", "z"}, "", "lit", 1, 0},
		{"a literal below directories", append(slices.Clone(twenty), "g/d07/lit"), "", "g/d07/lit", 1, 1},
		{"a literal with 998 names before `lit/`", append(seq(998, "lit-%03d"), "lit", "lit/x"), "", "lit", 1, 2},
		{"a literal with 999 names before `lit/`", append(seq(999, "lit-%03d"), "lit", "lit/x"), "", "lit", 2, 2},
		{"a literal with 5,000 names before `lit/`", append(seq(5000, "lit-%04d"), "lit", "lit/x"), "", "lit", 2, 2},
		{"a literal with 5,000 names and no `lit/`", seq(5000, "lit-%04d"), "", "lit", 2, 0},
		{"a literal directory spelled so", append(seq(5000, "lit-%04d"), "lit/x"), "", "lit/", 1, 1},
		{"a directory that is not there", fiveDirs, "nope", "**", 1, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newFake(t, test.keys...)
			items := scanAll(t, l, test.key, test.pattern, Listing{})
			if l.requests() != test.want {
				t.Errorf("%d requests, want %d: %+v", l.requests(), test.want, l.queries[:min(len(l.queries), 30)])
			}
			if len(items) != test.items {
				t.Errorf("%d items, want %d", len(items), test.items)
			}
			equal(t, "items", items, scanReference(l.keys, test.key, compile(t, test.pattern), Listing{}))
		})
	}
}

func TestScanLiteralQueries(t *testing.T) {
	l := newFake(t, append(seq(2000, "a/lit-%04d"), "a/lit/x")...)
	scanAll(t, l, "", "a/lit", Listing{})
	want := []Query{{Prefix: "a/lit", Delimiter: "/"}, {Prefix: "a/lit/", Max: 1}}
	if !slices.Equal(l.queries, want) {
		t.Errorf("asked %+v, want %+v", l.queries, want)
	}
}

func TestScanFirstResultCostsOnePage(t *testing.T) {
	keys := slices.Concat(
		under(seq(5, "d%d/s/"), seq(2000, "f%04d.json")),
		seq(2500, "e%04d.txt"),
	)
	for _, text := range []string{"", "**", "**/*.json", "*", "*.txt", "*/*", "*/s/*", "d*/s/*.json", "d0/*/f*", "{d0,d1}/s/*", "**/"} {
		t.Run(text, func(t *testing.T) {
			l := newFake(t, keys...)
			n := 0
			_, err := Scan(t.Context(), l, "", compile(t, text), Listing{}, func(Item) Verdict {
				n++
				return Stop
			})
			if err != nil || n != 1 || l.requests() != 1 {
				t.Errorf("%d items with %d requests, %v", n, l.requests(), err)
			}
		})
	}
}

func TestScanPassesListingOn(t *testing.T) {
	l := newFake(t, "a", "b", "c/d")
	scanAll(t, l, "", "", Listing{Max: 2, Owner: true})
	scanAll(t, l, "", "*", Listing{Max: 2, Owner: true})
	scanAll(t, l, "", "{a,q}", Listing{Max: 2, Owner: true})
	for _, q := range l.queries {
		if q.Max != 2 || !q.Owner {
			t.Errorf("query %+v", q)
		}
	}
}

func TestScanContinuesByToken(t *testing.T) {
	l := newFake(t, seq(2500, "f%04d")...)
	for _, text := range []string{"", "*", "**"} {
		l.reset()
		scanAll(t, l, "", text, Listing{})
		for i, q := range l.queries {
			if q.After != "" || (q.Token == "") != (i == 0) {
				t.Errorf("%q: request %d is %+v", text, i, q)
			}
		}
	}
}

// TestScanPlans holds the guesses of the planner to what they are good for, on
// trees where a wrong one costs many requests. Pages hold 10 keys.
func TestScanPlans(t *testing.T) {
	// blocks alternates a directory of n keys in one subdirectory with small ones.
	blocks := func(n, small int, below []string) []string {
		var keys []string
		for i := range 60 {
			keys = append(keys, seq(n, fmt.Sprintf("b%03d/a/f%%04d", i))...)
			keys = append(keys, under(seq(small, fmt.Sprintf("b%03d-%%02d/", i)), below)...)
		}
		return keys
	}
	tests := []struct {
		name    string
		keys    []string
		pattern string
		most    int
	}{
		{"`*` where the store cuts pages by itself", under(seq(2500, "d%04d/"), []string{"a", "b", "c"}), "*", 250},
		{"`*/*`, large subdirectories", under(under(seq(20, "d%02d/"), seq(5, "e%d/")), seq(200, "f%03d")), "*/*", 23},
		{"`*/*`, large directories of files", under(seq(20, "d%02d/"), seq(95, "f%03d")), "*/*", 190},
		{"`*/*`, one large among small", slices.Concat(under(seq(50, "d%03d/a/"), []string{"x"}), seq(2000, "d025/b/f%04d")), "*/*", 7},
		{"`*/*/x`, large and deep", under(under(seq(12, "d%02d/"), seq(4, "e%d/")), append(seq(50, "f%03d"), "x")), "*/*/x", 49},
		{"`*/x`, large directories", under(seq(40, "d%02d/"), append(seq(100, "f%03d"), "x")), "*/x", 41},
		{"`*/a`, large directories", under(seq(40, "d%02d/"), append(seq(100, "f%03d"), "a")), "*/a", 44},
		{"`*/*`, large and small in turn", blocks(100, 3, []string{"x"}), "*/*", 121},
		{"`*/*`, large and small with subdirectories in turn", blocks(100, 6, []string{"s/x"}), "*/*", 121},
		{"`*/*`, a page and a few more in turn", blocks(12, 6, []string{"s/x", "t/x"}), "*/*", 181},
		{"`*/a`, large and small in turn", blocks(100, 6, []string{"s/x", "a"}), "*/a", 121},
		{"`*/{a,b,s}/x`, large and small in turn", blocks(100, 6, []string{"s/x", "a"}), "*/{a,b,s}/x", 121},
		{"`*/e`, a large directory and many of one file", append(seq(100, "a/f%03d"), seq(500, "b%03d/x")...), "*/e", 54},
		{"`*/s/e*`, a large directory and many of one file", append(seq(100, "a/f%03d"), seq(500, "b%03d/s/x")...), "*/s/e*", 51},
		{"`*/e`, large directories before many of one file", slices.Concat(under(seq(10, "a%d/"), seq(50, "f%02d")), seq(500, "b%03d/x")), "*/e", 61},
		{"`*/*`, a large subdirectory and many of one file", append(seq(100, "a/s/f%03d"), seq(500, "b%03d/x")...), "*/*", 54},
		{"`*/*/x*`, large and small in turn", blocks(40, 9, []string{"s/x", "a/y"}), "*/*/x*", 121},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newFake(t, test.keys...)
			l.pageSize = 10
			check(t, l, "", test.pattern, Listing{}, 10)
			if l.requests() > test.most {
				t.Errorf("%d requests, at most %d", l.requests(), test.most)
			}
		})
	}
}

func TestScanOfThePatternTable(t *testing.T) {
	l := newFake(t, "dirB/fileB.txt", "dirC/dirD/fileD.txt", "dirC/fileC.txt", "fileA.txt")
	const all = ` dirB/: dirB/fileB.txt dirC/: dirC/dirD/: dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt`
	tests := []struct{ pattern, want string }{
		{"*", "dirB/: dirC/: fileA.txt"},
		{"**/*", all[1:]},
		{"**", ":" + all},
		{"fileA", ""}, {"fileB", ""}, {"*A", ""}, {"*/fileA", ""}, {"dir*/FILE*", ""}, {"nope*", ""}, {"*/*/*/*", ""},
		{"*.txt", "fileA.txt"},
		{"[!d]*", "fileA.txt"},
		{"fileB.txt", ""},
		{"dir*/file*", "dirB/fileB.txt dirC/fileC.txt"},
		{"*/*", "dirB/fileB.txt dirC/dirD/: dirC/fileC.txt"},
		{"dir[BC]", "dirB/: dirC/:"},
		{"**/dirD", "dirC/dirD/:"},
		{"dirC/**/*", "dirC/dirD/: dirC/dirD/fileD.txt dirC/fileC.txt"},
		{"*/", "dirB/: dirC/:"},
		{"**/", ": dirB/: dirC/: dirC/dirD/:"},
		{"{dirB,dirC}/*.txt", "dirB/fileB.txt dirC/fileC.txt"},
		{"**/*/*", "dirB/fileB.txt dirC/dirD/: dirC/dirD/fileD.txt dirC/fileC.txt"},
		{"**/file*.txt", "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"},
	}
	for _, test := range tests {
		t.Run(test.pattern, func(t *testing.T) {
			l.reset()
			if got := strings.Join(show(scanAll(t, l, "", test.pattern, Listing{})), " "); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if l.requests() > bound(1) {
				t.Errorf("%d requests", l.requests())
			}
			for _, key := range []string{"missing", "fileA.txt", "fileA.txt/"} {
				if got := scanAll(t, l, key, test.pattern, Listing{}); len(got) != 0 {
					t.Errorf("below %q it yields %q", key, show(got))
				}
			}
		})
	}
}

func TestScanOfTheEmptyBucket(t *testing.T) {
	tests := []struct {
		pattern string
		o       Listing
		want    int
	}{
		{"", Listing{}, 0},
		{"", Listing{Dirs: true}, 0},
		{"", Listing{Dirs: true, Root: true}, 1},
		{"**", Listing{}, 1},
		{"**/", Listing{}, 1},
		{"**", Listing{Raw: "a"}, 0},
		{"**", Listing{After: "a"}, 0},
		{"*", Listing{}, 0},
		{"a", Listing{}, 0},
	}
	for _, shuffled := range []bool{false, true} {
		for _, test := range tests {
			l := newFake(t)
			l.shuffled = shuffled
			found, err := Scan(t.Context(), l, "", compile(t, test.pattern), test.o, func(i Item) Verdict {
				test.want--
				if !i.Dir || i.Key != "" {
					t.Errorf("%q yields %+v", test.pattern, i)
				}
				return Continue
			})
			if err != nil || found || test.want != 0 || l.requests() != 1 {
				t.Errorf("%q: %d items are missing, found %v, %v, %d requests", test.pattern, test.want, found, err, l.requests())
			}
			if !shuffled {
				l = newFake(t)
				l.missing = true
				if _, err := Scan(t.Context(), l, "", compile(t, test.pattern), test.o, func(Item) Verdict { return Continue }); err == nil {
					t.Errorf("%q: a missing bucket is no error", test.pattern)
				}
			}
		}
	}
}

func TestScanFound(t *testing.T) {
	l := newFake(t, "a/", "b/c", "f")
	for key, want := range map[string]bool{"": true, "a": true, "a/": true, "b": true, "f": false, "f/": false, "nope": false} {
		for _, shuffled := range []bool{false, true} {
			l.shuffled = shuffled
			found, err := Scan(t.Context(), l, key, nil, Listing{}, func(Item) Verdict { return Continue })
			if err != nil || found != want {
				t.Errorf("Scan(%q) found %v, %v", key, found, err)
			}
		}
	}
}

func TestScanMarkers(t *testing.T) {
	l := newFake(t, "r/", "r/a/", "r/a/x", "r/e/", "r/f")
	tests := []struct {
		pattern string
		o       Listing
		want    string
	}{
		{"", Listing{}, "r/a/x r/f"},
		{"", Listing{Markers: true}, "r/a/ r/a/x r/e/ r/f"},
		{"", Listing{Markers: true, Self: true}, "r/ r/a/ r/a/x r/e/ r/f"},
		{"", Listing{Self: true}, "r/a/x r/f"},
		{"", Listing{Dirs: true}, "r/a/: r/a/x r/e/: r/f"},
		{"", Listing{Dirs: true, Root: true}, "r/: r/a/: r/a/x r/e/: r/f"},
		{"", Listing{Dirs: true, Markers: true}, "r/a/: r/a/ r/a/x r/e/: r/e/ r/f"},
		{"*", Listing{}, "r/a/: r/e/: r/f"},
		{"**", Listing{}, "r/: r/a/: r/a/x r/e/: r/f"},
		{"**", Listing{Markers: true, Self: true}, "r/: r/ r/a/: r/a/ r/a/x r/e/: r/e/ r/f"},
		{"**/x", Listing{Markers: true, Self: true}, "r/a/x"},
		{"*", Listing{Markers: true, Self: true}, "r/a/: r/e/: r/f"},
		{"a/**", Listing{Markers: true, Self: true}, "r/a/: r/a/ r/a/x"},
		{"*/", Listing{Markers: true, Self: true}, "r/a/: r/e/:"},
	}
	for _, test := range tests {
		for _, shuffled := range []bool{false, true} {
			l.shuffled = shuffled
			items := scanAll(t, l, "r", test.pattern, test.o)
			slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
			if got := strings.Join(show(items), " "); got != test.want {
				t.Errorf("%q %+v: got %q, want %q", test.pattern, test.o, got, test.want)
			}
		}
	}
}

func TestScanSkipDir(t *testing.T) {
	big := slices.Concat([]string{"a/1", "a/2"}, seq(5000, "b/f%04d"), []string{"c/1", "d"})
	tests := []struct {
		name    string
		pattern string
		o       Listing
		skip    string
		want    []string
		most    int
	}{
		{"a directory of a walk", "", Listing{Dirs: true}, "b/:", []string{"a/:", "a/1", "a/2", "b/:", "c/:", "c/1", "d"}, 2},
		{"a directory of a glob", "**", Listing{}, "b/:", []string{":", "a/:", "a/1", "a/2", "b/:", "c/:", "c/1", "d"}, 2},
		{"a directory of a level-wise glob", "{*,*/*}", Listing{}, "b/:", []string{"a/:", "a/1", "a/2", "b/:", "c/:", "c/1", "d"}, 3},
		{"an object of a walk", "", Listing{}, "b/f0001", []string{"a/1", "a/2", "b/f0000", "b/f0001", "c/1", "d"}, 2},
		{"the first object of a directory", "**/*", Listing{}, "a/1", nil, 6},
		{"an object of the root", "", Listing{}, "d", nil, 6},
		{"the root", "", Listing{Dirs: true, Root: true}, ":", []string{":"}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newFake(t, big...)
			var items []Item
			_, err := Scan(t.Context(), l, "", compile(t, test.pattern), test.o, func(i Item) Verdict {
				items = append(items, i)
				if show([]Item{i})[0] == test.skip {
					return SkipDir
				}
				return Continue
			})
			if err != nil {
				t.Fatal(err)
			}
			if test.want != nil && !slices.Equal(show(items), test.want) {
				t.Errorf("got %q, want %q", show(items)[:min(len(items), 20)], test.want)
			}
			if l.requests() > test.most {
				t.Errorf("%d requests, at most %d", l.requests(), test.most)
			}
			if test.skip == "a/1" && slices.Contains(show(items), "a/2") {
				t.Error("the rest of the object's directory is visited")
			}
		})
	}
	t.Run("an object before subdirectories", func(t *testing.T) {
		l := newFake(t, slices.Concat([]string{"p/a", "p/z"}, seq(5000, "p/q/f%04d"), []string{"r/1"})...)
		var got []string
		_, err := Scan(t.Context(), l, "", nil, Listing{}, func(i Item) Verdict {
			got = append(got, i.Key)
			if i.Key == "p/a" {
				return SkipDir
			}
			return Continue
		})
		if err != nil || !slices.Equal(got, []string{"p/a", "r/1"}) || l.requests() != 2 {
			t.Errorf("got %q with %d requests, %v", got, l.requests(), err)
		}
	})
}

func TestScanPrune(t *testing.T) {
	l := newFake(t, slices.Concat([]string{"a/1"}, seq(5000, "b/b/f%04d"), []string{"c/1", "c/b/2", "d"})...)
	prune := func(dir string) bool { return strings.HasSuffix("/"+dir, "/b/") }
	for text, most := range map[string]int{"": 2, "**": 2, "**/*": 2, "*": 1, "*/*": 3, "{a,b,c}": 2, "{a/1,b/b/f0001,c/1}": 2, "b/b/*": 0, "b": 1} {
		for _, dirs := range []bool{false, true} {
			l.reset()
			o := Listing{Prune: prune, Dirs: dirs}
			items := scanAll(t, l, "", text, o)
			equal(t, fmt.Sprintf("%q", text), items, scanReference(l.keys, "", compile(t, text), o))
			if l.requests() > most {
				t.Errorf("%q: %d requests, at most %d", text, l.requests(), most)
			}
		}
	}
}

func TestScanRaw(t *testing.T) {
	keys := []string{"r/d/x", "r/dat.csv", "r/data", "r/data/", "r/data/x", "r/data/y/z", "r/db/q", "r/e", "s/data"}
	l := newFake(t, keys...)
	for _, raw := range []string{"d", "dat", "data", "data/", "data/y", "data/y/", "data/y/z", "db", "x", "e", "e/", "/", "d/"} {
		for _, text := range []string{"", "**", "*", "*/*", "data/*", "{data,e}", "**/z", "data", "data/**"} {
			for _, o := range []Listing{{}, {Dirs: true, Root: true}, {Markers: true, Dirs: true}, {Max: 2, Dirs: true}} {
				for _, shuffled := range []bool{false, true} {
					l.shuffled, o.Raw = shuffled, raw
					got := scanAll(t, l, "r", text, o)
					if shuffled {
						slices.SortFunc(got, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
					}
					equal(t, fmt.Sprintf("raw %q, pattern %q, %+v, shuffled %v", raw, text, o, shuffled), got, scanReference(keys, "r", compile(t, text), o))
				}
			}
		}
	}
}

func TestScanErrors(t *testing.T) {
	for _, text := range []string{"", "**", "*", "*/*", "{a,z}*", "d0/f0000", "{d0/f0001,d1/f0001}", "*/f0*"} {
		l := newFake(t, under(seq(4, "d%d/"), seq(3000, "f%04d"))...)
		want := scanAll(t, l, "", text, Listing{})
		total := l.requests()
		for failAt := 1; failAt <= total; failAt++ {
			l.reset()
			l.failAt, l.listErr = failAt, errBroken
			var items []Item
			_, err := Scan(t.Context(), l, "", compile(t, text), Listing{}, func(i Item) Verdict {
				items = append(items, i)
				return Continue
			})
			if !errors.Is(err, errBroken) || l.requests() != failAt {
				t.Errorf("%q: LIST %d of %d fails: error %v after %d requests", text, failAt, total, err, l.requests())
			}
			if !slices.Equal(items, want[:len(items)]) {
				t.Errorf("%q: LIST %d of %d fails: what came before is another listing", text, failAt, total)
			}
			if failAt == total && total > 1 && len(items) == 0 && len(want) > 1000 {
				t.Errorf("%q: nothing is left of what came before", text)
			}
		}
	}
}

func TestScanCancelled(t *testing.T) {
	for _, shuffled := range []bool{false, true} {
		for _, text := range []string{"", "**", "*", "*/*", "d1", "{d1,d2}/*"} {
			l := newFake(t, under(seq(4, "d%d/"), seq(2500, "f%04d"))...)
			l.shuffled = shuffled
			ctx, cancel := context.WithCancel(t.Context())
			cause := 0
			_, err := Scan(ctx, l, "", compile(t, text), Listing{}, func(Item) Verdict {
				if cause++; cause == 1 {
					cancel()
				}
				return Continue
			})
			if len(scanAll(t, newFake(t, l.keys...), "", text, Listing{})) > 1 && (!errors.Is(err, context.Canceled) || cause > 1) {
				t.Errorf("%q: %d items after the end, error %v", text, cause-1, err)
			}
			cancel()
			l.reset()
			if _, err := Scan(ctx, l, "", compile(t, text), Listing{}, func(Item) Verdict { return Continue }); !errors.Is(err, context.Canceled) || l.requests() > 0 {
				t.Errorf("%q: error %v of a cancelled context, %d requests", text, err, l.requests())
			}
		}
	}
}
