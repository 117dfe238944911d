package s3server

import (
	"net/http"
	"strings"
	"time"
)

// conditions are what a request demands of an object before it does something.
type conditions struct {
	match, noneMatch     string
	modified, unmodified time.Time
}

// conditionsOf reads the conditions from headers with this prefix.
func conditionsOf(h http.Header, prefix string) conditions {
	c := conditions{match: h.Get(prefix + "If-Match"), noneMatch: h.Get(prefix + "If-None-Match")}
	// A date that is none is no condition, as RFC 9110 has it.
	c.modified, _ = http.ParseTime(h.Get(prefix + "If-Modified-Since"))
	c.unmodified, _ = http.ParseTime(h.Get(prefix + "If-Unmodified-Since"))
	return c
}

// check compares the conditions with an object. It returns the name of the one that does
// not hold, and whether that one only means "you have it already".
func (c conditions) check(v *version) (failed string, have bool) {
	modified := v.modified.Truncate(time.Second)
	switch {
	case c.match != "":
		if !matches(c.match, v.etag) {
			return "If-Match", false
		}
	case !c.unmodified.IsZero() && modified.After(c.unmodified):
		return "If-Unmodified-Since", false
	}
	switch {
	case c.noneMatch != "":
		if matches(c.noneMatch, v.etag) {
			return "If-None-Match", true
		}
	case !c.modified.IsZero() && !modified.After(c.modified):
		return "If-Modified-Since", true
	}
	return "", false
}

// matches says whether a list of ETags, or "*", names this one. Quotes are optional.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || strings.Trim(one, `"`) == etag {
			return true
		}
	}
	return false
}

// checkRead refuses a GET or HEAD of v.
func (s *Server) checkRead(h http.Header, v *version) error {
	if !s.on(ConditionalRead) {
		return nil
	}
	switch failed, have := conditionsOf(h, "").check(v); {
	case have:
		return fail("NotModified", "Not Modified").set("ETag", `"`+v.etag+`"`).
			set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	case failed != "":
		return preconditionFailed(failed)
	}
	return nil
}

// checkWrite refuses to put something in the place of old, which is nil or a marker when
// there is no object.
func (s *Server) checkWrite(h http.Header, f Feature, key string, old *version) error {
	if !s.on(f) {
		return nil
	}
	match, noneMatch := h.Get("If-Match"), h.Get("If-None-Match")
	if noneMatch != "" && noneMatch != "*" {
		return notImplemented("If-None-Match with anything but * on a write")
	}
	if old != nil && old.marker {
		old = nil
	}
	switch {
	case noneMatch != "" && old != nil:
		return preconditionFailed("If-None-Match")
	case match != "" && old == nil:
		return noSuchKey(key)
	case match != "" && !matches(match, old.etag):
		return preconditionFailed("If-Match")
	}
	return nil
}

// checkSource refuses to copy from v.
func (s *Server) checkSource(h http.Header, v *version) error {
	if !s.on(ConditionalCopySource) {
		return nil
	}
	if failed, _ := conditionsOf(h, "X-Amz-Copy-Source-").check(v); failed != "" {
		return preconditionFailed("x-amz-copy-source-" + failed)
	}
	return nil
}
