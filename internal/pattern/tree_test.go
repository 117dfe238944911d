package pattern

import (
	"cmp"
	"slices"
	"strings"
	"testing"
)

// The tree that the Glob table is about; directories end in "/", "" is the root.
var globTree = []string{
	"", "dirB/", "dirB/fileB.txt", "dirC/", "dirC/dirD/", "dirC/dirD/fileD.txt", "dirC/fileC.txt", "fileA.txt",
}

const (
	everything  = "dirB/ dirB/fileB.txt dirC/ dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"
	theTexts    = "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt fileA.txt"
	allAndRoot  = "<root> " + everything
	directories = "dirB/ dirC/ dirC/dirD/"
)

var globRows = []struct{ pattern, glob, rglob string }{
	{"*", "dirB/ dirC/ fileA.txt", everything},
	{"**/*", everything, everything},
	{"**", allAndRoot, allAndRoot},
	{"fileA", "", ""},
	{"fileB", "", ""},
	{"*A", "", ""},
	{"*/fileA", "", ""},
	{"dir*/FILE*", "", ""},
	{"nope*", "", ""},
	{"*/*/*/*", "", ""},
	{"*.txt", "fileA.txt", theTexts},
	{"[!d]*", "fileA.txt", theTexts},
	{"fileB.txt", "", "dirB/fileB.txt"},
	{"dir*/file*", "dirB/fileB.txt dirC/fileC.txt", "dirB/fileB.txt dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"*/*", "dirB/fileB.txt dirC/dirD/ dirC/fileC.txt", "dirB/fileB.txt dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"dir[BC]", "dirB/ dirC/", "dirB/ dirC/"},
	{"**/dirD", "dirC/dirD/", "dirC/dirD/"},
	{"dirC/**/*", "dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt", "dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"*/", "dirB/ dirC/", directories},
	{"**/", "<root> " + directories, "<root> " + directories},
	{"{dirB,dirC}/*.txt", "dirB/fileB.txt dirC/fileC.txt", "dirB/fileB.txt dirC/fileC.txt"},
	// And what `**` at the end, a missing name and a file in the middle do.
	{"dirC/**", "dirC/ dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt", "dirC/ dirC/dirD/ dirC/dirD/fileD.txt dirC/fileC.txt"},
	{"dirC/**/", "dirC/ dirC/dirD/", "dirC/ dirC/dirD/"},
	{"fileA.txt/*", "", ""},
	{"fileA.txt/", "", ""},
}

func TestGlobTable(t *testing.T) {
	for _, row := range globRows {
		p := mustParse(t, row.pattern)
		for _, column := range []struct {
			name string
			p    *Pattern
			want string
		}{
			{"Glob", p, row.glob},
			{"RGlob", p.Recursive(), row.rglob},
			{"RGlob written out", mustParse(t, "**/"+row.pattern), row.rglob},
		} {
			var got []string
			for _, rel := range globTree {
				if rel == "" {
					rel = "<root>"
				}
				if matchSpelled(column.p, rel) {
					got = append(got, rel)
				}
			}
			if strings.Join(got, " ") != column.want {
				t.Errorf("row `%s`, %s: %q, want %q", row.pattern, column.name, strings.Join(got, " "), column.want)
			}
			if walked := walk(column.p.Start(), "", globTree); strings.Join(walked, " ") != column.want {
				t.Errorf("row `%s`, %s, by states: %q, want %q", row.pattern, column.name, strings.Join(walked, " "), column.want)
			}
		}
	}
}

// walk does what a planner does: it goes down level by level, and only where there is hope.
func walk(s State, dir string, tree []string) (found []string) {
	if s.Accepts(true) {
		found = append(found, cmp.Or(dir, "<root>"))
	}
	if !s.Below() {
		return found
	}
	heads := s.Heads()
	for _, path := range tree {
		rest, below := strings.CutPrefix(path, dir)
		name, isDir := strings.CutSuffix(rest, "/")
		if !below || rest == "" || strings.Contains(name, "/") {
			continue
		}
		if !slices.ContainsFunc(heads, func(h string) bool { return strings.HasPrefix(name, h) }) {
			continue
		}
		next := s.Step(name)
		switch {
		case isDir:
			found = append(found, walk(next, path, tree)...)
		case next.Accepts(false):
			found = append(found, path)
		}
	}
	return found
}

func TestDeepTree(t *testing.T) {
	path := strings.Repeat("d/", 29) + "x.txt"
	for _, row := range []struct {
		pattern string
		want    bool
	}{
		{"**/x.txt", true},
		{"**", true},
		{"d/**/d/x.*", true},
		{strings.Repeat("*/", 29) + "*", true},
		{strings.Repeat("*/", 28) + "*", false},
		{strings.Repeat("**/d/", 29) + "*", true},
		{strings.Repeat("**/d/", 30) + "*", false},
	} {
		if got := mustParse(t, row.pattern).Match(path, false); got != row.want {
			t.Errorf("`%s` on a path of 30 levels: %v", row.pattern, got)
		}
	}
}

// TestStates: what a planner learns after some steps.
func TestStates(t *testing.T) {
	for _, row := range []struct {
		pattern, after string // after: components, "" at the root
		state          string // of: dead below deep file dir
		heads, names   string // names "-": not only literals
		rests          string // "-": not only literals
	}{
		{"a/b.txt", "", "below", "a", "a", "a/b.txt"},
		{"a/b.txt", "a", "below", "b.txt", "b.txt", "b.txt"},
		{"a/b.txt", "a/b.txt", "file dir", "", "", ""},
		{"a/b.txt", "b", "dead", "", "", ""},
		{"a/b.txt", "a/b.txt/c", "dead", "", "", ""},
		{"dir*/file*", "", "below", "dir", "-", "-"},
		{"dir*/file*", "dirB", "below", "file", "-", "-"},
		{"dir*/file*", "dirB/fileB", "file dir", "", "", ""},
		{"a/", "a", "dir", "", "", ""},
		{"a/", "", "below", "a", "a", "a/"},
		{"a/**", "", "below", "a", "a", "-"},
		{"a/**", "a", "below deep file dir", `""`, "-", "-"},
		{"a/**", "a/b/c", "below deep file dir", `""`, "-", "-"},
		{"a/**/", "a/b", "below deep dir", `""`, "-", "-"},
		{"**", "", "below deep file dir", `""`, "-", "-"},
		{"**/x", "", "below deep", `""`, "-", "-"},
		{"**/x", "x", "below deep file dir", `""`, "-", "-"},
		{"a/**/x", "a/x", "below deep file dir", `""`, "-", "-"},
		{"{a,b}/{c,d*}", "", "below", "a b", "a b", "-"},
		{"{a,b}/{c,d*}", "b", "below", "c d", "-", "-"},
		{"{a/x,b/*}", "", "below", "a b", "a b", "-"},
		{"{a/x,b/*}", "a", "below", "x", "x", "x"},
		{"{a/x,b/*}", "b", "below", `""`, "-", "-"},
		{"{a,a/b}", "a", "below file dir", "b", "b", "b"},
		{"{a,a/b/,a/c/d}", "a", "below file dir", "b c", "b c", "b/ c/d"},
		{"{a/b/,a/b}", "a", "below", "b", "b", "b"},
		{"{ab*,abc*,abd,b*,a/x}", "", "below", "a b", "-", "-"},
		{"{x/ab*,x/abc,x/b?}", "x", "below", "ab b", "-", "-"},
		{"[ab]/c", "", "below", `""`, "-", "-"},
		{"[ab]/c", "a", "below", "c", "c", "c"},
		{"{a/**,b}", "", "below", "a b", "a b", "-"},
		{"{a/**,b}", "b", "file dir", "", "", ""},
		{"{a/*,*/b}", "a", "below", `""`, "-", "-"},
		{"{a/*,*/b}", "c", "below", "b", "b", "b"},
		{"d//x", "d", "below", `""`, `""`, "/x"},
		{"d//", "d", "below", `""`, `""`, "/"},
	} {
		p := mustParse(t, row.pattern)
		s := p.Start()
		for _, name := range components(row.after) {
			s = s.Step(name)
		}
		var state []string
		for _, is := range []struct {
			name string
			yes  bool
		}{{"dead", s.Dead()}, {"below", s.Below()}, {"deep", s.Deep()}, {"file", s.Accepts(false)}, {"dir", s.Accepts(true)}} {
			if is.yes {
				state = append(state, is.name)
			}
		}
		if got := strings.Join(state, " "); got != row.state {
			t.Errorf("`%s` after %q: %q, want %q", row.pattern, row.after, got, row.state)
		}
		if got := spell(s.Heads(), true); got != row.heads {
			t.Errorf("`%s` after %q: Heads() = %s, want %s", row.pattern, row.after, got, row.heads)
		}
		if got := spell(s.Names()); got != row.names {
			t.Errorf("`%s` after %q: Names() = %s, want %s", row.pattern, row.after, got, row.names)
		}
		if got := spell(s.LiteralPath()); got != row.rests {
			t.Errorf("`%s` after %q: LiteralPath() = %s, want %s", row.pattern, row.after, got, row.rests)
		}
	}
}

// spell writes a list as the rows of TestStates do.
func spell(list []string, ok bool) string {
	if !ok {
		return "-"
	}
	var words []string
	for _, s := range list {
		words = append(words, cmp.Or(s, `""`))
	}
	return strings.Join(words, " ")
}

func TestZeroStateIsDead(t *testing.T) {
	var s State
	if !s.Dead() || s.Below() || s.Deep() || s.Accepts(true) || s.Accepts(false) || !s.Step("a").Dead() || len(s.Heads()) != 0 {
		t.Error("the zero State is not dead")
	}
	if names, ok := s.Names(); !ok || len(names) != 0 {
		t.Errorf("Names() = %q, %v", names, ok)
	}
	if rests, ok := s.LiteralPath(); !ok || len(rests) != 0 {
		t.Errorf("LiteralPath() = %q, %v", rests, ok)
	}
}

// TestStatesAreValues: stepping twice from one state gives the same, whatever was done with
// the first result.
func TestStatesAreValues(t *testing.T) {
	s := mustParse(t, "{a/x/1,b/x/2,**/y}").Start()
	a, b := s.Step("a"), s.Step("b")
	a.Step("x").Step("1")
	for range 3 {
		if !s.Step("a").Step("x").Step("1").Accepts(false) || !b.Step("x").Step("2").Accepts(false) {
			t.Fatal("a step changed the state it was made from")
		}
		if b.Step("x").Step("1").Accepts(false) || a.Step("x").Step("2").Accepts(false) {
			t.Fatal("states share what they have seen")
		}
		s.Heads()
		s.Names()
	}
}
