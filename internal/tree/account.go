package tree

import "strings"

// account keeps a scan's requests below 3.5 F + 2, F being the pages of a flat
// listing, which is unknown but at least 1. Two things prove F from below: the
// flat pages so far, none of which reads what another has read, and the children
// on level pages, each of which holds a key of its own.
//
// A flat page over all that is still wanted is always safe: it proves a page
// more, or is the last request. Everything else is bought, as long as
//
//	requests <= flat + 2.5 max(1, flat, level) + 1
//
// which flat pages cannot break, and which is at most 3.5 F + 1 at any time; one
// more is the last flat page, that proves nothing.
type account struct {
	requests int
	flat     int // flat pages that were not the last
	level    int // children on level pages, less those that others were proof of
	page     int // the most that a page has held that was not the last
}

// pageSize is how many keys a full page has.
func (a *account) pageSize(asked int) int {
	switch {
	case a.page > 0:
		return a.page
	case asked > 0:
		return asked
	}
	return 1000
}

// affordable reports whether a request may be made that proves nothing.
func (s *scan) affordable() bool {
	proof := max(1, float64(s.flat), float64(s.level)/float64(s.pageSize(s.o.Max)))
	return float64(s.requests+1) <= float64(s.flat)+2.5*proof+1
}

// ask makes the next request of a chain, or several if pages are empty.
func (s *scan) ask(c *chain) (Page, error) {
	for {
		s.requests++
		page, err := c.next(s.ctx, s.l)
		if err != nil {
			s.err = err
			return page, err
		}
		n := len(page.Objects) + len(page.Prefixes)
		if c.more && c.query.Max == s.o.Max {
			s.page = max(s.page, n)
		}
		if n > 0 || !c.more {
			return page, nil
		}
	}
}

func (s *scan) newChain(q Query) chain {
	if q.Max == 0 {
		q.Max = s.o.Max
	}
	q.Owner = s.o.Owner
	return newChain(q, true)
}

// hand is the flat page in hand: every key that begins with scope, from where it
// was asked for up to its last key, or to the end of scope if it was the last.
// A scan only goes forward, and so does next.
type hand struct {
	chain
	valid   bool
	scope   string
	objects []Object
	next    int // objects before it are behind us
	closed  int // directories that this page showed the end of
}

// first is the first key that begins with rng behind pos, nil if there is none.
// It is not known if the page in hand ends before, or is of another scope.
func (h *hand) first(rng string, pos place) (o *Object, known bool) {
	if !h.valid || !strings.HasPrefix(rng, h.scope) {
		return nil, false
	}
	for h.next < len(h.objects) && !pos.reached(h.objects[h.next].Key) {
		h.next++
	}
	if h.next == len(h.objects) {
		return nil, !h.more
	}
	if o := &h.objects[h.next]; strings.HasPrefix(o.Key, rng) {
		return o, true
	}
	return nil, true
}

// spread counts the keys on the page that begin with rng, and the children of
// dir that they belong to.
func (h *hand) spread(dir, rng string) (keys, children int) {
	if !h.valid {
		return 0, 0
	}
	child := ""
	for i := range h.objects {
		key := h.objects[i].Key
		if !strings.HasPrefix(key, rng) {
			continue
		}
		keys++
		if child == "" || !strings.HasPrefix(key, child) {
			children++
			child = key
			if j := strings.IndexByte(key[len(dir):], '/'); j >= 0 {
				child = key[:len(dir)+j+1]
			}
		}
	}
	return keys, children
}

// take asks for the flat page over scope from pos on.
func (s *scan) take(scope string, pos place) Verdict {
	h := &s.hand
	onward := pos.side == behindKey && len(h.objects) > 0 && pos.key == h.objects[len(h.objects)-1].Key
	if !h.valid || h.scope != scope || !h.more || !onward {
		h.chain = s.newChain(Query{Prefix: scope, After: pos.after(scope)})
	}
	for {
		page, err := s.ask(&h.chain)
		if err != nil {
			return Stop
		}
		h.valid, h.scope, h.objects, h.next, h.closed = true, scope, page.Objects, 0, 0
		// A request begins at pos or a little before.
		if n := len(page.Objects); n > 0 && pos.reached(page.Objects[n-1].Key) || !h.more {
			if h.more {
				s.flat++
			}
			return Continue
		}
	}
}
