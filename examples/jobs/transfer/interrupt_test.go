//go:build !windows

package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// A signal in the middle ends it with nothing half-written: no object, no part of
// one, no file. (Windows has no way to send one process a Ctrl-C.)
func TestInterrupted(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		bucket := map[string]string{"film.mp4": film("a"), "kept": "1"}
		at.Seed(t, bucket)
		dir := t.TempDir()
		files := map[string]string{"film.mp4": film("b"), "many/film": film("c")}
		local(t, dir, files)
		for _, row := range []struct {
			name   string
			holds  string // the operation that does not end
			signal os.Signal
			args   []string
		}{
			{"upload", "UploadPart", os.Interrupt, []string{"upload", filepath.Join(dir, "film.mp4"), at.URI("film.mp4")}},
			{"upload, terminated", "UploadPart", syscall.SIGTERM, []string{"upload", filepath.Join(dir, "film.mp4"), at.URI("new.mp4")}},
			{"download", "GetObject", os.Interrupt, []string{"download", at.URI("film.mp4"), filepath.Join(dir, "film.mp4")}},
			{"download of a new file", "GetObject", os.Interrupt, []string{"download", at.URI("film.mp4"), filepath.Join(dir, "new.mp4")}},
			{"sync", "UploadPart", os.Interrupt, []string{"sync", "-delete", filepath.Join(dir, "many"), at.URI("many")}},
		} {
			t.Run(row.name, func(t *testing.T) {
				arrived := at.Hold(row.holds, 1)
				defer at.Proxy.Intercept(nil)
				p := jobtest.Start(t, suite.Command(t, at.Env(), row.args...))
				arrived(t)
				p.Signal(row.signal)
				suite.Failed(t, p.Wait(), row.signal.String()+" signal received")
			})
		}
		at.Holds(t, bucket)
		holds(t, dir, files)
	})
}

// It does not wait for the rest of what it is to delete, and deletes none of it.
func TestInterruptedReading(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	at.Seed(t, map[string]string{"kept": "1"})
	cmd := suite.Command(t, at.Env(), "delete", "-from", "-")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := jobtest.Start(t, cmd)
	// More than a pipe holds: when it is written, the program reads.
	if _, err := io.WriteString(in, strings.Repeat(at.URI("kept")+"\n", 1<<20/len(at.URI("kept")))); err != nil {
		t.Error(err)
	}
	p.Signal(os.Interrupt)
	suite.Failed(t, p.Wait(), "interrupt signal received")
	at.Holds(t, map[string]string{"kept": "1"})
}
