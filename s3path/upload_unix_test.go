//go:build unix

package s3path_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A named pipe is read to its end when it is named itself.
func TestUploadPipe(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		name := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(name, 0o600); err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() { done <- os.WriteFile(name, []byte("through the pipe"), 0o600) }()
		if err := at.object("a").UploadFrom(t.Context(), name); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if got := at.body(t, "a"); got != "through the pipe" {
			t.Errorf("stored %q", got)
		}
	})
}

// In a tree, what is neither file nor directory is refused by name, and not
// opened; the rest is done.
func TestUploadTreeWithPipe(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		dir := t.TempDir()
		makeFiles(t, dir, "a=a", "z=z", "link -> sub/pipe", "sub/b=b")
		if err := syscall.Mkfifo(filepath.Join(dir, "sub/pipe"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := at.object("x").UploadFrom(t.Context(), dir)
		for _, name := range []string{"link", "sub/pipe"} {
			if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, name)+": it is neither") {
				t.Errorf("%v does not name %s", err, name)
			}
		}
		at.checkBodies(t, map[string]string{"x/a": "a", "x/z": "z", "x/sub/b": "b"})
	})
}
