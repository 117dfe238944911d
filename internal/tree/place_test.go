package tree

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestBefore(t *testing.T) {
	tests := []struct{ s, want string }{
		{"", ""},
		{"a", "`" + top},
		{"a/", "a." + top},
		{"a/b", "a/a" + top},
		{"d!", "d " + top},
		{"d ", "d"}, // nothing before a space is safe to send
		{"d\n", "d"},
		{"d\x00", "d"},
		{"d\x7f", "d~" + top},
		{"d\u0085", "d~" + top},
		{"d\u00a0", "d~" + top},
		{"d\u00a1", "d\u00a0" + top},
		{"dé", "dè" + top},
		{"d\ue000", "d\ud7ff" + top},
		{"d\ufffd", "d"},
		{"d\ufffe", "d\ufffd" + top},
		{"d\U00010000", "d\ufffd" + top},
		{"d\xff", "d"},
	}
	for _, test := range tests {
		got := before(test.s)
		if got != test.want {
			t.Errorf("before(%q) = %q, want %q", test.s, got, test.want)
		}
		if got >= test.s && test.s != "" || utf8.ValidString(test.s) && !utf8.ValidString(got) {
			t.Errorf("before(%q) = %q does not come before it as valid UTF-8", test.s, got)
		}
	}
}

func TestPlaceReached(t *testing.T) {
	keys := []string{"a", "a-b", "a/", "a/b", "a/c/d", "a0", "b"}
	tests := []struct {
		place place
		want  string // the keys behind it
		after string // what a request below the bucket starts behind
	}{
		{place{"", at}, "a a-b a/ a/b a/c/d a0 b", ""},
		{place{"a/", at}, "a/ a/b a/c/d a0 b", "a." + top},
		{place{"a/b", at}, "a/b a/c/d a0 b", "a/a" + top},
		{place{"a", behindKey}, "a-b a/ a/b a/c/d a0 b", "a"},
		{place{"a/", behindKey}, "a/b a/c/d a0 b", "a/"},
		{place{"a/", behindDir}, "a0 b", "a/" + top},
		{place{"a/c/", behindDir}, "a0 b", "a/c/" + top},
		{place{"b", behindKey}, "", "b"},
	}
	for _, test := range tests {
		got := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !test.place.reached(key) })
		if strings.Join(got, " ") != test.want {
			t.Errorf("behind %+v are %q, want %q", test.place, got, test.want)
		}
		after := test.place.after("")
		if after != test.after {
			t.Errorf("a request reaches %+v behind %q, want %q", test.place, after, test.after)
		}
		for _, key := range got {
			if key <= after {
				t.Errorf("a request behind %q misses %q", after, key)
			}
		}
	}
}
