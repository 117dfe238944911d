package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

var suite jobtest.Suite

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }

// clock is when something was written.
var clock = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

func TestDemo(t *testing.T) {
	got := suite.Run(t, nil)
	out := clock.ReplaceAllStringFunc(got.Stdout, func(text string) string {
		if text == "2020-01-01T00:00:00Z" { // of the command itself
			return text
		}
		return "2026-05-30T12:00:00Z"
	})
	jobtest.Golden(t, "testdata/demo.golden", out)
	if got.Stderr != "" {
		t.Errorf("said %q on standard error", got.Stderr)
	}
}

// quarters is what a pipe is told of a transfer.
func quarters(what string, total int, unit string) string {
	var out strings.Builder
	for q := 0; q <= 100; q += 25 {
		fmt.Fprintf(&out, "%s %3d%% of %d %s\n", what, q, total, unit)
	}
	return out.String()
}

// local makes files below dir, and says how many bytes they have.
func local(t *testing.T, dir string, files map[string]string) (size int) {
	t.Helper()
	for name, body := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte(body), 0o666)); err != nil {
			t.Fatal(err)
		}
		size += len(body)
	}
	return size
}

// holds fails the test unless there are exactly these files below dir.
func holds(t *testing.T, dir string, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		got[filepath.ToSlash(rel)] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range want {
		if have, ok := got[name]; !ok || have != body {
			t.Errorf("%s: there %v, of %d bytes, want %d", name, ok, len(have), len(body))
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("there is %s, which nobody wants", name)
	}
}

func printed(t *testing.T, got jobtest.Result, want string) {
	t.Helper()
	if got.Stdout != want || got.Stderr != "" {
		t.Errorf("printed\n%s%swant\n%s", got.Stdout, got.Stderr, want)
	}
}

// film is large enough for several parts.
func film(letter string) string { return strings.Repeat(letter+"bcdefghijklmno\n", 20<<20/16) }

// Upload and download of one file: the total first, then bytes up to it; the
// same bytes arrive.
func TestOneFile(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"film.mp4": "old", "film.mp4.txt": "mine"})
		body := film("a")
		dir := t.TempDir()
		local(t, dir, map[string]string{"film.mp4": body})
		name := filepath.Join(dir, "film.mp4")
		got := suite.Run(t, at.Env(), "upload", name, at.URI("film.mp4"))
		printed(t, got, quarters("uploading", len(body), "bytes"))
		at.Holds(t, map[string]string{"film.mp4": body, "film.mp4.txt": "mine"})

		copied := filepath.Join(dir, "copy.mp4")
		got = suite.Run(t, at.Env(), "download", at.URI("film.mp4"), copied)
		printed(t, got, quarters("downloading", len(body), "bytes"))
		holds(t, dir, map[string]string{"film.mp4": body, "copy.mp4": body})
	})
}

// One is deleted, and that it is missing is fine.
func TestDeleteOne(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"a": "1", "a.txt": "2", "b/c": "3"})
		for range 2 {
			printed(t, suite.Run(t, at.Env(), "delete", at.URI("a")), "")
			at.Holds(t, map[string]string{"a.txt": "2", "b/c": "3"})
		}
	})
}

// The logs are 2,500 objects: uploaded from a directory, listed in every way,
// downloaded, and deleted in three requests.
func TestManyObjects(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		theirs := map[string]string{"logs.txt": "not a log", "logs2/x": "of others"}
		at.Seed(t, theirs)
		logs, want := map[string]string{}, map[string]string{"logs.txt": "not a log", "logs2/x": "of others"}
		var names []string // as a listing has them
		for i := range 2500 {
			name := fmt.Sprintf("%d/%04d.log", i%3, i)
			logs[name] = strings.Repeat("x", i%7)
			want["logs/"+name] = logs[name]
			names = append(names, name)
		}
		slices.Sort(names)
		dir := t.TempDir()
		size := local(t, dir, logs)
		before := time.Now().Add(-time.Minute)
		direct := at.Env("AWS_ENDPOINT_URL=" + at.Direct) // nobody counts these requests
		printed(t, suite.Run(t, direct, "upload", dir, at.URI("logs")), quarters("uploading", size, "bytes"))
		at.Holds(t, want)

		back, some, part := t.TempDir(), map[string]string{}, 0
		for name, body := range logs {
			if rest, ok := strings.CutPrefix(name, "1/"); ok {
				some[rest] = body
				part += len(body)
			}
		}
		printed(t, suite.Run(t, direct, "download", at.URI("logs/1"), back), quarters("downloading", part, "bytes"))
		holds(t, back, some)

		// What a listing of these prints.
		lines := func(names []string) string {
			var out strings.Builder
			for _, name := range names {
				fmt.Fprintf(&out, "TIME %10d  %s\n", len(logs[name]), name)
			}
			fmt.Fprintf(&out, "%d objects", len(names))
			return out.String()
		}
		list := func(requests int, args ...string) string {
			t.Helper()
			before := at.Proxy.Count()
			got := suite.Run(t, at.Env(), append(append([]string{"list"}, args...), at.URI("logs"))...)
			if n := at.Proxy.Count() - before; n != requests {
				t.Errorf("list %q: %d requests, want %d", args, n, requests)
			}
			if got.Stderr != "" {
				t.Errorf("said %q", got.Stderr)
			}
			return clock.ReplaceAllString(got.Stdout, "TIME")
		}
		expect := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s printed\n%s\nwant\n%s", what, got, want)
			}
		}
		expect("all", list(3), lines(names)+"\n")
		expect("pages of 400", list(7, "-page", "400"), lines(names)+"\n")
		next := fmt.Sprintf("; there may be more: -after %q\n", "logs/"+names[1199])
		expect("a limit", list(2, "-limit", "1200"), lines(names[:1200])+next)
		expect("the rest", list(2, "-after", "logs/"+names[1199]), lines(names[1200:])+"\n")

		large := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(logs[name]) < 5 })
		expect("by size", list(3, "-min", "5"), lines(large)+"\n")
		seventh := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasSuffix(name, "7.log") })
		expect("by name", list(3, "-name", "**/*7.log"), lines(seventh)+"\n")
		expect("by time, all", list(3, "-newer", before.UTC().Format(time.RFC3339)), lines(names)+"\n")
		expect("by time, none", list(3, "-newer", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)), lines(nil)+"\n")

		// Failures are named by key, and the others are deleted all the same.
		var uris strings.Builder
		for _, name := range names {
			fmt.Fprintln(&uris, at.URI("logs/"+name))
		}
		forbidden := []string{"logs/" + names[3], "logs/" + names[2000]}
		t.Run("refused", func(t *testing.T) { deleteRefused(t, at, uris.String(), forbidden) })

		at.Proxy.Reset()
		cmd := suite.Command(t, at.Env(), "delete", "-from", "-")
		cmd.Stdin = strings.NewReader(uris.String())
		printed(t, suite.Succeeds(t, cmd), quarters("deleting", len(names), "objects"))
		if counts := at.Proxy.Counts(); counts["DeleteObjects"] != 3 || at.Proxy.Count() != 3 {
			t.Errorf("requests: %v, want 3 deletions of many", counts)
		}
		at.Holds(t, theirs)
	})
}

// deleteRefused has a server that says of two keys that they must not be deleted.
func deleteRefused(t *testing.T, at *jobtest.Place, uris string, forbidden []string) {
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != "DeleteObjects" {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var asked struct {
				Object []struct{ Key string }
			}
			if err := xml.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			io.WriteString(w, "<DeleteResult>")
			for _, o := range asked.Object {
				if slices.Contains(forbidden, o.Key) {
					fmt.Fprintf(w, "<Error><Key>%s</Key><Code>AccessDenied</Code><Message>Not today.</Message></Error>", o.Key)
				} else {
					fmt.Fprintf(w, "<Deleted><Key>%s</Key></Deleted>", o.Key)
				}
			}
			io.WriteString(w, "</DeleteResult>")
		})
	})
	defer at.Proxy.Intercept(nil)
	cmd := suite.Command(t, at.Env(), "delete", "-from", "-")
	cmd.Stdin = strings.NewReader(uris)
	got := suite.Fails(t, cmd, "AccessDenied: Not today (and 1 more)")
	for _, key := range forbidden {
		if !strings.Contains(got.Stdout, at.URI(key)+": AccessDenied: Not today") {
			t.Errorf("it does not name %s, but said\n%s", key, got.Text())
		}
	}
	if strings.Contains(got.Stdout, "100%") || strings.Count(got.Stdout, "AccessDenied") != 2 {
		t.Errorf("it said\n%s", got.Stdout)
	}
}
