package s3proxy

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"time"
)

// Forwarder is an [http.Handler] that hands every request to another server and
// its answer back, changing neither. It exists because the standard library's
// reverse proxy drops query parameters it cannot parse and spells paths anew.
type Forwarder struct {
	target    *url.URL
	transport *http.Transport
}

// Forward returns a Forwarder to the server at target, of which only scheme and
// host are used.
func Forward(target *url.URL) *Forwarder {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &Forwarder{
		target: target,
		transport: &http.Transport{
			// No Proxy: a test server is never behind one.
			DialContext:           dialer.DialContext,
			DisableCompression:    true, // else the transport asks for gzip and unpacks it
			ExpectContinueTimeout: 5 * time.Second,
			MaxIdleConnsPerHost:   512,
			IdleConnTimeout:       5 * time.Second, // sooner than any server: a request must not meet a closing one
			ReadBufferSize:        64 << 10,
			WriteBufferSize:       64 << 10,
		},
	}
}

// Trust has the Forwarder trust these certificates of an https target. It must be
// called before the first request.
func (f *Forwarder) Trust(roots *x509.CertPool) {
	f.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
}

// Close gives up the idle connections to the server.
func (f *Forwarder) Close() { f.transport.CloseIdleConnections() }

// ServeHTTP implements [http.Handler]. When the server cannot be reached it
// answers 502; when the server breaks off in the middle, so does it.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out, err := f.outgoing(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	resp, err := f.transport.RoundTrip(out)
	if err != nil {
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler) // the client is gone; there is nobody to answer
		}
		http.Error(w, "s3proxy: "+err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	f.answer(w, r, resp)
}

// outgoing is the request as the server must see it.
func (f *Forwarder) outgoing(r *http.Request) (*http.Request, error) {
	target, err := f.rewrite(r)
	if err != nil {
		return nil, err
	}
	out := &http.Request{
		Method:           r.Method,
		URL:              target,
		Proto:            "HTTP/1.1",
		ProtoMajor:       1, // the transport waits for "100 Continue" only from 1.1 on
		ProtoMinor:       1,
		Host:             r.Host,
		Header:           endToEnd(r.Header),
		Body:             r.Body,
		ContentLength:    r.ContentLength,
		TransferEncoding: r.TransferEncoding,
		Trailer:          r.Trailer,
	}
	if r.ContentLength == 0 {
		out.Body = nil // a known empty body, else the transport would send it chunked
	}
	if _, ok := out.Header["User-Agent"]; !ok {
		out.Header["User-Agent"] = []string{""} // keeps the transport from adding its own
	}
	return out.WithContext(r.Context()), nil
}

// rewrite points the request's target at the server and makes sure that it will
// be written with exactly the bytes the client sent.
func (f *Forwarder) rewrite(r *http.Request) (*url.URL, error) {
	sent := r.RequestURI
	if sent == "" {
		sent = r.URL.RequestURI() // a request made in this process
	}
	u := *r.URL
	u.Scheme, u.Host = f.target.Scheme, f.target.Host
	if u.RequestURI() == sent {
		return &u, nil
	}
	// The client's spelling is not net/url's. An opaque URL is written as it is,
	// but with "//" in front it would become an absolute one.
	path, query, asked := strings.Cut(sent, "?")
	opaque := url.URL{Scheme: u.Scheme, Host: u.Host, Opaque: path, RawQuery: query, ForceQuery: asked}
	if opaque.RequestURI() == sent {
		return &opaque, nil
	}
	return nil, fmt.Errorf("s3proxy: cannot pass on the request target %q unchanged", sent)
}

// answer writes resp to w with nothing added by the server in between.
func (f *Forwarder) answer(w http.ResponseWriter, r *http.Request, resp *http.Response) {
	h := w.Header()
	for name, values := range endToEnd(resp.Header) {
		h[name] = values
	}
	// A header that is present but nil is neither sent nor made up.
	for _, name := range []string{"Date", "Content-Type"} {
		if _, ok := h[name]; !ok {
			h[name] = nil
		}
	}
	for name := range resp.Trailer {
		h.Add("Trailer", name)
	}
	if resp.Close && r.ProtoAtLeast(1, 1) && resp.ContentLength >= 0 {
		h.Set("Connection", "close") // a server that lets go of its client does so here too
	}
	w.WriteHeader(resp.StatusCode)

	control := http.NewResponseController(w)
	if resp.ContentLength < 0 && r.Method != http.MethodHead {
		// Without this a short chunked answer would arrive with a Content-Length.
		if err := control.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			panic(http.ErrAbortHandler)
		}
	}
	if err := stream(w, control, resp); err != nil {
		panic(http.ErrAbortHandler) // closes the connection, as the server's own did
	}
	for name, values := range resp.Trailer {
		h[name] = values
	}
}

// stream copies the body and flushes what has arrived whenever more is awaited,
// so that a slow answer is slow in the same places.
func stream(w io.Writer, control *http.ResponseController, resp *http.Response) error {
	buf := make([]byte, 64<<10)
	var total int64
	for {
		n, err := resp.Body.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return werr
			}
			total += int64(n)
			if total != resp.ContentLength {
				if ferr := control.Flush(); ferr != nil && !errors.Is(ferr, http.ErrNotSupported) {
					return ferr
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// hopByHop are the headers that concern one connection only (RFC 9110, 7.6.1).
var hopByHop = map[string]bool{
	"Connection":          true,
	"Keep-Alive":          true,
	"Proxy-Authenticate":  true,
	"Proxy-Authorization": true,
	"Proxy-Connection":    true,
	"Te":                  true,
	"Trailer":             true, // net/http keeps it in Request.Trailer
	"Transfer-Encoding":   true,
	"Upgrade":             true,
}

// endToEnd is a copy of h without its hop-by-hop headers.
func endToEnd(h http.Header) http.Header {
	named := map[string]bool{}
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			named[textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))] = true
		}
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		if !hopByHop[name] && !named[name] {
			out[name] = append([]string(nil), values...)
		}
	}
	return out
}
