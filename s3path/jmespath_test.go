package s3path_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestJMESPathCounterparts: what stands beside a JMESPath query in WithFilter's
// comment finds what the query finds.
func TestJMESPathCounterparts(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		for key, size := range map[string]int{"data/2026.csv": 100, "data/2027.csv": 101, "data/19.txt": 150, "data/x/drafts.csv": 200, "data/upper.CSV": 1} {
			at.putBody(t, key, []byte(strings.Repeat("x", size)))
		}
		past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
		type opts = []s3path.ListOption
		filter := func(keep func(e s3path.Entry) bool) opts { return opts{s3path.WithFilter(keep)} }
		for _, row := range []struct {
			query string
			opts  opts
			want  string
		}{
			{"Size > `100`", opts{s3path.WithMinSize(101)}, "data/19.txt data/2027.csv data/x/drafts.csv"},
			{"Size <= `100`", opts{s3path.WithMaxSize(100)}, "data/2026.csv data/upper.CSV"},
			{"Size > `100` && Size < `200`", opts{s3path.WithMinSize(101), s3path.WithMaxSize(199)}, "data/19.txt data/2027.csv"},
			{"LastModified > an hour ago", opts{s3path.WithModifiedAfter(past)}, "data/19.txt data/2026.csv data/2027.csv data/upper.CSV data/x/drafts.csv"},
			{"LastModified > in an hour", opts{s3path.WithModifiedAfter(future)}, ""},
			{"LastModified < an hour ago", opts{s3path.WithModifiedBefore(past)}, ""},
			{"LastModified < in an hour", opts{s3path.WithModifiedBefore(future)}, "data/19.txt data/2026.csv data/2027.csv data/upper.CSV data/x/drafts.csv"},
			{"starts_with(Key, 'data/20')", opts{s3path.WithRawPrefix("data/20")}, "data/2026.csv data/2027.csv"},
			{"ends_with(Key, '.csv')", opts{s3path.WithInclude("**/*.csv")}, "data/2026.csv data/2027.csv data/x/drafts.csv"},
			{"ends_with in any case", opts{s3path.WithExtensions("csv")}, "data/2026.csv data/2027.csv data/upper.CSV data/x/drafts.csv"},
			{"!ends_with(Key, '.csv')", opts{s3path.WithExclude("**/*.csv")}, "data/19.txt data/upper.CSV"},
			{"contains(Key, 'draft')", filter(func(e s3path.Entry) bool { return strings.Contains(e.Key(), "draft") }), "data/x/drafts.csv"},
			{"!contains(Key, 'draft')", filter(func(e s3path.Entry) bool { return !strings.Contains(e.Key(), "draft") }), "data/19.txt data/2026.csv data/2027.csv data/upper.CSV"},
			{"Size > `100` || ends_with(Key, '.csv')", filter(func(e s3path.Entry) bool { return e.Size() > 100 || e.Suffix() == ".csv" }), "data/19.txt data/2026.csv data/2027.csv data/x/drafts.csv"},
			{"StorageClass == 'GLACIER'", filter(func(e s3path.Entry) bool { return e.StorageClass() == "GLACIER" }), ""},
			{"ETag == that of one x", filter(func(e s3path.Entry) bool { return e.ETag() == "9dd4e461268c8034f5c8564e155c67a6" }), "data/upper.CSV"},
			{"[0:2]", opts{s3path.WithLimit(2)}, "data/19.txt data/2026.csv"},
		} {
			if got := strings.Join(rels(t, at.bucket.Walk(ctx, row.opts...)), " "); got != row.want {
				t.Errorf("%s: %s, want %s", row.query, got, row.want)
			}
		}
		if got := fmt.Sprint(rels(t, at.object("data").Walk(ctx, s3path.WithRawPrefix("20")))); got != "[2026.csv 2027.csv]" {
			t.Errorf("starts_with below a directory: %s", got)
		}
		all, err := cloudpath.Collect(at.bucket.Walk(ctx))
		if err != nil {
			t.Fatal(err)
		}
		largest := slices.MaxFunc(all, func(a, b s3path.Entry) int { return int(a.Size() - b.Size()) })
		if largest.Key() != "data/x/drafts.csv" {
			t.Errorf("the largest is %v", largest)
		}
	})
}
