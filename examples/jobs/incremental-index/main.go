// Incremental-index keeps an index of the text files below a prefix, and reads
// only what has changed since it ran before.
//
//	incremental-index [-state FILE] [-include PATTERN] [-exclude PATTERN] [-max-size BYTES] s3://bucket/data/
//	incremental-index -show [-head N] s3://bucket/data/a.txt
//	incremental-index -show [-head N] BUCKET KEY      the same by bucket and key
//	incremental-index                                 three runs on an S3 inside this program
//
// Who asks, and where, is in the usual AWS variables and files. When anything
// fails, or on Ctrl-C, the index stays as it was.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C does not wait
	err := run(ctx, os.Args[1:])
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	fmt.Fprintln(os.Stderr, "incremental-index:", line)
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
	var include, exclude []string
	flags := flag.NewFlagSet("incremental-index", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	state := flags.String("state", "index.json", "the `file` with the index")
	flags.Func("include", "index only what matches this `pattern`, relative to the prefix", appendTo(&include))
	flags.Func("exclude", "leave out what matches this `pattern`", appendTo(&exclude))
	size := flags.Int64("max-size", 1<<20, "leave out what has more `bytes`")
	show := flags.Bool("show", false, "say what there is to know of one file")
	head := flags.Int64("head", 40, "of which to show so many `bytes`")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(os.Stdout)
			flags.PrintDefaults()
		}
		return err
	}
	if *show && flags.NArg() == 2 {
		return about(ctx, client.Object(flags.Arg(0), flags.Arg(1)), *head)
	}
	if flags.NArg() != 1 {
		return errors.New("it wants one s3://bucket/prefix")
	}
	root, err := client.Parse(flags.Arg(0))
	if err != nil {
		return err
	}
	if *show {
		return about(ctx, root, *head)
	}
	return update(ctx, root, *state, s3path.WithInclude(include...), s3path.WithExclude(exclude...), s3path.WithMaxSize(*size))
}

func appendTo(list *[]string) func(string) error {
	return func(text string) error { *list = append(*list, text); return nil }
}

// index is what is kept between two runs.
type index struct {
	Root  string          `json:"root"`
	Seen  s3path.Snapshot `json:"seen"`
	Files map[string]file `json:"files"` // by path relative to the root
}

// file is what the index has of a file.
type file struct {
	Fingerprint string `json:"fingerprint"`
	Words       int    `json:"words"`
	Title       string `json:"title"` // its first line
}

// update brings the index up to date: one listing, and one GET for each file that
// is new or has another content.
func update(ctx context.Context, root s3path.S3Path, state string, opts ...s3path.ListOption) error {
	old, err := load(state, root)
	if err != nil {
		return err
	}
	// Nothing below the prefix is no failure of the listing: then all has gone.
	seen, err := root.Snapshot(ctx, append(opts, s3path.WithRawPrefix(""))...)
	if err != nil {
		return err
	}
	now := index{Root: old.Root, Seen: seen, Files: map[string]file{}}
	maps.Copy(now.Files, old.Files)
	diff := old.Seen.Diff(seen)
	for _, rel := range diff.Removed {
		delete(now.Files, rel)
	}

	var mu sync.Mutex
	unread := slices.Concat(diff.Added, diff.Changed)
	etags := map[string]string{}
	for rel, stamp := range seen.All() {
		etags[rel] = stamp.ETag
	}
	bar := newBar(len(unread))
	err = cloudpath.ForEach(ctx, 16, items(unread), func(ctx context.Context, rel string) error {
		f, err := read(ctx, &content{path: root.Child(rel), fingerprint: etags[rel]})
		mu.Lock()
		defer mu.Unlock()
		now.Files[rel] = f
		_ = bar.Add(1)
		return err
	})
	_ = bar.Clear() // whatever comes next begins a line
	if err != nil {
		return err
	}
	if err := save(state, now); err != nil {
		return err
	}

	same := func(rel string) bool { return now.Files[rel] == old.Files[rel] } // by its hash, where there is no ETag
	changed := slices.DeleteFunc(diff.Changed, same)
	for _, rel := range diff.Added {
		fmt.Printf("added    %s: %d words, %q\n", rel, now.Files[rel].Words, now.Files[rel].Title)
	}
	for _, rel := range changed {
		fmt.Printf("changed  %s: %d words, %q\n", rel, now.Files[rel].Words, now.Files[rel].Title)
	}
	for _, rel := range diff.Removed {
		fmt.Printf("removed  %s\n", rel)
	}
	fmt.Printf("%d added, %d changed, %d removed, %d unchanged\n",
		len(diff.Added), len(changed), len(diff.Removed), seen.Len()-len(diff.Added)-len(changed))
	return nil
}

func items(list []string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// content is a file whose text is asked for once, however often it is needed.
type content struct {
	path        s3path.S3Path
	fingerprint string // "" where the server gives no ETag

	once sync.Once
	text string
	err  error
}

// Text is the file's text, in UTF-8 whatever its byte order mark says.
func (c *content) Text(ctx context.Context) (string, error) {
	c.once.Do(func() { c.text, c.err = c.path.ReadText(ctx) })
	return c.text, c.err
}

// Fingerprint changes when the content does.
func (c *content) Fingerprint(ctx context.Context) (string, error) {
	if c.fingerprint != "" {
		return c.fingerprint, nil
	}
	text, err := c.Text(ctx)
	return fmt.Sprintf("sha256-%x", sha256.Sum256([]byte(text))), err
}

func read(ctx context.Context, c *content) (file, error) {
	text, err := c.Text(ctx)
	if err != nil {
		return file{}, err
	}
	fingerprint, err := c.Fingerprint(ctx)
	title, _, _ := strings.Cut(text, "\n")
	return file{fingerprint, len(strings.Fields(text)), strings.TrimSpace(title)}, err
}

// about prints what there is to know of one file.
func about(ctx context.Context, p s3path.S3Path, n int64) error {
	info, err := p.Stat(ctx)
	if err != nil {
		return err
	}
	c := &content{path: p, fingerprint: info.ETag()}
	fingerprint, err := c.Fingerprint(ctx)
	if err != nil {
		return err
	}
	head, err := p.ReadRange(ctx, 0, n) // no request for 0 bytes
	if err != nil {
		return err
	}
	f, err := read(ctx, c)
	if err != nil {
		return err
	}
	fmt.Printf("%v\nsize         %d bytes\nmodified     %v\nfingerprint  %s\nbegins with  %q\ntext         %d words, %q\n",
		p, info.Size(), info.ModTime().UTC(), fingerprint, head, f.Words, f.Title)
	return nil
}

// load reads the index of an earlier run, if there was one.
func load(name string, root s3path.S3Path) (index, error) {
	now := index{Root: root.String(), Files: map[string]file{}}
	data, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	old := now
	if err == nil {
		err = json.Unmarshal(data, &old)
	}
	switch {
	case err != nil:
		return index{}, fmt.Errorf("reading the index %s: %w", name, err)
	case old.Root != now.Root:
		return index{}, fmt.Errorf("%s is the index of %s; name another with -state", name, old.Root)
	}
	return old, nil
}

// save replaces the index by the new one when that is written, and not before.
func save(name string, now index) error {
	data, err := json.MarshalIndent(now, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".index-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// newBar is a bar on a terminal; a pipe has the lines that come in the end.
func newBar(files int) *progressbar.ProgressBar {
	if files == 0 || !term.IsTerminal(int(os.Stderr.Fd())) {
		return progressbar.DefaultSilent(int64(files))
	}
	return progressbar.NewOptions(files, progressbar.OptionSetDescription("reading"), progressbar.OptionShowCount(),
		progressbar.OptionSetWriter(os.Stderr), progressbar.OptionClearOnFinish())
}
