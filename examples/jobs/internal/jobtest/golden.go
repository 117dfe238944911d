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
// writes the file. What the README shows of a program has to be in its golden
// file.
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

// InREADME fails the test unless the library's README has this text.
func InREADME(t testing.TB, text string) {
	t.Helper()
	page, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), strings.TrimSpace(text)) {
		t.Errorf("README.md does not have\n%s", text)
	}
}
