//go:build !windows

package main

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// TestInterrupted: half an upload is none, and half a download neither.
func TestInterrupted(t *testing.T) {
	large := strings.Repeat("0123456789abcdef", 24<<20/16)
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"up": "what was there before"})
		from := file(t, "large", large)
		stopped := func(operation string, signal os.Signal, args ...string) {
			t.Helper()
			arrived := at.Hold(operation, 1)
			p := jobtest.Start(t, suite.Command(t, at.Env(), args...))
			arrived(t)
			p.Signal(signal)
			suite.Failed(t, p.Wait(), signal.String()+" signal received")
			at.Proxy.Intercept(nil)
		}
		stopped("UploadPart", os.Interrupt, "put", from, at.URI("up"))
		at.Holds(t, map[string]string{"up": "what was there before"})

		run(t, at, "put", from, at.URI("down"))
		to := file(t, "large", "what was there before")
		stopped("GetObject", syscall.SIGTERM, "get", at.URI("down"), to)
		holds(t, to, "what was there before")
	})
}
