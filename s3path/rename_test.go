package s3path_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Rename copies with everything, makes sure, then deletes: 2 requests.
func TestRenameObject(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "d/f", rich("body"))
		at.put(t, "g=replaced")
		mark := at.Proxy.Mark()
		if err := at.object("d/f").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		if got := at.Proxy.Since(mark).Operations(); !slices.Equal(got, []string{"CopyObject", "DeleteObject"}) {
			t.Errorf("requests %v", got)
		}
		at.wantStored(t, "g", rich("body"))
		at.wantKeys(t, "g")
		if err := at.object("g").Rename(t.Context(), at.object("h"), s3path.WithContentType("text/csv")); err != nil {
			t.Fatal(err)
		}
		want := rich("body")
		want.contentType = "text/csv"
		at.wantStored(t, "h", want)
		at.wantKeys(t, "h")
	})
}

// A tree of 100 is 102 requests spelled "d/", and one more spelled "d", which
// might have been an object.
func TestRenameTree(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			spelled  string
			requests int
		}{{"d/", 102}, {"d", 103}} {
			at.putMany(t, numbered("d/", 100))
			at.put(t, "d.txt", "d2/x", "e/s0/f000=replaced")
			n := at.count(func() {
				if err := at.object(row.spelled).Rename(t.Context(), at.object("e")); err != nil {
					t.Fatal(err)
				}
			})
			if n != row.requests {
				t.Errorf("%q: %d requests, want %d", row.spelled, n, row.requests)
			}
			at.wantKeys(t, slices.Concat(numbered("e/", 100), []string{"d.txt", "d2/x"})...)
			at.wantBody(t, "e/s0/f000", "x")
		}
	})
}

func TestRenameMissing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "target", rich("theirs"))
		for _, key := range []string{"no", "no/", "no/no"} {
			for _, to := range []string{"target", "vacant", "target/", "vacant/"} {
				for _, opts := range [][]s3path.CopyOption{nil, {s3path.WithNoOverwrite()}, {s3path.WithContentType("a/b")}} {
					err := at.object(key).Rename(t.Context(), at.object(to), opts...)
					wantFailure(t, err, "rename", at.object(key).String(), fs.ErrNotExist)
				}
			}
		}
		// An option that trees have no use for does not hide what is wrong.
		err := at.object("no").Rename(t.Context(), at.object("vacant"), s3path.WithInfo(new(s3path.Info)))
		wantFailure(t, err, "rename", at.object("no").String(), fs.ErrNotExist)
		at.wantStored(t, "target", rich("theirs"))
		at.wantKeys(t, "target")
		no := at.client.Object("no-such-bucket-anywhere", "k")
		for _, row := range []struct{ src, dst s3path.S3Path }{{no, at.object("g")}, {at.object("target"), no}} {
			err := row.src.Rename(t.Context(), row.dst)
			wantFailure(t, err, "rename", row.src.String(), fs.ErrNotExist)
			if err == nil || !strings.Contains(err.Error(), `there is no bucket "no-such-bucket-anywhere"`) {
				t.Errorf("from %v to %v: %v", row.src, row.dst, err)
			}
		}
		at.wantStored(t, "target", rich("theirs"))
	})
}

// Onto itself nothing happens, without any request.
func TestRenameOntoItself(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "f", rich("body"))
		at.put(t, "d/x=1")
		for _, opts := range [][]s3path.CopyOption{nil, {s3path.WithNoOverwrite()}, {s3path.WithContentType("a/b")}} {
			for _, row := range []struct{ src, dst s3path.S3Path }{
				{at.object("f"), at.object("f")}, {at.object("f"), at.bucket.Join("./f")}, {at.object("f"), at.bucket.Join("d/../f")},
				{at.object("d/"), at.object("d/")}, {at.object("d/"), at.object("d")}, {at.object("no"), at.object("no")},
			} {
				n := at.count(func() {
					if err := row.src.Rename(t.Context(), row.dst, opts...); err != nil {
						t.Errorf("%v to %v: %v", row.src, row.dst, err)
					}
				})
				if n != 0 {
					t.Errorf("%v to %v: %d requests", row.src, row.dst, n)
				}
			}
		}
		if err := at.object("d").Rename(t.Context(), at.object("d/")); err != nil { // there might have been an object d
			t.Error(err)
		}
		at.wantStored(t, "f", rich("body"))
		at.wantKeys(t, "f", "d/x")
	})
}

// Of a name that is both, the object moves; with a slash, the directory.
func TestRenameBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "both=file", "both/child=1")
		if err := at.object("both").Rename(t.Context(), at.object("f")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "both/child")
		at.put(t, "both=file")
		if err := at.object("both/").Rename(t.Context(), at.object("d")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "both", "d/child")
		// Below itself an object may well go: it is no tree.
		if err := at.object("both").Rename(t.Context(), at.object("both/child")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "both/child", "d/child")
	})
}

func TestRenameRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/x=1")
		for _, row := range []struct {
			name     string
			src, dst s3path.S3Path
			kinds    []error
		}{
			{"an object to a slash", at.object("f"), at.object("g/"), []error{cloudpath.ErrIsDirectory}},
			{"an object to itself with a slash", at.object("f"), at.object("f/"), []error{cloudpath.ErrIsDirectory}},
			{"an object to a bucket", at.object("f"), at.bucket, []error{cloudpath.ErrIsDirectory}},
			{"a bucket", at.bucket, at.client.Object("other-bucket", ""), []error{cloudpath.ErrInvalidPath}},
			{"a bucket to a key", at.bucket, at.client.Object("other-bucket", "k"), []error{cloudpath.ErrInvalidPath}},
			{"a version", at.object("f").AtVersion("v"), at.object("g"), []error{errors.ErrUnsupported}},
		} {
			wantFailure(t, row.src.Rename(t.Context(), row.dst), "rename", row.src.String(), row.kinds...)
		}
		at.wantKeys(t, "f", "d/x")
	})
}

// A copy that fails leaves the source, and the target as it was.
func TestRenameWhoseCopyFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.client = at.newClient(t, s3path.WithMaxAttempts(1)) // the SDK repeats a copy with an error inside of a success
		at.put(t, "f=body", "target=theirs")
		for _, row := range []struct {
			name  string
			how   http.HandlerFunc
			kinds []error
		}{
			{"refused", refusing(http.StatusForbidden, "AccessDenied", "no"), []error{fs.ErrPermission}},
			{"an error inside of a success", refusing(http.StatusOK, "AccessDenied", "no"), []error{fs.ErrPermission}},
			{"archived", refusing(http.StatusForbidden, "InvalidObjectState", "no"), nil},
		} {
			at.meddle("CopyObject", 1, forever, row.how)
			err := at.object("f").Rename(t.Context(), at.object("target"))
			at.Proxy.Intercept(nil)
			if row.name != "an error inside of a success" {
				wantFailure(t, err, "rename", at.object("f").String(), row.kinds...)
			}
			if err == nil {
				t.Errorf("%s: no error", row.name)
			}
			at.wantBody(t, "f", "body")
			at.wantBody(t, "target", "theirs")
		}
	})
}

// A deletion that fails after the copy says so: both are there, and to rename
// again finishes it.
func TestRenameWhoseDeletionFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/x=1", "d/y=2")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if op := s3proxy.Operation(r); op == "DeleteObject" || op == "DeleteObjects" {
				return refusing(http.StatusForbidden, "AccessDenied", "no deletions here")
			}
			return nil
		})
		err := at.object("f").Rename(t.Context(), at.object("g"))
		wantFailure(t, err, "rename", at.object("f").String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
		if err == nil || !strings.Contains(err.Error(), "copied to "+at.object("g").String()+", but the source could not be removed: ") {
			t.Errorf("%v", err)
		}
		err = at.object("d").Rename(t.Context(), at.object("e"))
		wantFailure(t, err, "rename", at.object("d").String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
		for _, words := range []string{"copied to " + at.object("e").String() + ", but these sources could not be removed: ", "2 keys", "no deletions here", "REQUEST-ID-OF-THE-TEST"} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("no %q in %v", words, err)
			}
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "f", "g", "d/x", "d/y", "e/x", "e/y")
		for _, row := range []struct{ from, to string }{{"f", "g"}, {"d", "e"}} {
			if err := at.object(row.from).Rename(t.Context(), at.object(row.to)); err != nil {
				t.Fatal(err)
			}
		}
		at.wantKeys(t, "g", "e/x", "e/y")
		at.wantBody(t, "g", "body")
	})
}

// A context that ends after the copy deletes nothing, and says what was done.
func TestRenameCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/x=1")
		for _, row := range []struct{ from, to, operation string }{{"f", "g", "DeleteObject"}, {"d", "e", "DeleteObjects"}} {
			ctx, cancel := context.WithCancel(t.Context())
			at.meddle(row.operation, 1, forever, func(http.ResponseWriter, *http.Request) {
				cancel()
				panic(http.ErrAbortHandler)
			})
			err := at.object(row.from).Rename(ctx, at.object(row.to))
			wantFailure(t, err, "rename", at.object(row.from).String(), context.Canceled)
			if err == nil || !strings.Contains(err.Error(), "copied to") {
				t.Errorf("%v", err)
			}
		}
		at.wantKeys(t, "f", "g", "d/x", "e/x")
	})
}

// With WithNoOverwrite what is there stays, and so does the source.
func TestRenameNoOverwrite(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "there=theirs", "d/x=1", "d/y=2", "e/x=theirs")
		err := at.object("f").Rename(t.Context(), at.object("there"), s3path.WithNoOverwrite())
		wantFailure(t, err, "rename", at.object("f").String(), fs.ErrExist)
		if err := at.object("f").Rename(t.Context(), at.object("g"), s3path.WithNoOverwrite()); err != nil {
			t.Fatal(err)
		}
		err = at.object("d").Rename(t.Context(), at.object("e"), s3path.WithNoOverwrite())
		wantFailure(t, err, "rename", at.object("d").String(), fs.ErrExist)
		at.wantNamed(t, err, "copy", []string{"d/x"})
		at.wantKeys(t, "g", "there", "d/x", "e/x", "e/y")
		at.wantBody(t, "there", "theirs")
		at.wantBody(t, "e/x", "theirs")
		at.noUploads(t)
	})
}

// In a bucket with versions a rename leaves a delete marker, and the versions.
func TestRenameWithVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		at.putVersion(t, "f", "one")
		at.putVersion(t, "f", "two")
		mark := at.Proxy.Mark()
		if err := at.object("f").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject", "DeleteObject")
		at.wantKeys(t, "g")
		at.wantBody(t, "g", "two")
		if versions, markers := at.history(t, "f"); len(versions) != 2 || len(markers) != 1 {
			t.Errorf("versions %v, delete markers %v", versions, markers)
		}
	})
}
