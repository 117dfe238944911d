package s3path

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	sdkcredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/logincreds"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// credentials is the chain's provider, or the knowledge that there is none.
type credentials struct {
	next      aws.CredentialsProvider
	optional  bool // nothing was configured: having none is no failure
	anonymous bool // unsigned on purpose

	none atomic.Bool // asked everywhere, found nothing
}

// newCredentials decides what a configuration's provider is. The chain ends at
// the metadata service when nothing else was configured: then, and only then,
// having none is no failure. Somebody who names the service's address has
// configured it.
func newCredentials(cfg aws.Config) *credentials {
	c := &credentials{next: cfg.Credentials}
	switch {
	case cfg.Credentials == nil:
		c.optional = true
	case aws.IsCredentialsProvider(cfg.Credentials, (*aws.AnonymousCredentials)(nil)):
		c.anonymous = true
	case aws.IsCredentialsProvider(cfg.Credentials, (*ec2rolecreds.Provider)(nil)):
		c.optional = !metadataNamed(cfg.ConfigSources)
	}
	return c
}

// metadataNamed reports whether the address of a metadata service was configured.
func metadataNamed(sources []any) bool {
	if metadataOff() {
		return false
	}
	for _, source := range sources {
		if s, ok := source.(interface {
			GetEC2IMDSEndpoint() (string, bool, error)
		}); ok {
			if address, found, err := s.GetEC2IMDSEndpoint(); err == nil && found && address != "" {
				return true
			}
		}
	}
	return false
}

func metadataOff() bool { return strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") }

// noneSource marks the stand-in that unsignedSigner recognises.
const noneSource = "cloudpath: no credentials configured"

var noCredentials = aws.Credentials{AccessKeyID: "none", SecretAccessKey: "none", Source: noneSource}

// metadataTimeout bounds the search for a metadata service where nobody said
// that there is one.
const metadataTimeout = 3 * time.Second

// Retrieve implements aws.CredentialsProvider.
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.next == nil || c.none.Load() {
		c.none.Store(true)
		return noCredentials, nil
	}
	limited := ctx
	if c.optional {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, metadataTimeout)
		defer cancel()
	}
	creds, err := retrieve(limited, c.next)
	switch {
	case err == nil && creds.HasKeys():
		return creds, nil
	case ctx.Err() != nil:
		return aws.Credentials{}, ctx.Err()
	case err == nil:
		err = errors.New("it gave no keys")
	case c.optional && noMetadata(limited, err):
		c.none.Store(true)
		return noCredentials, nil
	}
	return aws.Credentials{}, &credentialsError{from: describeProvider(c.next), err: withoutKeys(err)}
}

// unsigned reports whether requests went out unsigned because nothing was configured.
func (c *credentials) unsigned() bool { return c.none.Load() }

// retrieve asks a provider. The SDK's cache minds the context; a provider that
// somebody wrote may not, and may panic in the middle of a request that has
// nothing to do with it.
func retrieve(ctx context.Context, p aws.CredentialsProvider) (aws.Credentials, error) {
	switch p.(type) {
	case *aws.CredentialsCache, sdkcredentials.StaticCredentialsProvider, *sdkcredentials.StaticCredentialsProvider:
		return p.Retrieve(ctx)
	}
	type answer struct {
		creds aws.Credentials
		err   error
	}
	answers := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if r := recover(); r != nil {
				a.err = errors.New("it panicked")
				if bug, ok := r.(runtime.Error); ok { // any other value might hold anything
					a.err = fmt.Errorf("it panicked: %w", bug)
				}
			}
			answers <- a
		}()
		a.creds, a.err = p.Retrieve(ctx)
	}()
	select {
	case a := <-answers:
		return a.creds, a.err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

// noMetadata tells a metadata service that is not there, is switched off or has
// no role to give from one that is there and fails.
func noMetadata(ctx context.Context, err error) bool {
	if strings.Contains(err.Error(), "IMDS role credentials") {
		return false // it named a role
	}
	if answer, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		// Other clouds answer what they do not know at this address with 400,
		// 403 or 404.
		code := answer.HTTPStatusCode()
		return code/100 == 4 && code != http.StatusTooManyRequests
	}
	return ctx.Err() != nil || metadataOff() ||
		errorIs[*smithyhttp.RequestSendError](err) || errorIs[*smithy.CanceledError](err) || errorIs[*aws.RequestCanceledError](err) ||
		strings.Contains(err.Error(), "access disabled to EC2 IMDS") || strings.Contains(err.Error(), "empty EC2 IMDS role list")
}

// credentialsError says that a provider that was configured failed.
type credentialsError struct {
	from string // which
	err  error
}

func (e *credentialsError) Error() string { return e.from + ": " + e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// RetryableError is false: the provider has tried again itself.
func (e *credentialsError) RetryableError() bool { return false }

// describeProvider names the step of the chain that a provider is, and what
// mends it.
func describeProvider(p aws.CredentialsProvider) string {
	for _, known := range []struct {
		provider aws.CredentialsProvider
		name     string
	}{
		{(*processcreds.Provider)(nil), "the profile's credential_process"},
		{(*ssocreds.Provider)(nil), "the profile's SSO session (aws sso login renews it)"},
		{(*logincreds.Provider)(nil), "the profile's login session (aws login renews it)"},
		{(*stscreds.AssumeRoleProvider)(nil), "the profile's role_arn"},
		{(*stscreds.WebIdentityRoleProvider)(nil), "the web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)"},
		{(*endpointcreds.Provider)(nil), "the container's credentials endpoint (AWS_CONTAINER_CREDENTIALS_…)"},
		{(*ec2rolecreds.Provider)(nil), "the instance metadata service"},
	} {
		if aws.IsCredentialsProvider(p, known.provider) {
			return known.name
		}
	}
	return fmt.Sprintf("the credentials provider %T", p)
}

// withoutKeys is a provider's error without what it must not say: the SDK
// repeats the output of a credential_process that it cannot read, keys included.
func withoutKeys(err error) error {
	failed, ok := errors.AsType[*processcreds.ProviderError](err)
	if !ok || !strings.Contains(failed.Error(), "process output:") {
		return err
	}
	why := "its output is not the JSON that it should be"
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		why = fmt.Sprintf("its output is no JSON from byte %d on", syntax.Offset)
	}
	return errors.New(why)
}

// unsignedSigner leaves requests unsigned for which there are no credentials.
type unsignedSigner struct{ next s3.HTTPSignerV4 }

func (s unsignedSigner) SignHTTP(ctx context.Context, creds aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, opts ...func(*v4.SignerOptions)) error {
	if creds.Source == noneSource {
		return nil
	}
	return s.next.SignHTTP(ctx, creds, r, payloadHash, service, region, at, opts...)
}
