package s3path

import (
	"context"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// URL is the object's address on its endpoint, escaped and unsigned. It makes
// no request; "" for a path that is not valid, for a client that is closed or, as
// the default one, cannot be configured, and for a bucket that its settings do not
// allow.
func (p S3Path) URL() string {
	if p.check("url") != nil {
		return ""
	}
	k, err := p.client.use(context.Background())
	if err != nil {
		return ""
	}
	address, err := k.address(p.bucket)
	if err != nil {
		return ""
	}
	if p.key != "" {
		address += "/" + escapeKey(p.key)
	}
	if p.version != "" {
		address += "?versionId=" + url.QueryEscape(p.version)
	}
	return address
}

// address is what a bucket's requests are sent to, without a slash at its end. The
// SDK's rules decide about it, as they do for requests: which names can stand in a
// host, what an access point's is, which domain a region has.
func (k *core) address(bucket string) (string, error) {
	o := k.sdk.Options()
	k.at(bucket)(&o)
	at, err := o.EndpointResolverV2.ResolveEndpoint(context.Background(), s3.EndpointParameters{
		Bucket:                         &bucket,
		Region:                         &o.Region,
		Endpoint:                       o.BaseEndpoint,
		UseFIPS:                        aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack:                   aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		ForcePathStyle:                 &o.UsePathStyle,
		Accelerate:                     &o.UseAccelerate,
		DisableMultiRegionAccessPoints: &o.DisableMultiRegionAccessPoints,
		UseArnRegion:                   &o.UseARNRegion,
		DisableS3ExpressSessionAuth:    o.DisableS3ExpressSessionAuth,
	}.WithDefaults())
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(at.URI.String(), "/"), nil
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
var awsHost = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-](?:(?:dualstack|fips|accelerate)\.)*(?:[a-z0-9-]+))?\.` + awsDomain + `$`)

// accessPoint is a host of an access point: its name, account, region and domain.
var accessPoint = regexp.MustCompile(`^([a-z0-9-]+)-(\d{12})\.s3-accesspoint(?:-fips)?(?:\.dualstack)?\.([a-z0-9-]+)\.` + awsDomain + `$`)

const awsDomain = `amazonaws\.(?:com|com\.cn|eu)`

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
	bucket, ok := k.bucketInHost(u.Scheme, strings.ToLower(u.Host))
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
func (k *core) bucketInHost(scheme, host string) (bucket string, ok bool) {
	host = withoutDefaultPort(scheme, host)
	if k.endpoint != "" {
		u, err := url.Parse(k.endpoint)
		if err != nil {
			return "", false
		}
		own := withoutDefaultPort(u.Scheme, strings.ToLower(u.Host))
		if host == own {
			return "", true
		}
		bucket, ok = strings.CutSuffix(host, "."+own)
		return bucket, ok && bucket != ""
	}
	if m := accessPoint.FindStringSubmatch(host); m != nil {
		name, account, region := m[1], m[2], m[3]
		return "arn:" + partition(region) + ":s3:" + region + ":" + account + ":accesspoint/" + name, true
	}
	if strings.Contains(host, ".s3-global.") {
		return "", false // of a multi-region access point, whose account it does not say
	}
	if m := awsHost.FindStringSubmatch(host); m != nil {
		return m[1], true
	}
	return "", false
}

func withoutDefaultPort(scheme, host string) string {
	return strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
}

// partition is the part of AWS that a region belongs to, in the words of an ARN.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	}
	return "aws"
}
