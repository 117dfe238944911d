package cloudpath_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

func ExampleMatch() {
	for _, rel := range []string{"2025/report.csv", "2025/q1/report.csv", "2025/report.pdf", "2025/"} {
		one, _ := cloudpath.Match("*/*.csv", rel)
		deep, _ := cloudpath.Match("**/*.{csv,pdf}", rel)
		dirs, _ := cloudpath.Match("**/", rel)
		fmt.Println(rel, one, deep, dirs)
	}

	_, err := cloudpath.Match("reports/../secret", "secret")
	fmt.Println(errors.Is(err, cloudpath.ErrBadPattern))
	// Output:
	// 2025/report.csv true true false
	// 2025/q1/report.csv false true false
	// 2025/report.pdf false true false
	// 2025/ false false true
	// true
}

func ExampleQuotePattern() {
	// A directory whose name happens to look like a pattern.
	dir := "results [final]*"
	fmt.Println(cloudpath.QuotePattern(dir))

	ok, err := cloudpath.Match(cloudpath.QuotePattern(dir)+"/**/*.csv", "results [final]*/2025/a.csv")
	fmt.Println(ok, err)
	// Output:
	// results \[final\]\*
	// true <nil>
}

// numbers stands for a listing, such as Glob gives.
func numbers(n int) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for i := range n {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func ExampleForEach() {
	var sum atomic.Int64
	// At most 8 at once; the first error would cancel ctx for the others.
	err := cloudpath.ForEach(context.Background(), 8, numbers(100), func(ctx context.Context, i int) error {
		sum.Add(int64(i))
		return nil
	})
	fmt.Println(sum.Load(), err)
	// Output: 4950 <nil>
}

func ExampleCollect() {
	items, err := cloudpath.Collect(numbers(5))
	fmt.Println(items, err)
	// Output: [0 1 2 3 4] <nil>
}
