package tree

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// FuzzScan compares scans of any tree with the naive listing, and the requests
// with their bound; from the middle of the listing it begins once more.
func FuzzScan(f *testing.F) {
	f.Add("dirB/fileB.txt\ndirC/dirD/fileD.txt\ndirC/fileC.txt\nfileA.txt", "", "dir*/file*", "", uint16(0))
	f.Add("both\nboth/child\nboth-x", "", "{both,both/*}", "b", uint16(3))
	f.Add("d/\nd//x\n/k\n//\nd/a/", "d", "**", "/", uint16(0xff))
	f.Add("a/b/c/d/e/f\na/b/c/d/e/g\na/b/c/x\na/y\nz", "a", "*/*/*/*", "", uint16(9))
	f.Add("é/a\né/b\n\u00a0x\n x\nf", "", "[é-ÿ]*/?", "", uint16(2))
	f.Add("lit\nlit-1\nlit-2\nlit-3\nlit/x", "", "lit", "", uint16(1))
	f.Add("0/", "", "0//**", "", uint16(95))
	f.Fuzz(func(t *testing.T, tree, key, text, raw string, flags uint16) {
		if !utf8.ValidString(tree) || !utf8.ValidString(key) || !utf8.ValidString(raw) || strings.ContainsAny(tree, top+"\U0010FFFE\U0010FFFF\x00") || len(tree) > 4096 {
			return // nothing is promised about the pages that such names cost
		}
		if text != "" {
			if _, err := pattern.Parse(text); err != nil {
				return
			}
		}
		l := newFake(t, sensible(strings.Split(tree, "\n"))...)
		size := 1 + int(flags>>8&7)
		on := func(bit uint16) bool { return flags&bit > 0 }
		o := Listing{Raw: raw, Dirs: on(1), Root: on(2), Markers: on(4), Self: on(8)}
		if o.Max = size; on(0x800) {
			o.Max, l.pageSize = 0, size
		}
		l.skipBefore, l.markersTwice, l.hollow, l.flatOnly = on(16), on(32), on(64), on(128)
		if on(0x1000) {
			o.Prune = func(dir string) bool { return len(dir)%3 == 0 }
		}
		// Names that begin with a control character or a space cannot be asked
		// for exactly, nor can those behind them.
		exact := !strings.ContainsFunc(tree+text+raw, func(r rune) bool { return r != '\n' && r <= ' ' || 0x7f <= r && r <= 0xa0 || r >= 0xfffd })
		if !exact {
			l.hollow = true // does without the bound
		}
		check(t, l, key, text, o, size)
		if all := scanReference(l.keys, key, compile(t, text), o); len(all) > 0 {
			o.After = all[len(all)/2].Cursor()
			check(t, l, key, text, o, size)
		}
		l.shuffled, o.After = true, ""
		items := scanAll(t, l, key, text, o)
		slices.SortFunc(items, func(a, b Item) int { return strings.Compare(a.Cursor(), b.Cursor()) })
		equal(t, "unordered", items, scanReference(l.keys, key, compile(t, text), o))
	})
}
