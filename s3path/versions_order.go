package s3path

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// elementOrder keeps the body of an answer, in which versions and delete
// markers stand as they follow each other. The SDK's answer is a list of each,
// from which that cannot be told any more: times are whole seconds, and that of
// a multipart upload is when it began.
type elementOrder struct{ body bytes.Buffer }

func (o *elementOrder) record(options *s3.Options) {
	options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("cloudpathElementOrder", func(
			ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
		) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if answer, ok := out.RawResponse.(*smithyhttp.Response); ok && answer.Body != nil {
				o.body.Reset() // of an attempt that failed
				answer.Body = struct {
					io.Reader
					io.Closer
				}{io.TeeReader(answer.Body, &o.body), answer.Body}
			}
			return out, metadata, err
		}), middleware.After)
	})
}

// read says of each element of the answer whether it is a delete marker.
func (o *elementOrder) read() (deletions []bool) {
	tokens := xml.NewDecoder(&o.body)
	for depth := 0; ; {
		token, err := tokens.RawToken()
		if err != nil {
			return deletions
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 2 && (token.Name.Local == "Version" || token.Name.Local == "DeleteMarker") {
				deletions = append(deletions, token.Name.Local == "DeleteMarker")
			}
		case xml.EndElement:
			depth--
		}
	}
}

// stamped is an entry with its time as the server gave it.
type stamped struct {
	Entry
	at time.Time
}

// listedVersions is an answer's versions and delete markers: by key, newest
// first.
func listedVersions(out *s3.ListObjectVersionsOutput, deletions []bool) ([]Entry, error) {
	versions := make([]stamped, 0, len(out.Versions))
	for i := range out.Versions {
		v := &out.Versions[i]
		e, err := entryOfVersion(out.EncodingType, v.Key, v.VersionId, v.IsLatest, v.LastModified, v.Owner)
		if err != nil {
			return nil, err
		}
		if aws.ToInt64(v.Size) < 0 {
			return nil, fmt.Errorf("%w: the version %q of key %q has %d bytes", cloudpath.ErrProtocol, e.version, e.object.Key, *v.Size)
		}
		e.object.Size, e.object.ETag, e.object.StorageClass = aws.ToInt64(v.Size), trimETag(aws.ToString(v.ETag)), string(v.StorageClass)
		versions = append(versions, e)
	}
	markers := make([]stamped, 0, len(out.DeleteMarkers))
	for i := range out.DeleteMarkers {
		d := &out.DeleteMarkers[i]
		e, err := entryOfVersion(out.EncodingType, d.Key, d.VersionId, d.IsLatest, d.LastModified, d.Owner)
		if err != nil {
			return nil, err
		}
		e.deletion = true
		markers = append(markers, e)
	}
	return inOrder(versions, markers, deletions), nil
}

func entryOfVersion(encoding types.EncodingType, key, id *string, latest *bool, at *time.Time, owner *types.Owner) (stamped, error) {
	k, err := decoded(encoding, key)
	if err == nil && k == "" {
		err = fmt.Errorf("%w: the list of versions has one without a key", cloudpath.ErrProtocol)
	}
	if err != nil {
		return stamped{}, err
	}
	return stamped{
		Entry: Entry{
			S3Path: S3Path{version: aws.ToString(id)},
			object: tree.Object{Key: k, ModTime: wholeSeconds(at), Owner: ownerName(owner)},
			latest: aws.ToBool(latest),
		},
		at: aws.ToTime(at),
	}, nil
}

// inOrder merges versions and delete markers, each in the order of the answer.
func inOrder(versions, markers []stamped, deletions []bool) []Entry {
	// Some servers list all of one kind, then all of the other. Then time decides.
	grouped := len(deletions) != len(versions)+len(markers) || kinds(deletions) <= 2
	entries := make([]Entry, 0, len(versions)+len(markers))
	for i := 0; len(versions)+len(markers) > 0; i++ {
		marker := len(versions) == 0
		if len(versions) > 0 && len(markers) > 0 {
			marker = len(deletions) > i && deletions[i]
			if grouped {
				marker = newer(markers[0], versions[0], len(deletions) > 0 && deletions[0])
			}
		}
		from := &versions
		if marker {
			from = &markers
		}
		entries = append(entries, (*from)[0].Entry)
		*from = (*from)[1:]
	}
	// Within a key the order stays; keys are in order already, unless the
	// server's idea of it is another.
	slices.SortStableFunc(entries, func(a, b Entry) int { return strings.Compare(a.object.Key, b.object.Key) })
	return entries
}

// kinds is how often an answer goes from one kind of element to the other, and
// one more.
func kinds(deletions []bool) int {
	n := 1
	for i := 1; i < len(deletions); i++ {
		if deletions[i] != deletions[i-1] {
			n++
		}
	}
	return n
}

// newer reports whether a comes before b in a list of versions; first is what
// the answer says, for those of one second.
func newer(a, b stamped, first bool) bool {
	switch {
	case a.object.Key != b.object.Key:
		return a.object.Key < b.object.Key
	case a.latest != b.latest:
		return a.latest
	case !a.at.Equal(b.at):
		return a.at.After(b.at)
	}
	return first
}
