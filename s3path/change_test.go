package s3path_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// What the tests of copying, renaming, removing and sharing have in common.

// everyKind is every sentinel that an error of a changing verb may be.
var everyKind = []error{
	fs.ErrNotExist, fs.ErrExist, fs.ErrPermission, fs.ErrInvalid, errors.ErrUnsupported, context.Canceled,
	cloudpath.ErrInvalidPath, cloudpath.ErrIsDirectory, cloudpath.ErrNotDirectory, cloudpath.ErrNotEmpty,
	cloudpath.ErrPreconditionFailed, cloudpath.ErrChanged, cloudpath.ErrProtocol, cloudpath.ErrNoCredentials,
}

// wantFailure checks an error's form: an *fs.PathError of this operation, with an
// s3:// path in its text, that is one of the sentinels and, of everyKind, no other.
func wantFailure(t *testing.T, err error, op, path string, kinds ...error) {
	t.Helper()
	var failed *fs.PathError
	if !errors.As(err, &failed) {
		t.Errorf("error %v, want an *fs.PathError of %s", err, op)
		return
	}
	if failed.Op != op || failed.Path != path || !strings.HasPrefix(path, "s3://") {
		t.Errorf("error of %q on %q, want of %q on %q: %v", failed.Op, failed.Path, op, path, err)
	}
	for _, kind := range everyKind {
		if want := slices.Contains(kinds, kind); errors.Is(err, kind) != want {
			t.Errorf("errors.Is(%v) is %v, want %v: %v", kind, !want, want, err)
		}
	}
}

// wantAnswer checks that an error leads to what the server said.
func wantAnswer(t *testing.T, err error, status int, code string) {
	t.Helper()
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() != status {
		t.Errorf("errors.As finds no answer of HTTP %d in %v", status, err)
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code {
		t.Errorf("errors.As finds no %s in %v", code, err)
	}
}

// wantOperations checks what was asked for since a mark, in any order.
func (at *place) wantOperations(t *testing.T, mark int, want ...string) {
	t.Helper()
	got := at.Proxy.Since(mark).Operations()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("requests:\n got %v\nwant %v", got, want)
	}
}

// meddle has how answer the requests of an operation from the first to the last
// of them, counted from 1; the others pass.
func (at *place) meddle(operation string, first, last int64, how http.HandlerFunc) {
	var seen atomic.Int64
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != operation {
			return nil
		}
		if n := seen.Add(1); n < first || n > last {
			return nil
		}
		return how
	})
}

const forever = 1 << 40

// pass has the server behind the proxy answer.
func (at *place) pass(w http.ResponseWriter, r *http.Request) { at.Proxy.Next().ServeHTTP(w, r) }

// refusing is a refusal as S3 words it.
func refusing(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Amz-Request-Id", "REQUEST-ID-OF-THE-TEST")
		w.WriteHeader(status)
		io.WriteString(w, "<Error><Code>"+code+"</Code><Message>"+message+"</Message></Error>")
	}
}

// claiming is a success without any content.
func claiming(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusOK)
}

// tooLarge is what S3 says to the copy of an object beyond 5 GiB.
var tooLarge = refusing(http.StatusBadRequest, "InvalidRequest",
	"The specified copy source is larger than the maximum allowable size for a copy source: 5368709120")

// kept is all that an object is stored with.
type storedObject struct {
	body, contentType, encoding, disposition, language, cacheControl, expires string

	metadata, tags map[string]string
}

func (o storedObject) equal(q storedObject) bool {
	same := maps.Equal(o.metadata, q.metadata) && maps.Equal(o.tags, q.tags)
	o.metadata, q.metadata, o.tags, q.tags = nil, nil, nil, nil
	return same && o.plain() == q.plain()
}

func (o storedObject) plain() [7]string {
	return [7]string{o.body, o.contentType, o.encoding, o.disposition, o.language, o.cacheControl, o.expires}
}

// rich is an object with everything that a server copies.
func rich(body string) storedObject {
	return storedObject{
		body: body, contentType: "text/x-note; charset=utf-8", encoding: "x-note", disposition: `attachment; filename="a b.txt"`,
		language: "de", cacheControl: "max-age=7, private",
		metadata: map[string]string{"colour": "blue", "two-words": "a b & c"},
		tags:     map[string]string{"team": "blue + green", "cost centre": "4+2=6/7:@-_."},
	}
}

// richer is an object that has an Expires header besides, which this package
// keeps (MinIO drops it from the copies that it makes itself).
func richer(body string) storedObject {
	o := rich(body)
	o.expires = "Thu, 01 Dec 2044 16:00:00 GMT"
	return o
}

// putRich makes such an object behind the client's back.
func (at *place) putRich(t *testing.T, key string, o storedObject) {
	t.Helper()
	in := &s3.PutObjectInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Body: strings.NewReader(o.body),
		ContentType: aws.String(o.contentType), ContentEncoding: aws.String(o.encoding), ContentDisposition: aws.String(o.disposition),
		ContentLanguage: aws.String(o.language), CacheControl: aws.String(o.cacheControl), Metadata: o.metadata,
	}
	if at, err := http.ParseTime(o.expires); err == nil {
		in.Expires = aws.Time(at)
	}
	if _, err := at.SDK.PutObject(t.Context(), in); err != nil {
		t.Fatalf("fixture %q: %v", key, err)
	}
	if o.tags != nil {
		at.tag(t, key, o.tags)
	}
}

func (at *place) tag(t *testing.T, key string, tags map[string]string) {
	t.Helper()
	var set []types.Tag
	for k, v := range tags {
		set = append(set, types.Tag{Key: aws.String(k), Value: aws.String(v)})
	}
	_, err := at.SDK.PutObjectTagging(t.Context(), &s3.PutObjectTaggingInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Tagging: &types.Tagging{TagSet: set},
	})
	if err != nil {
		t.Fatalf("tagging %q: %v", key, err)
	}
}

// stored is all that an object is stored with, seen behind the client's back.
func (at *place) stored(t *testing.T, key string) storedObject {
	t.Helper()
	head := at.head(t, key)
	return storedObject{
		body: at.body(t, key), contentType: aws.ToString(head.ContentType), encoding: aws.ToString(head.ContentEncoding),
		disposition: aws.ToString(head.ContentDisposition), language: aws.ToString(head.ContentLanguage),
		cacheControl: aws.ToString(head.CacheControl), expires: aws.ToString(head.ExpiresString),
		metadata: head.Metadata, tags: at.tagsOf(t, key),
	}
}

func (at *place) head(t *testing.T, key string) *s3.HeadObjectOutput {
	t.Helper()
	head, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatalf("%q: %v", key, err)
	}
	return head
}

func (at *place) tagsOf(t *testing.T, key string) map[string]string {
	t.Helper()
	out, err := at.SDK.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if api, ok := errors.AsType[smithy.APIError](err); ok && api.ErrorCode() == "NoSuchTagSet" {
		return nil
	}
	if err != nil {
		t.Fatalf("tags of %q: %v", key, err)
	}
	tags := map[string]string{}
	for _, tag := range out.TagSet {
		tags[*tag.Key] = *tag.Value
	}
	return tags
}

// wantStored checks all that an object is stored with.
func (at *place) wantStored(t *testing.T, key string, want storedObject) {
	t.Helper()
	if got := at.stored(t, key); !got.equal(want) {
		t.Errorf("%q is stored as\n     %q\nwant %q", key, []any{got.plain(), got.metadata, got.tags}, []any{want.plain(), want.metadata, want.tags})
	}
}

// wantBody checks an object's bytes.
func (at *place) wantBody(t *testing.T, key, want string) {
	t.Helper()
	if got := at.body(t, key); got != want {
		t.Errorf("%q holds %.40q (%d bytes), want %.40q (%d bytes)", key, got, len(got), want, len(want))
	}
}

// wantKeys checks which keys the bucket has.
func (at *place) wantKeys(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	same(t, "keys", at.keys(t), want)
}

// keepVersions turns versions on.
func (at *place) keepVersions(t *testing.T) {
	t.Helper()
	_, err := at.SDK.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  aws.String(at.bucket.Bucket()),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// putVersion makes a version of an object and returns its id.
func (at *place) putVersion(t *testing.T, key, body string) string {
	t.Helper()
	out, err := at.SDK.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), Body: strings.NewReader(body),
	})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

// history is the versions of a key and its delete markers, newest first.
func (at *place) history(t *testing.T, key string) (versions, markers []string) {
	t.Helper()
	out, err := at.SDK.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(at.bucket.Bucket()), Prefix: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range out.Versions {
		if *v.Key == key {
			versions = append(versions, *v.VersionId)
		}
	}
	for _, m := range out.DeleteMarkers {
		if *m.Key == key {
			markers = append(markers, *m.VersionId)
		}
	}
	return versions, markers
}

// apart is a bucket of its own in-process server: another client altogether.
func apart(t *testing.T) *place {
	t.Helper()
	return newPlace(t, matrix.Servers()[0])
}

// discard removes an object behind the client's back.
func (at *place) discard(t *testing.T, key string) {
	t.Helper()
	_, err := at.SDK.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
}
