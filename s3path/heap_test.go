package s3path_test

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// watermark is the most that was alive on the heap, above what was when it was made.
type watermark struct {
	mu   sync.Mutex
	base uint64
	peak uint64
}

// newWatermark waits until what other tests have left is collected: pools give up
// what they hold at the second collection, goroutines when they end.
func newWatermark() *watermark {
	base := alive()
	for calm := 0; calm < 3; calm++ {
		time.Sleep(5 * time.Millisecond)
		now := alive()
		if now+64<<10 < base {
			calm = -1
		}
		base = min(base, now)
	}
	return &watermark{base: base}
}

// alive is what a collection leaves.
func alive() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *watermark) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := alive(); now > w.base {
		w.peak = max(w.peak, now-w.base)
	}
}

const moved = 200 << 20

// discarding is a server that takes uploads slowly enough for the parts to pile up.
func discarding(seen *watermark, got *int64) roundTripper {
	var mu sync.Mutex
	return func(r *http.Request) (*http.Response, error) {
		switch s3proxy.Operation(r) {
		case "CreateMultipartUpload":
			return fakeXML(r, http.StatusOK, "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"), nil
		case "CompleteMultipartUpload":
			return fakeXML(r, http.StatusOK, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"), nil
		}
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			return nil, err
		}
		time.Sleep(5 * time.Millisecond)
		seen.look()
		mu.Lock()
		defer mu.Unlock()
		*got += n
		return fakeAnswer(r, http.StatusOK, 0, strings.NewReader("")), nil
	}
}

// A stream of any length holds a bounded number of parts.
func TestUploadHeap(t *testing.T) {
	for _, parts := range []int{3, 8} {
		for name, write := range map[string]func(p s3path.S3Path, o s3path.WriteOption) error{
			"WriteFrom": func(p s3path.S3Path, o s3path.WriteOption) error {
				_, err := p.WriteFrom(t.Context(), io.LimitReader(zeroes{}, moved), o)
				return err
			},
			"Create": func(p s3path.S3Path, o s3path.WriteOption) error {
				return p.WriteFunc(t.Context(), func(w io.Writer) error {
					_, err := io.Copy(w, struct{ io.Reader }{io.LimitReader(zeroes{}, moved)})
					return err
				}, o)
			},
		} {
			t.Run(fmt.Sprintf("%s, %d parts", name, parts), func(t *testing.T) {
				var got int64
				seen := newWatermark()
				c := fakeClient(t, discarding(seen, &got), s3path.WithPartSize(part))
				if err := write(c.Object("bucket", "a"), s3path.WithConcurrency(parts)); err != nil || got != moved {
					t.Fatalf("%d bytes arrived, %v", got, err)
				}
				if limit := uint64(parts*part + 10e6); seen.peak > limit || seen.peak < part {
					t.Errorf("%d bytes were alive, at most %d may be", seen.peak, limit)
				}
			})
		}
	}
}

type zeroes struct{}

func (zeroes) Read(b []byte) (int, error) { return len(b), nil }

// watched brings zeroes, and looks at the heap now and then.
type watched struct {
	seen *watermark
	n    int
}

func (w *watched) Read(b []byte) (int, error) {
	if w.n += len(b); w.n > 8<<20 {
		w.n = 0
		w.seen.look()
	}
	return len(b), nil
}

// Downloads hold no part at all: bytes go from the connection to the disk.
func TestDownloadHeap(t *testing.T) {
	seen := newWatermark()
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		var first, last int64 = 0, moved - 1
		status, header := http.StatusOK, []string(nil)
		if ranged := r.Header.Get("Range"); ranged != "" {
			if _, err := fmt.Sscanf(ranged, "bytes=%d-%d", &first, &last); err != nil {
				return nil, err
			}
			status, header = http.StatusPartialContent, []string{"Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, int64(moved))}
		}
		return fakeAnswer(r, status, last-first+1, io.LimitReader(&watched{seen: seen}, last-first+1), header...), nil
	})
	p := c.Object("bucket", "a")
	if err := p.DownloadTo(t.Context(), filepath.Join(t.TempDir(), "x")); err != nil {
		t.Error(err)
	}
	if n, err := io.Copy(io.Discard, struct{ io.Reader }{mustOpen(t, p)}); n != moved || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := mustOpen(t, p).WriteTo(io.Discard); n != moved || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if seen.peak > 10e6 || seen.peak == 0 {
		t.Errorf("%d bytes were alive", seen.peak)
	}
}
