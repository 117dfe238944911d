package s3path

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

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
}

var (
	_ tree.Lister  = store{}
	_ tree.Deleter = store{}
)

// Ordered is false on directory buckets, which list in no order.
func (s store) Ordered() bool { return !strings.HasSuffix(s.p.bucket, "--x-s3") }

// List is one ListObjectsV2.
func (s store) List(ctx context.Context, q tree.Query) (tree.Page, error) {
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
		return tree.Page{}, explain(s.p, err)
	}
	return s.page(q, out)
}

// page checks an answer and decodes it. A server that answers something else
// than a listing, or a listing of something else, must not read as "nothing
// there".
func (s store) page(q tree.Query, out *s3.ListObjectsV2Output) (tree.Page, error) {
	bad := func(format string, args ...any) (tree.Page, error) {
		return tree.Page{}, fmt.Errorf("%w: listing %q: %s", cloudpath.ErrProtocol, s.p.bucket, fmt.Sprintf(format, args...))
	}
	if name := aws.ToString(out.Name); name != s.p.bucket && !strings.HasPrefix(s.p.bucket, "arn:") {
		return bad("the answer is of bucket %q", name)
	}
	decode := func(text string) (string, error) { return text, nil }
	if out.EncodingType == types.EncodingTypeUrl { // only when the server says that it did
		decode = url.QueryUnescape
	}
	page := tree.Page{
		Objects:  make([]tree.Object, 0, len(out.Contents)),
		Prefixes: make([]string, 0, len(out.CommonPrefixes)),
	}
	for i := range out.Contents {
		o := &out.Contents[i]
		key, err := decode(aws.ToString(o.Key))
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
		if o.Owner != nil {
			object.Owner = aws.ToString(o.Owner.DisplayName)
			if object.Owner == "" {
				object.Owner = aws.ToString(o.Owner.ID)
			}
		}
		page.Objects = append(page.Objects, object)
	}
	for _, p := range out.CommonPrefixes {
		prefix, err := decode(aws.ToString(p.Prefix))
		if err != nil || !strings.HasPrefix(prefix, q.Prefix) || !strings.HasSuffix(prefix, q.Delimiter) {
			return bad("prefix %q does not belong to it", aws.ToString(p.Prefix))
		}
		page.Prefixes = append(page.Prefixes, prefix)
	}
	if aws.ToBool(out.IsTruncated) {
		page.Next = aws.ToString(out.NextContinuationToken)
		if page.Next == "" {
			return bad("it goes on, but there is no token to go on with")
		}
		if page.Next == q.Token {
			return bad("the next page has the token of this one")
		}
	}
	return page, nil
}

// Head is one HeadObject.
func (s store) Head(ctx context.Context, key string) (tree.Object, error) {
	p := s.p
	p.key = key
	out, err := s.head(ctx, p)
	if err != nil {
		return tree.Object{}, explain(p, err)
	}
	info := infoOfHead(p, out)
	return tree.Object{Key: key, Size: info.size, ModTime: info.modTime, ETag: info.etag, StorageClass: info.storageClass, Any: info}, nil
}

func (s store) head(ctx context.Context, p S3Path) (*s3.HeadObjectOutput, error) {
	in := &s3.HeadObjectInput{Bucket: aws.String(p.bucket), Key: aws.String(p.key), VersionId: text(p.version)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = s.ssec.headers()
	return send(ctx, s.k, p.bucket, in, (*s3.Client).HeadObject)
}

// MaxBatch is what one DeleteObjects takes.
func (s store) MaxBatch() int { return 1000 }

// Delete is one DeleteObjects, or one DeleteObject for each key where the
// server does not offer it or XML cannot carry the key.
func (s store) Delete(ctx context.Context, keys []string) (map[string]error, error) {
	objects := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		objects[i].Key = aws.String(key)
	}
	failed, err := s.deleteMany(ctx, objects)
	if err != nil {
		return nil, err
	}
	byKey := make(map[string]error, len(failed))
	for id, err := range failed {
		byKey[id.key] = err
	}
	return byKey, nil
}

// objectID is an exact object, of a version if one is named.
type objectID struct{ key, version string }

func (s store) deleteMany(ctx context.Context, objects []types.ObjectIdentifier) (map[objectID]error, error) {
	failed := map[objectID]error{}
	var batch []types.ObjectIdentifier
	for _, o := range objects {
		if inXML(*o.Key) {
			batch = append(batch, o)
		} else {
			s.deleteOne(ctx, o, failed)
		}
	}
	if len(batch) == 0 {
		return failed, nil
	}
	in := &s3.DeleteObjectsInput{Bucket: aws.String(s.p.bucket), Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(false)}}
	out, err := send(ctx, s.k, s.p.bucket, in, (*s3.Client).DeleteObjects)
	if err != nil {
		if !noBatchDelete(err) {
			return nil, explain(s.p, err)
		}
		for _, o := range batch {
			s.deleteOne(ctx, o, failed)
		}
		return failed, nil
	}
	// A key that the answer does not account for was not deleted.
	done := make(map[objectID]bool, len(out.Deleted))
	for _, d := range out.Deleted {
		done[objectID{aws.ToString(d.Key), aws.ToString(d.VersionId)}] = true
	}
	for _, e := range out.Errors {
		id := objectID{aws.ToString(e.Key), aws.ToString(e.VersionId)}
		if aws.ToString(e.Code) == "NoSuchKey" || aws.ToString(e.Code) == "NoSuchVersion" {
			done[id] = true // gone is what was asked for
			continue
		}
		failed[id] = &cause{text: aws.ToString(e.Code) + ": " + aws.ToString(e.Message), is: deleteReason(aws.ToString(e.Code))}
	}
	for _, o := range batch {
		id := objectID{*o.Key, aws.ToString(o.VersionId)}
		if _, known := failed[id]; !known && !done[id] && !done[objectID{id.key, ""}] {
			failed[id] = fmt.Errorf("%w: the server's answer does not say whether it was deleted", cloudpath.ErrProtocol)
		}
	}
	return failed, nil
}

func (s store) deleteOne(ctx context.Context, o types.ObjectIdentifier, failed map[objectID]error) {
	in := &s3.DeleteObjectInput{Bucket: aws.String(s.p.bucket), Key: o.Key, VersionId: o.VersionId}
	if _, err := send(ctx, s.k, s.p.bucket, in, (*s3.Client).DeleteObject); err != nil {
		p := s.p
		p.key = *o.Key
		if err = explain(p, err); !isMissing(err) {
			failed[objectID{*o.Key, aws.ToString(o.VersionId)}] = err
		}
	}
}

func deleteReason(code string) []error {
	switch code {
	case "AccessDenied":
		return []error{errPermission}
	}
	return nil
}

// noBatchDelete tells a server that does not offer DeleteObjects, or not
// without the Content-MD5 that the SDK no longer sends.
func noBatchDelete(err error) bool {
	switch code(err) {
	case "NotImplemented", "MethodNotAllowed", "MissingContentMD5":
		return true
	}
	st := status(err)
	return st == http.StatusNotImplemented || st == http.StatusMethodNotAllowed
}

// inXML reports whether XML 1.0 can carry a key.
func inXML(key string) bool {
	for i, r := range key {
		switch {
		case r == utf8.RuneError:
			if _, n := utf8.DecodeRuneInString(key[i:]); n == 1 {
				return false
			}
		case r < 0x20 && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF:
			return false // a carriage return is legal, but parsers turn it into a newline
		}
	}
	return true
}

func isMissing(err error) bool { return errors.Is(err, errNotExist) }

// ---- listing versions

// versionPage is one ListObjectVersions.
func (s store) versionPage(ctx context.Context, prefix, keyMarker, versionMarker string, max int) (*s3.ListObjectVersionsOutput, error) {
	in := &s3.ListObjectVersionsInput{
		Bucket: aws.String(s.p.bucket), Prefix: text(prefix), KeyMarker: text(keyMarker), VersionIdMarker: text(versionMarker),
		EncodingType: types.EncodingTypeUrl,
	}
	if max > 0 {
		in.MaxKeys = aws.Int32(int32(max))
	}
	out, err := send(ctx, s.k, s.p.bucket, in, (*s3.Client).ListObjectVersions)
	if err != nil {
		return nil, explain(s.p, err)
	}
	if name := aws.ToString(out.Name); name != s.p.bucket && !strings.HasPrefix(s.p.bucket, "arn:") {
		return nil, fmt.Errorf("%w: listing versions of %q: the answer is of bucket %q", cloudpath.ErrProtocol, s.p.bucket, name)
	}
	return out, nil
}
