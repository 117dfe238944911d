package s3server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func TestBucketsOverTheWire(t *testing.T) {
	c := start(t, s3server.WithRegion("eu-west-1"))
	ctx := t.Context()
	sdk := c.sdk()
	for _, name := range []string{"zoo", "alpha", "alpine"} {
		in := &s3.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}
		if _, err := sdk.CreateBucket(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	in := &s3.CreateBucketInput{Bucket: aws.String("other"), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-west-3"}}
	if _, err := sdk.CreateBucket(ctx, in); refused(err, "IllegalLocationConstraintException") != nil {
		t.Errorf("another region: %v", err)
	}
	var names []string
	pages := s3.NewListBucketsPaginator(sdk, &s3.ListBucketsInput{MaxBuckets: aws.Int32(3)})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Buckets {
			names = append(names, *b.Name)
			if b.CreationDate == nil || b.CreationDate.IsZero() {
				t.Errorf("%s has no date", *b.Name)
			}
		}
	}
	if want := []string{"alpha", "alpine", "bucket", "zoo"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
	some, err := sdk.ListBuckets(ctx, &s3.ListBucketsInput{Prefix: aws.String("al")})
	if err != nil || len(some.Buckets) != 2 {
		t.Errorf("with a prefix: %+v, %v", some, err)
	}
	location, err := sdk.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("zoo")})
	if err != nil || location.LocationConstraint != "eu-west-1" {
		t.Errorf("location: %+v, %v", location, err)
	}
	if _, err := sdk.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("zoo")}); err != nil {
		t.Error(err)
	}
	if err := c.do("GET", "/zoo/k", "").is("GET", 404, "NoSuchBucket"); err != nil {
		t.Error(err)
	}
}

// TestDeleteObjectsOfTheSDK deletes a full batch.
func TestDeleteObjectsOfTheSDK(t *testing.T) {
	c := start(t)
	var ids []types.ObjectIdentifier
	for i := range 1000 {
		key := fmt.Sprintf("k & <%d>", i)
		if i%10 == 0 {
			c.put(key, "x")
		}
		ids = append(ids, types.ObjectIdentifier{Key: &key})
	}
	out, err := c.sdk().DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{Objects: ids}})
	if err != nil || len(out.Deleted) != 1000 || len(out.Errors) != 0 {
		t.Fatalf("%v, %+v", err, out)
	}
	if p := c.list(); p.KeyCount != 0 {
		t.Errorf("%d keys are left", p.KeyCount)
	}
}

func TestDeleteObjectsErrors(t *testing.T) {
	c := start(t)
	body := "<Delete><Object><Key>k</Key></Object></Delete>"
	many := "<Delete>" + strings.Repeat("<Object><Key>k</Key></Object>", 1001) + "</Delete>"
	for _, row := range []struct {
		name, body, header string
		code               string
	}{
		{"no checksum", body, "X-Nothing: x", "InvalidRequest"},
		{"a wrong MD5", body, md5Header("other"), "BadDigest"},
		{"a wrong CRC32", body, "x-amz-checksum-crc32: " + crc("other"), "BadDigest"},
		{"an MD5 that is none", body, "Content-MD5: x", "InvalidDigest"},
		{"no XML", "Delete", md5Header("Delete"), "MalformedXML"},
		{"no keys", "<Delete></Delete>", md5Header("<Delete></Delete>"), "MalformedXML"},
		{"more than a thousand keys", many, md5Header(many), "MalformedXML"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := c.do("POST", "/bucket?delete", row.body, row.header).is(row.name, 400, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	c.put("k", "x")
	if _, out := c.deleteMany(false, "<Key></Key>", "<Key>k</Key>"); len(out.Error) != 1 || len(out.Deleted) != 1 {
		t.Errorf("an empty key among others: %+v", out)
	}
}

func TestDeleteIfMatch(t *testing.T) {
	c := start(t)
	etag := c.put("k", "x").etag()
	if a := c.do("DELETE", at("missing"), "", "If-Match: "+etag); a.status != 204 {
		t.Errorf("a missing key: %d", a.status)
	}
	if a := c.do("DELETE", at("k"), "", "If-Match: "+etag); a.status != 204 {
		t.Errorf("the right ETag: %d", a.status)
	}
	if a := c.do("GET", at("k"), ""); a.status != 404 {
		t.Errorf("after it: %d", a.status)
	}
}
