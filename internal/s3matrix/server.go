package s3matrix

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// Server is a running S3 server and the proxy before it.
type Server struct {
	Name   string
	URL    string // of the proxy: what is tested goes here
	Direct string // of the server itself, around the proxy

	Region    string
	AccessKey string
	SecretKey string
	KMSKey    string // the id of a key of its KMS, where it has one

	// Proxy counts what goes to URL. It is shared by all tests of the package:
	// count by bucket, or use a Private one.
	Proxy *s3proxy.Proxy
	// SDK goes straight to the server, uncounted: the second client that makes
	// fixtures and changes the tree between calls.
	SDK *s3.Client
	// HTTP trusts the server's certificate, where it has one.
	HTTP *http.Client

	next    http.Handler // what a proxy stands in front of
	tls     *tls.Config  // of the server and of every proxy; nil without TLS
	gaps    map[Gap]error
	skips   *skips
	buckets *atomic.Int64
	closers []func() error // run last to first
}

// skips counts the skipped tests of one server.
type skips struct {
	mu     sync.Mutex
	counts map[Gap]int
}

func (s *skips) add(g Gap) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[g]++
}

func (s *skips) snapshot() map[Gap]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// newServer puts a proxy before a server that answers at direct. next is the same
// server as a handler.
func newServer(name, direct string, next http.Handler, access access, config *tls.Config, roots *x509.CertPool) (*Server, error) {
	transport := &http.Transport{MaxIdleConnsPerHost: 64, TLSClientConfig: trusting(roots)}
	s := &Server{
		Name:      name,
		Direct:    direct,
		Region:    region,
		AccessKey: access.key,
		SecretKey: access.secret,
		HTTP:      &http.Client{Transport: transport},
		next:      next,
		tls:       config,
		skips:     &skips{counts: map[Gap]int{}},
		buckets:   &atomic.Int64{},
	}
	s.SDK = s.client(direct, credentials.NewStaticCredentialsProvider(access.key, access.secret, ""))
	s.closers = append(s.closers, func() error { transport.CloseIdleConnections(); return nil })
	return s, s.listen()
}

// client is an SDK client of the server's for an endpoint of the server's.
func (s *Server) client(endpoint string, provider aws.CredentialsProvider, more ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region:                     s.Region,
		BaseEndpoint:               aws.String(endpoint),
		UsePathStyle:               true,
		Credentials:                provider,
		HTTPClient:                 s.HTTP,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
		ResponseChecksumValidation: aws.ResponseChecksumValidationWhenRequired,
		RetryMaxAttempts:           3,
	}, more...)
}

// listen starts a proxy for the server, to be closed with it.
func (s *Server) listen() error {
	s.Proxy = s3proxy.New(s.next)
	listen := s.Proxy.Listen
	if s.tls != nil {
		listen = func() (*s3proxy.Front, error) { return s.Proxy.ListenTLS(s.tls) }
	}
	front, err := listen()
	if err != nil {
		return err
	}
	s.URL = front.URL
	s.closers = append(s.closers, front.Close)
	return nil
}

// Private is the same server behind a proxy of the test's own, gone with the test:
// to count every request, to slow it down or to inject faults beside other tests.
func (s *Server) Private(t testing.TB) *Server {
	t.Helper()
	private := *s
	private.closers = nil
	if err := private.listen(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := private.close(); err != nil {
			t.Error(err)
		}
	})
	return &private
}

// Needs skips the test when the server lacks one of these.
func (s *Server) Needs(t testing.TB, gaps ...Gap) {
	t.Helper()
	for _, g := range gaps {
		if s.Lacks(t, g) {
			s.skips.add(g)
			t.Skipf("skipped: %s %s", s.Name, g)
		}
	}
}

// Lacks says whether the server has this gap, for tests that expect something else
// of it then. A gap that no probe looks for is a mistake and fails the test.
func (s *Server) Lacks(t testing.TB, g Gap) bool {
	t.Helper()
	if !slices.ContainsFunc(rows, func(r row) bool { return r.gap == g }) {
		t.Fatalf("no probe looks for the gap %q", g)
	}
	return s.gaps[g] != nil
}

// NewBucket makes a bucket for the test. At its end the bucket is emptied, of all
// versions and uploads too, and removed.
func (s *Server) NewBucket(t testing.TB) string {
	t.Helper()
	name := s.bucketName(t.Name())
	if _, err := s.SDK.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		t.Fatalf("%s: making a bucket: %v", s.Name, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.removeBucket(ctx, name); err != nil {
			t.Errorf("%s: removing the bucket %s: %v", s.Name, name, err)
		}
	})
	return name
}

// bucketName is a new name that reminds of the test's.
func (s *Server) bucketName(test string) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, test)
	return fmt.Sprintf("t%d-%s", s.buckets.Add(1), clean[max(0, len(clean)-40):])
}

// close stops everything that was started for the server, in reverse order.
func (s *Server) close() error {
	var errs []error
	for _, fn := range slices.Backward(s.closers) {
		errs = append(errs, fn())
	}
	s.closers = nil
	return errors.Join(errs...)
}

// forward is a server at a URL as a handler.
func forward(target string) (*s3proxy.Forwarder, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return s3proxy.Forward(u), nil
}
