package main

import (
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

func main() {
	_ = term.IsTerminal(int(os.Stderr.Fd()))
	_ = progressbar.Default(1)
	_, _ = s3pathtest.Start()
}
