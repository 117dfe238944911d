package tree

import (
	"slices"
	"strings"
)

// want is a child of which the name is known: the object of that name, or the
// directory, whose key ends in "/".
type want struct {
	key string
	st  state
}

func (w want) dir() bool { return strings.HasSuffix(w.key, "/") }

// named visits the children with exactly these names. A name that may be a file
// is asked for together with the directory of that name: one level page over
// keys that begin with it, a second request only when that page ends before.
func (d *directory) named(names []string) Verdict {
	var wants []want
	for _, name := range names {
		st := d.st.step(name)
		if name != "" && st.accepts(false) {
			wants = append(wants, want{d.dir + name, st})
		}
		if st.accepts(true) || st.below() {
			wants = append(wants, want{d.dir + name + "/", st})
		}
	}
	wants = slices.DeleteFunc(wants, d.beside)
	slices.SortFunc(wants, func(a, b want) int { return strings.Compare(a.key, b.key) })
	var near near
	for i, w := range wants {
		rest := wants[i+1:]
		if len(rest) == 1 && rest[0].key == w.key+"/" {
			rest = nil // one request is for both
		}
		if v := d.look(w, &near, d.wider.or(len(rest) > 0, d.scope())); v != Continue {
			return v
		}
	}
	return Continue
}

// beside reports whether a child is outside the raw prefix, before the cursor
// or pruned, with everything below it.
func (d *directory) beside(w want) bool {
	if !w.dir() {
		return !strings.HasPrefix(w.key, d.full) || w.key <= d.o.After
	}
	return !strings.HasPrefix(w.key, d.full) && !strings.HasPrefix(d.full, w.key) ||
		w.key < d.o.After && !strings.HasPrefix(d.o.After, w.key) ||
		d.o.pruned(w.key)
}

// look visits a wanted child if it exists, and what is wanted below it.
func (d *directory) look(w want, near *near, wider siblings) Verdict {
	if item, known := near.find(w); known && w.dir() {
		// The page around the object of this name shows the directory as well.
		if item == nil {
			return Continue
		}
		return d.child(item, wider)
	}
	wanted := !w.dir() || d.wants(w.key, w.st)
	if !wanted || announces(w) {
		return d.descend(w.key, w.st, wanted, wider)
	}
	o, v := d.find(w, near, wider)
	if v != Continue || o == nil {
		return v
	}
	return d.child(o, wider)
}

// announces reports whether listing what is wanted below a directory begins
// with its first key, and so shows by itself that it exists.
func announces(w want) bool {
	if !w.dir() || !w.st.below() {
		return false
	}
	if _, known := w.st.names(); known {
		return false
	}
	heads := w.st.heads()
	return len(heads) == 1 && heads[0] == ""
}

// near is the level page around a name that was asked for.
type near struct {
	prefix string
	items  []Item
	whole  bool
}

// find is the wanted child, nil if it does not exist.
func (d *directory) find(w want, near *near, wider siblings) (*Item, Verdict) {
	if item, known := d.inHand(w); known {
		return item, Continue
	}
	if item, known := near.find(w); known {
		return item, Continue
	}
	d.learn(true, d.dir, w.key)
	if !d.affordable() || wider.more && !d.sparse {
		if v := d.take(wider.or(true, w.key).scope, place{w.key, at}); v != Continue {
			return nil, v
		}
		item, _ := d.inHand(w)
		return item, Continue
	}
	q := Query{Prefix: w.key, Delimiter: "/"}
	if w.dir() {
		q = Query{Prefix: w.key, Max: 1} // one key decides
	}
	pages := d.newChain(q)
	page, err := d.ask(&pages)
	if err != nil {
		return nil, Stop
	}
	near.prefix, near.whole = w.key, w.dir() || !pages.more
	near.items = slices.AppendSeq(near.items[:0], page.children(d.dir))
	item, _ := near.find(w)
	return item, Continue
}

// inHand looks for a wanted child on the flat page in hand.
func (d *directory) inHand(w want) (item *Item, known bool) {
	o, known := d.hand.first(w.key, place{w.key, at})
	switch {
	case !known:
		return nil, false
	case o != nil && w.dir():
		return &Item{Dir: true, Key: w.key}, true
	case o != nil && o.Key == w.key:
		return &Item{Key: o.Key, Object: *o}, true
	case w.dir():
		d.hand.closed++
	}
	return nil, true
}

// find looks for a wanted child on the level page.
func (n *near) find(w want) (item *Item, known bool) {
	if n.prefix == "" || !strings.HasPrefix(w.key, n.prefix) {
		return nil, false
	}
	i, ok := slices.BinarySearchFunc(n.items, w.key, func(item Item, key string) int { return strings.Compare(item.Key, key) })
	if ok {
		return &n.items[i], true
	}
	return nil, n.whole || i < len(n.items)
}
