package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	neturl "net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// verbs takes an object and a tree through what a path can do.
func verbs(ctx context.Context, root s3path.S3Path) error {
	notes, large, moved := root.Join("dir/notes.md"), root.Join("large.bin"), root.Join("dir", "deeper", "large.bin")
	var url string
	return walk("Paths", []step{
		{`root.Join("dir/notes.md")`, func() (any, error) { return notes.RelativeTo(root) }},
		{`notes.WriteText(ctx, "# Notes")`, func() (any, error) { return done(notes.WriteText(ctx, "# Notes")) }},
		{`notes.Exists(ctx)`, func() (any, error) { return notes.Exists(ctx) }},
		{`notes.IsFile(ctx)`, func() (any, error) { return notes.IsFile(ctx) }},
		{`notes.IsDir(ctx)`, func() (any, error) { return notes.IsDir(ctx) }},
		{`notes.Parent().IsDir(ctx)`, func() (any, error) { return notes.Parent().IsDir(ctx) }},
		{`root.IterDir(ctx)`, func() (any, error) { return names(root.IterDir(ctx)) }},
		{`root.Glob(ctx, "**/*.{md,txt}")`, func() (any, error) { return names(root.Glob(ctx, "**/*.{md,txt}")) }},
		{`large.Rename(ctx, moved)`, func() (any, error) {
			before, err := properties(ctx, large)
			if err != nil {
				return nil, err
			}
			if err := large.Rename(ctx, moved); err != nil {
				return nil, err
			}
			if after, err := properties(ctx, moved); err != nil || after != before {
				return nil, errors.Join(err, fmt.Errorf("it was %s and is %s", before, after))
			}
			return "still " + before, nil
		}},
		{`large.Exists(ctx)`, func() (any, error) { return large.Exists(ctx) }},
		{`notes.Touch(ctx)`, func() (any, error) {
			if err := notes.Touch(ctx); err != nil {
				return nil, err
			}
			return notes.ReadText(ctx)
		}},
		{`notes.Parent().Remove(ctx)`, func() (any, error) { return refused(notes.Parent().Remove(ctx), cloudpath.ErrNotEmpty) }},
		{`notes.PresignGet(ctx, time.Minute)`, func() (any, error) {
			var err error
			url, err = notes.PresignGet(ctx, time.Minute)
			return "a URL, as good as a password for a minute", err
		}},
		{`http.Get(url)`, func() (any, error) { return get(ctx, url) }},
		{`cached.ReadText(ctx)`, func() (any, error) { return readTwice(ctx, notes) }},
		{`notes.Parent().RemoveAll(ctx)`, func() (any, error) { return done(notes.Parent().RemoveAll(ctx)) }},
		{`root.Walk(ctx)`, func() (any, error) { return names(root.Walk(ctx)) }},
	})
}

// readTwice reads an object that never changes through a cache, and counts what the
// server is asked.
func readTwice(ctx context.Context, p s3path.S3Path) (string, error) {
	var requests counter
	client, err := s3path.NewClient(ctx, s3path.WithHTTPClient(&http.Client{Transport: &requests}),
		s3path.WithCacheMode(s3path.CacheTemporary), s3path.WithCacheFreshness(localcache.Immutable()))
	if err != nil {
		return "", err
	}
	defer client.Close() // and the cache is gone
	cached := p.WithClient(client)
	first, err := cached.ReadText(ctx)
	if err != nil {
		return "", err
	}
	before := requests.Load()
	second, err := cached.ReadText(ctx)
	if err == nil && second != first {
		err = fmt.Errorf("%q and then %q", first, second)
	}
	return fmt.Sprintf("%d request for the first, %d for the second", before, requests.Load()-before), err
}

// counter counts the requests that pass.
type counter struct{ atomic.Int64 }

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	c.Add(1)
	return http.DefaultTransport.RoundTrip(req)
}

// names is what a listing found, one line.
func names(listing iter.Seq2[s3path.Entry, error]) (string, error) {
	var found []string
	for e, err := range listing {
		switch {
		case err != nil:
			return "", err
		case e.IsDir():
			found = append(found, e.Rel()+"/")
		default:
			found = append(found, e.Rel())
		}
	}
	return strings.Join(found, " "), nil
}

// properties is what an object is stored with.
func properties(ctx context.Context, p s3path.S3Path) (string, error) {
	info, err := p.Stat(ctx)
	if err != nil {
		return "", err
	}
	tags, err := p.Tags(ctx)
	return fmt.Sprint(info.Size(), " bytes, ", info.ContentType(), ", ", info.CacheControl(), ", ",
		info.Metadata(), ", ", tags), err
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if failed, ok := errors.AsType[*neturl.Error](err); ok {
		return "", failed.Err // without the URL, which is signed
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", errors.New(resp.Status)
	}
	body, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%s, %s, %q", resp.Status, resp.Header.Get("Content-Type"), body), err
}
