package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

func ExampleS3Path_Copy() {
	server, err := s3pathtest.Start() // a real program has a client and a bucket
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	bucket := server.Bucket("example")
	if err := bucket.Join("q1.csv").WriteText(ctx, "a,b"); err != nil {
		log.Fatal(err)
	}

	var info s3path.Info
	err = bucket.Join("q1.csv").Copy(ctx, bucket.Join("archive/q1.csv"), s3path.WithCacheControl("no-store"), s3path.WithInfo(&info))
	fmt.Println(err, info.Size(), info.ContentType(), info.CacheControl())

	err = bucket.Join("q1.csv").Copy(ctx, bucket.Join("archive/q1.csv"), s3path.WithNoOverwrite())
	fmt.Println(errors.Is(err, fs.ErrExist))
	// Output:
	// <nil> 3 text/csv no-store
	// true
}

func ExampleS3Path_Rename() {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	bucket := server.Bucket("example")
	for _, name := range []string{"drafts/a.txt", "drafts/2024/b.txt", "note.txt"} {
		if err := bucket.Join(name).WriteText(ctx, name); err != nil {
			log.Fatal(err)
		}
	}

	// One object, and everything below a directory.
	if err := bucket.Join("note.txt").Rename(ctx, bucket.Join("drafts/note.txt")); err != nil {
		log.Fatal(err)
	}
	if err := bucket.Join("drafts").Rename(ctx, bucket.Join("final")); err != nil {
		log.Fatal(err)
	}
	for e, err := range bucket.Walk(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Rel())
	}
	// Output:
	// final/2024/b.txt
	// final/a.txt
	// final/note.txt
}

func ExampleS3Path_Remove() {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	p := server.Bucket("example").Join("note.txt")
	if err := p.WriteText(ctx, "text"); err != nil {
		log.Fatal(err)
	}

	fmt.Println(p.Remove(ctx))
	fmt.Println(errors.Is(p.Remove(ctx), fs.ErrNotExist))
	fmt.Println(p.Remove(ctx, s3path.WithMissingOK())) // one request, whatever is there
	// Output:
	// <nil>
	// true
	// <nil>
}

func ExampleS3Path_RemoveAll() {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	bucket := server.Bucket("example")
	for _, name := range []string{"logs/a", "logs/2024/b", "logs.txt", "logs2/c"} {
		if err := bucket.Join(name).WriteText(ctx, name); err != nil {
			log.Fatal(err)
		}
	}

	if err := bucket.Join("logs").RemoveAll(ctx); err != nil {
		log.Fatal(err)
	}
	for e, err := range bucket.Walk(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Rel())
	}
	fmt.Println(bucket.RemoveAll(ctx) != nil) // a whole bucket has to be meant
	fmt.Println(bucket.RemoveAll(ctx, s3path.WithWholeBucket()))
	// Output:
	// logs.txt
	// logs2/c
	// true
	// <nil>
}

func ExampleS3Path_PresignGet() {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	p := server.Bucket("example").Join("a report.txt")
	if err := p.WriteText(ctx, "for everybody"); err != nil {
		log.Fatal(err)
	}

	url, err := p.PresignGet(ctx, 15*time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.Get(url) // whoever has the URL needs nothing else
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Println(string(body), err)
	// Output: for everybody <nil>
}

func ExampleS3Path_SetTags() {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	ctx := context.Background()
	p := server.Bucket("example").Join("report.csv")
	if err := p.WriteText(ctx, "a,b", s3path.WithTags(map[string]string{"state": "draft"})); err != nil {
		log.Fatal(err)
	}

	if err := p.SetTags(ctx, map[string]string{"state": "final", "team": "blue"}); err != nil { // all of them
		log.Fatal(err)
	}
	tags, err := p.Tags(ctx)
	fmt.Println(tags, err)
	// Output: map[state:final team:blue] <nil>
}
