package s3path

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"io"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
)

// A conditional write whose answer is lost is tried again by the SDK, and is
// then refused because of itself: the condition no longer holds, for what was
// written is there. Such a refusal is checked before it is believed.

// answers watches how the attempts at one request end.
type answers struct{ lost bool }

// watch is an option of the request. An attempt without an answer, or with one
// that says that the server failed, may have been carried out.
func (a *answers) watch(o *s3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("cloudpathAnswers", func(
			ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
		) (middleware.FinalizeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleFinalize(ctx, in)
			if err != nil && (status(err) == 0 || status(err) >= 500) {
				a.lost = true
			}
			return out, metadata, err
		}), "Retry", middleware.After)
	})
}

// via adds options to an operation of the SDK's.
func via[I, O any](op func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error), opts ...func(*s3.Options)) func(*s3.Client, context.Context, *I, ...func(*s3.Options)) (*O, error) {
	return func(c *s3.Client, ctx context.Context, in *I, more ...func(*s3.Options)) (*O, error) {
		return op(c, ctx, in, slices.Concat(opts, more)...)
	}
}

// holds looks whether the object that a PUT was to make is there.
func (k *core) holds(ctx context.Context, in *s3.PutObjectInput, body io.ReadSeeker) *stored {
	sum := md5.New()
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return nil
	}
	if _, err := io.Copy(sum, body); err != nil {
		return nil
	}
	return k.storedAs(ctx, in, hex.EncodeToString(sum.Sum(nil)))
}

// storedAs looks whether the object has this ETag. Where the server's ETags are
// made otherwise, because it encrypts, nothing can be told.
func (k *core) storedAs(ctx context.Context, in *s3.PutObjectInput, etag string) *stored {
	if etag == "" || ctx.Err() != nil {
		return nil
	}
	ask := &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key}
	ask.SSECustomerAlgorithm, ask.SSECustomerKey, ask.SSECustomerKeyMD5 = in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5
	out, err := send(ctx, k, *in.Bucket, ask, (*s3.Client).HeadObject)
	if err != nil || trimETag(aws.ToString(out.ETag)) != etag {
		return nil
	}
	return &stored{out.ETag, out.VersionId}
}
