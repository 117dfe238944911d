package cloudpath

import (
	"strings"

	glob "github.com/cloudpath-go/cloudpath/internal/pattern"
)

// Match reports whether pattern matches all of rel, a path relative to where the pattern is
// used. The language is described at the top of this package; a malformed pattern is
// [ErrBadPattern].
//
// A rel that ends in "/" is a directory, and only a directory is matched by a pattern that
// ends in "/": "*/" matches "dir/" but not "dir". Other patterns match either. One slash is
// taken off for that, so "d//" is the directory of empty name in "d". The empty rel is the
// root itself, which "**" and "**/" match and nothing else does.
func Match(pattern, rel string) (bool, error) {
	p, err := glob.Parse(pattern)
	if err != nil {
		return false, err
	}
	path, slash := strings.CutSuffix(rel, "/")
	if slash && path == "" {
		return p.Start().Step("").Accepts(true), nil
	}
	return p.Match(path, slash || rel == ""), nil
}

// QuotePattern returns a pattern that matches exactly s: the path that is spelled like
// this, whatever bytes it has, and no other. Where s ends in "/" it has to be a directory.
// The result may be used as a piece of a longer pattern, joined with "/" or in braces.
//
// There is no pattern for the root alone: QuotePattern("") is "", which is [ErrBadPattern]
// when used.
func QuotePattern(s string) string { return glob.Quote(s) }
