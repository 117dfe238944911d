package aferoadapter_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
)

var (
	sequences = flag.Int("sequences", 1000, "how many random sequences of calls are compared with the disk's")
	firstSeed = flag.Uint64("seed", 1, "the seed of the first of them")
)

// disk is the file system that must not be told from ours: afero.OsFs below a
// directory, with names taken as they are.
type disk struct {
	afero.Fs
	dir string
}

func (d disk) at(name string) string {
	if name == "" {
		return ""
	}
	return d.dir + "/" + name
}

func (d disk) Create(name string) (afero.File, error)       { return d.Fs.Create(d.at(name)) }
func (d disk) Mkdir(name string, perm os.FileMode) error    { return d.Fs.Mkdir(d.at(name), perm) }
func (d disk) MkdirAll(name string, perm os.FileMode) error { return d.Fs.MkdirAll(d.at(name), perm) }
func (d disk) Open(name string) (afero.File, error)         { return d.Fs.Open(d.at(name)) }
func (d disk) OpenFile(name string, flag int, perm os.FileMode) (afero.File, error) {
	return d.Fs.OpenFile(d.at(name), flag, perm)
}
func (d disk) Remove(name string) error                  { return d.Fs.Remove(d.at(name)) }
func (d disk) RemoveAll(name string) error               { return d.Fs.RemoveAll(d.at(name)) }
func (d disk) Rename(from, to string) error              { return d.Fs.Rename(d.at(from), d.at(to)) }
func (d disk) Stat(name string) (os.FileInfo, error)     { return d.Fs.Stat(d.at(name)) }
func (d disk) Chmod(name string, mode os.FileMode) error { return d.Fs.Chmod(d.at(name), mode) }
func (d disk) Chown(name string, uid, gid int) error     { return d.Fs.Chown(d.at(name), uid, gid) }
func (d disk) Chtimes(name string, a, m time.Time) error { return d.Fs.Chtimes(d.at(name), a, m) }
func (d disk) LstatIfPossible(name string) (os.FileInfo, bool, error) {
	return d.Fs.(afero.Lstater).LstatIfPossible(d.at(name))
}

// kind is what a caller can tell of an error.
func kind(err error) string {
	var words string
	if err != nil {
		words = err.Error()
	}
	switch {
	case err == nil:
		return "ok"
	case err == io.EOF:
		return "EOF"
	case errors.Is(err, syscall.ENOTEMPTY):
		return "not empty"
	case errors.Is(err, fs.ErrNotExist):
		return "missing"
	case errors.Is(err, fs.ErrExist):
		return "exists"
	case errors.Is(err, fs.ErrPermission):
		return "forbidden"
	case errors.Is(err, fs.ErrClosed):
		return "closed"
	case errors.Is(err, syscall.ENOTDIR):
		return "not a directory"
	case errors.Is(err, syscall.EISDIR):
		return "a directory"
	case errors.Is(err, syscall.EBADF):
		return "bad handle"
	case errors.Is(err, syscall.EINVAL), strings.Contains(words, "negative offset"), strings.Contains(words, "O_APPEND"):
		return "invalid"
	}
	return words
}

func described(info os.FileInfo, err error) string {
	if err != nil {
		return kind(err)
	}
	if info.IsDir() {
		return "directory " + info.Name()
	}
	return fmt.Sprintf("file %s of %d", info.Name(), info.Size())
}

// session is one sequence of calls on one file system.
type session struct {
	rng *rand.Rand
	fs  afero.Fs
	log []string
}

func (s *session) say(format string, args ...any) {
	s.log = append(s.log, fmt.Sprintf(format, args...))
}

var components = []string{"a", "b", "c.txt"}

// name is one of few, so that calls meet, often spelled in another way.
func (s *session) name() string {
	depth := 1 + s.rng.IntN(3)
	var parts []string
	for range depth {
		parts = append(parts, components[s.rng.IntN(len(components))])
	}
	name := strings.Join(parts, "/")
	switch s.rng.IntN(20) {
	case 0:
		return "/" + name
	case 1:
		return "./" + name
	case 2:
		return name + "/"
	case 3:
		return strings.Replace(name, "/", "//", 1)
	case 4:
		return strings.Replace(name, "/", "/./", 1)
	}
	return name
}

func (s *session) data() []byte {
	b := make([]byte, s.rng.IntN(40))
	for i := range b {
		b[i] = byte('a' + s.rng.IntN(26))
	}
	return b
}

var flags = []int{
	os.O_RDONLY, os.O_RDONLY | os.O_CREATE, os.O_RDONLY | os.O_CREATE | os.O_EXCL,
	os.O_WRONLY, os.O_WRONLY | os.O_CREATE, os.O_WRONLY | os.O_CREATE | os.O_TRUNC, os.O_WRONLY | os.O_CREATE | os.O_EXCL,
	os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_APPEND | os.O_CREATE, os.O_WRONLY | os.O_TRUNC, os.O_WRONLY | os.O_CREATE | os.O_SYNC,
	os.O_RDWR, os.O_RDWR | os.O_CREATE, os.O_RDWR | os.O_CREATE | os.O_TRUNC, os.O_RDWR | os.O_CREATE | os.O_EXCL,
	os.O_RDWR | os.O_APPEND, os.O_RDWR | os.O_APPEND | os.O_CREATE, os.O_RDWR | os.O_TRUNC, os.O_RDWR | os.O_CREATE | os.O_SYNC,
}

func (s *session) open() {
	name := s.name()
	var (
		f   afero.File
		err error
	)
	switch n := s.rng.IntN(10); n {
	case 0, 1, 2:
		f, err = s.fs.Open(name)
		s.say("Open %q: %s", name, kind(err))
	case 3:
		f, err = s.fs.Create(name)
		s.say("Create %q: %s", name, kind(err))
	default:
		flag := flags[s.rng.IntN(len(flags))]
		f, err = s.fs.OpenFile(name, flag, 0o644)
		s.say("OpenFile %q %#x: %s", name, flag, kind(err))
	}
	n := 1 + s.rng.IntN(6)
	calls := make([]func(), n)
	h := &handleSession{session: s, f: f}
	for i := range calls {
		calls[i] = h.call()
	}
	if err != nil {
		return // the same numbers were drawn
	}
	info, err := f.Stat()
	s.say("Stat of the handle: %s", described(info, err))
	for _, call := range calls {
		call()
	}
	s.say("Close: %s", kind(f.Close()))
	if n == 1 {
		h.afterwards()
	}
}

// handleSession is what is done with one open file.
type handleSession struct {
	*session
	f afero.File
}

// call draws one call on the handle.
func (h *handleSession) call() func() {
	var (
		n    = h.rng.IntN(50)
		off  = int64(h.rng.IntN(60)) - 2
		data = h.data()
		dir  = func() bool { info, err := h.f.Stat(); return err == nil && info.IsDir() }
	)
	switch h.rng.IntN(15) {
	case 0, 1:
		return func() {
			b := make([]byte, n)
			got, err := io.ReadFull(h.f, b)
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			h.say("Read %d: %q %s", n, b[:got], h.ofDirectory(dir(), err))
		}
	case 2:
		return func() {
			b := make([]byte, n)
			got, err := h.f.ReadAt(b, off)
			h.say("ReadAt %d of %d: %q %s", off, n, b[:got], h.ofDirectory(dir(), err))
		}
	case 3, 4:
		return func() {
			got, err := h.f.Write(data)
			h.say("Write %q: %d %s", data, got, kind(err))
		}
	case 5:
		return func() {
			got, err := h.f.WriteString(string(data))
			h.say("WriteString %q: %d %s", data, got, kind(err))
		}
	case 6:
		return func() {
			got, err := h.f.WriteAt(data, off)
			h.say("WriteAt %d %q: %d %s", off, data, got, kind(err))
		}
	case 7, 8, 9:
		whence := h.rng.IntN(3)
		return func() {
			if dir() {
				return // what a position in a directory means is the file system's secret
			}
			got, err := h.f.Seek(off, whence)
			h.say("Seek %d %d: %d %s", off, whence, got, kind(err))
		}
	case 10:
		return func() { h.say("Truncate %d: %s", off, kind(h.f.Truncate(off))) }
	case 11:
		return func() { h.say("Sync: %s", kind(h.f.Sync())) }
	case 12:
		return func() {
			infos, err := h.f.Readdir(n % 4)
			h.say("Readdir %d: %d %s", n%4, len(infos), kind(err))
		}
	case 13:
		return func() {
			names, err := h.f.Readdirnames(-1)
			slices.Sort(names)
			h.say("Readdirnames: %q %s", names, kind(err))
		}
	}
	return func() {
		info, err := h.f.Stat()
		h.say("Stat of the handle: %s", described(info, err))
	}
}

// ofDirectory is the kind of a read's error. Some file systems say EINVAL of a
// directory that was listed before.
func (h *handleSession) ofDirectory(dir bool, err error) string {
	if _, ours := h.fs.(*aferoadapter.Fs); dir && !ours && errors.Is(err, syscall.EINVAL) {
		err = syscall.EISDIR
	}
	return kind(err)
}

// overFile is the kind of the error of a MkdirAll. Over a file it is ENOTDIR, but for
// os.MkdirAll with a slash behind the file, which is EEXIST.
func (s *session) overFile(err error) string {
	if _, ours := s.fs.(*aferoadapter.Fs); !ours && errors.Is(err, syscall.EEXIST) {
		err = syscall.ENOTDIR
	}
	return kind(err)
}

// afterwards is everything a closed handle refuses.
func (h *handleSession) afterwards() {
	b := make([]byte, 1)
	_, err := h.f.Read(b)
	h.say("Read after Close: %s", kind(err))
	_, err = h.f.ReadAt(b, 0)
	h.say("ReadAt after Close: %s", kind(err))
	_, err = h.f.Write(b)
	h.say("Write after Close: %s", kind(err))
	_, err = h.f.Seek(0, io.SeekStart)
	h.say("Seek after Close: %s", kind(err))
	_, err = h.f.Stat()
	h.say("Stat after Close: %s", kind(err))
	h.say("Truncate, Sync, Close after Close: %s, %s, %s", kind(h.f.Truncate(0)), kind(h.f.Sync()), kind(h.f.Close()))
}

// step is one call on the file system, or one file opened, used and closed.
func (s *session) step() {
	name, other, data := s.name(), s.name(), s.data()
	a := afero.Afero{Fs: s.fs}
	switch s.rng.IntN(34) {
	case 0, 1, 2, 3, 4, 5, 6, 7:
		s.open()
	case 8, 9:
		s.say("Mkdir %q: %s", name, kind(s.fs.Mkdir(name, 0o755)))
	case 10, 11, 12:
		s.say("MkdirAll %q: %s", name, s.overFile(s.fs.MkdirAll(name, 0o755)))
	case 13, 14:
		s.say("Remove %q: %s", name, kind(s.fs.Remove(name)))
	case 15:
		s.say("RemoveAll %q: %s", name, kind(s.fs.RemoveAll(name)))
	case 16, 17, 18:
		s.say("Rename %q to %q: %s", name, other, kind(s.fs.Rename(name, other)))
	case 19:
		info, err := s.fs.Stat(name)
		s.say("Stat %q: %s", name, described(info, err))
	case 20:
		info, _, err := s.fs.(afero.Lstater).LstatIfPossible(name)
		s.say("Lstat %q: %s", name, described(info, err))
	case 21:
		s.say("Chmod %q: %s", name, kind(s.fs.Chmod(name, 0o755)))
	case 22:
		s.say("Chown, Chtimes %q: %s, %s", name, kind(s.fs.Chown(name, os.Getuid(), os.Getgid())), kind(s.fs.Chtimes(name, time.Now(), time.Now())))
	case 23, 24:
		s.say("WriteFile %q: %s", name, kind(a.WriteFile(name, data, 0o644)))
	case 25:
		got, err := a.ReadFile(name)
		s.say("ReadFile %q: %q %s", name, got, kind(err))
	case 26:
		infos, err := a.ReadDir(name)
		var found []string
		for _, info := range infos {
			found = append(found, described(info, nil))
		}
		s.say("ReadDir %q: %q %s", name, found, kind(err))
	case 27:
		there, err := a.Exists(name)
		dir, derr := a.DirExists(name)
		s.say("Exists, DirExists %q: %t %s, %t %s", name, there, kind(err), dir, kind(derr))
	case 28:
		dir, err := a.IsDir(name)
		empty, eerr := a.IsEmpty(name)
		s.say("IsDir, IsEmpty %q: %t %s, %t %t", name, dir, kind(err), empty, eerr == nil)
	case 29:
		s.say("WriteReader %q: %s", name, s.overFile(a.WriteReader(name, strings.NewReader(string(data)))))
	case 30:
		err := a.SafeWriteReader(name, strings.NewReader(string(data)))
		s.say("SafeWriteReader %q: %t", name, err == nil)
	case 31:
		found, err := a.FileContainsBytes(name, []byte("q"))
		s.say("FileContainsBytes %q: %t %s", name, found, kind(err))
	case 32:
		f, err := a.TempFile(path.Dir(name), "t*")
		if err == nil {
			err = errors.Join(f.Close(), s.fs.Remove(path.Join(path.Dir(name), path.Base(f.Name()))))
		}
		s.say("TempFile %q: %s", path.Dir(name), kind(err))
	case 33:
		s.walk()
	}
}

// walk sees the whole tree, with the content of all files.
func (s *session) walk() {
	s.say("Walk:")
	root := ""
	if d, ok := s.fs.(disk); ok {
		root = d.dir
	}
	err := afero.Walk(s.fs, ".", func(name string, info os.FileInfo, err error) error {
		if err != nil {
			s.say("  %s: %s", strings.TrimPrefix(name, root), kind(err))
			return nil
		}
		if name == "." {
			return nil
		}
		line := fmt.Sprintf("  %s: %s", name, described(info, nil))
		if !info.IsDir() {
			body, err := afero.ReadFile(s.fs, name)
			line += fmt.Sprintf(" %q %s", body, kind(err))
		}
		s.say("%s", line)
		return nil
	})
	s.say("  %s", kind(err))
}

func newSession(seed uint64, fs afero.Fs) *session {
	return &session{rng: rand.New(rand.NewPCG(seed, 0)), fs: fs}
}

func (s *session) run() []string {
	for range 3 + s.rng.IntN(12) {
		s.step()
	}
	s.walk()
	return s.log
}

// compared runs one sequence on ours and on the disk, and says where they differ.
func (at *place) compared(dir string, seed uint64) error {
	dir = filepath.Join(dir, fmt.Sprintf("s%d", seed))
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root := at.bucket.Join(fmt.Sprintf("s%d", seed))
	theirs := newSession(seed, disk{afero.NewOsFs(), dir}).run()
	ours := newSession(seed, aferoadapter.New(root, aferoadapter.WithStrictParents())).run()
	for i, line := range theirs {
		if i >= len(ours) || ours[i] != line {
			return fmt.Errorf("seed %d: the same as on the disk:\n\t%s\nthere\n\t%s\nand here\n\t%s", seed,
				strings.Join(theirs[:i], "\n\t"), line, strings.Join(ours[min(i, len(ours)):min(i+1, len(ours))], "\n\t"))
		}
	}
	return nil
}

// Random sequences of calls give what they give on a disk: results, errors by kind,
// and the trees in the end. What differs by design is not called here: times and
// modes, what a second handle sees before Close, the root removed or renamed, ".."
// behind a name that is missing, positions in a directory.
func TestAsOnDisk(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		n := *sequences
		switch {
		case at.Name != s3matrix.InProcess:
			n = min(n, 40)
		case slowly:
			n = min(n, 250) // all of them run without it
		}
		dir := t.TempDir()
		seeds := func(yield func(uint64, error) bool) {
			for i := range n {
				if !yield(*firstSeed+uint64(i), nil) {
					return
				}
			}
		}
		err := cloudpath.ForEach(t.Context(), 16, seeds, func(_ context.Context, seed uint64) error {
			return at.compared(dir, seed)
		})
		if err != nil {
			t.Errorf("%v\n(-seed=%d -sequences=%d)", err, *firstSeed, n)
		}
	})
}
