//go:build unix

package localcache

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

func init() {
	oneShots["limited"] = limitedFiles
	oneShots["full"] = fullDisk
	oneShots["read-only"] = readOnly
	oneShots["umask"] = anyUmask
	oneShots["no descriptors"] = noDescriptors
}

// TestDiskFull: an object that the disk has no room for is read all the same.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	oneShot(t, "limited", childArgs{Dir: dir})
	// A file system of its own, where this user may have one; the limit on the size
	// of files does for the others.
	cmd := childCommand(t, "full", childArgs{Dir: filepath.Join(t.TempDir(), "mount")})
	cmd.SysProcAttr = namespace()
	switch out, err := cmd.Output(); {
	case err == nil:
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOSPC), errors.Is(err, errors.ErrUnsupported), strings.Contains(string(out), noMount):
		t.Logf("no file system of our own: %v: %s", err, out)
	default:
		t.Errorf("%v: %s", err, out)
	}
}

const noMount = "cannot be mounted"

// limitedFiles runs where a file may not be longer than 20,000 bytes.
func limitedFiles(args childArgs) error {
	signal.Ignore(syscall.SIGXFSZ)
	c, err := args.open()
	if err != nil {
		return err
	}
	return runsFull(c, func() error {
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20_000, Max: math.MaxInt64})
	}, func() error {
		return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: math.MaxInt64, Max: math.MaxInt64})
	})
}

// fullDisk runs on a file system that gets full.
func fullDisk(args childArgs) error {
	if err := os.Mkdir(args.Dir, 0o700); err != nil {
		return err
	}
	if err := mountSmall(args.Dir, 400<<10); err != nil {
		return fmt.Errorf("%s %s: %w", noMount, args.Dir, err)
	}
	c, err := args.open()
	if err != nil {
		return err
	}
	filler := filepath.Join(args.Dir, "filler")
	err = runsFull(c, func() error {
		f, err := os.Create(filler)
		if err != nil {
			return err
		}
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return errors.Join(err, f.Close())
		}
		return f.Close()
	}, func() error { return os.Remove(filler) })
	if err != nil {
		return err
	}
	// And one that is full from the beginning.
	if err := errors.Join(c.Close(), os.RemoveAll(filepath.Join(args.Dir, format))); err != nil {
		return err
	}
	f, err := os.Create(filler)
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	if c, err = args.open(); err != nil {
		return err
	}
	s := newRemote(map[string]string{"k": strings.Repeat("k", 10_000)})
	if err := read(c, "k", Revalidate(), s, s.objects["k"], true); err != nil {
		return err
	}
	return c.Close()
}

// runsFull checks that small copies made before stay, that large ones are
// streamed while the disk is full, and kept once it is not.
func runsFull(c *Cache, full, free func() error) error {
	s := newRemote(map[string]string{"small": "small", "large": strings.Repeat("large", 20_000), "huge": strings.Repeat("h", 200_000)})
	if err := read(c, "small", Revalidate(), s, "small", false); err != nil {
		return err
	}
	if err := full(); err != nil {
		return err
	}
	for i := range 2 {
		for _, size := range []int64{0, -1} { // 0 is what the object has
			fetch := s.fetch("large")
			f, err := c.Open(context.Background(), keyOf("large"), Immutable(), func(ctx context.Context, have Meta) (*Fetched, error) {
				got, err := fetch(ctx, have)
				if size < 0 {
					got.Meta.Size = size
				}
				return got, err
			})
			if err != nil {
				return err
			}
			data, err := io.ReadAll(f)
			if err = errors.Join(err, f.Close()); err != nil || string(data) != s.objects["large"] || f.Streamed() == nil {
				return fmt.Errorf("%d bytes, %w, streamed because %w", len(data), err, f.Streamed())
			}
		}
		if st := c.Stats(); st.Fallbacks != int64(2*i+2) || st.Files != 1 || st.Bytes != 5 {
			return fmt.Errorf("%+v", st)
		}
		if err := errors.Join(debris(c), read(c, "small", Immutable(), s, "small", false)); err != nil {
			return err
		}
	}
	// An older copy outlives a newer one that there is no room for.
	s.put("small", s.objects["huge"])
	if err := read(c, "small", Revalidate(), s, s.objects["huge"], true); err != nil {
		return err
	}
	if err := read(c, "small", Offline(), s, "small", false); err != nil {
		return err
	}
	if err := errors.Join(debris(c), free()); err != nil {
		return err
	}
	for _, key := range []string{"large", "small"} {
		if err := read(c, key, Revalidate(), s, s.objects[key], false); err != nil {
			return err
		}
	}
	if err := c.Prune(context.Background()); err != nil {
		return err
	}
	if st := c.Stats(); st.Files != 2 || st.Bytes != 300_000 {
		return fmt.Errorf("%+v", st)
	}
	return nil
}

// TestReadOnly: a directory in which nothing can be written gives what it has, and
// the rest is streamed.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	oneShot(t, "read-only", childArgs{Dir: t.TempDir()})
}

// readOnly gives up root's rights, to whom modes mean nothing.
func readOnly(args childArgs) error {
	dir := filepath.Join(args.Dir, "cache")
	empty := filepath.Join(args.Dir, "empty")
	if os.Geteuid() == 0 {
		for name := args.Dir; name != filepath.Dir(name) && name != os.TempDir(); name = filepath.Dir(name) {
			if err := os.Chmod(name, 0o755); err != nil {
				return err
			}
		}
		if err := os.Chown(args.Dir, 65534, 65534); err != nil {
			return err
		}
		if err := errors.Join(syscall.Setgid(65534), syscall.Setuid(65534)); err != nil {
			return err
		}
	}
	c, err := Open(dir)
	if err != nil {
		return err
	}
	s := newRemote(map[string]string{"there": "there", "new": "new", "other": "other"})
	if err := read(c, "there", Revalidate(), s, "there", false); err != nil {
		return err
	}
	chmod := func(mode fs.FileMode) error {
		return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				err = os.Chmod(name, mode)
			} else if err == nil {
				err = os.Chmod(name, mode&0o600)
			}
			return err
		})
	}
	if err := chmod(0o500); err != nil {
		return err
	}
	defer chmod(0o700)
	if err := errors.Join(os.Mkdir(empty, 0o500)); err != nil {
		return err
	}
	again, err := Open(dir)
	if err != nil {
		return err
	}
	nothing, err := Open(empty)
	if err != nil {
		return err
	}
	for _, c := range []*Cache{c, again} {
		if err := errors.Join(
			read(c, "there", Offline(), nil, "there", false),
			read(c, "there", Revalidate(), s, "there", false),
			read(c, "there", MaxAge(time.Hour), s, "there", false),
			read(c, "new", Revalidate(), s, "new", true),
		); err != nil {
			return err
		}
	}
	if st := again.Stats(); st.Fallbacks != 1 || st.Hits != 2 || st.Revalidations != 1 {
		return fmt.Errorf("%+v", st)
	}
	s.put("there", "changed")
	if err := read(c, "there", Revalidate(), s, "changed", true); err != nil {
		return err
	}
	if err := c.Drop(keyOf("there")); err == nil {
		return errors.New("it is said to be dropped")
	}
	if err := read(c, "there", Immutable(), s, "changed", true); err != nil {
		return fmt.Errorf("what should have been dropped: %w", err)
	}
	if _, err := c.Open(context.Background(), keyOf("there"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("what should have been dropped: %w", err)
	}
	if err := read(nothing, "new", Revalidate(), s, "new", true); err != nil {
		return err
	}
	if _, err := nothing.Open(context.Background(), keyOf("new"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if _, err := Open(filepath.Join(empty, "missing")); !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("a directory that cannot be made: %w", err)
	}
	if err := chmod(0o700); err != nil {
		return err
	}
	return errors.Join(read(c, "new", Revalidate(), s, "new", false), read(c, "there", Immutable(), s, "changed", false),
		read(c, "there", Offline(), nil, "changed", false), c.Prune(context.Background()), c.Close(), again.Close(), nothing.Close())
}

// TestGoneDirectory: the directory is taken away all the time, and made anew.
func TestGoneDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	c := openCache(t, dir)
	s := newRemote(map[string]string{"k": strings.Repeat("k", 3000), "a//b": "a//b"})
	done := make(chan struct{})
	var remover, wg sync.WaitGroup
	remover.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
				_ = os.RemoveAll(dir) // it is being filled all the time
			}
		}
	})
	for range 4 {
		wg.Go(func() {
			for range 60 {
				for key, want := range s.objects {
					f, err := c.Open(t.Context(), keyOf(key), Revalidate(), s.fetch(key))
					if got := readFile(t, f, err); got != want {
						t.Errorf("%d bytes", len(got))
					}
				}
				_ = c.Stats()
				_, _ = c.Entries(t.Context(), keyOf("").Origin, "bucket") // may find nothing
			}
		})
	}
	wg.Wait()
	close(done)
	remover.Wait()
	_ = os.RemoveAll(dir)
	for range 2 {
		if err := read(c, "k", Revalidate(), s, s.objects["k"], false); err != nil {
			t.Error(err)
		}
	}
	if err := errors.Join(c.Prune(t.Context()), debris(c)); err != nil {
		t.Error(err)
	}
	checkLedger(t, c)
	// Another directory in its place, which is not ours to trust.
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), s.fetch("k"))
	readFile(t, f, err)
	if !errors.Is(f.Streamed(), cloudpath.ErrInsecureCache) {
		t.Error(f.Streamed())
	}
	if _, err := c.Open(t.Context(), keyOf("k"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, cloudpath.ErrInsecureCache) {
		t.Error(err)
	}
	if err := c.Drop(keyOf("k")); !errors.Is(err, cloudpath.ErrInsecureCache) {
		t.Error(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
}

// TestNoDescriptors: a process that may open no more files reads all the same, or
// has a clean error, and leaks nothing.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	oneShot(t, "no descriptors", childArgs{Dir: filepath.Join(t.TempDir(), "cache")})
}

func noDescriptors(args childArgs) error {
	c, err := Open(args.Dir, WithMaxBytes(1<<20))
	if err != nil {
		return err
	}
	s := newRemote(map[string]string{"k": "bytes", "there": "there"})
	if err := read(c, "there", Revalidate(), s, "there", false); err != nil {
		return err
	}
	descriptors := func() (n int) {
		for i := range 256 {
			var st syscall.Stat_t
			if syscall.Fstat(i, &st) == nil {
				n++
			}
		}
		return n
	}
	before := descriptors()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		return err
	}
	// From none at all to enough, so that every one of the opens fails once.
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			break
		}
		taken = append(taken, f)
	}
	for len(taken) > 0 {
		for i := range 3 {
			key := []string{"k", "there", fmt.Sprint("new", len(taken))}[i]
			s.put(key, key+" bytes")
			file, err := c.Open(context.Background(), keyOf(key), Revalidate(), s.fetch(key))
			if err != nil {
				return fmt.Errorf("with %d taken: %w", len(taken), err)
			}
			data, err := io.ReadAll(file)
			if err != nil || string(data) != key+" bytes" {
				return fmt.Errorf("with %d taken: %q, %w", len(taken), data, err)
			}
			if err := file.Close(); err != nil {
				return err
			}
		}
		// There is a copy, so that to say there is none would not be true.
		f, err := c.Open(context.Background(), keyOf("there"), Offline(), nil)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("with %d taken: %w", len(taken), err)
		}
		if err == nil {
			if err := f.Close(); err != nil {
				return err
			}
		}
		_ = c.Stats()
		_ = c.Prune(context.Background()) // may not be able to
		if err := taken[0].Close(); err != nil {
			return err
		}
		taken = taken[1:]
	}
	if after := descriptors(); after != before {
		return fmt.Errorf("%d descriptors, and then %d", before, after)
	}
	if n := c.users(); n != 0 {
		return fmt.Errorf("%d uses are not ended", n)
	}
	for key, want := range s.objects {
		if err := errors.Join(read(c, key, Revalidate(), s, want, false), read(c, key, Offline(), s, want, false)); err != nil {
			return err
		}
	}
	if err := errors.Join(c.Prune(context.Background()), debris(c)); err != nil {
		return err
	}
	if st := c.Stats(); st.Files != int64(len(s.objects)) {
		return fmt.Errorf("%d objects, %+v", len(s.objects), st)
	}
	return c.Close()
}
