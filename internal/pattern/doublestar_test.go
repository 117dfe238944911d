package pattern

import (
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// TestDoublestarAgrees compares with an implementation by others where both mean the same:
// no empty names, no trailing slash, classes without "/" or a leading "]", no "**" in
// braces or at the end (where "a*/**" does not match "a" for doublestar, but "*/**" does).
func TestDoublestarAgrees(t *testing.T) {
	products := func(of []string, n int) (all []string) {
		last := []string{""}
		for range n {
			var next []string
			for _, head := range last {
				for _, s := range of {
					next = append(next, strings.TrimPrefix(head+"/"+s, "/"))
				}
			}
			all = append(all, next...)
			last = next
		}
		return all
	}
	patterns := products([]string{"a", "*", "?", "**", "[ab]", "[!a]", "[^b]*", "a*", "*b", "a*b", "{a,b}", "{ab,*é}", `\*`, "{a,b/*}"}, 3)
	paths := products([]string{"a", "b", "ab", "aab", "é", "*", ".a"}, 3)
	for _, text := range patterns {
		if strings.HasSuffix(text, "**") {
			continue
		}
		p, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			want, err := doublestar.Match(text, path)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(path, false); got != want {
				t.Errorf("`%s` on %q: %v, doublestar says %v", text, path, got, want)
			}
		}
	}
	t.Logf("%d patterns × %d paths", len(patterns), len(paths))
}
