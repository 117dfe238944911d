package tree

import (
	"context"
	"strings"
)

// Listing is what the listings share.
type Listing struct {
	Max     int                   // keys per page, 0 for the store's own
	After   string                // a Cursor
	Owner   bool                  // ask for owners
	Raw     string                // what the rest of a key below the directory begins with
	Dirs    bool                  // walks yield directories
	Root    bool                  // walks yield the listed directory itself, first
	Markers bool                  // yield marker objects
	Self    bool                  // with Markers, also that of the listed directory
	Prune   func(dir string) bool // directories (by prefix) that are neither yielded nor entered
}

func (o Listing) pruned(dir string) bool { return o.Prune != nil && o.Prune(dir) }

// Children lists one level below key in ascending order, each child once, the
// directory's own marker left out: one request per page. Of a missing
// directory it is fs.ErrNotExist, of a file ErrNotDirectory, found out by one
// more request and only when the listing came back empty.
//
// With Raw it lists the children whose keys begin so, a directory's with its
// slash; that there are none is no error.
func Children(ctx context.Context, l Lister, key string, o Listing) func(yield func(Item, error) bool) {
	return func(yield func(Item, error) bool) {
		c := &children{Listing: o, dir: DirPrefix(key), yield: yield}
		empty, err := c.list(ctx, l)
		if err == nil && empty && o.After == "" && o.Raw == "" && key != "" {
			if _, err = Instead(ctx, l, key); err == nil {
				err = ErrNotDirectory
			}
		}
		if err != nil {
			yield(Item{}, err)
		}
	}
}

type children struct {
	Listing
	dir   string
	yield func(Item, error) bool
	last  string // cursor of the last one
}

// list reports whether the directory holds nothing at all, not even a marker.
func (c *children) list(ctx context.Context, l Lister) (empty bool, err error) {
	full := c.dir + c.Raw
	if i := strings.IndexByte(c.Raw, '/'); i >= 0 {
		// Below one child, which itself may begin so.
		child := c.dir + c.Raw[:i+1]
		ok, err := anyKey(ctx, l, child)
		if ok && child == full {
			c.visit(Item{Dir: true, Key: child})
		}
		return false, err
	}
	q := Query{Prefix: full, Delimiter: "/", Max: c.Max, Owner: c.Owner}
	var seen map[string]bool
	switch {
	case !l.Ordered():
		seen = map[string]bool{}
	case c.After > full:
		if !strings.HasPrefix(c.After, full) {
			return false, nil // everything comes before the cursor
		}
		pos := resume(c.After)
		if i := strings.IndexByte(c.After[len(c.dir):], '/'); i >= 0 {
			pos = place{c.After[:len(c.dir)+i+1], behindDir}
		}
		q.After = pos.after(full)
	}
	empty = true
	for pages := newChain(q, l.Ordered()); pages.more; {
		page, err := pages.next(ctx, l)
		if err != nil {
			return false, err
		}
		empty = empty && len(page.Objects)+len(page.Prefixes) == 0
		for item := range page.children(c.dir) {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if item.Key == c.dir || seen[item.Key] || seen == nil && item.Cursor() <= c.last {
				continue
			}
			if seen != nil {
				seen[item.Key] = true
			}
			if !c.visit(item) {
				return false, nil
			}
		}
	}
	return empty, nil
}

func (c *children) visit(item Item) bool {
	c.last = item.Cursor()
	if c.After != "" && !item.behind(c.After) || item.Dir && c.pruned(item.Key) {
		return true
	}
	return c.yield(item, nil)
}
