package s3server_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

const racers = 24

// race runs all racers at once and returns how many got 200 and how many 412.
func race(t *testing.T, run func(i int) (answer, error)) (won, lost int64) {
	t.Helper()
	var wins, losses atomic.Int64
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for i := range racers {
		wg.Go(func() {
			<-begin
			switch a, err := run(i); {
			case err != nil:
				t.Error(err)
			case a.status == 200:
				wins.Add(1)
			case a.status == 412:
				losses.Add(1)
			default:
				t.Errorf("%d %s", a.status, a.body)
			}
		})
	}
	close(begin)
	wg.Wait()
	return wins.Load(), losses.Load()
}

func TestRacesHaveOneWinner(t *testing.T) {
	for _, row := range []struct {
		name string
		run  func(c *client) func(i int) (answer, error)
	}{
		{"PUT If-None-Match", func(c *client) func(int) (answer, error) {
			return func(i int) (answer, error) { return c.try("PUT", at("k"), fmt.Sprint(i), "If-None-Match: *") }
		}},
		{"PUT If-Match", func(c *client) func(int) (answer, error) {
			etag := c.put("k", "old").etag()
			return func(i int) (answer, error) { return c.try("PUT", at("k"), fmt.Sprint(i), "If-Match: "+etag) }
		}},
		{"Copy If-None-Match", func(c *client) func(int) (answer, error) {
			c.put("from", "x")
			return func(int) (answer, error) {
				return c.try("PUT", at("k"), "", "x-amz-copy-source: "+at("from"), "If-None-Match: *")
			}
		}},
		{"Complete If-None-Match", func(c *client) func(int) (answer, error) {
			ids, etags := make([]string, racers), make([]string, racers)
			for i := range racers {
				ids[i] = c.upload("k")
				etags[i] = c.part("k", ids[i], 1, fmt.Sprint(i)).etag()
			}
			return func(i int) (answer, error) {
				body := "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + etags[i] + "</ETag></Part></CompleteMultipartUpload>"
				return c.try("POST", at("k")+"?uploadId="+ids[i], body, "If-None-Match: *")
			}
		}},
	} {
		for _, where := range []string{"memory", "directory"} {
			t.Run(row.name+" in "+where, func(t *testing.T) {
				c := startIn(t, where)
				if won, lost := race(t, row.run(c)); won != 1 || lost != racers-1 {
					t.Errorf("%d won, %d lost", won, lost)
				}
			})
		}
	}
}

// startIn runs a server over memory or over a directory.
func startIn(t *testing.T, where string, opts ...s3server.Option) *client {
	t.Helper()
	if where == "directory" {
		return startDir(t, t.TempDir(), opts...)
	}
	return start(t, opts...)
}

// TestNoTornReads overwrites an object while it is read: every body is one that was
// written, whole, and belongs to its ETag.
func TestNoTornReads(t *testing.T) {
	for _, where := range []string{"memory", "directory"} {
		t.Run(where, func(t *testing.T) {
			c := startIn(t, where)
			const size = 256 << 10
			etags := make(map[string]byte)
			for b := byte('a'); b < 'e'; b++ {
				etags[c.put("k", strings.Repeat(string(b), size)).etag()] = b
			}
			var wg sync.WaitGroup
			for w := range 2 {
				wg.Go(func() {
					for i := range 20 {
						if _, err := c.try("PUT", at("k"), strings.Repeat(string(rune('a'+(i+w)%4)), size)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			for range 2 {
				wg.Go(func() {
					for range 20 {
						a, err := c.try("GET", at("k"), "")
						if err != nil {
							t.Error(err)
							continue
						}
						if want := string(etags[a.etag()]); a.status != 200 || a.body != strings.Repeat(want, size) {
							t.Errorf("status %d, ETag %s, %d bytes that are not all %q", a.status, a.etag(), len(a.body), want)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestBrokenBody cuts a PUT short: the old object stays.
func TestBrokenBody(t *testing.T) {
	for _, where := range []string{"memory", "directory"} {
		t.Run(where, func(t *testing.T) {
			c := startIn(t, where)
			c.put("k", "old")
			r, err := http.NewRequestWithContext(t.Context(), "PUT", c.url+at("k"), io.MultiReader(bytes.NewReader(make([]byte, 100)), brokenReader{}))
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = 1000
			if resp, err := c.transport.RoundTrip(r); err == nil {
				resp.Body.Close()
				t.Error("a body that breaks was accepted")
			}
			if a := c.do("GET", at("k"), ""); a.body != "old" {
				t.Errorf("got %q", a.body)
			}
		})
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
