package pattern

import "strings"

// Quote returns a pattern that matches exactly s, whatever bytes it has: wildcards lose
// their meaning, and so do a slash at the beginning, a leading "s3://" and the components
// "." and "..". A leading "!", which some filters read as "take back", is escaped too. A
// slash at the end of s stays what it is in a pattern: the directory only. The pieces may
// be put together with others by "/" or inside braces.
//
// The root, "", has no pattern that matches it alone: Quote("") is "", which Parse refuses.
func Quote(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 4)
	if s != "" && (s[0] == '/' || s[0] == '!' || len(s) >= 5 && strings.EqualFold(s[:5], "s3://")) {
		b.WriteByte('\\')
	}
	begin := 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != '/' {
			continue
		}
		quoteName(&b, s[begin:i])
		if i < len(s) {
			b.WriteByte('/')
		}
		begin = i + 1
	}
	return b.String()
}

func quoteName(b *strings.Builder, name string) {
	special := `*?[]{},\`
	if name == "." || name == ".." {
		special = "."
	}
	for i := range len(name) {
		if strings.IndexByte(special, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
}
