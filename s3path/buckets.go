package s3path

import (
	"context"
	"fmt"
	"io/fs"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// Buckets lists the buckets of the client's account, in the order S3 gives
// them: 1 request per 10,000. An account without any lists nothing.
func (c *Client) Buckets(ctx context.Context) iter.Seq2[S3Path, error] {
	return func(yield func(S3Path, error) bool) {
		fail := func(err error) {
			yield(S3Path{}, &fs.PathError{Op: "readdir", Path: "s3://", Err: explain(S3Path{client: c}, err)})
		}
		k, err := c.use(ctx)
		if err != nil {
			fail(err)
			return
		}
		if k.offline() {
			fail(errOffline)
			return
		}
		token, seen := "", map[string]bool{}
		for {
			out, err := k.sdk.ListBuckets(ctx, &s3.ListBucketsInput{ContinuationToken: text(token)})
			switch {
			case err != nil:
				fail(err)
				return
			case out.Buckets == nil && out.Owner == nil: // of an account without buckets there is an empty list
				fail(fmt.Errorf("%w: it does not list buckets", cloudpath.ErrProtocol))
				return
			}
			for _, b := range out.Buckets {
				switch name := aws.ToString(b.Name); {
				case ctx.Err() != nil:
					fail(ctx.Err())
					return
				case name == "":
					fail(fmt.Errorf("%w: it lists a bucket without a name", cloudpath.ErrProtocol))
					return
				case !yield(c.Object(name, ""), nil):
					return
				}
			}
			token = aws.ToString(out.ContinuationToken)
			switch {
			case token == "":
				return
			case seen[token]:
				fail(fmt.Errorf("%w: the next page has the token of an earlier one", cloudpath.ErrProtocol))
				return
			}
			seen[token] = true
		}
	}
}
