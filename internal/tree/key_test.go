package tree

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOneDefinitionOfParentNameAndParts(t *testing.T) {
	tests := []struct {
		key, name, parent string
		parts             []string
		dirPrefix, clean  string
	}{
		{"", "", "", nil, "", ""},
		{"a", "a", "", []string{"a"}, "a/", "a"},
		{"a/", "a", "", []string{"a"}, "a/", "a"},
		{"a//", "", "a", []string{"a", ""}, "a//", "a"},
		{"/", "", "", []string{""}, "/", ""},
		{"//", "", "/", []string{"", ""}, "//", ""},
		{"a//b", "b", "a//", []string{"a", "", "b"}, "a//b/", "a/b"},
		{"/k", "k", "/", []string{"", "k"}, "/k/", "k"},
		{"a/./b", "b", "a/.", []string{"a", ".", "b"}, "a/./b/", "a/b"},

		{"a/b", "b", "a", []string{"a", "b"}, "a/b/", "a/b"},
		{"a/b/", "b", "a", []string{"a", "b"}, "a/b/", "a/b"},
		{"a//b/", "b", "a//", []string{"a", "", "b"}, "a//b/", "a/b"},
		{"a///b", "b", "a///", []string{"a", "", "", "b"}, "a///b/", "a/b"},
		{"//k", "k", "//", []string{"", "", "k"}, "//k/", "k"},
		{"a/..", "..", "a", []string{"a", ".."}, "a/../", ""},
		{"../x", "x", "..", []string{"..", "x"}, "../x/", "x"},
		{"a/../c//d/./", ".", "a/../c//d", []string{"a", "..", "c", "", "d", "."}, "a/../c//d/./", "c/d"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.key), func(t *testing.T) {
			if got := Name(tt.key); got != tt.name {
				t.Errorf("Name = %q, want %q", got, tt.name)
			}
			if got := ParentKey(tt.key); got != tt.parent {
				t.Errorf("ParentKey = %q, want %q", got, tt.parent)
			}
			if got := Parts(tt.key); !slices.Equal(got, tt.parts) {
				t.Errorf("Parts = %q, want %q", got, tt.parts)
			}
			if got := DirPrefix(tt.key); got != tt.dirPrefix {
				t.Errorf("DirPrefix = %q, want %q", got, tt.dirPrefix)
			}
			if got := Clean(tt.key); got != tt.clean {
				t.Errorf("Clean = %q, want %q", got, tt.clean)
			}
		})
	}
}

func TestStemAndSuffixes(t *testing.T) {
	tests := []struct {
		name, stem, suffix string
		suffixes           []string
	}{
		{"d.file", "d", ".file", []string{".file"}},
		{"d.tar.gz", "d.tar", ".gz", []string{".tar", ".gz"}},
		{".hidden", ".hidden", "", nil},
		{".a.b", ".a", ".b", []string{".b"}},
		{"a.", "a.", "", nil},
		{"a..b", "a.", ".b", []string{".", ".b"}},
		{"a", "a", "", nil},
		{"", "", "", nil},
		{".", ".", "", nil},
		{"..", "..", "", nil},
		{"...", "...", "", nil},
		{"..b", ".", ".b", []string{".b"}},
		{"a.b.", "a.b.", "", nil},
		{"é.日本", "é", ".日本", []string{".日本"}},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.name), func(t *testing.T) {
			if got := Stem(tt.name); got != tt.stem {
				t.Errorf("Stem = %q, want %q", got, tt.stem)
			}
			if got := Suffix(tt.name); got != tt.suffix {
				t.Errorf("Suffix = %q, want %q", got, tt.suffix)
			}
			if got := Suffixes(tt.name); !slices.Equal(got, tt.suffixes) {
				t.Errorf("Suffixes = %q, want %q", got, tt.suffixes)
			}
		})
	}
}

func TestJoin(t *testing.T) {
	tests := []struct {
		key   string
		elems []string
		want  string
	}{
		{"a", []string{"b", "c"}, "a/b/c"},
		{"a/", []string{"x"}, "a/x"},
		{"a//", []string{"x"}, "a//x"},
		{"a/b/c/d", []string{"../../b"}, "a/b/b"},
		{"a/b", []string{"../../../../x"}, "x"},
		{"a", []string{"/c"}, "a/c"},
		{"a", []string{""}, "a"},
		{"a", []string{"."}, "a"},
		{"a", nil, "a"},
		{"a", []string{"c//d"}, "a/c//d"},
		{"a", []string{"c/"}, "a/c/"},
		{"a", []string{"s3://other/x"}, "a/s3://other/x"},

		{"", []string{"a"}, "a"},
		{"", []string{"/a"}, "a"},
		{"", []string{".."}, ""},
		{"", []string{"../"}, ""},
		{"", []string{"s3://other/x"}, "s3://other/x"},
		{"a/", []string{""}, "a/"},
		{"a/", []string{"", ".", "/"}, "a/"},
		{"a", []string{"./"}, "a/"},
		{"a", []string{"./b/./c"}, "a/b/c"},
		{"a", []string{"b/../c"}, "a/c"},
		{"a", []string{"b", "..", "c"}, "a/c"},
		{"a", []string{"b/", "c"}, "a/b/c"},
		{"a", []string{"b//", "c"}, "a/b//c"},
		{"a", []string{"b///"}, "a/b///"},
		{"a", []string{"//c"}, "a//c"},
		{"", []string{"//c"}, "/c"},
		{"a/b", []string{"..//c"}, "a//c"},
		{"a//b", []string{".."}, "a//"},
		{"a//b", []string{"../c"}, "a//c"},
		{"a//b", []string{"../../c"}, "a/c"},
		{"a/b/", []string{".."}, "a"},
		{"a/./b/../c", []string{"d"}, "a/./b/../c/d"},
		{"a/..", []string{"../x"}, "a/x"},
		{"a", []string{"...", ".b", "..c"}, "a/.../.b/..c"},
		{"a", []string{"b c?d#e%20f"}, "a/b c?d#e%20f"},
		{"a", []string{`..\x`}, `a/..\x`},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q %q", tt.key, tt.elems), func(t *testing.T) {
			if got := Join(tt.key, tt.elems...); got != tt.want {
				t.Errorf("Join = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestJoinOfALongElementIsLinear(t *testing.T) {
	long := strings.Repeat("a/", 1<<20)
	start := time.Now()
	down := Join("", long)
	up := Join(down, strings.Repeat("../", 1<<20))
	if down != long || up != "" {
		t.Fatalf("joined %d bytes, and back up to %d", len(down), len(up))
	}
	// Quadratic work would be 10^12 bytes.
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestChildAndRel(t *testing.T) {
	tests := []struct{ base, rel, key string }{
		{"a", "b", "a/b"},
		{"a/", "b", "a/b"},
		{"a", "/b", "a//b"},
		{"a//", "b", "a//b"},
		{"a", "..", "a/.."},
		{"a", "../x", "a/../x"},
		{"a", "./", "a/./"},
		{"a", "b/", "a/b/"},
		{"a", "/", "a//"},
		{"", "a", "a"},
		{"", "/k", "/k"},
		{"", "//", "//"},
		{"a", "", "a"},
		{"a/", "", "a/"},
		{"", "", ""},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q %q", tt.base, tt.rel), func(t *testing.T) {
			if got := Child(tt.base, tt.rel); got != tt.key {
				t.Errorf("Child = %q, want %q", got, tt.key)
			}
			if rel, ok := Rel(tt.base, tt.key); !ok || rel != tt.rel {
				t.Errorf("Rel = %q, %v, want %q", rel, ok, tt.rel)
			}
		})
	}
}

func TestNoRel(t *testing.T) {
	tests := []struct{ base, key string }{
		{"a", "abc"},
		{"a", "b"},
		{"a", ""},
		{"a/b", "a"},
		{"a/", "a"},
		{"a", "a/"}, // Child("a", "") is "a"
		{"a//", "a/b"},
		{"a/b", "a//b"},
		{"é", "e\u0301"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q %q", tt.base, tt.key), func(t *testing.T) {
			if rel, ok := Rel(tt.base, tt.key); ok || rel != "" {
				t.Errorf("Rel = %q, %v, want none", rel, ok)
			}
		})
	}
}

func TestReplacingTheName(t *testing.T) {
	type replace func(key, with string) (string, error)
	tests := []struct {
		what      string
		do        replace
		key, with string
		want      string
		err       string
	}{
		{"name", WithName, "a/d.file", "x", "a/x", ""},
		{"name", WithName, "d.file", "x", "x", ""},
		{"name", WithName, "a/d/", "x", "a/x/", ""},
		{"name", WithName, "a//", "x", "a/x/", ""},
		{"name", WithName, "a//b", "x", "a//x", ""},
		{"name", WithName, "a", "", "", "the new name is empty"},
		{"name", WithName, "a", "b/c", "", `the new name contains "/"`},
		{"name", WithName, "a", "/", "", `the new name contains "/"`},
		{"name", WithName, "", "x", "", "a bucket cannot be given another name"},
		{"name", WithName, "", "", "", "a bucket cannot be given another name"},

		{"stem", WithStem, "a/old.file", "new", "a/new.file", ""},
		{"stem", WithStem, "old.tar.gz", "new", "new.gz", ""},
		{"stem", WithStem, ".hidden", "new", "new", ""},
		{"stem", WithStem, "a/old.d/", "new", "a/new.d/", ""},
		{"stem", WithStem, "a//", "new", "a/new/", ""},
		{"stem", WithStem, "old.file", "", "", "the new stem is empty"},
		{"stem", WithStem, "old", "", "", "the new stem is empty"},
		{"stem", WithStem, "old.file", "a/b", "", `the new name contains "/"`},
		{"stem", WithStem, "", "x", "", "a bucket cannot be given another name"},
		{"stem", WithStem, "", "", "", "a bucket cannot be given another name"},

		{"suffix", WithSuffix, "a/d.file", ".png", "a/d.png", ""},
		{"suffix", WithSuffix, "f.tar.gz", "", "f.tar", ""},
		{"suffix", WithSuffix, "f", ".tar.gz", "f.tar.gz", ""},
		{"suffix", WithSuffix, "f", "", "f", ""},
		{"suffix", WithSuffix, ".hidden", ".png", ".hidden.png", ""},
		{"suffix", WithSuffix, "a.", ".b", "a..b", ""},
		{"suffix", WithSuffix, "a/d.x/", ".y", "a/d.y/", ""},
		{"suffix", WithSuffix, "d.file", "png", "", `the new suffix is not a "." with something behind it`},
		{"suffix", WithSuffix, "d.file", ".", "", `the new suffix is not a "." with something behind it`},
		{"suffix", WithSuffix, "d.file", "/x", "", `the new suffix is not a "." with something behind it`},
		{"suffix", WithSuffix, "d.file", "./x", "", `the new suffix contains "/"`},
		{"suffix", WithSuffix, "a//", ".png", "", "an empty name takes no suffix"},
		{"suffix", WithSuffix, "", ".png", "", "a bucket cannot be given another name"},
		{"suffix", WithSuffix, "", "png", "", "a bucket cannot be given another name"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s %q %q", tt.what, tt.key, tt.with), func(t *testing.T) {
			got, err := tt.do(tt.key, tt.with)
			if tt.err == "" {
				if err != nil || got != tt.want {
					t.Errorf("got %q, %v, want %q", got, err, tt.want)
				}
				return
			}
			if err == nil || err.Error() != tt.err || got != "" {
				t.Errorf("got %q, %v, want the error %q", got, err, tt.err)
			}
		})
	}
}

func TestParentAndNameDoNotAllocate(t *testing.T) {
	key := "some/directory/deep/below/file.tar.gz"
	allocs := testing.AllocsPerRun(100, func() {
		if ParentKey(key) == "" || Name(key) == "" || Suffix(Name(key)) == "" || Stem(Name(key)) == "" {
			t.Error("nothing was computed")
		}
		if rel, ok := Rel("some/directory", key); !ok || rel == "" {
			t.Error("no rel")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations, want none", allocs)
	}
}

func BenchmarkJoin(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Join("some/directory", "below", "file.txt")
	}
}

func BenchmarkChild(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Child("some/directory", "below/file.txt")
	}
}
