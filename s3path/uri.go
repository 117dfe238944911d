package s3path

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// parse is Parse under the name of the operation that wants it.
func parse(c *Client, op, uri string) (S3Path, error) {
	bucket, key, reason := splitURI(uri)
	if reason != "" {
		shown := uri
		if bucketFault(bucket) != "" {
			shown = redact(uri)
		}
		return S3Path{}, &fs.PathError{Op: op, Path: shown, Err: fmt.Errorf("%w: %q %s", cloudpath.ErrInvalidPath, shown, reason)}
	}
	return S3Path{client: c, bucket: bucket, key: key}, nil
}

// splitURI takes a URI apart; reason says what is wrong with it.
func splitURI(uri string) (bucket, key, reason string) {
	if len(uri) < len(scheme) || uri[0]|0x20 != scheme[0] || uri[1:len(scheme)] != scheme[1:] {
		return "", "", "does not begin with " + scheme + "; " + wantForm
	}
	bucket = uri[len(scheme):]
	end := strings.IndexByte(bucket, '/')
	if end >= 0 && isARN(bucket) {
		// The bucket is the ARN, which has a slash of its own.
		if n := strings.IndexByte(bucket[end+1:], '/'); n >= 0 {
			end += 1 + n
		} else {
			end = -1
		}
	}
	if end >= 0 {
		bucket, key = bucket[:end], bucket[end+1:]
	}
	return bucket, key, fault(bucket, key)
}

// fault says why there can be no such path, "" where there can. The length of
// the key is not its business: see check.
func fault(bucket, key string) string {
	if reason := bucketFault(bucket); reason != "" {
		return reason
	}
	if !utf8.ValidString(key) {
		// Servers refuse such keys, each in its own way, or mangle them.
		return "has a key that is not valid UTF-8; " + wantForm
	}
	return ""
}

// validBucket says whether a request may be made for a bucket of this name. More
// names are let through than AWS has: other servers allow them, and AWS's own
// answer explains the rest.
func validBucket(bucket string) error {
	if reason := bucketFault(bucket); reason != "" {
		return fmt.Errorf("%w: %q %s", cloudpath.ErrInvalidPath, redact(scheme+bucket), reason)
	}
	return nil
}

func bucketFault(bucket string) string {
	switch {
	case bucket == "":
		return "has no bucket; " + wantForm
	case isARN(bucket):
		if !isAccessPoint(bucket) {
			return "has an ARN of another shape in the place of the bucket; " + wantARN
		}
	case len(bucket) > maxBucketBytes:
		return fmt.Sprintf("has a bucket name of %d bytes, more than %d; %s", len(bucket), maxBucketBytes, wantForm)
	case bucket == "." || bucket == ".." || bucketRun(bucket) != len(bucket):
		return `has something else for a bucket than letters, digits, ".", "_" and "-"; ` + wantForm
	}
	return ""
}

// bucketRun is how many bytes at the beginning of s may be in a bucket's name.
func bucketRun(s string) int {
	for i := range len(s) {
		if c := s[i]; !isAlphanumeric(c) && c != '.' && c != '_' && c != '-' {
			return i
		}
	}
	return len(s)
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func isARN(bucket string) bool { return strings.HasPrefix(bucket, "arn:") }

// otherName reports whether a bucket may be named so besides its own name: by
// the ARN or the alias of an access point.
func otherName(bucket string) bool {
	return isARN(bucket) || strings.HasSuffix(bucket, "-s3alias") || strings.HasSuffix(bucket, "--ol-s3")
}

// isAccessPoint reports whether arn is
// arn:PARTITION:s3:REGION:ACCOUNT:accesspoint/NAME, or that without a region and
// with a NAME ending in .mrap: a multi-region access point.
func isAccessPoint(arn string) bool {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 {
		return false
	}
	partition, service, region, account := fields[1], fields[2], fields[3], fields[4]
	name, ok := strings.CutPrefix(fields[5], "accesspoint/")
	if ok && region == "" {
		name, ok = strings.CutSuffix(name, ".mrap")
	} else {
		ok = ok && isHostLabel(region)
	}
	return ok && isHostLabel(name) && service == "s3" &&
		(partition == "aws" || strings.HasPrefix(partition, "aws-") && isHostLabel(partition)) &&
		len(account) == 12 && strings.Trim(account, "0123456789") == ""
}

// regionInARN is the region that the ARN of an access point names, "" of a
// multi-region one and of any other bucket.
func regionInARN(bucket string) string {
	if !isARN(bucket) {
		return ""
	}
	return strings.SplitN(bucket, ":", 6)[3]
}

// isHostLabel reports whether s can stand between the dots of a host name, which
// is where the SDK puts the parts of an ARN.
func isHostLabel(s string) bool {
	return s != "" && len(s) <= 63 && s[0] != '-' && bucketRun(s) == len(s) && !strings.ContainsAny(s, "._")
}

// redact returns what an error may show of an input that is no path. It may be a
// URL with credentials before its host, a presigned URL whose query signs, or a
// connection string: what is or could be the secret in them is left out.
func redact(input string) string {
	head, rest := "", input
	if i := strings.Index(input, ":/"); i >= 0 && bucketRun(input[:i]) == i {
		rest = strings.TrimLeft(input[i+1:], "/")
		head = input[:len(input)-len(rest)]
	}

	// The last "@", wherever it is: a secret may contain "/", "?" and "@".
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		host := rest[i+1:]
		if n := bucketRun(host); n < len(host) {
			host = host[:n] + "/…"
		}
		return head + "…@" + host
	}
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i+1] + "…"
	}
	authority, _, _ := strings.Cut(rest, "/")
	if name, port, ok := strings.Cut(authority, ":"); ok && !isARN(rest) {
		isDrive := head == "" && len(name) == 1
		isPort := head != "" && len(port) <= 5 && strings.Trim(port, "0123456789") == ""
		if !isDrive && !isPort {
			rest = name + ":…"
		}
	}
	return head + rest
}
