package pattern

// class is a character class such as [a-z] or [!a-z].
type class struct {
	text    string // as written, brackets included
	negated bool
	ranges  []charRange
}

type charRange struct{ lo, hi rune }

// lexClass reads the class that s begins with and returns its length in bytes, 0 when it is
// never closed.
func lexClass(s string) (class, int) {
	var c class
	i := len("[")
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		c.negated = true
		i++
	}
	for first := true; ; first = false {
		if i >= len(s) {
			return class{}, 0
		}
		if s[i] == ']' && !first {
			i++
			c.text = s[:i]
			return c, i
		}
		lo, n := classChar(s[i:])
		if n == 0 {
			return class{}, 0
		}
		i += n
		hi := lo
		// A "-" that is last is itself, not a range.
		if i+1 < len(s) && s[i] == '-' && s[i+1] != ']' {
			if hi, n = classChar(s[i+1:]); n == 0 {
				return class{}, 0
			}
			i += 1 + n
		}
		c.ranges = append(c.ranges, charRange{lo, hi})
	}
}

// classChar reads one member of a class, which a backslash may escape; 0 bytes when a
// backslash is all that is left.
func classChar(s string) (rune, int) {
	if s[0] != '\\' {
		return firstChar(s)
	}
	if len(s) == 1 {
		return 0, 0
	}
	c, n := firstChar(s[1:])
	return c, 1 + n
}

// has reports whether the class matches c. A "/" never gets here: names do not hold it.
func (cl *class) has(c rune) bool {
	for _, r := range cl.ranges {
		if r.lo <= c && c <= r.hi {
			return !cl.negated
		}
	}
	return cl.negated
}
