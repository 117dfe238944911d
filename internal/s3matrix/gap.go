package s3matrix

// Gap is something S3 does and a server may not. Its text completes a sentence
// that begins with the server's name.
type Gap string

// What at least one of the servers, or the store behind the in-process one, does
// not do as AWS documents it.
const (
	KeyEmptyComponent   Gap = "cannot hold keys with an empty component, a//b beside a/b"
	KeyLeadingSlash     Gap = "cannot hold /lead beside lead"
	KeyDots             Gap = "cannot hold keys with . or .. as a component, a/../b"
	FileBesideDirectory Gap = "cannot hold a beside a/b"
	ListBelowFile       Gap = "does not list a/b when there is an a"
	MarkerWithBody      Gap = "cannot hold dir/ with a body"
	LongComponent       Gap = "cannot hold a key with a component of 256 bytes"
	Key1024             Gap = "cannot hold a key of 1024 bytes"
	KeyNUL              Gap = "cannot hold a key with a NUL byte"
	KeyControl          Gap = "cannot hold and list keys with control characters"

	EncodingTypeURL Gap = "ignores encoding-type=url"
	ListOnce        Gap = "lists a common prefix twice"
	ListPages       Gap = "loses or repeats keys between pages"
	BadToken        Gap = "accepts a continuation token it never gave"

	PutConditions         Gap = "ignores conditions on PUT"
	GetConditions         Gap = "ignores conditions on GET and HEAD"
	CompleteIfNoneMatch   Gap = "ignores If-None-Match on CompleteMultipartUpload"
	CopyIfNoneMatch       Gap = "ignores If-None-Match on CopyObject"
	CopySourceIfMatch     Gap = "ignores x-amz-copy-source-if-match on CopyObject"
	PartCopySourceIfMatch Gap = "ignores x-amz-copy-source-if-match on UploadPartCopy"
	DeleteIfMatch         Gap = "ignores If-Match on DELETE"

	WrongCRC32Rejected Gap = "stores a body that does not match its CRC32"
	WrongMD5Rejected   Gap = "stores a body that does not match its Content-MD5"
	EntityTooSmall     Gap = "completes an upload with parts under 5 MiB"
	UploadPartCopy     Gap = "cannot copy into a part"
	Versioning         Gap = "cannot keep versions"

	SigV4Enforced       Gap = "accepts wrong signatures"
	AnonymousDenied     Gap = "serves anonymous requests"
	PresignExpiry       Gap = "accepts presigned requests that have expired"
	WrongRegion         Gap = "accepts signatures for another region"
	SSECOverHTTPRefused Gap = "accepts customer keys over plain http"

	// TLS is about the run and not about a server, see Matrix.Secure.
	TLS Gap = "has no TLS and no KMS, and CLOUDPATH_MINIO is not set"
)
