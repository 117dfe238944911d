package tree

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrBrokenListing is a store's listing that contradicts itself: it comes back
// to a page it has given already, or its keys are not in order, be it on one page
// or from one to the next.
var ErrBrokenListing = errors.New("the store's listing contradicts itself")

// chain follows the pages of one query. Keys that a page has no business to hold,
// because they are outside the prefix, are left out. What comes a second time is
// for the readers to pass over, who know how far they are.
type chain struct {
	query   Query // of the next page
	ordered bool
	more    bool

	before Page   // the page that got furthest, of an ordered listing
	end    string // where it ended

	// Tokens that go round in a circle are found by keeping one of them while
	// twice as many pass by as the last time.
	kept          string
	passed, limit int
}

func newChain(q Query, ordered bool) chain {
	return chain{query: q, ordered: ordered, more: true}
}

// next asks for a page. It may be empty without being the last.
func (c *chain) next(ctx context.Context, l Lister) (Page, error) {
	if err := ctx.Err(); err != nil {
		return Page{}, err
	}
	page, err := l.List(ctx, c.query)
	if err != nil {
		return Page{}, err
	}
	if page.Next != "" && page.Next == c.kept {
		return Page{}, fmt.Errorf("%w: pages below %q come again and again", ErrBrokenListing, c.query.Prefix)
	}
	if c.passed++; c.passed > c.limit {
		c.kept, c.passed, c.limit = page.Next, 0, 2*c.limit+1
	}
	if err := c.clean(&page); err != nil {
		return Page{}, err
	}
	if err := c.advance(page); err != nil {
		return Page{}, err
	}
	c.more = page.Next != ""
	c.query.Token, c.query.After = page.Next, ""
	return page, nil
}

// nonEmpty asks for pages up to one that holds something, or the last.
func (c *chain) nonEmpty(ctx context.Context, l Lister) (Page, error) {
	for {
		page, err := c.next(ctx, l)
		if err != nil || len(page.Objects) > 0 || len(page.Prefixes) > 0 || !c.more {
			return page, err
		}
	}
}

// clean drops from a page what does not belong there. The store's slices are
// changed only where something is dropped, and then they are copies.
func (c *chain) clean(page *Page) error {
	var err error
	page.Objects, err = cleaned(c, page.Objects, func(o *Object) string { return o.Key }, func(key string) bool {
		return strings.HasPrefix(key, c.query.Prefix)
	})
	if err != nil {
		return err
	}
	page.Prefixes, err = cleaned(c, page.Prefixes, func(p *string) string { return *p }, func(prefix string) bool {
		name, ok := strings.CutPrefix(prefix, c.query.Prefix)
		return ok && name != "" && strings.IndexByte(name, '/') == len(name)-1
	})
	return err
}

func cleaned[T any](c *chain, entries []T, key func(*T) string, belongs func(string) bool) ([]T, error) {
	copied := false
	kept := entries
	last := ""
	for i := range entries {
		k := key(&entries[i])
		ok := belongs(k)
		if ok && c.ordered {
			if k < last {
				return nil, fmt.Errorf("%w: %q comes behind %q", ErrBrokenListing, k, last)
			}
			last = k
		}
		switch {
		case !ok && !copied:
			copied, kept = true, slices.Clone(entries[:i])
		case ok && copied:
			kept = append(kept, entries[i])
		}
	}
	return kept, nil
}

// advance refuses a page that holds what should have come before: readers only go
// forward, and would take it for a repetition.
func (c *chain) advance(page Page) error {
	if !c.ordered {
		return nil
	}
	for i := range page.Objects {
		if key := page.Objects[i].Key; key > c.end {
			break
		} else if !c.before.has(key) {
			return fmt.Errorf("%w: %q comes on a page behind %q", ErrBrokenListing, key, c.end)
		}
	}
	for _, prefix := range page.Prefixes {
		if prefix > c.end {
			break
		} else if !c.before.has(prefix) {
			return fmt.Errorf("%w: %q comes on a page behind %q", ErrBrokenListing, prefix, c.end)
		}
	}
	if end := page.end(); end > c.end {
		c.before, c.end = page, end
	}
	return nil
}

// end is the last key or prefix of a page in order.
func (p Page) end() (end string) {
	if n := len(p.Objects); n > 0 {
		end = p.Objects[n-1].Key
	}
	if n := len(p.Prefixes); n > 0 {
		end = max(end, p.Prefixes[n-1])
	}
	return end
}

// has reports whether a page in order holds a key, as an object or as a prefix.
func (p Page) has(key string) bool {
	_, object := slices.BinarySearchFunc(p.Objects, key, func(o Object, key string) int { return strings.Compare(o.Key, key) })
	_, prefix := slices.BinarySearch(p.Prefixes, key)
	return object || prefix
}

// children are a level page's objects and prefixes below dir, merged into the
// order of the key space, each once. Stores that list a marker beside its
// prefix, or do not know the delimiter, are understood.
func (p Page) children(dir string) func(yield func(Item) bool) {
	return func(yield func(Item) bool) {
		objects, prefixes := p.Objects, p.Prefixes
		seen := ""
		for len(objects) > 0 || len(prefixes) > 0 {
			var item Item
			if len(prefixes) == 0 || len(objects) > 0 && objects[0].Key < prefixes[0] {
				item = childOf(dir, &objects[0])
				objects = objects[1:]
			} else {
				item = Item{Dir: true, Key: prefixes[0]}
				prefixes = prefixes[1:]
			}
			if item.Dir {
				if item.Key == seen {
					continue
				}
				seen = item.Key
			}
			if !yield(item) {
				return
			}
		}
	}
}

// childOf is the child of the directory dir that an object below it belongs to.
func childOf(dir string, o *Object) Item {
	if i := strings.IndexByte(o.Key[len(dir):], '/'); i >= 0 {
		return Item{Dir: true, Key: o.Key[:len(dir)+i+1]}
	}
	return Item{Key: o.Key, Object: *o}
}
