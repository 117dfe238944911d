package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
	"github.com/cloudpath-go/cloudpath/testdata/lake"
)

// demo is two rounds on an S3 inside this program, and a look at one object.
func demo(ctx context.Context) (err error) {
	server, err := s3pathtest.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "metadata-connector-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, lake.Files); err != nil {
		return err
	}
	bucket := server.Bucket("lake")
	if err := bucket.UploadFrom(ctx, dir); err != nil {
		return err
	}
	c, err := connect(ctx, config{
		AccessKeyID: "test", SecretAccessKey: "test-secret", Bucket: "lake",
		Endpoint: strings.TrimPrefix(server.URL, "http://"), Extensions: []string{"md", "png", "csv"},
	})
	if err != nil {
		return err
	}
	defer c.client.Close()

	out := json.NewEncoder(os.Stdout)
	if err := c.round(ctx, out); err != nil {
		return err
	}
	err = errors.Join(
		bucket.Join("notes.md").WriteText(ctx, "# Notes, written again"),
		bucket.Join("readings").RemoveAll(ctx),
		bucket.Join("photos/2026/pier.png").WriteText(ctx, "not much of a picture"),
	)
	if err != nil {
		return err
	}
	if err := c.round(ctx, out); err != nil {
		return err
	}

	address, stop, err := c.serve(ctx, "127.0.0.1:0", out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	for _, id := range c.docs.order {
		if doc := c.docs.byID[id]; doc.Type == "file" {
			if err := fetch(ctx, address+id); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetch asks for the first bytes of an object, as a browser does that resumes.
func fetch(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", "bytes=0-6")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Printf("%s: %s, %s, %s, %q\n", url, resp.Status, resp.Header.Get("Content-Type"), resp.Header.Get("Content-Disposition"), body)
	return err
}
