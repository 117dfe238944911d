package s3path

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// newCore turns options into an SDK client. It makes no request.
func newCore(ctx context.Context, opts settings) (*core, error) {
	if opts.partSize == 0 {
		opts.partSize = defaultPartSize
	}
	if opts.set&optStallTimeout == 0 {
		opts.stall = defaultStall
	}
	k := &core{opts: opts}
	if opts.s3Client != nil {
		k.sdk = opts.s3Client
		k.describe()
		return k, nil
	}

	cfg := opts.awsConfig
	if opts.set&optAWSConfig == 0 {
		var err error
		if cfg, err = loadConfig(ctx, opts); err != nil {
			return nil, err
		}
	}
	base := opts.httpClient
	if base == nil && opts.set&optAWSConfig != 0 {
		// An HTTP client in the caller's configuration is the caller's choice;
		// the SDK's own builder is not, it only stands where nobody chose.
		if chosen, ok := cfg.HTTPClient.(*http.Client); ok {
			base = chosen
		}
	}
	k.http = newHTTPClient(base, opts.requests(), opts.stall)
	cfg.HTTPClient = k.http

	k.creds = &credentials{}
	switch {
	case opts.set&optAnonymous != 0:
		cfg.Credentials = aws.AnonymousCredentials{}
		k.creds.anonymous = true
	case aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)):
		k.creds.anonymous = true
	default:
		k.creds.next = cfg.Credentials
		// The chain ends at the metadata service when nothing else was
		// configured: then, and only then, having none is no failure.
		k.creds.optional = cfg.Credentials == nil || aws.IsCredentialsProvider(cfg.Credentials, (*ec2rolecreds.Provider)(nil))
		cfg.Credentials = k.creds
	}

	var problem error
	k.sdk = s3.NewFromConfig(cfg, func(o *s3.Options) { problem = k.configure(o) })
	if problem != nil {
		return nil, problem
	}
	k.describe()
	return k, nil
}

// loadConfig asks the environment and the shared files.
func loadConfig(ctx context.Context, opts settings) (aws.Config, error) {
	var load []func(*config.LoadOptions) error
	switch {
	case opts.set&optAnonymous != 0:
		// Not even the files are opened: only the environment's region and
		// endpoint count.
		load = append(load, config.WithCredentialsProvider(aws.AnonymousCredentials{}),
			config.WithSharedConfigFiles([]string{}), config.WithSharedCredentialsFiles([]string{}))
		if os.Getenv("AWS_PROFILE") != "" || os.Getenv("AWS_DEFAULT_PROFILE") != "" {
			return anonymousConfig(), nil
		}
	case opts.set&optStaticCredentials != 0:
		static := opts.static
		load = append(load, config.WithCredentialsProvider(aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return static, nil })))
	case opts.set&optProfile != 0:
		load = append(load, config.WithSharedConfigProfile(opts.profile))
	}
	if opts.region != "" {
		load = append(load, config.WithRegion(opts.region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	return cfg, nil
}

// anonymousConfig is what the environment says when a profile is named in it
// that an anonymous client has no business reading.
func anonymousConfig() aws.Config {
	cfg := aws.Config{Credentials: aws.AnonymousCredentials{}}
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION"} {
		if cfg.Region == "" {
			cfg.Region = os.Getenv(name)
		}
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if endpoint := os.Getenv(name); endpoint != "" && cfg.BaseEndpoint == nil {
			cfg.BaseEndpoint = &endpoint
		}
	}
	return cfg
}

// configure puts this package's rules over what the SDK resolved.
func (k *core) configure(o *s3.Options) error {
	opts := k.opts
	if opts.endpoint != "" {
		o.BaseEndpoint = aws.String(opts.endpoint)
	}
	if o.BaseEndpoint != nil {
		endpoint, err := parseEndpoint(*o.BaseEndpoint)
		if err != nil {
			return err
		}
		o.BaseEndpoint = aws.String(endpoint)
	}
	custom := o.BaseEndpoint != nil
	if opts.region != "" {
		o.Region = opts.region
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}

	switch opts.addressing {
	case AddressingPath:
		o.UsePathStyle = true
	case AddressingVirtual:
		o.UsePathStyle = false
	default:
		o.UsePathStyle = o.UsePathStyle || custom
	}

	// The SDK leaves a checksum mode that nobody named to chance; name both.
	if custom && os.Getenv("AWS_REQUEST_CHECKSUM_CALCULATION") == "" && opts.set&optAWSConfig == 0 ||
		custom && o.RequestChecksumCalculation == 0 {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	if custom && os.Getenv("AWS_RESPONSE_CHECKSUM_VALIDATION") == "" && opts.set&optAWSConfig == 0 ||
		custom && o.ResponseChecksumValidation == 0 {
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	if o.RequestChecksumCalculation == 0 {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	}
	if o.ResponseChecksumValidation == 0 {
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	}
	o.DisableLogOutputChecksumValidationSkipped = true

	attempts := opts.maxAttempts
	if attempts == 0 {
		attempts = o.RetryMaxAttempts
	}
	if attempts == 0 {
		attempts = retry.DefaultMaxAttempts
	}
	if _, ok := o.Retryer.(*retry.Standard); ok || o.Retryer == nil || opts.maxAttempts != 0 {
		// No token bucket: a client-wide budget makes one failing prefix take
		// the retries of all others. 429 is S3-compatible servers' SlowDown.
		o.Retryer = retry.NewStandard(func(r *retry.StandardOptions) {
			r.RateLimiter = ratelimit.None
			r.Retryables = append(r.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
			r.MaxAttempts = attempts
		})
	}
	o.RetryMaxAttempts = attempts

	if k.creds.next != nil || k.creds.optional {
		o.HTTPSignerV4 = unsignedSigner{o.HTTPSignerV4}
	}
	if opts.set&(optRequestPayer|optBucketOwner) != 0 {
		o.APIOptions = append(o.APIOptions, k.addHeaders)
	}
	return nil
}

// describe reads off the finished SDK client what the rest needs to know.
func (k *core) describe() {
	o := k.sdk.Options()
	k.region, k.paths, k.sums = o.Region, o.UsePathStyle, o.RequestChecksumCalculation
	if k.tries = o.RetryMaxAttempts; k.tries == 0 {
		k.tries = retry.DefaultMaxAttempts
	}
	k.secure = true
	if o.BaseEndpoint != nil {
		k.endpoint = strings.TrimSuffix(*o.BaseEndpoint, "/")
		k.secure = !strings.HasPrefix(k.endpoint, "http://")
	}
	if o.EndpointOptions.DisableHTTPS {
		k.secure = false
	}
	if k.creds == nil {
		k.creds = &credentials{
			next:      o.Credentials,
			anonymous: aws.IsCredentialsProvider(o.Credentials, (*aws.AnonymousCredentials)(nil)),
		}
	}
}

// ---- credentials

// credentials is the chain's provider, or the knowledge that there is none.
type credentials struct {
	next      aws.CredentialsProvider
	optional  bool // nothing was configured: having none is no failure
	anonymous bool // unsigned on purpose

	mu   sync.Mutex
	none bool // asked everywhere, found nothing
}

// noneSource marks the stand-in that unsignedSigner recognises.
const noneSource = "cloudpath: no credentials configured"

var noCredentials = aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none", Source: noneSource}

// metadataTimeout bounds the search for a metadata service where nobody said
// that there is one.
const metadataTimeout = 3 * time.Second

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if !c.optional {
		creds, err := c.next.Retrieve(ctx)
		if err != nil {
			return aws.Credentials{}, &credentialsError{err}
		}
		return creds, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.none || c.next == nil {
		c.none = true
		return noCredentials, nil
	}
	short, cancel := context.WithTimeout(ctx, metadataTimeout)
	defer cancel()
	creds, err := c.next.Retrieve(short)
	switch {
	case err == nil:
		return creds, nil
	case ctx.Err() != nil:
		return aws.Credentials{}, ctx.Err()
	case answeredBadly(err):
		return aws.Credentials{}, &credentialsError{err}
	}
	c.none = true
	return noCredentials, nil
}

// unsigned reports whether requests went out unsigned because nothing was configured.
func (c *credentials) unsigned() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.none
}

// answeredBadly tells a metadata service that is there and fails from one that
// is not there or has no role to give.
func answeredBadly(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() != http.StatusNotFound
}

// credentialsError says that a provider that was configured failed.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// unsignedSigner leaves requests unsigned for which there are no credentials.
type unsignedSigner struct{ next s3.HTTPSignerV4 }

func (s unsignedSigner) SignHTTP(ctx context.Context, creds aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) error {
	if creds.Source == noneSource {
		return nil
	}
	return s.next.SignHTTP(ctx, creds, r, payloadHash, service, region, at, opts...)
}
