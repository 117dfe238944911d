package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// RestoreTier is how fast, and at what price, an archived object is brought back.
type RestoreTier string

// The tiers of S3: hours, up to two days, and minutes.
const (
	RestoreStandard  RestoreTier = "Standard"
	RestoreBulk      RestoreTier = "Bulk"
	RestoreExpedited RestoreTier = "Expedited"
)

// Restore asks for an archived object to be readable for so many days. 1
// request; it does not wait: Stat's Info.Restore says how far it has come.
// Asking while a restore is in progress is no error. A missing object is
// fs.ErrNotExist, one that is not archived errors.ErrUnsupported, and less than a
// day, or more days than S3 counts, fs.ErrInvalid.
func (p S3Path) Restore(ctx context.Context, days int, tier RestoreTier) error {
	k, err := startPlain(ctx, p, "restore")
	switch {
	case err != nil:
		return err
	case p.key == "":
		return failure("restore", p, cloudpath.ErrIsDirectory)
	case days < 1 || days > math.MaxInt32:
		return failure("restore", p, fmt.Errorf("%w: %d days", fs.ErrInvalid, days))
	}
	in := &s3.RestoreObjectInput{
		Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version),
		RestoreRequest: &types.RestoreRequest{
			Days:                 aws.Int32(int32(days)),
			GlacierJobParameters: &types.GlacierJobParameters{Tier: types.Tier(tier)},
		},
	}
	_, err = send(ctx, k, p.bucket, in, (*s3.Client).RestoreObject)
	switch code(err) {
	case "RestoreAlreadyInProgress":
		return nil
	case "InvalidObjectState":
		err = &cause{text: "the object is not archived, it can be read as it is", is: []error{errors.ErrUnsupported, err}}
	}
	return failure("restore", p, err)
}
