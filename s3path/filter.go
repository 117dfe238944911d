package s3path

import (
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
	after, before            time.Time
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

func (f *filter) addExtensions(extensions []string) {
	for _, e := range extensions {
		f.extensions = append(f.extensions, "."+strings.ToLower(strings.TrimPrefix(e, ".")))
	}
}

func matchAny(list []*pattern.Pattern, rel string, dir bool) bool {
	for _, p := range list {
		if p.Match(rel, dir) {
			return true
		}
	}
	return false
}

// dropped reports whether an exclusion matches the path or a directory it is
// in, and nothing takes it back.
func (f *filter) dropped(rel string, dir bool) bool {
	if len(f.exclude) == 0 {
		return false
	}
	if matchAny(f.retake, rel, dir) {
		return false
	}
	if matchAny(f.exclude, rel, dir) {
		return true
	}
	for i := range len(rel) {
		if rel[i] == '/' && matchAny(f.exclude, rel[:i], true) {
			return !matchAny(f.retake, rel[:i], true)
		}
	}
	return false
}

// prune is the directories that a listing need not enter: the excluded ones,
// unless something below might be taken back in.
func (f *filter) prune(root string) func(dir string) bool {
	if len(f.exclude) == 0 {
		return nil
	}
	base := len(tree.DirPrefix(root))
	return func(dir string) bool {
		rel := strings.TrimSuffix(dir[base:], "/")
		if !matchAny(f.exclude, rel, true) {
			return false
		}
		for _, p := range f.retake {
			st := p.Start()
			for name := range strings.SplitSeq(rel, "/") {
				st = st.Step(name)
			}
			if st.Accepts(true) || st.Below() {
				return false
			}
		}
		return true
	}
}

// keeps decides about an entry. A directory is dropped by exclusion only.
func (f *filter) keeps(e Entry) bool {
	rel := e.rel
	if e.dir {
		rel = strings.TrimSuffix(rel, "/") // of a directory whose name is empty
	}
	if f.dropped(rel, e.dir) {
		return false
	}
	if e.dir {
		return true
	}
	switch {
	case len(f.include) > 0 && !matchAny(f.include, rel, false),
		f.minSize != nil && e.Size() < *f.minSize,
		f.maxSize != nil && e.Size() > *f.maxSize,
		!f.after.IsZero() && !e.ModTime().After(f.after),
		!f.before.IsZero() && !e.ModTime().Before(f.before),
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
