package s3proxy

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy is an [http.Handler] that records the requests it hands to the next one.
// All its methods may be called at any time, also while requests are under way.
type Proxy struct {
	next http.Handler

	latency     atomic.Int64 // nanoseconds
	connLatency atomic.Int64 // nanoseconds
	rate        atomic.Int64 // bytes per second
	intercept   atomic.Pointer[func(*http.Request) http.Handler]

	mu    sync.Mutex
	seq   int
	log   []*Request // since the last Reset
	busy  int        // requests being answered
	peak  int        // the most at once since the last Reset
	conns int        // connections numbered so far
	known map[string]*conn
	quiet *sync.Cond // busy has become 0
}

// New returns a proxy in front of next: a server in this process, or [Forward]
// to one elsewhere.
func New(next http.Handler) *Proxy {
	p := &Proxy{next: next, known: map[string]*conn{}}
	p.quiet = sync.NewCond(&p.mu)
	return p
}

// Next is the handler behind the proxy, for faults that spoil its answer.
func (p *Proxy) Next() http.Handler { return p.next }

// SetLatency delays each request by d before it is passed on.
func (p *Proxy) SetLatency(d time.Duration) { p.latency.Store(int64(d)) }

// SetConnLatency delays the first request of each new connection by another d.
func (p *Proxy) SetConnLatency(d time.Duration) { p.connLatency.Store(int64(d)) }

// SetRate limits each connection to so many body bytes per second in either
// direction. 0 takes the limit away.
func (p *Proxy) SetRate(bytesPerSecond int64) { p.rate.Store(bytesPerSecond) }

// Intercept has fn asked about each request, after it was recorded and delayed.
// The handler it returns answers instead of the server; with nil the request
// passes. A nil fn ends it. The handler may break the connection by a panic with
// [http.ErrAbortHandler], and reach the server through [Proxy.Next].
func (p *Proxy) Intercept(fn func(*http.Request) http.Handler) {
	if fn == nil {
		p.intercept.Store(nil)
		return
	}
	p.intercept.Store(&fn)
}

// Reset forgets the requests recorded so far. Those still being answered belong
// to what is forgotten.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log, p.peak = nil, p.busy
}

// Requests is everything recorded since the last Reset. A request is in it as
// soon as it arrived, so that a client that has its answer is always counted;
// its answer's bytes are in it before the client has them.
func (p *Proxy) Requests() Log { return p.Since(0) }

// Mark is a point in time to give to Since.
func (p *Proxy) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seq
}

// Since is what was recorded after mark, unless a Reset took it away.
func (p *Proxy) Since(mark int) Log {
	p.mu.Lock()
	defer p.mu.Unlock()
	at, _ := slices.BinarySearchFunc(p.log, mark+1, func(r *Request, seq int) int { return r.Seq - seq })
	var log Log
	for _, r := range p.log[at:] {
		log = append(log, *r)
	}
	return log
}

// Count is how many requests were recorded since the last Reset.
func (p *Proxy) Count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.log)
}

// Counts is the same by operation.
func (p *Proxy) Counts() map[string]int { return p.Requests().Counts() }

// Conns is how many connections carried the requests since the last Reset.
func (p *Proxy) Conns() int { return p.Requests().Conns() }

// Peak is the most requests that were under way at once since the last Reset. A
// request is under way until the last byte of its answer was written.
func (p *Proxy) Peak() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peak
}

// ServeHTTP implements [http.Handler].
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := p.connOf(r)
	rec := p.begin(r, c)
	defer p.end(rec)

	ctx := r.Context()
	delay := time.Duration(p.latency.Load())
	if c.used.CompareAndSwap(false, true) {
		delay += time.Duration(p.connLatency.Load())
	}
	if sleep(ctx, delay) != nil {
		panic(http.ErrAbortHandler) // the client did not wait
	}

	next := p.next
	if fn := p.intercept.Load(); fn != nil {
		if h := (*fn)(r); h != nil {
			next = h
		}
	}
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(ctx) // a copy: a handler must not change the server's
		r.Body = &requestBody{ReadCloser: r.Body, proxy: p, rec: rec, conn: c, ctx: ctx}
	}
	out := &response{ResponseWriter: w, proxy: p, rec: rec, conn: c, ctx: ctx, head: r.Method == http.MethodHead}
	next.ServeHTTP(out, r)
	out.began(http.StatusOK) // a handler that wrote nothing has answered 200
}

func (p *Proxy) begin(r *http.Request, c *conn) *Request {
	rec := &Request{
		Operation: Operation(r),
		Method:    r.Method,
		Host:      r.Host,
		Target:    r.RequestURI,
		Query:     r.URL.Query(),
		Header:    r.Header.Clone(),
		Conn:      c.number,
		Start:     time.Now(),
	}
	rec.Bucket, rec.Key = Address(r)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	rec.Seq = p.seq
	p.log = append(p.log, rec)
	p.busy++
	p.peak = max(p.peak, p.busy)
	return rec
}

func (p *Proxy) end(rec *Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rec.End = time.Now()
	p.busy--
	if p.busy == 0 {
		p.quiet.Broadcast()
	}
}

// update changes a record that readers may be copying.
func (p *Proxy) update(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// keptBody is how much of an XML request is kept.
const keptBody = 1 << 20

// carriesXML says whether a request's body is worth keeping: object data is not.
func carriesXML(operation string) bool {
	return operation != "PutObject" && operation != "UploadPart" && operation != "PostObject"
}
