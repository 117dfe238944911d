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

// WithExclude drops what matches one of the patterns; an excluded directory
// takes what is below it along, and no request is spent there. A pattern that
// begins with "!" takes its matches back in, whatever the order.
func WithExclude(patterns ...string) FilterOption {
	return callOption(optExclude, func(c *call) error { return c.filter.addExclude(patterns) })
}

// WithExtensions keeps objects whose name ends in one of these, "pdf", ".pdf"
// or "tar.gz", in any case. None at all keeps everything.
func WithExtensions(extensions ...string) FilterOption {
	return callOption(optExtensions, func(c *call) error { c.filter.addExtensions(extensions); return nil })
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
	return callOption(optModifiedAfter, func(c *call) error { c.filter.after = t; return nil })
}

// WithModifiedBefore keeps objects that were written before t. S3's times are
// whole seconds.
func WithModifiedBefore(t time.Time) FilterOption {
	return callOption(optModifiedBefore, func(c *call) error { c.filter.before = t; return nil })
}

// WithFilter keeps the objects for which keep returns true.
func WithFilter(keep func(Entry) bool) FilterOption {
	return callOption(optFilter, func(c *call) error {
		if keep == nil {
			return errors.New("WithFilter: nil")
		}
		c.filter.keep = append(c.filter.keep, keep)
		return nil
	})
}

// WithLimit ends the listing after n entries, counting what is yielded.
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
// what S3 gives unless told.
func WithPageSize(n int) ListOption {
	return callOption(optPageSize, func(c *call) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("WithPageSize: %d; S3 gives 1 to 1,000 keys a page", n)
		}
		c.pageSize = n
		return nil
	})
}

// WithStartAfter resumes a listing behind the entry whose Cursor this is, or
// behind a key.
func WithStartAfter(cursor string) ListOption {
	return callOption(optStartAfter, func(c *call) error { c.startAfter = cursor; return nil })
}

// WithRawPrefix lists only what lies below the path and begins with this
// string, which need not end at a "/": "dat" finds data/x and dat.csv.
func WithRawPrefix(prefix string) ListOption {
	return callOption(optRawPrefix, func(c *call) error { c.rawPrefix = prefix; return nil })
}

// WithDirs makes Walk yield directories too, each once, before its content.
func WithDirs() ListOption { return callOption(optDirs, nil) }

// WithMarkers makes a listing yield the marker objects that stand for
// directories, keys that end in "/".
func WithMarkers() ListOption { return callOption(optMarkers, nil) }

// WithOwner asks for each object's owner.
func WithOwner() ListOption { return callOption(optOwner, nil) }

// WithUnordered lets a listing deliver in any order, whichever comes first.
func WithUnordered() ListOption { return callOption(optUnordered, nil) }
