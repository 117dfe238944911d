package tree

import (
	"strings"
	"unicode/utf8"
)

// top is the greatest character that a key can be expected not to begin a name
// with: a request that starts behind prefix+top skips what the prefix holds.
// A key that comes behind it all the same is dropped when it arrives.
const top = "\U0010FFFD"

// past is a key behind nearly everything under a prefix, and before everything
// that comes behind it.
func past(prefix string) string { return prefix + top }

// before is a key before everything that begins with s, and behind nearly
// everything that comes before s.
func before(s string) string {
	r, n := utf8.DecodeLastRuneInString(s)
	head := s[:len(s)-n]
	r = stepBack(r)
	if n == 0 || r == 0 {
		return head
	}
	return head + string(r) + top
}

// stepBack is the greatest character before r that may be sent to any server
// and repeated in its answer, or 0.
func stepBack(r rune) rune {
	switch {
	case r <= ' ' || r == utf8.RuneError:
		return 0
	case 0x7f <= r && r <= 0xa0: // control characters
		return '~'
	case r == 0xe000: // surrogates
		return 0xd7ff
	case 0xfffe <= r && r <= 0x10000: // not in XML
		return 0xfffd
	}
	return r - 1
}

// place is a point between the keys.
type place struct {
	key  string
	side side
}

type side uint8

const (
	at        side = iota // before the key
	behindKey             // behind the key
	behindDir             // behind everything that begins with the key
)

// behind is the place behind an item and what it holds.
func behind(i Item) place {
	if i.Dir {
		return place{i.Key, behindDir}
	}
	return place{i.Key, behindKey}
}

// reached reports whether a key comes behind the place.
func (p place) reached(key string) bool {
	switch p.side {
	case at:
		return key >= p.key
	case behindKey:
		return key > p.key
	}
	return key > p.key && !strings.HasPrefix(key, p.key)
}

// after is what a request for the keys under prefix is to start behind, so that
// it misses nothing behind the place.
func (p place) after(prefix string) string {
	switch {
	case p.side == behindKey:
		return p.key
	case p.side == behindDir:
		return past(p.key)
	case p.key == prefix:
		return ""
	}
	return before(p.key)
}

// resume is the place in a directory behind which a listing goes on that is to
// deliver everything behind a cursor that is not inside a child.
func resume(cursor string) place {
	return place{strings.TrimSuffix(cursor, "\x00"), behindKey} // see Item.Cursor
}
