package s3path

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// maxPresign is how long S3 lets a signature be valid.
const maxPresign = 7 * 24 * time.Hour

// PresignGet makes a URL with which anybody can read the object until it
// expires: 1 second to 7 days, else it is fs.ErrInvalid, and not longer than the
// credentials that sign it. It makes no request and does not look whether the
// object exists. Treat the URL as a secret. Without credentials it is
// cloudpath.ErrNoCredentials, never an unsigned URL.
func (p S3Path) PresignGet(ctx context.Context, expires time.Duration, opts ...ReadOption) (string, error) {
	k, _, err := startRead(ctx, p, "presign", opts, 0)
	if err == nil {
		err = failure("presign", p, p.signable(ctx, k, expires))
	}
	if err != nil {
		return "", err
	}
	in := &s3.GetObjectInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
	req, err := s3.NewPresignClient(k.sdk).PresignGetObject(ctx, in, s3.WithPresignExpires(expires), s3.WithPresignClientFromClientOptions(k.at(p.bucket)))
	if err != nil {
		return "", failure("presign", p, err)
	}
	return req.URL, nil
}

// PresignPut makes a request with which anybody can write the object until it
// expires: 1 second to 7 days, else it is fs.ErrInvalid. The options' headers are
// signed and have to be sent as they are. It makes no request. Without credentials
// it is cloudpath.ErrNoCredentials.
func (p S3Path) PresignPut(ctx context.Context, expires time.Duration, opts ...WriteOption) (PresignedRequest, error) {
	k, c, err := p.startWrite(ctx, "presign", opts, propertyOptions|conditionOptions)
	if err == nil {
		err = failure("presign", p, p.signable(ctx, k, expires))
	}
	if err != nil {
		return PresignedRequest{}, err
	}
	in := k.putInput(p, c, nil)
	req, err := s3.NewPresignClient(k.sdk).PresignPutObject(ctx, in, s3.WithPresignExpires(expires), s3.WithPresignClientFromClientOptions(k.at(p.bucket),
		func(o *s3.Options) { o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired }))
	if err != nil {
		return PresignedRequest{}, failure("presign", p, err)
	}
	header := req.SignedHeader.Clone()
	header.Del("Host") // net/http sets it from the URL
	return PresignedRequest{Method: req.Method, URL: req.URL, Header: header}, nil
}

// PresignedRequest is a request that somebody else may make.
type PresignedRequest struct {
	Method string
	URL    string
	Header http.Header // send exactly these
}

// String leaves the signature out: it is as good as a password.
func (r PresignedRequest) String() string {
	address, _, _ := strings.Cut(r.URL, "?")
	return r.Method + " " + address + "?(signature)"
}

// Format prints String, whatever the verb.
func (r PresignedRequest) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, r.String()) // fmt does the same
}

// LogValue is String, for log/slog.
func (r PresignedRequest) LogValue() slog.Value { return slog.StringValue(r.String()) }

func (p S3Path) signable(ctx context.Context, k *core, expires time.Duration) error {
	if p.key == "" {
		return cloudpath.ErrIsDirectory
	}
	if expires < time.Second || expires > maxPresign {
		return fmt.Errorf("%w: a signature is valid for 1 second to 7 days, not %v", fs.ErrInvalid, expires)
	}
	if !k.creds.anonymous {
		if k.creds.next == nil && !k.creds.optional {
			return cloudpath.ErrNoCredentials
		}
		creds, err := k.creds.Retrieve(ctx)
		if err != nil {
			return err
		}
		if creds.Source != noneSource {
			return nil
		}
	}
	return fmt.Errorf("%w: a URL can only be signed with some", cloudpath.ErrNoCredentials)
}
