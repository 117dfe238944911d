package cloudpath

import (
	"context"
	"iter"
	"runtime"
	"sync"
)

// ForEach runs fn on up to n items of a listing at once and returns when all of it is done;
// n below 1 means 1, which is one after the other in the listing's order. A further item is
// asked of the listing only when there is room to work on it.
//
// The first error cancels the context that the other calls of fn were given, starts no
// further ones and is returned; the listing's own error counts like one of fn. When ctx is
// cancelled before everything is done, the error is that of ctx, unless fn or the listing
// reported it in words of their own. ForEach waits for every call of fn, on every way out.
//
// The listing itself is only stopped between two items, so make it with ctx as well. A panic
// in fn cancels the others and goes on in the caller of ForEach, with the same value.
func ForEach[T any](ctx context.Context, n int, seq iter.Seq2[T, error], fn func(context.Context, T) error) error {
	outer := ctx
	ctx, cancel := context.WithCancel(outer)
	w := workers[T]{fn: fn, cancel: cancel, slots: make(chan struct{}, max(n, 1))}
	// Deferred: the listing may panic, too.
	defer func() {
		cancel()
		w.wg.Wait()
	}()

	stopped := ctx.Err() != nil
	if !stopped {
		stopped = !w.feed(ctx, seq)
	}
	w.wg.Wait()

	switch {
	case w.panicked:
		panic(w.panicValue)
	case w.exited:
		runtime.Goexit()
	case w.err != nil:
		return w.err
	case stopped:
		return outer.Err()
	}
	return nil
}

// workers runs fn on items and keeps how the first of them failed.
type workers[T any] struct {
	fn     func(context.Context, T) error
	cancel context.CancelFunc
	slots  chan struct{} // holds one element for each running call, and one for the next
	wg     sync.WaitGroup

	once       sync.Once // guards what follows, until wg is done
	err        error
	panicked   bool
	panicValue any
	exited     bool
}

// feed hands the items of seq to fn. It returns false when it had to stop before the end.
func (w *workers[T]) feed(ctx context.Context, seq iter.Seq2[T, error]) bool {
	w.slots <- struct{}{}
	for item, err := range seq {
		if err != nil {
			w.fail(func() { w.err = err })
			return false
		}
		// The listing may have taken its time.
		if ctx.Err() != nil {
			return false
		}
		w.wg.Go(func() {
			defer func() { <-w.slots }()
			w.run(ctx, item)
		})
		// Only with a slot in hand go back to the listing, which is where the next item is
		// fetched.
		select {
		case w.slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return false
		}
	}
	return true
}

// run calls fn, and notes every way out of it that is not a plain success.
func (w *workers[T]) run(ctx context.Context, item T) {
	returned := false
	defer func() {
		if returned {
			return
		}
		// Not a panic: runtime.Goexit, which testing's FailNow calls. It ends the caller
		// as well; "no error" would be a lie.
		value := recover()
		w.fail(func() {
			w.panicked, w.panicValue = value != nil, value
			w.exited = value == nil
		})
	}()
	err := w.fn(ctx, item)
	returned = true
	if err != nil {
		w.fail(func() { w.err = err })
	}
}

// fail keeps the first failure and cancels the rest.
func (w *workers[T]) fail(note func()) {
	w.once.Do(note)
	w.cancel()
}

// Collect reads a listing to its end and returns its items, nil when there are none. When
// the listing fails, it returns what came before together with the error. All items are in
// memory at once: range over the listing itself where there may be millions.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var items []T
	for item, err := range seq {
		if err != nil {
			return items, err
		}
		items = append(items, item)
	}
	return items, nil
}
