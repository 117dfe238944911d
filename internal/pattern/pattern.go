// Package pattern is the glob language: what a pattern means, which relative paths it
// matches, and what a planner may conclude from it before anything is listed.
//
// A relative path is a sequence of components separated by "/". Components may be empty:
// object stores have keys such as "a//b". The empty path is the root that the pattern is
// applied to and has no component at all. A character is a UTF-8 rune; a byte that is not
// part of valid UTF-8 is a character of its own.
//
//	?             any one character, never "/"
//	*             any run of characters, never "/"
//	[a-z] [!a-z]  one character in the class, or not in it ([^a-z] means the same); never "/".
//	              []a] holds "]". A range from high to low holds nothing
//	\c            the character c itself, in a class too
//	{a,b/c}       alternatives; they nest, and may hold "/"
//	**            as a whole component: any number of components, none included
//	trailing /    directories only
//
// Outside braces and classes "," "}" and "]" stand for themselves. A component "." is
// dropped, as path libraries do, so "./a" is "a"; the escaped `\.` is the name ".". An
// escaped slash separates components like any other, but may begin a pattern: `\/k` is the
// name "k" below an empty name, the key "/k" of a bucket. Likewise `\.\.` is the name "..",
// which an object store may hold, where ".." as an attempt to go up is an error.
//
// Braces are expanded before anything else: "{a,b/}c" is "ac" or "b/c", and each of the
// alternatives has to be a pattern by itself.
package pattern

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// ErrBad is what every error of Parse wraps.
var ErrBad = errors.New("bad pattern")

// maxShown is how many bytes of a pattern an error repeats.
const maxShown = 200

// Pattern is a parsed pattern. It is never changed, and may be used by any number of
// goroutines.
type Pattern struct {
	text    string
	head    string
	dirOnly bool
	nodes   []node
	starts  []int32 // one for each distinct alternative, sorted
	root    []int32 // the live nodes before the first component, sorted
}

// Parse reads a pattern. An error wraps [ErrBad], and says which pattern it was and what is
// wrong with it. Time and memory are linear in the text, and bounded for the alternatives
// that its braces stand for.
func Parse(s string) (*Pattern, error) {
	p, err := parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w %q: %w", ErrBad, shown(s), err)
	}
	return p, nil
}

func parse(s string) (*Pattern, error) {
	if s == "" {
		return nil, errors.New("it is empty")
	}
	src, err := lex(s)
	if err != nil {
		return nil, err
	}
	if err := src.checkSize(); err != nil {
		return nil, err
	}
	g := newGraph()
	p := &Pattern{text: s, dirOnly: true}
	for lexemes := range src.alternatives() {
		alt, err := split(lexemes)
		if err != nil {
			return nil, err
		}
		p.starts = append(p.starts, g.add(src, alt))
		p.dirOnly = p.dirOnly && alt.dirOnly
	}
	p.nodes = g.nodes
	p.finish()
	return p, nil
}

// finish derives what follows from nodes and starts.
func (p *Pattern) finish() {
	p.starts = sortedSet(p.starts)
	for _, id := range p.starts {
		p.root = p.enter(p.root, id)
	}
	p.root = sortedSet(p.root)
	p.head = p.commonHead()
}

// shown cuts a pattern to what an error can reasonably repeat.
func shown(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return wholeChars(s[:maxShown]) + "…"
}

// String returns the text that was parsed.
func (p *Pattern) String() string { return p.text }

// Recursive returns the pattern "**/" + p: what p matches, at any depth.
func (p *Pattern) Recursive() *Pattern {
	r := &Pattern{text: "**/" + p.text, dirOnly: p.dirOnly, nodes: slices.Clone(p.nodes)}
	known := make(map[int32]int32)
	for id, n := range r.nodes {
		if n.kind == deepNode {
			known[n.next] = int32(id)
		}
	}
	for _, id := range p.starts {
		deep, ok := known[id]
		switch {
		case p.nodes[id].kind == deepNode:
			deep = id
		case !ok:
			deep = int32(len(r.nodes))
			r.nodes = append(r.nodes, node{kind: deepNode, next: id})
		}
		r.starts = append(r.starts, deep)
	}
	r.finish()
	return r
}

// DirOnly reports whether the pattern can match directories only: every alternative ends
// in "/".
func (p *Pattern) DirOnly() bool { return p.dirOnly }

// Match reports whether the pattern matches the relative path rel, a directory if isDir.
// A directory is given without its slash: "a", not "a/". What remains is taken literally,
// so the directory "d//", whose own name is empty, is "d/". The path "" is the root; a
// directory of empty name right below the root has no spelling here, and is asked for with
// Start().Step("").
//
// The time is bounded by the size of the pattern, braces expanded, times the length of rel.
func (p *Pattern) Match(rel string, isDir bool) bool {
	if !strings.HasPrefix(rel, p.head) {
		return false
	}
	// Two small buffers in turn keep ordinary patterns free of allocations.
	var a, b [16]int32
	live := p.root
	dst, spare := a[:0], b[:0]
	for more := rel != ""; more; {
		var name string
		name, rel, more = strings.Cut(rel, "/")
		dst = p.advance(dst[:0], live, name)
		if len(dst) == 0 {
			return false
		}
		live, dst, spare = dst, spare, dst
	}
	return p.accepts(live, isDir)
}

// Literal returns the relative paths that the pattern names, sorted, those that have to be
// directories with a slash at the end. It returns false when an alternative has a wildcard.
func (p *Pattern) Literal() (rels []string, ok bool) { return p.Start().LiteralPath() }

// Head returns the longest string that every match begins with, cut to whole characters. It
// may end within a component: of "a/b*.txt" it is "a/b". It is "" when nothing is certain.
func (p *Pattern) Head() string { return p.head }

// commonHead is the longest common prefix of the alternatives' literal heads.
func (p *Pattern) commonHead() string {
	head := p.chainHead(p.starts[0])
	for _, id := range p.starts[1:] {
		if head == "" {
			break
		}
		other := p.chainHead(id)
		n := 0
		for n < min(len(head), len(other)) && head[n] == other[n] {
			n++
		}
		head = head[:n]
	}
	return wholeChars(head)
}

// chainHead is the literal text that one alternative's matches begin with.
func (p *Pattern) chainHead(id int32) string {
	var b strings.Builder
	for first := true; ; first = false {
		n := p.nodes[id]
		switch n.kind {
		case endNode, endDirNode:
			return b.String()
		case deepNode:
			// "a/**/b" needs a slash behind "a"; "a/**" matches "a" itself.
			if !first && p.nodes[n.next].kind == nameNode {
				b.WriteByte('/')
			}
			return b.String()
		}
		if !first {
			b.WriteByte('/')
		}
		b.WriteString(n.comp.head)
		if !n.comp.literal {
			return b.String()
		}
		id = n.next
	}
}

// wholeChars drops a rune that is cut off at the end of s: a key prefix has to be UTF-8.
func wholeChars(s string) string {
	for i := len(s) - 1; i >= max(0, len(s)-utf8.UTFMax); i-- {
		if utf8.RuneStart(s[i]) {
			if !utf8.FullRuneInString(s[i:]) {
				return s[:i]
			}
			break
		}
	}
	return s
}

// sortedSet sorts s in place and drops repetitions.
func sortedSet[T cmp.Ordered](s []T) []T {
	slices.Sort(s)
	return slices.Compact(s)
}
