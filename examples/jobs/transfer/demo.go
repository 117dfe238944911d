package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// demo runs the commands one after another on an S3 inside this program, in a
// directory with something to transfer.
func demo(ctx context.Context) (err error) {
	server, err := s3pathtest.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	client, err := server.NewClient(ctx)
	if err != nil {
		return err
	}
	bucket := client.Object("demo", "")
	if err := bucket.Mkdir(ctx); err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "transfer-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Chdir(here), os.RemoveAll(dir)) }()
	if err := os.Chdir(dir); err != nil {
		return err
	}

	files := map[string][]byte{
		"film.mp4":        bytes.Repeat([]byte("0123456789abcdef"), 12<<20/16),
		"site/index.html": []byte("<h1>Lake</h1>\n"),
		"site/lake.css":   []byte("h1 { color: teal }\n"),
		"mirror/old.html": nil,
	}
	var old strings.Builder
	for i := range 2500 {
		name := fmt.Sprintf("logs/%d/%04d.log", i/1000, i)
		files[name] = bytes.Repeat([]byte("."), i)
		fmt.Fprintf(&old, "s3://demo/%s\n", name)
	}
	files["old.txt"] = []byte(old.String())
	for name, body := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, body, 0o666); err != nil {
			return err
		}
	}

	for _, line := range []string{
		"upload film.mp4 s3://demo/film.mp4",
		"download s3://demo/film.mp4 copy.mp4",
		"upload logs s3://demo/logs",
		"list -limit 3 s3://demo/logs",
		"list -limit 2 -after logs/0/0002.log s3://demo/logs",
		"list -min 2498 -name **/*.log -newer 2020-01-01T00:00:00Z s3://demo",
		"delete s3://demo/film.mp4",
		"delete s3://demo/film.mp4",
		"delete -from old.txt",
		"sync site s3://demo/site",
		"sync -delete -dry-run s3://demo/site mirror",
		"sync -delete s3://demo/site mirror",
		"sync -delete s3://demo/site mirror",
	} {
		fmt.Println("$ transfer", line)
		if err := command(ctx, client, strings.Fields(line)); err != nil {
			return err
		}
	}
	return nil
}
