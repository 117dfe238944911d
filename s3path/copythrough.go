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

	if size > t.to.opts.partSize {
		_, err = t.to.multipart(ctx, in, struct{ io.Reader }{s}, stages(t.to.opts.partSize, size), t.c.parts(t.to), t.gauge)
		if !errors.Is(err, cloudpath.ErrChanged) { // which is about the source
			err = dst.writeError(t.c, err)
		}
	} else {
		var data []byte
		if data, err = readAll(s, size); err == nil {
			err = t.put(ctx, dst, in, data)
		}
	}
	return made{etag: o.info.etag, sure: true}, err
}
