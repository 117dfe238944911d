package s3server_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestSignedOddKeys has the SDK sign requests for every odd key: the server must come to
// the same signature.
func TestSignedOddKeys(t *testing.T) {
	c := start(t, demanded...)
	ctx, b := t.Context(), aws.String(bucket)
	sdk := c.sdk(withKeys("AKIDEXAMPLE", "secret", "session/token+="))
	presign := s3.NewPresignClient(sdk)
	for _, key := range oddKeys {
		if _, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: b, Key: &key, Body: strings.NewReader(key), Metadata: map[string]string{"spaces": "a   b"}}); err != nil {
			t.Errorf("PUT %q: %v", key, err)
			continue
		}
		if _, err := sdk.CopyObject(ctx, &s3.CopyObjectInput{Bucket: b, Key: aws.String("copy"), CopySource: aws.String(bucket + "/" + escapeKey(key))}); err != nil {
			t.Errorf("copy of %q: %v", key, err)
		}
		if _, err := sdk.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b, Prefix: &key, StartAfter: aws.String("a b+c"), EncodingType: types.EncodingTypeUrl}); err != nil {
			t.Errorf("list of %q: %v", key, err)
		}
		get, err := presign.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: b, Key: &key, ResponseContentDisposition: aws.String(`attachment; filename="a b.txt"`)})
		if err != nil {
			t.Fatal(err)
		}
		if a := c.do("GET", strings.TrimPrefix(get.URL, c.url), ""); a.body != key || a.header.Get("Content-Disposition") != `attachment; filename="a b.txt"` {
			t.Errorf("presigned GET %q: %d %s", key, a.status, a.body)
		}
	}
}

// TestPresignedWithoutCredentials: a server that takes every signature still sees that
// the time of one is over.
func TestPresignedWithoutCredentials(t *testing.T) {
	c := start(t)
	c.put("k", "x")
	if a := c.do("GET", c.presigned("k", time.Now()), ""); a.body != "x" {
		t.Errorf("in time: %d %s", a.status, a.body)
	}
	if err := c.do("GET", c.presigned("k", time.Now().Add(-time.Minute)), "").is("expired", 403, "AccessDenied"); err != nil {
		t.Error(err)
	}
}

func TestPresignedPut(t *testing.T) {
	c := start(t, demanded...)
	put, err := s3.NewPresignClient(c.sdk()).PresignPutObject(t.Context(),
		&s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), ContentType: aws.String("text/plain"), Metadata: map[string]string{"who": "me"}})
	if err != nil {
		t.Fatal(err)
	}
	var headers []string
	for name, values := range put.SignedHeader {
		if name != "Host" && name != "Content-Length" {
			headers = append(headers, name+": "+values[0])
		}
	}
	path := strings.TrimPrefix(put.URL, c.url)
	if err := c.do("PUT", path, "x", append(headers, "x-amz-acl: public-read")...).is("PUT with a header that is not signed", 403, "AccessDenied"); err != nil {
		t.Error(err)
	}
	if a := c.do("PUT", path, "x", headers...); a.status != 200 {
		t.Errorf("PUT: %d %s", a.status, a.body)
	}
	if a := c.do("GET", c.presigned("k", time.Now()), ""); a.body != "x" || a.header.Get("x-amz-meta-who") != "me" {
		t.Errorf("GET: %q %v", a.body, a.header)
	}
}

func TestAuthenticationErrors(t *testing.T) {
	c := start(t, demanded...)
	now := time.Now().UTC()
	good := c.presigned("k", now)
	scope := now.Format("20060102") + "/us-east-1/s3/aws4_request"
	for _, row := range []struct {
		name, path string
		headers    []string
		status     int
		code       string
	}{
		{"another mechanism", at("k"), []string{"Authorization: AWS AKIDEXAMPLE:abc"}, 400, "InvalidRequest"},
		{"a credential that is none", at("k"), []string{"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE, SignedHeaders=host, Signature=00"}, 400, "AuthorizationHeaderMalformed"},
		{"no signature", at("k"), []string{"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + scope + ", SignedHeaders=host"}, 400, "AuthorizationHeaderMalformed"},
		{"no content hash", at("k"), []string{"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + scope + ", SignedHeaders=host, Signature=00"}, 400, "InvalidRequest"},
		{"an old clock", at("k"), []string{"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20200101/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=00", "x-amz-date: 20200101T000000Z", "x-amz-content-sha256: UNSIGNED-PAYLOAD"}, 403, "RequestTimeTooSkewed"},
		{"headers that are not signed", at("k"), []string{"Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/" + scope + ", SignedHeaders=host, Signature=00", "x-amz-date: " + now.Format("20060102T150405Z"), "x-amz-content-sha256: UNSIGNED-PAYLOAD"}, 403, "AccessDenied"},
		{"another service", strings.Replace(good, "%2Fs3%2F", "%2Fsts%2F", 1), nil, 400, "AuthorizationQueryParametersError"},
		{"another region in the query", strings.Replace(good, "us-east-1", "eu-west-9", 1), nil, 400, "AuthorizationQueryParametersError"},
		{"more than a week", strings.Replace(good, "X-Amz-Expires=10", "X-Amz-Expires=604801", 1), nil, 400, "AuthorizationQueryParametersError"},
		{"less than nothing", strings.Replace(good, "X-Amz-Expires=10", "X-Amz-Expires=-1", 1), nil, 400, "AuthorizationQueryParametersError"},
		{"no number of seconds", strings.Replace(good, "X-Amz-Expires=10", "X-Amz-Expires=ten", 1), nil, 400, "AuthorizationQueryParametersError"},
		{"a request of tomorrow", c.presigned("k", now.Add(24*time.Hour)), nil, 403, "AccessDenied"},
		{"another key", strings.Replace(good, "/k?", "/other?", 1), nil, 403, "SignatureDoesNotMatch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := c.do("GET", row.path, "", row.headers...).is(row.name, row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	if a := c.do(http.MethodPut, strings.Replace(good, "k?", "k?x=1&", 1), "x"); a.status != 403 {
		t.Errorf("a presigned GET used for PUT: %d", a.status)
	}
}

func TestWithoutCredentialsAnythingGoes(t *testing.T) {
	c := start(t)
	for _, sdk := range []*s3.Client{c.sdk(withKeys("any", "thing", "")), c.sdk(func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{}; o.Region = "eu-west-3" })} {
		if _, err := sdk.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String("k"), Body: strings.NewReader("x")}); err != nil {
			t.Error(err)
		}
	}
}
