package s3path

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// URL is the object's address on its endpoint, escaped and unsigned. It makes
// no request; "" for the zero path, and for a default client that cannot be
// configured.
func (p S3Path) URL() string {
	if p.check("url") != nil {
		return ""
	}
	k, err := p.client.use(context.Background())
	if err != nil {
		return ""
	}
	u, err := url.Parse(k.address(p.bucket))
	if err != nil {
		return ""
	}
	prefix := "/"
	if k.paths || strings.Contains(p.bucket, ".") && u.Scheme == "https" {
		prefix = "/" + p.bucket + "/"
	} else {
		u.Host = p.bucket + "." + u.Host
	}
	if p.key == "" {
		prefix = strings.TrimSuffix(prefix, "/")
	}
	address := u.Scheme + "://" + u.Host + prefix + escapeKey(p.key)
	if p.version != "" {
		address += "?versionId=" + url.QueryEscape(p.version)
	}
	return address
}

// address is the endpoint that a bucket is asked for at.
func (k *core) address(bucket string) string {
	if k.endpoint != "" {
		return k.endpoint
	}
	region := k.regionOf(bucket)
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain = "amazonaws.com.cn"
	}
	return "https://s3." + region + "." + domain
}

// escapeKey escapes a key for a URL's path as S3 signs it: everything but
// letters, digits, "-", ".", "_", "~" and the slashes.
func escapeKey(key string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String()
}

// awsHost is a host of S3's own, with or without a bucket before it.
var awsHost = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-](?:(?:dualstack|fips|accelerate)\.)*(?:[a-z0-9-]+))?\.amazonaws\.com(?:\.cn)?$`)

// PathFromURL is the path of an object's URL: what URL and PresignGet give, and
// what consoles and other programs print, path-style ("https://host/bucket/key")
// or virtual-hosted ("https://bucket.host/key"). The key is unescaped, a
// versionId in the query is kept, and the rest of the query, a signature
// included, is dropped. A URL of another endpoint than the client's is
// cloudpath.ErrInvalidPath. It makes no request.
func (c *Client) PathFromURL(address string) (S3Path, error) {
	k, err := c.use(context.Background())
	if err != nil {
		return S3Path{}, &fs.PathError{Op: "parse", Path: "URL", Err: err}
	}
	fail := func(reason string) (S3Path, error) {
		// The query may hold a signature, what stands before "@" a password.
		shown, _, _ := strings.Cut(address, "?")
		shown = redact(shown)
		return S3Path{}, &fs.PathError{Op: "parse", Path: shown, Err: fmt.Errorf("%w: %s", cloudpath.ErrInvalidPath, reason)}
	}
	u, err := url.Parse(address)
	if err != nil {
		return fail("it is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.User != nil {
		return fail("want https://host/bucket/key or https://bucket.host/key")
	}
	path := strings.TrimPrefix(u.EscapedPath(), "/")
	bucket, ok := k.bucketInHost(strings.ToLower(u.Host))
	if !ok {
		return fail("its host is not this client's endpoint, " + c.place())
	}
	if bucket == "" {
		bucket, path, _ = strings.Cut(path, "/")
		if bucket, err = url.PathUnescape(bucket); err != nil {
			return fail("its path is not escaped as a URL's is")
		}
	}
	key, err := url.PathUnescape(path)
	if err != nil {
		return fail("its path is not escaped as a URL's is")
	}
	p := c.Object(bucket, key)
	p.version = u.Query().Get("versionId")
	if err := p.check("parse"); err != nil {
		return fail("it names no bucket and key that S3 could have")
	}
	return p, nil
}

// bucketInHost is the bucket that a host names, "" when the path does; ok says
// whether the host is the client's endpoint at all.
func (k *core) bucketInHost(host string) (bucket string, ok bool) {
	if k.endpoint != "" {
		u, err := url.Parse(k.endpoint)
		if err != nil {
			return "", false
		}
		own := strings.ToLower(u.Host)
		if host == own {
			return "", true
		}
		bucket, ok = strings.CutSuffix(host, "."+own)
		return bucket, ok && bucket != ""
	}
	match := awsHost.FindStringSubmatch(host)
	if match == nil {
		return "", false
	}
	return match[1], true
}
