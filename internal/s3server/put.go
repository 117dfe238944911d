package s3server

import (
	"fmt"
	"net/http"
	"time"
)

// putObject stores the body under the key, if its conditions hold when all of it is here.
func (s *Server) putObject(w http.ResponseWriter, rq *request) error {
	p, err := s.payloadOf(rq)
	if err != nil {
		return err
	}
	props, err := s.propertiesOf(rq.Header)
	if err != nil {
		return err
	}
	tags, err := s.headerTags(rq.Header)
	if err != nil {
		return err
	}
	if err := s.requireBucket(rq, p.size); err != nil {
		return err
	}
	stored, err := s.receive(p)
	if err != nil {
		return err
	}
	v, versioned, err := s.store(rq, ConditionalPut, &version{
		etag:       fmt.Sprintf("%x", stored.md5),
		size:       stored.size,
		body:       stored.whole(),
		properties: props,
		tags:       tags,
		checksum:   p.checksum(),
	})
	if err != nil {
		s.bodies.discard(stored)
		return err
	}
	confirm(w.Header(), v, versioned)
	w.WriteHeader(http.StatusOK)
	return nil
}

// store puts v in the place of the object that a request names, if its conditions hold.
func (s *Server) store(rq *request, f Feature, v *version) (stored *version, versioned bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.storeLocked(rq, f, v)
}

func (s *Server) storeLocked(rq *request, f Feature, v *version) (stored *version, versioned bool, err error) {
	b, err := s.bucketOf(rq.bucket, rq.key)
	if err != nil {
		return nil, false, err
	}
	old, err := b.keys.current(rq.key)
	if err != nil {
		return nil, false, err
	}
	if err := s.checkWrite(rq.Header, f, rq.key, old); err != nil {
		return nil, false, err
	}
	v.modified = time.Now()
	s.bodies.retain(v.body)
	stored, err = b.keys.commit(rq.key, v)
	if err != nil {
		s.bodies.release(v.body)
		return nil, false, err
	}
	return stored, b.keys.versioning() != "", nil
}
