package pattern

import (
	"strings"
	"unicode/utf8"
)

// component matches one name, that of a file or a directory.
type component struct {
	literal bool   // head is the name, there is no wildcard
	affix   bool   // head, one "*", tail
	head    string // what every match begins with
	tail    string
	tokens  []token // used where neither of the above applies
}

type tokenKind uint8

const (
	charToken tokenKind = iota
	anyToken
	classToken
	starToken
)

// token matches one character, or with a star any run of them.
type token struct {
	kind  tokenKind
	char  rune
	class *class
}

func (t *token) has(c rune) bool {
	switch t.kind {
	case charToken:
		return t.char == c
	case classToken:
		return t.class.has(c)
	}
	return true
}

// compile makes a component out of its lexemes.
func (src *source) compile(name []lexeme) *component {
	c := new(component)
	// Literal characters are put together and taken apart again: bytes that are invalid
	// alone may have become a rune where braces brought them together.
	var run []byte
	firstWild, wilds := -1, 0
	flush := func() {
		for s := string(run); s != ""; {
			r, n := firstChar(s)
			c.tokens = append(c.tokens, token{kind: charToken, char: r})
			s = s[n:]
		}
		if wilds == 0 {
			c.head = string(run)
		}
		c.tail = string(run)
		run = run[:0]
	}
	for _, lx := range name {
		if lx.kind == literalLexeme {
			run = appendChar(run, lx.char)
			continue
		}
		flush()
		if wilds == 0 {
			firstWild = len(c.tokens)
		}
		wilds++
		switch lx.kind {
		case starLexeme:
			c.tokens = append(c.tokens, token{kind: starToken})
		case anyLexeme:
			c.tokens = append(c.tokens, token{kind: anyToken})
		case classLexeme:
			c.tokens = append(c.tokens, token{kind: classToken, class: &src.classes[lx.ref]})
		}
	}
	flush()
	c.literal = wilds == 0
	// Comparing bytes is comparing characters as long as the literal is valid UTF-8.
	c.affix = wilds == 1 && c.tokens[firstWild].kind == starToken && utf8.ValidString(c.head) && utf8.ValidString(c.tail)
	if c.literal || c.affix {
		c.tokens = nil
	}
	return c
}

// appendChar is the inverse of firstChar.
func appendChar(b []byte, c rune) []byte {
	if c >= invalidByte {
		return append(b, byte(c-invalidByte))
	}
	return utf8.AppendRune(b, c)
}

// key tells components apart that match differently.
func (src *source) key(name []lexeme) string {
	var b []byte
	for _, lx := range name {
		switch lx.kind {
		case literalLexeme:
			b = appendChar(append(b, 'c'), lx.char)
		case anyLexeme:
			b = append(b, '?')
		case starLexeme:
			b = append(b, '*')
		case classLexeme:
			b = append(b, src.classes[lx.ref].text...)
		}
	}
	return string(b)
}

// match reports whether the component matches name.
func (c *component) match(name string) bool {
	switch {
	case c.literal:
		return name == c.head
	case name == "":
		return false // an empty name has to be written, or left to "**"
	case !strings.HasPrefix(name, c.head):
		return false
	case c.affix:
		return len(name) >= len(c.head)+len(c.tail) && strings.HasSuffix(name, c.tail)
	}
	return matchTokens(c.tokens, name)
}

// matchTokens goes back to the last star only: what an earlier star could take besides, the
// last one can take as well. So it takes len(tokens) × len(name) steps at worst.
func matchTokens(tokens []token, name string) bool {
	t, i := 0, 0
	star, from := -1, 0 // the token behind the last star, and where that star's run ends
	for i < len(name) {
		if t < len(tokens) && tokens[t].kind == starToken {
			t++
			if t == len(tokens) {
				return true
			}
			star, from = t, i
			continue
		}
		c, n := firstChar(name[i:])
		if t < len(tokens) && tokens[t].has(c) {
			t++
			i += n
			continue
		}
		if star < 0 {
			return false
		}
		_, n = firstChar(name[from:])
		from += n
		t, i = star, from
	}
	for t < len(tokens) && tokens[t].kind == starToken {
		t++
	}
	return t == len(tokens)
}
