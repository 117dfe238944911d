package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// demo indexes a few files on an S3 inside this program, and again after some of
// them have changed.
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
	dir, err := os.MkdirTemp("", "incremental-index-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	run := func(args ...string) error {
		if err != nil {
			return err
		}
		fmt.Println("$ incremental-index", args[0], args[1], args[2])
		return command(ctx, client, append([]string{"-state", filepath.Join(dir, "index.json")}, args...))
	}
	write := func(key, text string) {
		if err == nil {
			err = bucket.Join(key).WriteText(ctx, text)
		}
	}

	err = bucket.Mkdir(ctx)
	write("data/lake.txt", "The lake\n\nBlue in the morning, grey at night.\n")
	write("data/rain.txt", "Rain\n\nNone.\n")
	write("data/2026/may.txt", "\xff\xfeM\x00a\x00y\x00") // UTF-16
	write("data/2026/photo.png", "no text")
	write("data/drafts/june.txt", "June\n")
	write("database.txt", "Not below data/.\n")
	args := []string{"-include=**/*.txt", "-exclude=drafts", "s3://demo/data/"}
	err = run(args...) // which does nothing after a failure, as write does

	write("data/rain.txt", "Rain\n\nAt last.\n")
	write("data/snow.txt", "Snow\n")
	if err == nil {
		err = bucket.Join("data/lake.txt").Remove(ctx)
	}
	err = run(args...)
	err = run(args...)
	if err == nil {
		fmt.Println("$ incremental-index -show -head 4 s3://demo/data/2026/may.txt")
		err = command(ctx, client, []string{"-show", "-head", "4", "s3://demo/data/2026/may.txt"})
	}
	return err
}
