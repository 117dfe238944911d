//go:build unix

package localcache

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestChangedCopies: what somebody has done to a copy is noticed, and the object
// fetched again.
func TestChangedCopies(t *testing.T) {
	const body = "the right bytes"
	for name, change := range map[string]func(name string) error{
		"truncated":       func(name string) error { return os.Truncate(name, 3) },
		"emptied":         func(name string) error { return os.Truncate(name, 0) },
		"longer":          func(name string) error { return os.WriteFile(name, []byte(body+"!"), 0o600) },
		"edited in place": func(name string) error { return os.WriteFile(name, []byte(strings.ToUpper(body)), 0o600) },
		"replaced": func(name string) error {
			if err := os.WriteFile(name+"~", []byte(strings.ToUpper(body)), 0o600); err != nil {
				return err
			}
			return errors.Join(os.Chtimes(name+"~", time.Unix(1e9, 0), time.Unix(1e9, 0)), os.Rename(name+"~", name))
		},
		"removed":     os.Remove,
		"hard linked": func(name string) error { return os.Link(name, name+"~") },
		"a directory": func(name string) error { return errors.Join(os.Remove(name), os.Mkdir(name, 0o700)) },
		"a link": func(name string) error {
			return errors.Join(os.Rename(name, name+"~"), os.Symlink(filepath.Base(name)+"~", name))
		},
		"a pipe": func(name string) error { return errors.Join(os.Remove(name), syscall.Mkfifo(name, 0o600)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCache(t)
			s := newRemote(map[string]string{"k": body})
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
			file := f.Name()
			readFile(t, f, err)
			if err := change(file); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Open(t.Context(), keyOf("k"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("offline: %v", err)
			}
			for range 2 {
				if err := read(c, "k", Immutable(), s, body, false); err != nil {
					t.Error(err)
				}
			}
			if st := c.Stats(); st.Misses != 2 || st.Hits != 1 || st.Files != 1 || st.Bytes != int64(len(body)) {
				t.Errorf("%+v", st)
			}
		})
	}
	flip := func(name string) error {
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		st, err := os.Stat(name)
		if err != nil {
			return err
		}
		data[3] ^= 1
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close(), os.Chtimes(name, st.ModTime(), st.ModTime()))
	}
	t.Run("a bit, and its time restored", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "cache")
		c, plain := openCache(t, dir, WithFullChecksum()), openCache(t, dir)
		s := newRemote(map[string]string{"k": body})
		f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
		file := f.Name()
		readFile(t, f, err)
		if err := read(c, "k", Offline(), s, body, false); err != nil {
			t.Error(err)
		}
		if err := flip(file); err != nil {
			t.Fatal(err)
		}
		f, err = plain.Open(t.Context(), keyOf("k"), Offline(), nil)
		if got := readFile(t, f, err); got == body {
			t.Error("it was not flipped")
		}
		if _, err := c.Open(t.Context(), keyOf("k"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if err := errors.Join(read(c, "k", Immutable(), s, body, false), read(c, "k", Offline(), s, body, false), read(plain, "k", Offline(), s, body, false)); err != nil {
			t.Error(err)
		}
		if st := c.Stats(); st.Misses != 2 || st.Files != 1 {
			t.Errorf("%+v", st)
		}
		checkLedger(t, c)
	})
	t.Run("a copy without a checksum", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "cache")
		c, plain := openCache(t, dir, WithFullChecksum()), openCache(t, dir)
		s := newRemote(map[string]string{"k": body})
		if err := errors.Join(read(plain, "k", Revalidate(), s, body, false), read(c, "k", Immutable(), s, body, false), read(c, "k", Offline(), s, body, false)); err != nil {
			t.Error(err)
		}
		if n := s.bodies.Load(); n != 2 {
			t.Errorf("%d bodies", n)
		}
	})
}
