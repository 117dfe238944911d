package pattern

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// bombTime is far above what any of these takes (milliseconds), and far below what one of
// them would take if it went exponential or quadratic in something large.
const bombTime = 10 * time.Second

// within fails the test when fn is not done in time.
func within(t *testing.T, what string, fn func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	select {
	case <-done:
	case <-time.After(bombTime):
		t.Fatalf("%s: not done after %v", what, bombTime)
	}
}

func TestMatchBombs(t *testing.T) {
	var (
		name     = strings.Repeat("a", 1000)
		path     = strings.Repeat("a/", 511) + "a"
		long     = strings.Repeat("a/", 20000) + "a"
		mixed    = strings.Repeat("aaaaaaa/", 127) + "aaaaaaa"
		thousand = "{" + strings.Repeat("*a*a*a*a*b,**/*a/**/a*/**/c,", 511) + "x,y}"
	)
	for _, row := range []struct{ pattern, rel string }{
		{"**/**/**/**/*a*a*a*b", mixed},
		{"**/**/**/*a", path + "b"},
		{strings.Repeat("**/", 5000) + "b", path},
		{strings.Repeat("**/a/", 300) + "b", path},
		{strings.Repeat("**/*a*/", 300) + "b", mixed},
		{strings.Repeat("**/", 3) + strings.Repeat("*a", 200) + "b", mixed},
		{strings.Repeat("*a", 500) + "b", name},
		{strings.Repeat("a*", 500) + "b", name},
		{strings.Repeat("*?", 400) + "b", name},
		{strings.Repeat("*[!b]", 400) + "b", name},
		{strings.Repeat("?", 999) + "b", name},
		{strings.Repeat("[a-z]*", 5000) + "b", name},
		{"**/b", long},
		{"**/a/**/a/**/a/**/b", long},
		{"{a,b}{a,b}{a,b}{a,b}{a,b}*{a,b}{a,b}{a,b}{a,b}*b", name},
		{thousand, mixed},
		{"**/" + strings.Repeat("{a,*}/", 10) + "b", path},
		{strings.Repeat("{**,*}/", 10) + "b", path},
	} {
		within(t, row.pattern[:min(40, len(row.pattern))], func() {
			p, err := Parse(row.pattern)
			if err != nil {
				t.Error(err)
				return
			}
			if p.Match(row.rel, false) || p.Recursive().Match(row.rel, false) {
				t.Errorf("`%.40s` matches", row.pattern)
			}
			s := p.Start()
			for name := range strings.SplitSeq(row.rel, "/") {
				s = s.Step(name)
			}
			if s.Accepts(false) {
				t.Errorf("`%.40s` is accepted", row.pattern)
			}
		})
	}
}

func TestParseBombs(t *testing.T) {
	for _, row := range []struct {
		name, pattern string
		ok            bool
	}{
		{"[", "[", false},
		{"10k [", strings.Repeat("[", 10_000), false},
		{"10k [!", strings.Repeat("[!", 10_000), false},
		{"10k {", strings.Repeat("{", 10_000), false},
		{"100k {", strings.Repeat("{", 100_000), false},
		{"100k {,", strings.Repeat("{,", 100_000), false},
		{"10k {a,b}", strings.Repeat("{a,b}", 10_000), false},
		{"10k {a,b} in one brace", "{" + strings.Repeat("{a,b}", 10_000) + ",c}", false},
		{"10k nested {a,", strings.Repeat("{a,", 10_000) + "a" + strings.Repeat("}", 10_000), false},
		{"10k nested {a,b{", strings.Repeat("{a,b", 10_000) + strings.Repeat("}", 10_000), false},
		{"doubled 10k deep", strings.Repeat("{", 10_000) + "a" + strings.Repeat(",a}", 10_000), false},
		{"100k commas", "{" + strings.Repeat(",", 100_000) + "}", false},
		{"10k nested braces of one", strings.Repeat("{", 10_000) + "a" + strings.Repeat("}", 10_000), true},
		{"50k nested braces of one with text", strings.Repeat("{x", 50_000) + strings.Repeat("}", 50_000), true},
		{"1024 alternatives behind 50k braces", strings.Repeat("{", 50_000) + strings.Repeat("}", 50_000) + strings.Repeat("{a,b}", 10), false},
		{"1024 alternatives of a long text", strings.Repeat("x", 100_000) + strings.Repeat("{a,b}", 10), false},
		{"100k **/", strings.Repeat("**/", 100_000), true},
		{"100k ./", strings.Repeat("./", 100_000) + "a", true},
		{"100k a/", strings.Repeat("a/", 100_000), true},
		{"100k classes", strings.Repeat("[a]", 100_000), true},
		{"a class of 100k", "[" + strings.Repeat("b-c", 100_000) + "]", true},
		{"100k *", strings.Repeat("*", 100_000), false},
	} {
		within(t, row.name, func() {
			p, err := Parse(row.pattern)
			if row.ok != (err == nil) || !row.ok && !errors.Is(err, ErrBad) {
				t.Errorf("%s: Parse: %v; want ok = %v", row.name, err, row.ok)
			}
			if err == nil && p.Match("b/c", false) && !strings.HasPrefix(row.pattern, "**") {
				t.Errorf("%s: matches b/c", row.name)
			}
		})
	}
}
