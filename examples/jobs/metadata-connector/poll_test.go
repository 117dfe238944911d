//go:build !windows

package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// running is a connector whose output is read while it runs.
type running struct {
	*jobtest.Process
	t      *testing.T
	events chan event
}

func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Process: jobtest.Start(t, cmd), t: t, events: make(chan event, 10_000)}
	go func() {
		defer close(r.events)
		for lines := bufio.NewScanner(pipe); lines.Scan(); {
			var e event
			if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
				t.Errorf("%q: %v", lines.Text(), err)
			}
			r.events <- e
		}
	}()
	return r
}

// next is what is written up to an event of this kind, rounds without anything new
// left out.
func (r *running) next(kind string) (before []event, found event) {
	r.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		select {
		case e, ok := <-r.events:
			switch {
			case !ok:
				r.t.Fatalf("it ended before it said %q, after %v", kind, before)
			case e.Event == kind && (kind != "round" || len(before) > 0):
				return before, e
			case e.Event != "round":
				before = append(before, e)
			}
		case <-timeout:
			r.t.Fatalf("it did not say %q, but %v", kind, before)
		}
	}
}

// interrupted ends it as Ctrl-C does.
func (r *running) interrupted() {
	r.t.Helper()
	r.Signal(os.Interrupt)
	for range r.events { // until it is closed
	}
	if got := r.Wait(); got.Status != 0 || got.Stderr != "" {
		r.t.Errorf("ended with status %d and said %q", got.Status, got.Stderr)
	}
}

// changes are events as "added file a/b", sorted.
func changes(t *testing.T, at *jobtest.Place, all []event) []string {
	t.Helper()
	var found []string
	for _, kind := range []string{"added", "changed", "removed"} {
		for name := range maps.Keys(documents(t, at, kind, all)) {
			found = append(found, kind+" "+name)
		}
	}
	slices.Sort(found)
	return found
}

// TestPoll: what is added, changed and removed between two rounds is told apart,
// and a round that fails is as if it had not been.
func TestPoll(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"a/x.txt": "1", "a/y.txt": "2", "b/z.txt": "3"})
		r := start(t, suite.Command(t, nil, settings(t, at, map[string]any{"sync_interval": "100ms"})))
		all, _ := r.next("round")
		want := func(all []event, list ...string) {
			t.Helper()
			if got := changes(t, at, all); !slices.Equal(got, list) {
				t.Errorf("got  %q\nwant %q", got, list)
			}
		}
		want(all, "added file a/x.txt", "added file a/y.txt", "added file b/z.txt", "added folder a/", "added folder b/")

		at.Refuse("ListObjectsV2", http.StatusForbidden, "AccessDenied")
		all, failed := r.next("failed")
		want(all)
		if !strings.Contains(failed.Error, "AccessDenied: Not today") || !strings.Contains(failed.Error, at.Bucket) {
			t.Errorf("it failed with %q", failed.Error)
		}
		at.Seed(t, map[string]string{"a/x.txt": "1 and more", "c/new.txt": "4"})
		at.Delete(t, "b/z.txt")
		all, _ = r.next("failed") // and says nothing of what it cannot see
		want(all)
		at.Proxy.Intercept(nil)
		for {
			all, _ = r.next("round")
			if all = slices.DeleteFunc(all, func(e event) bool { return e.Event == "failed" }); len(all) > 0 {
				break
			}
		}
		want(all, "added file c/new.txt", "added folder c/", "changed file a/x.txt", "removed file b/z.txt", "removed folder b/")

		r.interrupted()
		at.Holds(t, map[string]string{"a/x.txt": "1 and more", "a/y.txt": "2", "c/new.txt": "4"})
	})
}

// TestHalfAListing: the second page fails, and nothing is said of the first.
func TestHalfAListing(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	objects := map[string]string{}
	for i := range 1500 {
		objects["k"+strings.Repeat("x", i%9)+time.Unix(int64(i), 0).UTC().Format("150405")] = ""
	}
	at.Seed(t, objects)
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if !r.URL.Query().Has("continuation-token") && !r.URL.Query().Has("start-after") {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	})
	got := suite.Fails(t, suite.Command(t, nil, settings(t, at, nil)), at.Bucket)
	if got.Stdout != "" {
		t.Errorf("it wrote %.200s", got.Stdout)
	}
}

// TestInterval: it is kept to.
func TestInterval(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	at.Seed(t, map[string]string{"x": "1"})
	r := start(t, suite.Command(t, nil, settings(t, at, map[string]any{"sync_interval": "500ms"})))
	r.next("round")
	begin := time.Now()
	at.Seed(t, map[string]string{"x": "2"})
	r.next("round")
	at.Seed(t, map[string]string{"x": "3"})
	r.next("round")
	if took := time.Since(begin); took < 600*time.Millisecond || took > 10*time.Second {
		t.Errorf("two rounds in %v", took)
	}
	r.interrupted()
}
