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
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudpath-go/cloudpath/internal/apart"
	"github.com/cloudpath-go/cloudpath/internal/s3server"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Option configures a server.
type Option interface{ apply(*settings) error }

type settings struct{ options []s3server.Option }

type option func(*settings) error

func (o option) apply(s *settings) error { return o(s) }

// serverOption is an option that there is nothing wrong with.
func serverOption(o s3server.Option) Option {
	return option(func(s *settings) error { s.options = append(s.options, o); return nil })
}

// WithPageSize caps what one page of a listing returns, 1 to 1,000, so that a few
// objects show how a program pages.
func WithPageSize(n int) Option {
	return option(func(s *settings) error {
		if n < 1 || n > 1000 {
			return fmt.Errorf("WithPageSize: %d; S3 gives 1 to 1,000 keys a page", n)
		}
		s.options = append(s.options, s3server.WithPageSize(n))
		return nil
	})
}

// WithLatency makes every request take at least d.
func WithLatency(d time.Duration) Option {
	return option(func(s *settings) error {
		if d < 0 {
			return fmt.Errorf("WithLatency: %v is negative", d)
		}
		s.options = append(s.options, s3server.WithLatency(d))
		return nil
	})
}

// WithFault lets answer serve the requests that match accepts: a 503, a broken
// body, a refusal. Of several the first that matches wins. Both are called from
// many goroutines at once.
func WithFault(match func(*http.Request) bool, answer http.Handler) Option {
	return option(func(s *settings) error {
		if match == nil || answer == nil {
			return errors.New("WithFault: nil")
		}
		s.options = append(s.options, s3server.WithFault(match, answer))
		return nil
	})
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
	s := NewServer(t, append(opts[:len(opts):len(opts)], serverOption(s3server.WithDir(dir, name)))...)
	return s.client().Object(name, "")
}

// Server is an S3 in this process, for tests that want several buckets or
// several clients.
type Server struct {
	URL string // its endpoint

	t       testing.TB // nil when it was made by Start
	handler *s3server.Server
	http    *httptest.Server
	end     context.CancelFunc // of the context of every request
	mu      sync.Mutex
	clients []*s3path.Client
	shared  *s3path.Client // of the buckets
	closed  bool
}

// NewServer starts a server that ends with the test. Options that are wrong end
// the test.
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

// Start starts a server outside of a test: for examples, demonstrations and
// TestMain. Close ends it.
func Start(opts ...Option) (*Server, error) {
	var set settings
	for _, o := range opts {
		if o == nil {
			return nil, errors.New("s3pathtest: a nil option")
		}
		if err := o.apply(&set); err != nil {
			return nil, fmt.Errorf("s3pathtest: %w", err)
		}
	}
	handler, err := s3server.New(set.options...)
	if err != nil {
		return nil, fmt.Errorf("s3pathtest: %w", err)
	}
	ctx, end := context.WithCancel(context.Background())
	s := &Server{handler: handler, http: httptest.NewUnstartedServer(handler), end: end}
	s.http.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	s.http.Start()
	s.URL = s.http.URL
	return s, nil
}

// patience is how long Close waits for an answer of WithFault's that does not end
// with the context of its request: what it waits for may come after Close.
const patience = 2 * time.Second

// Close ends the server and the clients that it made, and cuts what is still
// under way: the context of its requests ends. A second Close does nothing.
func (s *Server) Close() {
	s.mu.Lock()
	clients := s.clients
	s.clients, s.shared, s.closed = nil, nil, true
	s.mu.Unlock()
	for _, c := range clients {
		_ = c.Close() // it is as good as idle
	}
	_ = s.http.Config.Close() // with its listener: who is cut off comes back
	// That a connection is gone net/http notices only behind the request's body. Who
	// waits without having read that is told here, when there is nobody to answer.
	s.end()
	closed := make(chan struct{})
	go func() { s.http.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(patience):
	}
}

// Client is a client of this server, closed with it. It signs with a key that the
// server takes, and knows nothing of the environment and the configuration files.
// An option that says who asks takes the place of all that, as in s3path.NewClient;
// one that brings an SDK client also that of the address. Options that contradict
// each other end the test; on a server of Start's, which has no test to end, they
// are a panic, and NewClient has the error.
func (s *Server) Client(opts ...s3path.ClientOption) *s3path.Client {
	if s.t != nil {
		s.t.Helper()
	}
	c, err := s.NewClient(context.Background(), opts...)
	s.must(err)
	return c
}

// NewClient is Client for programs that want the error.
func (s *Server) NewClient(ctx context.Context, opts ...s3path.ClientOption) (*s3path.Client, error) {
	endpoint := s3path.WithEndpoint(s.URL)
	own := s3path.WithAWSConfig(aws.Config{
		Region:      "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider("test", "test-secret", ""),
	})
	// What the options contradict of this, they stand in for: first who asks,
	// then, with an SDK client of the caller's, also where.
	var (
		c   *s3path.Client
		err error
	)
	for _, mine := range [][]s3path.ClientOption{{endpoint, own}, {endpoint}, nil} {
		if c, err = s3path.NewClient(apart.Context(ctx), append(mine, opts...)...); err == nil {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.Join(errors.New("s3pathtest: the server is closed"), c.Close())
	}
	s.clients = append(s.clients, c)
	return c, nil
}

// client is the client that the buckets share.
func (s *Server) client() *s3path.Client {
	s.mu.Lock()
	shared := s.shared
	s.mu.Unlock()
	if shared != nil {
		return shared
	}
	made := s.Client()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shared == nil {
		s.shared = made // another goroutine's is as good; both are closed in the end
	}
	return s.shared
}

// Bucket makes an empty bucket, or finds the one of this name, under a client
// that all buckets of this server share. It makes no request, so that no fault
// strikes it. A name that S3 does not allow ends the test; on a server of
// Start's it is a panic, and Mkdir of Client().Object(name, "") has the error.
func (s *Server) Bucket(name string) s3path.S3Path {
	if s.t != nil {
		s.t.Helper()
	}
	if err := s.handler.CreateBucket(name); !errors.Is(err, fs.ErrExist) {
		s.must(err)
	}
	return s.client().Object(name, "")
}

func (s *Server) must(err error) {
	switch {
	case err == nil:
	case s.t != nil:
		s.t.Helper()
		s.t.Fatal(err)
	default:
		panic(err)
	}
}
