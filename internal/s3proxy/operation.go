package s3proxy

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// subresource is a query parameter that makes another operation of a request.
type subresource struct{ param, operation string }

// The tables are in the order in which they are asked: the first parameter that
// is present decides.
var (
	bucketGet = []subresource{
		{"abac", "GetBucketAbac"},
		{"accelerate", "GetBucketAccelerateConfiguration"},
		{"acl", "GetBucketAcl"},
		{"cors", "GetBucketCors"},
		{"encryption", "GetBucketEncryption"},
		{"lifecycle", "GetBucketLifecycleConfiguration"},
		{"location", "GetBucketLocation"},
		{"logging", "GetBucketLogging"},
		{"metadataConfiguration", "GetBucketMetadataConfiguration"},
		{"metadataTable", "GetBucketMetadataTableConfiguration"},
		{"notification", "GetBucketNotificationConfiguration"},
		{"object-lock", "GetObjectLockConfiguration"},
		{"ownershipControls", "GetBucketOwnershipControls"},
		{"policy", "GetBucketPolicy"},
		{"policyStatus", "GetBucketPolicyStatus"},
		{"publicAccessBlock", "GetPublicAccessBlock"},
		{"replication", "GetBucketReplication"},
		{"requestPayment", "GetBucketRequestPayment"},
		{"session", "CreateSession"},
		{"tagging", "GetBucketTagging"},
		{"uploads", "ListMultipartUploads"},
		{"versioning", "GetBucketVersioning"},
		{"versions", "ListObjectVersions"},
		{"website", "GetBucketWebsite"},
	}
	bucketPut = []subresource{
		{"abac", "PutBucketAbac"},
		{"accelerate", "PutBucketAccelerateConfiguration"},
		{"acl", "PutBucketAcl"},
		{"analytics", "PutBucketAnalyticsConfiguration"},
		{"cors", "PutBucketCors"},
		{"encryption", "PutBucketEncryption"},
		{"intelligent-tiering", "PutBucketIntelligentTieringConfiguration"},
		{"inventory", "PutBucketInventoryConfiguration"},
		{"lifecycle", "PutBucketLifecycleConfiguration"},
		{"logging", "PutBucketLogging"},
		{"metadataAnnotationTable", "UpdateBucketMetadataAnnotationTableConfiguration"},
		{"metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"},
		{"metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"},
		{"metrics", "PutBucketMetricsConfiguration"},
		{"notification", "PutBucketNotificationConfiguration"},
		{"object-lock", "PutObjectLockConfiguration"},
		{"ownershipControls", "PutBucketOwnershipControls"},
		{"policy", "PutBucketPolicy"},
		{"publicAccessBlock", "PutPublicAccessBlock"},
		{"replication", "PutBucketReplication"},
		{"requestPayment", "PutBucketRequestPayment"},
		{"tagging", "PutBucketTagging"},
		{"versioning", "PutBucketVersioning"},
		{"website", "PutBucketWebsite"},
	}
	bucketDelete = []subresource{
		{"analytics", "DeleteBucketAnalyticsConfiguration"},
		{"cors", "DeleteBucketCors"},
		{"encryption", "DeleteBucketEncryption"},
		{"intelligent-tiering", "DeleteBucketIntelligentTieringConfiguration"},
		{"inventory", "DeleteBucketInventoryConfiguration"},
		{"lifecycle", "DeleteBucketLifecycle"},
		{"metadataConfiguration", "DeleteBucketMetadataConfiguration"},
		{"metadataTable", "DeleteBucketMetadataTableConfiguration"},
		{"metrics", "DeleteBucketMetricsConfiguration"},
		{"ownershipControls", "DeleteBucketOwnershipControls"},
		{"policy", "DeleteBucketPolicy"},
		{"publicAccessBlock", "DeletePublicAccessBlock"},
		{"replication", "DeleteBucketReplication"},
		{"tagging", "DeleteBucketTagging"},
		{"website", "DeleteBucketWebsite"},
	}
	bucketPost = []subresource{
		{"delete", "DeleteObjects"},
		{"metadataConfiguration", "CreateBucketMetadataConfiguration"},
		{"metadataTable", "CreateBucketMetadataTableConfiguration"},
	}
	// Those with an id name one configuration, without it they list them.
	bucketGetByID = []struct{ param, one, all string }{
		{"analytics", "GetBucketAnalyticsConfiguration", "ListBucketAnalyticsConfigurations"},
		{"intelligent-tiering", "GetBucketIntelligentTieringConfiguration", "ListBucketIntelligentTieringConfigurations"},
		{"inventory", "GetBucketInventoryConfiguration", "ListBucketInventoryConfigurations"},
		{"metrics", "GetBucketMetricsConfiguration", "ListBucketMetricsConfigurations"},
	}
	objectGet = []subresource{
		{"acl", "GetObjectAcl"},
		{"annotationName", "GetObjectAnnotation"},
		{"annotation", "ListObjectAnnotations"},
		{"attributes", "GetObjectAttributes"},
		{"legal-hold", "GetObjectLegalHold"},
		{"retention", "GetObjectRetention"},
		{"tagging", "GetObjectTagging"},
		{"torrent", "GetObjectTorrent"},
		{"uploadId", "ListParts"},
	}
	objectPut = []subresource{
		{"acl", "PutObjectAcl"},
		{"annotation", "PutObjectAnnotation"},
		{"encryption", "UpdateObjectEncryption"},
		{"legal-hold", "PutObjectLegalHold"},
		{"renameObject", "RenameObject"},
		{"retention", "PutObjectRetention"},
		{"tagging", "PutObjectTagging"},
	}
	objectPost = []subresource{
		{"restore", "RestoreObject"},
		{"select", "SelectObjectContent"},
		{"uploads", "CreateMultipartUpload"},
		{"uploadId", "CompleteMultipartUpload"},
	}
	objectDelete = []subresource{
		{"annotation", "DeleteObjectAnnotation"},
		{"tagging", "DeleteObjectTagging"},
		{"uploadId", "AbortMultipartUpload"},
	}
)

// Operation says what a request asks for, in S3's words, from its method, its
// query and its headers. A request that is none of S3's is called by its method
// and what it was sent to, "PATCH object".
func Operation(r *http.Request) string {
	bucket, key := Address(r)
	q := r.URL.Query()
	switch {
	case bucket == "":
		return serviceOperation(r.Method)
	case key == "":
		return bucketOperation(r.Method, q)
	default:
		return objectOperation(r.Method, q, r.Header)
	}
}

func serviceOperation(method string) string {
	if method == http.MethodGet {
		return "ListBuckets"
	}
	return method + " service"
}

func bucketOperation(method string, q url.Values) string {
	switch method {
	case http.MethodHead:
		return "HeadBucket"
	case http.MethodGet:
		for _, c := range bucketGetByID {
			if q.Has(c.param) && q.Has("id") {
				return c.one
			} else if q.Has(c.param) {
				return c.all
			}
		}
		if q.Get("list-type") == "2" {
			return pick(bucketGet, q, "ListObjectsV2")
		}
		return pick(bucketGet, q, "ListObjects")
	case http.MethodPut:
		return pick(bucketPut, q, "CreateBucket")
	case http.MethodDelete:
		return pick(bucketDelete, q, "DeleteBucket")
	case http.MethodPost:
		return pick(bucketPost, q, "PostObject")
	}
	return method + " bucket"
}

func objectOperation(method string, q url.Values, h http.Header) string {
	copies := h.Get("X-Amz-Copy-Source") != ""
	switch method {
	case http.MethodHead:
		return "HeadObject"
	case http.MethodGet:
		return pick(objectGet, q, "GetObject")
	case http.MethodPut:
		switch {
		case q.Has("uploadId") && copies:
			return "UploadPartCopy"
		case q.Has("uploadId"):
			return "UploadPart"
		case copies:
			return "CopyObject"
		}
		return pick(objectPut, q, "PutObject")
	case http.MethodDelete:
		return pick(objectDelete, q, "DeleteObject")
	case http.MethodPost:
		return pick(objectPost, q, "POST object")
	}
	return method + " object"
}

func pick(table []subresource, q url.Values, otherwise string) string {
	for _, s := range table {
		if q.Has(s.param) {
			return s.operation
		}
	}
	return otherwise
}

// Address says which bucket and which key a request is for: from the path, or
// the bucket from the host when that is "bucket.localhost" or one of Amazon's.
func Address(r *http.Request) (bucket, key string) {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	if b := hostBucket(r.Host); b != "" {
		return b, unescape(path)
	}
	bucket, key, _ = strings.Cut(path, "/")
	return unescape(bucket), unescape(key)
}

// hostBucket is the bucket in a virtual-hosted request's host, else "".
func hostBucket(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if b, ok := strings.CutSuffix(host, ".localhost"); ok {
		return b
	}
	rest, ok := strings.CutSuffix(strings.TrimSuffix(host, ".cn"), ".amazonaws.com")
	if !ok {
		return ""
	}
	// What is left is [bucket.]s3[.dualstack][.region], s3-fips and the like. A
	// bucket may itself contain dots, and a label "s3", so the last one counts.
	labels := strings.Split(rest, ".")
	for i := len(labels) - 1; i > 0; i-- {
		if labels[i] == "s3" || strings.HasPrefix(labels[i], "s3-") || strings.HasPrefix(labels[i], "s3express-") {
			return strings.Join(labels[:i], ".")
		}
	}
	return ""
}

func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
