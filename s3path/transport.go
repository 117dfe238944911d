package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// newTransport is the transport for a client that was given none. HTTP/1.1,
// because one connection per transfer beats many streams on one connection;
// as many idle connections as requests may be under way, because net/http's
// own two per host make every burst dial anew; no compression, because an
// object's bytes are what was stored.
func newTransport(requests int) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ForceAttemptHTTP2 = false
	t.TLSNextProto = nil
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	t.DisableCompression = true
	t.MaxIdleConns = 0
	t.MaxIdleConnsPerHost = max(requests, 64)
	t.ReadBufferSize = 64 << 10
	t.WriteBufferSize = 64 << 10
	return t
}

// newHTTPClient is base, or a client of our own, with what this package needs
// of every request: no redirect is followed (the SDK would sign for one host
// and send the session token and the customer's key to another), the number of
// requests under way is bounded, and a request on which nothing moves is given
// up.
func newHTTPClient(base *http.Client, requests int, stall time.Duration) *http.Client {
	c := &http.Client{}
	if base != nil {
		*c = *base
	}
	if c.Transport == nil {
		c.Transport = newTransport(requests)
	}
	c.Transport = &gate{next: c.Transport, permits: make(chan struct{}, requests), stall: stall}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// gate bounds the requests under way and watches that bytes move. A permit is
// given back when the answer's headers are in: nothing is held while control
// is with the caller.
type gate struct {
	next    http.RoundTripper
	permits chan struct{}
	stall   time.Duration
}

func (g *gate) CloseIdleConnections() {
	if c, ok := g.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case g.permits <- struct{}{}:
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	defer func() { <-g.permits }()
	if g.stall <= 0 {
		return g.next.RoundTrip(req)
	}

	ctx, cancel := context.WithCancelCause(req.Context())
	stalled := &stallError{after: g.stall}
	timer := time.AfterFunc(g.stall, func() { cancel(stalled) })
	out := req.Clone(ctx)
	var sent *movingBody
	if req.Body != nil && req.Body != http.NoBody {
		sent = &movingBody{body: req.Body, moved: func() { timer.Reset(g.stall) }}
		out.Body = sent
	}
	resp, err := g.next.RoundTrip(out)
	if sent != nil {
		sent.ended.Store(true) // a server may answer before it has read everything
	}
	timer.Stop()
	if err != nil {
		if errors.Is(context.Cause(ctx), stalled) {
			err = stalled
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &watchedBody{body: resp.Body, ctx: ctx, cancel: cancel, timer: timer, stall: g.stall, stalled: stalled}
	return resp, nil
}

// stallError says that a server went silent. It is an os.ErrDeadlineExceeded
// and the SDK takes it for a fault of the connection, which is tried again.
type stallError struct{ after time.Duration }

func (e *stallError) Error() string {
	return fmt.Sprintf("the server sent and took no byte for %v", e.after)
}
func (e *stallError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
func (e *stallError) Timeout() bool        { return true }
func (e *stallError) RetryableError() bool { return true }

// movingBody reports each piece of a request's body that the connection took.
type movingBody struct {
	body  io.ReadCloser
	moved func()
	ended atomic.Bool
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if !b.ended.Load() {
		b.moved()
	}
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

func (b *movingBody) Close() error { return b.body.Close() }

// watchedBody watches only while a Read waits: a caller that takes its time is
// not a server that stalls.
type watchedBody struct {
	body    io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timer   *time.Timer
	stall   time.Duration
	stalled error
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.stall)
	n, err := b.body.Read(p)
	b.timer.Stop()
	if err != nil && err != io.EOF && errors.Is(context.Cause(b.ctx), b.stalled) {
		err = b.stalled
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.timer.Stop()
	err := b.body.Close()
	b.cancel(nil)
	return err
}
