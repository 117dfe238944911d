package s3path

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// newCore turns options into an SDK client, and opens its cache. It makes no
// request.
func newCore(ctx context.Context, opts settings) (*core, error) {
	if err := opts.resolveCache(ctx); err != nil {
		return nil, err
	}
	k, err := configured(ctx, opts)
	if err != nil {
		return nil, err
	}
	return k, k.openCopies()
}

func configured(ctx context.Context, opts settings) (*core, error) {
	if opts.partSize == 0 {
		opts.partSize = defaultPartSize
	}
	if opts.set&optStallTimeout == 0 {
		opts.stall = defaultStall
	}
	k := &core{opts: &opts}
	if opts.s3Client != nil {
		k.sdk = opts.s3Client
		k.theirs = true
		k.permits = make(chan struct{}, opts.requests())
		k.describe()
		return k, nil
	}

	cfg, err := opts.config(ctx)
	if err != nil {
		return nil, err
	}
	base, own := opts.transportOf(cfg)
	if built, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok && opts.httpClient == nil && opts.set&optStallTimeout == 0 {
		if stall, said := built.GetReadTimeout(); said {
			k.opts.stall = stall // the SDK's name for the same thing
		}
	}
	k.own = own
	cfg.HTTPClient = newHTTPClient(base, opts.requests(), k.opts.stall)

	k.creds = newCredentials(cfg)
	if !k.creds.anonymous {
		cfg.Credentials = k.creds
	}

	// What the SDK would have retried with, to tell it from what somebody chose.
	var usual aws.Retryer
	cfg.ServiceOptions = append([]func(string, any){func(_ string, o any) {
		if o, ok := o.(*s3.Options); ok && cfg.Retryer == nil {
			usual = o.Retryer
		}
	}}, cfg.ServiceOptions...)
	k.sdk = s3.NewFromConfig(cfg, func(o *s3.Options) {
		k.retries(o, usual != nil && o.Retryer == usual)
		err = k.configure(o, cfg)
	})
	if err != nil {
		return nil, err
	}
	k.describe()
	return k, nil
}

// config is the configuration that the options name.
func (s *settings) config(ctx context.Context) (aws.Config, error) {
	switch {
	case s.set&optAWSConfig != 0:
		return s.awsConfig, nil
	case s.set&optAnonymous != 0:
		return environment()
	}
	// Credentials are asked for seldom, and nobody could close what stays open.
	brief := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DisableKeepAlives = true })
	load := []func(*config.LoadOptions) error{
		config.WithHTTPClient(brief),
		config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = brief }),
		config.WithLogger(logging.Nop{}),
		config.WithDefaultsMode(aws.DefaultsModeStandard), // another one asks at once what machine this is
	}
	switch {
	case s.set&optStaticCredentials != 0:
		static := s.static
		load = append(load, config.WithCredentialsProvider(aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) { return static, nil })))
	case s.set&optProfile != 0:
		load = append(load, config.WithSharedConfigProfile(s.profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	if !newCredentials(cfg).optional {
		return cfg, nil
	}
	if err := halfConfigured(); err != nil {
		return aws.Config{}, err
	}
	// Nobody said that there is a metadata service: do not insist.
	once, err := config.LoadDefaultConfig(ctx, append(load, config.WithRetryer(func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 })
	}))...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	cfg.Credentials = once.Credentials
	return cfg, nil
}

// halfConfigured is the error of an environment that holds one half of a key, which
// the SDK takes for none.
func halfConfigured() error {
	id := os.Getenv("AWS_ACCESS_KEY_ID") + os.Getenv("AWS_ACCESS_KEY")
	secret := os.Getenv("AWS_SECRET_ACCESS_KEY") + os.Getenv("AWS_SECRET_KEY")
	switch {
	case id != "" && secret == "":
		return fmt.Errorf("%w: AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not", cloudpath.ErrNoCredentials)
	case id == "" && secret != "":
		return fmt.Errorf("%w: AWS_SECRET_ACCESS_KEY is set, AWS_ACCESS_KEY_ID is not", cloudpath.ErrNoCredentials)
	}
	return nil
}

// environment is the configuration of an anonymous client: the environment's
// endpoint, region and manners, and neither files nor credentials.
func environment() (aws.Config, error) {
	env, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, fmt.Errorf("loading the AWS configuration: %w", err)
	}
	env.Credentials, env.ContainerAuthorizationToken = aws.Credentials{}, ""
	cfg := aws.Config{
		Region:                     env.Region,
		Credentials:                aws.AnonymousCredentials{},
		ConfigSources:              []any{env},
		RetryMaxAttempts:           env.RetryMaxAttempts,
		RetryMode:                  env.RetryMode,
		RequestChecksumCalculation: env.RequestChecksumCalculation,
		ResponseChecksumValidation: env.ResponseChecksumValidation,
	}
	if env.BaseEndpoint != "" && !aws.ToBool(env.IgnoreConfiguredEndpoints) {
		cfg.BaseEndpoint = &env.BaseEndpoint
	}
	if env.CustomCABundle != "" {
		if cfg.HTTPClient, err = trusting(env.CustomCABundle); err != nil {
			return aws.Config{}, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
	}
	return cfg, nil
}

// configure puts this package's rules over what the SDK resolved.
func (k *core) configure(o *s3.Options, cfg aws.Config) error {
	opts := k.opts
	if opts.endpoint != "" {
		o.BaseEndpoint = aws.String(opts.endpoint)
	}
	if o.BaseEndpoint != nil {
		endpoint, err := parseEndpoint(*o.BaseEndpoint)
		if err != nil {
			return fmt.Errorf("%s: %w", endpointSource(*o.BaseEndpoint), err)
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
	if !validRegion(o.Region) {
		return fmt.Errorf("%q cannot be a region; WithRegion, AWS_REGION and the profile are asked, in this order", o.Region)
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
	request, response := checksumsNamed(o, cfg)
	o.RequestChecksumCalculation = checksumMode(request, custom, o.RequestChecksumCalculation,
		aws.RequestChecksumCalculationWhenSupported, aws.RequestChecksumCalculationWhenRequired)
	o.ResponseChecksumValidation = checksumMode(response, custom, o.ResponseChecksumValidation,
		aws.ResponseChecksumValidationWhenSupported, aws.ResponseChecksumValidationWhenRequired)
	o.DisableLogOutputChecksumValidationSkipped = true

	if k.creds.next != nil || k.creds.optional {
		o.HTTPSignerV4 = unsignedSigner{o.HTTPSignerV4}
	}
	o.APIOptions = append(o.APIOptions, k.demands()...)
	return nil
}

// checksumsNamed reports which of the two checksum modes somebody asked for. A
// configuration that was loaded has both, asked for or not; then its sources know.
func checksumsNamed(o *s3.Options, cfg aws.Config) (request, response bool) {
	request = o.RequestChecksumCalculation != 0 &&
		(len(cfg.ConfigSources) == 0 || o.RequestChecksumCalculation != aws.RequestChecksumCalculationWhenSupported)
	response = o.ResponseChecksumValidation != 0 &&
		(len(cfg.ConfigSources) == 0 || o.ResponseChecksumValidation != aws.ResponseChecksumValidationWhenSupported)
	for _, source := range cfg.ConfigSources {
		var sends aws.RequestChecksumCalculation
		var checks aws.ResponseChecksumValidation
		switch source := source.(type) {
		case config.LoadOptions:
			sends, checks = source.RequestChecksumCalculation, source.ResponseChecksumValidation
		case config.EnvConfig:
			sends, checks = source.RequestChecksumCalculation, source.ResponseChecksumValidation
		case config.SharedConfig:
			sends, checks = source.RequestChecksumCalculation, source.ResponseChecksumValidation
		}
		request, response = request || sends != 0, response || checks != 0
	}
	return request, response
}

// checksumMode is what somebody asked for, else what the kind of endpoint can bear.
func checksumMode[M comparable](named, custom bool, said, supported, required M) M {
	switch {
	case named:
		return said
	case custom:
		return required
	}
	return supported
}

// retries sets how often a request is tried. A retryer that somebody chose stays.
func (k *core) retries(o *s3.Options, usual bool) {
	if k.opts.maxAttempts != 0 {
		o.RetryMaxAttempts = k.opts.maxAttempts
	}
	if !usual {
		return
	}
	if o.RetryMaxAttempts == 0 {
		o.RetryMaxAttempts = retry.DefaultMaxAttempts
	}
	ours := func(r *retry.StandardOptions) {
		// No token bucket: a client-wide budget makes one failing prefix take
		// the retries of all others. 429 is S3-compatible servers' SlowDown.
		r.RateLimiter = ratelimit.None
		r.Retryables = append(r.Retryables,
			retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}},
			retry.RetryableErrorCode{Codes: map[string]struct{}{"BadDigest": {}}}, // damaged on its way
			retry.IsErrorRetryableFunc(brokenAnswer))
		r.MaxAttempts = o.RetryMaxAttempts
	}
	if o.RetryMode == aws.RetryModeAdaptive {
		o.Retryer = retry.NewAdaptiveMode(func(a *retry.AdaptiveModeOptions) { a.StandardOptions = append(a.StandardOptions, ours) })
		return
	}
	o.Retryer = retry.NewStandard(ours)
}

// describe reads off the finished SDK client what the rest needs to know.
func (k *core) describe() {
	o := k.sdk.Options()
	k.region, k.sums = o.Region, o.RequestChecksumCalculation
	if k.tries = retry.DefaultMaxAttempts; o.Retryer != nil && o.Retryer.MaxAttempts() > 0 {
		k.tries = o.Retryer.MaxAttempts()
	}
	k.secure = !o.EndpointOptions.DisableHTTPS
	if o.BaseEndpoint != nil {
		k.endpoint = strings.TrimSuffix(withoutUser(*o.BaseEndpoint), "/")
		k.secure = !strings.HasPrefix(strings.ToLower(k.endpoint), "http://")
	}
	if k.creds == nil {
		k.creds = newCredentials(aws.Config{Credentials: o.Credentials})
		k.creds.optional = false
	}
}

// endpointSource names where an endpoint came from that no option gave.
func endpointSource(endpoint string) string {
	for _, name := range []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"} {
		if os.Getenv(name) == endpoint {
			return name
		}
	}
	return "the endpoint of the AWS configuration"
}
