package tree

import (
	"context"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// Verdict is what a visitor wants next.
type Verdict int

const (
	Continue Verdict = iota
	SkipDir          // not below this directory; of an object, nothing more of its directory
	Stop
)

// Scan visits, in ascending order of keys, the root, the directories and the
// objects below key that sel matches, a directory before what it holds; with a
// nil sel all of them. Whether anything at all is below key is in found, as far
// as the scan had to know.
//
// A store offers two kinds of page. A flat page lists a thousand keys, whatever
// their directories; a level page lists a thousand children of one directory,
// whatever they hold. Which is cheaper shows only on the way, so the scan begins
// with a flat page where it may have to go below the children of a directory,
// and buys level pages when flat pages turn out to be swallowed by single ones.
//
// However wrong these guesses are on some tree, the requests stay below
// 3.5 F + 2, where F is the number of pages of a flat listing of everything
// that begins with the pattern's literal head. See account.
func Scan(ctx context.Context, l Lister, key string, sel *pattern.Pattern, o Listing, visit func(Item) Verdict) (found bool, err error) {
	s := newScan(ctx, l, key, sel, o, visit)
	s.run()
	return s.found, s.err
}

func newScan(ctx context.Context, l Lister, key string, sel *pattern.Pattern, o Listing, visit func(Item) Verdict) *scan {
	s := &scan{ctx: ctx, l: l, o: o, sel: sel, root: DirPrefix(key), visit: visit}
	s.full = s.root + o.Raw
	s.within = s.full
	if sel != nil {
		if head := s.root + sel.Head(); strings.HasPrefix(head, s.full) {
			s.within = head
		}
		s.maxDepth = strings.Count(strings.TrimSuffix(sel.String(), "/"), "/") + 1
	}
	return s
}

func (s *scan) run() {
	start := state{all: s.sel == nil}
	if s.sel != nil {
		start.at = s.sel.Start()
	}
	if !s.l.Ordered() {
		s.unordered(start)
		return
	}
	d := directory{scan: s, dir: s.root, st: start, announce: s.wantsRoot(start)}
	if d.run() != Stop && d.announce && s.root == "" {
		s.visitDir("") // an empty bucket
	}
}

type scan struct {
	ctx      context.Context
	l        Lister
	o        Listing
	sel      *pattern.Pattern
	maxDepth int    // the pattern has at most so many components, each "**" counted once
	root     string // prefix of the directory that is listed
	full     string // root and the raw prefix
	within   string // what everything that is visited begins with: full or longer
	visit    func(Item) Verdict
	found    bool
	err      error

	account
	hand   hand
	sparse bool // flat pages have been swallowed by single directories
}

// state is where a pattern stands, or the pattern that wants everything.
type state struct {
	all bool
	at  pattern.State
}

func (s state) step(name string) state {
	if s.all {
		return s
	}
	return state{at: s.at.Step(name)}
}

func (s state) accepts(isDir bool) bool { return s.all || s.at.Accepts(isDir) }
func (s state) below() bool             { return s.all || s.at.Below() }
func (s state) deep() bool              { return s.all || s.at.Deep() }

// heads is what the names may begin with that can come next.
func (s state) heads() []string {
	if s.all {
		return anyName
	}
	return s.at.Heads()
}

var anyName = []string{""}

// names is the only names that can come next, if they are known.
func (s state) names() ([]string, bool) {
	if s.all {
		return nil, false
	}
	return s.at.Names()
}

// ---- visiting

// wants reports whether a directory below the root is to be visited.
func (s *scan) wants(dir string, st state) bool {
	if st.all && !s.o.Dirs || s.o.After != "" && dir <= s.o.After {
		return false
	}
	return strings.HasPrefix(dir, s.full) && st.accepts(true)
}

// wantsRoot reports whether the root is to be visited if it exists.
func (s *scan) wantsRoot(start state) bool {
	if s.sel == nil {
		return s.o.Root
	}
	return start.accepts(true)
}

// wantsObject reports whether an object in a directory is to be visited, where
// the pattern stands at st. A marker is an object whose own name is empty, and
// only a "**" that ends a pattern matches it: others would have to look for it
// in every directory that they match.
func (s *scan) wantsObject(key string, st state) bool {
	if spelledDir(key) && (!s.o.Markers || key == s.root && !s.o.Self || !st.deep()) {
		return false
	}
	return s.sel == nil || s.sel.Match(key[len(s.root):], false)
}

func (s *scan) visitDir(dir string) Verdict {
	return s.visitItem(Item{Dir: true, Key: dir})
}

func (s *scan) visitItem(item Item) Verdict {
	if s.o.After != "" && !item.behind(s.o.After) || !strings.HasPrefix(item.Key, s.full) {
		return Continue
	}
	if s.err = s.ctx.Err(); s.err != nil {
		return Stop
	}
	return s.visit(item)
}
