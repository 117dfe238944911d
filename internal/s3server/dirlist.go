package s3server

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// list reads the part of the tree that a page can come from. With "/" for a delimiter
// that is one directory, and of each below it one file.
func (d *directory) list(prefix, delimiter, start string) (walker, error) {
	keys, err := d.collect(prefix[:strings.LastIndexByte(prefix, '/')+1], prefix, start, func(sub string) bool {
		return delimiter == "/" && len(sub) > len(prefix) && !strings.HasPrefix(start, sub)
	})
	if err != nil {
		return nil, err
	}
	slices.Sort(keys)
	w := &dirWalker{d: d, keys: keys}
	w.seek(start)
	return w, nil
}

// collect finds the keys in dir and below that have the prefix and do not all come before
// start. Where one says so, a single key stands for a directory.
func (d *directory) collect(dir, prefix, start string, one func(sub string) bool) ([]string, error) {
	var keys []string
	err := d.visit(dir, func(key string, isDir bool) (descend, more bool) {
		related := strings.HasPrefix(key, prefix) || isDir && strings.HasPrefix(prefix, key)
		if !related {
			return false, true
		}
		if !isDir {
			keys = append(keys, key)
			return false, true
		}
		if end, ok := behind(key); ok && end <= start {
			return false, true
		}
		marked := d.marks[key] != nil && strings.HasPrefix(key, prefix)
		if marked {
			keys = append(keys, key)
		}
		if one == nil || !one(key) {
			return true, true
		}
		if !marked {
			// A directory that cannot be read holds nothing that could be listed.
			_ = d.visit(key, func(below string, isDir bool) (descend, more bool) {
				if isDir && d.marks[below] == nil {
					return true, true
				}
				keys = append(keys, below)
				return false, false
			})
		}
		return false, true
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if d.marks[dir] != nil && strings.HasPrefix(dir, prefix) {
		keys = append(keys, dir)
	}
	return keys, err
}

// errEnough ends a visit early.
var errEnough = errors.New("enough")

// visit calls f for each file and directory below dir, directories with a slash at the
// end and before what is in them. Links, devices and what cannot be a key are left out.
func (d *directory) visit(dir string, f func(key string, isDir bool) (descend, more bool)) error {
	if info, err := d.stat(dir); err != nil || info == nil || !info.IsDir() {
		return err
	}
	return d.visitDir(dir, f)
}

func (d *directory) visitDir(dir string, f func(key string, isDir bool) (descend, more bool)) error {
	name := filepath.FromSlash(dir)
	if name == "" {
		name = "."
	}
	open, err := d.fs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it went since it was seen
	}
	if err != nil {
		return err
	}
	entries, err := open.(fs.ReadDirFile).ReadDir(-1)
	if err := errors.Join(err, open.Close()); err != nil {
		return err
	}
	for _, e := range entries {
		key := dir + e.Name()
		isDir := e.IsDir()
		if !isDir && !e.Type().IsRegular() || !utf8.ValidString(key) || strings.HasPrefix(e.Name(), temporary) {
			continue
		}
		if isDir {
			key += "/"
		}
		descend, more := f(key, isDir)
		if !more {
			return errEnough
		}
		if descend {
			if err := d.visitDir(key, f); err != nil {
				return err
			}
		}
	}
	return nil
}

type dirWalker struct {
	d    *directory
	keys []string
	i    int
}

func (w *dirWalker) key() (string, bool) {
	if w.i >= len(w.keys) {
		return "", false
	}
	return w.keys[w.i], true
}

// versions is none for a file that went since the directory was read.
func (w *dirWalker) versions() ([]*version, error) {
	v, err := w.d.current(w.keys[w.i])
	if err != nil || v == nil {
		return nil, err
	}
	return []*version{v}, nil
}

func (w *dirWalker) next() { w.i++ }

func (w *dirWalker) seek(key string) { w.i, _ = slices.BinarySearch(w.keys, key) }
