package pattern

import (
	"strings"
	"unicode/utf8"
)

// The reference reads the language the slow and obvious way: braces are expanded in the
// text, and matching tries everything. It shares no code with the package.

// refParse returns the alternatives as texts, and false for a bad pattern.
func refParse(p string) (alts []string, ok bool) {
	if p == "" {
		return nil, false
	}
	alts, ok = refExpand(p)
	if !ok || len(alts) > 1024 {
		return nil, false
	}
	for _, a := range alts {
		if !refValid(a) {
			return nil, false
		}
	}
	return alts, true
}

// refSkip returns the length of the escape, class or character that s begins with, 0 when
// it is not complete.
func refSkip(s string) int {
	switch {
	case s[0] == '\\' && len(s) == 1:
		return 0
	case s[0] == '\\':
		_, n := utf8.DecodeRuneInString(s[1:])
		return 1 + n
	case s[0] != '[':
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	i := 1
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i++
	}
	if i < len(s) && s[i] == ']' {
		i++
	}
	for i < len(s) {
		switch s[i] {
		case ']':
			return i + 1
		case '\\':
			i++
			if i == len(s) {
				return 0
			}
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		i += n
	}
	return 0
}

// refExpand replaces the first brace by each of its branches and goes on with the results.
func refExpand(p string) ([]string, bool) {
	open, depth, piece := -1, 0, 0
	var branches []string
	for i := 0; i < len(p); {
		n := refSkip(p[i:])
		if n == 0 {
			return nil, false
		}
		switch p[i] {
		case '{':
			if depth == 0 {
				open, piece = i, i+1
			}
			depth++
		case ',':
			if depth == 1 {
				branches = append(branches, p[piece:i])
				piece = i + 1
			}
		case '}':
			if depth == 0 {
				break
			}
			depth--
			if depth > 0 {
				break
			}
			branches = append(branches, p[piece:i])
			var all []string
			for _, b := range branches {
				alts, ok := refExpand(p[:open] + b + p[i+1:])
				if !ok {
					return nil, false
				}
				if all = append(all, alts...); len(all) > 1024 {
					return nil, false
				}
			}
			return all, true
		}
		i += n
	}
	return []string{p}, depth == 0
}

// refComponents splits an alternative at its slashes.
func refComponents(alt string) (comps []string) {
	begin := 0
	for i := 0; i < len(alt); {
		n := refSkip(alt[i:])
		if alt[i:i+n] == "/" || alt[i:i+n] == `\/` {
			comps = append(comps, alt[begin:i])
			begin = i + n
		}
		i += n
	}
	return append(comps, alt[begin:])
}

func refValid(alt string) bool {
	if alt == "" || len(alt) >= 5 && strings.EqualFold(alt[:5], "s3://") {
		return false
	}
	// Leading "." components say nothing; what is left must not be empty or absolute.
	rest := alt
	for strings.HasPrefix(rest, "./") || strings.HasPrefix(rest, `.\/`) {
		rest = strings.TrimPrefix(strings.TrimPrefix(rest, "."), `\`)[1:]
	}
	if rest == "" || rest == "." || rest[0] == '/' {
		return false
	}
	for _, c := range refComponents(alt) {
		if c == ".." {
			return false
		}
		stars := 0
		for i := 0; i < len(c); {
			n := refSkip(c[i:])
			if c[i] == '*' {
				stars++
			} else {
				stars = 0
			}
			if stars == 2 && c != "**" {
				return false
			}
			i += n
		}
	}
	return true
}

// refMatch reports whether one of the alternatives matches the path, given in components.
func refMatch(alts []string, names []string, isDir bool) bool {
	for _, alt := range alts {
		var comps []string
		all := refComponents(alt)
		dirOnly := len(all) > 1 && all[len(all)-1] == ""
		if dirOnly {
			all = all[:len(all)-1]
		}
		for _, c := range all {
			if c != "." && (c != "**" || len(comps) == 0 || comps[len(comps)-1] != "**") {
				comps = append(comps, c)
			}
		}
		dirOnly = dirOnly || comps[len(comps)-1] == ""
		if (isDir || !dirOnly) && refPath(comps, names) {
			return true
		}
	}
	return false
}

func refPath(comps, names []string) bool {
	if len(comps) == 0 {
		return len(names) == 0
	}
	if comps[0] == "**" {
		return refPath(comps[1:], names) || len(names) > 0 && refPath(comps, names[1:])
	}
	return len(names) > 0 && refName(comps[0], names[0]) && refPath(comps[1:], names[1:])
}

func refName(comp, name string) bool {
	if comp == "" || name == "" {
		return comp == name
	}
	return refItems(refLiterals(comp), refChars(name))
}

// refChars splits a string into runes and invalid bytes.
func refChars(s string) (chars []string) {
	for s != "" {
		_, n := utf8.DecodeRuneInString(s)
		chars = append(chars, s[:n])
		s = s[n:]
	}
	return chars
}

// refLiterals splits a component into single characters, written with a leading backslash,
// and wildcards.
func refLiterals(comp string) (items []string) {
	run := ""
	flush := func() {
		for _, c := range refChars(run) {
			items = append(items, `\`+c)
		}
		run = ""
	}
	for comp != "" {
		n := refSkip(comp)
		switch comp[0] {
		case '*', '?', '[':
			flush()
			items = append(items, comp[:n])
		default:
			run += strings.TrimPrefix(comp[:n], `\`)
		}
		comp = comp[n:]
	}
	flush()
	return items
}

func refItems(items, chars []string) bool {
	switch {
	case len(items) == 0:
		return len(chars) == 0
	case items[0] == "*":
		return refItems(items[1:], chars) || len(chars) > 0 && refItems(items, chars[1:])
	case len(chars) == 0:
		return false
	case items[0] == "?", items[0][0] == '\\' && items[0][1:] == chars[0]:
		return refItems(items[1:], chars[1:])
	case items[0][0] == '[' && refClass(items[0], chars[0]):
		return refItems(items[1:], chars[1:])
	}
	return false
}

// refClass compares characters by rune, invalid bytes behind all runes.
func refClass(cl, char string) bool {
	order := func(c string) int {
		if r, n := utf8.DecodeRuneInString(c); r != utf8.RuneError || n > 1 {
			return int(r)
		}
		return 1<<30 + int(c[0])
	}
	var members []string // characters; "-" alone is a hyphen that was not escaped
	body := cl[1 : len(cl)-1]
	negated := body[0] == '!' || body[0] == '^'
	if negated {
		body = body[1:]
	}
	chars := refChars(body)
	for i := 0; i < len(chars); i++ {
		if chars[i] == `\` {
			i++
			members = append(members, `\`+chars[i])
			continue
		}
		members = append(members, chars[i])
	}
	plain := func(m string) string {
		if len(m) > 1 {
			return strings.TrimPrefix(m, `\`)
		}
		return m
	}
	found := false
	for i := 0; i < len(members); i++ {
		lo, hi := plain(members[i]), plain(members[i])
		if i+2 < len(members) && members[i+1] == "-" {
			hi = plain(members[i+2])
			i += 2
		}
		if order(lo) <= order(char) && order(char) <= order(hi) {
			found = true
		}
	}
	return found != negated
}
