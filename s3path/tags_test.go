package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestTags(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		f := at.object("d/f")
		at.put(t, "d/f=body")
		check := func(want map[string]string) {
			t.Helper()
			n := at.count(func() {
				got, err := f.Tags(t.Context())
				if err != nil || got == nil || !maps.Equal(got, want) {
					t.Errorf("%v, %v, want %v", got, err, want)
				}
			})
			if n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			if got := at.tagsOf(t, "d/f"); !maps.Equal(got, want) {
				t.Errorf("stored %v, want %v", got, want)
			}
		}
		check(nil)
		ten := map[string]string{"empty": "", "with space": "a + b = c/d:e@f._-", "d:/=+-@_.": "x"}
		for i := range 7 {
			ten[fmt.Sprint("key", i)] = fmt.Sprint(i)
		}
		for _, tags := range []map[string]string{{"team": "blue"}, ten, {"other": "tag"}, {}, {"again": "1"}, nil} {
			n := at.count(func() {
				if err := f.SetTags(t.Context(), tags); err != nil {
					t.Fatal(err)
				}
			})
			if n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			check(tags)
		}
		at.wantBody(t, "d/f", "body")
	})
}

func TestTagsRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		eleven := map[string]string{}
		for i := range 11 {
			eleven[fmt.Sprint(i)] = "x"
		}
		at.put(t, "f=body")
		if err := at.object("f").SetTags(t.Context(), eleven); err == nil {
			t.Error("eleven tags were taken")
		}
		for _, row := range []struct {
			p    s3path.S3Path
			kind error
		}{{at.object("no"), fs.ErrNotExist}, {at.bucket, cloudpath.ErrIsDirectory}, {at.client.Object("no-such-bucket-anywhere", "k"), fs.ErrNotExist}} {
			_, err := row.p.Tags(t.Context())
			wantFailure(t, err, "tags", row.p.String(), row.kind)
			wantFailure(t, row.p.SetTags(t.Context(), map[string]string{"a": "b"}), "tags", row.p.String(), row.kind)
		}
	})
}

// Some servers say that there are no tags by a refusal.
func TestTagsOfNone(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	at.meddle("GetObjectTagging", 1, forever, refusing(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist"))
	if tags, err := at.object("f").Tags(t.Context()); err != nil || tags == nil || len(tags) != 0 {
		t.Error(tags, err)
	}
}

func TestTagsOfVersions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		one := at.object("f").AtVersion(at.putVersion(t, "f", "one"))
		at.putVersion(t, "f", "two")
		if err := one.SetTags(t.Context(), map[string]string{"version": "one"}); err != nil {
			t.Fatal(err)
		}
		if err := at.object("f").SetTags(t.Context(), map[string]string{"version": "two"}); err != nil {
			t.Fatal(err)
		}
		for p, want := range map[s3path.S3Path]string{one: "one", at.object("f"): "two"} {
			if tags, err := p.Tags(t.Context()); err != nil || tags["version"] != want {
				t.Errorf("%q: %v, %v", p.Version(), tags, err)
			}
		}
	})
}

// S3 takes any letter in a tag (MinIO does not), in the tag's own request as in
// the header of a write.
func TestTagsOfAnyLetter(t *testing.T) {
	at := apart(t)
	tags := map[string]string{"gr\u00f6\u00dfe": "\u65e5\u672c \u00e9", "a": "b"}
	if err := at.object("f").WriteText(t.Context(), "body", s3path.WithTags(tags)); err != nil {
		t.Fatal(err)
	}
	if err := at.object("f").Copy(t.Context(), at.object("g"), s3path.WithNoOverwrite()); err != nil {
		t.Fatal(err)
	}
	if err := at.object("f").Copy(t.Context(), at.object("h"), s3path.WithTags(tags)); err != nil {
		t.Fatal(err)
	}
	at.put(t, "i")
	if err := at.object("i").SetTags(t.Context(), tags); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"f", "g", "h", "i"} {
		if got, err := at.object(key).Tags(t.Context()); err != nil || !maps.Equal(got, tags) {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
}

// A success without a list of tags, or of uploads, says nothing about them.
func TestNoListIsNotAnEmptyOne(t *testing.T) {
	for _, body := range []string{"", "<html><body>Log in</body></html>"} {
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) { return fakeXML(r, http.StatusOK, body), nil })
		p := c.Object("bucket", "f")
		if tags, err := p.Tags(t.Context()); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%q: tags %v, %v", body, tags, err)
		}
		if n, err := c.AbortStale(t.Context(), p, 0); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%q: %d uploads aborted, %v", body, n, err)
		}
	}
}
