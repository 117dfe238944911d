package jobtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares a text with a golden file, after each string of a pair in
// replace became the other: names and addresses of one run. Under -update it
// writes the file.
func Golden(t testing.TB, file, got string, replace ...string) {
	t.Helper()
	got = strings.NewReplacer(replace...).Replace(got)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it printed\n%s\nand not, as %s has it,\n%s", got, file, want)
	}
}

// Shown fails the test unless the library's README has a section of this title
// with output in it, all of which is in out, as it stands there.
func Shown(t testing.TB, title, out string) {
	t.Helper()
	page, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n### "+title+"\n")
	section, _, _ = strings.Cut(section, "\n##")
	blocks := strings.Split(section, "```text\n")[1:]
	if !found || len(blocks) == 0 {
		t.Fatalf("README.md has no output in a section %q", title)
	}
	for _, block := range blocks {
		block, _, _ = strings.Cut(block, "```")
		if !strings.Contains(out, block) {
			t.Errorf("README.md shows\n%s\nand it printed\n%s", block, out)
		}
	}
}
