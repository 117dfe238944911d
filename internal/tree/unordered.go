package tree

import "strings"

// branch is a directory that an unordered scan has come across.
type branch struct {
	parent *branch
	st     state
	closed bool // pruned or skipped
}

// outside reports that the directory is, or is below, one that was pruned or
// skipped.
func (b *branch) outside() bool {
	for ; b != nil; b = b.parent {
		if b.closed {
			return true
		}
	}
	return false
}

// unordered is a scan of a store that lists in no order: every page of what
// begins like the pattern, with the directories that were seen kept, so that
// each is visited once.
func (s *scan) unordered(start state) {
	// Such stores take no prefix that ends within a name.
	prefix := s.within[:strings.LastIndexByte(s.within, '/')+1]

	branches := map[string]*branch{s.root: {st: start}}
	announce := s.wantsRoot(start)
	if announce && s.root == "" {
		defer func() {
			if announce && s.err == nil {
				s.visitDir("") // an empty bucket
			}
		}()
	}
	for pages := s.newChain(Query{Prefix: prefix}); pages.more; {
		pages.ordered = false
		page, err := s.ask(&pages)
		if err != nil {
			return
		}
		for i := range page.Objects {
			o := &page.Objects[i]
			s.found = true
			if announce {
				announce = false
				switch s.visitDir(s.root) {
				case Stop, SkipDir:
					return
				}
			}
			b, verdict := s.branch(branches, o.Key[:len(s.root)+strings.LastIndexByte(o.Key[len(s.root):], '/')+1])
			if verdict == Continue && !b.outside() && s.wantsObject(o.Key, b.st) {
				if verdict = s.visitItem(Item{Key: o.Key, Object: *o}); verdict == SkipDir {
					b.closed = true
				}
			}
			if verdict == Stop {
				return
			}
		}
	}
}

// branch is the directory with this prefix. One that is new is visited, and the
// directories above it before.
func (s *scan) branch(branches map[string]*branch, dir string) (*branch, Verdict) {
	if b, ok := branches[dir]; ok {
		return b, Continue
	}
	parent := dir[:len(s.root)+strings.LastIndexByte(dir[len(s.root):len(dir)-1], '/')+1]
	up, verdict := s.branch(branches, parent)
	if verdict == Stop {
		return nil, Stop
	}
	b := &branch{parent: up, st: up.st.step(dir[len(parent) : len(dir)-1])}
	branches[dir] = b
	if up.outside() || s.o.pruned(dir) {
		b.closed = true
		return b, Continue
	}
	if s.wants(dir, b.st) {
		switch s.visitDir(dir) {
		case Stop:
			return b, Stop
		case SkipDir:
			b.closed = true
		}
	}
	return b, Continue
}
