package s3server_test

import (
	"crypto/md5"
	"fmt"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

const minPart = 5 << 20

var multipartProbes = []probe{
	{s3server.PartCopy, "UploadPartCopy copies a stretch", func(c *client) error {
		c.put("k", "hello, world")
		id := c.upload("to")
		a := c.do("PUT", at("to")+"?partNumber=1&uploadId="+id, "", "x-amz-copy-source: "+at("k"))
		var out struct{ ETag string }
		c.parse(a, &out)
		return all(equal("Complete", c.complete("to", id, []string{out.ETag}).status, 200), equal("body", c.do("GET", at("to"), "").body, "hello, world"))
	}, nil},
	{s3server.PartCopyRange, "UploadPartCopy honours its range and refuses one behind the end", func(c *client) error {
		c.put("k", "hello, world")
		id := c.upload("to")
		copied := c.do("PUT", at("to")+"?partNumber=1&uploadId="+id, "", "x-amz-copy-source: "+at("k"), "x-amz-copy-source-range: bytes=7-11")
		behind := c.do("PUT", at("to")+"?partNumber=1&uploadId="+id, "", "x-amz-copy-source: "+at("k"), "x-amz-copy-source-range: bytes=7-12")
		var out struct{ ETag string }
		c.parse(copied, &out)
		if err := behind.is("behind", 400, "InvalidArgument"); err != nil {
			return err
		}
		return all(equal("Complete", c.complete("to", id, []string{out.ETag}).status, 200), equal("body", c.do("GET", at("to"), "").body, "world"))
	}, nil},
	{s3server.MinimumPartSize, "a small part before the last is EntityTooSmall", func(c *client) error {
		id := c.upload("k")
		one, two := c.part("k", id, 1, "small").etag(), c.part("k", id, 2, "last").etag()
		return c.complete("k", id, []string{one, two}).is("Complete", 400, "EntityTooSmall")
	}, nil},
	{s3server.MultipartETag, "the ETag of parts ends in their number", func(c *client) error {
		big := strings.Repeat("x", minPart)
		c.inParts("k", big, "last")
		one, two := md5.Sum([]byte(big)), md5.Sum([]byte("last"))
		want := fmt.Sprintf(`"%x-2"`, md5.Sum(append(one[:], two[:]...)))
		return c.do("HEAD", at("k"), "").has("ETag", want)
	}, nil},
	{s3server.UploadListing, "ListParts goes page by page", func(c *client) error {
		id := c.upload("k")
		for n := range 3 {
			c.part("k", id, n*2+1, "part")
		}
		var first, second struct {
			IsTruncated          bool
			NextPartNumberMarker int
			Part                 []struct{ PartNumber int }
		}
		c.parse(c.do("GET", at("k")+"?max-parts=2&uploadId="+id, ""), &first)
		c.parse(c.do("GET", at("k")+"?max-parts=2&part-number-marker=3&uploadId="+id, ""), &second)
		return all(equal("first", fmt.Sprint(first), "{true 3 [{1} {3}]}"), equal("second", fmt.Sprint(second), "{false 5 [{5}]}"))
	}, nil},
	{s3server.UploadListing, "ListMultipartUploads goes page by page, by key and age", func(c *client) error {
		ids := []string{c.upload("b"), c.upload("a"), c.upload("a"), c.upload("dir/x")}
		var got []string
		query, pages := "", 0
		for {
			pages++
			var p struct {
				IsTruncated                       bool
				NextKeyMarker, NextUploadIdMarker string
				Upload                            []struct{ Key, UploadId string }
				CommonPrefixes                    []struct{ Prefix string }
			}
			c.parse(c.do("GET", "/bucket?uploads&delimiter=/&max-uploads=1"+query, ""), &p)
			for _, u := range p.Upload {
				got = append(got, u.UploadId)
			}
			for _, u := range p.CommonPrefixes {
				got = append(got, u.Prefix)
			}
			if !p.IsTruncated {
				break
			}
			query = "&" + encodeQuery([]string{"key-marker=" + p.NextKeyMarker, "upload-id-marker=" + p.NextUploadIdMarker})
		}
		return all(equal("pages", pages, 4), same("uploads", got, []string{ids[1], ids[2], ids[0], "dir/"}))
	}, nil},
}
