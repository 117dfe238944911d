package s3server

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// request is an HTTP request with what S3 reads out of its address.
type request struct {
	*http.Request
	id     string
	bucket string
	key    string
	query  url.Values

	signature signature // what authentication found, for the body
}

func parseRequest(r *http.Request, id string) (*request, error) {
	rq := &request{Request: r, id: id}
	var err error
	if rq.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return rq, fail("InvalidURI", "Couldn't parse the specified URI.")
	}
	rq.bucket, rq.key, _ = strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !utf8.ValidString(rq.key) {
		return rq, fail("InvalidURI", "Couldn't parse the specified URI: the key is not UTF-8.")
	}
	return rq, nil
}

// has says whether the query names a subresource, with or without a value.
func (rq *request) has(name string) bool {
	_, ok := rq.query[name]
	return ok
}

// count reads a number that says how many entries a page may have.
func (rq *request) count(name string) (int, error) {
	text := rq.query.Get(name)
	if text == "" {
		return maxPage, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fail("InvalidArgument", "Argument %s must be an integer between 0 and 2147483647", name).
			with("ArgumentName", name).with("ArgumentValue", text)
	}
	return int(n), nil
}

type handler func(w http.ResponseWriter, rq *request) error

// absent are the subresources that exist on AWS and not here. Without this list a request
// for one of them would be taken for a request for the object or bucket itself.
var absent = []string{
	"accelerate", "acl", "analytics", "attributes", "cors", "encryption", "intelligent-tiering",
	"inventory", "legal-hold", "lifecycle", "logging", "metadataTable", "metrics", "notification",
	"object-lock", "ownershipControls", "policy", "policyStatus", "publicAccessBlock", "renameObject",
	"replication", "requestPayment", "retention", "select", "session", "torrent", "website",
}

func (s *Server) route(w http.ResponseWriter, rq *request) error {
	for _, name := range absent {
		if rq.has(name) {
			return notImplemented("the subresource " + name)
		}
	}
	h, err := s.operation(rq)
	if err != nil {
		return err
	}
	if h == nil {
		return fail("MethodNotAllowed", "The specified method is not allowed against this resource.").
			with("Method", rq.Method)
	}
	return h(w, rq)
}

// operation finds what a request asks for; nil when there is no such operation.
func (s *Server) operation(rq *request) (handler, error) {
	switch {
	case rq.bucket == "":
		if rq.Method == http.MethodGet {
			return s.listBuckets, nil
		}
		return nil, nil
	case rq.key == "":
		return s.bucketOperation(rq), nil
	}
	if err := s.customerKeys(rq); err != nil {
		return nil, err
	}
	if len(rq.key) > maxKey && s.on(KeyLength) {
		return nil, fail("KeyTooLongError", "Your key is too long").
			with("Size", fmt.Sprint(len(rq.key))).with("MaxSizeAllowed", fmt.Sprint(maxKey))
	}
	return s.objectOperation(rq), nil
}

const maxKey = 1024 // bytes

func (s *Server) bucketOperation(rq *request) handler {
	switch rq.Method {
	case http.MethodGet:
		switch {
		case rq.has("location"):
			return s.getBucketLocation
		case rq.has("versioning"):
			return s.getBucketVersioning
		case rq.has("versions"):
			return s.listVersions
		case rq.has("uploads"):
			return s.listUploads
		case rq.has("tagging"):
			return s.getBucketTagging
		case rq.query.Get("list-type") == "2":
			return s.listObjectsV2
		}
		return s.listObjects
	case http.MethodHead:
		return s.headBucket
	case http.MethodPut:
		switch {
		case rq.has("versioning"):
			return s.putBucketVersioning
		case rq.has("tagging"):
			return s.refuseBucketTagging
		}
		return s.createBucket
	case http.MethodDelete:
		if rq.has("tagging") {
			return s.refuseBucketTagging
		}
		return s.deleteBucket
	case http.MethodPost:
		if rq.has("delete") {
			return s.deleteObjects
		}
	}
	return nil
}

func (s *Server) objectOperation(rq *request) handler {
	switch rq.Method {
	case http.MethodGet:
		switch {
		case rq.has("tagging"):
			return s.getTagging
		case rq.has("uploadId"):
			return s.listParts
		}
		return s.getObject
	case http.MethodHead:
		return s.getObject
	case http.MethodPut:
		source := rq.Header.Get("X-Amz-Copy-Source") != ""
		switch {
		case rq.has("tagging"):
			return s.putTagging
		case rq.has("uploadId") && source && s.on(PartCopy):
			return s.uploadPartCopy
		case rq.has("uploadId"):
			return s.uploadPart
		case source:
			return s.copyObject
		}
		return s.putObject
	case http.MethodDelete:
		switch {
		case rq.has("tagging"):
			return s.deleteTagging
		case rq.has("uploadId"):
			return s.abortUpload
		}
		return s.deleteObject
	case http.MethodPost:
		switch {
		case rq.has("uploads"):
			return s.createUpload
		case rq.has("uploadId"):
			return s.completeUpload
		case rq.has("restore"):
			return s.restoreObject
		}
	}
	return nil
}

// customerKeys refuses SSE-C. S3 refuses it over plain http because the key would cross
// the network in the clear; here it is never performed, so it is never accepted.
func (s *Server) customerKeys(rq *request) error {
	if !s.on(RefuseCustomerKeys) {
		return nil
	}
	for name := range rq.Header {
		if !strings.Contains(name, "-Server-Side-Encryption-Customer-") {
			continue
		}
		if rq.TLS == nil {
			return fail("InvalidRequest", "Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.")
		}
		return notImplemented("encryption with customer keys")
	}
	return nil
}

// bucketOf finds the bucket of a request. The lock is held.
func (s *Server) bucketOf(name, key string) (*bucket, error) {
	if b := s.buckets[name]; b != nil {
		return b, nil
	}
	if !s.on(BucketMissing) && key != "" {
		return nil, noSuchKey(key)
	}
	return nil, noSuchBucket(name)
}

// requireBucket fails early, before a body is received, when the bucket is missing or
// cannot hold the key.
func (s *Server) requireBucket(rq *request, size int64) error {
	defer s.read()()
	b, err := s.bucketOf(rq.bucket, rq.key)
	if err != nil {
		return err
	}
	return b.keys.refuse(rq.key, size)
}
