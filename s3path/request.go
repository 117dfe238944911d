package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// send makes one request to a bucket. When the answer says that the bucket
// lives in another region, the region is kept for the bucket and the request
// is signed again, once; a Location header is never followed.
func send[I, O any](ctx context.Context, k *core, bucket string, in *I,
	do func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error)) (*O, error) {
	if k.offline() {
		return nil, errOffline
	}
	defer k.changed(bucket, in) // also by a request whose answer was lost
	asked := k.regionOf(bucket) // before the request: another goroutine may learn it meanwhile
	out, err := once(ctx, k, bucket, in, do)
	if err == nil {
		return out, nil
	}
	region := regionInAnswer(err)
	if head, ok := any(in).(*s3.HeadObjectInput); ok && region == "" {
		if region, err = k.hearHead(ctx, bucket, head, err); err == nil {
			return once(ctx, k, bucket, in, do)
		}
	}
	if region == "" || region == asked || !rewind(in) {
		return nil, err
	}
	k.regions.Store(bucket, region)
	return once(ctx, k, bucket, in, do)
}

// once makes a request, with the retries of the SDK. The permits of a client of
// the caller's own are taken here; else the transport bounds what is under way.
func once[I, O any](ctx context.Context, k *core, bucket string, in *I,
	do func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error)) (*O, error) {
	if k.permits != nil {
		select {
		case k.permits <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		defer func() { <-k.permits }()
	}
	return do(k.sdk, ctx, in, k.at(bucket))
}

// at directs a request to the bucket's region. A client of the caller's own
// gets here what this package's gets when it is made.
func (k *core) at(bucket string) func(*s3.Options) {
	region := k.regionOf(bucket)
	return func(o *s3.Options) {
		o.Region = region
		if k.theirs {
			o.APIOptions = append(o.APIOptions, k.demands()...)
		}
	}
}

// rewind makes a request's body ready to be sent again.
func rewind(in any) bool {
	var body io.Reader
	switch in := in.(type) {
	case *s3.PutObjectInput:
		body = in.Body
	case *s3.UploadPartInput:
		body = in.Body
	}
	if body == nil {
		return true
	}
	seeker, ok := body.(io.Seeker)
	if !ok {
		return false
	}
	_, err := seeker.Seek(0, io.SeekStart)
	return err == nil
}

// demands is what the client says with every request.
func (k *core) demands() []func(*middleware.Stack) error {
	if k.opts.set&(optRequestPayer|optBucketOwner) == 0 {
		return nil
	}
	return []func(*middleware.Stack) error{k.addHeaders}
}

// addHeaders sends what a client demands of every bucket it touches. As
// headers before signing they reach every operation, the uploader's included.
func (k *core) addHeaders(stack *middleware.Stack) error {
	return stack.Build.Add(middleware.BuildMiddlewareFunc("cloudpathHeaders", func(
		ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler,
	) (middleware.BuildOutput, middleware.Metadata, error) {
		if req, ok := in.Request.(*smithyhttp.Request); ok {
			operation := awsmiddleware.GetOperationName(ctx)
			if k.opts.set&optRequestPayer != 0 {
				req.Header.Set("X-Amz-Request-Payer", "requester")
			}
			if k.opts.bucketOwner != "" && operation != "ListBuckets" && operation != "CreateBucket" {
				req.Header.Set("X-Amz-Expected-Bucket-Owner", k.opts.bucketOwner)
				if req.Header.Get("X-Amz-Copy-Source") != "" {
					req.Header.Set("X-Amz-Source-Expected-Bucket-Owner", k.opts.bucketOwner)
				}
			}
		}
		return next.HandleBuild(ctx, in)
	}), middleware.After)
}

// start begins an operation: the path is one that can be addressed, the client
// is configured, the options fit.
func start[O any](ctx context.Context, p S3Path, op string, opts []O, give func(O, *call) error,
	defaults func(*settings) []O, allowed optionSet) (*core, *call, error) {
	if err := p.check(op); err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, failure(op, p, err)
	}
	k, err := p.client.use(ctx)
	if err != nil {
		return nil, nil, failure(op, p, err)
	}
	if k.offline() && !offlineOperations[op] {
		return nil, nil, failure(op, p, errOffline)
	}
	var base []O
	if defaults != nil {
		base = defaults(k.opts)
	}
	c, err := collect(base, opts, give, allowed)
	if err != nil {
		return nil, nil, failure(op, p, err)
	}
	key := c.ssec
	if allowed&optSourceSSEC != 0 {
		key = c.sourceSSEC // the other one is for a copy's target
	}
	if key.isSet() && !k.secure {
		return nil, nil, failure(op, p, errPlainKey)
	}
	if c.concurrency == 0 {
		c.concurrency = k.opts.workers()
	}
	return k, c, nil
}

var errPlainKey = fmt.Errorf("%w: a customer's key is never sent over plain http; use an https endpoint", errors.ErrUnsupported)

func startRead(ctx context.Context, p S3Path, op string, opts []ReadOption, allowed optionSet) (*core, *call, error) {
	return start(ctx, p, op, opts, ReadOption.readOption, func(s *settings) []ReadOption { return s.readDefaults }, allowed)
}

func startWrite(ctx context.Context, p S3Path, op string, opts []WriteOption, allowed optionSet) (*core, *call, error) {
	return start(ctx, p, op, opts, WriteOption.writeOption, func(s *settings) []WriteOption { return s.writeDefaults }, allowed)
}

func startCopy(ctx context.Context, p S3Path, op string, opts []CopyOption, allowed optionSet) (*core, *call, error) {
	return start(ctx, p, op, opts, CopyOption.copyOption, func(s *settings) []CopyOption { return s.copyDefaults }, allowed)
}

func startList(ctx context.Context, p S3Path, op string, opts []ListOption, allowed optionSet) (*core, *call, error) {
	return start(ctx, p, op, opts, ListOption.listOption, func(s *settings) []ListOption { return s.listDefaults }, allowed)
}

func startRemove(ctx context.Context, p S3Path, op string, opts []RemoveOption, allowed optionSet) (*core, *call, error) {
	return start(ctx, p, op, opts, RemoveOption.removeOption, nil, allowed)
}

// startPlain begins an operation that takes no options.
func startPlain(ctx context.Context, p S3Path, op string) (*core, error) {
	k, _, err := start(ctx, p, op, nil, func(ReadOption, *call) error { return nil }, nil, 0)
	return k, err
}

// text is a string for the SDK, nil when empty.
func text(s string) *string {
	if s == "" {
		return nil
	}
	return aws.String(s)
}
