package main

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// list prints every key below a path, or a page of them and how to go on. All
// filters look at what the listing says: none costs a request.
func list(c *call) func(context.Context) error {
	limit := c.flags.Int("limit", 0, "at most so many keys; 0 for all")
	page := c.flags.Int("page", 1000, "keys per request")
	after := c.flags.String("after", "", "go on behind what an earlier list printed")
	from := c.flags.String("from", "", "modified after this time (2026-05-31T12:00:00Z)")
	to := c.flags.String("to", "", "modified before this time")
	return func(ctx context.Context) error {
		root, err := c.path(0)
		if err != nil {
			return err
		}
		opts := []s3path.ListOption{s3path.WithPageSize(*page), s3path.WithStartAfter(*after)}
		if *limit != 0 {
			opts = append(opts, s3path.WithLimit(*limit))
		}
		for _, bound := range []struct {
			text   string
			option func(time.Time) s3path.FilterOption
		}{{*from, s3path.WithModifiedAfter}, {*to, s3path.WithModifiedBefore}} {
			if bound.text == "" {
				continue
			}
			t, err := time.Parse(time.RFC3339, bound.text)
			if err != nil {
				return err
			}
			opts = append(opts, bound.option(t))
		}
		n, size, cursor := 0, int64(0), ""
		for e, err := range root.Walk(ctx, opts...) {
			if err != nil {
				return err
			}
			fmt.Printf("%s  %9d  %s\n", e.ModTime().Format(time.RFC3339), e.Size(), e)
			n, size, cursor = n+1, size+e.Size(), e.Cursor()
		}
		fmt.Printf("%d objects, %d bytes\n", n, size)
		if n > 0 && n == *limit {
			fmt.Printf("go on with -after %q\n", cursor)
		}
		return nil
	}
}

// prefixes prints the directories of the first level. There are none in a flat
// bucket.
func prefixes(c *call) func(context.Context) error {
	return func(ctx context.Context) error {
		root, err := c.path(0)
		if err != nil {
			return err
		}
		n := 0
		for e, err := range root.IterDir(ctx) {
			if err != nil {
				return err
			}
			if e.IsDir() {
				fmt.Println(e.AsDir())
				n++
			}
		}
		fmt.Printf("%d prefixes\n", n)
		return nil
	}
}

// versions prints what an object was, and when it was deleted.
func versions(c *call) func(context.Context) error {
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		for e, err := range p.Versions(ctx) {
			switch {
			case err != nil:
				return err
			case e.Key() != p.Key():
				return nil // what is below it comes behind it
			case e.IsDeleteMarker():
				fmt.Printf("%s  deleted    %s\n", e.ModTime().Format(time.RFC3339), e.Version())
			default:
				fmt.Printf("%s  %9d  %s\n", e.ModTime().Format(time.RFC3339), e.Size(), e.Version())
			}
		}
		return nil
	}
}
