package s3server

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/johannesboyne/gofakes3"
)

// Server is an S3 in memory or over a directory. It is an http.Handler, is safe for
// concurrent use, starts no goroutines and needs no closing.
type Server struct {
	config

	mu      sync.RWMutex // guards buckets and all that hangs below them
	buckets map[string]*bucket

	bodies   *bodyStore
	requests atomic.Uint64 // how many came
	uploads  atomic.Uint64 // how many began
}

// New makes a server without buckets, or with the one of WithDir.
func New(opts ...Option) (*Server, error) {
	s := &Server{buckets: make(map[string]*bucket)}
	s.region = defaultRegion
	for _, opt := range opts {
		opt(&s.config)
	}
	if s.secretKey != "" && s.accessKey == "" {
		return nil, errors.New("s3server: WithCredentials needs an access key")
	}
	bodies, err := newBodyStore()
	if err != nil {
		return nil, err
	}
	s.bodies = bodies
	for _, d := range s.dirs {
		if s.buckets[d.bucket] != nil {
			return nil, fmt.Errorf("s3server: two directories for bucket %q", d.bucket)
		}
		keys, err := openDirectory(d.dir, d.bucket, bodies)
		if err != nil {
			return nil, err
		}
		s.buckets[d.bucket] = newBucket(d.bucket, keys)
	}
	return s, nil
}

// CreateBucket makes an empty bucket in memory. It fails when the name is not one that
// S3 allows, and with fs.ErrExist when the bucket exists.
func (s *Server) CreateBucket(name string) error {
	if err := gofakes3.ValidateBucketName(name); err != nil {
		return fmt.Errorf("s3server: bucket %q: %w", name, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[name] != nil {
		return fmt.Errorf("s3server: bucket %q: %w", name, fs.ErrExist)
	}
	s.buckets[name] = newBucket(name, newMemory(s.bodies))
	return nil
}

// on says whether a behaviour was left switched on.
func (s *Server) on(f Feature) bool { return !s.off[f] }

// read takes the lock for a request that changes nothing. A directory caches hashes of
// its files as it is read, so over a directory every request is alone.
func (s *Server) read() (unlock func()) {
	if len(s.dirs) > 0 {
		s.mu.Lock()
		return s.mu.Unlock
	}
	s.mu.RLock()
	return s.mu.RUnlock
}

// ServeHTTP answers one request: after the latency, by the first fault that matches it,
// else by the operation it names.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.latency > 0 {
		wait := time.NewTimer(s.latency)
		select {
		case <-wait.C:
		case <-r.Context().Done():
			wait.Stop()
			return
		}
	}
	for _, f := range s.faults {
		if f.match(r) {
			f.answer.ServeHTTP(w, r)
			return
		}
	}

	id := fmt.Sprintf("%016X", s.requests.Add(1))
	w.Header().Set("X-Amz-Request-Id", id)
	w.Header().Set("X-Amz-Id-2", id+id)
	w.Header().Set("Server", "AmazonS3")
	rq, err := parseRequest(r, id)
	if err == nil {
		err = s.authenticate(rq)
	}
	if err == nil {
		err = s.route(w, rq)
	}
	if err != nil {
		drain(r)
		writeError(w, rq, err)
	}
}

// drain reads what is left of a refused body, so that the client hears the answer
// instead of a reset connection. A client that waits for 100 Continue has sent nothing.
func drain(r *http.Request) {
	const enough = 64 << 20
	if r.Header.Get("Expect") == "" {
		// The refusal is already decided; a body that breaks here changes nothing.
		_, _ = io.CopyN(io.Discard, r.Body, enough)
	}
}
