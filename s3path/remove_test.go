package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestRemove(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "stays", "stays2/x")
		for _, row := range []struct {
			name     string
			tree     []string
			key      string
			opts     []s3path.RemoveOption
			kinds    []error // nil: it works
			requests int
			left     []string
		}{
			{"a file", []string{"f=1"}, "f", nil, nil, 2, nil},
			{"a file below", []string{"d/f=1", "d/g"}, "d/f", nil, nil, 2, []string{"d/g"}},
			{"missing", nil, "f", nil, []error{fs.ErrNotExist}, 2, nil},
			{"missing, with a slash", nil, "f/", nil, []error{fs.ErrNotExist}, 1, nil},
			{"a file, with a slash", []string{"f"}, "f/", nil, []error{fs.ErrNotExist}, 1, []string{"f"}},
			{"a string prefix", []string{"file"}, "fi", nil, []error{fs.ErrNotExist}, 2, []string{"file"}},
			{"an empty directory", []string{"d/"}, "d", nil, nil, 3, nil},
			{"an empty directory, with a slash", []string{"d/"}, "d/", nil, nil, 2, nil},
			{"a directory without a marker", []string{"d/x"}, "d", nil, []error{cloudpath.ErrNotEmpty}, 2, []string{"d/x"}},
			{"a directory with a marker", []string{"d/", "d/x"}, "d", nil, []error{cloudpath.ErrNotEmpty}, 2, []string{"d/", "d/x"}},
			{"a directory of a directory", []string{"d/", "d/s/"}, "d/", nil, []error{cloudpath.ErrNotEmpty}, 1, []string{"d/", "d/s/"}},
			{"missing and fine", nil, "f", []s3path.RemoveOption{s3path.WithMissingOK()}, nil, 1, nil},
			{"a file, or missing", []string{"f"}, "f", []s3path.RemoveOption{s3path.WithMissingOK()}, nil, 1, nil},
			{"a directory, or missing", []string{"d/x"}, "d", []s3path.RemoveOption{s3path.WithMissingOK()}, nil, 1, []string{"d/x"}},
			{"a marker, or missing", []string{"d/", "d/x"}, "d/", []s3path.RemoveOption{s3path.WithMissingOK()}, nil, 1, []string{"d/x"}},
			{"another option", []string{"f"}, "f", []s3path.RemoveOption{s3path.WithWholeBucket()}, []error{errors.ErrUnsupported}, 0, []string{"f"}},
		} {
			t.Run(row.name, func(t *testing.T) {
				at.put(t, row.tree...)
				var err error
				n := at.count(func() { err = at.object(row.key).Remove(t.Context(), row.opts...) })
				if row.kinds == nil && err != nil {
					t.Error(err)
				} else if row.kinds != nil {
					wantFailure(t, err, "remove", at.object(row.key).String(), row.kinds...)
				}
				if n != row.requests {
					t.Errorf("%d requests, want %d", n, row.requests)
				}
				at.wantKeys(t, append([]string{"stays", "stays2/x"}, row.left...)...)
				for _, key := range row.left {
					at.discard(t, key)
				}
			})
		}
	})
}

// Of a name that is both, the object goes; with a slash, the directory is meant.
func TestRemoveBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "both=file", "both/child=1")
		wantFailure(t, at.object("both/").Remove(t.Context()), "remove", at.object("both/").String(), cloudpath.ErrNotEmpty)
		if err := at.object("both").Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "both/child")
		wantFailure(t, at.object("both").Remove(t.Context()), "remove", at.object("both").String(), cloudpath.ErrNotEmpty)
	})
}

// A marker with a body is a marker.
func TestRemoveMarkerWithBody(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.MarkerWithBody)
		at.put(t, "d/=body")
		if err := at.object("d").Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
	})
}

// A listing may bring its second key on a later page: the directory is not empty.
func TestRemoveWithShortPages(t *testing.T) {
	at := apart(t)
	at.put(t, "d/", "d/x")
	listings := 0
	at.meddle("ListObjectsV2", 1, forever, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		contents, next := "", ""
		switch listings++; listings {
		case 1: // nothing yet
			next = "one"
		case 2:
			contents, next = "<Contents><Key>d/</Key><Size>0</Size></Contents>", "two"
		case 3:
			contents = "<Contents><Key>d/x</Key><Size>0</Size></Contents>"
		}
		fmt.Fprintf(w, "<ListBucketResult><Name>%s</Name>%s<IsTruncated>%v</IsTruncated><NextContinuationToken>%s</NextContinuationToken></ListBucketResult>",
			at.bucket.Bucket(), contents, next != "", next)
	})
	wantFailure(t, at.object("d").Remove(t.Context()), "remove", at.object("d").String(), cloudpath.ErrNotEmpty)
	at.Proxy.Intercept(nil)
	at.wantKeys(t, "d/", "d/x")
}

// Nor does it follow pages that go round in a circle.
func TestRemoveInACircle(t *testing.T) {
	pages := 0
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		pages++
		return fakeXML(r, http.StatusOK, fmt.Sprintf(`<ListBucketResult><Name>bucket</Name><IsTruncated>true</IsTruncated>
			<NextContinuationToken>%d</NextContinuationToken></ListBucketResult>`, pages%2)), nil
	})
	if err := c.Object("bucket", "d/").Remove(t.Context()); !errors.Is(err, cloudpath.ErrProtocol) || pages != 3 {
		t.Errorf("%d pages, %v", pages, err)
	}
}

func TestRemoveBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		missing := at.client.Object("no-such-bucket-anywhere", "")
		wantFailure(t, missing.Remove(t.Context()), "remove", missing.String(), fs.ErrNotExist)
		wantFailure(t, missing.Join("k").Remove(t.Context()), "remove", missing.Join("k").String(), fs.ErrNotExist)
		for _, p := range []s3path.S3Path{missing, missing.Join("k")} {
			if err := p.Remove(t.Context(), s3path.WithMissingOK()); err != nil {
				t.Error(err)
			}
		}
		at.put(t, "f")
		wantFailure(t, at.bucket.Remove(t.Context()), "remove", at.bucket.String(), cloudpath.ErrNotEmpty)
		wantFailure(t, at.bucket.Remove(t.Context(), s3path.WithMissingOK()), "remove", at.bucket.String(), cloudpath.ErrNotEmpty)
		wantFailure(t, at.bucket.Remove(t.Context(), s3path.WithIfMatch("x")), "remove", at.bucket.String(), errors.ErrUnsupported)
		at.wantKeys(t, "f")
		at.discard(t, "f")
		n := at.count(func() {
			if err := at.bucket.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		if n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		if there, err := at.bucket.Exists(t.Context()); err != nil || there {
			t.Error(there, err)
		}
	})
}

// The condition holds also on servers that ignore it on a deletion.
func TestRemoveIfMatch(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/")
		etag, marker := *at.head(t, "f").ETag, *at.head(t, "d/").ETag
		for _, opts := range [][]s3path.RemoveOption{
			{s3path.WithIfMatch("00000000000000000000000000000000")},
			{s3path.WithIfMatch("00000000000000000000000000000000"), s3path.WithMissingOK()},
		} {
			for _, key := range []string{"f", "d/"} {
				err := at.object(key).Remove(t.Context(), opts...)
				wantFailure(t, err, "remove", at.object(key).String(), cloudpath.ErrPreconditionFailed)
			}
		}
		if n := len(at.Proxy.Requests().Operation("DeleteObject")); n > 0 {
			t.Errorf("%d deletions are left to a server that may ignore their condition", n)
		}
		at.wantKeys(t, "f", "d/")
		wantFailure(t, at.object("no").Remove(t.Context(), s3path.WithIfMatch(etag)), "remove", at.object("no").String(), fs.ErrNotExist)
		if err := at.object("no").Remove(t.Context(), s3path.WithIfMatch(etag), s3path.WithMissingOK()); err != nil {
			t.Error(err)
		}
		mark := at.Proxy.Mark()
		if err := at.object("f").Remove(t.Context(), s3path.WithIfMatch(strings.Trim(etag, `"`))); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "HeadObject", "DeleteObject")
		if got := at.Proxy.Since(mark).Operation("DeleteObject")[0].Header.Get("If-Match"); got != etag {
			t.Errorf("If-Match: %s, want %s", got, etag)
		}
		if err := at.object("d").Remove(t.Context(), s3path.WithIfMatch(marker)); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)

		// Between the look and the deletion the server decides.
		at.Needs(t, s3matrix.DeleteIfMatch)
		at.put(t, "f=body")
		at.meddle("DeleteObject", 1, 1, func(w http.ResponseWriter, r *http.Request) {
			at.put(t, "f=new")
			at.pass(w, r)
		})
		err := at.object("f").Remove(t.Context(), s3path.WithIfMatch(etag))
		wantFailure(t, err, "remove", at.object("f").String(), cloudpath.ErrPreconditionFailed)
		at.wantBody(t, "f", "new")
	})
}

func TestRemoveVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		one := at.putVersion(t, "f", "one")
		two := at.putVersion(t, "f", "two")

		// Without a version a delete marker is left.
		if err := at.object("f").Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		versions, markers := at.history(t, "f")
		if len(versions) != 2 || len(markers) != 1 {
			t.Fatalf("versions %v, markers %v", versions, markers)
		}
		wantFailure(t, at.object("f").Remove(t.Context()), "remove", at.object("f").String(), fs.ErrNotExist)
		// The marker is a version too: without it the object is back.
		if err := at.object("f").AtVersion(markers[0]).Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "f", "two")

		n := at.count(func() {
			if err := at.object("f").AtVersion(two).Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
		})
		if n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		at.wantBody(t, "f", "one")
		err := at.object("f").AtVersion(two).Remove(t.Context())
		wantFailure(t, err, "remove", at.object("f").String(), fs.ErrNotExist)
		n = at.count(func() {
			if err := at.object("f").AtVersion(two).Remove(t.Context(), s3path.WithMissingOK()); err != nil {
				t.Fatal(err)
			}
		})
		if n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		err = at.object("f").AtVersion(one).Remove(t.Context(), s3path.WithIfMatch("00000000000000000000000000000000"))
		wantFailure(t, err, "remove", at.object("f").String(), cloudpath.ErrPreconditionFailed)
		if err := at.object("f").AtVersion(one).Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if versions, markers := at.history(t, "f"); len(versions)+len(markers) != 0 {
			t.Errorf("versions %v, markers %v", versions, markers)
		}
	})
}

// What is not a 404 is an error, and nothing is removed.
func TestRemoveFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/")
		forbidden := refusing(http.StatusForbidden, "AccessDenied", "no")
		for _, row := range []struct {
			operation, key string
			status         int
		}{{"HeadObject", "f", 403}, {"DeleteObject", "f", 403}, {"ListObjectsV2", "d", 403}, {"ListObjectsV2", "d/", 403}} {
			at.meddle(row.operation, 1, forever, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodHead {
					w.WriteHeader(row.status)
					return
				}
				forbidden(w, r)
			})
			err := at.object(row.key).Remove(t.Context())
			wantFailure(t, err, "remove", at.object(row.key).String(), fs.ErrPermission)
			if err == nil || !strings.Contains(err.Error(), "HTTP 403") {
				t.Errorf("%v", err)
			}
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "f", "d/")
		at.meddle("DeleteObject", 1, forever, forbidden)
		err := at.object("f").Remove(t.Context(), s3path.WithMissingOK())
		wantFailure(t, err, "remove", at.object("f").String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
	})
}
