//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// TestBar: on a terminal a transfer is seen, up to its end.
func TestBar(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	body := strings.Repeat("0123456789abcdef", 20<<20/16)
	from, to := file(t, "large", body), file(t, "large", "")
	for what, args := range map[string][]string{"put": {"put", from, at.URI("x")}, "get": {"get", at.URI("x"), to}} {
		if what == "get" {
			at.Seed(t, map[string]string{"x": body})
		}
		terminal := jobtest.NewTerminal(t)
		cmd := suite.Command(t, at.Env(), args...)
		cmd.Stderr = terminal.File
		if got := jobtest.Start(t, cmd).Wait(); got.Status != 0 || !strings.HasSuffix(got.Stdout, "20971520 bytes\n") {
			t.Errorf("%s: %d, %q", what, got.Status, got.Text())
		}
		if text := terminal.Text(t); !strings.Contains(text, what+" 100%") {
			t.Errorf("%s showed %q", what, text)
		}
	}
}
