package pattern

import (
	"slices"
	"strings"
)

// State is how far a pattern has got on the way down a tree: which of its alternatives are
// still alive, and where they are. It is a value and is never changed; the zero State is
// dead.
type State struct {
	p    *Pattern
	live []int32
}

// Start returns the state at the root, before any component.
func (p *Pattern) Start() State { return State{p, p.root} }

// Step returns the state after one more component, called name. The name may be empty.
func (s State) Step(name string) State {
	if s.Dead() {
		return State{}
	}
	return State{s.p, s.p.advance(nil, s.live, name)}
}

// Dead reports that nothing can match any more, neither here nor below.
func (s State) Dead() bool { return len(s.live) == 0 }

// Accepts reports whether the path consumed so far matches, being a directory if isDir.
func (s State) Accepts(isDir bool) bool { return !s.Dead() && s.p.accepts(s.live, isDir) }

// Below reports whether something strictly below may still match.
func (s State) Below() bool {
	for range s.below {
		return true
	}
	return false
}

// below yields the live nodes that consume a component.
func (s State) below(yield func(node) bool) {
	for _, id := range s.live {
		n := s.p.nodes[id]
		if (n.kind == nameNode || n.kind == deepNode) && !yield(n) {
			return
		}
	}
}

// Deep reports whether a "**" is live: there may be matches at any depth below, so that
// listing everything below at once is what it takes.
func (s State) Deep() bool {
	for n := range s.below {
		if n.kind == deepNode {
			return true
		}
	}
	return false
}

// Heads returns what the next component may begin with: every name whose Step is not dead
// begins with one of the heads. They are sorted and none begins with another; the only head
// "" says that any name may follow, no heads that none can.
func (s State) Heads() []string {
	var heads []string
	for n := range s.below {
		if n.kind == deepNode {
			return []string{""}
		}
		heads = append(heads, n.comp.head)
	}
	heads = sortedSet(heads)
	minimal := heads[:0]
	for _, h := range heads {
		// Sorted, so whatever h begins with is the last one kept.
		if len(minimal) == 0 || !strings.HasPrefix(h, minimal[len(minimal)-1]) {
			minimal = append(minimal, h)
		}
	}
	return minimal
}

// Names returns the only names that the next component can have, sorted. It returns false
// when there is a wildcard in the way. No names and true: nothing can follow.
func (s State) Names() (names []string, ok bool) {
	for n := range s.below {
		if n.kind == deepNode || !n.comp.literal {
			return nil, false
		}
		names = append(names, n.comp.head)
	}
	return sortedSet(names), true
}

// LiteralPath returns the paths strictly below that can match, relative to what has been
// consumed, sorted; those that have to be directories end in "/", and a path that is wanted
// whatever it is, is not repeated as a directory. Whether the path consumed so far matches
// is not its matter but that of Accepts. It returns false when there is a wildcard in the
// way. No paths and true: nothing below can match.
func (s State) LiteralPath() (rests []string, ok bool) {
	for n := range s.below {
		rest, ok := s.p.literalFrom(n)
		if !ok {
			return nil, false
		}
		rests = append(rests, rest)
	}
	rests = sortedSet(rests)
	// A path that does not have to be a directory never ends in "/": an empty last name is
	// always that of a directory. So "a//" is not a repetition of "a/".
	either := make(map[string]bool, len(rests))
	for _, r := range rests {
		either[r] = !strings.HasSuffix(r, "/")
	}
	return slices.DeleteFunc(rests, func(r string) bool {
		path, isDir := strings.CutSuffix(r, "/")
		return isDir && either[path]
	}), true
}

// literalFrom spells the path that the alternative at n names.
func (p *Pattern) literalFrom(n node) (string, bool) {
	var b strings.Builder
	for {
		if n.kind == deepNode || !n.comp.literal {
			return "", false
		}
		b.WriteString(n.comp.head)
		n = p.nodes[n.next]
		switch n.kind {
		case endNode:
			return b.String(), true
		case endDirNode:
			b.WriteByte('/')
			return b.String(), true
		}
		b.WriteByte('/')
	}
}
