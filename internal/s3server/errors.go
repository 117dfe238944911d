package s3server

import (
	"errors"
	"fmt"
	"net/http"
)

// apiError is an answer that is not a success.
type apiError struct {
	status  int
	code    string
	message string
	detail  [][2]string // further elements of the document
	header  http.Header
}

func (e *apiError) Error() string { return e.code + ": " + e.message }

// with adds an element to the error document.
func (e *apiError) with(name, value string) *apiError {
	e.detail = append(e.detail, [2]string{name, value})
	return e
}

// set adds a header to the answer.
func (e *apiError) set(name, value string) *apiError {
	if e.header == nil {
		e.header = make(http.Header)
	}
	e.header.Set(name, value)
	return e
}

// statuses of the codes that are not 400.
var statuses = map[string]int{
	"AccessDenied":                   http.StatusForbidden,
	"BucketAlreadyExists":            http.StatusConflict,
	"BucketAlreadyOwnedByYou":        http.StatusConflict,
	"BucketNotEmpty":                 http.StatusConflict,
	"ExistingObjectIsDirectory":      http.StatusConflict,
	"InternalError":                  http.StatusInternalServerError,
	"InvalidAccessKeyId":             http.StatusForbidden,
	"InvalidObjectState":             http.StatusForbidden,
	"InvalidRange":                   http.StatusRequestedRangeNotSatisfiable,
	"MethodNotAllowed":               http.StatusMethodNotAllowed,
	"MissingContentLength":           http.StatusLengthRequired,
	"NoSuchBucket":                   http.StatusNotFound,
	"NoSuchKey":                      http.StatusNotFound,
	"NoSuchTagSet":                   http.StatusNotFound,
	"NoSuchUpload":                   http.StatusNotFound,
	"NoSuchVersion":                  http.StatusNotFound,
	"NotImplemented":                 http.StatusNotImplemented,
	"NotModified":                    http.StatusNotModified,
	"ObjectAlreadyInActiveTierError": http.StatusForbidden,
	"ObjectParentIsFile":             http.StatusConflict,
	"PreconditionFailed":             http.StatusPreconditionFailed,
	"RequestTimeTooSkewed":           http.StatusForbidden,
	"SignatureDoesNotMatch":          http.StatusForbidden,
	"RestoreAlreadyInProgress":       http.StatusConflict,
}

// fail makes the error with this S3 code.
func fail(code, format string, args ...any) *apiError {
	status := statuses[code]
	if status == 0 {
		status = http.StatusBadRequest
	}
	return &apiError{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func noSuchBucket(name string) *apiError {
	return fail("NoSuchBucket", "The specified bucket does not exist").with("BucketName", name)
}

func noSuchKey(key string) *apiError {
	return fail("NoSuchKey", "The specified key does not exist.").with("Key", key)
}

func noSuchUpload(id string) *apiError {
	return fail("NoSuchUpload", "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.").with("UploadId", id)
}

func preconditionFailed(condition string) *apiError {
	return fail("PreconditionFailed", "At least one of the pre-conditions you specified did not hold").with("Condition", condition)
}

func notImplemented(what string) *apiError {
	return fail("NotImplemented", "This test server does not implement %s.", what)
}

// writeError answers a request that failed. HEAD and 304 have no body.
func writeError(w http.ResponseWriter, rq *request, err error) {
	var api *apiError
	if !errors.As(err, &api) {
		api = fail("InternalError", "%v", err)
	}
	h := w.Header()
	for name, values := range api.header {
		h[name] = values
	}
	if rq.Method == http.MethodHead || api.status == http.StatusNotModified {
		w.WriteHeader(api.status)
		return
	}
	x := newDocument()
	x.open("Error")
	x.text("Code", api.code)
	x.echo("Message", api.message)
	for _, d := range api.detail {
		x.echo(d[0], d[1])
	}
	x.echo("Resource", rq.URL.Path)
	x.text("RequestId", rq.id)
	x.text("HostId", h.Get("X-Amz-Id-2"))
	x.close("Error")
	x.send(w, api.status)
}
