package cloudpath_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

var (
	errFn      = errors.New("fn failed")
	errListing = errors.New("listing failed")
)

// counted yields 0, 1, 2 … and counts how many items were asked of it.
func counted(n int, pulled *atomic.Int64) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			pulled.Add(1)
			if !yield(i, nil) {
				return
			}
		}
	}
}

// failing yields n items and then an error.
func failing(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
		yield(0, errListing)
	}
}

func TestForEachRunsAll(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 2, 7, 1000, math.MaxInt} {
		for _, items := range []int{0, 1, 2, 50} {
			var mu sync.Mutex
			var seen []int
			err := cloudpath.ForEach(t.Context(), n, numbers(items), func(_ context.Context, i int) error {
				mu.Lock()
				defer mu.Unlock()
				seen = append(seen, i)
				return nil
			})
			if n > 1 {
				slices.Sort(seen)
			}
			if err != nil || len(seen) != items || !slices.IsSorted(seen) || len(slices.Compact(seen)) != items {
				t.Errorf("n %d, %d items: saw %v, error %v", n, items, seen, err)
			}
		}
	}
}

// TestForEachWidth: n at once where there is enough to do, never more, and of the listing
// not one item beyond those being worked on.
func TestForEachWidth(t *testing.T) {
	for _, row := range []struct{ n, width int }{{-3, 1}, {0, 1}, {1, 1}, {2, 2}, {5, 5}} {
		synctest.Test(t, func(t *testing.T) {
			var pulled, running, most, ended atomic.Int64
			err := cloudpath.ForEach(t.Context(), row.n, counted(12, &pulled), func(context.Context, int) error {
				most.Store(max(most.Load(), running.Add(1)))
				if ahead := pulled.Load() - ended.Load(); ahead > int64(row.width) {
					t.Errorf("n %d: %d items pulled and not done", row.n, ahead)
				}
				// All that can start has started when this wakes up.
				time.Sleep(time.Second)
				if ahead := pulled.Load() - ended.Load(); ahead > int64(row.width) {
					t.Errorf("n %d: %d items pulled and not done", row.n, ahead)
				}
				ended.Add(1)
				running.Add(-1)
				return nil
			})
			if err != nil || most.Load() != int64(row.width) || ended.Load() != 12 {
				t.Errorf("n %d: %d at once, %d done, error %v", row.n, most.Load(), ended.Load(), err)
			}
		})
	}
}

func TestForEachFirstErrorCancelsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pulled, cancelled atomic.Int64
		err := cloudpath.ForEach(t.Context(), 4, counted(100, &pulled), func(ctx context.Context, i int) error {
			if i == 2 {
				time.Sleep(time.Second)
				return errFn
			}
			<-ctx.Done()
			cancelled.Add(1)
			return ctx.Err()
		})
		if err != errFn || pulled.Load() != 4 || cancelled.Load() != 3 {
			t.Errorf("error %v, %d pulled, %d cancelled; want fn's, 4, 3", err, pulled.Load(), cancelled.Load())
		}
	})
}

// TestForEachAsksForNothingAfterAnError: not even once, whichever of the two is noticed
// first, the error or the room it leaves.
func TestForEachAsksForNothingAfterAnError(t *testing.T) {
	for range 200 {
		var pulled atomic.Int64
		err := cloudpath.ForEach(t.Context(), 1, counted(100, &pulled), func(_ context.Context, i int) error {
			if i == 3 {
				return errFn
			}
			return nil
		})
		if err != errFn || pulled.Load() != 4 {
			t.Fatalf("error %v after %d items", err, pulled.Load())
		}
	}
}

func TestForEachListingError(t *testing.T) {
	for _, n := range []int{1, 3} {
		for _, items := range []int{0, 1, 10} {
			var ran atomic.Int64
			err := cloudpath.ForEach(t.Context(), n, failing(items), func(context.Context, int) error {
				ran.Add(1)
				return nil
			})
			if err != errListing || ran.Load() != int64(items) {
				t.Errorf("n %d: error %v, ran %d of %d", n, err, ran.Load(), items)
			}
		}
	}
}

func TestForEachListingErrorCancels(t *testing.T) {
	err := cloudpath.ForEach(t.Context(), 2, failing(1), func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if err != errListing {
		t.Errorf("error %v, want the listing's", err)
	}
}

// TestForEachItemAfterAnError: an item that the listing delivers late, after something has
// failed, is not worked on.
func TestForEachItemAfterAnError(t *testing.T) {
	failed := make(chan struct{})
	late := func(yield func(int, error) bool) {
		if yield(0, nil) {
			<-failed
			yield(1, nil)
		}
	}
	err := cloudpath.ForEach(t.Context(), 2, late, func(ctx context.Context, i int) error {
		if i == 1 {
			t.Error("worked on an item after an error")
		}
		context.AfterFunc(ctx, func() { close(failed) })
		return errFn
	})
	if err != errFn {
		t.Errorf("error %v", err)
	}
}

func TestForEachCancelled(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var pulled atomic.Int64
		err := cloudpath.ForEach(ctx, 3, counted(10, &pulled), func(context.Context, int) error { return nil })
		if err != context.Canceled || pulled.Load() != 0 {
			t.Errorf("error %v, %d pulled", err, pulled.Load())
		}
	})
	t.Run("while all are busy", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var started atomic.Int64
		err := cloudpath.ForEach(ctx, 3, numbers(10), func(ctx context.Context, _ int) error {
			if started.Add(1) == 3 {
				cancel()
			}
			<-ctx.Done()
			return nil // says nothing about it
		})
		if err != context.Canceled || started.Load() != 3 {
			t.Errorf("error %v, %d started", err, started.Load())
		}
	})
	t.Run("deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := cloudpath.ForEach(ctx, 2, numbers(1000), func(ctx context.Context, _ int) error {
				time.Sleep(time.Second)
				return nil
			})
			if err != context.DeadlineExceeded {
				t.Errorf("error %v", err)
			}
		})
	})
	t.Run("with everything done", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		seq := func(yield func(int, error) bool) {
			yield(0, nil)
			cancel()
		}
		if err := cloudpath.ForEach(ctx, 2, seq, func(context.Context, int) error { return nil }); err != nil {
			t.Errorf("error %v, though all was done", err)
		}
	})
	t.Run("values of the context reach fn", func(t *testing.T) {
		type key struct{}
		ctx := context.WithValue(t.Context(), key{}, "v")
		err := cloudpath.ForEach(ctx, 2, numbers(1), func(ctx context.Context, _ int) error {
			if ctx.Value(key{}) != "v" {
				return errFn
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// TestForEachPanic: a panic in fn, or in the listing, arrives at the caller; the others are
// cancelled and waited for.
func TestForEachPanic(t *testing.T) {
	recovered := func(seq iter.Seq2[int, error], fn func(context.Context, int) error) (value any) {
		defer func() { value = recover() }()
		err := cloudpath.ForEach(t.Context(), 3, seq, fn)
		t.Errorf("returned %v", err)
		return nil
	}
	t.Run("fn", func(t *testing.T) {
		for _, want := range []any{"boom", errFn} {
			var waited atomic.Int64
			got := recovered(numbers(10), func(ctx context.Context, i int) error {
				if i == 2 {
					panic(want)
				}
				<-ctx.Done()
				waited.Add(1)
				return ctx.Err()
			})
			if got != want || waited.Load() != 2 {
				t.Errorf("recovered %v, want %v; %d others ended before", got, want, waited.Load())
			}
		}
	})
	t.Run("listing", func(t *testing.T) {
		var waited atomic.Int64
		seq := func(yield func(int, error) bool) {
			yield(0, nil)
			panic("boom")
		}
		got := recovered(seq, func(ctx context.Context, _ int) error {
			<-ctx.Done()
			waited.Add(1)
			return nil
		})
		if got != "boom" || waited.Load() != 1 {
			t.Errorf("recovered %v; %d others ended before", got, waited.Load())
		}
	})
}

// TestForEachGoexit: fn that ends its goroutine, as testing's FailNow does, is no success.
func TestForEachGoexit(t *testing.T) {
	returned, done := false, make(chan struct{})
	go func() {
		defer close(done)
		_ = cloudpath.ForEach(context.Background(), 2, numbers(10), func(context.Context, int) error {
			runtime.Goexit()
			return nil
		})
		returned = true
	}()
	<-done
	if returned {
		t.Error("ForEach returned after fn ended its goroutine")
	}
}

func TestCollect(t *testing.T) {
	got, err := cloudpath.Collect(numbers(3))
	if !slices.Equal(got, []int{0, 1, 2}) || err != nil {
		t.Errorf("Collect = %v, %v", got, err)
	}
	got, err = cloudpath.Collect(numbers(0))
	if got != nil || err != nil {
		t.Errorf("Collect of nothing = %v, %v", got, err)
	}
	got, err = cloudpath.Collect(failing(2))
	if !slices.Equal(got, []int{0, 1}) || err != errListing {
		t.Errorf("Collect of a listing that fails = %v, %v", got, err)
	}
}
