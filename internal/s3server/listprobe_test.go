package s3server_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func same(what string, got, want []string) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s: got %q, want %q", what, got, want)
	}
	return nil
}

var listProbes = []probe{
	{s3server.DelimiterOnce, "dir/ is listed once and counts once", func(c *client) error {
		for _, key := range []string{"dir/", "dir/a", "dir/b", "z"} {
			c.put(key, "x")
		}
		p := c.list("delimiter=/", "max-keys=2")
		return all(same("prefixes", p.prefixes(), []string{"dir/"}), same("keys", p.keys(), []string{"z"}),
			equal("KeyCount", p.KeyCount, 2), equal("IsTruncated", p.IsTruncated, false))
	}, nil},
	{s3server.ListingPages, "max-keys and the token cut a listing into pages", func(c *client) error {
		for _, key := range []string{"a", "b", "c"} {
			c.put(key, "x")
		}
		first := c.list("max-keys=2")
		second := c.list("max-keys=2", "continuation-token="+first.NextContinuationToken)
		return all(same("first", first.keys(), []string{"a", "b"}), equal("truncated", first.IsTruncated, true),
			same("second", second.keys(), []string{"c"}), equal("truncated", second.IsTruncated, false))
	}, nil},
	{s3server.ListingPages, "start-after begins behind its key", func(c *client) error {
		c.put("a", "x")
		c.put("b", "x")
		p := c.list("start-after=a")
		return all(same("keys", p.keys(), []string{"b"}), equal("StartAfter", p.StartAfter, "a"))
	}, nil},
	{s3server.ListingPages, "a token that is none is 400", func(c *client) error {
		return c.do("GET", "/bucket?list-type=2&continuation-token=nonsense", "").is("list", 400, "InvalidArgument")
	}, nil},
	{s3server.ListingPages, "WithPageSize caps max-keys", func(c *client) error {
		for _, key := range []string{"a", "b", "c"} {
			c.put(key, "x")
		}
		p := c.list("max-keys=1000")
		return all(same("keys", p.keys(), []string{"a", "b"}), equal("MaxKeys", p.MaxKeys, 2), equal("truncated", p.IsTruncated, true))
	}, []s3server.Option{s3server.WithPageSize(2)}},
	{s3server.EncodingURL, "encoding-type=url escapes and is echoed", func(c *client) error {
		c.put("d x/ü\x01+%", "x")
		p := c.list("encoding-type=url", "prefix=d x/")
		q := c.list("encoding-type=url", "delimiter=x/", "start-after=a b")
		return all(equal("EncodingType", p.EncodingType, "url"), equal("Prefix", p.Prefix, "d+x/"),
			same("keys", p.keys(), []string{"d+x/%C3%BC%01%2B%25"}),
			same("prefixes", q.prefixes(), []string{"d+x/"}), equal("StartAfter", q.StartAfter, "a+b"))
	}, nil},
	{s3server.FetchOwner, "fetch-owner reports owners, its absence none", func(c *client) error {
		c.put("k", "x")
		with, without := c.list("fetch-owner=true"), c.list()
		if with.Contents[0].Owner == nil || with.Contents[0].Owner.ID == "" || without.Contents[0].Owner != nil {
			return fmt.Errorf("got %v and %v", with.Contents[0].Owner, without.Contents[0].Owner)
		}
		return nil
	}, nil},
	{s3server.SubSecondListing, "LIST has milliseconds, HEAD whole seconds", func(c *client) error {
		for i := range 50 { // a time may fall on a whole second
			c.put(fmt.Sprint(i), "x")
		}
		fraction := false
		for _, o := range c.list().Contents {
			if !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$`).MatchString(o.LastModified) {
				return fmt.Errorf("LastModified %q", o.LastModified)
			}
			fraction = fraction || !strings.HasSuffix(o.LastModified, ".000Z")
		}
		return all(equal("some fraction", fraction, true))
	}, nil},
	{s3server.VersionPages, "ListObjectVersions goes on behind a version", func(c *client) error {
		c.enableVersions()
		for range 3 {
			c.put("a", "x")
		}
		c.put("b", "x")
		var got []string
		query, pages := "", 0
		for {
			var p pageOfVersions
			c.parse(c.do("GET", "/bucket?versions&max-keys=2"+query, ""), &p)
			pages++
			for _, v := range p.Version {
				got = append(got, v.Key+fmt.Sprint(v.IsLatest))
			}
			if !p.IsTruncated {
				break
			}
			query = "&" + encodeQuery([]string{"key-marker=" + p.NextKeyMarker, "version-id-marker=" + p.NextVersionIdMarker})
		}
		return all(same("versions", got, []string{"atrue", "afalse", "afalse", "btrue"}), equal("pages", pages, 2))
	}, nil},
}

type pageOfVersions struct {
	IsTruncated                        bool
	NextKeyMarker, NextVersionIdMarker string
	Version, DeleteMarker              []struct {
		Key, VersionId, ETag string
		Size                 int64
		IsLatest             bool
	}
	CommonPrefixes []struct{ Prefix string }
}
