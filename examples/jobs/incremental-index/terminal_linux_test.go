package main

import (
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// On a terminal a bar counts the files that are read; what comes out does not change.
func TestTerminal(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	at.Seed(t, map[string]string{"data/a.txt": "1", "data/b.txt": "2"})
	x := newIndexing(t, at)
	for _, row := range []struct{ out, shown string }{
		{"added    a.txt: 1 words, \"1\"\nadded    b.txt: 1 words, \"2\"\n2 added, 0 changed, 0 removed, 0 unchanged\n", "reading  50% |█"},
		{"0 added, 0 changed, 0 removed, 2 unchanged\n", ""},
	} {
		screen := jobtest.NewTerminal(t)
		cmd := suite.Command(t, at.Env(), "-state", x.state, at.URI("data")+"/")
		cmd.Stderr = screen.File
		got := suite.Succeeds(t, cmd)
		if text := screen.Text(t); got.Stdout != row.out || !strings.Contains(text, row.shown) || row.shown == "" && text != "" {
			t.Errorf("printed %q, showed %q", got.Stdout, text)
		}
	}
}
