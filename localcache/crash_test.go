package localcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// steps are those of a fill, in their order.
var steps = []string{"locked", "temporary", "first bytes", "written", "synced", "noted", "renamed", "recorded"}

// TestKilled kills a process at each step of a fill, for an object of which
// there is no copy and for one of which there is an older one.
func TestKilled(t *testing.T) {
	const key, older, newer = "dir/model.bin", "the older one", "and the newer one, which is longer"
	for _, step := range steps {
		for _, replacing := range []bool{false, true} {
			name := step + ", cold"
			if replacing {
				name = step + ", replacing"
			}
			if replacing && step == "locked" {
				continue // a copy is asked about without a turn
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "cache")
				server := newHTTPRemote(t, map[string]string{key: older})
				if replacing {
					c, err := Open(dir)
					if err != nil {
						t.Fatal(err)
					}
					f, err := c.Open(t.Context(), keyOf(key), Revalidate(), httpFetch(server.URL, key))
					readFile(t, f, err)
					if err := c.Close(); err != nil {
						t.Fatal(err)
					}
				}
				server.put(key, newer)
				p := startProcess(t, childArgs{Dir: dir, URL: server.URL, Step: step})
				p.send(command{Do: "open", Key: key})
				if line := p.line(); line != "at "+step {
					t.Fatalf("the child said %q", line)
				}
				p.kill()

				// Nothing half-written is under a name of an object.
				published := 0
				for _, name := range filesBelow(t, dir) {
					if strings.Contains(name, "/data/") {
						published++
						if data, err := os.ReadFile(dir + name); err != nil || string(data) != older && string(data) != newer {
							t.Errorf("%s holds %q, %v", name, data, err)
						}
					}
				}
				if published > 1 {
					t.Errorf("%d files", published)
				}

				begin := time.Now()
				c, err := Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, name := range filesBelow(t, dir) {
					if strings.Contains(name, "/tmp/") {
						t.Errorf("%s is left", name)
					}
				}
				f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
				switch {
				case errors.Is(err, fs.ErrNotExist) && !replacing:
				default:
					got := readFile(t, f, err)
					if want := step == "renamed" || step == "recorded"; got != newer && (want || got != older || !replacing) {
						t.Errorf("%q", got)
					}
				}
				entries, err := c.Entries(t.Context(), keyOf("").Origin, "bucket")
				if err != nil || len(entries) != published {
					t.Errorf("%d entries for %d files, %v", len(entries), published, err)
				}
				if err := c.Prune(t.Context()); err != nil {
					t.Error(err)
				}
				checkLedger(t, c)
				f, err = c.Open(t.Context(), keyOf(key), Revalidate(), httpFetch(server.URL, key))
				if got := readFile(t, f, err); got != newer {
					t.Errorf("%q", got)
				}
				if took := time.Since(begin); took > 5*time.Second {
					t.Errorf("it took %v", took)
				}
				checkLedger(t, c)
				if err := c.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestKilledAtAnyTime kills a process that fills, replaces, evicts and drops, at
// times that nobody has chosen.
func TestKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	const bound = 30_000
	dir := filepath.Join(t.TempDir(), "cache")
	objects := map[string]string{}
	for i := range 20 {
		objects[fmt.Sprint("dir/k", i)] = ""
	}
	server := newHTTPRemote(t, objects)
	version := map[string]map[string]bool{}
	for round := range 12 {
		for key := range objects {
			body := strings.Repeat(fmt.Sprint(key, round, "."), 300+10*round)
			if version[key] == nil {
				version[key] = map[string]bool{}
			}
			version[key][body] = true
			server.put(key, body)
		}
		p := startProcess(t, childArgs{Dir: dir, URL: server.URL, MaxBytes: bound})
		for i := range 400 { // more than it will come to
			p.send(command{Do: "many", Key: fmt.Sprint("dir/k", i%20), Many: 2})
			if i%7 == 0 {
				p.send(command{Do: "drop", Key: fmt.Sprint("dir/k", i%20)})
			}
		}
		time.Sleep(time.Duration(20+7*round) * time.Millisecond)
		p.kill()
		c, err := Open(dir, WithMaxBytes(bound))
		if err != nil {
			t.Fatal(err)
		}
		if st, disk := c.Stats(), onDisk(t, dir); st.Bytes < disk || disk > bound {
			t.Errorf("Stats says %d bytes, there are %d", st.Bytes, disk)
		}
		for key := range objects {
			f, err := c.Open(t.Context(), keyOf(key), Offline(), nil)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if got := readFile(t, f, err); !version[key][got] {
				t.Errorf("%s: %d bytes that were never there", key, len(got))
			}
		}
		if err := errors.Join(c.Prune(t.Context()), debris(c)); err != nil {
			t.Error(err)
		}
		checkLedger(t, c)
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// checkLedger compares what Stats says with what is on the disk.
func checkLedger(t *testing.T, c *Cache) {
	t.Helper()
	var bytes, files int64
	for _, name := range filesBelow(t, c.dir) {
		if strings.Contains(name, "/data/") || strings.Contains(name, "/tmp/") {
			st, err := os.Lstat(c.dir + name)
			if err != nil {
				t.Fatal(err)
			}
			bytes += st.Size()
			files++
		}
	}
	if s := c.Stats(); s.Bytes != bytes || s.Files != files {
		t.Errorf("Stats says %d bytes in %d files; there are %d in %d", s.Bytes, s.Files, bytes, files)
	}
}

// filesBelow are all files below dir that are no directories, each as "/v1/…".
func filesBelow(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			names = append(names, filepath.ToSlash(strings.TrimPrefix(name, dir)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
