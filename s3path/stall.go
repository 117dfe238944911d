package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"sync/atomic"
	"time"
)

// watched sends a request and gives it up when no byte of it, or of its answer,
// has moved for as long as stall. A caller that takes its time over the answer's
// body is not a server that stalls: it is watched only while a Read waits.
func watched(next http.RoundTripper, req *http.Request, stall time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := newWatch(stall, cancel)
	out := req.Clone(ctx)
	if req.Body != nil && req.Body != http.NoBody {
		out.Body = &movingBody{req.Body, w}
		if req.GetBody != nil {
			out.GetBody = func() (io.ReadCloser, error) {
				body, err := req.GetBody()
				if err != nil {
					return nil, err
				}
				return &movingBody{body, w}, nil
			}
		}
	}
	resp, err := next.RoundTrip(out)
	w.rest()
	if err != nil {
		err = w.explain(ctx, err)
		cancel(nil)
		return nil, err
	}
	resp.Body = &watchedBody{body: resp.Body, ctx: ctx, w: w}
	return resp, nil
}

// watch is a timer that each moving byte puts off.
type watch struct {
	stall  time.Duration
	err    *stallError
	cancel context.CancelCauseFunc

	begun   time.Time
	last    atomic.Int64 // when something moved, since begun
	resting atomic.Bool  // nobody waits for the server
	timer   *time.Timer
}

func newWatch(stall time.Duration, cancel context.CancelCauseFunc) *watch {
	w := &watch{stall: stall, err: &stallError{after: stall}, cancel: cancel, begun: time.Now()}
	w.timer = time.AfterFunc(math.MaxInt64, w.check) // not before there is a timer to set again
	w.await()
	return w
}

func (w *watch) moved() { w.last.Store(int64(time.Since(w.begun))) }

// await watches, rest no longer does.
func (w *watch) await() {
	w.moved()
	w.resting.Store(false)
	w.timer.Reset(w.stall)
}

func (w *watch) rest() {
	w.resting.Store(true)
	w.timer.Stop()
}

// check ends the request unless something has moved since the timer was set.
func (w *watch) check() {
	if w.resting.Load() {
		return
	}
	if left := w.stall - (time.Since(w.begun) - time.Duration(w.last.Load())); left > 0 {
		w.timer.Reset(left)
		return
	}
	w.cancel(w.err)
}

// explain says that it was the watch that ended a request.
func (w *watch) explain(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), w.err) {
		return w.err
	}
	return err
}

// stallError says that a server went silent. It is an os.ErrDeadlineExceeded,
// and being a timeout it is to the SDK a fault of the connection, which is tried
// again.
type stallError struct{ after time.Duration }

func (e *stallError) Error() string {
	return fmt.Sprintf("the server sent and took no byte for %v", e.after)
}
func (e *stallError) Is(target error) bool { return target == os.ErrDeadlineExceeded }
func (e *stallError) Timeout() bool        { return true }

// movingBody reports each piece of a request's body that the connection took.
type movingBody struct {
	body io.ReadCloser
	w    *watch
}

func (b *movingBody) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	b.w.moved()
	return n, err
}

func (b *movingBody) Close() error { return b.body.Close() }

// watchedBody is an answer's body, watched while a Read waits.
type watchedBody struct {
	body io.ReadCloser
	ctx  context.Context // of the request
	w    *watch
}

func (b *watchedBody) Read(p []byte) (int, error) {
	b.w.await()
	n, err := b.body.Read(p)
	b.w.rest()
	if err != nil && err != io.EOF { //nolint:errorlint // only a bare io.EOF is an end; a broken connection wraps one
		err = b.w.explain(b.ctx, err)
	}
	return n, err
}

func (b *watchedBody) Close() error {
	b.w.rest()
	err := b.body.Close()
	b.w.cancel(nil)
	return err
}
