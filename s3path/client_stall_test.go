package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// stalling serves the first n requests by going silent where a test wants it.
func stalling(t *testing.T, n int32, stall http.HandlerFunc) *listener {
	var count atomic.Int32
	return listen(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) <= n {
			stall(w, r)
			return
		}
		object(w, r)
	})
}

func mute(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// halfway sends the beginning of the object and goes silent.
func halfway(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
	w.Header().Set("Content-Length", "5")
	_, _ = io.WriteString(w, "he")
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

// halfAList sends the beginning of a listing and goes silent.
func halfAList(w http.ResponseWriter, r *http.Request) {
	_, _ = io.WriteString(w, `<?xml version="1.0"?><ListBucketResult><Name>bucket`)
	_ = http.NewResponseController(w).Flush()
	<-r.Context().Done()
}

func TestStallIsRetried(t *testing.T) {
	const stall = 100 * time.Millisecond
	ranged := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			object(w, r)
			return
		}
		if r.Header.Get("Range") != "bytes=2-4" || r.Header.Get("If-Match") == "" {
			t.Errorf("resumed with %q", r.Header)
		}
		w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		w.Header().Set("Content-Range", "bytes 2-4/5")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "llo")
	}
	open := func(l *listener) s3path.S3Path {
		return openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall)).Object("bucket", "key")
	}
	read := func(p s3path.S3Path) error {
		got, err := p.ReadText(t.Context())
		if err == nil && got != "hello" {
			err = fmt.Errorf("read %q", got)
		}
		return err
	}
	for _, row := range []struct {
		name   string
		server *listener
		do     func(p s3path.S3Path) error
	}{
		{"HEAD before the headers", stalling(t, 1, mute), func(p s3path.S3Path) error { _, err := p.Stat(t.Context()); return err }},
		{"GET before the headers", stalling(t, 1, mute), read},
		{"PUT before the headers", stalling(t, 1, mute), func(p s3path.S3Path) error { return p.WriteText(t.Context(), "x") }},
		{"GET in the middle of the body", func() *listener {
			var n atomic.Int32
			return listen(t, func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1) == 1 {
					halfway(w, r)
					return
				}
				ranged(w, r)
			})
		}(), read},
		{"LIST in the middle of the body", stalling(t, 1, halfAList), func(p s3path.S3Path) error {
			for _, err := range p.Parent().Walk(t.Context()) {
				if err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if err := row.do(open(row.server)); err != nil {
				t.Error(err)
			}
			if n := row.server.Count(); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A server that stays silent is an error that says so, and a timeout.
func TestStallForever(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
	}{{"before the headers", mute}, {"in the middle of the body", halfway}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := listen(t, row.answer)
			c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(50*time.Millisecond), s3path.WithMaxAttempts(2))
			_, err := c.Object("bucket", "key").ReadBytes(t.Context())
			if !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "no byte for 50ms") {
				t.Error(err)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Error("the caller's deadline has not passed")
			}
		})
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithStallTimeout(-1)); err == nil || !strings.Contains(err.Error(), "WithStallTimeout") {
		t.Errorf("a negative time: %v", err)
	}
}

// What is slow but moves is not given up, in either direction, and neither is an
// answer that its reader leaves lying.
func TestSlowIsNotStalled(t *testing.T) {
	const stall = 150 * time.Millisecond
	pace := func(n int, step func()) { // n steps that take three times the stall
		tick := time.NewTicker(3 * stall / time.Duration(n))
		defer tick.Stop()
		for range n {
			<-tick.C
			step()
		}
	}
	t.Run("a slow answer", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", "10")
			pace(10, func() {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			})
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall))
		got, err := c.Object("bucket", "key").ReadText(t.Context())
		if got != "xxxxxxxxxx" || err != nil || l.Count() != 1 {
			t.Errorf("%q, %v after %d requests", got, err, l.Count())
		}
	})
	t.Run("a slow upload", func(t *testing.T) {
		t.Parallel()
		// Without sockets, which take some megabytes before anybody reads.
		w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
			pace(16, func() { _, _ = io.CopyN(io.Discard, r.Body, 64<<10) })
			object(w, r)
		}}
		c := openClient(t, s3path.WithEndpoint("http://s3.test"), keys(), s3path.WithStallTimeout(stall), s3path.WithHTTPClient(w.client()))
		err := c.Object("bucket", "key").WriteBytes(t.Context(), make([]byte, 1<<20))
		if err != nil || len(w.requests()) != 1 {
			t.Errorf("%v after %d requests", err, len(w.requests()))
		}
	})
	t.Run("a slow reader", func(t *testing.T) {
		t.Parallel()
		const size = 1 << 20 // no buffer holds all of it
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"e"`)
			w.Header().Set("Content-Length", fmt.Sprint(size))
			_, _ = w.Write(make([]byte, size))
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(stall))
		r, err := c.Object("bucket", "key").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		var read int
		pace(2, func() {
			n, _ := io.ReadFull(r, make([]byte, 1000))
			read += n
		})
		rest, err := io.Copy(io.Discard, r)
		if int(rest)+read != size || err != nil || l.Count() != 1 {
			t.Errorf("%d bytes, %v after %d requests", int(rest)+read, err, l.Count())
		}
	})
	t.Run("no stall timeout", func(t *testing.T) {
		t.Parallel()
		l := listen(t, func(w http.ResponseWriter, r *http.Request) {
			pace(1, func() { object(w, r) })
		})
		c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithStallTimeout(0))
		if err := stat(t, c); err != nil || l.Count() != 1 {
			t.Errorf("%v after %d requests", err, l.Count())
		}
	})
}

// A deadline, or a cancelled context, ends a call at once, wherever it waits.
func TestContextEndsACallAtOnce(t *testing.T) {
	busy := listen(t, refuseAll(503, "SlowDown", "Please reduce your request rate."))
	silent := listen(t, mute)
	arrived := make(chan struct{}, 1)
	held := listen(t, func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; mute(w, r) })
	half := listen(t, halfway)
	list := listen(t, halfAList)
	parts := listen(t, func(w http.ResponseWriter, r *http.Request) { // begins and ends uploads, takes no part
		switch {
		case r.Method == http.MethodPut:
			mute(w, r)
		case r.Method == http.MethodPost:
			_, _ = io.WriteString(w, `<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>`)
		default:
			object(w, r)
		}
	})
	read := func(ctx context.Context, p s3path.S3Path) error { _, err := p.ReadBytes(ctx); return err }
	for _, row := range []struct {
		name   string
		server *listener
		opts   []s3path.ClientOption
		do     func(ctx context.Context, p s3path.S3Path) error
	}{
		{"before the headers", silent, nil, read},
		{"in the middle of the body", half, nil, read},
		{"in the middle of a listing", list, nil, func(ctx context.Context, p s3path.S3Path) error {
			for _, err := range p.Parent().Walk(ctx) {
				return err
			}
			return nil
		}},
		{"between two attempts", busy, []s3path.ClientOption{s3path.WithMaxAttempts(1000)}, read},
		{"waiting for a permit", held, []s3path.ClientOption{s3path.WithConcurrency(1)}, func(ctx context.Context, p s3path.S3Path) error {
			block, cancel := context.WithCancel(context.WithoutCancel(ctx))
			done := make(chan struct{})
			go func() { defer close(done); _ = read(block, p) }()
			defer func() { cancel(); <-done }()
			<-arrived // the one permit is taken
			return read(ctx, p)
		}},
		{"a write", silent, nil, func(ctx context.Context, p s3path.S3Path) error { return p.WriteText(ctx, "x") }},
		{"a write in parts", parts, nil, func(ctx context.Context, p s3path.S3Path) error {
			return p.WriteBytes(ctx, make([]byte, 9<<20))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := openClient(t, append([]s3path.ClientOption{s3path.WithEndpoint(row.server.URL), keys()}, row.opts...)...)
			p := c.Object("bucket", "key")
			ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
			defer cancel()
			begin := time.Now()
			if err := row.do(ctx, p); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("deadline: %v", err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("deadline: after %v", took)
			}
			ctx, cancel = context.WithCancel(t.Context())
			begin = time.Now()
			time.AfterFunc(60*time.Millisecond, cancel)
			if err := row.do(ctx, p); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("cancelled: after %v", took)
			}
			before := row.server.Count()
			if err := row.do(ctx, p); row.name != "waiting for a permit" && (!errors.Is(err, context.Canceled) || row.server.Count() != before) {
				t.Errorf("cancelled before: %v after %d requests", err, row.server.Count()-before)
			}
		})
	}
}
