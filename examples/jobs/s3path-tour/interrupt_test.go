//go:build !windows

package main

import (
	"os"
	"syscall"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// TestInterrupted: a signal in the middle of it ends it, and it still cleans up.
func TestInterrupted(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, theirs)
		for operation, signal := range map[string]os.Signal{"CopyObject": os.Interrupt, "UploadPart": syscall.SIGTERM} {
			arrived := at.Hold(operation, 0)
			p := jobtest.Start(t, suite.Command(t, at.Env(), at.URI("some")))
			arrived(t)
			p.Signal(signal)
			suite.Failed(t, p.Wait(), signal.String()+" signal received")
			at.Proxy.Intercept(nil)
			at.Holds(t, theirs)
		}
	})
}
