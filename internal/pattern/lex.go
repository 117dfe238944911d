package pattern

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// A character is a rune. Bytes outside valid UTF-8 are numbered behind the last rune, so
// that they compare, and stand in classes, like any other character.
const invalidByte = utf8.MaxRune + 1

// firstChar returns the character that s begins with and its length in bytes.
func firstChar(s string) (rune, int) {
	r, n := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && n == 1 {
		r = invalidByte + rune(s[0])
	}
	return r, n
}

type lexemeKind uint8

const (
	literalLexeme lexemeKind = iota
	slashLexeme
	starLexeme
	anyLexeme
	classLexeme
	openLexeme  // "{"
	commaLexeme // "," inside braces
	closeLexeme // "}"
)

// lexeme is one token of a pattern. ref is the index of its class or brace.
type lexeme struct {
	kind    lexemeKind
	escaped bool // written with a backslash
	char    rune
	ref     int32
}

// brace is where its branches begin and where it closes, as indices of lexemes.
type brace struct {
	branches []int
	end      int
}

// source is a pattern in lexemes.
type source struct {
	lexemes []lexeme
	classes []class
	braces  []brace
}

// lex takes a pattern apart. It reports what can be seen without expanding braces: an
// unclosed class or brace and a backslash with nothing behind it.
func lex(s string) (*source, error) {
	src := new(source)
	var open []int32 // braces not closed yet
	var openAt []int
	for i := 0; i < len(s); {
		c, n := firstChar(s[i:])
		lx := lexeme{char: c}
		switch c {
		case '\\':
			if i+n == len(s) {
				return nil, errors.New(`the "\" at its end escapes nothing`)
			}
			i += n
			lx.char, n = firstChar(s[i:])
			lx.escaped = true
			if lx.char == '/' {
				lx.kind = slashLexeme
			}
		case '/':
			lx.kind = slashLexeme
		case '*':
			lx.kind = starLexeme
		case '?':
			lx.kind = anyLexeme
		case '[':
			var cl class
			if cl, n = lexClass(s[i:]); n == 0 {
				return nil, fmt.Errorf(`the "[" at byte %d is never closed`, i)
			}
			lx.kind = classLexeme
			lx.ref = int32(len(src.classes))
			src.classes = append(src.classes, cl)
		case '{':
			lx.kind = openLexeme
			lx.ref = int32(len(src.braces))
			src.braces = append(src.braces, brace{branches: []int{len(src.lexemes) + 1}})
			open = append(open, lx.ref)
			openAt = append(openAt, i)
		case ',', '}':
			if len(open) == 0 {
				break
			}
			lx.ref = open[len(open)-1]
			b := &src.braces[lx.ref]
			if c == ',' {
				lx.kind = commaLexeme
				b.branches = append(b.branches, len(src.lexemes)+1)
				break
			}
			lx.kind = closeLexeme
			b.end = len(src.lexemes)
			open = open[:len(open)-1]
			openAt = openAt[:len(openAt)-1]
		}
		src.lexemes = append(src.lexemes, lx)
		i += n
	}
	if len(open) > 0 {
		return nil, fmt.Errorf(`the "{" at byte %d is never closed`, openAt[len(openAt)-1])
	}
	return src, nil
}
