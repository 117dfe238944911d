// Metadata-connector tells a search index what is in a bucket: a document for each
// object, and one for each folder with such an object below it. It looks again on an
// interval and says what was added, changed and removed, as lines of JSON.
//
//	metadata-connector                            two rounds on an S3 inside this program
//	metadata-connector [flags] config.json        on what the file says
//	metadata-connector [flags] s3://bucket/prefix on a bucket, by the usual AWS environment
//
//	-once          one round, and no second
//	-listen addr   serve the objects that have a document at http://addr/raw/{id}
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:])
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // which signal it was
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // of several failures the first will do
		fmt.Fprintln(os.Stderr, "metadata-connector:", line)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("metadata-connector", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	once := flags.Bool("once", false, "one round, and no second")
	listen := flags.String("listen", "", "serve the objects at http://addr/raw/{id}")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println("metadata-connector [flags] config.json, or s3://bucket/prefix")
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
		return nil
	case err != nil:
		return err
	case len(args) == 0:
		return demo(ctx)
	case flags.NArg() != 1:
		return errors.New("it takes no argument, or config.json, or s3://bucket/prefix")
	}
	cfg, err := load(flags.Arg(0))
	if err != nil {
		return err
	}
	c, err := connect(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.client.Close()

	out := json.NewEncoder(os.Stdout)
	if err := c.round(ctx, out); err != nil || *once {
		return err // a first round that fails says that a setting is wrong
	}
	if *listen != "" {
		_, stop, failed := c.serve(ctx, *listen, out)
		if failed != nil {
			return failed
		}
		defer func() { err = errors.Join(err, stop()) }()
	}
	for {
		select {
		case <-time.After(cfg.interval):
		case <-ctx.Done():
			return nil // somebody wants it to end
		}
		if err := c.round(ctx, out); err != nil && ctx.Err() == nil {
			// What is known stays as it is, and is compared with the next round.
			if err := out.Encode(event{Event: "failed", Error: err.Error()}); err != nil {
				return err
			}
		}
	}
}
