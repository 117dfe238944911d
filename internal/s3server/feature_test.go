package s3server_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

// probe shows one behaviour: it passes on a full server, and fails without the feature.
type probe struct {
	feature s3server.Feature
	name    string
	run     func(c *client) error
	opts    []s3server.Option
}

func probes() []probe {
	var all []probe
	for _, some := range [][]probe{conditionProbes, listProbes, bodyProbes, multipartProbes, propertyProbes, bucketProbes, authProbes} {
		all = append(all, some...)
	}
	return all
}

// on runs the probe against one server.
func (p probe) on(c *client) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case failed:
			err = errors.New(string(r))
		default:
			panic(r)
		}
	}()
	c.probing = true
	return p.run(c)
}

func TestFeatures(t *testing.T) {
	for _, p := range probes() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if err := p.on(start(t, p.opts...)); err != nil {
				t.Errorf("with it: %v", err)
			}
			if err := p.on(start(t, append(p.opts[:len(p.opts):len(p.opts)], s3server.Without(p.feature))...)); err == nil {
				t.Error("the probe passes without the behaviour it probes")
			}
		})
	}
}

// TestEveryFeatureIsProbed keeps the table above complete.
func TestEveryFeatureIsProbed(t *testing.T) {
	probed := make(map[s3server.Feature]bool)
	for _, p := range probes() {
		probed[p.feature] = true
	}
	for f := range s3server.FeatureCount {
		if !probed[f] {
			t.Errorf("%v has no probe", f)
		}
	}
}

var conditionProbes = []probe{
	{s3server.ConditionalRead, "GET and HEAD If-Match stale are 412", func(c *client) error {
		c.put("k", "x")
		get, head := c.do("GET", at("k"), "", `If-Match: "stale"`), c.do("HEAD", at("k"), "", `If-Match: "stale"`)
		return all(get.is("GET", 412, "PreconditionFailed"), equal("HEAD", head.status, 412))
	}, nil},
	{s3server.ConditionalRead, "GET and HEAD If-None-Match current are 304", func(c *client) error {
		etag := c.put("k", "x").etag()
		get, head := c.do("GET", at("k"), "", "If-None-Match: "+etag), c.do("HEAD", at("k"), "", "If-None-Match: "+etag)
		return all(equal("GET", get.status, 304), equal("HEAD", head.status, 304), equal("ETag", get.etag(), etag), equal("body", get.body, ""))
	}, nil},
	{s3server.ConditionalRead, "GET If-Modified-Since now is 304", func(c *client) error {
		c.put("k", "x")
		since := c.do("HEAD", at("k"), "").header.Get("Last-Modified")
		return equal("GET", c.do("GET", at("k"), "", "If-Modified-Since: "+since).status, 304)
	}, nil},
	{s3server.ConditionalRead, "GET If-Unmodified-Since long ago is 412", func(c *client) error {
		c.put("k", "x")
		return c.do("GET", at("k"), "", "If-Unmodified-Since: Mon, 02 Jan 2006 15:04:05 GMT").is("GET", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalPut, "PUT If-None-Match on an object is 412", func(c *client) error {
		c.put("k", "old")
		return all(c.do("PUT", at("k"), "new", "If-None-Match: *").is("PUT", 412, "PreconditionFailed"), equal("body", c.do("GET", at("k"), "").body, "old"))
	}, nil},
	{s3server.ConditionalPut, "PUT If-Match stale is 412", func(c *client) error {
		c.put("k", "old")
		return all(c.do("PUT", at("k"), "new", `If-Match: "stale"`).is("PUT", 412, "PreconditionFailed"), equal("body", c.do("GET", at("k"), "").body, "old"))
	}, nil},
	{s3server.ConditionalPut, "PUT If-Match on a missing key is 404", func(c *client) error {
		return c.do("PUT", at("k"), "new", `If-Match: "any"`).is("PUT", 404, "NoSuchKey")
	}, nil},
	{s3server.ConditionalComplete, "Complete If-None-Match on an object is 412", func(c *client) error {
		c.put("k", "old")
		id := c.upload("k")
		etag := c.part("k", id, 1, "new").etag()
		return all(c.complete("k", id, []string{etag}, "If-None-Match: *").is("Complete", 412, "PreconditionFailed"), equal("body", c.do("GET", at("k"), "").body, "old"))
	}, nil},
	{s3server.ConditionalComplete, "Complete If-Match stale is 412", func(c *client) error {
		c.put("k", "old")
		id := c.upload("k")
		etag := c.part("k", id, 1, "new").etag()
		return c.complete("k", id, []string{etag}, `If-Match: "stale"`).is("Complete", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalCopySource, "Copy of a changed source is 412", func(c *client) error {
		c.put("k", "x")
		return c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"), `x-amz-copy-source-if-match: "stale"`).is("Copy", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalCopySource, "Copy of an unchanged source with If-None-Match is 412", func(c *client) error {
		etag := c.put("k", "x").etag()
		return c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"), "x-amz-copy-source-if-none-match: "+etag).is("Copy", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalCopySource, "UploadPartCopy of a changed source is 412", func(c *client) error {
		c.put("k", "x")
		id := c.upload("to")
		return c.do("PUT", at("to")+"?partNumber=1&uploadId="+id, "", "x-amz-copy-source: "+at("k"), `x-amz-copy-source-if-match: "stale"`).is("UploadPartCopy", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalCopy, "Copy If-None-Match onto an object is 412", func(c *client) error {
		c.put("k", "x")
		c.put("to", "old")
		return all(c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"), "If-None-Match: *").is("Copy", 412, "PreconditionFailed"), equal("body", c.do("GET", at("to"), "").body, "old"))
	}, nil},
	{s3server.ConditionalCopy, "Copy If-Match onto a changed object is 412", func(c *client) error {
		c.put("k", "x")
		c.put("to", "old")
		return c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"), `If-Match: "stale"`).is("Copy", 412, "PreconditionFailed")
	}, nil},
	{s3server.ConditionalDelete, "DELETE If-Match stale is 412", func(c *client) error {
		c.put("k", "x")
		return all(c.do("DELETE", at("k"), "", `If-Match: "stale"`).is("DELETE", 412, "PreconditionFailed"), equal("GET", c.do("GET", at("k"), "").status, 200))
	}, nil},
	{s3server.ConditionalDelete, "DeleteObjects with a stale ETag reports it", func(c *client) error {
		c.put("k", "x")
		_, out := c.deleteMany(false, "<Key>k</Key><ETag>stale</ETag>")
		if len(out.Error) != 1 || out.Error[0].Code != "PreconditionFailed" {
			return fmt.Errorf("got %+v", out)
		}
		return nil
	}, nil},
}
