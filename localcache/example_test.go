package localcache_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudpath-go/cloudpath/localcache"
)

// A fetch function is a conditional GET: it brings the object, or says that the
// copy in hand is current.
func ExampleCache_Open() {
	ctx := context.Background()
	cache, err := localcache.Temporary("", localcache.WithMaxBytes(10<<20))
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()

	const body, etag = "weights", "9f1c"
	fetch := func(_ context.Context, have localcache.Meta) (*localcache.Fetched, error) {
		meta := localcache.Meta{ETag: etag, Size: int64(len(body))}
		if have.ETag == etag {
			fmt.Println("asked: not modified")
			return &localcache.Fetched{Meta: meta}, nil
		}
		fmt.Println("asked: here it is")
		return &localcache.Fetched{Meta: meta, Body: io.NopCloser(strings.NewReader(body))}, nil
	}

	key := localcache.Key{Origin: "https://example.com", Bucket: "models", Key: "v1/model.bin"}
	for _, freshness := range []localcache.Freshness{localcache.Revalidate(), localcache.Revalidate(), localcache.Immutable(), localcache.Offline()} {
		file, err := cache.Open(ctx, key, freshness, fetch)
		if err != nil {
			log.Fatal(err)
		}
		// Any program can be given its name until it is closed.
		data, err := os.ReadFile(file.Name())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %s holds %q\n", freshness, filepath.Base(file.Name()), data)
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}
	stats := cache.Stats()
	fmt.Println(stats.Misses, "fetched,", stats.Revalidations, "asked about,", stats.Hits, "from disk,", stats.Bytes, "bytes")
	// Output:
	// asked: here it is
	// Revalidate(): model.bin holds "weights"
	// asked: not modified
	// Revalidate(): model.bin holds "weights"
	// Immutable(): model.bin holds "weights"
	// Offline(): model.bin holds "weights"
	// 1 fetched, 1 asked about, 2 from disk, 7 bytes
}

// What is in a cache can be listed, and read without a server.
func ExampleCache_Entries() {
	ctx := context.Background()
	cache, err := localcache.Temporary("")
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	for _, name := range []string{"b.csv", "a.csv"} {
		key := localcache.Key{Origin: "https://example.com", Bucket: "data", Key: name}
		file, err := cache.Open(ctx, key, localcache.Revalidate(), func(context.Context, localcache.Meta) (*localcache.Fetched, error) {
			return &localcache.Fetched{Meta: localcache.Meta{ETag: name, Size: 4}, Body: io.NopCloser(strings.NewReader("1,2\n"))}, nil
		})
		if err != nil {
			log.Fatal(err)
		}
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}

	entries, err := cache.Entries(ctx, "https://example.com", "data")
	if err != nil {
		log.Fatal(err)
	}
	for _, entry := range entries {
		file, err := cache.Open(ctx, entry.Key, localcache.Offline(), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(entry.Key.Key, file.Meta().Size)
		if err := file.Close(); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// a.csv 4
	// b.csv 4
}
