package s3path

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// Append begins to write an object that starts with what is there: Close commits
// the old bytes and the new ones, as one object with the old one's properties,
// unless options name others. S3 cannot append: from 5 MiB on the server copies
// the old bytes into a multipart upload, so that they do not come by here; below
// that they are read. 1 request now, 1 more to read what there is and 1 for tags
// where there are any; then those of a write, and in an upload that begins with a
// copy 1 for each part of that (8 times the client's part size, so 64 MiB). What is
// copied and has nothing behind it is not written at all.
//
// A missing object is begun anew. When somebody else writes it before Close, Close
// is cloudpath.ErrPreconditionFailed, fs.ErrExist of one that was missing, and
// nothing is written.
func (p S3Path) Append(ctx context.Context, opts ...WriteOption) (*Writer, error) {
	k, c, err := p.startWrite(ctx, "append", opts, writeOptions&^optNoOverwrite)
	if err != nil {
		return nil, err
	}
	w, err := p.appendTo(ctx, k, c)
	return w, failure("append", p, err)
}

func (p S3Path) appendTo(ctx context.Context, k *core, c *call) (*Writer, error) {
	// A copy's options are a write's, under other names.
	t := transportOf(k, k, c)
	read := *c
	read.sourceSSEC = c.ssec
	t.c = &read
	head, err := t.head(ctx, p)
	switch {
	case errorIs[*noSource](err) && c.ifMatch == "":
		c.set |= optNoOverwrite
		return p.writer(ctx, k, c).measured(), nil
	case err != nil:
		return nil, err
	}
	etag := trimETag(aws.ToString(head.ETag))
	switch {
	case etag == "":
		return nil, fmt.Errorf("%w: the server gives no ETag to make the write depend on", cloudpath.ErrProtocol)
	case c.ifMatch != "" && c.ifMatch != etag:
		return nil, fmt.Errorf("%w: the object has the ETag %q", cloudpath.ErrPreconditionFailed, etag)
	}
	c.set |= optIfMatch
	c.ifMatch = etag
	in, err := t.carried(ctx, p, p, head)
	if err != nil {
		return nil, err
	}
	in.IfMatch, in.IfNoneMatch = quoteETag(etag), nil
	w := p.writer(ctx, k, c).measured()
	w.in = in
	if size := *head.ContentLength; size < minPartSize {
		return w, w.readOld(ctx, size)
	}
	w.base = &copiedStart{t: t, p: p, head: head}
	w.n = *head.ContentLength
	return w, nil
}

// readOld begins with the bytes of a small object.
func (w *Writer) readOld(ctx context.Context, size int64) error {
	if size == 0 {
		return nil
	}
	o := &object{k: w.k, p: w.p, ssec: w.c.ssec}
	s, err := o.open(ctx, w.c.ifMatch)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // read to its end, or broken
	data, err := readAll(s, s.end)
	if err == nil {
		w.keep(data)
	}
	return err
}

// copiedStart is an object that the server copies to the beginning of an upload.
type copiedStart struct {
	t    *transport
	p    S3Path
	head *s3.HeadObjectOutput
}

// is reports whether nothing was written behind it.
func (b *copiedStart) is(n int64) bool { return n == *b.head.ContentLength }

// copyTo copies it, in parts that S3 takes wherever they stand.
func (b *copiedStart) copyTo(ctx context.Context, u *upload) error {
	size := *b.head.ContentLength
	b.t.gauge = u.gauge.part()
	most := b.t.to.copyPartSize(size)
	n := (size + most - 1) / most
	parts, err := b.t.copyParts(ctx, b.p, u.in, b.head, u, (size+n-1)/n)
	if err != nil {
		if errors.Is(err, cloudpath.ErrChanged) || status(err) == http.StatusPreconditionFailed {
			return &cause{
				text: cloudpath.ErrPreconditionFailed.Error() + ": the object was replaced before it was copied",
				is:   []error{cloudpath.ErrPreconditionFailed, err},
			}
		}
		return err
	}
	u.done = parts
	return nil
}
