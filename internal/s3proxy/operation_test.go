package s3proxy_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

func TestOperation(t *testing.T) {
	rows := []struct {
		request   string // method and target
		header    string
		operation string
		bucket    string
		key       string
	}{
		{"GET /", "", "ListBuckets", "", ""},
		{"POST /", "", "POST service", "", ""},
		{"GET /b", "", "ListObjects", "b", ""},
		{"GET /b/", "", "ListObjects", "b", ""},
		{"GET /b?list-type=2&prefix=x", "", "ListObjectsV2", "b", ""},
		{"GET /b?versions", "", "ListObjectVersions", "b", ""},
		{"GET /b?uploads=", "", "ListMultipartUploads", "b", ""},
		{"HEAD /b", "", "HeadBucket", "b", ""},
		{"POST /b?delete", "", "DeleteObjects", "b", ""},
		{"POST /b", "", "PostObject", "b", ""},
		{"PATCH /b", "", "PATCH bucket", "b", ""},
		{"GET /b/k", "", "GetObject", "b", "k"},
		{"GET /b/k?partNumber=1", "", "GetObject", "b", "k"},
		{"GET /b/k?uploadId=u", "", "ListParts", "b", "k"},
		{"GET /b//k", "", "GetObject", "b", "/k"},
		{"GET /b/a%2Fb%20c/", "", "GetObject", "b", "a/b c/"},
		{"GET /b/list-type=2", "", "GetObject", "b", "list-type=2"},
		{"PUT /b/k", "", "PutObject", "b", "k"},
		{"PUT /b/k", "X-Amz-Copy-Source: b/x", "CopyObject", "b", "k"},
		{"PUT /b/k?partNumber=1&uploadId=u", "", "UploadPart", "b", "k"},
		{"PUT /b/k?partNumber=1&uploadId=u", "X-Amz-Copy-Source: b/x", "UploadPartCopy", "b", "k"},
		{"POST /b/k?uploads", "", "CreateMultipartUpload", "b", "k"},
		{"POST /b/k?uploadId=u", "", "CompleteMultipartUpload", "b", "k"},
		{"DELETE /b/k?uploadId=u", "", "AbortMultipartUpload", "b", "k"},
		{"DELETE /b/k?versionId=v", "", "DeleteObject", "b", "k"},
		{"PATCH /b/k", "", "PATCH object", "b", "k"},
		{"GET /k", "Host: b.localhost:9000", "GetObject", "b", "k"},
		{"GET //k", "Host: b.localhost:9000", "GetObject", "b", "/k"},
		{"GET /?list-type=2", "Host: b.c.s3.eu-west-1.amazonaws.com", "ListObjectsV2", "b.c", ""},
		{"GET /k", "Host: b.s3.amazonaws.com", "GetObject", "b", "k"},
		{"GET /k", "Host: b.s3.dualstack.eu-west-1.amazonaws.com", "GetObject", "b", "k"},
		{"GET /k", "Host: b.s3-accelerate.amazonaws.com", "GetObject", "b", "k"},
		{"GET /k", "Host: b.s3.cn-north-1.amazonaws.com.cn", "GetObject", "b", "k"},
		{"GET /k", "Host: b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com", "GetObject", "b--usw2-az1--x-s3", "k"},
		{"GET /b/k", "Host: s3.eu-west-1.amazonaws.com", "GetObject", "b", "k"},
		{"GET /k", "Host: s3.s3.eu-west-1.amazonaws.com", "GetObject", "s3", "k"},
		{"GET /b/k", "Host: 127.0.0.1:9000", "GetObject", "b", "k"},
		{"GET /b/k", "Host: localhost", "GetObject", "b", "k"},
	}
	for _, row := range rows {
		t.Run(row.request+" "+row.header, func(t *testing.T) {
			method, target, _ := strings.Cut(row.request, " ")
			r := httptest.NewRequest(method, "http://127.0.0.1/", nil)
			u, err := r.URL.Parse("http://x" + target)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = u
			if name, value, ok := strings.Cut(row.header, ": "); ok && name == "Host" {
				r.Host = value
			} else if ok {
				r.Header.Set(name, value)
			}
			if got := s3proxy.Operation(r); got != row.operation {
				t.Errorf("Operation = %q, want %q", got, row.operation)
			}
			if b, k := s3proxy.Address(r); b != row.bucket || k != row.key {
				t.Errorf("Address = %q, %q, want %q, %q", b, k, row.bucket, row.key)
			}
		})
	}
}

// seenRequests answers every request with an empty 200 and remembers it.
type seenRequests struct {
	mu   sync.Mutex
	last *http.Request
}

func (s *seenRequests) Do(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = r
	return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

// Every operation the SDK has is made once, and the proxy must call the request
// what the SDK calls it.
func TestOperationNamesAreTheSDKs(t *testing.T) {
	seen := &seenRequests{}
	var name string
	client := s3.New(s3.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String("http://127.0.0.1:1"),
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider("a", "s", ""),
		HTTPClient:   seen,
		Retryer:      aws.NopRetryer{},
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("name", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				name = awsmiddleware.GetOperationName(ctx)
				return next.HandleFinalize(ctx, in)
			}), middleware.After)
		}},
	})
	elsewhere := map[string]bool{
		"WriteGetObjectResponse": true, // S3 Object Lambda's host, not a bucket's
		"ListDirectoryBuckets":   true, // the same request as ListBuckets, at another host
	}
	calls := 0
	v := reflect.ValueOf(client)
	for i := range v.NumMethod() {
		method := v.Type().Method(i).Name
		if mt := v.Method(i).Type(); mt.NumIn() != 3 || mt.In(0) != reflect.TypeFor[context.Context]() || elsewhere[method] {
			continue
		}
		seen.last, name = nil, ""
		if err := call(t, v.Method(i)); seen.last == nil {
			t.Errorf("%s: the SDK sent no request: %v", method, err)
			continue
		}
		calls++
		if got := s3proxy.Operation(seen.last); got != name {
			t.Errorf("%s %s: Operation = %q, want %q", seen.last.Method, seen.last.URL, got, name)
		}
	}
	if calls < 90 {
		t.Errorf("only %d operations were tried", calls)
	}
}

// call calls one operation, with each field filled in that the SDK says is
// missing, until it sends a request.
func call(t *testing.T, operation reflect.Value) error {
	in := reflect.New(operation.Type().In(1).Elem())
	var err error
	for range 20 {
		out := operation.Call([]reflect.Value{reflect.ValueOf(t.Context()), in})
		err, _ = out[1].Interface().(error)
		var invalid smithy.InvalidParamsError
		if !errors.As(err, &invalid) {
			return err
		}
		for _, e := range invalid.Errs() {
			if missing, ok := errors.AsType[smithy.InvalidParamError](e); ok {
				fill(in.Elem(), missing)
			}
		}
	}
	return err
}

// fill sets the field an SDK error names, "PutBucketAclInput.Tagging.TagSet".
func fill(in reflect.Value, missing smithy.InvalidParamError) {
	_, path, _ := strings.Cut(missing.Field(), ".")
	v := in
	for name := range strings.SplitSeq(path, ".") {
		name, _, _ = strings.Cut(name, "[")
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return
		}
		v = v.FieldByName(name)
	}
	switch {
	case !v.IsValid():
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() == reflect.String:
		v.Set(reflect.ValueOf(aws.String("x")))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Type() == reflect.TypeFor[io.Reader]():
		v.Set(reflect.ValueOf(strings.NewReader("")))
	case v.Type() == reflect.TypeFor[types.ObjectEncryption]():
		v.Set(reflect.ValueOf(&types.ObjectEncryptionMemberSSEKMS{
			Value: types.SSEKMSEncryption{KMSKeyArn: aws.String("x")},
		}))
	}
}
