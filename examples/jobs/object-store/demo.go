package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
	"github.com/cloudpath-go/cloudpath/testdata/lake"
)

// demo runs commands on an S3 inside this program, on some real files.
func demo(ctx context.Context) error {
	server, err := s3pathtest.Start()
	if err != nil {
		return err
	}
	defer server.Close()
	dir, err := os.MkdirTemp("", "object-store-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, lake.Files); err != nil {
		return err
	}
	if err := server.Bucket("lake").UploadFrom(ctx, dir); err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	defer func() { _ = os.Chdir(here) }() // some systems keep a directory that a process is in
	for _, line := range []string{
		"list s3://lake",
		"list -limit 2 s3://lake",
		"list -limit 2 -after notes.md s3://lake",
		"list -to 2026-01-01T00:00:00Z s3://lake",
		"prefixes s3://lake",
		"put -class GLACIER notes.md s3://lake/old/notes.md",
		"stat s3://lake/old/notes.md",
		"restore -days 3 -tier Bulk s3://lake/old/notes.md",
		"stat s3://lake/old/notes.md",
		"get s3://lake/old/notes.md old.md",
		"wait s3://lake/LOGBOOK",
		"wait -gone s3://another-lake",
		"tags s3://lake/LOGBOOK kind=log year=2026",
		"presign -expires 1h s3://lake/photos/lake.png",
		"presign -put text/plain s3://lake/new.txt",
		"versioning s3://lake",
	} {
		fmt.Println("\n$ object-store", line)
		if err := command(ctx, server.NewClient, strings.Fields(line)); err != nil {
			return err
		}
	}
	return nil
}
