package tree

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
)

// Each calls fn for every item of a sequence, up to n at once, and goes on when
// one fails: the error names them all, in the order in which they failed. An
// error of the sequence itself, or a context that ended, stops it; what is
// under way is waited for. A panic in fn ends the program, as in any goroutine.
func Each[T any](ctx context.Context, n int, seq iter.Seq2[T, error], fn func(context.Context, T) error) error {
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed []error
		work   = make(chan T)
	)
	report := func(err error) {
		mu.Lock()
		defer mu.Unlock()
		failed = append(failed, err)
	}
	workers := 0
	worker := func() {
		for item := range work {
			if err := fn(ctx, item); err != nil {
				report(err)
			}
		}
	}
	func() {
		defer wg.Wait()
		defer close(work)
		for item, err := range seq {
			if err != nil {
				report(err)
				return
			}
			if ctx.Err() != nil {
				report(ctx.Err())
				return
			}
			select {
			case work <- item: // a worker that waits comes before a new one
				continue
			default:
			}
			if workers < max(n, 1) {
				workers++
				wg.Go(worker)
			}
			select {
			case work <- item:
			case <-ctx.Done():
				report(ctx.Err())
				return
			}
		}
	}()
	return errors.Join(failed...)
}

// Failure is one key's failure in a bulk operation.
type Failure struct {
	Key string
	Err error
}

func (f *Failure) Error() string { return f.Key + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Delete removes all keys of a sequence, as many at once as the store takes,
// with up to n requests in flight while the sequence goes on. The error holds a
// *Failure for every key that the store says it did not remove, and the error of
// every request that failed as a whole, of which nothing is known.
func Delete(ctx context.Context, d Deleter, n int, keys iter.Seq2[string, error]) error {
	return Each(ctx, n, batches(keys, max(1, d.MaxBatch())), func(ctx context.Context, batch []string) error {
		failed, err := d.Delete(ctx, batch)
		all := []error{err}
		for _, key := range batch {
			if reason, ok := failed[key]; ok {
				all = append(all, &Failure{key, reason})
				delete(failed, key)
			}
		}
		// A key that was not in the request is one that was, garbled.
		for _, key := range slices.Sorted(maps.Keys(failed)) {
			all = append(all, &Failure{key, failed[key]})
		}
		return errors.Join(all...)
	})
}

// batches cuts a sequence into slices of n.
func batches[T any](seq iter.Seq2[T, error], n int) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		var batch []T
		for item, err := range seq {
			if err != nil {
				if len(batch) > 0 && !yield(batch, nil) {
					return
				}
				yield(nil, err)
				return
			}
			if batch = append(batch, item); len(batch) == n {
				if !yield(batch, nil) {
					return
				}
				batch = nil
			}
		}
		if len(batch) > 0 {
			yield(batch, nil)
		}
	}
}
