package s3path

import (
	"context"
	"maps"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Where S3 does not carry an object's properties over by itself (a copy in
// parts, a copy to another client, a copy that replaces one of them), they are
// read from the source and sent again. A request to write is the form they are
// kept in.

// metadataOptions are the properties that S3 replaces all together: to change
// one, the others have to be sent again.
const metadataOptions = optContentType | optContentEncoding | optContentDisposition | optCacheControl | optMetadata

// propertiesOf is a request that writes dst with what the source is stored
// with and what the call says. It costs a request for the tags where the source
// has any.
//
// The storage class and the encryption are kept only of an object that is
// written onto itself: S3 does not carry them over to another one, whose bucket
// may have other defaults, and whose server may know neither.
func propertiesOf(ctx context.Context, k *core, c *call, src, dst S3Path, head *s3.HeadObjectOutput) (*s3.PutObjectInput, error) {
	in := &s3.PutObjectInput{
		Bucket:                  aws.String(dst.bucket),
		Key:                     aws.String(dst.key),
		ContentType:             head.ContentType,
		ContentEncoding:         text(storedEncoding(head.ContentEncoding)),
		ContentDisposition:      head.ContentDisposition,
		ContentLanguage:         head.ContentLanguage,
		CacheControl:            head.CacheControl,
		Metadata:                head.Metadata,
		WebsiteRedirectLocation: head.WebsiteRedirectLocation,
	}
	if at, err := http.ParseTime(aws.ToString(head.ExpiresString)); err == nil {
		in.Expires = &at
	}
	if src.same(dst) && src.version == "" {
		in.StorageClass = head.StorageClass
		if sse := head.ServerSideEncryption; !c.ssec.isSet() {
			in.ServerSideEncryption = sse
			if sse == types.ServerSideEncryptionAwsKms || sse == types.ServerSideEncryptionAwsKmsDsse {
				in.SSEKMSKeyId, in.BucketKeyEnabled = head.SSEKMSKeyId, head.BucketKeyEnabled
			}
		}
	}
	c.override(in)
	if !c.has(optTags) && aws.ToInt32(head.TagCount) > 0 {
		tags, err := k.tags(ctx, src)
		if err != nil {
			return nil, explain(src, err)
		}
		in.Tagging = text(encodeTags(tags))
	}
	return in, nil
}

// override puts what the call says over what was there.
func (c *call) override(in *s3.PutObjectInput) {
	set := func(o optionSet, field **string, value string) {
		if c.has(o) {
			*field = text(value)
		}
	}
	set(optContentType, &in.ContentType, c.contentType)
	set(optContentEncoding, &in.ContentEncoding, c.contentEncoding)
	set(optContentDisposition, &in.ContentDisposition, c.contentDisposition)
	set(optCacheControl, &in.CacheControl, c.cacheControl)
	if c.has(optMetadata) {
		in.Metadata = maps.Clone(c.metadata)
	}
	if c.has(optTags) {
		in.Tagging = text(encodeTags(c.tags))
	}
	if c.has(optStorageClass) {
		in.StorageClass = types.StorageClass(c.storageClass)
	}
	if c.has(optACL) {
		in.ACL = types.ObjectCannedACL(c.acl)
	}
	if c.has(encryptionOptions) {
		in.ServerSideEncryption, in.SSEKMSKeyId = c.encryption()
		in.BucketKeyEnabled = nil
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = c.ssec.headers()
	if c.has(optNoOverwrite) {
		in.IfNoneMatch = aws.String("*")
	}
}

// createOf begins an upload in parts of what in would write at once.
func createOf(in *s3.PutObjectInput) *s3.CreateMultipartUploadInput {
	return &s3.CreateMultipartUploadInput{
		Bucket: in.Bucket, Key: in.Key, ACL: in.ACL,
		ContentType: in.ContentType, ContentEncoding: in.ContentEncoding, ContentDisposition: in.ContentDisposition,
		ContentLanguage: in.ContentLanguage, CacheControl: in.CacheControl, Expires: in.Expires,
		Metadata: in.Metadata, Tagging: in.Tagging, StorageClass: in.StorageClass,
		WebsiteRedirectLocation: in.WebsiteRedirectLocation,
		ServerSideEncryption:    in.ServerSideEncryption, SSEKMSKeyId: in.SSEKMSKeyId, BucketKeyEnabled: in.BucketKeyEnabled,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
	}
}

// copyOf is a copy that writes what in says: all of it when replace is set,
// else only what S3 takes besides the source's own metadata.
func copyOf(in *s3.PutObjectInput, replace, tags bool) *s3.CopyObjectInput {
	out := &s3.CopyObjectInput{
		Bucket: in.Bucket, Key: in.Key, ACL: in.ACL, StorageClass: in.StorageClass,
		ServerSideEncryption: in.ServerSideEncryption, SSEKMSKeyId: in.SSEKMSKeyId, BucketKeyEnabled: in.BucketKeyEnabled,
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
	}
	if replace {
		out.MetadataDirective = types.MetadataDirectiveReplace
		out.ContentType, out.ContentEncoding, out.ContentDisposition = in.ContentType, in.ContentEncoding, in.ContentDisposition
		out.ContentLanguage, out.CacheControl, out.Expires = in.ContentLanguage, in.CacheControl, in.Expires
		out.Metadata, out.WebsiteRedirectLocation = in.Metadata, in.WebsiteRedirectLocation
	}
	if tags {
		out.TaggingDirective = types.TaggingDirectiveReplace
		out.Tagging = in.Tagging
	}
	return out
}
