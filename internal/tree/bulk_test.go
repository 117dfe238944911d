package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// items is a sequence that ends with an error unless it is nil.
func items[T any](all []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range all {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestEachRunsUpToN(t *testing.T) {
	for _, n := range []int{-1, 0, 1, 3, 50} {
		synctest.Test(t, func(t *testing.T) {
			var running, most, calls atomic.Int64
			start := time.Now()
			err := Each(t.Context(), n, items(numbers(12), nil), func(context.Context, int) error {
				for now := running.Add(1); ; {
					if old := most.Load(); old >= now || most.CompareAndSwap(old, now) {
						break
					}
				}
				time.Sleep(time.Second)
				running.Add(-1)
				calls.Add(1)
				return nil
			})
			workers := int64(min(max(n, 1), 12))
			if err != nil || calls.Load() != 12 || most.Load() != workers {
				t.Errorf("n %d: %d calls, %d at once, %v", n, calls.Load(), most.Load(), err)
			}
			if took := time.Since(start); took != time.Duration((12+workers-1)/workers)*time.Second {
				t.Errorf("n %d took %v", n, took)
			}
		})
	}
}

// TestEachUsesIdleWorkers: where one worker keeps up there is no second.
func TestEachUsesIdleWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(yield func(int, error) bool) {
			for i := range 5 {
				time.Sleep(time.Second)
				synctest.Wait()
				if !yield(i, nil) {
					return
				}
			}
		}
		var mu sync.Mutex
		ids := map[string]bool{}
		err := Each(t.Context(), 5, slow, func(context.Context, int) error {
			mu.Lock()
			defer mu.Unlock()
			ids[goroutine()] = true
			return nil
		})
		if err != nil || len(ids) != 1 {
			t.Errorf("%d workers, %v", len(ids), err)
		}
	})
}

func TestEachReportsEveryFailure(t *testing.T) {
	err := Each(t.Context(), 4, items(numbers(100), nil), func(_ context.Context, i int) error {
		if i%3 == 0 {
			return &Failure{fmt.Sprint(i), fs.ErrPermission}
		}
		return nil
	})
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || len(joined.Unwrap()) != 34 || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v", err)
	}
	if first, ok := errors.AsType[*Failure](err); !ok || first.Error() != first.Key+": "+fs.ErrPermission.Error() {
		t.Errorf("first failure %v", first)
	}
	// One at a time, the failures are in the order of the items.
	err = Each(t.Context(), 1, items(numbers(3), nil), func(_ context.Context, i int) error { return fmt.Errorf("no %d", i) })
	if got := err.Error(); got != "no 0\nno 1\nno 2" {
		t.Errorf("got %q", got)
	}
}

func TestEachEmpty(t *testing.T) {
	if err := Each(t.Context(), 3, items[int](nil, nil), func(context.Context, int) error { return errBroken }); err != nil {
		t.Error(err)
	}
}

func TestEachStopsWithItsSequence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var done atomic.Int64
		err := Each(t.Context(), 4, items(numbers(3), errBroken), func(_ context.Context, i int) error {
			time.Sleep(time.Hour)
			done.Add(1)
			if i == 1 {
				return fs.ErrPermission
			}
			return nil
		})
		if done.Load() != 3 || !errors.Is(err, errBroken) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%d of 3 were waited for, %v", done.Load(), err)
		}
	})
}

func TestEachStopsWithItsContext(t *testing.T) {
	for _, n := range []int{1, 4} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var started, done atomic.Int64
			err := Each(ctx, n, items(numbers(100), nil), func(ctx context.Context, i int) error {
				if started.Add(1) == int64(n) {
					cancel()
				}
				<-ctx.Done()
				time.Sleep(time.Hour)
				done.Add(1)
				return nil
			})
			if !errors.Is(err, context.Canceled) || done.Load() != started.Load() || started.Load() > int64(n)+1 {
				t.Errorf("n %d: %d started, %d done, %v", n, started.Load(), done.Load(), err)
			}
			calls := 0
			err = Each(ctx, n, items(numbers(100), nil), func(context.Context, int) error { calls++; return nil })
			if !errors.Is(err, context.Canceled) || calls != 0 {
				t.Errorf("%d calls with a cancelled context, %v", calls, err)
			}
		})
	}
}

// TestEachPanic runs itself again, because a panic in fn ends the program.
func TestEachPanic(t *testing.T) {
	const role = "TREE_TEST_PANIC"
	if os.Getenv(role) != "" {
		err := Each(t.Context(), 2, items(numbers(3), nil), func(_ context.Context, i int) error {
			if i == 1 {
				panic("this must be seen")
			}
			return nil
		})
		fmt.Println("swallowed:", err)
		return
	}
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestEachPanic$")
	command.Env = append(os.Environ(), role+"=1")
	out, err := command.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: this must be seen") || strings.Contains(string(out), "swallowed") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestEachPanicOfItsSequence: workers end all the same.
func TestEachPanicOfItsSequence(t *testing.T) {
	defer func() {
		if r := recover(); r != "this must be seen" {
			t.Errorf("recovered %v", r)
		}
	}()
	_ = Each(t.Context(), 2, func(yield func(int, error) bool) {
		yield(1, nil)
		panic("this must be seen")
	}, func(context.Context, int) error { return nil })
}

// trash is a Deleter in memory.
type trash struct {
	mu      sync.Mutex
	max     int
	batches [][]string
	answer  func(keys []string) (map[string]error, error)
}

func (d *trash) MaxBatch() int { return d.max }

func (d *trash) Delete(_ context.Context, keys []string) (map[string]error, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.batches = append(d.batches, keys)
	if d.answer == nil {
		return nil, nil
	}
	return d.answer(keys)
}

func TestDeleteBatches(t *testing.T) {
	for _, test := range []struct{ keys, max, want int }{
		{0, 1000, 0}, {1, 1000, 1}, {1000, 1000, 1}, {1001, 1000, 2}, {2500, 1000, 3}, {5, 1, 5}, {3, 0, 3},
	} {
		d := &trash{max: test.max}
		keys := seq(test.keys, "k%04d")
		if err := Delete(t.Context(), d, 3, items(keys, nil)); err != nil {
			t.Fatal(err)
		}
		if len(d.batches) != test.want {
			t.Errorf("%d keys, %d at once: %d requests", test.keys, test.max, len(d.batches))
		}
		got := slices.Sorted(slices.Values(slices.Concat(d.batches...)))
		if !slices.Equal(got, keys) {
			t.Errorf("%d keys, %d at once: other keys were removed", test.keys, test.max)
		}
		for _, batch := range d.batches {
			if len(batch) > max(1, test.max) {
				t.Errorf("%d keys in one request, at most %d", len(batch), test.max)
			}
		}
	}
}

// failures are the keys of all *Failure in an error.
func failures(err error) []string {
	switch e := err.(type) {
	case nil:
		return nil
	case *Failure:
		return []string{e.Key}
	case interface{ Unwrap() []error }:
		var keys []string
		for _, err := range e.Unwrap() {
			keys = append(keys, failures(err)...)
		}
		return keys
	}
	return nil
}

func TestDeleteReportsEveryKey(t *testing.T) {
	d := &trash{max: 10, answer: func(keys []string) (map[string]error, error) {
		if slices.Contains(keys, "k25") {
			return nil, errBroken
		}
		return map[string]error{keys[3]: fs.ErrPermission, keys[1]: fs.ErrPermission, "garbled " + keys[2]: fs.ErrInvalid}, nil
	}}
	err := Delete(t.Context(), d, 1, items(seq(40, "k%02d"), nil))
	want := []string{"k01", "k03", "garbled k02", "k11", "k13", "garbled k12", "k31", "k33", "garbled k32"}
	if got := failures(err); !slices.Equal(got, want) {
		t.Errorf("failures %q, want %q", got, want)
	}
	if !errors.Is(err, errBroken) || !errors.Is(err, fs.ErrPermission) || !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestDeleteOfASequenceThatFails removes what was listed before.
func TestDeleteOfASequenceThatFails(t *testing.T) {
	d := &trash{max: 10}
	err := Delete(t.Context(), d, 2, items(seq(25, "k%02d"), errBroken))
	if n := len(slices.Concat(d.batches...)); !errors.Is(err, errBroken) || n != 25 {
		t.Errorf("%d keys, %v", n, err)
	}
}

// goroutine names the goroutine that it runs in.
func goroutine() string {
	buf := make([]byte, 64)
	name, _, _ := strings.Cut(string(buf[:runtime.Stack(buf, false)]), " [")
	return name
}
