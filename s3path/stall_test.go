package s3path_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// These run under a fake clock, so that waiting costs nothing.

const stall = 10 * time.Second

// slowly brings or takes one byte at a time.
type slowly struct {
	r     io.Reader
	every time.Duration
	ctx   context.Context
}

func (s slowly) Read(b []byte) (int, error) {
	select {
	case <-time.After(s.every):
		return s.r.Read(b[:min(len(b), 1)])
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// A server that goes silent before the headers is given up after the stall
// timeout, and asked again.
func TestStallBeforeHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			if n.Add(1) == 1 {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return fakeRange(r, "data"), nil
		}, s3path.WithStallTimeout(stall))
		begin := time.Now()
		got, err := c.Object("bucket", "a").ReadText(t.Context())
		if err != nil || got != "data" || n.Load() != 2 {
			t.Errorf("%q, %v, %d requests", got, err, n.Load())
		}
		if took := time.Since(begin); took < stall || took > 3*stall {
			t.Errorf("it took %v", took)
		}
	})
}

// A body that goes silent is resumed where it stopped.
func TestStallMidBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			asked = append(asked, r.Header.Get("Range"))
			if len(asked) == 1 {
				return fakeAnswer(r, http.StatusOK, 10, io.MultiReader(strings.NewReader("0123"), waiting{r})), nil
			}
			return fakeRange(r, "0123456789"), nil
		}, s3path.WithStallTimeout(stall))
		begin := time.Now()
		got, err := c.Object("bucket", "a").ReadText(t.Context())
		if err != nil || got != "0123456789" {
			t.Errorf("%q, %v", got, err)
		}
		same(t, "ranges", asked, []string{"", "bytes=4-9"})
		if took := time.Since(begin); took < stall || took > 2*stall {
			t.Errorf("it took %v", took)
		}
	})
}

// A server that stays silent is os.ErrDeadlineExceeded when the attempts are used up.
func TestStallForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, c := range map[string]*s3path.Client{
			"before the headers": fakeClient(t, func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}, s3path.WithStallTimeout(stall)),
			"in the body": fakeClient(t, func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("Range") != "" {
					return fakeAnswer(r, http.StatusPartialContent, 10, waiting{r}, "Content-Range", "bytes 0-9/10"), nil
				}
				return fakeAnswer(r, http.StatusOK, 10, waiting{r}), nil
			}, s3path.WithStallTimeout(stall)),
		} {
			begin := time.Now()
			if _, err := c.Object("bucket", "a").ReadBytes(t.Context()); !errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			if took := time.Since(begin); took < 3*stall || took > 5*stall {
				t.Errorf("%s: it took %v", name, took)
			}
		}
	})
}

// Slow but moving is not killed: neither on its way down nor on its way up.
func TestSlowButMoving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		data := strings.Repeat("0123456789", 10)
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			n.Add(1)
			every := stall - time.Second
			if r.Method == http.MethodPut {
				got, err := io.ReadAll(slowly{r.Body, every, r.Context()})
				if err != nil {
					return nil, err
				}
				if string(got) != data {
					t.Errorf("the server got %q", got)
				}
				return fakeAnswer(r, http.StatusOK, 0, strings.NewReader("")), nil
			}
			return fakeAnswer(r, http.StatusOK, int64(len(data)), slowly{strings.NewReader(data), every, r.Context()}), nil
		}, s3path.WithStallTimeout(stall))
		p := c.Object("bucket", "a")
		if err := p.WriteText(t.Context(), data); err != nil {
			t.Error(err)
		}
		if got, err := p.ReadText(t.Context()); err != nil || got != data {
			t.Errorf("%q, %v", got, err)
		}
		if n.Load() != 2 {
			t.Errorf("%d requests", n.Load())
		}
	})
}

// A caller that takes its time is not a server that stalls.
func TestSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			n.Add(1)
			return fakeRange(r, "0123456789"), nil
		}, s3path.WithStallTimeout(stall))
		r, err := c.Object("bucket", "a").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var got bytes.Buffer
		for b := make([]byte, 3); ; {
			time.Sleep(5 * stall)
			n, err := r.Read(b)
			got.Write(b[:n])
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if got.String() != "0123456789" || n.Load() != 1 {
			t.Errorf("%q in %d requests", got.String(), n.Load())
		}
	})
}

// The caller's deadline counts at once, also while the server is silent.
func TestDeadlineWhileStalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "silent") {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return fakeAnswer(r, http.StatusOK, 10, slowly{strings.NewReader("0123456789"), stall - 1, r.Context()}), nil
		}, s3path.WithStallTimeout(stall))
		for _, key := range []string{"silent", "slow"} {
			ctx, cancel := context.WithTimeout(t.Context(), stall/2)
			begin := time.Now()
			if _, err := c.Object("bucket", key).ReadBytes(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", key, err)
			}
			if took := time.Since(begin); took != stall/2 {
				t.Errorf("%s: it took %v", key, took)
			}
			cancel()
		}
	})
}
