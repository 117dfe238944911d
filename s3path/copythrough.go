package s3path

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// through copies to another client: a GET there, a PUT or parts here.
func (t *transport) through(ctx context.Context, src, dst S3Path) (made, error) {
	head, err := t.head(ctx, src)
	if err != nil {
		return made{}, err
	}
	if t.c.has(optNoOverwrite) { // before any byte is moved; the condition decides a race
		if err := t.vacant(ctx, dst); err != nil {
			return made{}, err
		}
	}
	in, err := t.carried(ctx, src, dst, head)
	if errors.Is(err, fs.ErrPermission) { // another account's tags need not be readable
		plain := *head
		plain.TagCount = nil
		in, err = t.carried(ctx, src, dst, &plain)
	}
	if err != nil {
		return made{}, err
	}

	size := *head.ContentLength
	if large := size > t.to.opts.partSize; large && t.large != nil {
		select {
		case t.large <- struct{}{}:
			defer func() { <-t.large }()
		case <-ctx.Done():
			return made{}, ctx.Err()
		}
	}
	o := &object{k: t.k, p: src, ssec: t.c.sourceSSEC}
	s, err := o.open(ctx, trimETag(aws.ToString(head.ETag)))
	switch {
	case errors.Is(err, cloudpath.ErrPreconditionFailed):
		return made{}, errCopiedChanged(err)
	case err != nil:
		return made{}, err
	}
	defer func() { _ = s.Close() }() // what was wanted of it was read
	if o.info.size != size {
		return made{}, fmt.Errorf("%w: the source has %d bytes, and %d when it is read", cloudpath.ErrProtocol, size, o.info.size)
	}

	var etag string
	if size > t.to.opts.partSize {
		var out *stored
		out, err = t.to.multipart(ctx, in, struct{ io.Reader }{s}, stages(t.to.opts.partSize, size), t.c.parts(t.to))
		if err == nil {
			etag = trimETag(aws.ToString(out.etag))
		}
		if !errors.Is(err, cloudpath.ErrChanged) { // which is about the source
			err = dst.writeError(t.c, err)
		}
	} else {
		var data []byte
		if data, err = readAll(s, size); err == nil {
			etag, err = t.put(ctx, dst, in, data)
		}
	}
	if err == nil && etag == "" {
		err = t.arrived(ctx, dst, size)
	}
	return made{etag: o.info.etag, sure: true}, err
}

// arrived looks whether the target is there whose writing was answered without
// an ETag.
func (t *transport) arrived(ctx context.Context, dst S3Path, size int64) error {
	head, err := store{k: t.to, p: dst, ssec: t.c.ssec}.head(ctx, dst)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the server said that it wrote, but the target cannot be seen: %w", cloudpath.ErrProtocol, explain(dst, err))
	case head.ContentLength == nil || *head.ContentLength != size:
		return fmt.Errorf("%w: the server said that it wrote %d bytes, but the target has %d", cloudpath.ErrProtocol, size, aws.ToInt64(head.ContentLength))
	}
	return nil
}
