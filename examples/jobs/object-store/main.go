// Object-store does with a bucket what the SDKs' S3 pages show, one command each:
//
//	object-store list [-limit n] [-after cursor] [-page n] [-from time] [-to time] s3://bucket/prefix
//	object-store prefixes s3://bucket
//	object-store put [-sse-c file] [-sse-kms key] [-class class] file s3://bucket/key
//	object-store get [-sse-c file] [-version id] s3://bucket/key file
//	object-store stat [-sse-c file] s3://bucket/key
//	object-store versions s3://bucket/key
//	object-store restore [-days n] [-tier tier] s3://bucket/key
//	object-store wait [-gone] [-timeout duration] s3://bucket/key
//	object-store presign [-put type] [-expires duration] s3://bucket/key
//	object-store tags [-clear] s3://bucket/key [name=value ...]
//	object-store versioning s3://bucket
//
// Without a command it shows them on an S3 inside this program; with one it goes
// where the usual AWS environment says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait until all is cleaned up
	var err error
	if len(os.Args) == 1 {
		err = demo(ctx)
	} else {
		err = command(ctx, s3path.NewClient, os.Args[1:])
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // which signal it was
	}
	if err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // of several failures the first will do
		fmt.Fprintln(os.Stderr, "object-store:", line)
		os.Exit(1)
	}
}

// call is what a command works with.
type call struct {
	client *s3path.Client
	flags  *flag.FlagSet
	key    string   // -sse-c, for the commands that have it
	args   []string // what is left when a command has read its flags
}

// commands parse their flags, and return what is then done.
var commands = map[string]struct {
	takes string // after the flags
	set   func(c *call) (do func(ctx context.Context) error)
}{
	"list":       {"s3://bucket/prefix", list},
	"prefixes":   {"s3://bucket", prefixes},
	"put":        {"file s3://bucket/key", put},
	"get":        {"s3://bucket/key file", get},
	"stat":       {"s3://bucket/key", stat},
	"versions":   {"s3://bucket/key", versions},
	"restore":    {"s3://bucket/key", restore},
	"wait":       {"s3://bucket/key", wait},
	"presign":    {"s3://bucket/key", presign},
	"tags":       {"s3://bucket/key name=value ...", tags},
	"versioning": {"s3://bucket", versioning},
}

// command does what args say, with a client that open opens.
func command(ctx context.Context, open func(context.Context, ...s3path.ClientOption) (*s3path.Client, error), args []string) error {
	cmd, ok := commands[args[0]]
	if !ok {
		return fmt.Errorf("%q is none of the commands %s", args[0], strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
	}
	c := &call{flags: flag.NewFlagSet(args[0], flag.ContinueOnError)}
	c.flags.SetOutput(io.Discard)
	do := cmd.set(c)
	switch err := c.flags.Parse(args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		fmt.Println("object-store", args[0], "takes", cmd.takes, "and before that")
		c.flags.SetOutput(os.Stdout)
		c.flags.PrintDefaults()
		return nil
	case err != nil:
		return fmt.Errorf("%s: %w", args[0], err)
	}
	c.args = c.flags.Args()
	if takes := strings.Fields(cmd.takes); len(c.args) != len(takes) && takes[len(takes)-1] != "..." {
		return fmt.Errorf("%s takes %s", args[0], cmd.takes)
	}
	var err error
	if c.client, err = open(ctx); err != nil {
		return err
	}
	return errors.Join(do(ctx), c.client.Close())
}

// path is an argument that has to be an s3:// path.
func (c *call) path(i int) (s3path.S3Path, error) {
	if i >= len(c.args) {
		return s3path.S3Path{}, errors.New("it takes s3://bucket/key")
	}
	return c.client.Parse(c.args[i])
}
