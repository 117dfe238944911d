package s3path

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Mkdir makes the marker object that stands for an empty directory, a key that
// ends in "/"; of a bucket, the bucket. Where the directory exists it does
// nothing; a file of that name is cloudpath.ErrNotDirectory, a directory in a bucket
// that is missing fs.ErrNotExist, and a bucket of somebody else's fs.ErrExist. 1
// request where it exists, up to 3 where not. S3 needs no directories:
// writing below one is enough to have it.
func (p S3Path) Mkdir(ctx context.Context) error {
	k, err := startPlain(ctx, p, "mkdir")
	if err != nil {
		return err
	}
	return failure("mkdir", p, p.mkdir(ctx, k))
}

func (p S3Path) mkdir(ctx context.Context, k *core) error {
	s := store{k: k, p: p}
	switch {
	case p.version != "":
		return fmt.Errorf("%w: a version cannot be written to", errors.ErrUnsupported)
	case p.key == "":
		return p.makeBucket(ctx, s)
	}
	if there, err := tree.IsDir(ctx, s, p.key); err != nil || there {
		return err
	}
	file := p
	if file.key = strings.TrimSuffix(p.key, "/"); file.key != "" && !strings.HasSuffix(file.key, "/") {
		_, there, err := s.present(ctx, file)
		switch {
		case err != nil:
			return err
		case there:
			return fmt.Errorf("%w: there is an object of this name", cloudpath.ErrNotDirectory)
		}
	}
	in := &s3.PutObjectInput{
		Bucket: aws.String(p.bucket), Key: aws.String(tree.DirPrefix(p.key)), ContentType: aws.String("application/x-directory"),
		Body: bytes.NewReader(nil), ContentLength: aws.Int64(0),
		IfNoneMatch: aws.String("*"), // a marker that somebody else makes meanwhile may have a body
	}
	_, err := send(ctx, k, p.bucket, in, (*s3.Client).PutObject)
	if status(err) == http.StatusNotImplemented { // the condition, most likely
		in.IfNoneMatch = nil
		_, err = send(ctx, k, p.bucket, in, (*s3.Client).PutObject)
	}
	if status(err) == http.StatusPreconditionFailed || code(err) == "ConditionalRequestConflict" {
		return nil
	}
	return err
}

func (p S3Path) makeBucket(ctx context.Context, s store) error {
	in := &s3.CreateBucketInput{Bucket: aws.String(p.bucket)}
	if s.k.endpoint == "" && s.k.region != "us-east-1" { // us-east-1 is the one region that has no name there
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(s.k.region)}
	}
	_, err := s.k.sdk.CreateBucket(ctx, in, s.k.at(p.bucket))
	if err == nil || code(err) == "BucketAlreadyOwnedByYou" {
		return nil
	}
	// Who may not make buckets may well have this one.
	if err = explain(p, err); errors.Is(err, fs.ErrPermission) {
		if there, lerr := tree.IsDir(ctx, s, ""); lerr == nil && there {
			return nil
		}
	}
	return err
}
