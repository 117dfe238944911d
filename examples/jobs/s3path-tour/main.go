// S3path-tour opens a client with each of its options by itself, and then takes an
// object and a tree through the verbs of a path.
//
//	go run ./s3path-tour                     on an S3 inside this program
//	go run ./s3path-tour s3://bucket/prefix  on a real one, by the usual AWS environment
//
// It works below a new directory of its own, and removes that in the end, also when
// it fails or is interrupted.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait until all is cleaned up
	if err := run(ctx, os.Args[1:]); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // of several failures the first will do
		fmt.Fprintln(os.Stderr, "s3path-tour:", line)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	uri := "s3://tour"
	switch len(args) {
	case 0:
		server, err := s3pathtest.Start()
		if err != nil {
			return err
		}
		defer server.Close()
		server.Bucket("tour")
		defer set(map[string]string{ // whatever is said of another server
			"AWS_ENDPOINT_URL_S3": server.URL, "AWS_ENDPOINT_URL": server.URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "",
			"AWS_PROFILE": "", "AWS_REGION": "us-east-1",
			"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test-secret", "AWS_SESSION_TOKEN": "test-token",
		})()
	case 1:
		uri = args[0]
	default:
		return errors.New("it takes no argument, or s3://bucket/prefix")
	}
	client, err := s3path.NewClient(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	root, err := client.Parse(uri)
	if err != nil {
		return err
	}
	if _, err := client.Object(root.Bucket(), "").Stat(ctx); err != nil { // before anything is made
		return err
	}
	root = root.Join("s3path-tour-" + strings.ToLower(rand.Text()))
	if err = clients(ctx, root); err == nil {
		err = verbs(ctx, root)
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx) // which signal it was
	}

	cleaning, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer done()
	if left := root.RemoveAll(cleaning); left != nil {
		err = fmt.Errorf("%v may be left behind: %w", root, errors.Join(left, err))
	}
	return err
}

// step is a line of the tour: code, and what came of it.
type step struct {
	code string
	do   func() (any, error)
}

// walk takes one step after the other until one fails.
func walk(title string, steps []step) error {
	fmt.Printf("\n%s\n", title)
	for _, s := range steps {
		result, err := s.do()
		if err != nil {
			return fmt.Errorf("%s: %w", s.code, err)
		}
		fmt.Printf("  %-58s %v\n", s.code, result)
	}
	return nil
}

// done is the result of a call that has none but its error.
func done(err error) (any, error) { return "done", err }

// refused is the result of a call that has to fail so.
func refused(err, want error) (any, error) {
	if errors.Is(err, want) {
		return "refused: " + want.Error(), nil
	}
	return nil, cmp.Or(err, fmt.Errorf("it was not refused: %w", want))
}
