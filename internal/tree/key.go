package tree

import (
	"errors"
	"path"
	"strings"
)

// The key algebra. A key is a string of bytes in which "/" separates the names
// of directories, and nothing else means anything. Keys are never decoded,
// normalised or cleaned: "a//b", "a/./b" and "dir/" are objects of their own.
// Only Clean, and Join for the elements it is given, resolve "." and "..".
//
// One definition holds everything together. Let k be the key less one trailing
// "/". The name is what follows the last "/" of k, and the parent prefix is k up
// to and including that "/". The empty key is the root, the bucket itself.

// DirPrefix returns what the keys below key as a directory start with: key with
// a "/" appended unless it is empty or ends in one.
func DirPrefix(key string) string {
	if key == "" || key[len(key)-1] == '/' {
		return key
	}
	return key + "/"
}

// Name returns the last component of key: "b" of "a/b" and of "a/b/", the empty
// name of "a//", and "" for the root.
func Name(key string) string {
	key = strings.TrimSuffix(key, "/")
	return key[strings.LastIndexByte(key, '/')+1:]
}

// ParentKey returns the directory that key is in: its parent prefix without the
// slash, or with it where the name of that directory is empty ("a//" for
// "a//b", since "a/" would be another directory). The parent of the root is the
// root; every other key has a parent shorter than itself.
func ParentKey(key string) string {
	return key[:parentLen(key)]
}

// parentLen is the length of the parent's key, which is always the beginning of
// the key itself.
func parentLen[K string | []byte](key K) int {
	n := len(key)
	if n > 0 && key[n-1] == '/' {
		n--
	}
	for n > 0 && key[n-1] != '/' {
		n--
	}
	if n > 1 && key[n-2] != '/' {
		n--
	}
	return n
}

// Parts returns the names on the way from the root to key, key's own last. The
// root has none.
func Parts(key string) []string {
	if key == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(key, "/"), "/")
}

// Join appends names that people and programs make up. Each element is appended
// with one "/" between, or none where the key is empty or ends in "/" already.
// Inside the elements one leading "/" and every "." are dropped, ".." goes up to
// the parent and stops at the root; an empty component ("c//d") and a trailing
// "/" are kept. The key itself is never cleaned.
//
// Names that a listing gave belong to [Child].
func Join(key string, elems ...string) string {
	var stack [256]byte
	joined := append(stack[:0], key...)
	for _, elem := range elems {
		elem = strings.TrimPrefix(elem, "/")
		if elem == "" {
			continue
		}
		for more := true; more; {
			var name string
			name, elem, more = strings.Cut(elem, "/")
			switch name {
			case ".":
				continue
			case "..":
				joined = joined[:parentLen(joined)]
				continue
			}
			if n := len(joined); n > 0 && joined[n-1] != '/' {
				joined = append(joined, '/')
			}
			joined = append(joined, name...)
			if name == "" && more {
				joined = append(joined, '/')
			}
		}
	}
	if string(joined) == key {
		return key
	}
	return string(joined)
}

// Child appends rel byte for byte to key's directory prefix. The empty rel is
// key itself.
func Child(key, rel string) string {
	switch {
	case rel == "":
		return key
	case key == "" || key[len(key)-1] == '/':
		return key + rel
	}
	return key + "/" + rel
}

// Rel returns what Child appends to base to make key, and whether there is such
// a thing: Child(base, rel) == key whenever ok. It is "" for base itself, and
// the whole key below the root. A directory spelled with its slash is not below
// itself spelled without: "d/" has no rel to "d", because no rel leads there.
func Rel(base, key string) (rel string, ok bool) {
	if key == base {
		return "", true
	}
	rel, ok = strings.CutPrefix(key, base)
	if ok && base != "" && base[len(base)-1] != '/' {
		rel, ok = strings.CutPrefix(rel, "/")
	}
	if !ok || rel == "" {
		return "", false
	}
	return rel, true
}

// Clean resolves every ".", "..", empty component and trailing "/" of key
// lexically. What ".." cannot leave is the root.
func Clean(key string) string {
	cleaned := path.Clean("/" + key)[1:]
	if cleaned == key {
		return key
	}
	return cleaned
}

// Suffix returns the last extension of a name with its dot: ".gz" of
// "d.tar.gz". The dot of a hidden file is none, and a name that ends in a dot
// has no suffix.
func Suffix(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 {
		return ""
	}
	return name[i:]
}

// Stem returns name without its Suffix.
func Stem(name string) string {
	return name[:len(name)-len(Suffix(name))]
}

// Suffixes returns all extensions of a name, each with its dot, the Suffix last:
// ".tar", ".gz" of "d.tar.gz". It is nil exactly where the Suffix is "".
func Suffixes(name string) []string {
	if Suffix(name) == "" {
		return nil
	}
	// From the second byte on, because a leading dot is part of the stem.
	_, extensions, _ := strings.Cut(name[1:], ".")
	suffixes := strings.Split(extensions, ".")
	for i, extension := range suffixes {
		suffixes[i] = "." + extension
	}
	return suffixes
}

// WithName returns key with its last component replaced. A trailing "/" stays:
// a directory becomes a directory.
//
// The error says what is wrong: the root has no name to replace, and a name is
// neither empty nor contains "/".
func WithName(key, name string) (string, error) {
	switch {
	case key == "":
		return "", errors.New("a bucket cannot be given another name")
	case name == "":
		return "", errors.New("the new name is empty")
	case strings.Contains(name, "/"):
		return "", errors.New(`the new name contains "/"`)
	}
	stripped := strings.TrimSuffix(key, "/")
	slash := key[len(stripped):]
	return stripped[:strings.LastIndexByte(stripped, '/')+1] + name + slash, nil
}

// WithStem is WithName with the suffix kept: stem "new" makes "old.file"
// "new.file". An empty stem is an error too.
func WithStem(key, stem string) (string, error) {
	if key != "" && stem == "" {
		return "", errors.New("the new stem is empty")
	}
	return WithName(key, stem+Suffix(Name(key)))
}

// WithSuffix is WithName with the stem kept: suffix ".png" makes "d.file"
// "d.png", and "" makes "f.tar.gz" "f.tar". A suffix is empty, or a dot and at
// least one byte more; an empty name takes none.
func WithSuffix(key, suffix string) (string, error) {
	switch {
	case key == "":
		// WithName has the words for it.
	case suffix != "" && (suffix[0] != '.' || suffix == "."):
		return "", errors.New(`the new suffix is not a "." with something behind it`)
	case strings.Contains(suffix, "/"):
		return "", errors.New(`the new suffix contains "/"`)
	case Name(key) == "":
		return "", errors.New("an empty name takes no suffix")
	}
	return WithName(key, Stem(Name(key))+suffix)
}
