package pattern

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func mustParse(t testing.TB, s string) *Pattern {
	t.Helper()
	p, err := Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestTokens: one row for what each token matches and what it does not. A path that ends in
// "/" is a directory; the root is written "<root>".
func TestTokens(t *testing.T) {
	for _, row := range []struct {
		pattern string
		yes, no string // separated by spaces
	}{
		// "*": any run of bytes, never "/", hidden names like others.
		{`*`, "a abc .hidden .. é * a/", "<root> a/b / a//"},
		{`*.txt`, "a.txt .txt a.b.txt", "a.txt.gz atxt d/a.txt"},
		{`a*b`, "ab a-b aXYb abb", "a b aba ba a/b"},
		{`*a*b*`, "ab xaxbx aab", "ba a b a/b"},
		{`ab*ba`, "abba abXba", "aba ab ba"},
		{`a*b*b`, "abb aXbYb abbb", "ab abX"},
		{`dir*/file*`, "dir/file dirB/file.txt", "dirB dirB/x/file dirB/afile"},
		// "?": any one character, a rune of several bytes or one invalid byte.
		{`?`, "a . é 日 \xff a/", "<root> ab .. \xff\xff e\u0301 a/b /"},
		{`a?c`, "abc aéc", "ac a/c abbc"},
		{`*?`, "a ab é", "<root>"},
		{`*[!é]`, "a éa", "é aé"},
		// "[a-z]", "[!a-z]", "[^a-z]": one character (not) in the class, never "/".
		{`[a-z]`, "a m z", "A é ab - <root> a/b"},
		{`[!a-z]`, "A é - \xff", "a z AB / <root>"},
		{`[^a-z]`, "A é -", "a z AB / <root>"},
		{`[à-ü]`, "é ü", "a z \xc3 \xe9"},
		{"[\xe0-\xef]", "\xe9", "é e \xdf"},
		{`x[!a]y`, "xby x.y", "xay x/y xy"},
		{`x[.-0]y`, "x.y x0y", "x/y x1y"},
		{`[a/b]`, "a b", "/ a/b [a/b]"},
		{`[/]`, "", "/ a [/]"},
		// "[]a]" holds "]"; "[*]" and "[[]" are literals; "-" first or last is itself.
		{`[]a]`, "] a", "[]a] b ]a"},
		{`[!]a]`, "b [", "] a"},
		{`[^]a]`, "b [", "] a"},
		{`[]-a]`, "] ^ a", "- b"},
		{`[*]`, "*", "a **"},
		{`[?]`, "?", "a"},
		{`[[]`, "[", "] a"},
		{`[a-]`, "a -", "b"},
		{`[-a]`, "a -", "b"},
		{`[z-a]`, "", "a z m -"},
		{`[a^]`, "a ^", "b"},
		{`[{,}]`, "{ , }", "a"},
		{`star[*]`, "star*", "star starx"},
		// "\" escapes, in a class as well.
		{`\*`, "*", `a \*`},
		{`a\?b`, "a?b", "axb"},
		{`\[a]`, "[a]", "a"},
		{`\{a,b}`, "{a,b}", "a b"},
		{`\\`, `\`, `\\`},
		{`\a`, "a", `\a`},
		{`[\]a]`, "] a", `\`},
		{`[a\-c]`, "a - c", "b"},
		{`[\!a]`, "! a", "b"},
		{`[\\]`, `\`, "a"},
		// "{a,b/c}": alternatives, which nest and may hold "/".
		{`{a,b/c}`, "a b/c", "b c a/c {a,b/c}"},
		{`x{a,b/c}y`, "xay xb/cy", "xy xab/cy"},
		{`{a,b{c,d{e,f}}}`, "a bc bde bdf", "b bd bcd"},
		{`{a,b}{c,d}`, "ac ad bc bd", "a ab cd"},
		{`a{,b}c`, "ac abc", "a,bc"},
		{`{a}`, "a", "{a}"},
		{`a{}b`, "ab", "a{}b"},
		{`{*.txt,[0-9]}`, "a.txt 7", "a 77"},
		{`{a\,b,c}`, "a,b c", "a b"},
		{`{a\}b,c}`, "a}b c", "a"},
		{`{[,],x}`, ", x", "[ ]"},
		{`{a,**}/b`, "a/b b x/y/b", "a"},
		{`{a/,b}`, "a/ b b/", "a"},
		{`a}b,c]`, "a}b,c]", "a b"},
		// "**" as a whole component: any number of components, none included.
		{`**`, "<root> a a/ a/b a/b/c d//x d// / //x .a/.b", ""},
		{`**/a`, "a x/a x/y/a //a", "xa a/x <root>"},
		{`a/**/b`, "a/b a/x/b a/x/y/b a//b", "a b ab a/b/x"},
		{`**/a/**/b/**`, "a/b x/a/y/b/z a/b/b", "b/a a"},
		{`**/**/b/**/**`, "b x/b b/y x/b/y", "a"},
		{`**/*`, "a a/b .x/.y", "<root> / a//"},
		// As the last component it also matches the root of the glob itself.
		{`a/**`, "a a/ a/b a/b/c a// a//b", "ab b/a <root>"},
		{`a/b/**`, "a/b a/b/c", "a a/bc"},
		{`a*/**`, "a ab ab/c", "b/a"},
		// A trailing "/": directories only.
		{`*/`, "a/ .d/", "a a/b/ <root>"},
		{`a/`, "a/", "a a/b/ a//"},
		{`**/`, "<root> a/ a/b/ d// /", "a a/b"},
		{`a/**/`, "a/ a/b/ a//", "a a/b b/"},
		{`**/d/`, "d/ x/d/", "d x/d"},
		{`{a,b}/`, "a/ b/", "a b"},
		// An empty component is matched by "**" or by one that is written.
		{`d/*/x`, "d/a/x", "d//x"},
		{`d//x`, "d//x", "d/x d/a/x"},
		{`d/**/x`, "d//x d/x d///x", "d"},
		{`d/*`, "d/x", "d//"},
		{`d//`, "d//", "d/ d d//x"},
		{`d///`, "d///", "d// d/"},
		{`**//x`, "/x a//x a/b//x", "x a/x"},
		{`**//`, "/ a// a/b//", "a/ <root>"},
		{`d/[!x]/y`, "d/a/y", "d//y"},
		{`d/{,a}/y`, "d//y d/a/y", "d/y"},
		{`\/k`, "/k", "k"},
		{`\/`, "/", "<root> a/ //"},
		{`\//k`, "//k", "/k k"},
		// "." is dropped, as path libraries do.
		{`./a`, "a", "./a"},
		{`a/./b`, "a/b", "a/./b"},
		{`a/.`, "a a/", "a/."},
		{`a//.`, "a//", "a a/"},
		{`\./a`, "./a", "a"},
		{`a/\.\./b`, "a/../b", "b a/b"},
		// Other names that only look special.
		{`...`, "...", ".."},
		{`a..`, "a..", "a"},
		{`s3:/x`, "s3:/x", "s3://x"},
		{`a/s3://x`, "a/s3://x", ""},
		{`\s3://x`, "s3://x", "x"},
		{`./s3://x`, "s3://x", "x"},
		{`!a`, "!a", "b a"},
	} {
		p := mustParse(t, row.pattern)
		for _, rel := range strings.Fields(row.yes) {
			if !matchSpelled(p, rel) {
				t.Errorf("row `%s`: does not match %q", row.pattern, rel)
			}
		}
		for _, rel := range strings.Fields(row.no) {
			if matchSpelled(p, rel) {
				t.Errorf("row `%s`: matches %q", row.pattern, rel)
			}
		}
	}
}

// matchSpelled matches a path in which directories end in "/".
func matchSpelled(p *Pattern, rel string) bool {
	path, slash := strings.CutSuffix(rel, "/")
	switch {
	case rel == "<root>":
		return p.Match("", true)
	case slash && path == "":
		return p.Start().Step("").Accepts(true)
	}
	return p.Match(path, slash)
}

func TestNamesWithSpaces(t *testing.T) {
	for _, name := range []string{"a b.txt", " .txt", "a\tb c\n.txt"} {
		if !mustParse(t, "* *.txt").Match(name, false) {
			t.Errorf("`* *.txt` does not match %q", name)
		}
	}
	if mustParse(t, "* *.txt").Match("ab.txt", false) {
		t.Error("`* *.txt` matches ab.txt")
	}
	if p := mustParse(t, "a b?c#d%20e"); !p.Match("a b?c#d%20e", false) || !p.Match("a bxc#d%20e", false) {
		t.Error("`a b?c#d%20e` does not match itself, or not with another character for its ?")
	}
}

func TestBadPatterns(t *testing.T) {
	for _, row := range []struct{ pattern, says string }{
		{"", "empty"},
		{"/", `begin with "/"`},
		{"/a", `begin with "/"`},
		{"//a", `begin with "/"`},
		{"{a,/b}", `begin with "/"`},
		{"{a,}/b", `begin with "/"`},
		{".//b", `begin with "/"`},
		{"s3://b/k", `begin with "s3://"`},
		{"S3://b/k", `begin with "s3://"`},
		{"{x,s3}://b", `begin with "s3://"`},
		{"s3://", `begin with "s3://"`},
		{"a**", "**"},
		{"**a", "**"},
		{"a**b/c", "**"},
		{"x/***", "**"},
		{"x/**?/y", "**"},
		{"**[a]", "**"},
		{"{a,b}**", "**"},
		{"{**,b}a", "**"},
		{"..", ".."},
		{"../a", ".."},
		{"a/..", ".."},
		{"a/../b", ".."},
		{"a/../", ".."},
		{"**/..", ".."},
		{"{a,..}/b", ".."},
		{"{.,x}.", ".."},
		{".", `only "."`},
		{"./", `only "."`},
		{"./.", `only "."`},
		{"[", `"[" at byte 0`},
		{"a[b", `"[" at byte 1`},
		{"[]", `"[" at byte 0`},
		{"[!]", `"[" at byte 0`},
		{"[^]", `"[" at byte 0`},
		{"[a-", `"[" at byte 0`},
		{`[\]`, `"[" at byte 0`},
		{`[a-\`, `"[" at byte 0`},
		{`[\`, `"[" at byte 0`},
		{"{[a,b}", `"[" at byte 1`},
		{"{", `"{" at byte 0`},
		{"a{b,c", `"{" at byte 1`},
		{"{a,{b}", `"{" at byte 0`},
		{"{a,{b", `"{" at byte 3`},
		{`{a\}`, `"{" at byte 0`},
		{`a\`, `"\"`},
		{`\`, `"\"`},
		{`{a,\`, `"\"`},
		{"{a,}", "alternatives is empty"},
		{"{}", "alternatives is empty"},
		{"{{,},a}", "alternatives is empty"},
	} {
		p, err := Parse(row.pattern)
		if !errors.Is(err, ErrBad) || p != nil {
			t.Errorf("row `%s`: Parse = %v, %v; want ErrBad", row.pattern, p, err)
			continue
		}
		msg, named := strings.CutPrefix(err.Error(), "bad pattern "+quoted(row.pattern)+": ")
		if !named || !strings.Contains(msg, row.says) {
			t.Errorf("row `%s`: error %q does not name the pattern and %q", row.pattern, err, row.says)
		}
	}
}

func quoted(s string) string {
	return `"` + strings.ReplaceAll(s, `\`, `\\`) + `"`
}

func TestLongPatternIsCutInItsError(t *testing.T) {
	_, err := Parse(strings.Repeat("é", 5000) + "[")
	if err == nil || len(err.Error()) > 400 || !strings.HasPrefix(err.Error(), `bad pattern "éé`) || strings.Contains(err.Error(), `\x`) {
		t.Errorf("error of a long pattern: %v", err)
	}
}

// TestAlternativesLimit: 1,024 alternatives in all are allowed, one more is not, however
// they come about.
func TestAlternativesLimit(t *testing.T) {
	list := func(n int) string { return "{" + strings.Repeat("a,", n-1) + "a}" }
	pairs := func(n int) string { return strings.Repeat("{a,b}", n) }
	for _, row := range []struct {
		name, pattern string
		ok            bool
	}{
		{"1024 in one brace", list(1024), true},
		{"1025 in one brace", list(1025), false},
		{"2^10", pairs(10), true},
		{"2^11", pairs(11), false},
		{"32 × 32", list(32) + list(32), true},
		{"32 × 33", list(32) + "/" + list(33), false},
		{"nested 512 + 512", "{" + list(512) + "," + list(512) + "}", true},
		{"nested 512 + 513", "{" + list(512) + "," + list(513) + "}", false},
		{"1025 one by one, nested", strings.Repeat("{a,", 1024) + "a" + strings.Repeat("}", 1024), false},
		{"1024 one by one, nested", strings.Repeat("{a,", 1023) + "a" + strings.Repeat("}", 1023), true},
		{"9,000 braces of one", strings.Repeat("{a}", 9000), true},
		{"1024 of 1 KiB", list(1024) + strings.Repeat("x", 1000), true},
		{"1024 of 2 KiB", list(1024) + strings.Repeat("x", 2000), false},
		{"1 of 2 MiB", strings.Repeat("x", 2<<20), true},
	} {
		p, err := Parse(row.pattern)
		if row.ok != (err == nil) || !row.ok && !errors.Is(err, ErrBad) {
			t.Errorf("%s: Parse: %v; want ok = %v", row.name, err, row.ok)
		}
		if err == nil && strings.HasPrefix(row.pattern, "{a,{") && !p.Match("a", false) {
			t.Errorf("%s: does not match its only name", row.name)
		}
	}
	p := mustParse(t, pairs(10))
	if !p.Match("abababbbba", false) || p.Match("abababbbb", false) || p.Match("abababbbbac", false) {
		t.Error("2^10 alternatives do not match what they should")
	}
	if !p.Recursive().Match("x/abababbbba", false) {
		t.Error("Recursive of 2^10 alternatives does not match")
	}
}

func TestPure(t *testing.T) {
	for _, row := range []struct {
		pattern string
		head    string
		dirOnly bool
		literal []string // nil: there are wildcards
	}{
		{"a", "a", false, []string{"a"}},
		{"a/b", "a/b", false, []string{"a/b"}},
		{"a/", "a", true, []string{"a/"}},
		{"a//", "a/", true, []string{"a//"}},
		{"a//b", "a//b", false, []string{"a//b"}},
		{"a/./b", "a/b", false, []string{"a/b"}},
		{`\/`, "", true, []string{"/"}},
		{`\/k`, "/k", false, []string{"/k"}},
		{`a\*b`, "a*b", false, []string{"a*b"}},
		{"a*", "a", false, nil},
		{"a/b*.txt", "a/b", false, nil},
		{"a/*", "a/", false, nil},
		{"a/?/b", "a/", false, nil},
		{"a/[b]", "a/", false, nil},
		{"a/**", "a", false, nil},
		{"a/**/", "a", true, nil},
		{"a/**/b", "a/", false, nil},
		{"a/**/**", "a", false, nil},
		{"**", "", false, nil},
		{"**/", "", true, nil},
		{"**/a", "", false, nil},
		{"*", "", false, nil},
		{"{a,b}", "", false, []string{"a", "b"}},
		{"{b,a}/c", "", false, []string{"a/c", "b/c"}},
		{"data/{2024,2025}/x", "data/202", false, []string{"data/2024/x", "data/2025/x"}},
		{"data/{2024,2025}/*", "data/202", false, nil},
		{"{a/,a}", "a", false, []string{"a"}},
		{"{a/,b}", "", false, []string{"a/", "b"}},
		{"{b,a/}", "", false, []string{"a/", "b"}},
		{"{a/,b}/", "", true, []string{"a//", "b/"}},
		{"{a//,a/}", "a", true, []string{"a/", "a//"}},
		{"{a,a/**/b}", "a", false, nil},
		{"{é,è}x", "", false, []string{"èx", "éx"}},
		{"x{é,è}", "x", false, []string{"xè", "xé"}},
		{"{ab,ab}", "ab", false, []string{"ab"}},
	} {
		p := mustParse(t, row.pattern)
		if got := p.Head(); got != row.head {
			t.Errorf("`%s`: Head() = %q, want %q", row.pattern, got, row.head)
		}
		if got := p.DirOnly(); got != row.dirOnly {
			t.Errorf("`%s`: DirOnly() = %v", row.pattern, got)
		}
		if rels, ok := p.Literal(); !slices.Equal(rels, row.literal) || ok != (row.literal != nil) {
			t.Errorf("`%s`: Literal() = %q, %v; want %q", row.pattern, rels, ok, row.literal)
		}
		if p.String() != row.pattern {
			t.Errorf("`%s`: String() = %q", row.pattern, p)
		}
	}
}

func TestQuote(t *testing.T) {
	for _, row := range []struct{ s, want string }{
		{"", ""},
		{"fileA.txt", "fileA.txt"},
		{"a/b c/é.txt", "a/b c/é.txt"},
		{"star*", `star\*`},
		{"a?[b]{c,d}", `a\?\[b\]\{c\,d\}`},
		{`back\slash`, `back\\slash`},
		{"dir/", "dir/"},
		{"d//x", "d//x"},
		{"d//", "d//"},
		{"/k", `\/k`},
		{"/", `\/`},
		{"!a", `\!a`},
		{"a!", "a!"},
		{"s3://b", `\s3://b`},
		{"S3://b", `\S3://b`},
		{"s3:/b", "s3:/b"},
		{".", `\.`},
		{"..", `\.\.`},
		{"a/../b", `a/\.\./b`},
		{"a/./b", `a/\./b`},
		{"...", "..."},
		{".hidden", ".hidden"},
		{"**", `\*\*`},
		{"a\xff*", "a\xff\\*"},
	} {
		if got := Quote(row.s); got != row.want {
			t.Errorf("Quote(%q) = %q, want %q", row.s, got, row.want)
		}
	}
}
