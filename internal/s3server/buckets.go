package s3server

import (
	"encoding/xml"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/johannesboyne/gofakes3"
)

func (s *Server) listBuckets(w http.ResponseWriter, rq *request) error {
	limit := 0 // without max-buckets the answer is not paged
	if text := rq.query.Get("max-buckets"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10000 {
			return fail("InvalidArgument", "max-buckets must be between 1 and 10000").with("ArgumentValue", text)
		}
		limit = n
	}
	after := ""
	if rq.has("continuation-token") {
		var err error
		if after, err = readToken(rq.query.Get("continuation-token")); err != nil {
			return err
		}
	}
	prefix := rq.query.Get("prefix")

	defer s.read()()
	x := newDocument()
	x.root("ListAllMyBucketsResult")
	x.owner("Owner")
	x.open("Buckets")
	count, last, more := 0, "", false
	for _, name := range slices.Sorted(maps.Keys(s.buckets)) {
		if name <= after || !strings.HasPrefix(name, prefix) {
			continue
		}
		if limit > 0 && count == limit {
			more = true
			break
		}
		x.open("Bucket")
		x.text("Name", name)
		x.time("CreationDate", s.buckets[name].created)
		x.text("BucketRegion", s.region)
		x.close("Bucket")
		count, last = count+1, name
	}
	x.close("Buckets")
	if more {
		x.text("ContinuationToken", writeToken(last))
	}
	x.optional("Prefix", prefix)
	x.close("ListAllMyBucketsResult")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) headBucket(w http.ResponseWriter, rq *request) error {
	defer s.read()()
	if _, err := s.bucketOf(rq.bucket, ""); err != nil {
		return err
	}
	if s.on(BucketRegion) {
		w.Header().Set("X-Amz-Bucket-Region", s.region)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) getBucketLocation(w http.ResponseWriter, rq *request) error {
	defer s.read()()
	if _, err := s.bucketOf(rq.bucket, ""); err != nil {
		return err
	}
	x := newDocument()
	x.root("LocationConstraint")
	if s.region != defaultRegion { // which S3 reports as nothing
		x.escape(s.region)
	}
	x.close("LocationConstraint")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) createBucket(w http.ResponseWriter, rq *request) error {
	if rq.ContentLength != 0 {
		var in struct {
			XMLName            xml.Name `xml:"CreateBucketConfiguration"`
			LocationConstraint string
		}
		if err := s.readDocument(rq, &in); err != nil {
			return err
		}
		if in.LocationConstraint != "" && in.LocationConstraint != s.region {
			return fail("IllegalLocationConstraintException", "The %s location constraint is incompatible for the region specific endpoint this request was sent to.", in.LocationConstraint)
		}
	}
	if err := gofakes3.ValidateBucketName(rq.bucket); err != nil {
		return fail("InvalidBucketName", "The specified bucket is not valid: %v", err).with("BucketName", rq.bucket)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.buckets[rq.bucket] != nil {
		if s.on(BucketOwned) {
			return fail("BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.").with("BucketName", rq.bucket)
		}
		return fail("BucketAlreadyExists", "The requested bucket name is not available.")
	}
	s.buckets[rq.bucket] = newBucket(rq.bucket, newMemory(s.bodies))
	w.Header().Set("Location", "/"+rq.bucket)
	w.WriteHeader(http.StatusOK)
	return nil
}

func (s *Server) deleteBucket(w http.ResponseWriter, rq *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	empty, err := b.keys.empty()
	if err != nil {
		return err
	}
	if !empty && s.on(BucketNotEmpty) {
		return fail("BucketNotEmpty", "The bucket you tried to delete is not empty").with("BucketName", b.name)
	}
	if err := b.keys.discard(); err != nil {
		return err
	}
	for _, u := range b.uploads {
		s.drop(b, u)
	}
	delete(s.buckets, b.name)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) getBucketTagging(_ http.ResponseWriter, rq *request) error {
	defer s.read()()
	if _, err := s.bucketOf(rq.bucket, ""); err != nil {
		return err
	}
	return fail("NoSuchTagSet", "The TagSet does not exist").with("BucketName", rq.bucket)
}

func (s *Server) refuseBucketTagging(http.ResponseWriter, *request) error {
	return notImplemented("tags of buckets")
}
