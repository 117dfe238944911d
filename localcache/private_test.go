//go:build unix

package localcache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// TestInsecure: a directory in which other users could have a hand is refused,
// and nothing is written there.
func TestInsecure(t *testing.T) {
	mkdir := func(t *testing.T, mode fs.FileMode, elem ...string) string {
		t.Helper()
		dir := filepath.Join(elem...)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	for name, prepare := range map[string]func(t *testing.T, tmp string) (dir, says string){
		"0777":           func(t *testing.T, tmp string) (string, string) { return mkdir(t, 0o777, tmp, "c"), "rwxrwxrwx" },
		"0722":           func(t *testing.T, tmp string) (string, string) { return mkdir(t, 0o722, tmp, "c"), "rwx-w--w-" },
		"group writable": func(t *testing.T, tmp string) (string, string) { return mkdir(t, 0o770, tmp, "c"), "chmod" },
		"sticky": func(t *testing.T, tmp string) (string, string) {
			return mkdir(t, 0o777|fs.ModeSticky, tmp, "c"), "chmod"
		},
		"a link": func(t *testing.T, tmp string) (string, string) {
			if err := os.Symlink(mkdir(t, 0o700, tmp, "real"), filepath.Join(tmp, "c")); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(tmp, "c"), "symbolic link"
		},
		"another's": func(t *testing.T, tmp string) (string, string) {
			if os.Geteuid() != 0 {
				return "/", "another user"
			}
			dir := mkdir(t, 0o700, tmp, "c")
			if err := os.Chown(dir, 65534, 65534); err != nil {
				t.Fatal(err)
			}
			return dir, "another user"
		},
		"below one that anybody can write to": func(t *testing.T, tmp string) (string, string) {
			return mkdir(t, 0o700, mkdir(t, 0o777, tmp, "open"), "c"), "open"
		},
		"further below it": func(t *testing.T, tmp string) (string, string) {
			return mkdir(t, 0o700, mkdir(t, 0o777, tmp, "open"), "a", "b", "c"), "open"
		},
		"below it by way of a link": func(t *testing.T, tmp string) (string, string) {
			mkdir(t, 0o700, mkdir(t, 0o777, tmp, "open"), "real", "c")
			if err := os.Symlink(filepath.Join(tmp, "open", "real"), filepath.Join(tmp, "link")); err != nil {
				t.Fatal(err)
			}
			return filepath.Join(tmp, "link", "c"), "open"
		},
		"by way of a link that anybody can exchange": func(t *testing.T, tmp string) (string, string) {
			link := filepath.Join(mkdir(t, 0o777, tmp, "open"), "link")
			if err := os.Symlink(mkdir(t, 0o700, tmp, "real"), link); err != nil {
				t.Fatal(err)
			}
			return mkdir(t, 0o700, link, "c"), "open"
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, says := prepare(t, t.TempDir())
			c, err := Open(dir)
			if !errors.Is(err, cloudpath.ErrInsecureCache) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), says) {
				t.Errorf("%v, %v", c, err)
			}
			if _, err := os.Lstat(filepath.Join(dir, format)); err == nil {
				t.Error("something was written")
			}
		})
	}
	for name, prepare := range map[string]func(t *testing.T, tmp string) string{
		"a sticky one above it": func(t *testing.T, tmp string) string {
			return mkdir(t, 0o700, mkdir(t, 0o777|fs.ModeSticky, tmp, "t"), "c")
		},
		"others may look": func(t *testing.T, tmp string) string { return mkdir(t, 0o755, tmp, "c") },
		"a link above it": func(t *testing.T, tmp string) string {
			mkdir(t, 0o700, tmp, "r", "c")
			_ = os.Symlink("r", filepath.Join(tmp, "l"))
			return filepath.Join(tmp, "l", "c")
		},
		"not there yet":           func(_ *testing.T, tmp string) string { return filepath.Join(tmp, "x", "y", "z") },
		"a relative name":         func(t *testing.T, tmp string) string { t.Chdir(tmp); return "c" },
		"with a slash at its end": func(_ *testing.T, tmp string) string { return filepath.Join(tmp, "c") + "/" },
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Open(prepare(t, t.TempDir()))
			if err != nil {
				t.Fatal(err)
			}
			if !filepath.IsAbs(c.Dir()) || strings.HasSuffix(c.Dir(), "/") {
				t.Error(c.Dir())
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file); !errors.Is(err, cloudpath.ErrNotDirectory) {
		t.Error(err)
	}
	taken := mkdir(t, 0o700, t.TempDir())
	if err := os.WriteFile(filepath.Join(taken, format), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(taken); !errors.Is(err, cloudpath.ErrNotDirectory) {
		t.Error(err)
	}
	if _, err := Open(""); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := Open(t.TempDir(), nil); err == nil {
		t.Error("a nil option")
	}
}

// TestUmask: the modes are what they are whatever the umask.
func TestUmask(t *testing.T) {
	for _, umask := range []int64{0, 0o077, 0o777} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			oneShot(t, "umask", childArgs{Dir: filepath.Join(t.TempDir(), "cache"), MaxBytes: umask})
		})
	}
}

func anyUmask(args childArgs) error {
	syscall.Umask(int(args.MaxBytes))
	c, err := Open(args.Dir, WithMaxBytes(1000))
	if err != nil {
		return err
	}
	s := newRemote(map[string]string{"dir/k": "bytes", "a//b": "more"})
	for key, want := range s.objects {
		if err := read(c, key, Revalidate(), s, want, false); err != nil {
			return err
		}
	}
	s.put("dir/k", "newer")
	if err := read(c, "dir/k", MaxAge(1), s, "newer", false); err != nil {
		return err
	}
	if err := c.Prune(context.Background()); err != nil {
		return err
	}
	return filepath.WalkDir(args.Dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := d.Info()
		if err != nil {
			return err
		}
		if want := map[bool]fs.FileMode{true: fs.ModeDir | 0o700, false: 0o600}[d.IsDir()]; st.Mode() != want {
			return fmt.Errorf("%s has mode %v", name, st.Mode())
		}
		return nil
	})
}
