package pattern

import "errors"

// alternative is one alternative of a pattern, in components.
type alternative struct {
	components [][]lexeme
	dirOnly    bool
}

// split takes an alternative apart at its slashes and refuses what is no relative path.
func split(lexemes []lexeme) (alternative, error) {
	var alt alternative
	if len(lexemes) == 0 {
		return alt, errors.New("one of its alternatives is empty")
	}
	if hasScheme(lexemes) {
		return alt, errors.New(`it is relative to the path it is used on, and cannot begin with "s3://"`)
	}
	begin := 0
	for i, lx := range lexemes {
		if lx.kind != slashLexeme {
			continue
		}
		name := lexemes[begin:i]
		begin = i + 1
		if len(name) == 0 && len(alt.components) == 0 && !lx.escaped {
			return alt, errors.New(`it is relative to the path it is used on, and cannot begin with "/"`)
		}
		if err := alt.add(name); err != nil {
			return alt, err
		}
	}
	// What is behind the last slash is a component, unless there is nothing.
	if begin == len(lexemes) {
		alt.dirOnly = true
	} else if err := alt.add(lexemes[begin:]); err != nil {
		return alt, err
	}
	if len(alt.components) == 0 {
		return alt, errors.New(`it is only "."`)
	}
	// "a//." is "a//": only a directory can have an empty name.
	if len(alt.components[len(alt.components)-1]) == 0 {
		alt.dirOnly = true
	}
	return alt, nil
}

// add appends a component, dropping a ".".
func (alt *alternative) add(name []lexeme) error {
	if isDots(name) {
		if len(name) == 1 {
			return nil
		}
		return errors.New(`it cannot go up with ".." (a key's own ".." is written "\.\.")`)
	}
	stars := 0
	for _, lx := range name {
		if lx.kind != starLexeme {
			stars = 0
			continue
		}
		if stars++; stars == 2 && len(name) != 2 {
			return errors.New(`"**" has to be a component of its own`)
		}
	}
	alt.components = append(alt.components, name)
	return nil
}

// isDots reports whether a component is "." or "..", written without a backslash.
func isDots(name []lexeme) bool {
	if len(name) != 1 && len(name) != 2 {
		return false
	}
	for _, lx := range name {
		if lx.kind != literalLexeme || lx.char != '.' || lx.escaped {
			return false
		}
	}
	return true
}

// isDeep reports whether a component is "**".
func isDeep(name []lexeme) bool {
	return len(name) == 2 && name[0].kind == starLexeme && name[1].kind == starLexeme
}

// hasScheme reports whether an alternative begins with "s3://", which is a whole path where
// a relative one is wanted.
func hasScheme(lexemes []lexeme) bool {
	const scheme = "s3://"
	if len(lexemes) < len(scheme) {
		return false
	}
	for i, want := range scheme {
		lx := lexemes[i]
		if lx.escaped {
			return false
		}
		switch {
		case lx.kind == slashLexeme && want == '/':
		case lx.kind == literalLexeme && (lx.char == want || lx.char == 'S' && want == 's'):
		default:
			return false
		}
	}
	return true
}
