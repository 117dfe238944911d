// Transfer moves files to S3 and back, and shows how far it is.
//
//	transfer upload FILE|DIRECTORY s3://bucket/key
//	transfer download s3://bucket/key FILE|DIRECTORY
//	transfer list [flags] s3://bucket/prefix    see transfer list -help
//	transfer delete s3://bucket/key             one; that it is missing is fine
//	transfer delete -from FILE                  all that the file names, one a line ("-" is standard input)
//	transfer sync [-delete] [-dry-run] FROM TO  one is a directory, the other s3://bucket/prefix
//	transfer                                    all of it, on an S3 inside this program
//
// Who asks, and where, is in the usual AWS variables and files. On a terminal it
// shows a bar, in a pipe it prints a line at each quarter. Whatever ends it, Ctrl-C
// too, nothing half-written is left.
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait until all is cleaned up
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	line, rest, many := strings.Cut(err.Error(), "\n") // of many objects that failed, each has a line
	if many {
		fmt.Println(err)
		line += fmt.Sprintf(" (and %d more)", strings.Count(rest, "\n")+1)
	}
	fmt.Fprintln(os.Stderr, "transfer:", line)
	os.Exit(1)
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return demo(ctx)
	}
	client, err := s3path.NewClient(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	return command(ctx, client, args)
}

func command(ctx context.Context, client *s3path.Client, args []string) error {
	name, args := args[0], args[1:]
	commands := map[string]func(context.Context, *s3path.Client, []string) error{
		"upload": upload, "download": download, "list": list, "delete": remove, "sync": synchronize,
	}
	if do, ok := commands[name]; ok {
		return do(ctx, client, args)
	}
	return fmt.Errorf("there is no command %q; the commands are upload, download, list, delete and sync", name)
}

func upload(ctx context.Context, client *s3path.Client, args []string) error {
	if len(args) != 2 {
		return errors.New("upload FILE|DIRECTORY s3://bucket/key")
	}
	to, err := client.Parse(args[1])
	if err != nil {
		return err
	}
	bar := progress{what: "uploading", unit: "bytes"}
	defer bar.end()
	return to.UploadFrom(ctx, args[0], s3path.WithProgress(bar.show))
}

func download(ctx context.Context, client *s3path.Client, args []string) error {
	if len(args) != 2 {
		return errors.New("download s3://bucket/key FILE|DIRECTORY")
	}
	from, err := client.Parse(args[0])
	if err != nil {
		return err
	}
	bar := progress{what: "downloading", unit: "bytes"}
	defer bar.end()
	return from.DownloadTo(ctx, args[1], s3path.WithProgress(bar.show))
}

func list(ctx context.Context, client *s3path.Client, args []string) error {
	flags := flag.NewFlagSet("list", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	limit := flags.Int("limit", 0, "list no more than so many, 0 is all")
	page := flags.Int("page", 1000, "ask for so many at once")
	after := flags.String("after", "", "go on behind this `cursor`, which a listing with a limit ends with")
	larger := flags.Int64("min", 0, "only what has so many `bytes`")
	pattern := flags.String("name", "", "only what matches a `pattern`, such as '**/*.csv'")
	newer := flags.String("newer", "", "only what was written after a `time`, such as 2026-05-01T00:00:00Z")
	if err := parse(flags, args, 1, "s3://bucket/prefix"); err != nil {
		return err
	}
	from, err := client.Parse(flags.Arg(0))
	if err != nil {
		return err
	}
	opts := []s3path.ListOption{s3path.WithPageSize(*page), s3path.WithMinSize(*larger), s3path.WithStartAfter(*after)}
	if *limit != 0 {
		opts = append(opts, s3path.WithLimit(*limit))
	}
	if *pattern != "" {
		opts = append(opts, s3path.WithInclude(*pattern))
	}
	if *newer != "" {
		t, err := time.Parse(time.RFC3339, *newer)
		if err != nil {
			return err
		}
		opts = append(opts, s3path.WithModifiedAfter(t))
	}
	var n int
	var cursor string
	for e, err := range from.Walk(ctx, opts...) {
		if err != nil {
			return err
		}
		n++
		cursor = e.Cursor()
		fmt.Printf("%s %10d  %s\n", e.ModTime().UTC().Format(time.RFC3339), e.Size(), e.Rel())
	}
	fmt.Printf("%d objects", n)
	if n > 0 && n == *limit {
		fmt.Printf("; there may be more: -after %q", cursor)
	}
	fmt.Println()
	return nil
}

func remove(ctx context.Context, client *s3path.Client, args []string) error {
	flags := flag.NewFlagSet("delete", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	from := flags.String("from", "", "delete what this `file` names, one s3://bucket/key a line; - is standard input")
	if len(args) == 1 && !strings.HasPrefix(args[0], "-") {
		p, err := client.Parse(args[0])
		switch {
		case err != nil:
			return err
		case p.IsBucket():
			return errors.New("delete wants s3://bucket/key, and not a whole bucket")
		}
		return p.Remove(ctx, s3path.WithMissingOK())
	}
	if err := parse(flags, args, 0, "s3://bucket/key, or -from FILE"); err != nil {
		return err
	}
	if *from == "" {
		return errors.New("delete wants s3://bucket/key, or -from FILE")
	}
	in := os.Stdin
	if *from != "-" {
		var err error
		if in, err = os.Open(*from); err != nil {
			return err
		}
		defer in.Close()
	}
	var paths []s3path.S3Path
	read := make(chan error, 1)
	go func() {
		lines := bufio.NewScanner(in)
		for lines.Scan() {
			p, err := client.Parse(lines.Text())
			if err != nil {
				read <- err
				return
			}
			paths = append(paths, p)
		}
		read <- lines.Err()
	}()
	select {
	case err := <-read:
		if err != nil {
			return err
		}
	case <-ctx.Done(): // and not when somebody has typed the last line
		return ctx.Err()
	}
	bar := progress{what: "deleting", unit: "objects"}
	defer bar.end()
	return client.RemoveMany(ctx, slices.Values(paths), s3path.WithProgress(bar.show))
}

func synchronize(ctx context.Context, client *s3path.Client, args []string) error {
	flags := flag.NewFlagSet("sync", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	clean := flags.Bool("delete", false, "delete what is only in TO")
	dry := flags.Bool("dry-run", false, "say what would be done, and do nothing")
	if err := parse(flags, args, 2, "FROM TO"); err != nil {
		return err
	}
	bar := progress{what: "copying", unit: "bytes"}
	opts := []s3path.SyncOption{s3path.WithProgress(bar.show)}
	if *clean {
		opts = append(opts, s3path.WithDelete())
	}
	if *dry {
		opts = append(opts, s3path.WithDryRun())
	}
	from, to := flags.Arg(0), flags.Arg(1)
	var done s3path.SyncResult
	remote, err := client.Parse(to)
	if err == nil {
		done, err = remote.SyncFrom(ctx, from, opts...)
	} else if remote, err = client.Parse(from); err == nil {
		done, err = remote.SyncTo(ctx, to, opts...)
	}
	bar.end()
	for _, rel := range done.Copied {
		fmt.Println("+", rel)
	}
	for _, rel := range done.Deleted {
		fmt.Println("-", rel)
	}
	fmt.Printf("%d copied, %d deleted, %d skipped\n", len(done.Copied), len(done.Deleted), len(done.Skipped))
	return err
}

// parse parses the flags of a command, which wants n arguments behind them.
func parse(flags *flag.FlagSet, args []string, n int, want string) error {
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf("transfer %s [flags] %s\n", flags.Name(), want)
		flags.SetOutput(os.Stdout)
		flags.PrintDefaults()
	case err == nil && flags.NArg() != n:
		err = fmt.Errorf("%s wants %s", flags.Name(), want)
	}
	return err
}

// progress is a bar on a terminal, and else a line at each quarter.
type progress struct {
	what, unit string
	bar        *progressbar.ProgressBar
	next       int64 // percent
}

func (p *progress) show(now s3path.Progress) {
	done, total := now.Done, now.Total
	if p.unit == "objects" {
		done, total = int64(now.Objects), int64(now.TotalObjects)
	}
	if term.IsTerminal(int(os.Stderr.Fd())) {
		if p.bar == nil {
			p.bar = progressbar.NewOptions64(total, progressbar.OptionSetDescription(p.what), progressbar.OptionSetWriter(os.Stderr),
				progressbar.OptionShowBytes(p.unit == "bytes"), progressbar.OptionShowCount(), progressbar.OptionThrottle(50*time.Millisecond))
		}
		if total > 0 {
			p.bar.ChangeMax64(total)
		}
		_ = p.bar.Set64(done)
		return
	}
	for ; total > 0 && p.next <= 100 && done*100 >= p.next*total; p.next += 25 {
		fmt.Printf("%s %3d%% of %d %s\n", p.what, p.next, total, p.unit)
	}
}

// end leaves the bar as it is: what comes next begins a line.
func (p *progress) end() {
	if p.bar != nil {
		fmt.Fprintln(os.Stderr)
		p.bar = nil
	}
}
