package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Listing and deleting are a request each for every thousand keys.
func TestRemoveAll(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		around := []string{"prefix/x", "pre.txt", "pre-/y", "pr", "a/pre/z"}
		at.put(t, around...)
		for _, row := range []struct {
			spelled     string
			n, requests int
		}{{"pre", 100, 2}, {"pre/", 100, 2}, {"pre", 1, 2}, {"pre", 0, 2}} {
			at.putMany(t, numbered("pre/", row.n))
			n := at.count(func() {
				if err := at.object(row.spelled).RemoveAll(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
			if n != row.requests {
				t.Errorf("%d below %q: %d requests, want %d", row.n, row.spelled, n, row.requests)
			}
			at.wantKeys(t, around...)
		}
		// Nothing there is nothing to do.
		for _, key := range []string{"no", "no/", "no/no"} {
			if err := at.object(key).RemoveAll(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if err := at.client.Object("no-such-bucket-anywhere", "k").RemoveAll(t.Context()); err != nil {
			t.Error(err)
		}
		// An object is something too.
		if err := at.object("pre.txt").RemoveAll(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantKeys(t, slices.DeleteFunc(around, func(key string) bool { return key == "pre.txt" })...)
	})
}

// 2,500 keys are three listings and three deletions, which overlap.
func TestRemoveAllOf2500(t *testing.T) {
	at := apart(t)
	at.putMany(t, numbered("d/", 2500))
	at.put(t, "d=own key", "d.txt")
	at.Proxy.SetLatency(10 * time.Millisecond)
	mark := at.Proxy.Mark()
	if err := at.object("d").RemoveAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	log := at.Proxy.Since(mark)
	if got := log.Counts(); len(log) != 6 || got["ListObjectsV2"] != 3 || got["DeleteObjects"] != 3 {
		t.Errorf("requests %v", got)
	}
	if first := slices.IndexFunc(log, func(r s3proxy.Request) bool { return r.Operation == "DeleteObjects" }); first > 2 {
		t.Errorf("nothing is deleted before everything is listed: %v", log.Operations())
	}
	full := false
	for _, r := range log.Operation("DeleteObjects") {
		if strings.Contains(string(r.Body), "<Key>d</Key>") {
			full = strings.Count(string(r.Body), "<Key>") == 1000
		}
	}
	if !full {
		t.Error("the path's own key does not ride in the first batch")
	}
	at.wantKeys(t, "d.txt")
}

// The object of this key and what is below it go together, markers and all;
// spelled with a slash, only what is below.
func TestRemoveAllBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/", "d/s/", "d/f")
		if err := at.object("d").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "both=file", "both/child=1", "both/")
		if err := at.object("both/").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "both")
		at.put(t, "both/child=1")
		if err := at.object("both").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
	})
}

// A bucket is emptied only when it is meant, and stays.
func TestRemoveAllOfABucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f", "d/x", "d/s/y", "m/")
		n := at.count(func() {
			for _, p := range []s3path.S3Path{at.bucket, at.object("d").Parent(), at.bucket.Join("../..")} {
				wantFailure(t, p.RemoveAll(t.Context()), "remove", at.bucket.String(), cloudpath.ErrInvalidPath)
				wantFailure(t, p.RemoveAll(t.Context(), s3path.WithMissingOK()), "remove", at.bucket.String(), cloudpath.ErrInvalidPath)
			}
			err := at.object("d").RemoveAll(t.Context(), s3path.WithWholeBucket())
			wantFailure(t, err, "remove", at.object("d").String(), errors.ErrUnsupported)
			err = at.object("f").AtVersion("v").RemoveAll(t.Context())
			wantFailure(t, err, "remove", at.object("f").String(), errors.ErrUnsupported)
			err = at.object("f").RemoveAll(t.Context(), s3path.WithIfMatch("x"))
			wantFailure(t, err, "remove", at.object("f").String(), errors.ErrUnsupported)
		})
		if n != 0 {
			t.Errorf("%d requests for what is refused", n)
		}
		at.wantKeys(t, "f", "d/x", "d/s/y", "m/")
		n = at.count(func() {
			if err := at.bucket.RemoveAll(t.Context(), s3path.WithWholeBucket()); err != nil {
				t.Fatal(err)
			}
		})
		if n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		at.wantKeys(t)
		n = at.count(func() {
			if err := at.bucket.RemoveAll(t.Context(), s3path.WithWholeBucket()); err != nil {
				t.Fatal(err)
			}
		})
		if n != 1 {
			t.Errorf("%d requests for an empty bucket, want 1", n)
		}
	})
}

// In a bucket with versions each object gets a delete marker.
func TestRemoveAllWithVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		for range 2 {
			at.putVersion(t, "d/f", "1")
			at.putVersion(t, "d/g", "2")
		}
		if err := at.object("d").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
		for _, key := range []string{"d/f", "d/g"} {
			if versions, markers := at.history(t, key); len(versions) != 2 || len(markers) != 1 {
				t.Errorf("%s: versions %v, markers %v", key, versions, markers)
			}
		}
	})
}

// deleteResult answers DeleteObjects; of each key that is asked for, keep says
// what to answer.
func deleteResult(answers string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Amz-Request-Id", "REQUEST-ID-OF-THE-TEST")
		fmt.Fprintf(w, "<DeleteResult>%s</DeleteResult>", answers)
	}
}

// Errors by key inside of a success are reported with their keys, and a key that
// the answer does not account for was not deleted.
func TestRemoveAllByKeyFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/a", "d/b", "d/c", "d/e")
		path := at.object("d").String()
		const gone = "<Deleted><Key>d</Key></Deleted><Deleted><Key>d/e</Key></Deleted>"
		at.meddle("DeleteObjects", 1, forever, deleteResult(gone+
			"<Error><Key>d/a</Key><Code>AccessDenied</Code><Message>not this one.</Message></Error>"+
			"<Error><Key>d/b</Key><Code>NoSuchKey</Code><Message>gone</Message></Error>"+
			"<Error><Key>d/c</Key><Code>InternalError</Code><Message>try again</Message></Error>"))
		err := at.object("d").RemoveAll(t.Context())
		wantFailure(t, err, "remove", path, fs.ErrPermission)
		for _, words := range []string{
			"remove " + path + "/a: AccessDenied: not this one (request id REQUEST-ID-OF-THE-TEST)",
			"remove " + path + "/c: InternalError: try again (request id REQUEST-ID-OF-THE-TEST)",
		} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("no %q in %v", words, err)
			}
		}
		at.wantNamed(t, err, "remove", []string{"d/a", "d/c"})

		for name, how := range map[string]http.HandlerFunc{
			"nothing": claiming, "an empty result": deleteResult(""), "another key": deleteResult(gone + "<Deleted><Key>d/x</Key></Deleted>"),
		} {
			at.meddle("DeleteObjects", 1, forever, how)
			err := at.object("d").RemoveAll(t.Context())
			wantFailure(t, err, "remove", path, cloudpath.ErrProtocol)
			at.wantNamed(t, err, "remove", map[bool][]string{true: {"d/a", "d/b", "d/c"}, false: {"d/a", "d/b", "d/c", "d/e"}}[name == "another key"])
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "d/a", "d/b", "d/c", "d/e")

		// The path's own key was not listed: whether it is there is looked at first.
		at.meddle("DeleteObjects", 1, forever, deleteResult("<Error><Key>d</Key><Code>InternalError</Code><Message>is a directory</Message></Error>"+
			"<Deleted><Key>d/a</Key></Deleted><Deleted><Key>d/b</Key></Deleted><Deleted><Key>d/c</Key></Deleted><Deleted><Key>d/e</Key></Deleted>"))
		if err := at.object("d").RemoveAll(t.Context()); err != nil {
			t.Error(err)
		}
		at.meddle("DeleteObjects", 1, forever, claiming)
		err = at.object("d/a").RemoveAll(t.Context())
		wantFailure(t, err, "remove", path+"/a", cloudpath.ErrProtocol)
		at.wantNamed(t, err, "remove", []string{"d/a"})
	})
}

// A request that fails as a whole is reported with what the server said.
func TestRemoveAllRequestFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/a", "d/b")
		at.meddle("DeleteObjects", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no deletions here"))
		err := at.object("d").RemoveAll(t.Context())
		wantFailure(t, err, "remove", at.object("d").String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
		for _, words := range []string{"3 keys", "no deletions here", "HTTP 403", "REQUEST-ID-OF-THE-TEST"} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("no %q in %v", words, err)
			}
		}
		at.meddle("ListObjectsV2", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no listings here"))
		err = at.object("d").RemoveAll(t.Context())
		wantFailure(t, err, "remove", at.object("d").String(), fs.ErrPermission)
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "d/a", "d/b")
	})
}

// A server that does not offer to delete many at once, or wants Content-MD5 with
// it, is asked for each key.
func TestRemoveAllSingly(t *testing.T) {
	for name, how := range map[string]http.HandlerFunc{
		"not implemented":         refusing(http.StatusNotImplemented, "NotImplemented", "no"),
		"not implemented, barely": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotImplemented) },
		"not allowed":             refusing(http.StatusMethodNotAllowed, "MethodNotAllowed", "no"),
		"MissingContentMD5":       refusing(http.StatusBadRequest, "MissingContentMD5", "Missing required header for this request: Content-MD5."),
		"as S3 says it":           refusing(http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*"),
	} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.put(t, "d/", "d/a", "d/b", "d/s/c", "e/x", "stays")
				at.meddle("DeleteObjects", 1, forever, how)
				n := at.count(func() {
					if err := at.object("d").RemoveAll(t.Context()); err != nil {
						t.Fatal(err)
					}
				})
				if n < 7 { // the listing, the refusal (asked again, where the status says so), and d, d/, d/a, d/b, d/s/c
					t.Errorf("%d requests", n)
				}
				if err := at.object("e").Rename(t.Context(), at.object("f")); err != nil {
					t.Fatal(err)
				}
				at.wantKeys(t, "stays", "f/x")
				at.put(t, "d/a", "d/b")
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					switch _, key := s3proxy.Address(r); {
					case s3proxy.Operation(r) == "DeleteObjects":
						return how
					case s3proxy.Operation(r) == "DeleteObject" && key == "d/a":
						return refusing(http.StatusForbidden, "AccessDenied", "not this one")
					}
					return nil
				})
				err := at.object("d").RemoveAll(t.Context())
				wantFailure(t, err, "remove", at.object("d").String(), fs.ErrPermission)
				at.wantNamed(t, err, "remove", []string{"d/a"})
				at.wantKeys(t, "stays", "f/x", "d/a")
			})
		})
	}
}

// Keys that XML cannot carry are deleted one by one, the others together.
func TestRemoveAllControlCharacters(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyControl)
		at.put(t, "d/plain", "d/a\x01b", "d/\x1f", "d/tab\there", "d/cr\rlf\n", "d/&<>'\"]]>", "d/\u00e9\u2028", "d/ ", "d/%01", "stays")
		mark := at.Proxy.Mark()
		if err := at.object("d").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		counts := at.Proxy.Since(mark).Counts()
		if counts["DeleteObjects"] != 1 || counts["DeleteObject"] != 3 {
			t.Errorf("requests %v", counts)
		}
		same(t, "keys", rels(t, at.bucket.Walk(t.Context())), []string{"stays"})
		at.put(t, "d/a\x01b=1", "d/x=2")
		if err := at.object("d").Rename(t.Context(), at.object("e")); err != nil {
			t.Fatal(err)
		}
		same(t, "keys", rels(t, at.bucket.Walk(t.Context())), []string{"e/a\x01b", "e/x", "stays"})
	})
}
