package s3path

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// regionOf is where a bucket is known or supposed to live.
func (k *core) regionOf(bucket string) string {
	if region, ok := k.regions.Load(bucket); ok {
		return region.(string)
	}
	if region := regionInARN(bucket); region != "" && k.endpoint == "" {
		return region
	}
	return k.region
}

// regionInAnswer is the region that a refusal names. S3 says it in a header, on
// 301 (another region), 307 (a new bucket), 400 (signed for another region) and
// 403; other servers only in the text of the 400.
func regionInAnswer(err error) string {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil {
		return ""
	}
	region := ""
	switch answer.HTTPStatusCode() {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
		http.StatusBadRequest, http.StatusForbidden:
		region = answer.Response.Header.Get("X-Amz-Bucket-Region")
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && region == "" && api.ErrorCode() == "AuthorizationHeaderMalformed" {
		if found := expectedRegion.FindStringSubmatch(api.ErrorMessage()); found != nil {
			region = found[1]
		}
	}
	if !validRegion(region) {
		return ""
	}
	return region
}

// expectedRegion is in: the region 'us-east-1' is wrong; expecting 'eu-west-1'
var expectedRegion = regexp.MustCompile(`expecting ['"]([A-Za-z0-9-]+)['"]`)

// hearHead finds out what the refusal of a HEAD, which has no body, is about,
// where it may be one that the next request can mend. A nil error means: ask
// again.
//
// A 403 to a request that was signed with a clock that the answer's own Date
// contradicts: by now the SDK knows the difference. A 400, or a redirection,
// without a region: the same question as a GET has an answer with a body, from
// which the region or at least the reason can be read.
func (k *core) hearHead(ctx context.Context, bucket string, in *s3.HeadObjectInput, refused error) (region string, err error) {
	switch status(refused) {
	case http.StatusForbidden:
		if clockOff(refused) > 0 {
			return "", nil
		}
		return "", refused
	case http.StatusBadRequest, http.StatusMovedPermanently, http.StatusTemporaryRedirect:
	default:
		return "", refused
	}
	out, err := once(ctx, k, bucket, &s3.GetObjectInput{
		Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId, Range: aws.String("bytes=0-0"),
		SSECustomerAlgorithm: in.SSECustomerAlgorithm, SSECustomerKey: in.SSECustomerKey, SSECustomerKeyMD5: in.SSECustomerKeyMD5,
	}, (*s3.Client).GetObject)
	if err == nil {
		_ = out.Body.Close() // only its refusal would have been of interest
		return "", refused
	}
	if status(err) != status(refused) {
		return "", refused
	}
	return regionInAnswer(err), err
}

// skewAllowed is by how much a clock may be off before S3, at a quarter of an
// hour, and the SDK, sooner, do something about it.
const skewAllowed = 4 * time.Minute

// clockOff is how far the time that a refused request was signed with is from
// the server's, 0 where that is near enough or cannot be told.
func clockOff(err error) time.Duration {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](err)
	if !ok || answer.Response == nil || answer.Response.Request == nil {
		return 0
	}
	signed, err := time.Parse("20060102T150405Z", answer.Response.Request.Header.Get("X-Amz-Date"))
	if err != nil {
		return 0
	}
	server, err := http.ParseTime(answer.Response.Header.Get("Date"))
	if err != nil {
		return 0
	}
	if off := server.Sub(signed).Abs(); off > skewAllowed {
		return off
	}
	return 0
}
