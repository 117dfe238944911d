// Package cloudpath is the vocabulary that paths on every provider share: the errors, the
// pattern language of Glob and of the filters, and what to do with a listing.
//
// # Errors
//
// An operation's error is an [io/fs.PathError] with the path it was about. Missing,
// existing and forbidden are [io/fs.ErrNotExist], [io/fs.ErrExist] and
// [io/fs.ErrPermission]; what io/fs has no name for is named here. [errors.Is] and
// [errors.As] reach these and the provider's own error alike.
//
// # Patterns
//
// Glob, RGlob, Match and the include and exclude filters read the same language:
//
//	?             any one character, never "/"
//	*             any run of characters, never "/"
//	[a-z] [!a-z]  one character in the class, or not in it ([^a-z] is the same); never "/"
//	[]a] [*] [[]  a class holds "]" where that comes first, and wildcards as themselves
//	\c            the character c itself
//	{a,b/c}       alternatives; they nest; at most 1024 in all
//	**            as a whole component: any number of components, none included
//	trailing /    directories only
//
// A pattern is relative to the path it is used on and matches all of the rest, not a part
// of it. Hidden names are matched like others. "a/**" matches "a" and everything below;
// "**" everything and the root itself. An empty component of a key, as in "d//x", is
// matched by "**" or by an empty component in the pattern, not by "*". A component "." is
// dropped; `\.` is the name ".".
//
// [ErrBadPattern] is what becomes of an empty pattern, one that begins with "/" or "s3://",
// a ".." component, a "**" that shares its component with something else, an unclosed class
// or brace, a backslash with nothing behind it, and braces that stand for more than 1024
// alternatives or for more than a million characters. Matching takes no more time than the
// size of the pattern times that of the path, whatever the pattern.
package cloudpath
