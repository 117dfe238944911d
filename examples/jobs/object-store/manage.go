package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// restore asks for an archived object. It takes from minutes to days; stat says
// how far it has come.
func restore(c *call) func(context.Context) error {
	days := c.flags.Int("days", 1, "how long it is to be readable")
	tier := c.flags.String("tier", string(s3path.RestoreStandard), "Standard, Bulk or Expedited")
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		if err := p.Restore(ctx, *days, s3path.RestoreTier(*tier)); err != nil {
			return err
		}
		fmt.Println("asked for", p, "for", *days, "days")
		return nil
	}
}

// wait waits for an object or a bucket to be there, or to be gone.
func wait(c *call) func(context.Context) error {
	gone := c.flags.Bool("gone", false, "wait until it does not exist")
	timeout := c.flags.Duration("timeout", time.Minute, "how long")
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(ctx, *timeout)
		defer cancel()
		until, state := p.WaitExists, "exists"
		if *gone {
			until, state = p.WaitNotExists, "is gone"
		}
		if err := until(ctx); err != nil {
			return err
		}
		fmt.Println(p, state)
		return nil
	}
}

// presign prints a request that somebody without credentials can make.
func presign(c *call) func(context.Context) error {
	put := c.flags.String("put", "", "to write it, with this content type")
	expires := c.flags.Duration("expires", 15*time.Minute, "how long it is valid")
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		if *put == "" {
			url, err := p.PresignGet(ctx, *expires)
			if err == nil {
				fmt.Println("GET", url)
			}
			return err
		}
		r, err := p.PresignPut(ctx, *expires, s3path.WithContentType(*put))
		if err != nil {
			return err
		}
		fmt.Println(r.Method, r.URL)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) { // send exactly these
			fmt.Printf("%s: %s\n", name, strings.Join(r.Header[name], ","))
		}
		return nil
	}
}

// tags prints an object's tags, after it has set those that are given.
func tags(c *call) func(context.Context) error {
	clear := c.flags.Bool("clear", false, "remove all tags")
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		set := map[string]string{}
		for _, pair := range c.args[1:] {
			name, value, ok := strings.Cut(pair, "=")
			if !ok {
				return fmt.Errorf("%q is not name=value", pair)
			}
			set[name] = value
		}
		if len(set) > 0 || *clear {
			if err := p.SetTags(ctx, set); err != nil {
				return err
			}
		}
		all, err := p.Tags(ctx)
		if err != nil {
			return err
		}
		for _, name := range slices.Sorted(maps.Keys(all)) {
			fmt.Printf("%s=%s\n", name, all[name])
		}
		fmt.Printf("%d tags\n", len(all))
		return nil
	}
}

// versioning says whether a bucket keeps versions. S3 has a hundred operations that
// have nothing to do with paths: the SDK's client makes them.
func versioning(c *call) func(context.Context) error {
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		out, err := c.client.S3().GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: new(p.Bucket())})
		if err != nil {
			return fmt.Errorf("versioning of %v: %w", p, err)
		}
		if out.Status == "" {
			out.Status = "never enabled"
		}
		fmt.Println("versioning:", out.Status)
		return nil
	}
}
