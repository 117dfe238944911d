package s3path_test

import (
	"context"
	"fmt"
	"log"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// A client for an S3-compatible server, with keys of its own and what all its
// writes have in common. Without options it would ask the same places as the AWS
// command line.
func ExampleNewClient() {
	ctx := context.Background()
	server, err := s3pathtest.Start() // stands for the server in your network
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()

	client, err := s3path.NewClient(ctx,
		s3path.WithEndpoint(server.URL),
		s3path.WithRegion("eu-central-1"),
		s3path.WithStaticCredentials("access-key", "secret-key", ""),
		s3path.WithMaxAttempts(5),
		s3path.WithConcurrency(8),
		s3path.WithWriteDefaults(s3path.WithCacheControl("max-age=3600")),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	reports := client.MustParse("s3://reports")
	if err := reports.Mkdir(ctx); err != nil {
		log.Fatal(err)
	}
	page := reports.Join("2026", "index.html")
	if err := page.WriteText(ctx, "<h1>Reports</h1>"); err != nil {
		log.Fatal(err)
	}
	info, err := page.Stat(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page, info.ContentType(), info.CacheControl())
	// Output: s3://reports/2026/index.html text/html max-age=3600
}

// Options that contradict each other are an error that names both.
func ExampleNewClient_contradiction() {
	_, err := s3path.NewClient(context.Background(), s3path.WithAnonymous(), s3path.WithProfile("work"))
	fmt.Println(err)
	// Output: s3path.NewClient: WithAnonymous, WithProfile contradict each other: give one of them
}

// inbox is a package variable, as programs have them: it is of the default
// client, and made before anything is configured.
var inbox = s3path.MustParse("s3://mail/inbox")

// In TestMain, or first in main, the default client can be replaced: paths that
// were made before follow.
func ExampleSetDefaultClient() {
	// func TestMain(m *testing.M) {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	s3path.SetDefaultClient(server.Bucket("mail").Client())
	defer s3path.SetDefaultClient(nil) // the environment's again
	// os.Exit(m.Run())

	ctx := context.Background()
	if err := inbox.Join("1.eml").WriteText(ctx, "Subject: hello"); err != nil {
		log.Fatal(err)
	}
	for entry, err := range inbox.IterDir(ctx) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Name(), entry.Size())
	}
	// Output: 1.eml 14
}
