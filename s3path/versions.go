package s3path

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Versions lists every version, delete markers included, of the object with
// exactly this key and of all objects below the path as a directory, newest
// first for each key. Each entry's path is pinned to its version. A delete
// marker has no size, and nothing of it can be read. 1 request per 1,000
// versions, and up to 1 more where other keys lie between the object and the
// directory of its name.
//
// In a bucket that never kept versions each object has one, "null". Where there
// is nothing the listing is empty; a missing bucket is fs.ErrNotExist.
func (p S3Path) Versions(ctx context.Context, opts ...ListOption) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		l, err := startListing(ctx, p, "versions", opts, scanOptions|optRawPrefix)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		if l.full() {
			return
		}
		for pages := l.versions(); pages.more; {
			entries, err := pages.next(ctx)
			if err != nil {
				yield(Entry{}, l.failure(err))
				return
			}
			for _, e := range entries {
				if err := ctx.Err(); err != nil {
					yield(Entry{}, l.failure(err))
					return
				}
				if !l.c.filter.keeps(e) {
					continue
				}
				l.given++
				if !yield(e, nil) || l.full() {
					return
				}
			}
		}
	}
}

// versionPages follows a listing of versions. The object and what is below the
// directory of its name are not next to each other: "a-b" lies between "a" and
// "a/b".
type versionPages struct {
	*listing
	exact string // the object's key
	dir   string // what all other keys begin with

	request              versionQuery    // the next
	lastKey, lastVersion string          // what has been listed, or is not wanted, ends here
	seen                 map[string]bool // where pages were to go on that did not get beyond lastKey
	more                 bool
}

// versionQuery asks for a page of versions. The markers are the server's from
// the page before; a key and the id of a version of it will do as well.
type versionQuery struct {
	prefix, keyMarker, versionMarker string
	max                              int
	resumed                          bool // the markers are not the server's
}

func (l *listing) versions() *versionPages {
	v := &versionPages{listing: l, exact: l.p.key, dir: tree.DirPrefix(l.p.key), more: true}
	v.request = versionQuery{prefix: v.exact, max: l.c.pageSize}
	if l.c.rawPrefix != "" {
		v.dir += l.c.rawPrefix
		v.exact, v.request.prefix = v.dir, v.dir
	}
	if l.c.startAfter != "" {
		v.lastKey, v.lastVersion = splitCursor(l.c.startAfter)
		v.jump()
	}
	return v
}

// A version's cursor is its key and its id, because a key has many.
func joinCursor(key, version string) string { return key + "\x00" + version }

func splitCursor(cursor string) (key, version string) {
	if i := strings.LastIndexByte(cursor, 0); i >= 0 {
		return cursor[:i], cursor[i+1:]
	}
	return cursor, ""
}

// jump makes the next request begin behind the last version.
func (v *versionPages) jump() {
	key, version := v.lastKey, v.lastVersion
	switch {
	case key < v.request.prefix:
		return // everything is behind it
	case key == v.exact && version != "":
		// More of the object itself may come.
	case strings.HasPrefix(key, v.dir):
		v.request.prefix = v.dir
	case key < v.dir:
		v.request.prefix, key, version = v.dir, "", ""
	default:
		v.more = false
	}
	v.request.keyMarker, v.request.versionMarker, v.request.resumed = key, version, key != ""
}

// next is the entries of the next page.
func (v *versionPages) next(ctx context.Context) ([]Entry, error) {
	page, err := v.page(ctx)
	if err != nil {
		return nil, err
	}
	before := v.lastKey
	entries := v.fresh(page.listed)
	for i := range entries {
		e := &entries[i]
		if !strings.HasPrefix(e.object.Key, v.request.prefix) {
			return nil, fmt.Errorf("%w: key %q does not belong to the list of versions", cloudpath.ErrProtocol, e.object.Key)
		}
		e.S3Path = S3Path{client: v.p.client, bucket: v.p.bucket, key: e.object.Key, version: e.version}
		e.rel, _ = tree.Rel(v.p.key, e.object.Key)
		e.cursor = joinCursor(e.object.Key, e.version)
		if !v.c.has(optOwner) {
			e.object.Owner = "" // S3 says it unasked
		}
	}
	entries = slices.DeleteFunc(entries, func(e Entry) bool { return e.key != v.exact && !strings.HasPrefix(e.key, v.dir) })
	return entries, v.advance(page, before)
}

// page is the answer to the next request, asked for from earlier on where MinIO may
// have stopped too early; see crowdedBefore.
func (v *versionPages) page(ctx context.Context) (versionPage, error) {
	page, err := v.store.versionPage(ctx, v.request)
	if err != nil || !page.early {
		return page, err
	}
	from, err := crowdedBefore(v.request.prefix, v.request.keyMarker, func(prefix string) (string, error) {
		first, err := v.store.versionPage(ctx, versionQuery{prefix: prefix, max: 1})
		if err != nil || len(first.listed) == 0 {
			return "", err
		}
		return first.listed[0].object.Key, nil
	})
	if err != nil || from == "" {
		return page, err
	}
	v.request = versionQuery{prefix: v.request.prefix, keyMarker: from, max: v.request.max}
	return v.store.versionPage(ctx, v.request)
}

// fresh is the entries that no page before has listed. Some servers begin a
// page with the last key of the page before, or its last version.
func (v *versionPages) fresh(listed []Entry) []Entry {
	if len(listed) == 0 {
		return nil
	}
	end := listed[len(listed)-1]
	again := slices.IndexFunc(listed, func(e Entry) bool { return e.object.Key == v.lastKey && e.version == v.lastVersion })
	listed = slices.DeleteFunc(listed[again+1:], func(e Entry) bool {
		return e.object.Key < v.lastKey || e.object.Key == v.lastKey && v.lastVersion == ""
	})
	if end.object.Key >= v.lastKey {
		v.lastKey, v.lastVersion = end.object.Key, end.version
	}
	return listed
}

// advance makes the next request of what a page said.
func (v *versionPages) advance(page versionPage, before string) error {
	if !page.truncated {
		v.more = false
		return nil
	}
	if v.seen == nil || v.lastKey != before {
		v.seen = map[string]bool{}
	}
	next := joinCursor(page.nextKey, page.nextVersion)
	if page.nextKey == "" || v.seen[next] {
		return fmt.Errorf("%w: the list of versions goes on, but not from where it stopped", cloudpath.ErrProtocol)
	}
	v.seen[next] = true
	v.request.keyMarker, v.request.versionMarker, v.request.resumed = page.nextKey, page.nextVersion, false
	if v.request.prefix != v.dir && v.lastKey > v.exact || v.lastKey > v.dir && !strings.HasPrefix(v.lastKey, v.dir) {
		v.jump()
	}
	return nil
}

// versionPage is one page of a list of versions.
type versionPage struct {
	listed               []Entry // by key, newest first; only what the answer says of each
	truncated            bool
	early                bool // it may have left out what comes last
	nextKey, nextVersion string
}

// versionPage is one ListObjectVersions.
func (s store) versionPage(ctx context.Context, q versionQuery) (versionPage, error) {
	in := &s3.ListObjectVersionsInput{
		Bucket: aws.String(s.p.bucket), Prefix: text(q.prefix),
		KeyMarker: text(q.keyMarker), VersionIdMarker: text(q.versionMarker),
		EncodingType: types.EncodingTypeUrl,
	}
	if q.max > 0 {
		in.MaxKeys = aws.Int32(int32(q.max))
	}
	var order elementOrder
	out, err := send(ctx, s.k, s.p.bucket, in, func(c *s3.Client, ctx context.Context, in *s3.ListObjectVersionsInput, o ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
		return c.ListObjectVersions(ctx, in, append(o, order.record)...)
	})
	if err != nil {
		return versionPage{}, explain(s.p, err)
	}
	if err := s.checkName(out.Name); err != nil {
		return versionPage{}, err
	}
	page := versionPage{truncated: aws.ToBool(out.IsTruncated), nextVersion: aws.ToString(out.NextVersionIdMarker)}
	page.early = q.resumed && !page.truncated && isMinIO(out.ResultMetadata)
	if page.nextKey, err = decoded(out.EncodingType, out.NextKeyMarker); err != nil {
		return versionPage{}, err
	}
	page.listed, err = listedVersions(out, order.read())
	return page, err
}
