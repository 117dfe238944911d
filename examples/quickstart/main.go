// Quickstart takes a small directory of real files through what a path can do, and
// prints each call with its result and the requests it took.
//
//	go run ./examples/quickstart                     on an S3 inside this program
//	go run ./examples/quickstart s3://bucket/prefix  on a real one, by the usual AWS environment
//
// On a real one it works below a new directory of its own, and removes that in the
// end, also when it fails or is interrupted.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image/png"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
	"github.com/cloudpath-go/cloudpath/testdata/lake"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait until all is cleaned up
	if err := run(ctx, os.Args[1:]); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n") // of many files, the first will do
		fmt.Fprintln(os.Stderr, "quickstart:", line)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	var requests counter
	web := &http.Client{Transport: &requests}
	open, uri := s3path.NewClient, "s3://quickstart/lake"
	switch len(args) {
	case 0:
		server, err := s3pathtest.Start()
		if err != nil {
			return err
		}
		defer server.Close()
		open = server.NewClient
	case 1:
		uri = args[0]
	default:
		return errors.New("it takes no argument, or s3://bucket/prefix")
	}
	client, err := open(ctx, s3path.WithHTTPClient(web))
	if err != nil {
		return err
	}
	defer client.Close()
	root, err := client.Parse(uri)
	if err != nil {
		return err
	}
	if bucket := client.Object(root.Bucket(), ""); len(args) == 0 {
		err = bucket.Mkdir(ctx)
	} else {
		root = root.Join("quickstart-" + strings.ToLower(rand.Text()))
		_, err = bucket.Stat(ctx) // before anything is made
	}
	if err != nil {
		return err
	}

	ctx, cancel := context.WithCancelCause(ctx)
	visitor := &http.Client{Transport: within{ctx, &requests}}
	tour(ctx, &printer{requests: &requests, fail: cancel}, visitor, root)
	err = context.Cause(ctx) // the first failure
	cancel(nil)

	cleaning, done := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer done()
	if left := root.RemoveAll(cleaning); left != nil {
		err = fmt.Errorf("%v may be left behind: %w", root, errors.Join(left, err))
	}
	return err
}

// tour shows what a path can do. The first failure cancels the context, so that
// nothing more is asked for, and nothing printed.
func tour(ctx context.Context, p *printer, web *http.Client, root s3path.S3Path) {
	dir, err := os.MkdirTemp("", "quickstart-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.CopyFS(dir, lake.Files)
	}
	if err != nil {
		p.fail(err)
		return
	}
	logbook, notes, picture := root.Join("LOGBOOK"), root.Join("notes.md"), root.Join("photos", "lake.png")

	p.section("root is " + root.String())
	p.call(`root.UploadFrom(ctx, dir)`)("", root.UploadFrom(ctx, dir))

	p.section("List")
	p.call(`root.IterDir(ctx)`)(table(root.IterDir(ctx), size))
	p.call(`root.Glob(ctx, "**/*.{png,jpg}")`)(table(root.Glob(ctx, "**/*.{png,jpg}"), size))
	p.call(`root.Walk(ctx, s3path.WithMaxSize(500))`)(table(root.Walk(ctx, s3path.WithMaxSize(500)), size))
	p.call(`root.Join("photos").IsDir(ctx)`)(root.Join("photos").IsDir(ctx))

	p.section("Content types, by name and by the first bytes")
	p.call(`root.Walk(ctx)`, `e.Stat(ctx)`)(table(root.Walk(ctx), func(e s3path.Entry) (string, error) {
		info, err := e.Stat(ctx)
		return info.ContentType() + " " + info.ContentEncoding(), err
	}))

	p.section("Read")
	p.call(`notes.ReadText(ctx)`)(notes.ReadText(ctx))
	p.call(`picture.ReadRange(ctx, 0, 8)`)(picture.ReadRange(ctx, 0, 8))
	p.call(`picture.Open(ctx)`, `png.DecodeConfig(r)`)(func() (string, error) {
		r, err := picture.Open(ctx)
		if err != nil {
			return "", err
		}
		defer r.Close()
		config, err := png.DecodeConfig(r)
		return fmt.Sprintf("%d × %d pixels", config.Width, config.Height), err
	}())

	p.section("Change")
	sign := func(old []byte) ([]byte, error) { return append(old, "30 May  was here\n"...), nil }
	p.call(`logbook.Update(ctx, sign)`)("", logbook.Update(ctx, sign))
	p.call(`logbook.ReadText(ctx)`)(logbook.ReadText(ctx))
	p.call(`notes.WriteText(ctx, "mine", s3path.WithNoOverwrite())`)(
		refused(notes.WriteText(ctx, "mine", s3path.WithNoOverwrite()), fs.ErrExist))
	p.call(`logbook.Rename(ctx, root.Join("logbook.txt"))`)("", logbook.Rename(ctx, root.Join("logbook.txt")))
	p.call(`root.Join("readings").Rename(ctx, root.Join("archive/2026"))`)(
		"", root.Join("readings").Rename(ctx, root.Join("archive/2026")))
	p.call(`root.Walk(ctx, s3path.WithDirs())`)(table(root.Walk(ctx, s3path.WithDirs()), size))

	p.section("Share")
	var url string
	p.call(`picture.PresignGet(ctx, 15*time.Minute)`)(func() (string, error) {
		url, err = picture.PresignGet(ctx, 15*time.Minute)
		address, _, _ := strings.Cut(url, "?")
		return address + "?…&X-Amz-Signature=…", err // the rest is as good as a password
	}())
	p.call(`web.Get(url)`)(fetched(web.Get(url)))

	p.section("Remove")
	p.call(`root.Join("photos").Remove(ctx)`)(refused(root.Join("photos").Remove(ctx), cloudpath.ErrNotEmpty))
	p.call(`notes.Remove(ctx)`)("", notes.Remove(ctx))
	p.call(`root.RemoveAll(ctx)`)("", root.RemoveAll(ctx))
	p.call(`root.Exists(ctx)`)(root.Exists(ctx))
	p.section(plural(p.total) + " in all")
}

// fetched is what anybody gets who has the URL.
func fetched(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	return fmt.Sprintf("%s, %s, %d bytes", resp.Status, resp.Header.Get("Content-Type"), n), err
}

// counter counts the requests that pass.
type counter struct{ n atomic.Int64 }

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.n.Add(1)
	return http.DefaultTransport.RoundTrip(req)
}

// within ends requests with a context, which web.Get does not take.
type within struct {
	ctx  context.Context
	next http.RoundTripper
}

func (w within) RoundTrip(req *http.Request) (*http.Response, error) {
	return w.next.RoundTrip(req.WithContext(w.ctx))
}

// printer prints calls until one fails.
type printer struct {
	requests *counter
	total    int64
	failed   bool
	fail     func(error)
}

func (p *printer) section(title string) {
	if !p.failed {
		fmt.Printf("\n%s\n", title)
	}
}

// call begins to count. The call itself is made as the argument of what it
// returns, which prints it.
func (p *printer) call(code ...string) func(result any, err error) {
	before := p.requests.n.Load()
	return func(result any, err error) {
		n := p.requests.n.Load() - before
		p.total += n
		if p.failed = p.failed || err != nil; p.failed {
			p.fail(err)
			return
		}
		fmt.Printf("  %-62s %s\n", strings.Join(code, "; "), plural(n))
		for line := range strings.Lines(fmt.Sprint(result)) {
			fmt.Println(strings.TrimRight("    "+line, " \n"))
		}
	}
}

func plural(requests int64) string {
	if requests == 1 {
		return "1 request"
	}
	return fmt.Sprintf("%d requests", requests)
}

// table is a listing as text.
func table(listing iter.Seq2[s3path.Entry, error], about func(e s3path.Entry) (string, error)) (string, error) {
	var text strings.Builder
	for e, err := range listing {
		what := ""
		if err == nil {
			what, err = about(e)
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&text, "%-28s %s\n", e.Rel(), what)
	}
	return text.String(), nil
}

func size(e s3path.Entry) (string, error) {
	if e.IsDir() {
		return "directory", nil
	}
	return fmt.Sprintf("%d bytes", e.Size()), nil
}

// refused expects a call to fail.
func refused(err, want error) (string, error) {
	if errors.Is(err, want) {
		return "refused: " + want.Error(), nil
	}
	return "", errors.Join(err, fmt.Errorf("it should have been refused: %w", want))
}
