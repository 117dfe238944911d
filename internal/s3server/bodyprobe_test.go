package s3server_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func crc(body string) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
}

// framed is a body in unsigned aws-chunked frames of 7 bytes, with a CRC32 trailer.
func framed(body, checksum string) (string, []string) {
	var b strings.Builder
	rest := body
	for rest != "" {
		n := min(7, len(rest))
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, rest[:n])
		rest = rest[n:]
	}
	fmt.Fprintf(&b, "0\r\nx-amz-checksum-crc32:%s\r\n\r\n", checksum)
	return b.String(), []string{
		"Content-Encoding: aws-chunked", "x-amz-trailer: x-amz-checksum-crc32",
		"x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER",
		fmt.Sprint("x-amz-decoded-content-length: ", len(body)),
	}
}

var bodyProbes = []probe{
	{s3server.ChecksumReport, "checksums come back when asked for, and not on a range", func(c *client) error {
		c.put("k", "hello", "x-amz-checksum-crc32: "+crc("hello"))
		enabled := "x-amz-checksum-mode: ENABLED"
		return all(
			c.do("GET", at("k"), "", enabled).has("x-amz-checksum-crc32", crc("hello")),
			c.do("HEAD", at("k"), "", enabled).has("x-amz-checksum-crc32", crc("hello")),
			c.do("HEAD", at("k"), "", enabled).has("x-amz-checksum-type", "FULL_OBJECT"),
			c.do("GET", at("k"), "", enabled, "Range: bytes=0-4").has("x-amz-checksum-crc32", crc("hello")),
			c.do("GET", at("k"), "", enabled, "Range: bytes=1-2").has("x-amz-checksum-crc32", ""),
			c.do("GET", at("k"), "").has("x-amz-checksum-crc32", ""))
	}, nil},
	{s3server.ChecksumCheck, "a wrong CRC32 header is 400", func(c *client) error {
		return all(c.do("PUT", at("k"), "hello", "x-amz-checksum-crc32: "+crc("other")).is("PUT", 400, "BadDigest"), equal("GET", c.do("GET", at("k"), "").status, 404))
	}, nil},
	{s3server.ChecksumCheck, "a wrong CRC32 trailer is 400", func(c *client) error {
		body, headers := framed("hello, world", crc("other"))
		return all(c.do("PUT", at("k"), body, headers...).is("PUT", 400, "BadDigest"), equal("GET", c.do("GET", at("k"), "").status, 404))
	}, nil},
	{s3server.ChecksumCheck, "a wrong CRC32 of a part is 400", func(c *client) error {
		id := c.upload("k")
		return c.do("PUT", at("k")+"?partNumber=1&uploadId="+id, "hello", "x-amz-checksum-crc32: "+crc("other")).is("part", 400, "BadDigest")
	}, nil},
	{s3server.ContentMD5Check, "a wrong Content-MD5 is 400", func(c *client) error {
		return all(c.do("PUT", at("k"), "hello", md5Header("other")).is("PUT", 400, "BadDigest"), equal("GET", c.do("GET", at("k"), "").status, 404))
	}, nil},
	{s3server.AWSChunked, "aws-chunked frames are not part of the object", func(c *client) error {
		body, headers := framed("hello, world", crc("hello, world"))
		c.put("k", body, append(headers, "Content-Type: text/plain")...)
		get := c.do("GET", at("k"), "")
		return all(equal("body", get.body, "hello, world"), get.has("Content-Encoding", ""))
	}, nil},
	{s3server.UnsatisfiableRange, "a range behind the end is 416", func(c *client) error {
		c.put("k", "hello")
		a := c.do("GET", at("k"), "", "Range: bytes=5-")
		return all(a.is("GET", 416, "InvalidRange"), a.has("Content-Range", "bytes */5"))
	}, nil},
	{s3server.UnsatisfiableRange, "any range of an empty object is 416", func(c *client) error {
		c.put("k", "")
		return all(c.do("GET", at("k"), "", "Range: bytes=0-").is("GET", 416, "InvalidRange"), c.do("GET", at("k"), "", "Range: bytes=-5").is("GET", 416, "InvalidRange"))
	}, nil},
	{s3server.SuffixRange, "a suffix range is the end", func(c *client) error {
		c.put("k", "hello")
		a, b := c.do("GET", at("k"), "", "Range: bytes=-2"), c.do("GET", at("k"), "", "Range: bytes=-20")
		return all(equal("body", a.body, "lo"), a.has("Content-Range", "bytes 3-4/5"), equal("status", b.status, 206), equal("body", b.body, "hello"))
	}, nil},
	{s3server.ResponseOverrides, "response-* overrides headers", func(c *client) error {
		c.put("k", "x", "Content-Type: text/plain")
		a := c.do("GET", at("k")+"?response-content-type=image%2Fpng&response-content-disposition=inline&response-cache-control=no-store", "")
		return all(a.has("Content-Type", "image/png"), a.has("Content-Disposition", "inline"), a.has("Cache-Control", "no-store"))
	}, nil},
	{s3server.RefuseCustomerKeys, "SSE-C over plain http is 400", func(c *client) error {
		key := "x-amz-server-side-encryption-customer-algorithm: AES256"
		return all(c.do("PUT", at("k"), "x", key).is("PUT", 400, "InvalidRequest"), equal("GET", c.do("GET", at("k"), "").status, 404))
	}, nil},
	{s3server.KeyLength, "a key above 1024 bytes is 400", func(c *client) error {
		return all(c.do("PUT", at(strings.Repeat("k", 1025)), "x").is("PUT", 400, "KeyTooLongError"), equal("1024", c.do("PUT", at(strings.Repeat("k", 1024)), "x").status, 200))
	}, nil},
	{s3server.ArchiveAccess, "an archived object is 403 until it is restored", func(c *client) error {
		c.put("k", "x", "x-amz-storage-class: GLACIER")
		before := c.do("GET", at("k"), "")
		restore := c.do("POST", at("k")+"?restore", "<RestoreRequest><Days>1</Days></RestoreRequest>")
		after := c.do("GET", at("k"), "")
		return all(before.is("GET", 403, "InvalidObjectState"), equal("restore", restore.status, 202), equal("body", after.body, "x"),
			equal("x-amz-restore", strings.HasPrefix(after.header.Get("x-amz-restore"), `ongoing-request="false"`), true))
	}, nil},
}
