package s3path_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Properties and tags survive a copy, which is one request.
func TestCopyKeepsProperties(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "d/f", rich("body"))
		at.put(t, "g=replaced")
		mark := at.Proxy.Mark()
		if err := at.object("d/f").Copy(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject")
		at.wantStored(t, "g", rich("body"))
		at.wantStored(t, "d/f", rich("body"))
		for name := range at.Proxy.Since(mark)[0].Header {
			if name == "X-Amz-Acl" || name == "X-Amz-Storage-Class" || strings.HasPrefix(name, "X-Amz-Server-Side-Encryption") {
				t.Errorf("%s was sent, and nobody asked for it", name)
			}
		}
	})
}

// One replaced property leaves the others as they are.
func TestCopyReplacesProperties(t *testing.T) {
	for _, row := range []struct {
		name     string
		opt      s3path.CopyOption
		change   func(*storedObject)
		requests []string
	}{
		{"content type", s3path.WithContentType("text/csv"), func(o *storedObject) { o.contentType = "text/csv" }, []string{"HeadObject", "CopyObject"}},
		{"encoding", s3path.WithContentEncoding("gzip"), func(o *storedObject) { o.encoding = "gzip" }, []string{"HeadObject", "CopyObject"}},
		{"disposition", s3path.WithContentDisposition("inline"), func(o *storedObject) { o.disposition = "inline" }, []string{"HeadObject", "CopyObject"}},
		{"cache control", s3path.WithCacheControl("no-store"), func(o *storedObject) { o.cacheControl = "no-store" }, []string{"HeadObject", "CopyObject"}},
		{"metadata", s3path.WithMetadata(map[string]string{"a": "b"}), func(o *storedObject) { o.metadata = map[string]string{"a": "b"} }, []string{"HeadObject", "CopyObject"}},
		{"no metadata", s3path.WithMetadata(nil), func(o *storedObject) { o.metadata = nil }, []string{"HeadObject", "CopyObject"}},
		{"tags", s3path.WithTags(map[string]string{"new": "tag"}), func(o *storedObject) { o.tags = map[string]string{"new": "tag"} }, []string{"CopyObject"}},
		{"no tags", s3path.WithTags(nil), func(o *storedObject) { o.tags = nil }, []string{"CopyObject"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.putRich(t, "f", rich("body"))
				want := rich("body")
				row.change(&want)
				mark := at.Proxy.Mark()
				if err := at.object("f").Copy(t.Context(), at.object("g"), row.opt); err != nil {
					t.Fatal(err)
				}
				at.wantOperations(t, mark, row.requests...)
				at.wantStored(t, "g", want)
				at.wantStored(t, "f", rich("body"))

				// The same onto itself rewrites the object.
				mark = at.Proxy.Mark()
				if err := at.object("f").Copy(t.Context(), at.object("f"), row.opt); err != nil {
					t.Fatal(err)
				}
				at.wantOperations(t, mark, "HeadObject", "CopyObject")
				at.wantStored(t, "f", want)
			})
		})
	}
}

// What is read of the source goes with no other object's bytes.
func TestCopyReplacesPropertiesOfReplacedSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.CopySourceIfMatch)
		at.put(t, "f=old", "target=theirs")
		at.meddle("CopyObject", 1, forever, func(w http.ResponseWriter, r *http.Request) {
			at.put(t, "f=new")
			at.pass(w, r)
		})
		err := at.object("f").Copy(t.Context(), at.object("target"), s3path.WithContentType("text/csv"))
		wantFailure(t, err, "copy", at.object("f").String(), cloudpath.ErrChanged)
		wantAnswer(t, err, http.StatusPreconditionFailed, "PreconditionFailed")
		at.wantBody(t, "target", "theirs")
	})
}

// Storage class, ACL and encryption go into the request when they are asked for.
func TestCopyPropertiesOnTheWire(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	mark := at.Proxy.Mark()
	err := at.object("f").Copy(t.Context(), at.object("g"), s3path.WithStorageClass("STANDARD_IA"), s3path.WithACL("public-read"), s3path.WithSSEKMS("a-key"))
	if err != nil {
		t.Fatal(err)
	}
	sent := at.Proxy.Since(mark)
	at.wantOperations(t, mark, "CopyObject")
	for name, want := range map[string]string{
		"X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Acl": "public-read",
		"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "a-key",
	} {
		if got := sent[0].Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := at.head(t, "g").StorageClass; got != "STANDARD_IA" {
		t.Errorf("storage class %q", got)
	}
	// They are those of a new object apart, and the object's own where it is rewritten.
	if err := at.object("g").Copy(t.Context(), at.object("h"), s3path.WithCacheControl("no-store")); err != nil {
		t.Fatal(err)
	}
	if head := at.head(t, "h"); head.StorageClass != "" || head.ServerSideEncryption != "" {
		t.Errorf("a copy inherited the class %q and the encryption %q", head.StorageClass, head.ServerSideEncryption)
	}
	if err := at.object("g").Copy(t.Context(), at.object("g"), s3path.WithCacheControl("no-store")); err != nil {
		t.Fatal(err)
	}
	if head := at.head(t, "g"); head.StorageClass != "STANDARD_IA" || head.ServerSideEncryption != "aws:kms" || *head.SSEKMSKeyId != "a-key" {
		t.Errorf("rewritten, it has the class %q and the encryption %q", head.StorageClass, head.ServerSideEncryption)
	}
}

func TestCopyRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/x=1", "m/")
		other := at.client.Object("no-such-bucket-anywhere", "k")
		for _, row := range []struct {
			name     string
			src, dst s3path.S3Path
			opts     []s3path.CopyOption
			kinds    []error
			requests int
		}{
			{"onto itself", at.object("f"), at.object("f"), nil, []error{cloudpath.ErrInvalidPath}, 0},
			{"onto itself, without overwriting", at.object("f"), at.object("f"), []s3path.CopyOption{s3path.WithNoOverwrite()}, []error{cloudpath.ErrInvalidPath}, 0},
			{"target ends in a slash", at.object("f"), at.object("d/"), nil, []error{cloudpath.ErrIsDirectory}, 0},
			{"target is a bucket", at.object("f"), at.bucket, nil, []error{cloudpath.ErrIsDirectory}, 0},
			{"source is a bucket", at.bucket, at.object("g"), nil, []error{cloudpath.ErrIsDirectory}, 0},
			{"source is a directory", at.object("d"), at.object("g"), nil, []error{cloudpath.ErrIsDirectory}, 2},
			{"source is a directory, properties", at.object("d"), at.object("g"), []s3path.CopyOption{s3path.WithContentType("a/b")}, []error{cloudpath.ErrIsDirectory}, 2},
			{"source is only a marker's name", at.object("m"), at.object("g"), nil, []error{cloudpath.ErrIsDirectory}, 2},
			{"source is missing", at.object("no"), at.object("g"), nil, []error{fs.ErrNotExist}, 2},
			{"source is missing, properties", at.object("no"), at.object("g"), []s3path.CopyOption{s3path.WithContentType("a/b")}, []error{fs.ErrNotExist}, 2},
			{"marker is missing", at.object("no/"), at.object("g/"), nil, []error{fs.ErrNotExist}, 2},
			{"source's bucket is missing", other, at.object("g"), nil, []error{fs.ErrNotExist}, 2},
			{"target is a version", at.object("f"), at.object("g").AtVersion("v"), nil, []error{errors.ErrUnsupported}, 0},
			{"a nil option", at.object("f"), at.object("g"), []s3path.CopyOption{nil}, nil, 0},
			{"key too long", at.object("f"), at.object(strings.Repeat("k", 1025)), nil, []error{cloudpath.ErrInvalidPath}, 0},
		} {
			t.Run(row.name, func(t *testing.T) {
				var err error
				n := at.count(func() { err = row.src.Copy(t.Context(), row.dst, row.opts...) })
				path := row.src.String()
				if row.dst.Version() != "" || len(row.dst.Key()) > 1024 {
					path = row.dst.String()
				}
				wantFailure(t, err, "copy", path, row.kinds...)
				if n != row.requests {
					t.Errorf("%d requests, want %d", n, row.requests)
				}
			})
		}
		at.wantKeys(t, "f", "d/x", "m/")
	})
}

// An error about a missing bucket names the one that is missing.
func TestCopyNamesTheMissingBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body")
		no := at.client.Object("no-such-bucket-anywhere", "k")
		for _, row := range []struct{ src, dst s3path.S3Path }{{no, at.object("g")}, {at.object("f"), no}} {
			err := row.src.Copy(t.Context(), row.dst)
			wantFailure(t, err, "copy", row.src.String(), fs.ErrNotExist)
			if err == nil || !strings.Contains(err.Error(), `there is no bucket "no-such-bucket-anywhere"`) {
				t.Errorf("from %v to %v: %v", row.src, row.dst, err)
			}
		}
	})
}

// A marker can be copied to a marker, and its body to a file.
func TestCopyMarkers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "m/")
		if err := at.object("m/").Copy(t.Context(), at.object("n/")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "m/", "n/")
		at.Needs(t, s3matrix.MarkerWithBody)
		at.put(t, "full/=body")
		for _, to := range []string{"other/", "file"} {
			if err := at.object("full/").Copy(t.Context(), at.object(to)); err != nil {
				t.Fatal(err)
			}
			at.wantBody(t, to, "body")
		}
	})
}

func TestCopyWithInfo(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "f", rich("body"))
		var info s3path.Info
		mark := at.Proxy.Mark()
		if err := at.object("f").Copy(t.Context(), at.object("d/g"), s3path.WithInfo(&info)); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject", "HeadObject")
		if info.Name() != "g" || info.Size() != 4 || info.ContentType() != rich("").contentType || `"`+info.ETag()+`"` != *at.head(t, "d/g").ETag {
			t.Errorf("info %+v", info)
		}
	})
}

// With WithNoOverwrite a target stays as it is, also one that appears meanwhile.
func TestCopyNoOverwrite(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "f", rich("body"))
		at.put(t, "plain=plain", "empty", "there=theirs")
		for _, row := range []struct {
			src      string
			requests int
		}{{"plain", 5}, {"f", 6 /* its tags are asked for, too */}, {"empty", 3}} {
			n := at.count(func() {
				if err := at.object(row.src).Copy(t.Context(), at.object("new-"+row.src), s3path.WithNoOverwrite()); err != nil {
					t.Fatal(err)
				}
			})
			if n != row.requests {
				t.Errorf("%s: %d requests, want %d", row.src, n, row.requests)
			}
			var err error
			n = at.count(func() { err = at.object(row.src).Copy(t.Context(), at.object("there"), s3path.WithNoOverwrite()) })
			wantFailure(t, err, "copy", at.object(row.src).String(), fs.ErrExist)
			if n != 2 {
				t.Errorf("%s onto what is there: %d requests, want 2", row.src, n)
			}
		}
		at.wantStored(t, "new-f", rich("body"))
		at.wantBody(t, "new-plain", "plain")
		at.wantBody(t, "new-empty", "")
		at.wantBody(t, "there", "theirs")

		// It appears between the look and the last request.
		for _, row := range []struct{ src, operation string }{{"plain", "CompleteMultipartUpload"}, {"empty", "PutObject"}} {
			at.meddle(row.operation, 1, 1, func(w http.ResponseWriter, r *http.Request) {
				at.put(t, "raced=theirs")
				at.pass(w, r)
			})
			err := at.object(row.src).Copy(t.Context(), at.object("raced"), s3path.WithNoOverwrite())
			at.Proxy.Intercept(nil)
			wantFailure(t, err, "copy", at.object(row.src).String(), fs.ErrExist, cloudpath.ErrPreconditionFailed)
			at.wantBody(t, "raced", "theirs")
			at.discard(t, "raced")
		}
		at.noUploads(t)
	})
}

// Of many copies to one place exactly one wins.
func TestCopyNoOverwriteRace(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const racers = 12
		for i := range racers {
			at.put(t, racer(i)+"="+racer(i))
		}
		errs := make(chan error, racers)
		for i := range racers {
			go func() { errs <- at.object(racer(i)).Copy(t.Context(), at.object("goal"), s3path.WithNoOverwrite()) }()
		}
		won := 0
		for range racers {
			switch err := <-errs; {
			case err == nil:
				won++
			case !errors.Is(err, fs.ErrExist):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d winners", won)
		}
		at.noUploads(t)
	})
}

func racer(i int) string { return "racer" + string(rune('a'+i)) }

// A version is copied as it was, and copied onto its own key it is restored.
func TestCopyVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		one := at.putVersion(t, "f", "one")
		at.tag(t, "f", map[string]string{"version": "one"})
		at.putVersion(t, "f", "two")
		old := at.object("f").AtVersion(one)

		mark := at.Proxy.Mark()
		if err := old.Copy(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject")
		at.wantBody(t, "g", "one")
		if err := old.Copy(t.Context(), at.object("h"), s3path.WithNoOverwrite()); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "h", "one")
		if tags := at.tagsOf(t, "h"); tags["version"] != "one" {
			t.Errorf("tags %v", tags)
		}

		at.wantBody(t, "f", "two")
		mark = at.Proxy.Mark()
		if err := old.Copy(t.Context(), at.object("f")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject")
		at.wantBody(t, "f", "one")
		if versions, _ := at.history(t, "f"); len(versions) != 3 {
			t.Errorf("versions %v", versions)
		}

		// Also after it was removed.
		if err := at.object("f").Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := old.Copy(t.Context(), at.object("f")); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "f", "one")

		err := at.object("f").AtVersion("no-such-version").Copy(t.Context(), at.object("i"))
		if err == nil {
			t.Error("a version that is none was copied")
		}
	})
}

// A tree has no version, and an info is of one object.
func TestTreeOptions(t *testing.T) {
	at := apart(t)
	at.put(t, "d/f=1")
	var info s3path.Info
	for name, err := range map[string]error{
		"CopyTree of a version":    at.object("d").AtVersion("v").CopyTree(t.Context(), at.object("e")),
		"CopyTree with an info":    at.object("d").CopyTree(t.Context(), at.object("e"), s3path.WithInfo(&info)),
		"CopyTree to a version":    at.object("d").CopyTree(t.Context(), at.object("e").AtVersion("v")),
		"Rename of a version":      at.object("d/f").AtVersion("v").Rename(t.Context(), at.object("g")),
		"Rename to a version":      at.object("d/f").Rename(t.Context(), at.object("d/f").AtVersion("v")),
		"Rename of a tree, infos":  at.object("d/").Rename(t.Context(), at.object("e"), s3path.WithInfo(&info)),
		"Rename of a tree, infos2": at.object("d").Rename(t.Context(), at.object("e"), s3path.WithInfo(&info)),
	} {
		if !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
	at.wantKeys(t, "d/f")
}
