package s3server_test

import (
	"fmt"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

var bucketProbes = []probe{
	{s3server.DeleteErrors, "DeleteObjects reports each failure with its key", func(c *client) error {
		c.put("k", "x")
		long := strings.Repeat("k", 1025)
		_, out := c.deleteMany(false, "<Key>k</Key>", "<Key>"+long+"</Key>", "<Key>missing</Key>")
		if len(out.Deleted) != 2 || len(out.Error) != 1 || out.Error[0].Key != long || out.Error[0].Code != "KeyTooLongError" {
			return fmt.Errorf("got %+v", out)
		}
		return nil
	}, nil},
	{s3server.DeleteQuiet, "DeleteObjects with Quiet says nothing of success", func(c *client) error {
		c.put("k", "x")
		_, out := c.deleteMany(true, "<Key>k</Key>")
		return all(equal("Deleted", len(out.Deleted), 0), equal("GET", c.do("GET", at("k"), "").status, 404))
	}, nil},
	{s3server.BucketNotEmpty, "a bucket with an object is not deleted", func(c *client) error {
		c.put("k", "x")
		return all(c.do("DELETE", "/bucket", "").is("DELETE", 409, "BucketNotEmpty"), equal("GET", c.do("GET", at("k"), "").status, 200))
	}, nil},
	{s3server.BucketMissing, "a missing bucket is NoSuchBucket, a missing key NoSuchKey", func(c *client) error {
		return all(c.do("GET", at("k"), "").is("key", 404, "NoSuchKey"), c.do("GET", "/nobucket/k", "").is("bucket", 404, "NoSuchBucket"))
	}, nil},
	{s3server.BucketRegion, "HeadBucket reports the region", func(c *client) error {
		return c.do("HEAD", "/bucket", "").has("x-amz-bucket-region", "eu-west-1")
	}, []s3server.Option{s3server.WithRegion("eu-west-1")}},
	{s3server.BucketOwned, "a bucket made twice is BucketAlreadyOwnedByYou", func(c *client) error {
		return c.do("PUT", "/bucket", "").is("PUT", 409, "BucketAlreadyOwnedByYou")
	}, nil},
	{s3server.Versioning, "old versions are read, copied and deleted by id", func(c *client) error {
		c.enableVersions()
		one := c.put("k", "one").header.Get("x-amz-version-id")
		two := c.put("k", "two").header.Get("x-amz-version-id")
		if one == "" || one == two {
			return fmt.Errorf("version ids %q and %q", one, two)
		}
		get, head := c.do("GET", at("k")+"?versionId="+one, ""), c.do("HEAD", at("k")+"?versionId="+one, "")
		c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k")+"?versionId="+one)
		deleted := c.do("DELETE", at("k")+"?versionId="+two, "")
		return all(equal("GET", get.body, "one"), head.has("Content-Length", "3"), head.has("x-amz-version-id", one),
			equal("copy", c.do("GET", at("to"), "").body, "one"), equal("DELETE", deleted.status, 204),
			equal("current", c.do("GET", at("k"), "").body, "one"))
	}, nil},
	{s3server.MarkerHeaders, "a delete marker is told from a missing key", func(c *client) error {
		c.enableVersions()
		c.put("k", "x")
		deleted := c.do("DELETE", at("k"), "")
		id := deleted.header.Get("x-amz-version-id")
		get, byID := c.do("GET", at("k"), ""), c.do("GET", at("k")+"?versionId="+id, "")
		return all(deleted.has("x-amz-delete-marker", "true"),
			get.is("GET", 404, "NoSuchKey"), get.has("x-amz-delete-marker", "true"), get.has("x-amz-version-id", id),
			byID.is("GET by id", 405, "MethodNotAllowed"), byID.has("x-amz-delete-marker", "true"))
	}, nil},
}
