package s3path

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

var (
	// ErrWrongRegion means that the bucket lives in a region that neither the client was
	// told nor the server's answer names. Give it with WithRegion.
	ErrWrongRegion = errors.New("the bucket is in another region")

	// ErrArchived means that the object's storage class keeps it offline: restore
	// it first.
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
	//nolint:errorlint // several joined failures of a tree are not one that is done
	if done, ok := err.(*fs.PathError); ok && strings.HasPrefix(done.Path, "s3://") {
		return err
	}
	return &fs.PathError{Op: op, Path: p.shown(), Err: explain(p, err)}
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
	switch {
	case errors.Is(err, tree.ErrBrokenListing) && !errors.Is(err, cloudpath.ErrProtocol):
		return &cause{text: cloudpath.ErrProtocol.Error() + ": " + err.Error(), is: []error{cloudpath.ErrProtocol, err}}
	case errors.Is(err, tree.ErrNotDirectory):
		return cloudpath.ErrNotDirectory
	}
	if already := (*cause)(nil); errors.As(err, &already) {
		return err
	}
	// A provider has time limits of its own, which are not the caller's.
	if bad, ok := errors.AsType[*credentialsError](err); ok {
		return &cause{
			text: "no credentials could be had from " + bad.Error() + " (WithAnonymous sends requests unsigned)",
			is:   []error{cloudpath.ErrNoCredentials, bad.err},
		}
	}
	// What the caller did itself comes before the rest: a cancelled request
	// fails in many ways.
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return &cause{text: contextWords(err), is: []error{err}}
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
	if unread, ok := errors.AsType[*smithy.DeserializationError](err); ok && status/100 == 2 {
		return explainAnswer(unread, err)
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
		if sentinel != nil {
			is = slices.Insert(is, 0, sentinel)
		}
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
	case status == http.StatusFound || status == http.StatusSeeOther || status == http.StatusPermanentRedirect:
		note(cloudpath.ErrProtocol, "S3 does not answer so"+redirection(answer))
	case status == http.StatusMovedPermanently || status == http.StatusTemporaryRedirect ||
		code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" || code == "IllegalLocationConstraintException":
		note(ErrWrongRegion, "the server does not say which"+redirection(answer)+"; give it with WithRegion")
	case status == http.StatusTooManyRequests || code == "SlowDown" || code == "ServiceUnavailable":
		note(nil, "the server wants fewer requests at once; WithConcurrency bounds them")
	case checksumsRefused(code, message):
		note(errors.ErrUnsupported, "the server takes no checksums; set AWS_REQUEST_CHECKSUM_CALCULATION=when_required and AWS_RESPONSE_CHECKSUM_VALIDATION=when_required")
	case status == http.StatusNotFound:
		note(fs.ErrNotExist, "")
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		note(fs.ErrPermission, "")
		switch off := clockOff(err); {
		case p.client.unsigned():
			note(cloudpath.ErrNoCredentials, "no credentials were found, so the request went unsigned: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile (AWS_PROFILE, WithProfile) or use WithStaticCredentials")
		case p.client.anonymous():
			note(nil, "the client is anonymous")
		case off > 0:
			note(nil, fmt.Sprintf("this machine's clock is %v off the server's; set it right", off))
		case code == "Forbidden" || code == "":
			note(nil, "a 403 without a reason may also mean a missing key where listing is not allowed")
		}
	case status == http.StatusMethodNotAllowed && answer.Response.Header.Get("X-Amz-Delete-Marker") == "true":
		note(fs.ErrNotExist, "this version is a delete marker")
	case status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed || code == "NotImplemented":
		note(errors.ErrUnsupported, "the server does not offer this operation")
	}
	if status != 0 {
		words += fmt.Sprintf(" (HTTP %d%s)", status, requestID(err))
	}
	return &cause{text: hushed(words, err), is: is}
}

// hushed is what a server said without what it was told in confidence: some repeat
// in a refusal what they were sent.
func hushed(words string, refusal error) string {
	answer, ok := errors.AsType[*smithyhttp.ResponseError](refusal)
	if !ok || answer.Response == nil || answer.Response.Request == nil {
		return words
	}
	for _, name := range []string{
		"Authorization", "X-Amz-Security-Token",
		"X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key",
	} {
		said := answer.Response.Request.Header.Get(name)
		_, signature, _ := strings.Cut(said, "Signature=")
		for _, secret := range []string{said, signature} {
			if secret != "" {
				words = strings.ReplaceAll(words, secret, "…")
			}
		}
	}
	return words
}

// checksumsRefused tells the refusals of servers that do not know the checksums
// which the SDK sends unless it is told not to.
func checksumsRefused(code, message string) bool {
	switch code {
	case "XAmzContentSHA256Mismatch":
		return true
	case "NotImplemented", "InvalidArgument", "InvalidRequest":
		message = strings.ToLower(message)
		for _, sign := range []string{"x-amz-checksum", "x-amz-sdk-checksum", "x-amz-trailer", "aws-chunked"} {
			if strings.Contains(message, sign) {
				return true
			}
		}
	}
	return code == "NotImplemented" && strings.Contains(message, "checksum")
}

// explainAnswer is about a success whose content cannot be read.
func explainAnswer(unread *smithy.DeserializationError, err error) error {
	if disconnected(unread) {
		return &cause{text: fmt.Sprintf("the connection broke in the middle of the answer: %v", unread.Err), is: []error{err}}
	}
	return &cause{
		text: fmt.Sprintf("%v: a success that is not what S3 answers: %v", cloudpath.ErrProtocol, unread.Err),
		is:   []error{cloudpath.ErrProtocol, err},
	}
}

func disconnected(unread *smithy.DeserializationError) bool {
	_, network := errors.AsType[net.Error](unread)
	return network || errors.Is(unread, io.ErrUnexpectedEOF)
}

// brokenAnswer has a request made again whose answer ended before it was
// complete: the SDK does so only where the connection says why.
func brokenAnswer(err error) aws.Ternary {
	unread, ok := errors.AsType[*smithy.DeserializationError](err)
	if !ok {
		return aws.UnknownTernary
	}
	syntax, ok := errors.AsType[*xml.SyntaxError](unread)
	if disconnected(unread) || ok && syntax.Msg == "unexpected EOF" {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// explainTransport is about a request that no answer came to. Its words never
// hold a URL, which may be a presigned one.
func explainTransport(p S3Path, err error) error {
	if stalled, ok := errors.AsType[*stallError](err); ok {
		return &cause{text: stalled.Error(), is: []error{err}}
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return &cause{text: fmt.Sprintf("no address for host %q: check the endpoint or the region", lookup.Name), is: []error{err}}
	}
	if refused, ok := errors.AsType[*net.OpError](err); ok && refused.Op == "dial" {
		return &cause{text: fmt.Sprintf("%s cannot be reached: %v; check the endpoint and the network", p.client.place(), refused.Err), is: []error{err}}
	}
	if address, ok := errors.AsType[*url.Error](err); ok {
		words := fmt.Sprintf("no answer came from %s: %v; check the endpoint", p.client.place(), address.Err)
		switch {
		case errors.Is(err, http.ErrSchemeMismatch):
			words += ": a server without TLS is http://host:port"
		case errorIs[*tls.CertificateVerificationError](err):
			words = fmt.Sprintf("the certificate of %s is not trusted: %v (AWS_CA_BUNDLE names a file of certificates to trust)", p.client.place(), address.Err)
		}
		return &cause{text: words, is: []error{err}}
	}
	if request, ok := errors.AsType[*smithy.OperationError](err); ok {
		return &cause{text: request.Err.Error(), is: []error{err}}
	}
	return err
}

// redirection says where an answer points, as far as that is nobody's secret.
func redirection(answer *smithyhttp.ResponseError) string {
	if answer == nil || answer.Response == nil {
		return ""
	}
	to, err := url.Parse(answer.Response.Header.Get("Location"))
	if err != nil || to.Host == "" {
		return ""
	}
	return fmt.Sprintf(", and that it redirects to %s is not followed", to.Host)
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
	if k := c.configured(); k != nil && k.endpoint != "" {
		return k.endpoint
	}
	return "AWS"
}

// unsigned and anonymous are about clients that sign nothing: because there is
// nothing to sign with, and on purpose.
func (c *Client) unsigned() bool {
	k := c.configured()
	return k != nil && k.creds.unsigned()
}

func (c *Client) anonymous() bool {
	k := c.configured()
	return k != nil && k.creds.anonymous
}

// configured is what is known of the client without configuring it.
func (c *Client) configured() *core {
	c = c.resolve()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.core
}
