package s3path

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Progress is how far a call has come. Its calls are serialised: the first has
// Done 0, Done never falls, the last comes before the operation returns and, when
// that succeeds, has Done equal to Total and Objects to TotalObjects. Totals are
// -1 while unknown, and may still change while somebody else changes what is
// moved.
type Progress struct {
	// Path is the object that moved last: of a copy its source, of a removal of
	// many the last of a request. It is the call's own path before anything has
	// moved.
	Path S3Path

	// Bytes of the whole call; of a removal none, because none are moved. What has
	// to be sent or read again counts once.
	Done, Total int64

	// Objects of the whole call: those that are complete, and all of them. Of a
	// removal they are the keys that are asked to be removed, RemoveAll's own with
	// them; of a sync what is copied, and not what is deleted.
	Objects, TotalObjects int
}

// WithProgress has fn called as bytes and objects move: by DownloadTo, ReadBytes,
// ReadText, ReadRange and Cached, by everything that writes but Update and Touch, by Copy,
// CopyTree and Rename, Remove, RemoveAll and RemoveMany, and by the syncs. Of
// Create and Append the first call comes with the first bytes that are sent, and the
// last before Close or Abort returns. Open refuses it: whoever reads knows how far
// they are.
//
// fn is called by one goroutine at a time, and the transfer waits for it. A total
// is known before the first byte moves, but that of a stream (with its end) and
// those of CopyTree, a tree's Rename, RemoveAll and RemoveMany (when the listing
// has ended, which goes on meanwhile); an upload of a directory looks at all its
// files first. A copy on the server asks for the object's size, 1 request more,
// and is done at once, a large one part by part.
func WithProgress(fn func(Progress)) TransferOption {
	return callOption(optProgress, func(c *call) error {
		if fn == nil {
			return errors.New("WithProgress: nil")
		}
		c.progress = fn
		return nil
	})
}

// meter adds up what a call moves and tells its caller. A nil one, of a call
// without WithProgress, does nothing, and has nil gauges.
type meter struct {
	mu    sync.Mutex
	tell  func(Progress) // nil when the call is over
	now   Progress
	sum   int64 // of the sizes planned
	count int
	known bool // the plan is complete
	begun bool
}

// meter is the call's meter; p is what it is called on. Its end must come before
// the call returns.
func (c *call) meter(p S3Path) *meter {
	if c.progress == nil {
		return nil
	}
	return &meter{tell: c.progress, now: Progress{Path: p}}
}

// say tells where the call is. The caller holds mu.
func (m *meter) say() {
	if m.tell == nil {
		return
	}
	m.now.Total, m.now.TotalObjects = -1, -1
	if m.known {
		m.now.Total, m.now.TotalObjects = m.sum, m.count
	}
	if !m.begun {
		m.begun = true
		if first := m.now; first.Done > 0 || first.Objects > 0 {
			first.Done, first.Objects = 0, 0
			m.tell(first)
		}
	}
	m.tell(m.now)
}

// plan adds objects that are going to be moved.
func (m *meter) plan(objects int, bytes int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count += objects
	m.sum += bytes
}

// planned says that no more will be added.
func (m *meter) planned() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known {
		m.known = true
		m.say()
	}
}

// removed counts objects that were removed.
func (m *meter) removed(last S3Path, objects int) {
	if m == nil || objects <= 0 {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Path = last
	m.now.Objects += objects
	m.say()
}

// end is the end of the call: what a connection still takes, it takes for nothing.
func (m *meter) end() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.tell = nil
}

// planning plans the items of a listing as they come.
func planning[T any](m *meter, seq iter.Seq2[T, error], size func(T) int64) iter.Seq2[T, error] {
	if m == nil {
		return seq
	}
	return func(yield func(T, error) bool) {
		for item, err := range seq {
			if err == nil {
				m.plan(1, size(item))
			}
			if !yield(item, err) || err != nil {
				return
			}
		}
		m.planned()
	}
}

// gauge measures one object, or a part of it, or one attempt at either. What is
// moved again counts only as far as no attempt before has come.
type gauge struct {
	m        *meter
	p        S3Path
	of       *gauge // what it is a part of, or an attempt at; nil of an object
	latest   *gauge // the attempt that counts: one before may still be at it
	at, high int64

	// Of an object.
	alone   bool // the only one of its call
	planned int64
	done    bool
}

// object is the gauge of one of many objects that were planned, with the size
// that it was planned with.
func (m *meter) object(p S3Path, size int64) *gauge {
	if m == nil {
		return nil
	}
	return &gauge{m: m, p: p, planned: size}
}

// only is the gauge of the one object that the call is about. Its size is
// expected later.
func (m *meter) only(p S3Path) *gauge {
	if m == nil {
		return nil
	}
	return &gauge{m: m, p: p, alone: true}
}

// part is a gauge that adds to this one.
func (g *gauge) part() *gauge {
	if g == nil {
		return nil
	}
	return &gauge{m: g.m, p: g.p, of: g}
}

// attempt begins again from the start. What an earlier attempt still moves does
// not count any more.
func (g *gauge) attempt() *gauge {
	a := g.part()
	if a != nil {
		g.m.mu.Lock()
		defer g.m.mu.Unlock()
		g.latest, g.at = a, 0
	}
	return a
}

// expect says how large the object is; -1 says that nobody knows.
func (g *gauge) expect(size int64) {
	if g == nil {
		return
	}
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	m := g.m
	known, sum := m.known, m.sum
	g.correct(size)
	if !m.begun || m.known != known || m.sum != sum {
		m.say()
	}
}

// correct makes the plan fit the object's size, which is no less than what has
// moved already, of an object that was longer then. The caller holds mu.
func (g *gauge) correct(size int64) {
	switch {
	case size < 0:
		return
	case g.alone && !g.m.known:
		g.m.known, g.m.count = true, 1
	}
	size = max(size, g.high)
	g.m.sum += size - g.planned
	g.planned = size
}

// move counts n bytes.
func (g *gauge) move(n int64) {
	if g == nil || n <= 0 {
		return
	}
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	if g.moved(n) {
		g.m.say()
	}
}

// moved adds n to the gauge and to what it is of, as far as it is more than was
// moved before. The caller holds mu.
func (g *gauge) moved(n int64) bool {
	for {
		if g.of != nil && g.of.latest != nil && g.of.latest != g {
			return false
		}
		g.at += n
		if n = g.at - g.high; n <= 0 {
			return false
		}
		g.high = g.at
		if g.of == nil {
			g.m.now.Path = g.p
			g.m.now.Done += n
			return true
		}
		g = g.of
	}
}

// finish counts the object as complete, with all the bytes that it was expected
// to have. It counts once.
func (g *gauge) finish() {
	if g == nil {
		return
	}
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	if g.done {
		return
	}
	g.done = true
	g.correct(g.planned)
	if n := g.planned - g.high; n > 0 {
		g.high = g.planned
		g.m.now.Done += n
	}
	g.m.now.Path = g.p
	g.m.now.Objects++
	g.m.say()
}

// reading counts what is read from r.
func (g *gauge) reading(r io.Reader) io.Reader {
	if g == nil {
		return r
	}
	return &measured{r: r, g: g, left: math.MaxInt64}
}

// sending is an option of a request whose body has size bytes: it counts them as
// the connection takes them, those of a second attempt once. (What the SDK reads
// before, to sign it, is not counted, nor is what it adds.)
func (g *gauge) sending(size int64) func(*s3.Options) {
	return func(o *s3.Options) {
		if g == nil {
			return
		}
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("cloudpathProgress", func(
				ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
			) (middleware.DeserializeOutput, middleware.Metadata, error) {
				req, ok := in.Request.(*smithyhttp.Request)
				if !ok || req.GetStream() == nil {
					return next.HandleDeserialize(ctx, in)
				}
				req, err := req.SetStream(&measured{r: req.GetStream(), g: g.attempt(), left: size})
				if err != nil {
					return middleware.DeserializeOutput{}, middleware.Metadata{}, err
				}
				in.Request = req
				return next.HandleDeserialize(ctx, in)
			}), middleware.After)
		})
	}
}

// measured counts the bytes that are read, up to so many.
type measured struct {
	r    io.Reader
	g    *gauge
	left int64
}

func (r *measured) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	count := min(int64(n), r.left)
	r.left -= count
	r.g.move(count)
	return n, err
}
