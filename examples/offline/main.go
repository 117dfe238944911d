// Offline prints a table of what a station has measured, month by month, from the
// CSV files below a path: once from S3 through a cache, and then from the copies
// alone, when there is no S3 any more. Its test runs the same code on a cache
// directory that was filled once and lies beside it, with no server at all.
//
//	go run ./examples/offline                     on an S3 inside this program
//	go run ./examples/offline s3://bucket/prefix  on a real one, by the usual AWS environment
//
// The copies are kept in CLOUDPATH_CACHE_DIR, or in a directory that goes when
// the program ends.
package main

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
	"github.com/cloudpath-go/cloudpath/testdata/lake"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Args[1:]); err != nil {
		line, _, _ := strings.Cut(err.Error(), "\n")
		fmt.Fprintln(os.Stderr, "offline:", line)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, args []string) error {
	open, uri := s3path.NewClient, "s3://station/lake"
	var server *s3pathtest.Server
	var same []s3path.ClientOption // where the copies are from
	switch len(args) {
	case 0:
		var err error
		if server, err = s3pathtest.Start(); err != nil {
			return err
		}
		defer server.Close()
		open, same = server.NewClient, []s3path.ClientOption{s3path.WithEndpoint(server.URL)}
	case 1:
		uri = args[0]
	default:
		return errors.New("it takes no argument, or s3://bucket/prefix")
	}
	dir := os.Getenv("CLOUDPATH_CACHE_DIR")
	if dir == "" {
		temporary, err := os.MkdirTemp("", "offline-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		dir = temporary
	}
	online, err := open(ctx, s3path.WithCacheDir(dir))
	if err != nil {
		return err
	}
	defer online.Close()
	if server != nil {
		if err := fill(ctx, online.MustParse(uri)); err != nil {
			return err
		}
	}
	if err := report(ctx, w, online, uri); err != nil {
		return err
	}

	// From here on nobody is asked, and here there is nobody any more.
	if server != nil {
		server.Close()
	}
	offline, err := s3path.NewClient(ctx, append(same, s3path.WithCacheDir(dir), s3path.WithCacheFreshness(localcache.Offline()))...)
	if err != nil {
		return err
	}
	defer offline.Close()
	return report(ctx, w, offline, uri)
}

// fill puts what the station has sent onto an S3.
func fill(ctx context.Context, root s3path.S3Path) error {
	dir, err := os.MkdirTemp("", "offline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, lake.Files); err != nil {
		return err
	}
	return errors.Join(root.Client().Object(root.Bucket(), "").Mkdir(ctx), root.UploadFrom(ctx, dir))
}

// report prints a line for each month.
func report(ctx context.Context, w io.Writer, client *s3path.Client, uri string) error {
	root, err := client.Parse(uri)
	if err != nil {
		return err
	}
	before := client.Cache().Stats()
	for e, err := range root.Glob(ctx, "**/*.csv{,.gz}") {
		if err != nil {
			return err
		}
		days, level, err := month(ctx, e.S3Path)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%-30s %2d days, level %.1f cm\n", e.Rel(), days, level)
	}
	after := client.Cache().Stats()
	fmt.Fprintf(w, "%d downloaded, %d from the cache\n", after.Misses-before.Misses, after.Hits-before.Hits)
	return nil
}

// month is how many days a file has, and the mean level.
func month(ctx context.Context, p s3path.S3Path) (days int, level float64, err error) {
	r, err := p.Open(ctx)
	if err != nil {
		return 0, 0, err
	}
	defer r.Close()
	var text io.Reader = r
	if r.Info().ContentEncoding() == "gzip" {
		if text, err = gzip.NewReader(r); err != nil {
			return 0, 0, fmt.Errorf("%v: %w", p, err)
		}
	}
	rows, err := csv.NewReader(text).ReadAll()
	if err != nil || len(rows) < 2 {
		return 0, 0, fmt.Errorf("%v: %w", p, cmp.Or(err, errors.New("no days")))
	}
	for _, row := range rows[1:] {
		cm, err := strconv.ParseFloat(row[len(row)-1], 64)
		if err != nil {
			return 0, 0, fmt.Errorf("%v: %w", p, err)
		}
		level += cm
	}
	days = len(rows) - 1
	return days, level / float64(days), nil
}
