package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

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
// fs.SkipAll ends the walk. A root that cannot be listed is one call of fn with
// the error (fs.ErrNotExist when it is missing); a root that is a file is one
// call with that file. 1 request per 1,000 keys that are not skipped.
func (p S3Path) WalkDir(ctx context.Context, fn func(e Entry, err error) error, opts ...ListOption) error {
	l, err := startListing(ctx, p, "walk", opts, scanOptions&^optLimit|optRawPrefix|optMarkers)
	if err != nil {
		return err
	}
	o := l.options()
	o.Root, o.Dirs = true, true
	var result error
	visit := func(item tree.Item) tree.Verdict {
		e := entryOf(p, item)
		if e.rel != "" && !l.c.filter.keeps(e) {
			return tree.Continue
		}
		switch result = fn(e, nil); {
		case result == nil:
			return tree.Continue
		case errors.Is(result, fs.SkipDir):
			result = nil
			return tree.SkipDir
		case errors.Is(result, fs.SkipAll):
			result = nil
		}
		return tree.Stop
	}
	found, err := tree.Scan(ctx, l.store, p.key, nil, o, visit)
	root := Entry{S3Path: p, dir: true, latest: true}
	if err == nil && result == nil && !found && p.key != "" && !l.c.has(optStartAfter|optRawPrefix) {
		var kind tree.Kind
		if kind, err = tree.Look(ctx, fileOnly{l.store}, p.key); err == nil && kind.File {
			err = fn(Entry{S3Path: p, object: kind.Object, cursor: p.key, latest: true}, nil)
			return skipped(err)
		}
	}
	if err != nil {
		return skipped(fn(root, l.failure(err)))
	}
	return result
}

func skipped(err error) error {
	if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

// fileOnly answers that there is no directory, where that is known already.
type fileOnly struct{ store }

func (fileOnly) List(context.Context, tree.Query) (tree.Page, error) { return tree.Page{}, nil }

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
	return &listing{p: p, op: op, c: c, store: store{k: k, p: p}}, nil
}

func (l *listing) options() tree.Listing {
	return tree.Listing{
		Max: l.c.pageSize, After: l.c.startAfter, Owner: l.c.has(optOwner), Raw: l.c.rawPrefix,
		Dirs: l.c.has(optDirs), Markers: l.c.has(optMarkers), Prune: l.c.filter.prune(l.p.key),
	}
}

func (l *listing) failure(err error) error {
	switch {
	case errors.Is(err, tree.ErrNotDirectory):
		err = cloudpath.ErrNotDirectory
	case errors.Is(err, tree.ErrIsDirectory):
		err = cloudpath.ErrIsDirectory
	}
	return failure(l.op, l.p, err)
}

// full reports whether the limit is reached.
func (l *listing) full() bool { return l.c.has(optLimit) && l.given >= l.c.limit }

// offer yields an item that the filters keep; false ends the listing.
func (l *listing) offer(item tree.Item, yield func(Entry, error) bool) bool {
	e := entryOf(l.p, item)
	if !l.c.filter.keeps(e) {
		return true
	}
	if l.full() {
		return false
	}
	l.given++
	return yield(e, nil) && !l.full()
}

// scan yields what a pattern, or a walk, selects.
func (l *listing) scan(ctx context.Context, pat *pattern.Pattern, yield func(Entry, error) bool) {
	if l.full() {
		return
	}
	found, err := tree.Scan(ctx, l.store, l.p.key, pat, l.options(), func(item tree.Item) tree.Verdict {
		if !l.offer(item, yield) {
			return tree.Stop
		}
		return tree.Continue
	})
	switch {
	case pat != nil && errors.Is(err, fs.ErrNotExist):
		return // a pattern matches nothing in a bucket that is not there
	case err == nil && pat == nil && !found && l.p.key != "" && !l.c.has(optStartAfter|optRawPrefix) && l.given == 0:
		if _, err = l.store.Head(ctx, strings.TrimSuffix(l.p.key, "/")); err == nil {
			err = cloudpath.ErrNotDirectory
		}
	}
	if err != nil {
		yield(Entry{}, l.failure(err))
	}
}

// Buckets lists the buckets of the client's account, in the order S3 gives
// them: 1 request per 10,000.
func (c *Client) Buckets(ctx context.Context) iter.Seq2[S3Path, error] {
	return func(yield func(S3Path, error) bool) {
		none := S3Path{client: c}
		fail := func(err error) {
			yield(S3Path{}, &fs.PathError{Op: "readdir", Path: "s3://", Err: explain(none, err)})
		}
		k, err := c.use(ctx)
		if err != nil {
			fail(err)
			return
		}
		in := &s3.ListBucketsInput{}
		for {
			out, err := k.sdk.ListBuckets(ctx, in)
			if err != nil {
				fail(err)
				return
			}
			for _, b := range out.Buckets {
				if !yield(c.Object(aws.ToString(b.Name), ""), nil) {
					return
				}
			}
			token := aws.ToString(out.ContinuationToken)
			if token == "" {
				return
			}
			if token == aws.ToString(in.ContinuationToken) {
				fail(fmt.Errorf("%w: the next page has the token of this one", cloudpath.ErrProtocol))
				return
			}
			in = &s3.ListBucketsInput{ContinuationToken: &token}
		}
	}
}

// Versions lists every version, delete markers included, of the object with
// exactly this key and of all objects below the path as a directory, newest
// first for each key. Each entry's path is pinned to its version. 1 request per
// 1,000 versions.
func (p S3Path) Versions(ctx context.Context, opts ...ListOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l, err := startListing(ctx, p, "versions", opts, filterOptions|optLimit|optPageSize)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		if l.full() {
			return
		}
		dir := tree.DirPrefix(p.key)
		keyMarker, versionMarker := "", ""
		for {
			page, err := l.store.versionPage(ctx, p.key, keyMarker, versionMarker, l.c.pageSize)
			if err != nil {
				yield(Entry{}, l.failure(err))
				return
			}
			entries, err := versionsOf(page)
			if err != nil {
				yield(Entry{}, l.failure(err))
				return
			}
			for _, e := range entries {
				if e.object.Key != p.key && !strings.HasPrefix(e.object.Key, dir) {
					continue
				}
				e.S3Path = S3Path{client: p.client, bucket: p.bucket, key: e.object.Key, version: e.version}
				e.rel, _ = tree.Rel(p.key, e.object.Key)
				e.cursor = e.object.Key
				if !l.c.filter.keeps(e) {
					continue
				}
				l.given++
				if !yield(e, nil) || l.full() {
					return
				}
			}
			if !aws.ToBool(page.IsTruncated) {
				return
			}
			nextKey, err := decoded(page.EncodingType, page.NextKeyMarker)
			nextVersion := aws.ToString(page.NextVersionIdMarker)
			if err != nil || nextKey == "" || nextKey == keyMarker && nextVersion == versionMarker {
				yield(Entry{}, l.failure(fmt.Errorf("%w: the list of versions goes on, but not from where it stopped", cloudpath.ErrProtocol)))
				return
			}
			keyMarker, versionMarker = nextKey, nextVersion
		}
	}
}

func decoded(encoding types.EncodingType, s *string) (string, error) {
	if encoding == types.EncodingTypeUrl {
		return url.QueryUnescape(aws.ToString(s))
	}
	return aws.ToString(s), nil
}

// versionsOf merges a page's versions and delete markers: by key, newest first.
func versionsOf(page *s3.ListObjectVersionsOutput) ([]Entry, error) {
	var all []Entry
	add := func(key, id *string, latest *bool, o tree.Object, deletion bool) error {
		k, err := decoded(page.EncodingType, key)
		if err != nil {
			return fmt.Errorf("%w: a key that cannot be decoded: %v", cloudpath.ErrProtocol, err)
		}
		o.Key = k
		all = append(all, Entry{S3Path: S3Path{version: aws.ToString(id)}, object: o, latest: aws.ToBool(latest), deletion: deletion})
		return nil
	}
	for _, v := range page.Versions {
		o := tree.Object{Size: aws.ToInt64(v.Size), ModTime: wholeSeconds(v.LastModified), ETag: trimETag(aws.ToString(v.ETag)), StorageClass: string(v.StorageClass)}
		if err := add(v.Key, v.VersionId, v.IsLatest, o, false); err != nil {
			return nil, err
		}
	}
	for _, d := range page.DeleteMarkers {
		if err := add(d.Key, d.VersionId, d.IsLatest, tree.Object{ModTime: wholeSeconds(d.LastModified)}, true); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(all, func(a, b Entry) int {
		if c := strings.Compare(a.object.Key, b.object.Key); c != 0 {
			return c
		}
		if a.latest != b.latest {
			if a.latest {
				return -1
			}
			return 1
		}
		return b.object.ModTime.Compare(a.object.ModTime)
	})
	return all, nil
}
