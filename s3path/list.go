package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/pattern"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// IterDir lists one level below the path: objects and directories, each once,
// in S3's order, in which a directory sorts as its name with a "/". The
// directory's own marker is not listed. 1 request per 1,000 children; the
// second is made when the loop asks for what the first did not hold.
//
// A missing directory is fs.ErrNotExist and a file cloudpath.ErrNotDirectory,
// told apart by one more request; an empty bucket or a directory that is only a
// marker lists nothing.
func (p S3Path) IterDir(ctx context.Context, opts ...ListOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l, err := startListing(ctx, p, "readdir", opts, scanOptions|optRawPrefix)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		if l.full() {
			return
		}
		for item, err := range tree.Children(ctx, l.store, p.key, l.options()) {
			if err != nil {
				yield(Entry{}, l.failure(err))
				return
			}
			if !l.offer(item, yield) {
				return
			}
		}
	}
}

// Walk lists every object below the path, in key order: 1 request per 1,000
// keys. Markers (keys that end in "/") are left out unless WithMarkers asks for
// them, and WithDirs adds each directory before what it holds.
//
// A missing directory is fs.ErrNotExist and a file cloudpath.ErrNotDirectory,
// told apart by one more request; an empty bucket lists nothing.
func (p S3Path) Walk(ctx context.Context, opts ...ListOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l, err := startListing(ctx, p, "walk", opts, scanOptions|optRawPrefix|optDirs|optMarkers)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		l.scan(ctx, nil, yield)
	}
}

// Glob lists what below the path matches a pattern, directories included, in
// key order, each once. "*" and "?" stay inside a component, "**" is any number
// of components, "{a,b}" are alternatives, a trailing "/" wants directories
// only; cloudpath.Match documents the language.
//
// The text before the first wildcard goes into the request. A pattern without
// "**" lists directory by directory where directories are large, and all at
// once where they are many and small; "**" lists everything below. Nothing
// matching, a missing directory included, is an empty listing, not an error. A
// bad pattern is cloudpath.ErrBadPattern, before any request.
func (p S3Path) Glob(ctx context.Context, pattern string, opts ...ListOption) iter.Seq2[Entry, error] {
	return p.glob(ctx, pattern, false, opts)
}

// RGlob is Glob("**/" + pattern): a match at any depth.
func (p S3Path) RGlob(ctx context.Context, pattern string, opts ...ListOption) iter.Seq2[Entry, error] {
	return p.glob(ctx, pattern, true, opts)
}

func (p S3Path) glob(ctx context.Context, text string, recursive bool, opts []ListOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		pat, err := pattern.Parse(text)
		if err != nil {
			yield(Entry{}, failure("glob", p, err))
			return
		}
		if recursive {
			pat = pat.Recursive()
		}
		l, err := startListing(ctx, p, "glob", opts, scanOptions|optRawPrefix|optMarkers)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		l.scan(ctx, pat, yield)
	}
}

// WalkDir calls fn for the path itself and for every object and directory below
// it, a directory before what it holds. It has the contract of fs.WalkDir: an
// fn that returns fs.SkipDir on a directory leaves it out, and no request is
// made there; on an object it leaves out the rest of the object's directory;
// fs.SkipAll ends the walk, and any other error ends it and is returned. The
// order is that of S3, in which a directory sorts as its name with a "/".
//
// A root that cannot be listed is one call of fn with it and the error
// (fs.ErrNotExist when it is missing); a root that is a file is one call with
// that file. A listing that fails further on is a last call of fn with the root
// and the error. 1 request per 1,000 keys that are not skipped, 1 more to tell
// a missing root from a file.
func (p S3Path) WalkDir(ctx context.Context, fn func(e Entry, err error) error, opts ...ListOption) error {
	l, err := startListing(ctx, p, "walk", opts, scanOptions|optRawPrefix|optMarkers)
	if err != nil || l.full() {
		return err
	}
	o := l.options()
	o.Root, o.Dirs = true, true
	var result error
	found, err := tree.Scan(ctx, l.store, p.key, nil, o, func(item tree.Item) tree.Verdict {
		e := entryOf(p, item)
		if root := e.dir && e.rel == ""; !root && !l.c.filter.keeps(e) {
			return tree.Continue
		}
		l.given++
		switch result = fn(e, nil); {
		case l.full():
			return tree.Stop
		case result == nil:
			return tree.Continue
		case result == fs.SkipDir: //nolint:errorlint // the very value, as in fs.WalkDir
			result = nil
			return tree.SkipDir
		}
		return tree.Stop
	})
	if err == nil && !found && l.whole() {
		var o tree.Object
		if o, err = tree.Instead(ctx, l.store, p.key); err == nil {
			result = fn(Entry{S3Path: p, object: o, cursor: p.key, latest: true}, nil)
		}
	}
	if err != nil {
		result = fn(Entry{S3Path: p, dir: true, latest: true}, l.failure(err))
	}
	if result == fs.SkipDir || result == fs.SkipAll { //nolint:errorlint // as above
		return nil
	}
	return result
}

// ---- what the listings share

type listing struct {
	p     S3Path
	op    string
	c     *call
	store store
	given int
}

func startListing(ctx context.Context, p S3Path, op string, opts []ListOption, allowed optionSet) (*listing, error) {
	k, c, err := startList(ctx, p, op, opts, allowed)
	if err != nil {
		return nil, err
	}
	if p.version != "" {
		return nil, failure(op, p, fmt.Errorf("%w: a version is of one object and cannot be listed", errors.ErrUnsupported))
	}
	return &listing{p: p, op: op, c: c, store: store{k: k, p: p, firsts: new(sync.Map)}}, nil
}

func (l *listing) options() tree.Listing {
	return tree.Listing{
		Max: l.c.pageSize, After: l.c.startAfter, Owner: l.c.has(optOwner), Raw: l.c.rawPrefix,
		Dirs: l.c.has(optDirs), Markers: l.c.has(optMarkers), Prune: l.c.filter.prune(l.p.key),
	}
}

func (l *listing) failure(err error) error { return failure(l.op, l.p, err) }

// whole reports whether a listing that finds nothing says that nothing is there.
func (l *listing) whole() bool {
	return l.p.key != "" && l.c.startAfter == "" && !l.c.has(optRawPrefix)
}

// full reports whether the limit is reached.
func (l *listing) full() bool { return l.c.has(optLimit) && l.given >= l.c.limit }

// offer yields an item that the filters keep; false ends the listing.
func (l *listing) offer(item tree.Item, yield func(Entry, error) bool) bool {
	e := entryOf(l.p, item)
	if !l.c.filter.keeps(e) {
		return true
	}
	l.given++
	return yield(e, nil) && !l.full()
}

// scan yields what a pattern, or a walk, selects.
func (l *listing) scan(ctx context.Context, pat *pattern.Pattern, yield func(Entry, error) bool) {
	if l.full() {
		return
	}
	ended := false
	found, err := tree.Scan(ctx, l.store, l.p.key, pat, l.options(), func(item tree.Item) tree.Verdict {
		if ended = !l.offer(item, yield); ended {
			return tree.Stop
		}
		return tree.Continue
	})
	switch {
	case ended:
		return
	case pat != nil && !found && errors.Is(err, fs.ErrNotExist):
		return // a pattern matches nothing in a bucket that is not there
	case err == nil && pat == nil && !found && l.whole():
		if _, err = tree.Instead(ctx, l.store, l.p.key); err == nil {
			err = cloudpath.ErrNotDirectory
		}
	}
	if err != nil {
		yield(Entry{}, l.failure(err))
	}
}
