//go:build !windows

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// A signal in the middle of it: the state is as it was, and nothing lies beside
// it. (Windows has no way to send one process a Ctrl-C.)
func TestInterrupted(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		x := newIndexing(t, at)
		at.Seed(t, map[string]string{"data/a.txt": "1"})
		x.run(t, 1, 1)
		before, _ := x.kept(t)
		at.Seed(t, map[string]string{"data/b.txt": "2", "data/c.txt": "3"})
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			arrived := at.Hold("GetObject", 1)
			p := jobtest.Start(t, suite.Command(t, at.Env(), "-state", x.state, at.URI("data")+"/"))
			arrived(t)
			p.Signal(signal)
			suite.Failed(t, p.Wait(), signal.String()+" signal received")
		}
		at.Proxy.Intercept(nil)
		if now, _ := x.kept(t); string(now) != string(before) {
			t.Error("the state has changed")
		}
		if left, err := os.ReadDir(filepath.Dir(x.state)); err != nil || len(left) != 1 {
			t.Errorf("beside the state there is %v, %v", left, err)
		}
	})
}
