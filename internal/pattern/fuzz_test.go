package pattern

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// seeds are patterns and paths that the fuzz targets begin with, each with each.
var (
	seedPatterns = []string{
		"", "*", "**", "**/", "*/", "?", "a", "a/", "a//", "a//b", "**/*", "a/**", "a/**/", "a/**/b", "**/**",
		"**//", "*.txt", "a*b*c", "?[a-c]*", "[!a]", "[^a-c]x", "[]a]", "[!]a]", "[a-]", "[-a]", "[c-a]", "[a\\]b]", "[/]", "[a/b]",
		"{a,b}", "{a,b/c}d", "{a,{b,c}/**}", "{a/,b}", "{**,a}", "a{,b}", "{a,}", "{", "}", "[", "\\", "a\\*", "\\**", "a\\\\", "[\\\\-z]",
		"a**", "***", "**a", "..", "a/../b", "{.,a}.", "./a", "a/./b", "a/.", ".", "./", ".//a", "a//.", "\\/a", "\\/", "//", "/a", "\\//a",
		"s3://b", "S3://b", "\\s3://b", "{s3,x}://b", "\\.\\.", "\xc3{\xa9,b}", "\xc3\\\xa9", "*\xa9", "[\xc3-\xff]", "é*", "{é,è}x",
		"x}", "a,b", "{[,],b}", "{\\,,b}", "!a", "**/{a,b}/*{.x,.y}", "{a/*,a/b}/c", "{b,a*}", "{ab,a?}",
	}
	seedPaths = []string{
		"", "a", "b", "ab", "a/b", "a//b", "a/", "/", "/a", "//a", "a/b/c", "abc", "aXbYc", "x.txt", ".x", "]", "-", "é", "èx",
		"\xc3", "\xa9", "a/b/c/d/e", "..", ".", "a/../b", "s3://b", "bd", "b/cd", "a*", "*", "{", "!a", ",", "s3:/x", "a\\",
	}
)

// components are those of a path as Match takes it: none of "".
func components(rel string) []string {
	if rel == "" {
		return nil
	}
	return strings.Split(rel, "/")
}

// FuzzMatch compares Match with the reference, and everything else with Match.
func FuzzMatch(f *testing.F) {
	for i, p := range seedPatterns {
		for j, rel := range seedPaths {
			f.Add(p, rel, (i+j)%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, text, rel string, isDir bool) {
		if len(text) > 60 || len(rel) > 40 {
			return // the reference takes exponential time
		}
		checkPattern(t, text, rel, isDir)
	})
}

// TestMatchSeeds runs every seed pattern on every seed path, as a file and as a directory.
func TestMatchSeeds(t *testing.T) {
	for _, text := range seedPatterns {
		for _, rel := range seedPaths {
			checkPattern(t, text, rel, false)
			checkPattern(t, text, rel, true)
		}
	}
}

func checkPattern(t *testing.T, text, rel string, isDir bool) {
	t.Helper()
	names := components(rel)
	p, err := Parse(text)
	alts, ok := refParse(text)
	if ok != (err == nil) {
		t.Fatalf("Parse(%q): %v; the reference says valid=%v", text, err, ok)
	}
	if err != nil {
		if !errors.Is(err, ErrBad) || p != nil {
			t.Fatalf("Parse(%q) = %v, %v; want nil and ErrBad", text, p, err)
		}
		return
	}
	got := p.Match(rel, isDir)
	if want := refMatch(alts, names, isDir); got != want {
		t.Fatalf("Parse(%q).Match(%q, %v) = %v, the reference says %v", text, rel, isDir, got, want)
	}
	if got && !strings.HasPrefix(rel, p.Head()) {
		t.Fatalf("%q matches %q, which does not begin with Head() = %q", text, rel, p.Head())
	}
	if got && !isDir && p.DirOnly() {
		t.Fatalf("%q is DirOnly and matches the file %q", text, rel)
	}
	if rels, ok := p.Literal(); ok && got != admits(rels, rel, isDir) && rel != "" {
		t.Fatalf("%q: Literal() = %q, but Match(%q, %v) = %v", text, rels, rel, isDir, got)
	}
	r, err := Parse("**/" + text)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := p.Recursive().Match(rel, isDir), r.Match(rel, isDir); a != b || p.Recursive().DirOnly() != r.DirOnly() || p.Recursive().String() != r.String() {
		t.Fatalf("%q.Recursive() matches %q: %v; %q does: %v", text, rel, a, r, b)
	}
	checkStates(t, p, names, isDir, got)
	checkStates(t, p.Recursive(), names, isDir, r.Match(rel, isDir))
}

// admits reports whether a list of literal paths, directories with their slash, has rel.
func admits(rels []string, rel string, isDir bool) bool {
	// A rel that ends in "/" has an empty last name, which only a directory has in the list.
	return isDir && slices.Contains(rels, rel+"/") || !strings.HasSuffix(rel, "/") && slices.Contains(rels, rel)
}

// checkStates walks down names and compares each state with what comes after it.
func checkStates(t *testing.T, p *Pattern, names []string, isDir, want bool) {
	t.Helper()
	states := []State{p.Start()}
	for _, name := range names {
		s := states[len(states)-1]
		next := s.Step(name)
		if !next.Dead() {
			if !slices.ContainsFunc(s.Heads(), func(h string) bool { return strings.HasPrefix(name, h) }) {
				t.Fatalf("%q in %q: %q may follow, but not by Heads() = %q", p, names, name, s.Heads())
			}
			if only, ok := s.Names(); ok && !slices.Contains(only, name) {
				t.Fatalf("%q in %q: %q may follow, but not by Names() = %q", p, names, name, only)
			}
			if !s.Below() {
				t.Fatalf("%q in %q: %q may follow, but not by Below()", p, names, name)
			}
		}
		states = append(states, next)
	}
	last := states[len(states)-1]
	if got := last.Accepts(isDir); got != want {
		t.Fatalf("%q: Accepts(%v) after %q = %v, Match says %v", p, isDir, names, got, want)
	}
	for i, s := range states {
		if want && s.Dead() {
			t.Fatalf("%q matches %q, but is dead after %q", p, names, names[:i])
		}
		if s.Dead() != (!s.Below() && !s.Accepts(true)) {
			t.Fatalf("%q after %q: Dead %v, Below %v, Accepts %v", p, names[:i], s.Dead(), s.Below(), s.Accepts(true))
		}
		heads := s.Heads()
		if !slices.IsSorted(heads) || s.Below() != (len(heads) > 0) {
			t.Fatalf("%q after %q: Heads() = %q, Below() = %v", p, names[:i], heads, s.Below())
		}
		for a, h := range heads {
			for b, g := range heads {
				if a != b && strings.HasPrefix(h, g) {
					t.Fatalf("%q after %q: Heads() = %q", p, names[:i], heads)
				}
			}
		}
		if only, ok := s.Names(); ok {
			if s.Deep() || s.Below() != (len(only) > 0) || !slices.IsSorted(only) {
				t.Fatalf("%q after %q: Names() = %q, Deep %v, Below %v", p, names[:i], only, s.Deep(), s.Below())
			}
			for _, name := range only {
				if s.Step(name).Dead() {
					t.Fatalf("%q after %q: Names() = %q, but %q cannot follow", p, names[:i], only, name)
				}
			}
		}
		rests, ok := s.LiteralPath()
		if !ok || s.Dead() {
			continue
		}
		for _, rest := range rests {
			path, slash := strings.CutSuffix(rest, "/")
			to := s
			for name := range strings.SplitSeq(path, "/") {
				to = to.Step(name)
			}
			if !to.Accepts(true) || to.Accepts(false) == slash {
				t.Fatalf("%q after %q: LiteralPath() = %q, but of %q Accepts is %v, of a directory %v",
					p, names[:i], rests, rest, to.Accepts(false), to.Accepts(true))
			}
		}
		if i < len(names) && want != admits(rests, strings.Join(names[i:], "/"), isDir) {
			t.Fatalf("%q after %q: LiteralPath() = %q; matches %q: %v", p, names[:i], rests, names[i:], want)
		}
	}
}

// FuzzQuote: the quoted pattern names the one path that s spells.
func FuzzQuote(f *testing.F) {
	for _, s := range slices.Concat(seedPatterns, seedPaths) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := Quote(s)
		p, err := Parse(q)
		if s == "" {
			if q != "" || err == nil {
				t.Fatalf(`Quote("") = %q, Parse: %v; want "", refused`, q, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("Quote(%q) = %q: %v", s, q, err)
		}
		if rels, ok := p.Literal(); !ok || !slices.Equal(rels, []string{s}) {
			t.Fatalf("Quote(%q) = %q names %q, %v", s, q, rels, ok)
		}
		// Pieces of a longer pattern.
		for text, want := range map[string][]string{
			"x/" + q:           {"x/" + s},
			"{x," + q + "}":    sortedSet([]string{s, "x"}),
			"{" + q + ",y/x}":  sortedSet([]string{s, "y/x"}),
			"x/{" + q + "}/yy": {"x/" + s + "/yy"},
		} {
			p, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if rels, ok := p.Literal(); !ok || !slices.Equal(rels, want) && !(s == "x/" || s == "y/x/") {
				t.Fatalf("Quote(%q) in %q names %q, %v; want %q", s, text, rels, ok, want)
			}
		}
		path, slash := strings.CutSuffix(s, "/")
		if slash && path == "" {
			return // below the root, an empty name has no spelling for Match
		}
		if !p.Match(path, true) || p.Match(path, false) == slash {
			t.Fatalf("Quote(%q) = %q matches a file %v, a directory %v", s, q, p.Match(path, false), p.Match(path, true))
		}
	})
}
