package s3proxy

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// requestBody counts what the server reads of a request, at the connection's pace.
type requestBody struct {
	io.ReadCloser
	proxy *Proxy
	rec   *Request
	conn  *conn
	ctx   context.Context
}

func (b *requestBody) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	if n == 0 {
		return n, err
	}
	b.proxy.update(func() {
		b.rec.RequestBytes += int64(n)
		if carriesXML(b.rec.Operation) {
			b.rec.Body = append(b.rec.Body, buf[:min(n, keptBody-len(b.rec.Body))]...)
		}
	})
	if werr := b.conn.up.wait(b.ctx, n, b.proxy.rate.Load()); werr != nil {
		return n, werr
	}
	return n, err
}

// response counts what the client is sent, at the connection's pace.
type response struct {
	http.ResponseWriter
	proxy *Proxy
	rec   *Request
	conn  *conn
	ctx   context.Context
	head  bool // the server swallows the body
	done  bool // the status is known
}

// began notes the status; only the first counts, and none that is informational.
func (w *response) began(status int) {
	if w.done || (status >= 100 && status < 200 && status != http.StatusSwitchingProtocols) {
		return
	}
	w.done = true
	w.proxy.update(func() { w.rec.Status = status })
}

func (w *response) WriteHeader(status int) {
	w.began(status)
	w.ResponseWriter.WriteHeader(status)
}

// piece is the most that is written at once, so that the pace is even.
const piece = 64 << 10

func (w *response) Write(b []byte) (int, error) {
	w.began(http.StatusOK)
	var written int
	for {
		part := b[written:min(len(b), written+piece)]
		if err := w.conn.down.wait(w.ctx, len(part), w.proxy.rate.Load()); err != nil {
			return written, err
		}
		// Before they are written, else a client could have bytes nobody counted.
		w.count(len(part))
		n, err := w.ResponseWriter.Write(part)
		w.count(n - len(part))
		written += n
		if err != nil || written == len(b) {
			return written, err
		}
	}
}

func (w *response) count(n int) {
	if n != 0 && !w.head {
		w.proxy.update(func() { w.rec.ResponseBytes += int64(n) })
	}
}

// Flush implements [http.Flusher] for handlers that look for it.
func (w *response) Flush() { _ = w.FlushError() }

// FlushError is what [http.ResponseController] looks for.
func (w *response) FlushError() error {
	w.began(http.StatusOK)
	return http.NewResponseController(w.ResponseWriter).Flush()
}

// Hijack implements [http.Hijacker], for faults below HTTP. What is written to
// the connection then is not counted, and the status stays 0.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.done = true
	}
	return c, rw, err
}

// Unwrap gives [http.ResponseController] the deadlines of the server's writer.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }
