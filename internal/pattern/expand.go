package pattern

import (
	"errors"
	"fmt"
	"iter"
)

const (
	// maxAlternatives is how many alternatives the braces of a pattern may stand for.
	maxAlternatives = 1024
	// maxExpanded bounds what the alternatives may come to in all, in characters. The
	// longest key of S3 has 1024 bytes: room for as many of these as there may be alternatives.
	maxExpanded = maxAlternatives * 1024
)

// checkSize computes how many alternatives there are, and how long they are together,
// without expanding any.
func (src *source) checkSize() error {
	// For each open brace: the branches already closed, and the branch being read. Sizes
	// count braces too, because expanding has to step over them.
	type level struct{ doneCount, doneSize, count, size int }
	levels := []level{{count: 1}}
	for _, lx := range src.lexemes {
		top := &levels[len(levels)-1]
		switch lx.kind {
		case openLexeme:
			levels = append(levels, level{count: 1, size: 1})
		case commaLexeme, closeLexeme:
			top.doneCount += top.count
			top.doneSize += top.size
			top.count, top.size = 1, 1
			if lx.kind == closeLexeme {
				in := *top
				levels = levels[:len(levels)-1]
				top = &levels[len(levels)-1]
				top.size = top.size*in.doneCount + in.doneSize*top.count
				top.count *= in.doneCount
			}
		default:
			top.size += top.count
		}
		// Counts and sizes only grow on the way out and to the end, so what is too much here
		// will stay so; and stopping at once keeps the numbers small.
		if top.count > maxAlternatives {
			return fmt.Errorf("its braces stand for more than %d alternatives", maxAlternatives)
		}
		if top.count > 1 && top.size > maxExpanded {
			return errors.New("its alternatives are too long together")
		}
	}
	return nil
}

// alternatives yields the lexemes of each alternative, braces taken out. The slice is only
// good until the next one.
func (src *source) alternatives() iter.Seq[[]lexeme] {
	return func(yield func([]lexeme) bool) {
		// The branches taken so far, in the order in which their braces are met. The last
		// one counts up; what was chosen behind it starts again.
		type choice struct {
			brace  int32
			branch int
		}
		var choices []choice
		var alt []lexeme
		for {
			alt = alt[:0]
			taken := 0
			for i := 0; i < len(src.lexemes); {
				lx := src.lexemes[i]
				switch lx.kind {
				case openLexeme:
					if taken == len(choices) {
						choices = append(choices, choice{brace: lx.ref})
					}
					i = src.braces[lx.ref].branches[choices[taken].branch]
					taken++
				case commaLexeme, closeLexeme:
					i = src.braces[lx.ref].end + 1
				default:
					alt = append(alt, lx)
					i++
				}
			}
			if !yield(alt) {
				return
			}
			for len(choices) > 0 {
				last := &choices[len(choices)-1]
				last.branch++
				if last.branch < len(src.braces[last.brace].branches) {
					break
				}
				choices = choices[:len(choices)-1]
			}
			if len(choices) == 0 {
				return
			}
		}
	}
}
