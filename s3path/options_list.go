package s3path

import (
	"errors"
	"fmt"
	"time"
)

// WithInclude keeps the objects whose path relative to the listing's root
// matches one of the patterns, in the language of Glob.
func WithInclude(patterns ...string) FilterOption {
	return callOption(optInclude, func(c *call) error { return c.filter.addInclude(patterns) })
}

// WithExclude drops what matches one of the patterns, directories too; an
// excluded directory takes what is below it along, and no request is spent
// there where that saves any. A pattern that begins with "!" takes its matches
// back in, with what is below them, whatever the order of the patterns: of an
// entry and the directories it is in, the nearest that a pattern matches
// decides. (`\!x` is a name that begins with "!".)
func WithExclude(patterns ...string) FilterOption {
	return callOption(optExclude, func(c *call) error { return c.filter.addExclude(patterns) })
}

// WithExtensions keeps objects whose name ends in one of these, "pdf", ".pdf"
// or "tar.gz", in any case. None at all keeps everything; an empty one is an
// error.
func WithExtensions(extensions ...string) FilterOption {
	return callOption(optExtensions, func(c *call) error { return c.filter.addExtensions(extensions) })
}

// WithMinSize keeps objects of at least this many bytes.
func WithMinSize(bytes int64) FilterOption {
	return callOption(optMinSize, func(c *call) error { c.filter.minSize = &bytes; return nil })
}

// WithMaxSize keeps objects of at most this many bytes.
func WithMaxSize(bytes int64) FilterOption {
	return callOption(optMaxSize, func(c *call) error { c.filter.maxSize = &bytes; return nil })
}

// WithModifiedAfter keeps objects that were written after t. S3's times are
// whole seconds.
func WithModifiedAfter(t time.Time) FilterOption {
	return callOption(optModifiedAfter, func(c *call) error { c.filter.after = &t; return nil })
}

// WithModifiedBefore keeps objects that were written before t. S3's times are
// whole seconds.
func WithModifiedBefore(t time.Time) FilterOption {
	return callOption(optModifiedBefore, func(c *call) error { c.filter.before = &t; return nil })
}

// WithFilter keeps the objects for which keep returns true. It is asked last,
// about what the other filters keep, and never about directories.
//
// It is for what boto3 and the AWS command line have JMESPath queries for. Side by
// side, where a filter stands for itself, and else for WithFilter's function:
//
//	Contents[?Size > `100`]                             WithMinSize(101)
//	Contents[?Size <= `100`]                            WithMaxSize(100)
//	Contents[?Size > `100` && Size < `200`]             WithMinSize(101), WithMaxSize(199)
//	Contents[?to_string(LastModified) > '"2026-05-01…"] WithModifiedAfter(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
//	Contents[?to_string(LastModified) < '"2026-05-01…"] WithModifiedBefore(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
//	Contents[?starts_with(Key, 'data/20')]              path.Join("data"), WithRawPrefix("20")
//	Contents[?ends_with(Key, '.csv')]                   WithInclude("**/*.csv"), or WithExtensions("csv") in any case
//	Contents[?!ends_with(Key, '.csv')]                  WithExclude("**/*.csv")
//	Contents[?contains(Key, 'draft')]                   strings.Contains(e.Key(), "draft")
//	Contents[?!contains(Key, 'draft')]                  !strings.Contains(e.Key(), "draft")
//	Contents[?Size > `100` || ends_with(Key, '.csv')]   e.Size() > 100 || e.Suffix() == ".csv"
//	Contents[?StorageClass == 'GLACIER']                e.StorageClass() == "GLACIER"
//	Contents[?ETag == '"5d41…"']                        e.ETag() == "5d41…"
//	Contents[].Key                                      e.Key(), in the loop
//	Contents[0:10]                                      WithLimit(10)
//	sum(Contents[].Size), length(Contents)              the loop adds them up
//	sort_by(Contents, &Size)[-1]                        cloudpath.Collect, slices.MaxFunc
func WithFilter(keep func(Entry) bool) FilterOption {
	return callOption(optFilter, func(c *call) error {
		if keep == nil {
			return errors.New("WithFilter: nil")
		}
		c.filter.keep = append(c.filter.keep, keep)
		return nil
	})
}

// WithLimit ends the listing after n entries, counting what is yielded (in
// WalkDir each call of its function). Nothing is asked for that is beyond them,
// and of 0 nothing at all.
func WithLimit(n int) ListOption {
	return callOption(optLimit, func(c *call) error {
		if n < 0 {
			return fmt.Errorf("WithLimit: %d is negative", n)
		}
		c.limit = n
		return nil
	})
}

// WithPageSize asks for at most n keys per request, 1 to 1,000, which is also
// what S3 gives unless told. (Not 1 on MinIO: it then says that a directory with
// a marker holds nothing else.)
func WithPageSize(n int) ListOption {
	return callOption(optPageSize, func(c *call) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("WithPageSize: %d; S3 gives 1 to 1,000 keys a page", n)
		}
		c.pageSize = n
		return nil
	})
}

// WithStartAfter resumes a listing behind the entry whose Cursor this is. The
// path, the kind of listing and a pattern are to be the same as then; the entry
// need not exist any more. A key is a cursor too: the listing begins with what
// comes behind it. A resumed listing that finds nothing is empty, without
// asking whether there is anything at all. (On MinIO it may cost 1 request more for
// each directory between the path and the entry.)
func WithStartAfter(cursor string) ListOption {
	return callOption(optStartAfter, func(c *call) error { c.startAfter = cursor; return nil })
}

// WithRawPrefix lists only what lies below the path and begins with this
// string, which need not end at a "/": "dat" finds data/x and dat.csv. That
// nothing does is no error; with "" it is all, which may then be nothing.
func WithRawPrefix(prefix string) ListOption {
	return callOption(optRawPrefix, func(c *call) error { c.rawPrefix = prefix; return nil })
}

// WithDirs makes Walk yield directories too, each once, before its content. The
// other listings yield directories anyway, or never, and refuse it.
func WithDirs() ListOption { return callOption(optDirs, nil) }

// WithMarkers makes Walk and WalkDir, and Glob for a pattern that ends in "**",
// yield the marker objects that stand for directories, keys that end in "/",
// but not that of the listed directory itself. IterDir lists directories
// instead and Versions lists them always; both refuse it.
func WithMarkers() ListOption { return callOption(optMarkers, nil) }

// WithOwner asks for each object's owner, see Entry.Owner.
func WithOwner() ListOption { return callOption(optOwner, nil) }

// WithUnordered lets a listing deliver in any order, whichever comes first. A
// Cursor is then of no use.
func WithUnordered() ListOption { return callOption(optUnordered, nil) }
