package tree

import (
	"slices"
	"strings"
	"testing"
)

// awkwardKeys are what the fuzz targets start from.
var awkwardKeys = []string{
	"", "a", "a/", "a//", "/", "//", "///", "a//b", "a//b/", "/k", "a/./b", "a/../b", "..", "../x", ".", "./",
	"a/b/c.tar.gz", ".hidden", "a..b", "a.", "é/日本", "e\u0301", "a b?c#d%20e", "a\nb\tc", "\x00", "\xff/\xfe", `a\..\b`,
}

func FuzzParent(f *testing.F) {
	for _, key := range awkwardKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		name, parent, parts := Name(key), ParentKey(key), Parts(key)
		if strings.Contains(name, "/") {
			t.Fatalf("Name(%q) = %q contains a slash", key, name)
		}
		if key == "" {
			if name != "" || parent != "" || parts != nil {
				t.Fatalf("the root has name %q, parent %q, parts %q", name, parent, parts)
			}
			return
		}

		// Up from any key the root is reached, each step shorter, and the names
		// passed on the way are the parts.
		if len(parent) >= len(key) || !strings.HasPrefix(key, parent) {
			t.Fatalf("ParentKey(%q) = %q is not a shorter beginning of it", key, parent)
		}
		if want := append(Parts(parent), name); !slices.Equal(parts, want) {
			t.Fatalf("Parts(%q) = %q, want the parent's and the name: %q", key, parts, want)
		}

		// What a parent says of its child leads back: the parent's directory
		// prefix and the name are the key, less its trailing slash.
		if back := DirPrefix(parent) + name; back != strings.TrimSuffix(key, "/") {
			t.Fatalf("DirPrefix(%q) + %q = %q, not %q less a slash", parent, name, back, key)
		}

		prefix := DirPrefix(key)
		if !strings.HasSuffix(prefix, "/") || strings.TrimSuffix(prefix, "/") != strings.TrimSuffix(key, "/") {
			t.Fatalf("DirPrefix(%q) = %q", key, prefix)
		}
		if DirPrefix(prefix) != prefix || ParentKey(prefix) != parent && key[len(key)-1] != '/' {
			t.Fatalf("the directory prefix %q of %q is another place", prefix, key)
		}
	})
}

func FuzzChildAndRel(f *testing.F) {
	for _, key := range awkwardKeys {
		for _, other := range awkwardKeys {
			f.Add(key, other)
		}
	}
	f.Fuzz(func(t *testing.T, base, other string) {
		// Whatever has a rel is the child of that name.
		if rel, ok := Rel(base, other); ok {
			if got := Child(base, rel); got != other {
				t.Fatalf("Child(%q, %q) = %q, want %q", base, rel, got, other)
			}
		} else if strings.HasPrefix(other, DirPrefix(base)) && other != DirPrefix(base) {
			t.Fatalf("Rel(%q, %q) gave nothing, but the one is below the other", base, other)
		}

		// Whatever is the child of a name has that name as rel.
		child := Child(base, other)
		if rel, ok := Rel(base, child); !ok || rel != other {
			t.Fatalf("Rel(%q, %q) = %q, %v, want %q", base, child, rel, ok, other)
		}
		if other != "" && child != DirPrefix(base)+other {
			t.Fatalf("Child(%q, %q) = %q is not byte for byte", base, other, child)
		}
	})
}

func FuzzJoin(f *testing.F) {
	for _, key := range awkwardKeys {
		for _, elem := range awkwardKeys {
			f.Add(key, elem, "../x")
			f.Add(key, "b//", elem)
		}
	}
	f.Add("a/b", "../../../../x", "s3://other/x")
	f.Fuzz(func(t *testing.T, key, first, second string) {
		joined := Join(key, first)
		if got, want := Join(key, first, second), Join(joined, second); got != want {
			t.Fatalf("Join(%q, %q, %q) = %q, one at a time %q", key, first, second, got, want)
		}
		if Join(key) != key || Join(key, "") != key || Join(key, ".") != key {
			t.Fatalf("joining nothing to %q changes it", key)
		}
		if got := Join(key, ".."); got != ParentKey(key) {
			t.Fatalf("Join(%q, ..) = %q, want the parent %q", key, got, ParentKey(key))
		}
		if got := Join(key, "/"+first); got != Join(key, first) && !strings.HasPrefix(first, "/") {
			t.Fatalf("a leading slash makes %q + %q %q", key, first, got)
		}

		// What the elements add holds no "." or "..": a result is a beginning of
		// the key, untouched, and clean names behind it.
		if !slices.Contains(Parts(first), "..") {
			rel, ok := Rel(key, joined)
			if joined != key && joined != DirPrefix(key) && !ok {
				t.Fatalf("Join(%q, %q) = %q touched the key", key, first, joined)
			}
			for _, part := range Parts(rel) {
				if part == "." || part == ".." {
					t.Fatalf("Join(%q, %q) = %q has a part %q of its own", key, first, joined, part)
				}
			}
		}
		count := func(key, part string) (n int) {
			for _, p := range Parts(key) {
				if p == part {
					n++
				}
			}
			return n
		}
		for _, dots := range []string{".", ".."} {
			if count(joined, dots) > count(key, dots) {
				t.Fatalf("Join(%q, %q) = %q brought in a %q", key, first, joined, dots)
			}
		}

		// To a clean element and a clean key, Join does what Clean does.
		if key == Clean(key) && !strings.Contains(first, "//") && !strings.HasPrefix(first, "/") {
			if got, want := Clean(joined), Clean(DirPrefix(key)+first); got != want {
				t.Fatalf("Join(%q, %q) = %q, cleaned %q, want %q", key, first, joined, got, want)
			}
		}
	})
}

func FuzzClean(f *testing.F) {
	for _, key := range awkwardKeys {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		cleaned := Clean(key)
		if again := Clean(cleaned); again != cleaned {
			t.Fatalf("Clean(%q) = %q, cleaned again %q", key, cleaned, again)
		}
		for _, part := range Parts(cleaned) {
			if part == "" || part == "." || part == ".." {
				t.Fatalf("Clean(%q) = %q has a part %q", key, cleaned, part)
			}
		}
		if strings.HasSuffix(cleaned, "/") {
			t.Fatalf("Clean(%q) = %q has a trailing slash", key, cleaned)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, key := range awkwardKeys {
		f.Add(key, "new.name")
		f.Add("dir/old.tar.gz", key)
	}
	f.Fuzz(func(t *testing.T, key, with string) {
		name := Name(key)
		stem, suffix, suffixes := Stem(name), Suffix(name), Suffixes(name)
		if stem+suffix != name || name != "" && stem == "" {
			t.Fatalf("%q is not %q and %q", name, stem, suffix)
		}
		if (suffix == "") != (len(suffixes) == 0) || suffix != "" && suffixes[len(suffixes)-1] != suffix {
			t.Fatalf("of %q the suffix is %q, the suffixes are %q", name, suffix, suffixes)
		}
		if !strings.HasSuffix(name, strings.Join(suffixes, "")) {
			t.Fatalf("%q does not end in its suffixes %q", name, suffixes)
		}

		if renamed, err := WithName(key, with); err == nil {
			if Name(renamed) != with || ParentKey(renamed) != ParentKey(key) {
				t.Fatalf("WithName(%q, %q) = %q", key, with, renamed)
			}
		}
		if renamed, err := WithStem(key, with); err == nil {
			if Name(renamed) != with+suffix || ParentKey(renamed) != ParentKey(key) {
				t.Fatalf("WithStem(%q, %q) = %q", key, with, renamed)
			}
		}
		if renamed, err := WithSuffix(key, with); err == nil {
			if Name(renamed) != stem+with || ParentKey(renamed) != ParentKey(key) {
				t.Fatalf("WithSuffix(%q, %q) = %q", key, with, renamed)
			}
		}
		if name != "" {
			for what, same := range map[string]func() (string, error){
				"name":   func() (string, error) { return WithName(key, name) },
				"stem":   func() (string, error) { return WithStem(key, stem) },
				"suffix": func() (string, error) { return WithSuffix(key, suffix) },
			} {
				if got, err := same(); err != nil || got != key {
					t.Fatalf("%q with its own %s is %q, %v", key, what, got, err)
				}
			}
		}
	})
}
