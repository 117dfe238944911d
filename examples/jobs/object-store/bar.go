package main

import (
	"fmt"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// bar shows a transfer where somebody looks at it: on a terminal. end begins a
// new line, however far it has come.
func bar(what string) (option s3path.TransferOption, end func()) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return s3path.WithProgress(func(s3path.Progress) {}), func() {}
	}
	var bytes *progressbar.ProgressBar
	show := func(now s3path.Progress) {
		if bytes == nil {
			bytes = progressbar.NewOptions64(now.Total, progressbar.OptionSetDescription(what),
				progressbar.OptionSetWriter(os.Stderr), progressbar.OptionShowBytes(true))
		}
		if now.Total > 0 {
			bytes.ChangeMax64(now.Total)
		}
		_ = bytes.Set64(now.Done) // a bar that cannot be drawn is no failure
	}
	end = func() {
		if bytes != nil {
			fmt.Fprintln(os.Stderr)
		}
	}
	return s3path.WithProgress(show), end
}
