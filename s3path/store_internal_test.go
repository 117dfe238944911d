package s3path

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// TestListedBucket: an answer has to name the bucket that was asked about. An
// access point answers with the name of the bucket behind it, but not with none.
func TestListedBucket(t *testing.T) {
	const arn = "arn:aws:s3:eu-west-1:123456789012:accesspoint/ap"
	for _, row := range []struct {
		asked  string
		answer *string
		ok     bool
	}{
		{"bucket", aws.String("bucket"), true},
		{"bucket", aws.String("other"), false},
		{"bucket", aws.String(""), false},
		{"bucket", nil, false},
		{arn, aws.String("behind"), true},
		{arn, nil, false},
		{"ap-0123456789-s3alias", aws.String("behind"), true},
		{"ap-0123456789-s3alias", nil, false},
	} {
		err := store{p: S3Path{bucket: row.asked}}.checkName(row.answer)
		if row.ok != (err == nil) || !row.ok && !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%s answered as %q: %v", row.asked, aws.ToString(row.answer), err)
		}
	}
}

// TestOrderedStores: directory buckets list in no order.
func TestOrderedStores(t *testing.T) {
	for bucket, want := range map[string]bool{"bucket": true, "bucket--use1-az4--x-s3": false, "x-s3": true} {
		if got := (store{p: S3Path{bucket: bucket}}).Ordered(); got != want {
			t.Errorf("%s: %v", bucket, got)
		}
	}
}
