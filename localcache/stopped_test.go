//go:build unix

package localcache

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestStopped: a process that has stopped in the middle of a fill is waited for
// for as long as patience, and one that has the ledger locked, too.
func TestStopped(t *testing.T) {
	for _, step := range []string{"locked", "first bytes", "noted"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			server := newHTTPRemote(t, map[string]string{"k": "bytes"})
			c := openCache(t, dir)
			c.patience = 2 * time.Second
			p := startProcess(t, childArgs{Dir: dir, URL: server.URL, Step: step})
			p.send(command{Do: "open", Key: "k"})
			if line := p.line(); line != "at "+step {
				t.Fatalf("the child said %q", line)
			}
			if err := p.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), httpFetch(server.URL, "k"))
			if got := readFile(t, f, err); got != "bytes" {
				t.Errorf("%q", got)
			}
			if streamed := f.Streamed() != nil; streamed != (step == "noted") {
				t.Errorf("streamed %v: %v", streamed, f.Streamed())
			}
			if took := time.Since(begin); took < c.patience*2/3 || took > 5*c.patience {
				t.Errorf("it took %v", took)
			}
			// The next one does not wait in vain once more.
			begin = time.Now()
			f, err = c.Open(t.Context(), keyOf("k"), Revalidate(), httpFetch(server.URL, "k"))
			readFile(t, f, err)
			if took := time.Since(begin); took > c.patience/2 {
				t.Errorf("the next one took %v", took)
			}
			if step == "noted" { // who has no time to wait does not
				begin := time.Now()
				another := openCache(t, dir)
				if took := time.Since(begin); took > 2*time.Second {
					t.Errorf("opening the cache took %v", took)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				defer cancel()
				begin = time.Now()
				if _, err := another.Open(ctx, keyOf("k"), Revalidate(), httpFetch(server.URL, "k")); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				if took := time.Since(begin); took > c.patience/2 {
					t.Errorf("it took %v", took)
				}
			}
			// Once it goes on, or ends, all is as it was.
			p.kill()
			time.Sleep(c.patience)
			if f, err = c.Open(t.Context(), keyOf("k"), Revalidate(), httpFetch(server.URL, "k")); f.Streamed() != nil {
				t.Error(f.Streamed())
			}
			readFile(t, f, err)
			if err := c.Prune(t.Context()); err != nil {
				t.Error(err)
			}
			checkLedger(t, c)
		})
	}
}

// TestLockFilesRemoved: without the files that are locked work is done twice, and
// nothing else is different.
func TestLockFilesRemoved(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"locked", "first bytes", "noted"} {
		t.Run(step, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			server := newHTTPRemote(t, map[string]string{"k": "bytes"})
			p := startProcess(t, childArgs{Dir: dir, URL: server.URL, Step: step})
			p.send(command{Do: "open", Key: "k"})
			if line := p.line(); line != "at "+step {
				t.Fatalf("the child said %q", line)
			}
			for _, name := range []string{ledgerName, identOf(keyOf("k")).lockName()} {
				if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Fatal(err)
				}
			}
			begin := time.Now()
			c := openCache(t, dir)
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), httpFetch(server.URL, "k"))
			if got := readFile(t, f, err); got != "bytes" || f.Streamed() != nil {
				t.Errorf("%q, %v", got, f.Streamed())
			}
			if took := time.Since(begin); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			p.kill()
			if err := errors.Join(c.Prune(t.Context()), debris(c)); err != nil {
				t.Error(err)
			}
			checkLedger(t, c)
		})
	}
}
