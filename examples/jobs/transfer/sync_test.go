package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// aged gives a file a time of its own.
func aged(t *testing.T, by time.Duration, elem ...string) {
	t.Helper()
	at := time.Now().Add(by)
	if err := os.Chtimes(filepath.Join(elem...), at, at); err != nil {
		t.Fatal(err)
	}
}

// From disk: what is missing, of another size, or newer is uploaded, what is only
// in S3 is deleted when asked, and site2/ is another matter.
func TestSyncToS3(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		before := map[string]string{
			"site/same.html": "1", "site/size.html": "22", "site/newer.html": "3", "site/gone.html": "4",
			"site2/gone.html": "5", "site.txt": "6",
		}
		at.Seed(t, before)
		dir := t.TempDir()
		files := map[string]string{"same.html": "1", "size.html": "2", "newer.html": "Y", "sub/missing.html": "77"}
		local(t, dir, files)
		aged(t, -time.Hour, dir, "same.html")
		aged(t, -time.Hour, dir, "size.html")
		aged(t, time.Hour, dir, "newer.html")

		done := "+ newer.html\n+ size.html\n+ sub/missing.html\n"
		printed(t, suite.Run(t, at.Env(), "sync", "-dry-run", "-delete", dir, at.URI("site")), done+"- gone.html\n3 copied, 1 deleted, 1 skipped\n")
		at.Holds(t, before)

		printed(t, suite.Run(t, at.Env(), "sync", dir, at.URI("site")), quarters("copying", 4, "bytes")+done+"3 copied, 0 deleted, 1 skipped\n")
		want := map[string]string{
			"site/same.html": "1", "site/size.html": "2", "site/newer.html": "Y", "site/sub/missing.html": "77",
			"site/gone.html": "4", "site2/gone.html": "5", "site.txt": "6",
		}
		at.Holds(t, want)

		aged(t, -time.Hour, dir, "newer.html")
		printed(t, suite.Run(t, at.Env(), "sync", "-delete", dir, at.URI("site")), "- gone.html\n0 copied, 1 deleted, 4 skipped\n")
		delete(want, "site/gone.html")
		at.Holds(t, want)
		holds(t, dir, files)
	})
}

// To disk: the other way round.
func TestSyncToDisk(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		remote := map[string]string{
			"site/same.html": "1", "site/size.html": "22", "site/newer.html": "3", "site/sub/missing.html": "44",
			"site2/other.html": "5", "site.txt": "6",
		}
		at.Seed(t, remote)
		dir := t.TempDir()
		files := map[string]string{"same.html": "1", "size.html": "2", "newer.html": "Y", "gone/gone.html": "7"}
		local(t, dir, files)
		aged(t, time.Hour, dir, "same.html")
		aged(t, time.Hour, dir, "size.html")
		aged(t, -time.Hour, dir, "newer.html")

		done := "+ newer.html\n+ size.html\n+ sub/missing.html\n"
		printed(t, suite.Run(t, at.Env(), "sync", "-dry-run", "-delete", at.URI("site"), dir), done+"- gone/gone.html\n3 copied, 1 deleted, 1 skipped\n")
		holds(t, dir, files)

		printed(t, suite.Run(t, at.Env(), "sync", at.URI("site"), dir), quarters("copying", 5, "bytes")+done+"3 copied, 0 deleted, 1 skipped\n")
		maps.Copy(files, map[string]string{"size.html": "22", "newer.html": "3", "sub/missing.html": "44"})
		holds(t, dir, files)

		printed(t, suite.Run(t, at.Env(), "sync", "-delete", at.URI("site"), dir), "- gone/gone.html\n0 copied, 1 deleted, 4 skipped\n")
		delete(files, "gone/gone.html")
		holds(t, dir, files)
		at.Holds(t, remote)
	})
}
