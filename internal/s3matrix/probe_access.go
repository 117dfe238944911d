package s3matrix

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// accessRows is about who may do what.
var accessRows = []row{
	{gap: SigV4Enforced, probe: probeWrongSecret},
	{gap: AnonymousDenied, probe: probeAnonymous},
	{gap: PresignExpiry, probe: probePresignExpiry},
	{gap: WrongRegion, probe: probeWrongRegion},
	{gap: SSECOverHTTPRefused, probe: probeSSEC, plainOnly: true},
}

// as is the server's client with something changed.
func (p *probe) as(provider aws.CredentialsProvider, more ...func(*s3.Options)) *s3.Client {
	return p.client(p.Direct, provider, more...)
}

func probeWrongSecret(ctx context.Context, p *probe) error {
	wrong := p.as(credentials.NewStaticCredentialsProvider(p.AccessKey, p.SecretKey+"x", ""))
	_, err := wrong.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket})
	if err := refused("LIST signed with a wrong secret", err, 403); err != nil {
		return err
	}
	unknown := p.as(credentials.NewStaticCredentialsProvider("UNKNOWN", p.SecretKey, ""))
	_, err = unknown.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket})
	return refused("LIST signed by nobody known", err, 403, 404) // versitygw says 404 XAdminUserNotFound
}

func probeAnonymous(ctx context.Context, p *probe) error {
	if err := p.put(ctx, "k", "body"); err != nil {
		return err
	}
	anonymous := p.as(aws.AnonymousCredentials{})
	_, err := anonymous.GetObject(ctx, &s3.GetObjectInput{Bucket: p.bucket, Key: aws.String("k")})
	if err := refused("anonymous GET", err, 403); err != nil {
		return err
	}
	_, err = anonymous.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket})
	if err := refused("anonymous LIST", err, 403); err != nil {
		return err
	}
	_, err = anonymous.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("x")})
	return refused("anonymous PUT", err, 403)
}

// probePresignExpiry presigns in the past, so that it need not wait.
func probePresignExpiry(ctx context.Context, p *probe) error {
	if err := p.put(ctx, "k", "body"); err != nil {
		return err
	}
	get := func(signed time.Time) (int, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.Direct+"/"+*p.bucket+"/k?X-Amz-Expires=60", nil)
		if err != nil {
			return 0, err
		}
		keys := aws.Credentials{AccessKeyID: p.AccessKey, SecretAccessKey: p.SecretKey}
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		address, _, err := signer.PresignHTTP(ctx, keys, r, "UNSIGNED-PAYLOAD", "s3", p.Region, signed)
		if err != nil {
			return 0, err
		}
		if r, err = http.NewRequestWithContext(ctx, http.MethodGet, address, nil); err != nil {
			return 0, err
		}
		resp, err := p.HTTP.Do(r)
		if err != nil {
			return 0, err
		}
		return resp.StatusCode, resp.Body.Close()
	}
	for _, row := range []struct {
		name   string
		signed time.Time
		status int
	}{
		{"a fresh presigned GET", time.Now(), 200},
		{"an expired presigned GET", time.Now().Add(-2 * time.Minute), 403},
	} {
		status, err := get(row.signed)
		if err != nil {
			return fmt.Errorf("%s: %w", row.name, err)
		}
		if status != row.status {
			return fmt.Errorf("%s: status %d, not %d", row.name, status, row.status)
		}
	}
	return nil
}

func probeWrongRegion(ctx context.Context, p *probe) error {
	elsewhere := p.as(credentials.NewStaticCredentialsProvider(p.AccessKey, p.SecretKey, ""), func(o *s3.Options) { o.Region = "eu-west-1" })
	_, err := elsewhere.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket})
	return refused("LIST signed for eu-west-1", err, 301, 400)
}

func probeSSEC(ctx context.Context, p *probe) error {
	key := []byte("0123456789abcdef0123456789abcdef")
	sum := md5.Sum(key)
	_, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{
		Bucket: p.bucket, Key: aws.String("k"), Body: strings.NewReader("body"),
		SSECustomerAlgorithm: aws.String("AES256"),
		SSECustomerKey:       aws.String(base64.StdEncoding.EncodeToString(key)),
		SSECustomerKeyMD5:    aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	})
	return refused("PUT with a customer key over http", err, 400)
}
