package s3path

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Rename moves an object, or everything below the path where there is no object
// of exactly this key or the path ends in "/". It copies, makes sure, then
// deletes: an object costs 2 requests, and 2 more where its copy has another ETag
// (it was uploaded in parts, or is encrypted); a tree 1 per 1,000 keys, 1 for each
// object and 1 per 1,000 deletions, and without the "/" 1 to see that there is no
// such object. S3 cannot rename, so a reader may see both for a while, never
// neither.
//
// A missing source is fs.ErrNotExist and leaves the target alone. An object
// that is the target is replaced. Onto itself nothing happens; a tree into
// itself is cloudpath.ErrInvalidPath. When some objects of a tree fail, the
// error names each; their sources stay. An error after the copy says that the
// source is still there: to rename again finishes it.
//
// A source that somebody replaces meanwhile is not deleted, but stays (in a
// tree: cloudpath.ErrPreconditionFailed) or is copied again, as far as the
// server compares the ETag when it deletes: some are known not to (MinIO).
func (p S3Path) Rename(ctx context.Context, dst S3Path, opts ...CopyOption) error {
	t, err := p.startCopy(ctx, dst, "rename", opts)
	if err != nil {
		return err
	}
	defer t.meter.end()
	return failure("rename", p, p.rename(ctx, t, dst))
}

func (p S3Path) rename(ctx context.Context, t *transport, dst S3Path) error {
	switch {
	case p.version != "":
		return fmt.Errorf("%w: a version cannot be renamed; copy it", errors.ErrUnsupported)
	case p.same(dst):
		return nil
	case p.key == "":
		return fmt.Errorf("%w: a bucket cannot be renamed; CopyTree copies what it holds", cloudpath.ErrInvalidPath)
	}
	if !strings.HasSuffix(p.key, "/") {
		err := p.renameObject(ctx, t, dst)
		if !errorIs[*noSource](err) {
			return err
		}
	}
	if t.c.has(optInfo) {
		if err := p.mayBeTree(ctx, t.k); err != nil {
			return err
		}
	}
	err := p.renameTree(ctx, t, dst)
	if errors.Is(err, errItself) {
		return nil
	}
	return err
}

func (p S3Path) renameObject(ctx context.Context, t *transport, dst S3Path) error {
	if wrong := p.copyable(dst); wrong != nil {
		// The source may be a tree, for which this target would be right.
		if _, err := t.head(ctx, p); errorIs[*noSource](err) {
			return err
		}
		return wrong
	}
	if p.key == dst.key && p.mayShare(dst) {
		if one, err := t.seenThere(ctx, p, dst); one || err != nil {
			return err
		}
	}
	m, err := t.object(ctx, p, dst, nil)
	if err != nil {
		return err
	}
	if err := t.removeSource(ctx, p, dst, m); err != nil {
		return fmt.Errorf("copied to %v, but the source could not be removed: %w", dst, err)
	}
	return nil
}

// removeSource deletes what was copied, and nothing that took its place
// meanwhile.
func (t *transport) removeSource(ctx context.Context, src, dst S3Path, m made) error {
	s := store{k: t.k, p: src, ssec: t.c.sourceSSEC}
	for {
		err := s.deleteOne(ctx, types.ObjectIdentifier{Key: aws.String(src.key), ETag: quoteETag(m.etag)})
		if status(err) != http.StatusPreconditionFailed {
			return err
		}
		head, herr := t.head(ctx, src)
		switch {
		case errorIs[*noSource](herr):
			return nil // somebody else removed it
		case herr != nil:
			return herr
		case m.sure:
			return fmt.Errorf("%w: it was replaced after it had been copied: %w", cloudpath.ErrChanged, err)
		}
		// The ETag was the target's. The source has another one where either came
		// in parts or is encrypted: then it is the same object still, if it is
		// older than the copy.
		if !(m.md5 && ofContentOf(head)) && aws.ToTime(head.LastModified).Before(m.asked.Add(-time.Second)) {
			m = made{etag: trimETag(aws.ToString(head.ETag)), sure: true}
			continue
		}
		m, err = t.pinned(ctx, src, dst, head)
		switch {
		case errorIs[*noSource](err):
			return nil
		case err == nil && t.c.info != nil:
			err = t.inform(ctx, dst)
		}
		if err != nil {
			return err
		}
	}
}

func (p S3Path) renameTree(ctx context.Context, t *transport, dst S3Path) error {
	copied, err := t.tree(ctx, p, dst)
	if len(copied) == 0 {
		return err
	}
	d := sources{store: store{k: t.k, p: p, slots: t.slots}, etags: make(map[string]string, len(copied))}
	keys := make([]string, len(copied))
	for i, o := range copied {
		keys[i], d.etags[o.key] = o.key, o.etag
	}
	derr := tree.Delete(ctx, d, t.c.concurrency, sequence(keys))
	if derr != nil {
		derr = fmt.Errorf("copied to %v, but these sources could not be removed: %w", dst, p.named(derr))
	}
	return errors.Join(err, derr)
}

// sources deletes what was copied, each only while it has the ETag that it had
// then.
type sources struct {
	store
	etags map[string]string
}

func (s sources) Delete(ctx context.Context, keys []string) (map[string]error, error) {
	return s.deleteKeys(ctx, keys, s.etags)
}

// mayShare reports whether two paths may be of one bucket although their clients
// or their buckets' names differ: two clients may be of one server, and an
// access point is another name of a bucket.
func (p S3Path) mayShare(q S3Path) bool {
	if p.client.resolve() != q.client.resolve() {
		return p.bucket == q.bucket || otherName(p.bucket) || otherName(q.bucket)
	}
	return p.bucket != q.bucket && (otherName(p.bucket) || otherName(q.bucket))
}

// seenThere reports whether the target's client sees, in the target's bucket, the
// very object that src is: then a rename would delete its own result. A
// customer's key is not shown to what may be another server.
func (t *transport) seenThere(ctx context.Context, src, dst S3Path) (bool, error) {
	from, err := t.head(ctx, src)
	if err != nil {
		return false, err
	}
	twin := dst
	twin.key = src.key
	to, err := store{k: t.to, p: twin}.head(ctx, twin)
	switch {
	case status(err) == http.StatusNotFound:
		return false, nil
	case err != nil:
		return false, fmt.Errorf("it cannot be told whether %v of the other client is the source itself: %w", twin, explain(twin, err))
	}
	return trimETag(aws.ToString(from.ETag)) == trimETag(aws.ToString(to.ETag)) &&
		aws.ToInt64(from.ContentLength) == aws.ToInt64(to.ContentLength) &&
		aws.ToTime(from.LastModified).Equal(aws.ToTime(to.LastModified)) &&
		versionID(from.VersionId) == versionID(to.VersionId), nil
}
