package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// AbortStale takes back uploads that were begun more than olderThan ago and
// neither completed nor aborted, of the object with this key and of everything
// below it as a directory: a process that is killed in the middle of one leaves
// its parts behind, which S3 stores, and bills, until somebody does this or a
// lifecycle rule (AbortIncompleteMultipartUpload) does. It returns how many it
// aborted. 1 request per 1,000 uploads that are open, and 1 for each that it
// aborts; a missing bucket is fs.ErrNotExist, a path of another client
// cloudpath.ErrInvalidPath and a negative age fs.ErrInvalid.
//
// Some servers (MinIO) name an object's open uploads only when asked for exactly
// this object; what a server does not name is not found here.
//
// olderThan keeps uploads alive that are still going on: choose it longer than
// the longest of them.
func (c *Client) AbortStale(ctx context.Context, under S3Path, olderThan time.Duration) (int, error) {
	k, err := startPlain(ctx, under, "abort")
	switch {
	case err != nil:
		return 0, err
	case under.client.resolve() != c.resolve():
		return 0, failure("abort", under, fmt.Errorf("%w: the path is of another client", cloudpath.ErrInvalidPath))
	case olderThan < 0:
		return 0, failure("abort", under, fmt.Errorf("%w: the age %v is negative", fs.ErrInvalid, olderThan))
	}
	var aborted atomic.Int64
	before := time.Now().Add(-olderThan)
	err = tree.Each(ctx, k.opts.workers(), k.openUploads(ctx, under), func(ctx context.Context, u types.MultipartUpload) error {
		if u.Initiated == nil || u.Initiated.After(before) {
			return nil
		}
		of := under
		of.key, of.version = *u.Key, ""
		in := &s3.AbortMultipartUploadInput{Bucket: aws.String(of.bucket), Key: u.Key, UploadId: u.UploadId}
		_, err := send(ctx, k, of.bucket, in, (*s3.Client).AbortMultipartUpload)
		switch {
		case err == nil:
			aborted.Add(1)
		case status(err) != http.StatusNotFound: // completed or aborted meanwhile
			return failure("abort", of, err)
		}
		return nil
	})
	return int(aborted.Load()), failure("abort", under, err)
}

// openUploads lists the uploads of an object, and of everything below it, that
// are neither completed nor aborted.
func (k *core) openUploads(ctx context.Context, under S3Path) iter.Seq2[types.MultipartUpload, error] {
	return func(yield func(types.MultipartUpload, error) bool) {
		in := &s3.ListMultipartUploadsInput{
			Bucket: aws.String(under.bucket), Prefix: text(under.key), EncodingType: types.EncodingTypeUrl,
		}
		type mark struct{ key, id string }
		seen := map[mark]bool{} // where pages went on
		for {
			out, err := send(ctx, k, under.bucket, in, (*s3.Client).ListMultipartUploads)
			if err == nil {
				err = store{k: k, p: under}.checkName(out.Bucket)
			}
			if err != nil {
				yield(types.MultipartUpload{}, explain(under, err))
				return
			}
			for _, u := range out.Uploads {
				key, err := decoded(out.EncodingType, u.Key)
				if err != nil || u.UploadId == nil {
					yield(types.MultipartUpload{}, errors.Join(fmt.Errorf("%w: an upload without a key or an id", cloudpath.ErrProtocol), err))
					return
				}
				u.Key = &key
				if key != under.key && !strings.HasPrefix(key, tree.DirPrefix(under.key)) {
					continue
				}
				if !yield(u, nil) {
					return
				}
			}
			if !aws.ToBool(out.IsTruncated) {
				return
			}
			nextKey, err := decoded(out.EncodingType, out.NextKeyMarker)
			next := *in
			next.KeyMarker, next.UploadIdMarker = text(nextKey), out.NextUploadIdMarker
			at := mark{nextKey, aws.ToString(next.UploadIdMarker)}
			if err != nil || nextKey == "" || seen[at] {
				yield(types.MultipartUpload{}, fmt.Errorf("%w: the list of uploads goes on, but not from where it stopped", cloudpath.ErrProtocol))
				return
			}
			seen[at] = true
			in = &next
		}
	}
}
