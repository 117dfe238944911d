package s3path_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// A missing object is made, empty, and only where there is none.
func TestTouchMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var info s3path.Info
		mark := at.Proxy.Mark()
		err := at.object("d/new.csv").Touch(t.Context(), s3path.WithCacheControl("no-store"), s3path.WithTags(map[string]string{"a": "b"}), s3path.WithInfo(&info))
		if err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "HeadObject", "PutObject")
		if got := at.Proxy.Since(mark).Operation("PutObject")[0].Header.Get("If-None-Match"); got != "*" {
			t.Errorf("If-None-Match: %q", got)
		}
		got := at.stored(t, "d/new.csv")
		if got.body != "" || !strings.HasPrefix(got.contentType, "text/csv") || got.cacheControl != "no-store" || got.tags["a"] != "b" {
			t.Errorf("stored as %+v", got)
		}
		if info.Size() != 0 || `"`+info.ETag()+`"` != *at.head(t, "d/new.csv").ETag {
			t.Errorf("info %+v", info)
		}
	})
}

// An existing object gets a new time and keeps everything else: two requests.
func TestTouchExisting(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		t.Parallel()
		at.putRich(t, "d/f", richer("body"))
		at.put(t, "d/plain=plain")
		old := *at.head(t, "d/f").LastModified
		for { // S3's times are whole seconds, and the clock is the server's
			now, ok := awsmiddleware.GetServerTime(at.head(t, "d/f").ResultMetadata)
			if !ok {
				t.Fatal("the server does not tell the time")
			}
			if now.After(old) {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		mark := at.Proxy.Mark()
		if err := at.object("d/f").Touch(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := []string{"HeadObject", "CopyObject"}
		if at.Name == s3matrix.VersityGW {
			want = append(append(want, "GetObjectTagging"), renewal...)
		}
		same(t, "requests", at.Proxy.Since(mark).Operations(), want)
		at.wantStored(t, "d/f", richer("body"))
		if now := *at.head(t, "d/f").LastModified; !now.After(old) {
			t.Errorf("written at %v, touched at %v", old, now)
		}

		var info s3path.Info
		err := at.object("d/f").Touch(t.Context(), s3path.WithContentType("text/csv"), s3path.WithMetadata(map[string]string{"a": "b"}), s3path.WithInfo(&info))
		if err != nil {
			t.Fatal(err)
		}
		other := richer("body")
		other.contentType, other.metadata = "text/csv", map[string]string{"a": "b"}
		at.wantStored(t, "d/f", other)
		if info.Size() != 4 || info.ContentType() != "text/csv" {
			t.Errorf("info %+v", info)
		}
		if err := at.object("d/plain").Touch(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "d/plain", "plain")
		at.wantKeys(t, "d/f", "d/plain")
	})
}

// The storage class and the encryption stay what they are.
func TestTouchKeepsTheClass(t *testing.T) {
	at := apart(t)
	err := at.object("f").WriteText(t.Context(), "body", s3path.WithStorageClass("STANDARD_IA"), s3path.WithSSEKMS("a-key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := at.object("f").Touch(t.Context()); err != nil {
		t.Fatal(err)
	}
	if head := at.head(t, "f"); head.StorageClass != "STANDARD_IA" || head.ServerSideEncryption != "aws:kms" || *head.SSEKMSKeyId != "a-key" {
		t.Errorf("class %q, encryption %q", head.StorageClass, head.ServerSideEncryption)
	}
}

// What S3 does not copy in one request is touched in parts.
func TestTouchInParts(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		at.putRich(t, "f", richer("body"))
		at.meddle("CopyObject", 1, forever, tooLarge)
		if err := at.object("f").Touch(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantStored(t, "f", richer("body"))
		at.noUploads(t)
	})
}

// Of two that make the object at once one makes it, and the other touches it; an
// object that is replaced or removed meanwhile is looked at again.
func TestTouchRace(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.client = at.newClient(t, s3path.WithMaxAttempts(1)) // it is no matter of retries
		once := func(operation string, meanwhile func()) {
			done := false
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if s3proxy.Operation(r) == operation && !done {
					done = true
					meanwhile()
				}
				return nil
			})
		}
		once("PutObject", func() { at.put(t, "f=theirs") })
		if err := at.object("f").Touch(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantBody(t, "f", "theirs")

		once("CopyObject", func() { at.put(t, "f=new") })
		if err := at.object("f").Touch(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantBody(t, "f", "new")

		once("CopyObject", func() { at.discard(t, "f") })
		if err := at.object("f").Touch(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantBody(t, "f", "")

		at.Proxy.Intercept(nil)
		errs := make(chan error)
		for range 8 {
			go func() { errs <- at.object("race").Touch(t.Context()) }()
		}
		for range 8 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
		at.wantKeys(t, "f", "race")
	})
}

func TestTouchRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body")
		for _, row := range []struct {
			p     s3path.S3Path
			opts  []s3path.WriteOption
			kinds []error
		}{
			{at.bucket, nil, []error{cloudpath.ErrIsDirectory}},
			{at.object("d/"), nil, []error{cloudpath.ErrIsDirectory}},
			{at.object("f").AtVersion("v"), nil, []error{errors.ErrUnsupported}},
			{at.object("f"), []s3path.WriteOption{s3path.WithNoOverwrite()}, []error{errors.ErrUnsupported}},
			{at.object("f"), []s3path.WriteOption{s3path.WithIfMatch("x")}, []error{errors.ErrUnsupported}},
		} {
			n := at.count(func() {
				wantFailure(t, row.p.Touch(t.Context(), row.opts...), "touch", row.p.String(), row.kinds...)
			})
			if n != 0 {
				t.Errorf("%v: %d requests", row.p, n)
			}
		}
		no := at.client.Object("no-such-bucket-anywhere", "k")
		wantFailure(t, no.Touch(t.Context()), "touch", no.String(), fs.ErrNotExist)
		// A 403 is not "missing": nothing is made, and nothing replaced.
		at.meddle("HeadObject", 1, forever, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
		for _, key := range []string{"f", "no"} {
			wantFailure(t, at.object(key).Touch(t.Context()), "touch", at.object(key).String(), fs.ErrPermission)
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "f")
		at.wantBody(t, "f", "body")
	})
}
