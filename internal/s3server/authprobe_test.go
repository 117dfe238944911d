package s3server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

var demanded = []s3server.Option{s3server.WithCredentials("AKIDEXAMPLE", "secret"), s3server.WithRegion("us-east-1")}

// refused fails unless err is an S3 error with this code.
func refused(err error, code string) error {
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		return fmt.Errorf("got %v, want %s", err, code)
	}
	return nil
}

func (c *client) sdkPut(key, body string, change ...func(*s3.Options)) error {
	_, err := c.sdk(change...).PutObject(context.Background(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader(body)})
	return err
}

func withKeys(accessKey, secretKey, token string) func(*s3.Options) {
	return func(o *s3.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider(accessKey, secretKey, token)
	}
}

// presigned is a GET signed at some time for ten seconds.
func (c *client) presigned(key string, when time.Time) string {
	r, err := http.NewRequest("GET", c.url+at(key)+"?X-Amz-Expires=10", nil)
	if err != nil {
		c.fatalf("%v", err)
	}
	signed, _, err := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).PresignHTTP(context.Background(),
		aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, r, "UNSIGNED-PAYLOAD", "s3", "us-east-1", when)
	if err != nil {
		c.fatalf("%v", err)
	}
	return strings.TrimPrefix(signed, c.url)
}

var authProbes = []probe{
	{s3server.AnonymousRefused, "a request without a signature is AccessDenied", func(c *client) error {
		if err := c.sdkPut("k", "x"); err != nil {
			return err
		}
		return c.do("GET", at("k"), "").is("GET", 403, "AccessDenied")
	}, demanded},
	{s3server.SignatureCheck, "another secret is SignatureDoesNotMatch", func(c *client) error {
		return all(refused(c.sdkPut("k", "x", withKeys("AKIDEXAMPLE", "wrong", "")), "SignatureDoesNotMatch"),
			c.sdkPut("k", "x"))
	}, demanded},
	{s3server.SignatureCheck, "another access key is InvalidAccessKeyId", func(c *client) error {
		return refused(c.sdkPut("k", "x", withKeys("AKIDOTHER", "secret", "")), "InvalidAccessKeyId")
	}, demanded},
	{s3server.SignatureCheck, "a presigned request that was changed is SignatureDoesNotMatch", func(c *client) error {
		if err := c.sdkPut("k", "x"); err != nil {
			return err
		}
		good := c.presigned("k", time.Now())
		return all(equal("as it was", c.do("GET", good, "").body, "x"),
			c.do("GET", good+"&response-content-type=text%2Fhtml", "").is("changed", 403, "SignatureDoesNotMatch"))
	}, demanded},
	{s3server.PresignExpiry, "a presigned request is refused after its time", func(c *client) error {
		if err := c.sdkPut("k", "x"); err != nil {
			return err
		}
		return all(c.do("GET", c.presigned("k", time.Now().Add(-time.Minute)), "").is("expired", 403, "AccessDenied"),
			equal("in time", c.do("GET", c.presigned("k", time.Now()), "").body, "x"))
	}, demanded},
	{s3server.RegionCheck, "a signature for another region names the right one", func(c *client) error {
		other := func(o *s3.Options) { o.Region = "eu-north-1" }
		if err := refused(c.sdkPut("k", "x", other), "AuthorizationHeaderMalformed"); err != nil {
			return err
		}
		_, err := c.sdk(other).HeadBucket(context.Background(), &s3.HeadBucketInput{Bucket: aws.String(bucket)})
		var response interface{ HTTPStatusCode() int }
		if !errors.As(err, &response) || response.HTTPStatusCode() != 400 {
			return fmt.Errorf("HeadBucket: %v", err)
		}
		raw := c.do("GET", at("k"), "", "Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240101/eu-north-1/s3/aws4_request, SignedHeaders=host, Signature=00", "x-amz-content-sha256: UNSIGNED-PAYLOAD")
		return all(raw.is("GET", 400, "AuthorizationHeaderMalformed"), raw.has("x-amz-bucket-region", "us-east-1"),
			equal("Region element", strings.Contains(raw.body, "<Region>us-east-1</Region>"), true))
	}, demanded},
	{s3server.PayloadHash, "a body that is not the one signed is refused", func(c *client) error {
		r, err := http.NewRequest("PUT", c.url+at("k"), strings.NewReader("changed"))
		if err != nil {
			return err
		}
		const hashOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		r.Header.Set("X-Amz-Content-Sha256", hashOfNothing)
		if err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}, r, hashOfNothing, "s3", "us-east-1", time.Now()); err != nil {
			return err
		}
		resp, err := c.transport.RoundTrip(r)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return all(err, answer{resp.StatusCode, resp.Header, string(body)}.is("PUT", 400, "XAmzContentSHA256Mismatch"))
	}, demanded},
}
