package s3path

import (
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// WithConcurrency bounds what happens at once: in a client the requests under
// way, 32 unless told, and what each call works on; in a call the objects, 16
// unless told, or the parts of one, 8 unless told. What the caller holds open, a
// Reader for instance, counts for nothing.
func WithConcurrency(n int) ConcurrencyOption {
	check := func() error {
		if n < 1 {
			return fmt.Errorf("WithConcurrency: %d; at least 1 is needed", n)
		}
		return nil
	}
	return option{
		name:   optConcurrency,
		client: func(s *settings) error { s.concurrency = n; return check() },
		call:   func(c *call) error { c.concurrency = n; return check() },
	}
}

// WithInfo stores what is known of the object as read or as written in dst,
// before the call returns; Create and Append do so when Close does.
func WithInfo(dst *Info) ResultOption {
	return callOption(optInfo, func(c *call) error {
		if dst == nil {
			return errors.New("WithInfo: nil")
		}
		c.info = dst
		return nil
	})
}

// WithIfMatch makes the call go through only while the object has this ETag
// (quotes may be left out), else it fails with cloudpath.ErrPreconditionFailed.
// Some servers are known to ignore the condition on deletes (MinIO); Remove
// therefore compares the ETag itself as well.
func WithIfMatch(etag string) ConditionOption {
	return callOption(optIfMatch, func(c *call) error {
		if etag = trimETag(etag); etag == "" {
			return errors.New("WithIfMatch: the ETag is empty, which would match anything")
		}
		c.ifMatch = etag
		return nil
	})
}

// WithNoOverwrite fails with fs.ErrExist when the target exists. Of two that
// race exactly one wins. On a copy it costs five requests or more, as [S3Path.Copy]
// says, because no server honours the condition on a plain copy.
func WithNoOverwrite() CreateOption { return callOption(optNoOverwrite, nil) }

// WithReadAhead makes random access ask for at least this many bytes at once
// and serve what follows from them: for Open, and by WithReadDefaults for the files
// of FS.
func WithReadAhead(bytes int64) ReadOption {
	return callOption(optReadAhead, func(c *call) error {
		if bytes < 0 {
			return fmt.Errorf("WithReadAhead: %d is negative", bytes)
		}
		c.readAhead = bytes
		return nil
	})
}

// customerKey is an SSE-C key in the three forms that the protocol wants, behind
// a pointer, so that printing what holds it does not print it.
type customerKey struct{ given *encodedKey }

type encodedKey struct{ key, md5 string }

func (k customerKey) isSet() bool { return k.given != nil }

func (k customerKey) headers() (algorithm, key, sum *string) {
	if !k.isSet() {
		return nil, nil, nil
	}
	return aws.String("AES256"), aws.String(k.given.key), aws.String(k.given.md5)
}

// withKey is an option that puts a key where it belongs. The caller may wipe
// the bytes as soon as the option is made.
func withKey(name optionSet, key []byte, field func(*call) *customerKey) option {
	sum := md5.Sum(key)
	given := &encodedKey{base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(sum[:])}
	n := len(key)
	return callOption(name, func(c *call) error {
		if n != 32 {
			return fmt.Errorf("%v: the key has %d bytes, it needs 32", name, n)
		}
		field(c).given = given
		return nil
	})
}

// WithSSECustomerKey encrypts and decrypts with a key of the caller's (SSE-C):
// 32 raw bytes. The server keeps no copy of it: every later read needs it. Of a
// copy it is the target's key. Refused over plain http, before any request.
func WithSSECustomerKey(key []byte) EncryptionOption {
	return withKey(optSSEC, key, func(c *call) *customerKey { return &c.ssec })
}

// WithSourceSSECustomerKey is the key that a copy's source is encrypted with.
func WithSourceSSECustomerKey(key []byte) CopyOption {
	return withKey(optSourceSSEC, key, func(c *call) *customerKey { return &c.sourceSSEC })
}

// WithSSE encrypts with a key that S3 keeps (SSE-S3).
func WithSSE() PropertyOption { return callOption(optSSE, nil) }

// WithSSEKMS encrypts with a key of the key management service: its id, ARN or
// alias; "" is the account's default key.
func WithSSEKMS(keyID string) PropertyOption {
	return callOption(optSSEKMS, func(c *call) error { c.kmsKey = keyID; return nil })
}

// WithContentType is the object's media type. Without it the client's function,
// a table of suffixes and the first bytes are asked, in this order.
func WithContentType(contentType string) PropertyOption {
	return callOption(optContentType, func(c *call) error { c.contentType = contentType; return nil })
}

// WithContentEncoding says how the bytes are encoded, such as "gzip". It
// changes no byte.
func WithContentEncoding(encoding string) PropertyOption {
	return callOption(optContentEncoding, func(c *call) error { c.contentEncoding = encoding; return nil })
}

// WithContentDisposition is what a browser does with the object, such as
// `attachment; filename="a.csv"`.
func WithContentDisposition(disposition string) PropertyOption {
	return callOption(optContentDisposition, func(c *call) error { c.contentDisposition = disposition; return nil })
}

// WithCacheControl is the Cache-Control header of the object.
func WithCacheControl(value string) PropertyOption {
	return callOption(optCacheControl, func(c *call) error { c.cacheControl = value; return nil })
}

// WithMetadata is the caller's own metadata. S3 keeps names in lower case.
func WithMetadata(metadata map[string]string) PropertyOption {
	metadata = maps.Clone(metadata)
	return callOption(optMetadata, func(c *call) error { c.metadata = metadata; return nil })
}

// WithTags sets the object's tags, at most ten.
func WithTags(tags map[string]string) PropertyOption {
	tags = maps.Clone(tags)
	return callOption(optTags, func(c *call) error { c.tags = tags; return nil })
}

// WithStorageClass is one of S3's storage classes, such as "STANDARD_IA".
func WithStorageClass(class string) PropertyOption {
	return callOption(optStorageClass, func(c *call) error { c.storageClass = class; return nil })
}

// WithACL is one of S3's canned ACLs, such as "public-read". No ACL is sent
// unless asked for: most buckets refuse them now.
func WithACL(acl string) PropertyOption {
	return callOption(optACL, func(c *call) error { c.acl = acl; return nil })
}

// WithMissingOK makes Remove send one delete of exactly this key and return nil
// whatever was there; a directory of that name is neither looked for nor reported.
func WithMissingOK() RemoveOption { return callOption(optMissingOK, nil) }

// WithWholeBucket lets RemoveAll empty a bucket.
func WithWholeBucket() RemoveOption { return callOption(optWholeBucket, nil) }

// WithDelete makes a sync remove what its source does not have.
func WithDelete() SyncOption { return callOption(optDelete, nil) }

// WithDryRun makes a sync say what it would do, and do nothing.
func WithDryRun() SyncOption { return callOption(optDryRun, nil) }
