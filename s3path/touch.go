package s3path

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// touchRounds is how often Touch looks again when somebody else makes, replaces
// or removes the object meanwhile.
const touchRounds = 5

// Touch makes an empty object where there is none, and gives an existing one a
// new time: the same bytes, content type, metadata, cache control, tags, storage
// class and encryption, but for what options replace; S3 gives it the ACL of a
// new object. 2 requests, n+3 for an object beyond 5 GiB (n+4 if it has tags), and one
// more with WithInfo on an existing one; up to n+5 on a server (versitygw) that gives an
// object no new time when it is copied onto itself. Of two that make the object
// at once one makes it and the other touches it.
func (p S3Path) Touch(ctx context.Context, opts ...WriteOption) error {
	k, c, err := p.startWrite(ctx, "touch", opts, propertyOptions|optSSEC|optInfo)
	if err != nil {
		return err
	}
	for round := 1; ; round++ {
		err := p.touch(ctx, k, *c)
		overtaken := errors.Is(err, fs.ErrExist) || errors.Is(err, cloudpath.ErrChanged) || errorIs[*noSource](err)
		if !overtaken || round == touchRounds {
			return failure("touch", p, err)
		}
	}
}

func (p S3Path) touch(ctx context.Context, k *core, c call) error {
	c.sourceSSEC = c.ssec // it is its own source
	t := transportOf(k, k, &c)
	head, err := t.head(ctx, p)
	switch {
	case errorIs[*noSource](err):
		c.set |= optNoOverwrite
		return p.put(ctx, k, &c, bytes.NewReader(nil), 0)
	case err != nil:
		return err
	}
	m, err := t.pinned(ctx, p, p, head)
	if err == nil && m.asOldAs(head) {
		// versitygw rewrites the properties in their place. What is put together
		// of parts is a new object everywhere.
		_, err = t.inPartsOf(ctx, p, p, head)
	}
	if err == nil && c.info != nil {
		err = t.inform(ctx, p)
	}
	return err
}

// asOldAs reports that an object has no new time after it was copied onto itself,
// although the server's clock had gone on when it was looked at before.
func (m made) asOldAs(before *s3.HeadObjectOutput) bool {
	seen, ok := awsmiddleware.GetServerTime(before.ResultMetadata)
	written := wholeSeconds(&m.written)
	return ok && !m.written.IsZero() && written.Before(seen) && !written.After(wholeSeconds(before.LastModified))
}
