package localcache

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostileKeys are keys that S3 takes and file systems do not, or take for others.
func hostileKeys() []string {
	return []string{
		"plain", "dir/plain.txt",
		// Dots, slashes and roots.
		".", "..", "../../x", "a/../b", "a/./b", "./a", "../a", "a/..", "a/.", "...", "....//x",
		"/", "//", "///", "/etc/passwd", "/etc/..", "x//y", "x/y", "x/", "x//", "/x", "//x", "a//b//c",
		// What means something on Windows.
		`C:\x`, "C:", "c:x", `\\srv\x`, `\\?\C:\x`, `a\..\b`, `a\b`, `\`, "a:stream", "a::$DATA",
		"CON", "con", "con.txt", "CON .txt", "PRN", "AUX.tar.gz", "NUL", "nul.", "COM1", "com9.x", "COM¹", "LPT²", "LPT0", "CONIN$", "conout$.log", "CLOCK$",
		"x.", "x ", "x..", "x. ", "x .", " x", "dir./x", "dir /x", "a<b>", `a"b`, "a|b", "a?b", "a*b",
		// Control characters, and what looks like the encoding.
		"\x00", "a\x00b", "a\nb", "a\rb", "a\tb", "\x1b[31m", "\x7f", "%", "%41", "%2F", "%2e%2e", "a%00", "%%", "%2", "a%2fb",
		// The layout's own names.
		"~", "~h", "~h/..", "~h/00/x", "~h/00/0123456789abcdef0123456789abcdef/plain", "a~h", "data", "meta", "tmp", "lock",
		// Length and depth.
		strings.Repeat("k", 239), strings.Repeat("k", 240), strings.Repeat("k", 241), strings.Repeat("k", 255) + ".bin", strings.Repeat("k", 256),
		strings.Repeat("k", 1020) + ".gz", strings.Repeat("%", 100), strings.Repeat("é", 130) + ".tiff", "x." + strings.Repeat("e", 500),
		strings.Repeat("d/", 511) + "f", strings.Repeat("d/", 63) + "f", strings.Repeat("d/", 64) + "f", strings.Repeat("/", 1024), strings.Repeat("ab/", 340) + "f",
		strings.Repeat(strings.Repeat("s", 200)+"/", 5) + "f",
		// One for the other.
		"case", "Case", "CASE", "caf\u00e9", "cafe\u0301", "\u212b", "\u00c5", "ﬁ", "fi", "ß", "SS", "ı", "I", "i",
		// A file where another needs a directory.
		"a", "a/b", "a/b/c", "q/r/s", "q/r", "q",
		// No UTF-8, and strange UTF-8.
		"\xff", "a\xffb.txt", "\xc3\x28", "dir\xfe/file", "\xed\xa0\x80", "\ufffd", "a\ufffdb.txt", "\u202eexe.txt", "\ufeff", "\u200b", "😀.png",
		// What shells take for something.
		"-rf", "$HOME", "`id`", "a;b", "a&b", "'", "a b", "{x}", "[x]", "#x", "?x=1", "CACHEDIR.TAG", "ledger",
	}
}

func bodyOf(key string) string { return "the bytes of " + fmt.Sprintf("%q", key) }

// TestHostileKeys caches all of them, and only then looks at each: every one has
// its own place inside the directory, and its own bytes.
func TestHostileKeys(t *testing.T) {
	keys := hostileKeys()
	if len(keys) < 60 {
		t.Fatal(len(keys))
	}
	for name, order := range map[string]func(i int) int{
		"in order":  func(i int) int { return i },
		"backwards": func(i int) int { return len(keys) - 1 - i },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			c, err := Open(filepath.Join(parent, "cache"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.temporary = true // nothing has to last
			defer func() { c.temporary = false }()
			objects := map[string]string{}
			for _, key := range keys {
				if _, twice := objects[key]; twice {
					t.Errorf("%q is there twice", key)
				}
				objects[key] = bodyOf(key)
			}
			s := newRemote(objects)
			for i := range keys {
				key := keys[order(i)]
				f, err := c.Open(t.Context(), keyOf(key), Immutable(), s.fetch(key))
				if got := readFile(t, f, err); got != bodyOf(key) {
					t.Errorf("%q: %q", key, got)
				}
				if f.Streamed() != nil {
					t.Errorf("%q: %v", key, f.Streamed())
				}
			}
			places := map[string]string{}
			for _, key := range keys {
				f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
				name := f.Name()
				if got := readFile(t, f, err); got != bodyOf(key) {
					t.Errorf("%q has the bytes %q", key, got)
				}
				if other, taken := places[name]; taken {
					t.Errorf("%q and %q have one place", key, other)
				}
				places[name] = key
				checkPlace(t, key, strings.TrimPrefix(filepath.ToSlash(strings.TrimPrefix(name, c.dir)), "/"))
			}
			if files := filesBelow(t, parent); len(files) == 0 {
				t.Error("no files")
			} else {
				for _, name := range files {
					if !strings.HasPrefix(name, "/cache/v1/") {
						t.Errorf("outside: %s", name)
					}
				}
			}
			if n := c.Stats().Files; n != int64(len(keys)) {
				t.Errorf("%d files for %d keys", n, len(keys))
			}
		})
	}
}

// checkPlace checks that a place is inside on every system, and that the object's
// own name is at its end.
func checkPlace(t *testing.T, key, place string) {
	t.Helper()
	if _, err := filepath.Localize(place); err != nil {
		t.Errorf("%q: %q: %v", key, place, err)
	}
	for component := range strings.SplitSeq(place, "/") {
		if len(component) > maxSegment || component == "" || component == "." || component == ".." {
			t.Errorf("%q: component %q", key, component)
		}
		if strings.ContainsAny(component, `<>:"\|?*`) || strings.TrimRight(component, ". ") != component || reserved(component) || !utf8.ValidString(component) {
			t.Errorf("%q: component %q is no file name on every system", key, component)
		}
		for _, c := range component {
			if c < 0x20 || c == 0x7f {
				t.Errorf("%q: component %q", key, component)
			}
		}
	}
	own := path.Base("/" + strings.TrimRight(key, "/"))
	switch base := path.Base(place); {
	case len(own) > 200: // cut, but its suffix is its own
		suffix := encode(strings.ToValidUTF8(path.Ext(own), "\uFFFD"))
		if len(suffix) <= 32 && suffix != "." && !strings.HasSuffix(base, suffix) {
			t.Errorf("%q ends in %q", key, base)
		}
	case safe(own) && base != own:
		t.Errorf("%q ends in %q", key, base)
	}
}

// safe reports whether a name needs no encoding.
func safe(name string) bool {
	return utf8.ValidString(name) && encode(name) == name && fits(name)
}

func TestNames(t *testing.T) {
	for _, row := range []struct{ key, place string }{
		{"model.bin", "bucket/model.bin"},
		{"a/b/model.bin", "bucket/a/b/model.bin"},
		{"a b/c+d&e.txt", "bucket/a b/c+d&e.txt"},
		{"a%41", "bucket/a%2541"},
		{`a\b`, "bucket/a%5Cb"},
		{"a:b", "bucket/a%3Ab"},
		{"con/aux.txt", "bucket/%63on/%61ux.txt"},
		{"x./y /z", "bucket/x%2E/y%20/z"},
		{"~h/x", "bucket/%7Eh/x"},
		{"a\nb", "bucket/a%0Ab"},
		{".hidden", "bucket/.hidden"},
		{"...", "bucket/..%2E"},
		{"COM¹", "bucket/%43OM¹"},
	} {
		for place := range identOf(keyOf(row.key)).places {
			if place != row.place {
				t.Errorf("%q is at %q, not %q", row.key, place, row.place)
			}
			break
		}
	}
	// By hash, with the object's own name at the end.
	for _, row := range []struct {
		key  Key
		name string
	}{
		{keyOf("a//model.bin"), "model.bin"},
		{keyOf("../model.bin"), "model.bin"},
		{keyOf("dir/model.bin/"), "model.bin"},
		{keyOf("/"), "object"},
		{keyOf(".."), "%2E%2E"},
		{keyOf("a\xff.txt"), "a\ufffd.txt"},
		{keyOf(strings.Repeat("x", 300) + ".tar.gz"), strings.Repeat("x", 237) + ".gz"},
		{keyOf(strings.Repeat(".", 300)), "object"},
		{keyOf(strings.Repeat(" ", 300) + ".gz"), "object.gz"},
		{keyOf(strings.Repeat("x", 300) + "."), strings.Repeat("x", 240)},
		{Key{Origin: "o", Bucket: "bucket", Key: "a/model.bin", Version: "v1"}, "model.bin"},
	} {
		for place := range identOf(row.key).places {
			if !strings.HasPrefix(place, "bucket/~h/") || path.Base(place) != row.name {
				t.Errorf("%v is at %q, not at …/%s", row.key, place, row.name)
			}
			break
		}
	}
}

// decode is the inverse of encode.
func decode(s string) (string, error) { return url.PathUnescape(s) }

func FuzzEncode(f *testing.F) {
	for _, key := range hostileKeys() {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e := encode(s)
		if back, err := decode(e); err != nil || back != s {
			t.Errorf("%q is encoded as %q, which is %q, %v", s, e, back, err)
		}
		if strings.HasPrefix(e, "~") {
			t.Errorf("%q is encoded as %q, which is of what is not mirrored", s, e)
		}
	})
}

// FuzzPlaces checks that no two keys have a place in common and that all of them
// are inside.
func FuzzPlaces(f *testing.F) {
	keys := hostileKeys()
	for i, key := range keys {
		f.Add("bucket", key, "", "bucket", keys[(i+1)%len(keys)], "")
	}
	f.Add("..", "x", "", "b", "../x", "")
	f.Add("b", "x/y", "", "b/x", "y", "")
	f.Add("b", "x", "v1", "b", "x", "v2")
	f.Add("b", "xv", "1", "b", "x", "v1")
	f.Add("~h", "x", "", "b", "~h", "")
	f.Fuzz(func(t *testing.T, bucket, key, version, bucket2, key2, version2 string) {
		one := Key{Origin: "o", Bucket: bucket, Key: key, Version: version}
		two := Key{Origin: "o", Bucket: bucket2, Key: key2, Version: version2}
		if one.check() != nil || two.check() != nil {
			return
		}
		seen := map[string]bool{}
		n := 0
		for place := range identOf(one).places {
			checkPlace(t, key, dataName(format+"/0123456789abcdef", place))
			if !validPlace(place) || seen[place] {
				t.Errorf("%v: %q", one, place)
			}
			seen[place] = true
			if n++; n == 3 {
				break
			}
		}
		if one == two {
			return
		}
		n = 0
		for place := range identOf(two).places {
			if seen[place] {
				t.Errorf("%v and %v have the place %q", one, two, place)
			}
			if n++; n == 3 {
				break
			}
		}
	})
}

func TestKeysThatAreNone(t *testing.T) {
	c := newCache(t)
	for _, key := range []Key{{}, {Bucket: "b"}, {Key: "k"}, {Origin: "\xff", Bucket: "b", Key: "k"}, {Bucket: "\xff", Key: "k"}, {Bucket: "b", Key: "k", Version: "\xff"}} {
		if _, err := c.Open(t.Context(), key, Revalidate(), nil); err == nil {
			t.Errorf("%v can be opened", key)
		}
		if err := c.Drop(key); err == nil {
			t.Errorf("%v can be dropped", key)
		}
	}
}
