package tree

import "strings"

// Item is one object or one directory of a listing.
type Item struct {
	Dir    bool
	Key    string // of an object its key; of a directory its prefix, with the slash
	Object Object // of an object
}

// Path is the key by which the item is addressed: a directory's prefix without
// its slash, unless its own name is empty.
func (i Item) Path() string {
	if !i.Dir || i.Key == "" {
		return i.Key
	}
	trimmed := strings.TrimSuffix(i.Key, "/")
	if trimmed == "" || strings.HasSuffix(trimmed, "/") {
		return i.Key
	}
	return trimmed
}

// Cursor is what resumes any listing behind this item. A directory's cursor is
// its prefix, so the marker object with that very key needs another, and so does
// the root, because an empty cursor is none. Theirs end in a NUL. (An object
// whose name is a single NUL is lost to a listing that resumes behind them.)
func (i Item) Cursor() string {
	if i.marks() {
		return i.Key + "\x00"
	}
	return i.Key
}

// marks reports whether the item's own key cannot be its cursor.
func (i Item) marks() bool {
	if i.Dir {
		return i.Key == ""
	}
	return strings.HasSuffix(i.Key, "/")
}

// behind reports whether the item comes behind the cursor.
func (i Item) behind(cursor string) bool {
	if i.marks() {
		return i.Key >= cursor // which is i.Cursor() > cursor
	}
	return i.Key > cursor
}
