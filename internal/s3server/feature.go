package s3server

import "strconv"

// Feature names one behaviour of S3 that this package adds to gofakes3. All are on
// unless Without takes one away.
type Feature int

// The behaviours, grouped by the operation they belong to.
const (
	// ConditionalRead honours If-Match, If-None-Match, If-Modified-Since and
	// If-Unmodified-Since on GET and HEAD.
	ConditionalRead Feature = iota
	// ConditionalPut honours If-Match and If-None-Match on PUT.
	ConditionalPut
	// ConditionalComplete honours both on CompleteMultipartUpload.
	ConditionalComplete
	// ConditionalCopySource honours x-amz-copy-source-if-* on CopyObject and
	// UploadPartCopy.
	ConditionalCopySource
	// ConditionalCopy honours If-Match and If-None-Match on CopyObject.
	ConditionalCopy
	// ConditionalDelete honours If-Match on DELETE and ETag in DeleteObjects.
	ConditionalDelete

	// DelimiterOnce rolls keys up into each common prefix once, and counts it once.
	DelimiterOnce
	// ListingPages honours max-keys, start-after, marker and continuation tokens.
	ListingPages
	// EncodingURL honours encoding-type=url and echoes it.
	EncodingURL
	// FetchOwner reports owners where they were asked for.
	FetchOwner
	// SubSecondListing gives listings their milliseconds.
	SubSecondListing
	// VersionPages honours paging of ListObjectVersions.
	VersionPages

	// ChecksumReport returns stored checksums when x-amz-checksum-mode asks for them.
	ChecksumReport
	// ChecksumCheck refuses bodies that differ from their x-amz-checksum header or
	// trailer.
	ChecksumCheck
	// ContentMD5Check refuses bodies that differ from their Content-MD5.
	ContentMD5Check
	// AWSChunked decodes the aws-chunked framing of signed and unsigned streams.
	AWSChunked

	// PartCopy copies parts on the server.
	PartCopy
	// PartCopyRange honours x-amz-copy-source-range.
	PartCopyRange
	// MinimumPartSize refuses parts under 5 MiB other than the last.
	MinimumPartSize
	// MultipartETag gives completed uploads an ETag that ends in the count of parts.
	MultipartETag
	// UploadListing lists parts and uploads in pages.
	UploadListing

	// Tagging serves the tagging subresource.
	Tagging
	// TaggingHeaders honours x-amz-tagging and reports x-amz-tagging-count.
	TaggingHeaders
	// TaggingDirective honours x-amz-tagging-directive on copies.
	TaggingDirective

	// Properties stores and returns cache control, disposition, encoding, language,
	// metadata and the storage class.
	Properties
	// MetadataDirective honours x-amz-metadata-directive on copies.
	MetadataDirective
	// SelfCopyRefused refuses to copy an object onto itself without a change.
	SelfCopyRefused

	// UnsatisfiableRange answers 416 where a range has no byte, and so always for an
	// empty object.
	UnsatisfiableRange
	// SuffixRange honours ranges that count from the end.
	SuffixRange
	// ResponseOverrides honours response-content-type and its siblings.
	ResponseOverrides
	// RefuseCustomerKeys refuses SSE-C headers.
	RefuseCustomerKeys

	// DeleteErrors reports failures of DeleteObjects key by key.
	DeleteErrors
	// DeleteQuiet honours Quiet in DeleteObjects.
	DeleteQuiet
	// BucketNotEmpty refuses to delete a bucket that has objects.
	BucketNotEmpty
	// BucketMissing tells a missing bucket from a missing key.
	BucketMissing
	// BucketRegion reports the region of a bucket on HEAD.
	BucketRegion
	// BucketOwned answers BucketAlreadyOwnedByYou to making a bucket twice.
	BucketOwned

	// Versioning keeps old versions where a bucket asks for it.
	Versioning
	// MarkerHeaders reports delete markers, and 405 to reading one by its id.
	MarkerHeaders
	// KeyLength refuses keys above 1024 bytes.
	KeyLength
	// ArchiveAccess refuses to read archived objects before they are restored.
	ArchiveAccess

	// SignatureCheck refuses requests whose signature is wrong.
	SignatureCheck
	// AnonymousRefused refuses requests without a signature.
	AnonymousRefused
	// PresignExpiry refuses presigned requests after their time.
	PresignExpiry
	// RegionCheck refuses signatures for another region.
	RegionCheck
	// PayloadHash refuses bodies that differ from the hash that was signed.
	PayloadHash

	featureCount
)

// String is the feature's number: a failing test names the row it belongs to.
func (f Feature) String() string { return "feature " + strconv.Itoa(int(f)) }
