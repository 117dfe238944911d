package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// store is one bucket as internal/tree sees it.
type store struct {
	k    *core
	p    S3Path // of the bucket or anything in it, for messages
	ssec customerKey

	// What deletes takes one of these: a batch that has to be deleted key by key is
	// not more at once than the call says. Nil in a store that only reads.
	slots slots

	// firsts is, of one listing, the first key with each prefix that behind has
	// asked for. Nil where that is not kept.
	firsts *sync.Map
}

var _ tree.Lister = store{}

// Ordered is false on directory buckets, which list in no order.
func (s store) Ordered() bool { return !strings.HasSuffix(s.p.bucket, "--x-s3") }

// List is one ListObjectsV2, but for a server that may have stopped too early.
func (s store) List(ctx context.Context, q tree.Query) (tree.Page, error) {
	if s.k.offline() {
		return s.listCopies(ctx, q)
	}
	page, early, err := s.list(ctx, q)
	if err != nil || !early {
		return page, err
	}
	return s.behind(ctx, q, page)
}

// list is one ListObjectsV2; early says that it may have left out what comes last.
func (s store) list(ctx context.Context, q tree.Query) (page tree.Page, early bool, err error) {
	in := &s3.ListObjectsV2Input{
		Bucket:            aws.String(s.p.bucket),
		Prefix:            text(q.Prefix),
		Delimiter:         text(q.Delimiter),
		StartAfter:        text(q.After),
		ContinuationToken: text(q.Token),
		EncodingType:      types.EncodingTypeUrl, // a control character in a key would break the XML
	}
	if q.Max > 0 {
		in.MaxKeys = aws.Int32(int32(q.Max))
	}
	if q.Owner {
		in.FetchOwner = aws.Bool(true)
	}
	out, err := send(ctx, s.k, s.p.bucket, in, (*s3.Client).ListObjectsV2)
	if err != nil {
		if err = explain(s.p, err); errors.Is(err, errors.ErrUnsupported) {
			err = fmt.Errorf("every listing needs ListObjectsV2: %w", err)
		}
		return tree.Page{}, false, err
	}
	page, err = s.page(q, out)
	return page, q.After != "" && q.Delimiter == "" && page.Next == "" && isMinIO(out.ResultMetadata), err
}

// page checks an answer and decodes it. A server that answers something else
// than a listing, or a listing of something else, must not read as "nothing
// there".
func (s store) page(q tree.Query, out *s3.ListObjectsV2Output) (tree.Page, error) {
	if err := s.checkName(out.Name); err != nil {
		return tree.Page{}, err
	}
	bad := func(format string, args ...any) (tree.Page, error) {
		return tree.Page{}, fmt.Errorf("%w: listing %q: %s", cloudpath.ErrProtocol, s.p.bucket, fmt.Sprintf(format, args...))
	}
	page := tree.Page{
		Objects:  make([]tree.Object, 0, len(out.Contents)),
		Prefixes: make([]string, 0, len(out.CommonPrefixes)),
	}
	for i := range out.Contents {
		o := &out.Contents[i]
		key, err := decoded(out.EncodingType, o.Key)
		if err != nil || key == "" || !strings.HasPrefix(key, q.Prefix) {
			return bad("key %q does not belong to it", aws.ToString(o.Key))
		}
		size := aws.ToInt64(o.Size)
		if size < 0 {
			return bad("key %q has %d bytes", key, size)
		}
		object := tree.Object{
			Key: key, Size: size, ModTime: wholeSeconds(o.LastModified),
			ETag: trimETag(aws.ToString(o.ETag)), StorageClass: string(o.StorageClass),
		}
		if q.Owner { // some servers say it unasked
			object.Owner = ownerName(o.Owner)
		}
		page.Objects = append(page.Objects, object)
	}
	for _, p := range out.CommonPrefixes {
		prefix, err := decoded(out.EncodingType, p.Prefix)
		if err != nil || !strings.HasPrefix(prefix, q.Prefix) || !strings.HasSuffix(prefix, q.Delimiter) {
			return bad("prefix %q does not belong to it", aws.ToString(p.Prefix))
		}
		page.Prefixes = append(page.Prefixes, prefix)
	}
	if aws.ToBool(out.IsTruncated) {
		page.Next = aws.ToString(out.NextContinuationToken)
		if page.Next == "" {
			return bad("it goes on, but there is no token to go on with; every listing needs ListObjectsV2")
		}
	}
	return page, nil
}

// checkName makes sure that an answer is a listing, and of this bucket. Through
// an access point the name is that of the bucket behind it.
func (s store) checkName(name *string) error {
	switch got := aws.ToString(name); {
	case got == "":
		return fmt.Errorf("%w: listing %q: the answer is no listing of a bucket", cloudpath.ErrProtocol, s.p.bucket)
	case got != s.p.bucket && !otherName(s.p.bucket):
		return fmt.Errorf("%w: listing %q: the answer is of bucket %q", cloudpath.ErrProtocol, s.p.bucket, got)
	}
	return nil
}

// decoded is a key as a listing means it: decoded only where the server says
// that it encoded, because not all do when asked.
func decoded(encoding types.EncodingType, s *string) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return aws.ToString(s), nil
	}
	key, err := url.QueryUnescape(aws.ToString(s))
	if err != nil {
		return "", fmt.Errorf("%w: %q is not encoded as the answer says: %w", cloudpath.ErrProtocol, aws.ToString(s), err)
	}
	return key, nil
}

func ownerName(owner *types.Owner) string {
	if owner == nil {
		return ""
	}
	if name := aws.ToString(owner.DisplayName); name != "" {
		return name
	}
	return aws.ToString(owner.ID)
}

// Head is one HeadObject.
func (s store) Head(ctx context.Context, key string) (tree.Object, error) {
	p := s.p
	p.key = key
	if s.k.offline() {
		info, err := s.k.copies.stat(p)
		return tree.Object{Key: key, Size: info.size, ModTime: info.modTime, ETag: info.etag, StorageClass: info.storageClass, Any: &info}, err
	}
	out, err := s.head(ctx, p)
	if err != nil {
		return tree.Object{}, explain(p, err)
	}
	info := infoOfHead(p, out)
	return tree.Object{Key: key, Size: info.size, ModTime: info.modTime, ETag: info.etag, StorageClass: info.storageClass, Any: &info}, nil
}

func (s store) head(ctx context.Context, p S3Path) (*s3.HeadObjectOutput, error) {
	in := &s3.HeadObjectInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = s.ssec.headers()
	return send(ctx, s.k, p.bucket, in, (*s3.Client).HeadObject)
}

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
