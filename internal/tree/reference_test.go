package tree

import (
	"slices"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// everything is the naive listing: all directories and objects below root,
// root first, in the order of their cursors.
func everything(keys []string, root string) []Item {
	dirs := map[string]bool{}
	var items []Item
	for _, key := range keys {
		if !strings.HasPrefix(key, root) {
			continue
		}
		items = append(items, Item{Key: key, Object: object(key)})
		dirs[root] = true
		for i := len(root); i < len(key); i++ {
			if key[i] == '/' {
				dirs[key[:i+1]] = true
			}
		}
	}
	if root == "" {
		dirs[""] = true // a bucket that exists
	}
	for dir := range dirs {
		items = append(items, Item{Dir: true, Key: dir})
	}
	slices.SortFunc(items, func(a, b Item) int {
		if a.Key != b.Key {
			return strings.Compare(a.Key, b.Key)
		}
		if a.Dir {
			return -1
		}
		return 1
	})
	return items
}

// stateOf is where a pattern stands at a directory.
func stateOf(sel *pattern.Pattern, root, dir string) pattern.State {
	st := sel.Start()
	for rest := dir[len(root):]; rest != ""; {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		st = st.Step(name)
	}
	return st
}

// scanReference is what Scan must yield.
func scanReference(keys []string, key string, sel *pattern.Pattern, o Listing) []Item {
	root := DirPrefix(key)
	return slices.DeleteFunc(everything(keys, root), func(i Item) bool {
		marker := !i.Dir && strings.HasSuffix(i.Key, "/") || i.Key == root
		switch {
		case !strings.HasPrefix(i.Key, root+o.Raw), o.After != "" && i.Cursor() <= o.After, prunedAbove(i, root, o):
			return true
		case marker && !i.Dir:
			return !o.Markers || i.Key == root && !o.Self || sel != nil && !(stateOf(sel, root, i.Key).Deep() && sel.Match(i.Key[len(root):], false))
		case sel == nil && i.Dir:
			return i.Key == root && !o.Root || i.Key != root && !o.Dirs
		case sel == nil:
			return false
		case i.Dir && i.Key == root:
			return !sel.Match("", true)
		case i.Dir && i.Key == root+"/":
			return !sel.Start().Step("").Accepts(true) // has no spelling of its own
		case i.Dir:
			return !sel.Match(strings.TrimSuffix(i.Key[len(root):], "/"), true)
		}
		return !sel.Match(i.Key[len(root):], false)
	})
}

func prunedAbove(i Item, root string, o Listing) bool {
	if o.Prune == nil {
		return false
	}
	for j := len(root); j < len(i.Key); j++ {
		if i.Key[j] == '/' && o.Prune(i.Key[:j+1]) {
			return true
		}
	}
	return false
}

// childrenReference is what Children must yield.
func childrenReference(keys []string, key string, o Listing) []Item {
	dir := DirPrefix(key)
	return slices.DeleteFunc(everything(keys, dir), func(i Item) bool {
		rest := i.Key[len(dir):]
		return rest == "" ||
			strings.Count(strings.TrimSuffix(rest, "/"), "/") > 0 || !i.Dir && strings.HasSuffix(rest, "/") ||
			!strings.HasPrefix(rest, o.Raw) || o.After != "" && i.Cursor() <= o.After || prunedAbove(i, dir, o)
	})
}

// flatPages is what a flat listing of everything that begins like the pattern
// would ask for.
func flatPages(keys []string, key string, sel *pattern.Pattern, o Listing, size int) int {
	root := DirPrefix(key)
	head := root
	if sel != nil {
		head += sel.Head()
	}
	n := 0
	for _, k := range keys {
		// What begins with only one of them cannot be a result.
		if strings.HasPrefix(k, head) && strings.HasPrefix(k, root+o.Raw) {
			n++
		}
	}
	return max(1, (n+size-1)/size)
}
