// Afero-swap is one program that knows nothing of S3: it reads, writes, appends,
// packs, renders, serves, renames and removes files of an afero.Fs. A flag says
// where they are, and what it prints is the same everywhere.
//
//	go run ./examples/afero-swap                              on an S3 inside this program
//	go run ./examples/afero-swap -storage ./dir               on a local disk
//	go run ./examples/afero-swap -storage s3://bucket/prefix  on a real S3, by the usual AWS environment
//
// It works in a new directory, afero-swap, which it removes in the end.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

func main() {
	storage := flag.String("storage", "", "./dir, or s3://bucket/prefix; nothing is an S3 inside this program")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait until all is cleaned up
	if err := run(ctx, os.Stdout, *storage); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // of several failures the first will do
		fmt.Fprintln(os.Stderr, "afero-swap:", line)
		os.Exit(1)
	}
}

// workshop is the directory that everything happens in.
const workshop = "afero-swap"

func run(ctx context.Context, out io.Writer, storage string) (err error) {
	if storage == "" {
		server, err := s3pathtest.Start()
		if err != nil {
			return err
		}
		defer server.Close()
		bucket := server.Bucket("embedded")
		s3path.SetDefaultClient(bucket.Client())
		storage = bucket.String()
	}

	files, err := aferoadapter.Open(ctx, storage) // the line that says where the files are
	if err != nil {
		return err
	}

	if err := files.MkdirAll("/", 0o755); err != nil {
		return err
	}
	if err := files.Mkdir(workshop, 0o755); err != nil {
		return fmt.Errorf("it wants a directory of its own: %w", err)
	}
	defer func() {
		if f, ok := files.(*aferoadapter.Fs); ok {
			files = f.WithContext(context.WithoutCancel(ctx)) // Ctrl-C too leaves nothing behind
		}
		err = errors.Join(err, files.RemoveAll(workshop))
	}()
	return work(out, afero.NewBasePathFs(files, workshop))
}
