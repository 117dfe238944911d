package cloudpath_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

func TestMatch(t *testing.T) {
	for _, row := range []struct {
		pattern, rel string
		want         bool
	}{
		{"*", "a", true},
		{"*", "a/", true},
		{"*", ".hidden", true},
		{"*", "a/b", false},
		{"*", "", false},
		{"*", "/", false},
		{"*/", "a/", true},
		{"*/", "a", false},
		{"a", "a", true},
		{"a", "a/", true},
		{"a/", "a", false},
		{"a/", "a/", true},
		{"a/**", "a", true},
		{"a/**", "a/b/c", true},
		{"**", "", true},
		{"**", "/", true},
		{"**", "d//x", true},
		{"**/", "", true},
		{"**/", "a/b/", true},
		{"**/", "a/b", false},
		{"**/*", "", false},
		{"d//", "d//", true},
		{"d//", "d/", false},
		{"d/", "d//", false},
		{"d/*", "d//", false},
		{"d/**", "d//", true},
		{"d//x", "d//x", true},
		{"d/*/x", "d//x", false},
		{`\/`, "/", true},
		{`\/`, "", false},
		{`\/k`, "/k", true},
		{"[]a]", "]", true},
		{"{a,b/c}", "b/c", true},
	} {
		got, err := cloudpath.Match(row.pattern, row.rel)
		if got != row.want || err != nil {
			t.Errorf("row `%s` on %q: %v, %v; want %v", row.pattern, row.rel, got, err, row.want)
		}
	}
}

func TestMatchBadPattern(t *testing.T) {
	for _, pattern := range []string{
		"", "/a", "s3://b/k", "..", "a/../b", "a**", "**a", "[", "a[b", "{", "{a,b", `a\`, strings.Repeat("{a,b}", 11),
	} {
		got, err := cloudpath.Match(pattern, "a")
		if got || !errors.Is(err, cloudpath.ErrBadPattern) {
			t.Errorf("row `%s`: %v, %v; want ErrBadPattern", pattern, got, err)
		}
	}
}

func TestQuotePatternOfTheRoot(t *testing.T) {
	if q := cloudpath.QuotePattern(""); q != "" {
		t.Errorf(`QuotePattern("") = %q`, q)
	}
}

// FuzzQuotePattern: the quoted pattern matches its path and no other. A path with and
// without the slash of a directory is one path, which only the former says is a directory.
func FuzzQuotePattern(f *testing.F) {
	for _, s := range []string{"a", "a/b", "d//x", "d//", "/", "//", "/k", "..", "a/../b", ".", "*", "[a]", "{a,b}", `\`, "s3://b/k", "!x", "é", "\xff", "a b?c#d%20e", "**/x"} {
		for _, other := range []string{"", "a", "b", "a/", "d/x", "/", s + "x", s + "/", "x" + s, strings.ToUpper(s)} {
			f.Add(s, other)
		}
	}
	f.Fuzz(func(t *testing.T, s, other string) {
		if s == "" {
			return
		}
		q := cloudpath.QuotePattern(s)
		if ok, err := cloudpath.Match(q, s); !ok || err != nil {
			t.Fatalf("QuotePattern(%q) = %q does not match it: %v", s, q, err)
		}
		want := other == s || other == s+"/" && !strings.HasSuffix(s, "/")
		if ok, _ := cloudpath.Match(q, other); ok != want {
			t.Fatalf("QuotePattern(%q) = %q matches %q: %v", s, q, other, ok)
		}
		if ok, err := cloudpath.Match("dir/"+q, "dir/"+s); !ok || err != nil {
			t.Fatalf("dir/ and QuotePattern(%q) = %q do not match dir/ and it: %v", s, q, err)
		}
	})
}

// FuzzMatch: Match never panics, says nothing besides an error, and agrees with itself about
// directories.
func FuzzMatch(f *testing.F) {
	for _, p := range []string{"*", "**", "**/", "a/**", "[!a]*", "{a,b/c}", "d//", `\/`, "a**", "[", "{", `\`, "é?", "**/*.txt"} {
		for _, rel := range []string{"", "a", "a/", "a/b", "d//", "/", "//", "é", "x.txt", "\xff"} {
			f.Add(p, rel)
		}
	}
	f.Fuzz(func(t *testing.T, pattern, rel string) {
		ok, err := cloudpath.Match(pattern, rel)
		if err != nil {
			if ok || !errors.Is(err, cloudpath.ErrBadPattern) {
				t.Fatalf("Match(%q, %q) = %v, %v", pattern, rel, ok, err)
			}
			return
		}
		if all, err := cloudpath.Match("**", rel); !all || err != nil {
			t.Fatalf("** does not match %q: %v", rel, err)
		}
		// Whatever is matched as something is matched as a directory.
		if dir, _ := cloudpath.Match(pattern, rel+"/"); ok && rel != "" && !strings.HasSuffix(rel, "/") && !dir {
			t.Fatalf("%q matches %q but not %q", pattern, rel, rel+"/")
		}
		if deep, err := cloudpath.Match("**/"+pattern, rel); ok && !deep || err != nil {
			t.Fatalf("%q matches %q, but not with **/ in front: %v", pattern, rel, err)
		}
	})
}
