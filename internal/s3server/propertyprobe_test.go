package s3server_test

import (
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

// given is an object with every property.
var given = []string{
	"Content-Type: text/csv", "Cache-Control: max-age=60", "Content-Disposition: attachment", "Content-Encoding: gzip",
	"Content-Language: de", "Expires: Mon, 02 Jan 2040 15:04:05 GMT", "x-amz-meta-Who: me", "x-amz-storage-class: STANDARD_IA",
}

func hasGiven(a answer) error {
	for _, h := range given {
		name, value, _ := strings.Cut(h, ": ")
		if err := a.has(name, value); err != nil {
			return err
		}
	}
	return nil
}

func tagging(pairs ...string) string {
	var b strings.Builder
	b.WriteString("<Tagging><TagSet>")
	for i := 0; i < len(pairs); i += 2 {
		b.WriteString("<Tag><Key>" + pairs[i] + "</Key><Value>" + pairs[i+1] + "</Value></Tag>")
	}
	return b.String() + "</TagSet></Tagging>"
}

func (c *client) tags(key string) string {
	var out struct {
		Tag []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	c.parse(c.do("GET", at(key)+"?tagging", ""), &out)
	var b strings.Builder
	for _, t := range out.Tag {
		b.WriteString(t.Key + "=" + t.Value + ";")
	}
	return b.String()
}

var propertyProbes = []probe{
	{s3server.Properties, "properties come back from GET and HEAD", func(c *client) error {
		c.put("k", "x", given...)
		return all(hasGiven(c.do("GET", at("k"), "")), hasGiven(c.do("HEAD", at("k"), "")), equal("StorageClass", c.list().Contents[0].StorageClass, "STANDARD_IA"))
	}, nil},
	{s3server.Properties, "an upload in parts keeps the properties it began with", func(c *client) error {
		id := c.upload("k", given...)
		etag := c.part("k", id, 1, "x").etag()
		return all(equal("Complete", c.complete("k", id, []string{etag}).status, 200), hasGiven(c.do("GET", at("k"), "")))
	}, nil},
	{s3server.Properties, "a copy keeps properties, but not the storage class", func(c *client) error {
		c.put("k", "x", given...)
		c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"))
		a := c.do("GET", at("to"), "")
		err := hasGiven(a)
		return all(equal("all but the class", err != nil && strings.Contains(err.Error(), "storage-class"), true), a.has("x-amz-storage-class", ""))
	}, nil},
	{s3server.Properties, "a PUT keeps nothing of what it replaces", func(c *client) error {
		c.put("k", "x", given...)
		if err := c.do("GET", at("k"), "").has("x-amz-meta-who", "me"); err != nil {
			return err
		}
		c.put("k", "y")
		a := c.do("GET", at("k"), "")
		return all(a.has("Cache-Control", ""), a.has("x-amz-meta-who", ""), a.has("Content-Type", "binary/octet-stream"))
	}, nil},
	{s3server.MetadataDirective, "a copy with REPLACE has the new properties only", func(c *client) error {
		c.put("k", "x", "Cache-Control: no-store", "x-amz-meta-old: 1")
		c.do("PUT", at("k"), "", "x-amz-copy-source: "+at("k"), "x-amz-metadata-directive: REPLACE", "x-amz-meta-new: 2", "Content-Type: text/plain")
		a := c.do("GET", at("k"), "")
		return all(a.has("x-amz-meta-new", "2"), a.has("x-amz-meta-old", ""), a.has("Cache-Control", ""), a.has("Content-Type", "text/plain"), equal("body", a.body, "x"))
	}, nil},
	{s3server.SelfCopyRefused, "a self-copy without a change is 400", func(c *client) error {
		c.put("k", "x")
		return c.do("PUT", at("k"), "", "x-amz-copy-source: "+at("k")).is("Copy", 400, "InvalidRequest")
	}, nil},
	{s3server.Tagging, "tags are set, read and deleted", func(c *client) error {
		c.put("k", "x")
		put := c.do("PUT", at("k")+"?tagging", tagging("b", "2", "a", "1"))
		get := c.do("GET", at("k")+"?tagging", "")
		if err := all(equal("PUT", put.status, 200), equal("GET", get.status, 200), equal("tags", c.tags("k"), "a=1;b=2;")); err != nil {
			return err
		}
		deleted := c.do("DELETE", at("k")+"?tagging", "")
		return all(equal("DELETE", deleted.status, 204), equal("tags", c.tags("k"), ""))
	}, nil},
	{s3server.TaggingHeaders, "x-amz-tagging sets tags, and their number comes back", func(c *client) error {
		c.put("k", "x", "x-amz-tagging: a=1&b=x%20y")
		return all(equal("tags", c.tags("k"), "a=1;b=x y;"), c.do("HEAD", at("k"), "").has("x-amz-tagging-count", "2"))
	}, nil},
	{s3server.TaggingHeaders, "x-amz-tagging on CreateMultipartUpload", func(c *client) error {
		id := c.upload("k", "x-amz-tagging: a=1")
		c.complete("k", id, []string{c.part("k", id, 1, "x").etag()})
		return equal("tags", c.tags("k"), "a=1;")
	}, nil},
	{s3server.TaggingDirective, "a copy keeps tags or replaces them", func(c *client) error {
		c.put("k", "x")
		c.do("PUT", at("k")+"?tagging", tagging("old", "1"))
		c.do("PUT", at("kept"), "", "x-amz-copy-source: "+at("k"))
		c.do("PUT", at("new"), "", "x-amz-copy-source: "+at("k"), "x-amz-tagging-directive: REPLACE", "x-amz-tagging: new=2")
		return all(equal("kept", c.tags("kept"), "old=1;"), equal("new", c.tags("new"), "new=2;"))
	}, nil},
}
