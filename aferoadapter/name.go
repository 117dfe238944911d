package aferoadapter

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// target is a name that a caller gave, and what it stands for.
type target struct {
	given string
	rel   string // below the root, as io/fs spells it
	dir   bool   // spelled so that it can only be a directory
	dot   bool   // its last component is "."
}

// named resolves a name: from the root, whatever it begins with, and never out of
// it.
func named(op, name string) (target, error) {
	if name == "" {
		return target{}, &os.PathError{Op: op, Path: name, Err: os.ErrNotExist}
	}
	s := filepath.ToSlash(name[len(filepath.VolumeName(name)):])
	if strings.Contains(s, "\x00") || !utf8.ValidString(s) {
		return target{}, &os.PathError{Op: op, Path: name, Err: syscall.EINVAL}
	}
	t := target{given: name, rel: "."}
	if clean := path.Clean("/" + s); clean != "/" {
		t.rel = clean[1:]
	}
	last := s[strings.LastIndexByte(s, '/')+1:]
	t.dot = last == "."
	t.dir = last == "" || t.dot || last == ".." || t.rel == "."
	return t, nil
}

func (t target) root() bool { return t.rel == "." }

// base is what FileInfo.Name is to say.
func (t target) base() string {
	if t.root() && strings.HasPrefix(t.given, "/") {
		return "/"
	}
	return path.Base(t.rel)
}

// parent is the directory that the target is in.
func (t target) parent() target {
	up := path.Dir(t.rel)
	return target{given: up, rel: up, dir: true}
}

// as is the name of a directory above a target, or of the target itself, as an error
// about the target gives it.
func (t target) as(below target) string {
	switch {
	case t.rel == below.rel:
		return below.given
	case strings.HasPrefix(below.given, "/"):
		return "/" + t.rel
	}
	return t.rel
}

// path is the target on S3, spelled as a directory where it can only be one.
func (f *Fs) path(t target) s3path.S3Path {
	switch {
	case t.root():
		return f.root.AsDir()
	case t.dir:
		return f.root.Child(t.rel).AsDir()
	}
	return f.root.Child(t.rel)
}
