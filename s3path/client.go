package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/localcache"
)

// Client is a connection to one S3 service: where it is, who asks, and how.
// It is safe for use by any number of goroutines, keeps its connections open
// between requests, and is what S3Path values carry. A program usually has
// one; two in one process share nothing.
type Client struct {
	opts *settings // behind a pointer: printing a Client must not reach its secrets

	// A client made by NewClient is configured from its first day. The lazy
	// default client is configured by its first request.
	mu     sync.Mutex
	core   *core
	closed bool
	lazy   bool
}

// core is a configured client: what requests need.
type core struct {
	opts     *settings
	sdk      *s3.Client
	endpoint string // "" on AWS itself
	region   string
	secure   bool // https
	tries    int  // attempts at one request
	sums     aws.RequestChecksumCalculation
	creds    *credentials
	own      *http.Transport // nil when the connections are the caller's
	theirs   bool            // the SDK client is the caller's
	permits  chan struct{}   // of requests under way, where no transport of ours counts them
	regions  sync.Map        // bucket -> region, learned from the server's answers
	buffers  sync.Pool       // *[]byte of bufferSize

	copies *copies // nil where none are kept
	cached temporaryCopies
}

// bufferSize is what bodies are copied by: large enough that a copy costs few
// calls, small enough for one per connection.
const bufferSize = 1 << 20

func (k *core) buffer() *[]byte {
	if b, ok := k.buffers.Get().(*[]byte); ok {
		return b
	}
	b := make([]byte, bufferSize)
	return &b
}

func (k *core) putBuffer(b *[]byte) { k.buffers.Put(b) }

// NewClient makes a client. With no options it asks the same places as the
// AWS command line: environment, shared configuration files, and the roles of
// the machine it runs on; when none of them has credentials, requests go
// unsigned, so that public buckets work at once. A place that was configured
// and fails is an error of the first request, never a reason to go on without;
// one half of a key in the environment, and no other, is an error at once. Both
// are cloudpath.ErrNoCredentials.
//
// NewClient makes no request. Options that contradict each other, and values
// that no request could be made with, are errors that name them. Of an option
// given twice the last counts.
//
// Requests go through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name,
// unless WithHTTPClient brings a transport that decides otherwise.
func NewClient(ctx context.Context, opts ...ClientOption) (*Client, error) {
	c := &Client{opts: &settings{}}
	if err := c.opts.collect(opts); err != nil {
		return nil, fmt.Errorf("s3path.NewClient: %w", err)
	}
	k, err := newCore(ctx, *c.opts)
	if err != nil {
		return nil, fmt.Errorf("s3path.NewClient: %w", err)
	}
	c.core = k
	return c, nil
}

// use returns the configured client, configuring the lazy default client when
// this is its first request.
func (c *Client) use(ctx context.Context) (*core, error) {
	c = c.resolve()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errClientClosed
	}
	if c.opts == nil {
		return nil, errZeroClient
	}
	if c.core == nil {
		k, err := newCore(ctx, *c.opts)
		if err != nil {
			return nil, fmt.Errorf("configuring the default client from the environment: %w", err)
		}
		c.core = k
	}
	return c.core, nil
}

var (
	errClientClosed = errors.New("the client is closed")
	errZeroClient   = errors.New("it is the zero Client; get one from NewClient")
)

// Cache is where the client keeps copies of what it reads, nil where it keeps
// none, and of a client that is closed.
func (c *Client) Cache() *localcache.Cache {
	k, err := c.use(context.Background())
	if err != nil || k.copies == nil {
		return nil
	}
	return k.copies.cache
}

// S3 is the SDK client in use, for what this package does not offer. It is nil
// while the default client cannot be configured from the environment, and of a
// client that is closed.
func (c *Client) S3() *s3.Client {
	k, err := c.use(context.Background())
	if err != nil {
		return nil
	}
	return k.sdk
}

// Close gives the client's idle connections back, those of an HTTP client or an
// SDK client of the caller's excepted, and removes a temporary cache. Requests
// made after it fail; those under way, and Readers and Writers that are open, go
// on. A second Close does nothing.
func (c *Client) Close() error {
	c = c.resolve()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	if c.core == nil {
		return nil
	}
	if c.core.own != nil {
		c.core.own.CloseIdleConnections()
	}
	return c.core.closeCopies()
}

// String names the endpoint and the region, never a secret.
func (c *Client) String() string {
	if c == nil {
		return "s3path.Client(nil)"
	}
	c = c.resolve()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.opts == nil:
		return "s3path.Client(zero)"
	case c.core == nil:
		return "s3path.Client(default, not yet used)"
	}
	endpoint := c.core.endpoint
	if endpoint == "" {
		endpoint = "aws"
	}
	return fmt.Sprintf("s3path.Client(%s, %s)", endpoint, c.core.region)
}

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// Format writes String whatever the verb: no way of printing a client shows
// what it signs with.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, c.String()) // fmt has no use for the error
}

// LogValue is String, for log/slog.
func (c *Client) LogValue() slog.Value { return slog.StringValue(c.String()) }

// ---- the default client

// The two values below are this package's only state.
var (
	lazyDefault = &Client{opts: &settings{}, lazy: true}
	setDefault  atomic.Pointer[Client]
)

// DefaultClient is the client of paths that were made without one. It is
// configured from the environment by its first request, not before, so that
// package variables and decoded JSON may hold paths; that first request
// returns the error when the environment is wrong.
func DefaultClient() *Client {
	if c := setDefault.Load(); c != nil {
		return c
	}
	return lazyDefault
}

// SetDefaultClient replaces the default client, also for the paths that were
// made from the default client before. nil goes back to the one that the
// environment configures.
func SetDefaultClient(c *Client) {
	if c == lazyDefault {
		c = nil
	}
	setDefault.Store(c)
}

// resolve is the client in force: of nil and of the lazy default the one that
// SetDefaultClient put in its place.
func (c *Client) resolve() *Client {
	if c == nil || c.lazy {
		return DefaultClient()
	}
	return c
}
