package s3path_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestWaitAsksAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "there")
		gone := at.client.Object("no-such-bucket-here", "")
		for _, c := range []struct {
			name string
			wait func(context.Context) error
			most int
		}{
			{"an object that exists", at.object("there").WaitExists, 1},
			{"a bucket that exists", at.bucket.WaitExists, 1},
			{"an object that is gone", at.object("gone").WaitNotExists, 2},
			{"a bucket that is gone", gone.WaitNotExists, 1},
		} {
			var err error
			if n := at.count(func() { err = c.wait(t.Context()) }); n > c.most || err != nil {
				t.Errorf("%s: %d requests, %v; want at most %d", c.name, n, err, c.most)
			}
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		err := at.object("never").WaitExists(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "never") {
			t.Errorf("got %v, want the deadline and the path", err)
		}
	})
}

// The polling itself is seen with a clock that does not take time.
func TestWaitPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		polls, begin := 0, time.Now()
		c := scriptedClient(t, func(method, path string) int {
			if method != "HEAD" {
				return 200 // an empty listing
			}
			if polls++; polls < 4 {
				return 404
			}
			return 200
		})
		if err := c.Object("bucket", "late").WaitExists(t.Context()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begin); polls != 4 || took < 3*time.Second || took > 15*time.Second {
			t.Errorf("%d polls in %v, want 4, every few seconds", polls, took)
		}
	})
}

func TestWaitReportsRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scriptedClient(t, func(string, string) int { return 403 })
		for name, wait := range map[string]func(context.Context) error{
			"WaitExists":    c.Object("bucket", "k").WaitExists,
			"WaitNotExists": c.Object("bucket", "k").WaitNotExists,
		} {
			if err := wait(t.Context()); err == nil {
				t.Errorf("%s took a refusal for an answer", name)
			}
		}
	})
}
