package s3path

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// filter chooses entries of a listing. It never costs a request.
type filter struct {
	include, exclude, retake []*pattern.Pattern
	extensions               []string
	minSize, maxSize         *int64
	after, before            *time.Time
	keep                     []func(Entry) bool
}

func (f *filter) addInclude(patterns []string) error {
	return addPatterns(&f.include, "WithInclude", patterns)
}

func (f *filter) addExclude(patterns []string) error {
	for _, text := range patterns {
		list := &f.exclude
		if rest, ok := strings.CutPrefix(text, "!"); ok {
			list, text = &f.retake, rest
		}
		if err := addPatterns(list, "WithExclude", []string{text}); err != nil {
			return err
		}
	}
	return nil
}

func addPatterns(list *[]*pattern.Pattern, option string, patterns []string) error {
	for _, text := range patterns {
		p, err := pattern.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", option, err)
		}
		*list = append(*list, p)
	}
	return nil
}

func (f *filter) addExtensions(extensions []string) error {
	for _, e := range extensions {
		e = strings.ToLower(strings.TrimPrefix(e, "."))
		if e == "" {
			return errors.New("WithExtensions: an empty extension")
		}
		f.extensions = append(f.extensions, "."+e)
	}
	return nil
}

func matchAny(list []*pattern.Pattern, rel string, dir bool) bool {
	for _, p := range list {
		if p.Match(rel, dir) {
			return true
		}
	}
	return false
}

// matchDir is matchAny for a directory below the root, without its slash. It
// may have an empty name, which as a path would be the root.
func matchDir(list []*pattern.Pattern, rel string) bool {
	if rel != "" {
		return matchAny(list, rel, true)
	}
	for _, p := range list {
		if p.Start().Step("").Accepts(true) {
			return true
		}
	}
	return false
}

// dropped reports whether an exclusion drops the entry: of the entry and the
// directories it is in, the nearest that a pattern matches decides, and of the
// patterns that match it those that take back in.
func (f *filter) dropped(e Entry) bool {
	if len(f.exclude) == 0 {
		return false
	}
	rel := e.rel
	switch {
	case !e.dir || rel == "":
		if matchAny(f.retake, rel, e.dir) || matchAny(f.exclude, rel, e.dir) {
			return !matchAny(f.retake, rel, e.dir)
		}
	case strings.HasSuffix(rel, "/"):
		// A directory without a name.
	default:
		rel += "/"
	}
	for i := len(rel) - 1; i >= 0; i-- {
		if rel[i] != '/' {
			continue
		}
		if matchDir(f.retake, rel[:i]) {
			return false
		}
		if matchDir(f.exclude, rel[:i]) {
			return true
		}
	}
	return false
}

// prune is the directories that a listing need not enter: those that are
// dropped, unless something below might be taken back in.
func (f *filter) prune(root string) func(dir string) bool {
	if len(f.exclude) == 0 {
		return nil
	}
	base := len(tree.DirPrefix(root))
	return func(dir string) bool {
		names := dir[base : len(dir)-1]
		rel := names
		if rel == "" || strings.HasSuffix(rel, "/") {
			rel += "/" // as an entry has it
		}
		return f.dropped(Entry{dir: true, rel: rel}) && !f.mayRetake(names)
	}
}

// mayRetake reports whether something below a directory may be taken back in.
func (f *filter) mayRetake(names string) bool {
	for _, p := range f.retake {
		st := p.Start()
		for name := range strings.SplitSeq(names, "/") {
			st = st.Step(name)
		}
		if st.Below() {
			return true
		}
	}
	return false
}

// keeps decides about an entry. A directory is dropped by exclusion only.
func (f *filter) keeps(e Entry) bool {
	if f.dropped(e) {
		return false
	}
	if e.dir {
		return true
	}
	switch {
	case len(f.include) > 0 && !matchAny(f.include, e.rel, false),
		f.minSize != nil && e.Size() < *f.minSize,
		f.maxSize != nil && e.Size() > *f.maxSize,
		f.after != nil && !e.ModTime().After(*f.after),
		f.before != nil && !e.ModTime().Before(*f.before),
		len(f.extensions) > 0 && !f.extension(e.Name()):
		return false
	}
	for _, keep := range f.keep {
		if !keep(e) {
			return false
		}
	}
	return true
}

func (f *filter) extension(name string) bool {
	name = strings.ToLower(name)
	for _, e := range f.extensions {
		if strings.HasSuffix(name, e) {
			return true
		}
	}
	return false
}
