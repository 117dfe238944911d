// Package s3pathtest is an S3 for the tests of programs that use s3path: it runs
// inside the test process, needs nothing but Go, and is gone when the test ends.
//
//	func TestReport(t *testing.T) {
//		bucket := s3pathtest.Bucket(t, "reports")
//		...
//	}
//
// It behaves as S3 is documented to, conditions, versions, multipart uploads and
// presigned URLs included; it does not encrypt, and has no access control.
package s3pathtest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Option configures a server.
type Option interface{ apply(*settings) }

type settings struct {
	options []s3server.Option
}

type option s3server.Option

func (o option) apply(s *settings) { s.options = append(s.options, s3server.Option(o)) }

// WithPageSize caps what one page of a listing returns, so that a few objects
// show how a program pages.
func WithPageSize(n int) Option { return option(s3server.WithPageSize(n)) }

// WithLatency makes every request take at least d.
func WithLatency(d time.Duration) Option { return option(s3server.WithLatency(d)) }

// WithFault lets answer serve the requests that match accepts: a 503, a broken
// body, a refusal.
func WithFault(match func(*http.Request) bool, answer http.Handler) Option {
	return option(s3server.WithFault(match, answer))
}

// Bucket is an empty bucket on an S3 of its own, gone when the test ends.
func Bucket(t testing.TB, name string, opts ...Option) s3path.S3Path {
	t.Helper()
	return NewServer(t, opts...).Bucket(name)
}

// BucketInDir is a bucket whose objects are the files below dir, and the other
// way round: what a test puts there is listed, and what the program writes is
// found there. A directory holds what file systems can: no object beside a
// directory of its name, no versions.
func BucketInDir(t testing.TB, dir string, opts ...Option) s3path.S3Path {
	t.Helper()
	const name = "bucket"
	s := NewServer(t, append(opts, option(s3server.WithDir(dir, name)))...)
	return s.Client().Object(name, "")
}

// Server is an S3 in this process, for tests that want several buckets or
// several clients.
type Server struct {
	URL string // its endpoint

	t       testing.TB // nil when it was made by Start
	handler *s3server.Server
	http    *httptest.Server
	mu      sync.Mutex
	clients []*s3path.Client
	first   *s3path.Client
}

// NewServer starts a server that ends with the test.
func NewServer(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	s.t = t
	t.Cleanup(s.Close)
	return s
}

// Start starts a server outside of a test: for examples and demonstrations.
// Close ends it.
func Start(opts ...Option) (*Server, error) {
	var set settings
	for _, o := range opts {
		o.apply(&set)
	}
	handler, err := s3server.New(set.options...)
	if err != nil {
		return nil, fmt.Errorf("s3pathtest: %w", err)
	}
	s := &Server{handler: handler, http: httptest.NewServer(handler)}
	s.URL = s.http.URL
	return s, nil
}

// Close ends the server and the clients that it made. A second Close does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	clients := s.clients
	s.clients, s.first = nil, nil
	s.mu.Unlock()
	for _, c := range clients {
		_ = c.Close() // of an idle client
	}
	s.http.Close()
}

// Client is a client of this server. It signs with a key of the server's unless
// the options say who asks. Options that contradict each other end the test.
func (s *Server) Client(opts ...s3path.ClientOption) *s3path.Client {
	c, err := s.NewClient(context.Background(), opts...)
	if err != nil && s.t != nil {
		s.t.Helper()
		s.t.Fatal(err)
	}
	return c
}

// NewClient is Client for programs that want the error.
func (s *Server) NewClient(ctx context.Context, opts ...s3path.ClientOption) (*s3path.Client, error) {
	here := append([]s3path.ClientOption{s3path.WithEndpoint(s.URL)}, opts...)
	c, err := s3path.NewClient(ctx, append(here, s3path.WithStaticCredentials("test", "test-secret", ""))...)
	if err != nil {
		// The options name another identity, or are wrong by themselves.
		if c, err = s3path.NewClient(ctx, here...); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = append(s.clients, c)
	return c, nil
}

// Bucket makes an empty bucket, or finds the one of this name, under a client
// that all buckets of this server share.
func (s *Server) Bucket(name string) s3path.S3Path {
	s.mu.Lock()
	first := s.first
	s.mu.Unlock()
	if first == nil {
		first = s.Client()
		s.mu.Lock()
		s.first = first
		s.mu.Unlock()
	}
	bucket := first.Object(name, "")
	if err := bucket.Mkdir(context.Background()); err != nil && s.t != nil {
		s.t.Helper()
		s.t.Fatal(err)
	}
	return bucket
}
