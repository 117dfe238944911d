package tree

import (
	"slices"
	"strings"
)

// directory is one directory on the way of a scan.
type directory struct {
	*scan
	dir      string // its prefix
	st       state
	depth    int      // how many names it is below the root
	announce bool     // it is still to be visited, once it shows that it exists
	wider    siblings // what waits behind it
}

// siblings is what waits behind the directory in hand. One flat page over scope
// may answer for several of them.
type siblings struct {
	more  bool
	scope string
}

// or is the siblings, or if there are none what else waits.
func (s siblings) or(more bool, scope string) siblings {
	if s.more || !more {
		return s
	}
	return siblings{true, scope}
}

// run visits what is wanted below the directory. SkipDir ends it.
func (d *directory) run() Verdict {
	if !d.st.below() {
		return Continue
	}
	names, known := d.st.names()
	if rest, ok := strings.CutPrefix(d.full, d.dir); ok && !known {
		// The raw prefix may name the only child in question.
		if i := strings.IndexByte(rest, '/'); i >= 0 {
			names, known = []string{rest[:i]}, true
		}
	}
	if known {
		return d.named(names)
	}
	heads := d.st.heads()
	for i, head := range heads {
		rng := d.dir + head
		switch {
		case strings.HasPrefix(d.full, rng):
			rng = d.full
		case !strings.HasPrefix(rng, d.full):
			continue
		}
		if v := d.ranged(rng, d.wider.or(i < len(heads)-1, d.scope())); v != Continue {
			return v
		}
	}
	return Continue
}

// scope is what everything wanted in the directory begins with. (Where the raw
// prefix goes below a child there is no other, and nobody asks.)
func (d *directory) scope() string {
	if strings.HasPrefix(d.within, d.dir) {
		return d.within
	}
	return d.dir
}

// ranged visits the children of the directory whose keys begin with rng.
func (d *directory) ranged(rng string, wider siblings) Verdict {
	pos := place{rng, at}
	if after := d.o.After; after > rng {
		if !strings.HasPrefix(after, rng) {
			return Continue // everything comes before the cursor
		}
		pos = resume(after)
		if i := strings.IndexByte(after[len(d.dir):], '/'); i >= 0 {
			// The cursor is inside a child, which need not be asked for.
			child := after[:len(d.dir)+i+1]
			if v := d.enter(child, wider.or(true, rng)); v != Continue {
				return v
			}
			pos = place{child, behindDir}
		}
	}
	var (
		pages chain  // of level pages
		queue []Item // children that the last of them listed
		next  int    // of the queue
		level bool   // pages is in use
	)
	for {
		if next < len(queue) {
			item := &queue[next]
			next++
			if !pos.reached(item.Key) {
				continue
			}
			if v := d.child(item, wider.or(next < len(queue) || pages.more, rng)); v != Continue {
				return v
			}
			pos = behind(*item)
			continue
		}
		if level && !pages.more {
			return Continue
		}
		if o, known := d.hand.first(rng, pos); known {
			if o == nil {
				d.hand.closed++
				return Continue
			}
			item := childOf(d.dir, o)
			if v := d.child(&item, wider.or(true, rng)); v != Continue {
				return v
			}
			pos = behind(item)
			level = false
			continue
		}
		if d.prefersFlat(rng, wider) {
			if v := d.take(wider.or(true, rng).scope, pos); v != Continue {
				return v
			}
			level = false
			continue
		}
		counted := 0
		if !level {
			level = true
			pages = d.newChain(Query{Prefix: rng, Delimiter: "/", After: pos.after(rng)})
			counted = 1 // the directory itself, where it was found
		}
		page, err := d.ask(&pages)
		if err != nil {
			return Stop
		}
		queue, next = slices.AppendSeq(queue[:0], page.children(d.dir)), 0
		d.account.level += max(0, len(queue)-counted)
	}
}

// prefersFlat decides what to ask for next about the children that begin with
// rng: a flat page over all that waits, or a level page.
func (d *directory) prefersFlat(rng string, wider siblings) bool {
	if d.st.deep() || !d.affordable() {
		return true
	}
	leaves := d.depth+1 >= d.maxDepth // nothing is wanted below the children
	if leaves && !wider.more {
		return false
	}
	d.learn(leaves, d.dir, rng)
	return !d.sparse
}

// learn sets sparse by the flat page in hand, when it did not answer what is
// asked about the children of dir that begin with rng.
func (d *directory) learn(leaves bool, dir, rng string) {
	keys, children := d.hand.spread(dir, rng)
	switch {
	case keys == 0 && d.hand.closed >= 2:
		d.sparse = false
	case keys == 0:
		// Nothing new.
	case leaves:
		d.sparse = children <= keys/2 // a level page would have gone twice as far
	default:
		d.sparse = children < 2 // each needs a request of its own anyway
	}
}

// child visits one child of the directory, and what is wanted below it.
func (d *directory) child(item *Item, wider siblings) Verdict {
	d.found = true
	if d.announce {
		d.announce = false
		if v := d.visitDir(d.dir); v != Continue {
			return v
		}
	}
	switch {
	case item.Dir:
		return d.enter(item.Key, wider)
	case d.wantsObject(item.Key, d.st):
		return d.visitItem(*item)
	}
	return Continue
}

// enter visits a child directory, and what is wanted below it.
func (d *directory) enter(dir string, wider siblings) Verdict {
	st := d.st.step(dir[len(d.dir) : len(dir)-1])
	if d.o.pruned(dir) {
		return Continue
	}
	if d.wants(dir, st) {
		switch v := d.visitDir(dir); v {
		case SkipDir:
			return Continue
		case Stop:
			return Stop
		}
	}
	return d.descend(dir, st, false, wider)
}

// descend visits what is wanted below a child directory; with announce also
// itself, first, if there is anything in it.
func (d *directory) descend(dir string, st state, announce bool, wider siblings) Verdict {
	child := directory{scan: d.scan, dir: dir, st: st, depth: d.depth + 1, announce: announce, wider: wider}
	if v := child.run(); v == Stop {
		return Stop
	}
	return Continue
}
