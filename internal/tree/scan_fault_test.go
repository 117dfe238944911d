package tree

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// patterns that make a scan use every kind of page.
var everyKind = []string{"", "**", "**/*.json", "*", "*/*", "d1/*", "{d0,d2}/*", "d1", "{d1,d2,top}", "*/f0?", "d*/s/*"}

func faultKeys() []string {
	return slices.Concat(under(seq(4, "d%d/"), seq(30, "f%02d")), seq(25, "d1/s/%d.json"), seq(25, "e%02d"), []string{"d1", "top"})
}

func TestScanGoesOnBehindEmptyPages(t *testing.T) {
	l := newFake(t, faultKeys()...)
	l.pageSize, l.hollow = 10, true
	for _, text := range everyKind {
		check(t, l, "", text, Listing{Dirs: true}, 10)
		check(t, l, "d1", text, Listing{Dirs: true}, 10)
	}
}

func TestScanDropsWhatComesTwice(t *testing.T) {
	for _, text := range everyKind {
		l := newFake(t, faultKeys()...)
		l.pageSize = 10
		pages := map[[2]string]Page{} // the last of each listing
		l.mangle = func(q Query, p *Page) {
			// A page that begins with what the page before ended with.
			before := pages[[2]string{q.Prefix, q.Delimiter}]
			if q.Token != "" {
				p.Objects = slices.Concat(before.Objects, p.Objects)
				p.Prefixes = slices.Concat(before.Prefixes, p.Prefixes)
			}
			pages[[2]string{q.Prefix, q.Delimiter}] = Page{Objects: p.Objects[max(0, len(p.Objects)-3):], Prefixes: p.Prefixes[max(0, len(p.Prefixes)-3):]}
		}
		got := scanAll(t, l, "", text, Listing{Dirs: true})
		equal(t, text, got, scanReference(l.keys, "", compile(t, text), Listing{Dirs: true}))
	}
}

func TestScanDropsWhatWasNotAskedFor(t *testing.T) {
	for _, text := range everyKind {
		l := newFake(t, faultKeys()...)
		l.pageSize = 10
		l.mangle = func(q Query, p *Page) {
			if q.Prefix == "" {
				return
			}
			outside := []Object{{Key: "\x01"}, {Key: q.Prefix[:len(q.Prefix)-1]}}
			p.Objects = slices.Concat(outside, p.Objects, []Object{{Key: "~/../x"}})
			p.Prefixes = slices.Concat([]string{"\x01/", q.Prefix[:len(q.Prefix)-1] + "/"}, p.Prefixes, []string{"~/"})
			if q.Delimiter != "" && strings.HasSuffix(q.Prefix, "/") {
				p.Prefixes = slices.Insert(p.Prefixes, 2, q.Prefix, q.Prefix+"\x01", q.Prefix+"\x01/x/")
			}
		}
		got := scanAll(t, l, "d1", text, Listing{Dirs: true})
		equal(t, text, got, scanReference(l.keys, "d1", compile(t, text), Listing{Dirs: true}))
	}
}

// TestListingsThatTurnInCircles takes away the end of every chain of pages.
func TestListingsThatTurnInCircles(t *testing.T) {
	for _, period := range []int{1, 2, 3, 7} {
		for _, full := range []bool{false, true} {
			for _, shuffled := range []bool{false, true} {
				l := newFake(t, faultKeys()...)
				l.pageSize, l.shuffled = 10, shuffled
				n := 0
				l.mangle = func(q Query, p *Page) {
					if !full {
						*p = Page{}
					}
					n++
					p.Next = fmt.Sprintf("%d:d1/f%02d", behindKey, n%period)
					if shuffled {
						p.Next = fmt.Sprint(n % period)
					}
				}
				what := fmt.Sprintf("period %d, full %v, shuffled %v", period, full, shuffled)
				for _, text := range everyKind {
					l.reset()
					_, err := Scan(t.Context(), l, "", compile(t, text), Listing{Dirs: true}, func(Item) Verdict { return Continue })
					if err != nil && !errors.Is(err, ErrBrokenListing) || !full && err == nil || l.requests() > 200 {
						t.Errorf("%s: Scan of %q: %v after %d requests", what, text, err, l.requests())
					}
				}
				for range 2 {
					l.reset()
					var err error
					for _, err = range Children(t.Context(), l, "d1", Listing{}) {
					}
					if !errors.Is(err, ErrBrokenListing) || l.requests() > 100 {
						t.Errorf("%s: Children: %v after %d requests", what, err, l.requests())
					}
				}
				if full {
					continue
				}
				if _, err := IsDir(t.Context(), l, "d1"); !errors.Is(err, ErrBrokenListing) {
					t.Errorf("%s: IsDir: %v", what, err)
				}
				if _, err := Look(t.Context(), l, "d2"); !errors.Is(err, ErrBrokenListing) {
					t.Errorf("%s: Look: %v", what, err)
				}
			}
		}
	}
}

func TestScanOfAnUnsortedListing(t *testing.T) {
	for _, text := range everyKind {
		l := newFake(t, faultKeys()...)
		l.pageSize = 10
		l.mangle = func(_ Query, p *Page) {
			p.Objects, p.Prefixes = slices.Clone(p.Objects), slices.Clone(p.Prefixes)
			slices.Reverse(p.Objects)
			slices.Reverse(p.Prefixes)
		}
		_, err := Scan(t.Context(), l, "", compile(t, text), Listing{}, func(Item) Verdict { return Continue })
		if text != "d1" && !errors.Is(err, ErrBrokenListing) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestListingsUnsortedAcrossPages have pages that are in order, and one that holds
// what belongs before it: without an error it would be lost.
func TestListingsUnsortedAcrossPages(t *testing.T) {
	object := func(keys ...string) (p Page) {
		for _, key := range keys {
			p.Objects = append(p.Objects, Object{Key: key})
		}
		return p
	}
	for name, pages := range map[string][]Page{
		"objects":                  {object("d/b"), object("d/a", "d/c")},
		"far behind":               {object("d/a", "d/c"), object("d/d"), object("d/b", "d/e")},
		"behind what comes again":  {object("d/a", "d/c"), object("d/c"), object("d/b", "d/c", "d/d")},
		"objects, then prefixes":   {object("d/b"), {Prefixes: []string{"d/a/"}}},
		"prefixes":                 {{Prefixes: []string{"d/b/"}}, {Prefixes: []string{"d/a/", "d/c/"}}},
		"all prefixes come first":  {{Prefixes: []string{"d/b/", "d/x/"}}, object("d/a")},
		"behind a page of nothing": {object("d/b"), {}, object("d/a")},
	} {
		l := newFake(t)
		n := 0
		l.mangle = func(_ Query, p *Page) {
			*p = pages[min(n, len(pages)-1)]
			if n++; n < len(pages) {
				p.Next = fmt.Sprintf("%d:%d", behindKey, n)
			}
		}
		listings := map[string]error{}
		for _, listings["Children"] = range Children(t.Context(), l, "d", Listing{}) {
		}
		if !strings.Contains(name, "prefixes") { // which a flat listing does not have
			n = 0
			_, listings["Scan"] = Scan(t.Context(), l, "d", nil, Listing{}, func(Item) Verdict { return Continue })
		}
		for what, err := range listings {
			if !errors.Is(err, ErrBrokenListing) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
	}
}

// TestListingsOfAChangingStore adds and removes keys between the pages.
func TestListingsOfAChangingStore(t *testing.T) {
	stable := faultKeys()
	other := slices.Concat(seq(40, "d%d/f05x"), seq(200, "c%03d/x"), seq(60, "d1/g%02d"), seq(30, "d1/s/a%d.json"), []string{"d2/f00/x", "d2/"})
	for _, text := range everyKind {
		for round := range 20 {
			l := newFake(t, stable...)
			l.pageSize = 10
			l.onList = func(n int) {
				// Every request meets another part of the others.
				keys := slices.Clone(stable)
				for i, key := range other {
					if (i*7+n*13+round*5)%3 == 0 {
						keys = append(keys, key)
					}
				}
				slices.Sort(keys)
				l.keys = slices.Compact(keys)
			}
			checkStable := func(what string, items, must []Item) {
				t.Helper()
				last := ""
				seen := map[string]bool{}
				for _, item := range items {
					if item.Cursor() <= last {
						t.Fatalf("%s: %q comes behind %q", what, item.Cursor(), last)
					}
					last = item.Cursor()
					seen[show([]Item{item})[0]] = true
				}
				for _, item := range must {
					if !seen[show([]Item{item})[0]] {
						t.Fatalf("%s: %q was there all the time, and is missing", what, item.Key)
					}
				}
			}
			o := Listing{Dirs: true}
			checkStable(fmt.Sprintf("Scan %q", text), scanAll(t, l, "", text, o), scanReference(stable, "", compile(t, text), o))
			checkStable("Children", childrenOf(t, l, "d1", o), childrenReference(stable, "d1", o))
			if _, err := Scan(t.Context(), l, "d1", compile(t, text), o, func(Item) Verdict {
				l.keys = l.keys[:len(l.keys)/2]
				return Continue
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
