package s3proxy

import (
	"net/http"
	"net/url"
	"time"
)

// Request is one request as it passed the proxy.
type Request struct {
	Seq       int    // 1 for the proxy's first, never reused
	Operation string // in S3's words, "ListObjectsV2"; see [Operation]
	Method    string
	Host      string // as the client sent it
	Target    string // path and query, byte for byte as the client sent them
	Bucket    string // empty for ListBuckets
	Key       string // unescaped; empty for requests to a bucket
	Query     url.Values
	Header    http.Header // as the client sent it
	Body      []byte      // of requests that carry XML, its first MiB; of object data nothing

	// Conn numbers the client's connection: equal numbers, a kept connection.
	Conn int

	// Status is 0 until the answer began, or for ever when the connection was
	// cut instead.
	Status        int
	RequestBytes  int64 // body only, as far as it was read
	ResponseBytes int64 // body only, as far as it was written

	Start time.Time
	End   time.Time // zero while the request is being answered
}

// Log is a number of requests in the order in which they arrived.
type Log []Request

// Counts says how often each operation was asked for.
func (l Log) Counts() map[string]int {
	counts := map[string]int{}
	for _, r := range l {
		counts[r.Operation]++
	}
	return counts
}

// Bucket is the requests to one bucket; with a bucket per test it tells the
// requests of parallel tests apart.
func (l Log) Bucket(name string) Log {
	return l.Filter(func(r Request) bool { return r.Bucket == name })
}

// Operation is the requests of one operation.
func (l Log) Operation(name string) Log {
	return l.Filter(func(r Request) bool { return r.Operation == name })
}

// Filter is the requests that keep says true to.
func (l Log) Filter(keep func(Request) bool) Log {
	var kept Log
	for _, r := range l {
		if keep(r) {
			kept = append(kept, r)
		}
	}
	return kept
}

// Conns is the number of different connections the requests came over.
func (l Log) Conns() int {
	seen := map[int]bool{}
	for _, r := range l {
		seen[r.Conn] = true
	}
	return len(seen)
}

// Operations is the operations in order of arrival, for failure messages and
// for tests of one request after another.
func (l Log) Operations() []string {
	names := make([]string, len(l))
	for i, r := range l {
		names[i] = r.Operation
	}
	return names
}
