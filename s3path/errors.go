package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

var (
	// ErrWrongRegion: the bucket lives in a region that neither the client was
	// told nor the server's answer names. Give it with WithRegion.
	ErrWrongRegion = errors.New("the bucket is in another region")

	// ErrArchived: the object's storage class keeps it offline; restore it first.
	ErrArchived = errors.New("the object is archived")
)

// failure is what every operation returns: the operation, the path, and a
// cause that says what happened and what to do, behind which errors.Is finds
// the sentinel and errors.As the SDK's error. An error that is one already
// stays as it is.
func failure(op string, p S3Path, err error) error {
	if err == nil {
		return nil
	}
	if done, ok := err.(*fs.PathError); ok && strings.HasPrefix(done.Path, "s3://") {
		return err
	}
	return &fs.PathError{Op: op, Path: p.String(), Err: explain(p, err)}
}

// cause is an error in this package's words, with all it stands for.
type cause struct {
	text string
	is   []error
}

func (c *cause) Error() string   { return c.text }
func (c *cause) Unwrap() []error { return c.is }

// explain puts the SDK's error into words and attaches the sentinels.
func explain(p S3Path, err error) error {
	if already := (*cause)(nil); errors.As(err, &already) {
		return err
	}
	// What the caller did itself comes first: a cancelled request fails in
	// many ways.
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &cause{text: contextWords(err), is: []error{err}}
	}
	var bad *credentialsError
	if errors.As(err, &bad) {
		return &cause{
			text: "the configured credentials could not be had: " + bad.Error() +
				" (WithAnonymous sends requests unsigned)",
			is: []error{cloudpath.ErrNoCredentials, err},
		}
	}

	var (
		answer *smithyhttp.ResponseError
		api    smithy.APIError
	)
	code, message, status := "", "", 0
	if errors.As(err, &api) {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	if errors.As(err, &answer) && answer.Response != nil {
		status = answer.HTTPStatusCode()
	}
	if status == 0 && code == "" {
		return explainTransport(p, err)
	}

	is := []error{err}
	words := code
	if words == "" || words == "UnknownError" {
		words = http.StatusText(status)
	}
	if message != "" && message != code && message != "UnknownError" {
		words += ": " + strings.TrimSuffix(strings.TrimSpace(message), ".")
	}
	note := func(sentinel error, hint string) {
		is = slices.Insert(is, 0, sentinel)
		if hint != "" {
			words += "; " + hint
		}
	}
	switch {
	case code == "NoSuchBucket" || errorIs[*types.NoSuchBucket](err):
		note(fs.ErrNotExist, fmt.Sprintf("there is no bucket %q on %s", p.Bucket(), p.client.place()))
	case code == "NoSuchUpload":
		note(fs.ErrNotExist, "the multipart upload was aborted or completed by somebody else")
	case code == "BucketNotEmpty":
		note(cloudpath.ErrNotEmpty, "")
	case code == "BucketAlreadyExists", code == "BucketAlreadyOwnedByYou":
		note(fs.ErrExist, "")
	case code == "InvalidObjectState":
		note(ErrArchived, "restore it before reading")
	case status == http.StatusPreconditionFailed, code == "ConditionalRequestConflict":
		note(cloudpath.ErrPreconditionFailed, "")
	case code == "RequestTimeTooSkewed":
		note(fs.ErrPermission, "this machine's clock is off; set it right")
	case code == "InvalidAccessKeyId", code == "SignatureDoesNotMatch", code == "ExpiredToken", code == "InvalidToken":
		note(fs.ErrPermission, "check the credentials of this client")
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect ||
		code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException":
		note(ErrWrongRegion, "the server does not say which; give it with WithRegion")
	case code == "XAmzContentSHA256Mismatch" || code == "NotImplemented" && strings.Contains(strings.ToLower(message), "checksum"):
		note(errors.ErrUnsupported, "the server takes no checksums; set AWS_REQUEST_CHECKSUM_CALCULATION=when_required")
	case status == http.StatusNotFound:
		note(fs.ErrNotExist, "")
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		hint := ""
		if code == "Forbidden" || code == "" {
			hint = "a 403 without a reason may also mean a missing key where listing is not allowed"
		}
		note(fs.ErrPermission, hint)
		if creds := p.client.unsigned(); creds {
			note(cloudpath.ErrNoCredentials, "no credentials were found, so the request went unsigned: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (AWS_PROFILE, WithProfile) or use WithStaticCredentials")
		}
	case status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed:
		note(errors.ErrUnsupported, "the server does not offer this operation")
	}
	if status != 0 {
		words += fmt.Sprintf(" (HTTP %d%s)", status, requestID(err))
	}
	return &cause{text: words, is: is}
}

func explainTransport(p S3Path, err error) error {
	var refused *net.OpError
	var lookup *net.DNSError
	var address *url.Error
	switch {
	case errors.As(err, &lookup):
		return &cause{text: fmt.Sprintf("no address for host %q: check the endpoint or the region", lookup.Name), is: []error{err}}
	case errors.As(err, &refused) && refused.Op == "dial":
		return &cause{text: fmt.Sprintf("%s cannot be reached: %v", p.client.place(), refused.Err), is: []error{err}}
	case errors.As(err, &address):
		// Never the URL: a presigned one is a secret.
		return &cause{text: address.Err.Error(), is: []error{err}}
	}
	return err
}

func contextWords(err error) string {
	if errors.Is(err, context.Canceled) {
		return context.Canceled.Error()
	}
	return context.DeadlineExceeded.Error()
}

func errorIs[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func requestID(err error) string {
	var answer *awshttp.ResponseError
	if errors.As(err, &answer) && answer.ServiceRequestID() != "" {
		return ", request id " + answer.ServiceRequestID()
	}
	return ""
}

// status is the HTTP status of a refusal, 0 when there was none.
func status(err error) int {
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// code is S3's name for a refusal.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// place is the client's endpoint for messages.
func (c *Client) place() string {
	c = c.resolve()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.core == nil || c.core.endpoint == "" {
		return "AWS"
	}
	return c.core.endpoint
}

func (c *Client) unsigned() bool {
	c = c.resolve()
	c.mu.Lock()
	k := c.core
	c.mu.Unlock()
	return k != nil && k.creds.unsigned()
}
