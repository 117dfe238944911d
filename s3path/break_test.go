package s3path_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestBreak: to break off after the first of 2,500 has cost one request, and
// leaves no goroutine behind.
func TestBreak(t *testing.T) {
	at := inProcess(t)
	keys := make([]string, 2500)
	for i := range keys {
		keys[i] = fmt.Sprintf("d%04d", i)
	}
	at.putMany(t, keys)
	for what := range listsOf(t.Context(), at.bucket) {
		before := goleak.IgnoreCurrent()
		client, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(at.URL), s3path.WithStaticCredentials(at.AccessKey, at.SecretKey, ""))
		if err != nil {
			t.Fatal(err)
		}
		n := at.count(func() {
			for e, err := range listsOf(t.Context(), client.Object(at.bucket.Bucket(), ""))[what] {
				if err != nil || e.Rel() != "d0000" {
					t.Errorf("%s: %v, %v", what, e, err)
				}
				break
			}
		})
		if n != 1 {
			t.Errorf("%s: %d requests, want 1", what, n)
		}
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	}
}

// TestBreakAnywhere: at each entry no page beyond the next has been asked for,
// none beyond the first before the second entry, and breaking off asks for no
// other.
func TestBreakAnywhere(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const size, total = 4, 14
		keys := make([]string, total)
		for i := range keys {
			keys[i] = fmt.Sprintf("d%02d", i)
		}
		at.putMany(t, keys)
		list := func(ctx context.Context, what string) seq {
			return listsOf(ctx, at.bucket, s3path.WithPageSize(size))[what]
		}
		for what := range listsOf(t.Context(), at.bucket) {
			for stop := 1; stop <= total; stop++ {
				before, given := at.Proxy.Count(), 0
				for _, err := range list(t.Context(), what) {
					if err != nil {
						t.Fatalf("%s: %v", what, err)
					}
					given++
					asked := at.Proxy.Count() - before
					if most := (given-1)/size + 2; asked > most || given == 1 && asked != 1 {
						t.Errorf("%s: %d requests at entry %d", what, asked, given)
					}
					if given == stop {
						break
					}
				}
				if n := at.Proxy.Count() - before; n > (stop-1)/size+2 || stop == 1 && n != 1 {
					t.Errorf("%s: %d requests for %d entries", what, n, stop)
				}
			}
		}
	})
}

// TestListingsOverlap: one listing may be ranged over inside another, and the
// same one twice at once.
func TestListingsOverlap(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("d1 d2 d3")...)
		for what := range listsOf(t.Context(), at.bucket) {
			listing := listsOf(t.Context(), at.bucket, s3path.WithPageSize(2))[what]
			var pairs []string
			for a, err := range listing {
				if err != nil {
					t.Fatal(err)
				}
				for b, err := range listing {
					if err != nil {
						t.Fatal(err)
					}
					pairs = append(pairs, a.Rel()+b.Rel())
				}
			}
			same(t, what, pairs, words("d1d1 d1d2 d1d3 d2d1 d2d2 d2d3 d3d1 d3d2 d3d3"))
		}
	})
}

// TestEndlessListing is streamed: what is kept does not grow with what was
// listed, and breaking off ends it.
func TestEndlessListing(t *testing.T) {
	const size, pages = 1000, 60
	at := inProcess(t)
	var n atomic.Int64
	at.fault(func(w http.ResponseWriter, r *http.Request) {
		first := n.Add(1) * size
		var b strings.Builder
		for i := range int64(size) {
			fmt.Fprintf(&b, `<Contents><Key>d/%010d</Key><Size>1</Size></Contents>`, first+i)
		}
		answer(200, page(at.bucket.Bucket(), b.String()+goesOn(fmt.Sprint(first))))(w, r)
	})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early, late uint64
	given := 0
	for _, err := range at.object("d").Walk(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		given++
		switch given {
		case 10*size - 1:
			early = heap()
		case pages*size - 1:
			late = heap()
		}
		if given == pages*size {
			break
		}
	}
	if got := n.Load(); got > pages+1 {
		t.Errorf("%d pages for %d entries", got, given)
	}
	if late > early+2<<20 {
		t.Errorf("the heap grew from %d to %d bytes", early, late)
	}
}
