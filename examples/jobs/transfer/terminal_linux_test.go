package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// On a terminal there is a bar and no line of a quarter, and an error has a line
// of its own behind it.
func TestTerminal(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	dir := t.TempDir()
	local(t, dir, map[string]string{"film.mp4": film("a")})
	shown := func(run func(*jobtest.Process) jobtest.Result, args ...string) (jobtest.Result, string) {
		screen := jobtest.NewTerminal(t)
		cmd := suite.Command(t, at.Env(), args...)
		cmd.Stderr = screen.File
		got := run(jobtest.Start(t, cmd))
		return got, screen.Text(t)
	}
	got, text := shown((*jobtest.Process).Wait, "upload", filepath.Join(dir, "film.mp4"), at.URI("film.mp4"))
	if got.Status != 0 || got.Stdout != "" || !strings.Contains(text, "uploading 100% |█") || !strings.Contains(text, "(21/21 MB") {
		t.Errorf("status %d, printed %q, showed %q", got.Status, got.Stdout, text)
	}

	local(t, dir, map[string]string{"old.txt": at.URI("a") + "\n" + at.URI("b") + "\n" + at.URI("c") + "\n"})
	got, text = shown((*jobtest.Process).Wait, "delete", "-from", filepath.Join(dir, "old.txt"))
	if got.Status != 0 || got.Stdout != "" || !strings.Contains(text, "deleting 100% |█") || !strings.Contains(text, "(3/3") {
		t.Errorf("status %d, printed %q, showed %q", got.Status, got.Stdout, text)
	}

	arrived := at.Hold("GetObject", 1)
	got, text = shown(func(p *jobtest.Process) jobtest.Result {
		arrived(t)
		p.Signal(os.Interrupt)
		return p.Wait()
	}, "download", at.URI("film.mp4"), filepath.Join(dir, "new.mp4"))
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n")
	if got.Status != 1 || len(lines) != 2 || !strings.Contains(lines[0], "downloading") || lines[1] != "transfer: interrupt signal received" {
		t.Errorf("status %d, showed %q", got.Status, lines)
	}
}
