package s3path

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// newTransport is the transport for a client that was given none. It takes
// nothing from http.DefaultTransport, which belongs to the whole program.
// HTTP/1.1, because one connection per transfer beats many streams on one
// connection; as many idle connections as requests may be under way, because
// net/http's own two per host make every burst dial anew; no compression,
// because an object's bytes are what was stored.
func newTransport(requests int, trust *tls.Config) *http.Transport {
	dialer := &net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	t := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       trust,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   idleConns(requests),
		DisableCompression:    true,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
		Protocols:             new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}

func idleConns(requests int) int { return max(requests, 64) }

// transportOf is what a client's requests go through: the caller's choice, as
// far as there is one, and the transport that is this client's own to clean up.
func (s *settings) transportOf(cfg aws.Config) (base *http.Client, own *http.Transport) {
	chosen := cfg.HTTPClient
	switch {
	case s.httpClient != nil:
		chosen = s.httpClient
	case s.set&optAWSConfig == 0:
		// Nobody but the environment: its AWS_CA_BUNDLE comes as a client.
		var trust *tls.Config
		if built, ok := chosen.(*awshttp.BuildableClient); ok {
			trust = built.GetTransport().TLSClientConfig
		}
		own = newTransport(s.requests(), trust)
		return &http.Client{Transport: own}, own
	}
	base = &http.Client{}
	switch chosen := chosen.(type) {
	case nil:
	case *http.Client:
		if chosen != nil {
			*base = *chosen
		}
	case *awshttp.BuildableClient:
		own = chosen.GetTransport()
		if own.MaxIdleConnsPerHost == awshttp.DefaultHTTPTransportMaxIdleConnsPerHost {
			own.MaxIdleConnsPerHost = idleConns(s.requests()) // the builder's default is nobody's choice
		}
		base.Transport, base.Timeout = own, chosen.GetTimeout()
	default:
		base.Transport = doer{chosen}
	}
	if base.Transport == nil {
		own = newTransport(s.requests(), nil)
		base.Transport = own
	}
	return base, own
}

// newHTTPClient is base with what this package needs of every request: no
// redirect is followed (the SDK would sign for one host and send the session
// token and the customer's key to another), the number of requests under way is
// bounded, and a request on which nothing moves is given up.
func newHTTPClient(base *http.Client, requests int, stall time.Duration) *http.Client {
	c := *base
	c.Transport = &gate{next: c.Transport, permits: make(chan struct{}, requests), stall: stall}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// gate bounds the requests under way and watches that bytes move. A permit is
// given back when the answer's headers are in: nothing is held while control
// is with the caller.
type gate struct {
	next    http.RoundTripper
	permits chan struct{}
	stall   time.Duration
}

func (g *gate) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case g.permits <- struct{}{}:
	case <-req.Context().Done():
		closeBody(req)
		return nil, req.Context().Err()
	}
	defer func() { <-g.permits }()
	resp, err := g.send(req)
	if err == nil && (resp.StatusCode/100 != 2 || !streamed[awsmiddleware.GetOperationName(req.Context())]) {
		resp.Body = &document{resp.Body, maxDocument}
	}
	return resp, err
}

func (g *gate) send(req *http.Request) (*http.Response, error) {
	if g.stall <= 0 {
		return g.next.RoundTrip(req)
	}
	return watched(g.next, req, g.stall)
}

// streamed are the operations of S3 whose answers the caller reads piece by piece.
var streamed = map[string]bool{"GetObject": true, "GetObjectTorrent": true, "SelectObjectContent": true}

// maxDocument is more than any other answer of S3 has: a thousand keys of a
// listing are some megabytes at most.
const maxDocument = 32 << 20

// document is an answer that the SDK reads into memory, and that must end.
type document struct {
	io.ReadCloser
	left int
}

func (d *document) Read(b []byte) (int, error) {
	if d.left == 0 {
		return 0, fmt.Errorf("%w: an answer of more than %d bytes", cloudpath.ErrProtocol, maxDocument)
	}
	n, err := d.ReadCloser.Read(b[:min(len(b), d.left)])
	d.left -= n
	return n, err
}

// closeBody is what a RoundTripper owes a request that it does not send.
func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // nothing was sent of it
	}
}

// doer is an HTTP client of the caller's that is no *http.Client, as a
// transport. Whether it follows redirects cannot be told beforehand; an answer
// that another host gave is not taken.
type doer struct{ client aws.HTTPClient }

func (d doer) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // the client around this one says where
		}
		return nil, err
	}
	if resp == nil {
		return nil, errors.New("the HTTP client gave neither an answer nor an error")
	}
	if resp.Request != nil && resp.Request.URL != nil && resp.Request.URL.Host != req.URL.Host {
		return nil, errors.Join(&strayedError{resp.Request.URL.Host}, resp.Body.Close())
	}
	return resp, nil
}

// strayedError says that the caller's HTTP client followed a redirect.
type strayedError struct{ host string }

func (e *strayedError) Error() string {
	return fmt.Sprintf("the HTTP client followed a redirect to %s, which S3 requests must not", e.host)
}
func (e *strayedError) RetryableError() bool { return false }
