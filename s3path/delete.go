package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

var _ tree.Deleter = store{}

// MaxBatch is what one DeleteObjects takes.
func (s store) MaxBatch() int { return 1000 }

// Delete is one DeleteObjects, or one DeleteObject for each key where the
// server does not offer it or XML cannot carry the key.
func (s store) Delete(ctx context.Context, keys []string) (map[string]error, error) {
	return s.deleteKeys(ctx, keys, nil)
}

// deleteKeys is Delete of keys only while they have the ETags named, if any are.
func (s store) deleteKeys(ctx context.Context, keys []string, etags map[string]string) (map[string]error, error) {
	objects := make([]types.ObjectIdentifier, len(keys))
	for i, key := range keys {
		objects[i] = types.ObjectIdentifier{Key: aws.String(key), ETag: quoteETag(etags[key])}
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

func idOf(o types.ObjectIdentifier) objectID { return objectID{*o.Key, aws.ToString(o.VersionId)} }

// deleteMany deletes up to MaxBatch objects, and says which it did not.
func (s store) deleteMany(ctx context.Context, objects []types.ObjectIdentifier) (map[objectID]error, error) {
	var batch, single []types.ObjectIdentifier
	for _, o := range objects {
		if inXML(*o.Key) {
			batch = append(batch, o)
		} else {
			single = append(single, o)
		}
	}
	var failed map[objectID]error
	if len(batch) > 0 {
		in := &s3.DeleteObjectsInput{Bucket: aws.String(s.p.bucket), Delete: &types.Delete{Objects: batch, Quiet: aws.Bool(false)}}
		done, err := s.slots.take(ctx)
		if err != nil {
			return nil, err
		}
		out, err := send(ctx, s.k, s.p.bucket, in, (*s3.Client).DeleteObjects)
		done()
		switch {
		case code(err) == "NoSuchBucket":
			return nil, nil
		case err != nil && noBatchDelete(err):
			single = objects
		case err != nil:
			return nil, fmt.Errorf("deleting %d keys, the first %q: %w", len(batch), *batch[0].Key, explain(s.p, err))
		default:
			failed = unaccounted(batch, out)
		}
	}
	if len(single) == 0 {
		return failed, nil
	}
	if failed == nil {
		failed = map[objectID]error{}
	}
	return failed, s.deleteSingly(ctx, single, failed)
}

// unaccounted is why objects of a batch were not deleted. One that the answer
// does not account for was not.
func unaccounted(batch []types.ObjectIdentifier, out *s3.DeleteObjectsOutput) map[objectID]error {
	failed := map[objectID]error{}
	waiting := make(map[objectID]bool, len(batch))
	for _, o := range batch {
		waiting[idOf(o)] = true
	}
	// Some servers leave the version out of what they answer.
	find := func(key, version *string) objectID {
		id := objectID{aws.ToString(key), aws.ToString(version)}
		if waiting[id] {
			return id
		}
		for _, o := range batch {
			if *o.Key == id.key && id.version == "" && waiting[idOf(o)] {
				return idOf(o)
			}
		}
		return id
	}
	for _, d := range out.Deleted {
		delete(waiting, find(d.Key, d.VersionId))
	}
	for _, e := range out.Errors {
		id := find(e.Key, e.VersionId)
		delete(waiting, id)
		if !alreadyGone(aws.ToString(e.Code), aws.ToString(e.Message)) {
			failed[id] = refusedDelete(e, out)
		}
	}
	for id := range waiting {
		failed[id] = fmt.Errorf("%w: the server's answer does not say whether it was deleted", cloudpath.ErrProtocol)
	}
	return failed
}

// alreadyGone reports whether a refusal says that there is nothing to delete,
// which is what was asked for. versitygw takes the id of a version that is gone for none.
func alreadyGone(code, message string) bool {
	return code == "NoSuchKey" || code == "NoSuchVersion" ||
		code == "InvalidArgument" && strings.HasPrefix(message, "Invalid version id")
}

// refusedDelete is one object's refusal inside of an answer that is a success.
func refusedDelete(e types.Error, out *s3.DeleteObjectsOutput) error {
	api := &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
	refusal := &cause{text: api.Code, is: []error{api}}
	if api.Message != "" {
		refusal.text += ": " + strings.TrimSuffix(api.Message, ".")
	}
	if id, ok := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata); ok && id != "" {
		refusal.text += " (request id " + id + ")"
	}
	switch api.Code {
	case "AccessDenied":
		refusal.is = append(refusal.is, fs.ErrPermission)
	case "PreconditionFailed":
		refusal.text += "; somebody replaced it"
		refusal.is = append(refusal.is, cloudpath.ErrPreconditionFailed)
	}
	return refusal
}

// deleteSingly is a request for each object, many at once.
func (s store) deleteSingly(ctx context.Context, objects []types.ObjectIdentifier, failed map[objectID]error) error {
	var mu sync.Mutex
	done := make(map[objectID]bool, len(objects))
	err := tree.Each(ctx, cap(s.slots), sequence(objects), func(ctx context.Context, o types.ObjectIdentifier) error {
		finished, err := s.slots.take(ctx)
		if err != nil {
			return err
		}
		err = s.deleteOne(ctx, o)
		finished()
		mu.Lock()
		defer mu.Unlock()
		if done[idOf(o)] = true; err != nil {
			failed[idOf(o)] = err
		}
		return nil
	})
	if err == nil {
		return nil
	}
	for _, o := range objects { // the context ended
		if !done[idOf(o)] {
			failed[idOf(o)] = err
		}
	}
	return nil
}

// deleteOne is one DeleteObject; that nothing is there is no failure. A server
// that does not know the condition on a delete is asked what is there instead.
func (s store) deleteOne(ctx context.Context, o types.ObjectIdentifier) error {
	p := s.p
	p.key, p.version = *o.Key, aws.ToString(o.VersionId)
	in := &s3.DeleteObjectInput{Bucket: aws.String(p.bucket), Key: o.Key, VersionId: o.VersionId, IfMatch: o.ETag}
	_, err := send(ctx, s.k, p.bucket, in, (*s3.Client).DeleteObject)
	if in.IfMatch != nil && (code(err) == "NotImplemented" || status(err) == http.StatusNotImplemented) {
		etag, there, perr := s.present(ctx, p)
		switch {
		case perr != nil || !there:
			return perr
		case etag != trimETag(*o.ETag):
			return fmt.Errorf("%w: the object has the ETag %q", cloudpath.ErrPreconditionFailed, etag)
		}
		in.IfMatch = nil
		_, err = send(ctx, s.k, p.bucket, in, (*s3.Client).DeleteObject)
	}
	if err == nil {
		return nil
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok && alreadyGone(api.ErrorCode(), api.ErrorMessage()) {
		return nil
	}
	if err = explain(p, err); isMissing(err) {
		return nil
	}
	return err
}

// noBatchDelete tells a server that does not offer DeleteObjects, not without
// the Content-MD5 that the SDK no longer sends, or not with conditions.
func noBatchDelete(err error) bool {
	switch code(err) {
	case "NotImplemented", "MethodNotAllowed", "MissingContentMD5", "MissingSecurityHeader", "MalformedXML":
		return true
	case "InvalidRequest":
		return strings.Contains(err.Error(), "Content-MD5")
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

// ---- failures of many at once

// failureOf is the failure of one key among those of many, nil if there is none.
func failureOf(err error, key string) (own *tree.Failure) {
	_ = mapFailures(err, func(f *tree.Failure) error {
		if f.Key == key {
			own = f
		}
		return f
	})
	return own
}

// without leaves one failure out.
func without(err error, one *tree.Failure) error {
	return mapFailures(err, func(f *tree.Failure) error {
		if f == one {
			return nil
		}
		return f
	})
}

// named turns the keys of failures into paths.
func (p S3Path) named(err error) error {
	return mapFailures(err, func(f *tree.Failure) error {
		q := p
		q.key, q.version = f.Key, ""
		return failure("remove", q, f.Err)
	})
}

// mapFailures replaces the failures of single keys in a joined error.
func mapFailures(err error, fn func(*tree.Failure) error) error {
	switch many := err.(type) { //nolint:errorlint // it takes the joined error apart
	case *cause: // which has more than one error behind it, but is one
	case *tree.Failure:
		return fn(many)
	case interface{ Unwrap() []error }:
		var out []error
		for _, e := range many.Unwrap() {
			out = append(out, mapFailures(e, fn))
		}
		return errors.Join(out...)
	}
	return err
}
