package s3path_test

import (
	"errors"
	"io/fs"
	"net/http"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestMkdir(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			name     string
			tree     []string
			key      string
			kinds    []error // nil: it works
			requests int
			keys     []string
		}{
			{"new", nil, "d", nil, 3, []string{"d/"}},
			{"new, with a slash", nil, "d/", nil, 3, []string{"d/"}},
			{"new and deep", nil, "a/b/c", nil, 3, []string{"a/b/c/"}},
			{"there, by its marker", []string{"d/"}, "d", nil, 1, []string{"d/"}},
			{"there, by what it holds", []string{"d/x"}, "d", nil, 1, []string{"d/x"}},
			{"there, with a slash", []string{"d/x"}, "d/", nil, 1, []string{"d/x"}},
			{"a string prefix is none", []string{"dir"}, "d", nil, 3, []string{"d/", "dir"}},
			{"a file", []string{"d=file"}, "d", []error{cloudpath.ErrNotDirectory}, 2, []string{"d"}},
			{"a file, with a slash", []string{"d=file"}, "d/", []error{cloudpath.ErrNotDirectory}, 2, []string{"d"}},
		} {
			t.Run(row.name, func(t *testing.T) {
				at.put(t, row.tree...)
				var err error
				n := at.count(func() { err = at.object(row.key).Mkdir(t.Context()) })
				if row.kinds == nil && err != nil {
					t.Error(err)
				} else if row.kinds != nil {
					wantFailure(t, err, "mkdir", at.object(row.key).String(), row.kinds...)
				}
				if n != row.requests {
					t.Errorf("%d requests, want %d", n, row.requests)
				}
				at.wantKeys(t, row.keys...)
				for _, key := range row.keys {
					at.discard(t, key)
				}
			})
		}
		if err := at.object("d").Mkdir(t.Context()); err != nil {
			t.Fatal(err)
		}
		if dir, err := at.object("d").IsDir(t.Context()); err != nil || !dir {
			t.Error(dir, err)
		}
		wantFailure(t, at.object("d").AtVersion("v").Mkdir(t.Context()), "mkdir", at.object("d").String(), errors.ErrUnsupported)
		no := at.client.Object("no-such-bucket-anywhere", "d")
		wantFailure(t, no.Mkdir(t.Context()), "mkdir", no.String(), fs.ErrNotExist)
	})
}

// A name that is both is a directory already.
func TestMkdirBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "both=file", "both/child")
		if err := at.object("both").Mkdir(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantKeys(t, "both", "both/child")
	})
}

// A marker that somebody else makes meanwhile is not replaced.
func TestMkdirRace(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.MarkerWithBody)
		at.meddle("PutObject", 1, 1, func(w http.ResponseWriter, r *http.Request) {
			at.put(t, "d/=theirs")
			at.pass(w, r)
		})
		if err := at.object("d").Mkdir(t.Context()); err != nil {
			t.Error(err)
		}
		at.wantBody(t, "d/", "theirs")
	})
}

// A server that knows no conditions on a write makes the marker all the same.
func TestMkdirWithoutConditions(t *testing.T) {
	at := apart(t)
	at.meddle("PutObject", 1, 1, refusing(http.StatusNotImplemented, "NotImplemented", "If-None-Match"))
	if err := at.object("d").Mkdir(t.Context()); err != nil {
		t.Fatal(err)
	}
	at.wantKeys(t, "d/")
}

// Only a 404 means that there is no directory and no file.
func TestMkdirFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, operation := range []string{"ListObjectsV2", "HeadObject", "PutObject"} {
			at.meddle(operation, 1, forever, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) })
			err := at.object("d").Mkdir(t.Context())
			wantFailure(t, err, "mkdir", at.object("d").String(), fs.ErrPermission)
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t)
	})
}

func TestMkdirOfABucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		bucket := at.client.Object(at.bucket.Bucket()+"-made", "")
		defer func() {
			if err := bucket.Remove(t.Context(), s3path.WithMissingOK()); err != nil {
				t.Error(err)
			}
		}()
		for _, what := range []string{"new", "there"} {
			n := at.count(func() {
				if err := bucket.Mkdir(t.Context()); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			})
			if there, err := bucket.Exists(t.Context()); n != 1 || err != nil || !there {
				t.Errorf("%s: %d requests, exists %v, %v", what, n, there, err)
			}
		}

		// Somebody else's.
		at.meddle("CreateBucket", 1, forever, refusing(http.StatusConflict, "BucketAlreadyExists", "taken"))
		wantFailure(t, bucket.Mkdir(t.Context()), "mkdir", bucket.String(), fs.ErrExist)
		// Who may not make buckets may have this one.
		at.meddle("CreateBucket", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no"))
		if err := bucket.Mkdir(t.Context()); err != nil {
			t.Error(err)
		}
		missing := at.client.Object("no-such-bucket-anywhere", "")
		err := missing.Mkdir(t.Context())
		wantFailure(t, err, "mkdir", missing.String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
		at.Proxy.Intercept(nil)
	})
}
