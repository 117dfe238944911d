package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// exampleTree is a bucket on an S3 in this process, to show listings on.
func exampleTree(ctx context.Context) (bucket s3path.S3Path, done func()) {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	bucket = server.Bucket("data")
	for _, key := range []string{"2026/01/a.csv", "2026/01/a.log", "2026/02/b.csv", "2026/02/tmp/x.csv", "readme.md"} {
		if err := bucket.Join(key).WriteText(ctx, "content of "+key); err != nil {
			log.Fatal(err)
		}
	}
	return bucket, server.Close
}

func ExampleS3Path_IterDir() {
	ctx := context.Background()
	bucket, done := exampleTree(ctx)
	defer done()

	for e, err := range bucket.IterDir(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e, e.IsDir(), e.Size()) // without a request for each
	}

	for _, err := range bucket.Join("nowhere").IterDir(ctx) {
		fmt.Println(errors.Is(err, fs.ErrNotExist))
	}
	// Output:
	// s3://data/2026 true 0
	// s3://data/readme.md false 20
	// true
}

func ExampleS3Path_Glob() {
	ctx := context.Background()
	bucket, done := exampleTree(ctx)
	defer done()

	for _, pattern := range []string{"2026/*/*.csv", "**/x.csv", "*/"} {
		for e, err := range bucket.Glob(ctx, pattern) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(pattern, "finds", e.Rel())
		}
	}
	// Output:
	// 2026/*/*.csv finds 2026/01/a.csv
	// 2026/*/*.csv finds 2026/02/b.csv
	// **/x.csv finds 2026/02/tmp/x.csv
	// */ finds 2026
}

func ExampleS3Path_Walk() {
	ctx := context.Background()
	bucket, done := exampleTree(ctx)
	defer done()

	// Filters cost no request, and save those for what they leave out.
	var total int64
	for e, err := range bucket.Join("2026").Walk(ctx,
		s3path.WithExtensions("csv"),
		s3path.WithExclude("**/tmp"),
	) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Rel())
		total += e.Size()
	}
	fmt.Println(total, "bytes")
	// Output:
	// 01/a.csv
	// 02/b.csv
	// 48 bytes
}

func ExampleS3Path_WalkDir() {
	ctx := context.Background()
	bucket, done := exampleTree(ctx)
	defer done()

	err := bucket.WalkDir(ctx, func(e s3path.Entry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Name() == "tmp":
			return fs.SkipDir // what is in it is not asked for
		}
		fmt.Println(e)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// s3://data
	// s3://data/2026
	// s3://data/2026/01
	// s3://data/2026/01/a.csv
	// s3://data/2026/01/a.log
	// s3://data/2026/02
	// s3://data/2026/02/b.csv
	// s3://data/readme.md
}

func ExampleWithStartAfter() {
	ctx := context.Background()
	bucket, done := exampleTree(ctx)
	defer done()

	// Two entries now, the others another day.
	cursor := ""
	for e, err := range bucket.Walk(ctx, s3path.WithLimit(2)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Rel())
		cursor = e.Cursor()
	}
	fmt.Println("--")
	for e, err := range bucket.Walk(ctx, s3path.WithStartAfter(cursor)) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Rel())
	}
	// Output:
	// 2026/01/a.csv
	// 2026/01/a.log
	// --
	// 2026/02/b.csv
	// 2026/02/tmp/x.csv
	// readme.md
}
