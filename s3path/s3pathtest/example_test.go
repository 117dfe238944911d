package s3pathtest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// In a test, t is its *testing.T:
//
//	func TestReport(t *testing.T) {
//		bucket := s3pathtest.Bucket(t, "reports")
//		…
//	}
func ExampleBucket() {
	inATest(func(t testing.TB) {
		ctx := context.Background() // t.Context()
		bucket := s3pathtest.Bucket(t, "reports")

		report := bucket.Join("2026", "q1.csv")
		if err := report.WriteText(ctx, "month,sum\n1,42\n"); err != nil {
			t.Fatal(err)
		}
		for entry, err := range bucket.Walk(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Println(entry.Rel(), entry.Size())
		}
	})
	// Output: 2026/q1.csv 15
}

// What a program makes of a server that refuses can be tried without one.
func ExampleWithFault() {
	inATest(func(t testing.TB) {
		bucket := s3pathtest.Bucket(t, "reports", s3pathtest.WithFault(
			func(r *http.Request) bool { return r.Method == http.MethodPut },
			http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }),
		))
		err := bucket.Join("q1.csv").WriteText(context.Background(), "…")
		fmt.Println(errors.Is(err, fs.ErrPermission))
	})
	// Output: true
}

// Several clients of one server: one signs, one does not.
func ExampleServer() {
	inATest(func(t testing.TB) {
		ctx := context.Background()
		server := s3pathtest.NewServer(t)
		public := server.Bucket("public").Join("hello.txt")
		if err := public.WriteText(ctx, "hello"); err != nil {
			t.Fatal(err)
		}
		visitor := server.Client(s3path.WithAnonymous())
		text, err := public.WithClient(visitor).ReadText(ctx)
		fmt.Println(text, err)
	})
	// Output: hello <nil>
}
