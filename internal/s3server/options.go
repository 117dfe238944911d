package s3server

import (
	"net/http"
	"time"
)

const (
	defaultRegion = "us-east-1"
	maxPage       = 1000 // keys, versions, parts or uploads of one page, as on AWS
)

type config struct {
	dirs      []dirBucket
	pageSize  int
	latency   time.Duration
	faults    []fault
	accessKey string
	secretKey string
	region    string
	off       [featureCount]bool
}

type dirBucket struct{ dir, bucket string }

type fault struct {
	match  func(*http.Request) bool
	answer http.Handler
}

// Option changes how New makes a Server.
type Option func(*config)

// WithDir makes a bucket whose objects are the regular files below dir, read at each
// request: a file put there by hand is listed, and a PUT writes a file. The package
// comment says what a directory cannot hold. Other buckets of the server stay in memory.
func WithDir(dir, bucket string) Option {
	return func(c *config) { c.dirs = append(c.dirs, dirBucket{dir, bucket}) }
}

// WithPageSize caps what one page of any listing returns, whatever max-keys asks for.
// A value that is not between 1 and 1000 changes nothing.
func WithPageSize(n int) Option {
	return func(c *config) { c.pageSize = n }
}

// WithLatency makes every request wait before it is looked at.
func WithLatency(d time.Duration) Option {
	return func(c *config) { c.latency = d }
}

// WithFault lets answer serve each request that match accepts. Of several faults the
// first that matches wins. match may be called from several goroutines at once, and must
// leave the body alone when it says no.
func WithFault(match func(*http.Request) bool, answer http.Handler) Option {
	return func(c *config) { c.faults = append(c.faults, fault{match, answer}) }
}

// WithCredentials demands that every request is signed (AWS Signature Version 4, in the
// header or presigned) with these keys. Without it signatures are not looked at, but for
// the time until which a presigned one is good.
func WithCredentials(accessKey, secretKey string) Option {
	return func(c *config) { c.accessKey, c.secretKey = accessKey, secretKey }
}

// WithRegion sets the region that buckets report and, with WithCredentials, the one that
// signatures must be made for. It is us-east-1 otherwise.
func WithRegion(region string) Option {
	return func(c *config) { c.region = region }
}

// Without switches one behaviour off. It exists for the test that shows that each
// behaviour is tested.
func Without(f Feature) Option {
	return func(c *config) { c.off[f] = true }
}

// page is how many entries an answer may hold, of the n that a request asks for.
func (c *config) page(n int) int {
	limit := maxPage
	if c.pageSize > 0 && c.pageSize < limit {
		limit = c.pageSize
	}
	return min(n, limit)
}
