package s3path_test

import (
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

func (at *place) objects(keys ...string) []s3path.S3Path {
	var paths []s3path.S3Path
	for _, key := range keys {
		paths = append(paths, at.object(key))
	}
	return paths
}

// 2,500 keys are three requests, and nothing else is touched.
func TestRemoveManyOf2500(t *testing.T) {
	at := apart(t)
	keys := numbered("d/", 2500)
	at.putMany(t, keys)
	at.put(t, "d/s0/f000/below", "d/other")
	mark := at.Proxy.Mark()
	if err := at.client.RemoveMany(t.Context(), slices.Values(at.objects(keys...))); err != nil {
		t.Fatal(err)
	}
	at.wantOperations(t, mark, "DeleteObjects", "DeleteObjects", "DeleteObjects")
	at.wantKeys(t, "d/s0/f000/below", "d/other")
}

// Exact keys, whatever their buckets; missing ones are no error.
func TestRemoveMany(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		other := *at
		other.bucket = at.client.Object(at.NewBucket(t), "")
		at.put(t, "a", "b", "d/x", "m/")
		other.put(t, "a", "c")
		gone := at.client.Object("no-such-bucket-anywhere", "k")
		mark := at.Proxy.Mark()
		paths := slices.Concat(at.objects("a", "no", "d", "m/"), other.objects("a"))
		if err := at.client.RemoveMany(t.Context(), slices.Values(paths)); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "DeleteObjects", "DeleteObjects")
		at.wantKeys(t, "b", "d/x")
		other.wantKeys(t, "c")
		if err := at.client.RemoveMany(t.Context(), slices.Values([]s3path.S3Path{gone})); err != nil {
			t.Error(err)
		}
		if n := at.count(func() {
			if err := at.client.RemoveMany(t.Context(), slices.Values([]s3path.S3Path(nil))); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%d requests for nothing", n)
		}
	})
}

func TestRemoveManyVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		one, two, three := at.putVersion(t, "f", "one"), at.putVersion(t, "f", "two"), at.putVersion(t, "f", "three")
		at.putVersion(t, "g", "one")
		f := at.object("f")
		err := at.client.RemoveMany(t.Context(), slices.Values([]s3path.S3Path{f.AtVersion(one), f.AtVersion(three), at.object("g")}))
		if err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "f", "two")
		if versions, markers := at.history(t, "f"); !slices.Equal(versions, []string{two}) || len(markers) != 0 {
			t.Errorf("f: versions %v, markers %v", versions, markers)
		}
		versions, markers := at.history(t, "g")
		if len(versions) != 1 || len(markers) != 1 {
			t.Fatalf("g: versions %v, markers %v", versions, markers)
		}
		// A delete marker is a version like others.
		if err := at.client.RemoveMany(t.Context(), slices.Values([]s3path.S3Path{at.object("g").AtVersion(markers[0])})); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "g")
	})
}

// Failures are named, the rest is removed.
func TestRemoveManyFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.meddle("DeleteObjects", 1, forever, deleteResult("<Deleted><Key>a</Key></Deleted>"+
			"<Error><Key>b</Key><VersionId>v</VersionId><Code>AccessDenied</Code><Message>no</Message></Error>"+
			"<Error><Key>c</Key><Code>AccessDenied</Code><Message>no version in the answer</Message></Error>"))
		paths := append(at.objects("a", "d/e"), at.object("b").AtVersion("v"), at.object("c").AtVersion("w"))
		err := at.client.RemoveMany(t.Context(), slices.Values(paths))
		wantFailure(t, err, "remove", "s3://", fs.ErrPermission, cloudpath.ErrProtocol)
		at.wantNamed(t, err, "remove", []string{"b", "c", "d/e"})
		if err == nil || !strings.Contains(err.Error(), "no version in the answer") {
			t.Errorf("%v", err)
		}

		at.meddle("DeleteObjects", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "none at all"))
		err = at.client.RemoveMany(t.Context(), slices.Values(paths))
		wantFailure(t, err, "remove", "s3://", fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
	})
}

// A path that is not this client's, or is no object, is refused by name; the
// others are removed.
func TestRemoveManyRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a", "b", "c")
		foreign := at.newClient(t)
		paths := []s3path.S3Path{
			at.object("a"), at.object("b").WithClient(foreign), at.bucket, {}, at.object("c" + strings.Repeat("c", 1024)), at.object("c"),
		}
		err := at.client.RemoveMany(t.Context(), slices.Values(paths))
		wantFailure(t, err, "remove", "s3://", cloudpath.ErrInvalidPath)
		for _, words := range []string{at.object("b").String() + ": ", at.bucket.String() + ": ", "another client", "a bucket"} {
			if err == nil || !strings.Contains(err.Error(), words) {
				t.Errorf("no %q in %v", words, err)
			}
		}
		at.wantKeys(t, "b")
		err = at.client.RemoveMany(t.Context(), slices.Values(paths), s3path.WithWholeBucket())
		if err == nil || !strings.Contains(err.Error(), "WithWholeBucket") {
			t.Errorf("%v", err)
		}
	})
}

// A key that XML cannot carry, and a server without the operation.
func TestRemoveManySingly(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a", "b", "stays")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) == "DeleteObjects" {
				return refusing(http.StatusNotImplemented, "NotImplemented", "no")
			}
			return nil
		})
		if err := at.client.RemoveMany(t.Context(), slices.Values(at.objects("a", "b", "no"))); err != nil {
			t.Fatal(err)
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "stays")
		at.Needs(t, s3matrix.KeyControl)
		at.put(t, "x\x02", "y")
		if err := at.client.RemoveMany(t.Context(), slices.Values(at.objects("x\x02", "y"))); err != nil {
			t.Fatal(err)
		}
		same(t, "keys", rels(t, at.bucket.Walk(t.Context())), []string{"stays"})
	})
}

// Where objects have to be deleted one by one, no more of them are deleted at once
// than the call says.
func TestRemoveOneByOneAtOnce(t *testing.T) {
	at := apart(t)
	at.meddle("DeleteObjects", 1, forever, refusing(http.StatusNotImplemented, "NotImplemented", "no"))
	at.Proxy.SetLatency(time.Millisecond)
	keys := numbered("d/", 50)
	two := s3path.WithConcurrency(2)
	for name, remove := range map[string]func() error{
		"RemoveAll":  func() error { return at.object("d").RemoveAll(t.Context(), two) },
		"RemoveMany": func() error { return at.client.RemoveMany(t.Context(), slices.Values(at.objects(keys...)), two) },
		"Rename":     func() error { return at.object("d").Rename(t.Context(), at.object("e"), two) },
		"SyncFrom": func() error {
			_, err := at.object("d").SyncFrom(t.Context(), t.TempDir(), s3path.WithDelete(), two)
			return err
		},
	} {
		at.putMany(t, keys)
		at.Proxy.Reset()
		if err := remove(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n, peak := at.Proxy.Counts()["DeleteObject"], at.Proxy.Peak(); n < len(keys) || peak > 2 {
			t.Errorf("%s: %d deletes, %d requests at once", name, n, peak)
		}
	}
}
