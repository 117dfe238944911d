// Package tree sees a flat keyspace as directories: what a file is and what a
// directory, the algebra of keys, and how a walk or a pattern becomes the fewest
// requests. It knows keys, pages and errors, and neither S3 nor a network.
package tree

import (
	"context"
	"errors"
	"io/fs"
	"strings"
)

// Kind is what a path is. Both can be true at once.
type Kind struct {
	File, Dir bool
	Object    Object // of the file
}

// ErrNotDirectory is of a file that was to be listed.
var ErrNotDirectory = errors.New("not a directory")

// spelledDir reports whether a key can only mean a directory.
func spelledDir(key string) bool { return key == "" || strings.HasSuffix(key, "/") }

// IsDir reports whether key is a directory: one LIST of one key.
func IsDir(ctx context.Context, l Lister, key string) (bool, error) {
	ok, err := anyKey(ctx, l, DirPrefix(key))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && (ok || key == ""), err
}

// anyKey reports whether any key begins with prefix.
func anyKey(ctx context.Context, l Lister, prefix string) (bool, error) {
	c := newChain(Query{Prefix: prefix, Max: 1}, l.Ordered())
	page, err := c.nonEmpty(ctx, l)
	return len(page.Objects) > 0, err
}

// IsFile reports whether the object with exactly this key exists and is no
// directory: one request. Of a key that is spelled as a directory the answer
// is no whatever is there, but the request is made, so that a forbidden or
// broken bucket is an error here as everywhere.
func IsFile(ctx context.Context, l Lister, key string) (bool, error) {
	if spelledDir(key) {
		_, err := IsDir(ctx, l, key)
		return false, err
	}
	_, err := l.Head(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Look says what a key is: one HEAD for a file, a LIST of one key more for
// what is no file. It does not look for a directory beside a file. Nothing of
// either is fs.ErrNotExist. A HEAD that is forbidden does not hide a
// directory, and a LIST that is forbidden does not hide a file.
func Look(ctx context.Context, l Lister, key string) (Kind, error) {
	head := fs.ErrNotExist
	if !spelledDir(key) {
		var o Object
		if o, head = l.Head(ctx, key); head == nil {
			return Kind{File: true, Object: o}, nil
		}
		if !errors.Is(head, fs.ErrNotExist) && !errors.Is(head, fs.ErrPermission) {
			return Kind{}, head
		}
	}
	ok, err := anyKey(ctx, l, DirPrefix(key))
	forbidden := errors.Is(head, fs.ErrPermission)
	switch {
	case forbidden && (errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist)):
		return Kind{}, head
	case err != nil:
		return Kind{}, err
	case ok || key == "":
		return Kind{Dir: true}, nil
	}
	return Kind{}, head
}

// Instead says what there is where a listing found nothing below key, which is
// not the root: the object with exactly this key, else fs.ErrNotExist. One
// request, and none for a key that can only mean a directory.
func Instead(ctx context.Context, l Lister, key string) (Object, error) {
	if spelledDir(key) {
		return Object{}, fs.ErrNotExist
	}
	return l.Head(ctx, key)
}
