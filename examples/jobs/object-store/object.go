package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// customerKey is the flag for a key that the server uses and does not keep.
func (c *call) customerKey() {
	c.flags.StringVar(&c.key, "sse-c", "", "a file with the 32 bytes of the customer's key")
}

// encryption is the option for -sse-c, none without it.
func (c *call) encryption() ([]s3path.EncryptionOption, error) {
	if c.key == "" {
		return nil, nil
	}
	key, err := os.ReadFile(c.key)
	return []s3path.EncryptionOption{s3path.WithSSECustomerKey(key)}, err
}

// put uploads a file.
func put(c *call) func(context.Context) error {
	c.customerKey()
	kms := c.flags.String("sse-kms", "", "encrypt with this key of the server's KMS")
	class := c.flags.String("class", "", "the storage class, such as GLACIER")
	return func(ctx context.Context) error {
		p, err := c.path(1)
		if err != nil {
			return err
		}
		var info s3path.Info
		progress, end := bar("put")
		defer end()
		opts := []s3path.WriteOption{s3path.WithInfo(&info), progress}
		encryption, err := c.encryption()
		if err != nil {
			return err
		}
		for _, o := range encryption {
			opts = append(opts, o)
		}
		if *kms != "" {
			opts = append(opts, s3path.WithSSEKMS(*kms))
		}
		if *class != "" {
			opts = append(opts, s3path.WithStorageClass(*class))
		}
		if err := p.UploadFrom(ctx, c.args[0], opts...); err != nil {
			return err
		}
		fmt.Println(p, info.Size(), "bytes")
		return nil
	}
}

// get downloads an object, or one of its versions, into a file that is complete
// or not there.
func get(c *call) func(context.Context) error {
	c.customerKey()
	version := c.flags.String("version", "", "not the current version but this one")
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		if *version != "" {
			p = p.AtVersion(*version)
		}
		var info s3path.Info
		progress, end := bar("get")
		defer end()
		opts := []s3path.ReadOption{s3path.WithInfo(&info), progress}
		encryption, err := c.encryption()
		if err != nil {
			return err
		}
		for _, o := range encryption {
			opts = append(opts, o)
		}
		err = p.DownloadTo(ctx, c.args[1], opts...)
		if errors.Is(err, s3path.ErrArchived) {
			return fmt.Errorf("%w; see object-store restore", err)
		}
		if err == nil {
			fmt.Println(c.args[1], info.Size(), "bytes")
		}
		return err
	}
}

// stat prints what is known of an object.
func stat(c *call) func(context.Context) error {
	c.customerKey()
	return func(ctx context.Context) error {
		p, err := c.path(0)
		if err != nil {
			return err
		}
		var opts []s3path.ReadOption
		encryption, err := c.encryption()
		if err != nil {
			return err
		}
		for _, o := range encryption {
			opts = append(opts, o)
		}
		info, err := p.Stat(ctx, opts...)
		if err != nil {
			return err
		}
		fmt.Println(p, info.Size(), "bytes", info.ContentType(), info.StorageClass())
		fmt.Println("modified", info.ModTime().Format(time.RFC3339), "etag", info.ETag())
		if head, ok := info.Sys().(*s3.HeadObjectOutput); ok { // the SDK's answer has the rest
			switch {
			case head.SSECustomerAlgorithm != nil:
				fmt.Println("encrypted with the customer's key,", *head.SSECustomerAlgorithm)
			case head.SSEKMSKeyId != nil:
				fmt.Println("encrypted with", head.ServerSideEncryption, *head.SSEKMSKeyId)
			}
		}
		switch state := info.Restore(); {
		case state.InProgress:
			fmt.Println("archived; the restore is in progress")
		case state.Archived:
			fmt.Println("archived")
		case !state.Expiry.IsZero():
			fmt.Println("restored until", state.Expiry.Format(time.RFC3339))
		}
		return nil
	}
}
