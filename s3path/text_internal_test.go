package s3path

import "testing"

func TestDecodeText(t *testing.T) {
	for _, row := range []struct{ name, data, want string }{
		{"nothing", "", ""},
		{"no mark", "grüß 日本 \U0001F600", "grüß 日本 \U0001F600"},
		{"NUL", "a\x00b", "a\x00b"},
		{"UTF-8 mark", "\xEF\xBB\xBFgrüß", "grüß"},
		{"UTF-8 mark alone", "\xEF\xBB\xBF", ""},
		{"two UTF-8 marks: one is text", "\xEF\xBB\xBF\xEF\xBB\xBFa", "\uFEFFa"},
		{"UTF-8 mark inside", "a\xEF\xBB\xBFb", "a\uFEFFb"},
		{"truncated UTF-8 mark", "\xEF\xBB", "\uFFFD\uFFFD"},
		{"UTF-16LE", "\xFF\xFEg\x00\xFC\x00\x3D\xD8\x00\xDE", "gü\U0001F600"},
		{"UTF-16BE", "\xFE\xFF\x00g\x00\xFC\xD8\x3D\xDE\x00", "gü\U0001F600"},
		{"UTF-16LE mark alone", "\xFF\xFE", ""},
		{"UTF-16BE mark alone", "\xFE\xFF", ""},
		{"UTF-16LE, truncated", "\xFF\xFEg\x00\xFC", "g\uFFFD"},
		{"UTF-16BE, truncated", "\xFE\xFF\x00g\x00", "g\uFFFD"},
		{"UTF-16LE, half a pair", "\xFF\xFE\x3D\xD8a\x00", "\uFFFDa"},
		{"UTF-16BE, half a pair at the end", "\xFE\xFF\x00a\xD8\x3D", "a\uFFFD"},
		{"UTF-16LE, second half alone", "\xFF\xFE\x00\xDEa\x00", "\uFFFDa"},
		{"UTF-32LE, before UTF-16LE whose mark it begins with", "\xFF\xFE\x00\x00g\x00\x00\x00\xFC\x00\x00\x00\x00\xF6\x01\x00", "gü\U0001F600"},
		{"UTF-32BE", "\x00\x00\xFE\xFF\x00\x00\x00g\x00\x00\x00\xFC\x00\x01\xF6\x00", "gü\U0001F600"},
		{"UTF-32LE mark alone", "\xFF\xFE\x00\x00", ""},
		{"UTF-32BE mark alone", "\x00\x00\xFE\xFF", ""},
		{"UTF-32LE, truncated", "\xFF\xFE\x00\x00g\x00\x00\x00\xFC\x00\x00", "g\uFFFD"},
		{"UTF-32BE, truncated", "\x00\x00\xFE\xFF\x00\x00\x00g\x00", "g\uFFFD"},
		{"UTF-32LE, a surrogate", "\xFF\xFE\x00\x00\x00\xD8\x00\x00", "\uFFFD"},
		{"UTF-32BE, too large", "\x00\x00\xFE\xFF\x00\x11\x00\x00", "\uFFFD"},
		{"UTF-32BE, larger than 31 bits", "\x00\x00\xFE\xFF\xFF\xFF\xFF\xFFa", "\uFFFD\uFFFD"},
		{"invalid bytes, one each", "a\xFFb\xC3(\xE2\x82", "a\uFFFDb\uFFFD(\uFFFD\uFFFD"},
		{"an encoded surrogate", "\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
		{"an overlong slash", "\xC0\xAF", "\uFFFD\uFFFD"},
		{"half of the UTF-32BE mark", "\x00\x00\xFE", "\x00\x00\uFFFD"},
	} {
		if got := decodeText([]byte(row.data)); got != row.want {
			t.Errorf("%s: %q became %q, want %q", row.name, row.data, got, row.want)
		}
	}
}
