package s3proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// conn is what the proxy knows of one connection of a client.
type conn struct {
	number   int
	used     atomic.Bool // a request came over it
	up, down pace
}

// connKey is under which a connection is in the context of its requests.
type connKey struct{ proxy *Proxy }

// connOf is the connection a request came over. Below an [http.Server] that was
// not set up by Listen its address must do, which cannot tell two apart when the
// second one was given the port of the first.
func (p *Proxy) connOf(r *http.Request) *conn {
	if c, ok := r.Context().Value(connKey{p}).(*conn); ok {
		return c
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.known[r.RemoteAddr]
	if c == nil {
		c = p.newConn()
		p.known[r.RemoteAddr] = c
	}
	return c
}

// newConn numbers a connection; p.mu is held.
func (p *Proxy) newConn() *conn {
	p.conns++
	return &conn{number: p.conns}
}

// ConnContext is for [http.Server.ConnContext], where somebody else than Listen
// sets up the server.
func (p *Proxy) ConnContext(ctx context.Context, _ net.Conn) context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	return context.WithValue(ctx, connKey{p}, p.newConn())
}

// Front is a listening proxy.
type Front struct {
	URL string // "http://127.0.0.1:port", or https

	proxy  *Proxy
	server *http.Server
	served chan error
}

// Listen lets the proxy serve on a free port of 127.0.0.1, HTTP/1.1 only.
func (p *Proxy) Listen() (*Front, error) { return p.listen(nil) }

// ListenTLS is Listen over TLS, with the certificates in config.
func (p *Proxy) ListenTLS(config *tls.Config) (*Front, error) {
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	return p.listen(config)
}

func (p *Proxy) listen(config *tls.Config) (*Front, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Front{URL: "http://" + l.Addr().String(), proxy: p, served: make(chan error, 1)}
	if config != nil {
		f.URL = "https://" + l.Addr().String()
		l = tls.NewListener(l, config)
	}
	f.server = &http.Server{
		Handler:                      p,
		ConnContext:                  p.ConnContext,
		DisableGeneralOptionsHandler: true, // OPTIONS is the server's to answer
	}
	go func() { f.served <- f.server.Serve(l) }()
	return f, nil
}

// closing is how long Close waits for requests it has cut off.
const closing = 10 * time.Second

// Close cuts all connections and waits until every request has ended. It is an
// error when one does not.
func (f *Front) Close() error {
	err := f.server.Close()
	if serr := <-f.served; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	if !f.proxy.idleWithin(closing) {
		err = errors.Join(err, errors.New("s3proxy: a request did not end when its connection was cut"))
	}
	return err
}

// idleWithin waits until no request is under way, for at most d.
func (p *Proxy) idleWithin(d time.Duration) bool {
	over := false
	timer := time.AfterFunc(d, func() { p.update(func() { over = true }); p.quiet.Broadcast() })
	defer timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.busy > 0 && !over {
		p.quiet.Wait()
	}
	return p.busy == 0
}
