package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/localcache"
)

func keyOf(name string) localcache.Key {
	return localcache.Key{Origin: "https://example.com", Bucket: "bucket", Key: name}
}

type fetch = func(ctx context.Context, have localcache.Meta) (*localcache.Fetched, error)

// answerOf is a server that answers at once.
func answerOf(body []byte) fetch {
	return func(_ context.Context, have localcache.Meta) (*localcache.Fetched, error) {
		meta := localcache.Meta{ETag: "etag", Size: int64(len(body))}
		if have.ETag == meta.ETag {
			return &localcache.Fetched{Meta: meta}, nil
		}
		return &localcache.Fetched{Meta: meta, Body: io.NopCloser(bytes.NewReader(body))}, nil
	}
}

func open(b *testing.B, dir string, opts ...localcache.Option) *localcache.Cache {
	b.Helper()
	c, err := localcache.Open(dir, opts...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	return c
}

func use(b *testing.B, c *localcache.Cache, key localcache.Key, f localcache.Freshness, ask fetch) {
	file, err := c.Open(b.Context(), key, f, ask)
	if err != nil {
		b.Fatal(err)
	}
	if file.Streamed() != nil {
		b.Fatal(file.Streamed())
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkHit opens and closes a copy that there is.
func BenchmarkHit(b *testing.B) {
	for _, f := range []localcache.Freshness{localcache.Immutable(), localcache.Revalidate()} {
		b.Run(f.String(), func(b *testing.B) {
			c := open(b, b.TempDir())
			ask := answerOf(make([]byte, 4<<10))
			use(b, c, keyOf("dir/object.bin"), f, ask)
			b.ReportAllocs()
			for b.Loop() {
				use(b, c, keyOf("dir/object.bin"), f, ask)
			}
		})
	}
}

// BenchmarkHitParallel is BenchmarkHit from all processors, of different objects.
func BenchmarkHitParallel(b *testing.B) {
	c := open(b, b.TempDir())
	ask := answerOf(make([]byte, 4<<10))
	for i := range 16 {
		use(b, c, keyOf(fmt.Sprint("object", i)), localcache.Immutable(), ask)
	}
	var n atomic.Int64
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			use(b, c, keyOf(fmt.Sprint("object", n.Add(1)%16)), localcache.Immutable(), ask)
		}
	})
}

// BenchmarkFill caches small objects, in a directory that is to last and in a
// temporary one.
func BenchmarkFill(b *testing.B) {
	temporary, err := localcache.Temporary("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := temporary.Close(); err != nil {
			b.Error(err)
		}
	})
	for name, c := range map[string]*localcache.Cache{
		"persistent": open(b, b.TempDir()),
		"temporary":  temporary,
		"bounded":    open(b, b.TempDir(), localcache.WithMaxBytes(1<<20)),
	} {
		b.Run(name, func(b *testing.B) {
			body := make([]byte, 4<<10)
			ask := answerOf(body)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				use(b, c, keyOf(fmt.Sprint("dir/object", i)), localcache.Immutable(), ask)
				i++
			}
		})
	}
}

// filled is a directory of many copies.
func filled(b *testing.B) (dir string, n int) {
	b.Helper()
	n = 1000
	if text := os.Getenv("CLOUDPATH_BENCH_ENTRIES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	dir = b.TempDir()
	c := open(b, dir)
	ask := answerOf([]byte("bytes"))
	for i := range n {
		use(b, c, keyOf(fmt.Sprintf("dir%d/object%d", i%100, i)), localcache.Immutable(), ask)
	}
	return dir, n
}

// BenchmarkOpenDirectory opens a directory of many copies, and one of the copies.
func BenchmarkOpenDirectory(b *testing.B) {
	dir, n := filled(b)
	b.ReportAllocs()
	for b.Loop() {
		c, err := localcache.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		use(b, c, keyOf("dir0/object0"), localcache.Offline(), nil)
		if err := c.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n), "entries")
}

// BenchmarkEntries lists a directory of many copies: for the first time, and
// again when nothing has changed.
func BenchmarkEntries(b *testing.B) {
	dir, n := filled(b)
	list := func(b *testing.B, c *localcache.Cache) {
		entries, err := c.Entries(b.Context(), keyOf("").Origin, "bucket")
		if err != nil || len(entries) != n {
			b.Fatal(len(entries), err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			list(b, open(b, dir))
		}
	})
	b.Run("again", func(b *testing.B) {
		c := open(b, dir)
		for b.Loop() {
			list(b, c)
		}
	})
}
