//go:build unix

package localcache

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestForeignFiles: what the cache did not write it does not delete, wherever it
// lies.
func TestForeignFiles(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, c *Cache) error{
		"Drop":  func(_ *testing.T, c *Cache) error { return c.Drop(keyOf("dir/k")) },
		"Clear": func(_ *testing.T, c *Cache) error { return c.Clear() },
		"Prune": func(t *testing.T, c *Cache) error { return c.Prune(t.Context()) },
		"Close": func(_ *testing.T, c *Cache) error { return c.Close() },
		"eviction": func(t *testing.T, c *Cache) error {
			s := newRemote(map[string]string{})
			for i := range 20 {
				key := fmt.Sprint("dir/", i)
				s.put(key, strings.Repeat("x", 400))
				f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
				readFile(t, f, err)
			}
			if c.Stats().Evictions == 0 {
				t.Error("nothing was evicted")
			}
			return nil
		},
		"everything": func(t *testing.T, c *Cache) error {
			return errors.Join(c.Drop(keyOf("dir/k")), c.Prune(t.Context()), c.Clear(), c.Prune(t.Context()), c.Close())
		},
	} {
		for _, kind := range []string{"persistent", "temporary"} {
			t.Run(name+", "+kind, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "cache")
				c, err := Open(dir, WithMaxBytes(1000))
				if kind == "temporary" {
					t.Setenv("TMPDIR", t.TempDir())
					c, err = Temporary("", WithMaxBytes(1000))
				}
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				s := newRemote(map[string]string{"dir/k": "bytes"})
				f, err := c.Open(t.Context(), keyOf("dir/k"), Revalidate(), s.fetch("dir/k"))
				readFile(t, f, err)
				id := identOf(keyOf("dir/k"))
				foreign := []string{
					"mine.txt", "v2/x", "v1/mine.txt", "v1/0123456789abcdef", "v1/abc/x",
					id.scope + "/mine.txt", id.scope + "/data/mine.txt", id.scope + "/data/bucket/mine.txt", id.scope + "/data/bucket/dir/mine.txt",
					id.scope + "/data/bucket/~h/mine.txt", id.scope + "/meta/mine.txt", id.scope + "/meta/zz", path.Dir(id.metaName()) + "/mine.json",
					id.scope + "/lock/mine.txt", id.scope + "/tmp/mine.txt", id.scope + "/tmp/abcdefghijklmnopqrstuvwxyz", id.scope + "/tmp/DIRECTORYDIRECTORYDIRECTOR/x",
				}
				for _, name := range foreign {
					name = filepath.Join(c.dir, name)
					if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if err := end(t, c); err != nil {
					t.Error(err)
				}
				for _, name := range foreign {
					if data, err := os.ReadFile(filepath.Join(c.dir, name)); err != nil || string(data) != "mine" {
						t.Errorf("%s: %q, %v", name, data, err)
					}
				}
			})
		}
	}
}

// TestTemporaryGoes: a temporary directory is removed when nothing in it is
// anybody else's; one of the user's never is.
func TestTemporaryGoes(t *testing.T) {
	parent := filepath.Join(t.TempDir(), "a", "b")
	c, err := Temporary(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	if c, err = Temporary(""); err != nil {
		t.Fatal(err)
	}
	s := newRemote(map[string]string{"k": "bytes", "a//b": "more"})
	for key := range s.objects {
		f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
		readFile(t, f, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: %v", err, filesBelow(t, c.dir))
	}
	dir := filepath.Join(t.TempDir(), "cache")
	if c, err = Open(dir); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Clear(), c.Close()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}

// TestPlanted plants what is no file of ours at each of our names, before a fill
// and between two: nothing is written through it, nothing hangs, and the bytes
// are right.
func TestPlanted(t *testing.T) {
	id := identOf(keyOf("dir/k"))
	names := map[string]string{
		"data":          id.scope + "/data",
		"bucket":        id.scope + "/data/bucket",
		"parent":        id.scope + "/data/bucket/dir",
		"final name":    id.scope + "/data/bucket/dir/k",
		"meta":          id.scope + "/meta",
		"meta fan":      path.Dir(id.metaName()),
		"record":        id.metaName(),
		"new record":    id.metaName() + ".new",
		"lock":          id.scope + "/lock",
		"lock file":     id.lockName(),
		"ledger":        ledgerName,
		"tmp":           id.scope + "/tmp",
		"scope":         id.scope,
		"tag":           tagName,
		"hash":          id.scope + "/data/bucket/~h",
		"hashed parent": id.scope + "/data/bucket/~h/" + id.sum[:2],
	}
	kinds := map[string]func(name, victim string) error{
		"link to a file":      func(name, victim string) error { return os.Symlink(filepath.Join(victim, "file"), name) },
		"link to a directory": func(name, victim string) error { return os.Symlink(victim, name) },
		"link to nothing":     func(name, victim string) error { return os.Symlink(filepath.Join(victim, "nothing"), name) },
		"link inside": func(name, _ string) error {
			dir, _, _ := strings.Cut(name, "/v1/")
			if err := os.MkdirAll(filepath.Join(dir, "inside"), 0o700); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, "inside", "file"), []byte("victim"), 0o600); err != nil {
				return err
			}
			to, err := filepath.Rel(filepath.Dir(name), filepath.Join(dir, "inside"))
			if err != nil {
				return err
			}
			if path.Ext(name) != "" || strings.Contains(name, "/lock/") || strings.HasSuffix(name, "ledger") || strings.HasSuffix(name, "/k") {
				to += "/file"
			}
			return os.Symlink(to, name)
		},
		"hard link": func(name, victim string) error { return os.Link(filepath.Join(victim, "file"), name) },
		"pipe":      func(name, _ string) error { return syscall.Mkfifo(name, 0o600) },
		"socket": func(name, _ string) error {
			// Its name is too long for bind as a rule.
			short := filepath.Join(os.TempDir(), fmt.Sprintf("s%d", time.Now().UnixNano()))
			l, err := net.Listen("unix", short)
			if err != nil {
				return err
			}
			l.(*net.UnixListener).SetUnlinkOnClose(false)
			return errors.Join(os.Rename(short, name), l.Close())
		},
		"directory":      func(name, _ string) error { return os.Mkdir(name, 0o700) },
		"full directory": func(name, _ string) error { return os.MkdirAll(filepath.Join(name, "x", "y"), 0o700) },
		"file":           func(name, _ string) error { return os.WriteFile(name, []byte("victim"), 0o600) },
	}
	for what, name := range names {
		for kind, plant := range kinds {
			for _, when := range []string{"before", "between"} {
				t.Run(what+" is a "+kind+", "+when, func(t *testing.T) {
					t.Parallel()
					parent := t.TempDir()
					victim := filepath.Join(parent, "victim")
					if err := os.Mkdir(victim, 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(filepath.Join(victim, "file"), []byte("victim"), 0o600); err != nil {
						t.Fatal(err)
					}
					dir := filepath.Join(parent, "cache")
					c, err := Open(dir, WithMaxBytes(1000))
					if err != nil {
						t.Fatal(err)
					}
					defer func() {
						if err := c.Close(); err != nil {
							t.Error(err)
						}
					}()
					c.patience = 100 * time.Millisecond
					s := newRemote(map[string]string{"dir/k": "older"})
					read := func(f Freshness, want ...string) {
						t.Helper()
						file, err := c.Open(t.Context(), keyOf("dir/k"), f, s.fetch("dir/k"))
						if got := readFile(t, file, err); !slices.Contains(want, got) {
							t.Errorf("%q, want %q", got, want)
						}
						if n := c.users(); n != 0 {
							t.Errorf("%d uses are not ended", n)
						}
					}
					if when == "between" {
						read(Revalidate(), "older")
						s.put("dir/k", "newer!")
					}
					want := s.objects["dir/k"]
					full := filepath.Join(dir, name)
					if err := os.RemoveAll(full); err != nil {
						t.Fatal(err)
					}
					if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := plant(full, victim); err != nil {
						t.Fatal(err)
					}
					begin := time.Now()
					read(Revalidate(), want)
					read(Immutable(), want, "older") // which stays where no newer one can be kept
					read(Revalidate(), want)
					st := c.Stats()
					if st.Hits+st.Misses+st.Revalidations+st.Fallbacks < 3 {
						t.Errorf("%+v", st)
					}
					_ = c.Prune(t.Context()) // may say that it cannot
					_ = c.Clear()
					read(Revalidate(), want)
					if took := time.Since(begin); took > 20*time.Second {
						t.Errorf("it took %v", took)
					}
					for _, dir := range []string{victim, filepath.Join(dir, "inside")} {
						files := filesBelow(t, dir)
						if _, err := os.Stat(dir); err != nil {
							continue
						}
						data, err := os.ReadFile(filepath.Join(dir, "file"))
						// A link that takes a directory's place while we run, and leads to
						// another inside, may be followed; but nothing is overwritten.
						more := kind == "link inside" && when == "between"
						if err != nil || string(data) != "victim" || len(files) != 1 && !more {
							t.Errorf("%s holds %v, %q, %v", dir, files, data, err)
						}
					}
				})
			}
		}
	}
}

// TestTakenPlaces: another object's file in our place, as on a file system that
// takes two names for one, and a file of nobody.
func TestTakenPlaces(t *testing.T) {
	c := newCache(t)
	s := newRemote(map[string]string{"NAME": "of the great one", "name": "of the small one"})
	f, err := c.Open(t.Context(), keyOf("NAME"), Revalidate(), s.fetch("NAME"))
	big := f.Name()
	readFile(t, f, err)
	// As if the file system folded case: the small name leads to the great one's file.
	if err := os.Symlink("NAME", filepath.Join(filepath.Dir(big), "name")); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"name", "NAME", "name", "NAME"} {
		f, err := c.Open(t.Context(), keyOf(key), Immutable(), s.fetch(key))
		name := f.Name()
		if got := readFile(t, f, err); got != s.objects[key] {
			t.Errorf("%s: %q", key, got)
		}
		if (name == big) != (key == "NAME") || filepath.Base(name) != key {
			t.Errorf("%s is at %s", key, name)
		}
	}
	if n := s.asked.Load(); n != 2 {
		t.Errorf("%d requests", n)
	}
}
