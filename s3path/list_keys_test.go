package s3path_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestEncodingIsAskedFor by every page of every listing.
func TestEncodingIsAskedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("d1 d2 d3")...)
		for what, listing := range listsOf(t.Context(), at.bucket, s3path.WithPageSize(2)) {
			mark := at.Proxy.Mark()
			rels(t, listing)
			log := at.Proxy.Since(mark)
			if len(log) == 0 {
				t.Errorf("%s: no request", what)
			}
			for _, r := range log {
				if r.Query.Get("encoding-type") != "url" || r.Query.Get("max-keys") != "2" {
					t.Errorf("%s: %s", what, r.Target)
				}
			}
		}
	})
}

// TestControlCharacters in keys break no listing.
func TestControlCharacters(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyControl)
		names := []string{"\x01", "a\tb", "a\nb", "a\x1fb", "b\x7f", "c\r\nd"}
		for _, name := range names {
			at.put(t, "d/"+name+"=x", "dir"+name+"/x")
		}
		d := at.object("d")
		same(t, "Walk", rels(t, d.Walk(t.Context())), names)
		same(t, "IterDir", rels(t, d.IterDir(t.Context())), names)
		same(t, "Glob", rels(t, d.Glob(t.Context(), "*")), names)
		same(t, "Versions", rels(t, d.Versions(t.Context())), names)
		for e, err := range d.Walk(t.Context(), s3path.WithPageSize(2)) {
			if err != nil {
				t.Fatal(err)
			}
			if body, err := e.ReadText(t.Context()); err != nil || body != "x" {
				t.Errorf("%q: %q, %v", e.Key(), body, err)
			}
		}
		var dirs []string
		for _, name := range names {
			dirs = append(dirs, "dir"+name)
		}
		same(t, "directories", rels(t, at.bucket.Glob(t.Context(), "dir*")), dirs)
	})
}

// TestStrangeKeys are listed byte for byte.
func TestStrangeKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		names := []string{"a b", "a%2Fb", "a%41", "a&b<c>", "a'b\"", "a+b", "a;b", "a=b", "a?b#c", "a\\b", "e\u0301", "é", "日本", "😀"}
		for _, name := range names {
			at.putBody(t, "d/"+name, []byte("x"))
			at.putBody(t, "e/"+name+"/x", nil)
		}
		names = slices.Sorted(slices.Values(names))
		same(t, "Walk", rels(t, at.object("d").Walk(t.Context(), s3path.WithPageSize(3))), names)
		same(t, "IterDir", rels(t, at.object("d").IterDir(t.Context(), s3path.WithPageSize(3))), names)
		var dirs []string
		for _, name := range names {
			dirs = append(dirs, name+"/x")
		}
		same(t, "Walk of directories", rels(t, at.object("e").Walk(t.Context(), s3path.WithPageSize(3))), dirs)
		for _, name := range names {
			same(t, "IterDir of "+name, rels(t, at.object("e").Child(name).IterDir(t.Context())), []string{"x"})
			same(t, "Glob of "+name, rels(t, at.object("d").Glob(t.Context(), cloudpath.QuotePattern(name))), []string{name})
		}
	})
}

// TestKeysThatClimb are listed and addressed as what they are.
func TestKeysThatClimb(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyDots, s3matrix.KeyLeadingSlash)
		keys := []string{"..", "../up", "/lead", "x/../y", "x/./z"}
		for _, key := range keys {
			at.put(t, key+"="+url.PathEscape(key))
		}
		same(t, "Walk", rels(t, at.bucket.Walk(t.Context())), keys)
		same(t, "RGlob", rels(t, at.bucket.RGlob(t.Context(), `{y,z,up,lead,\.\.}`)), []string{"..", "..", "../up", "/lead", "x/..", "x/../y", "x/./z"})
		for e, err := range at.bucket.Walk(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if body, err := e.ReadText(t.Context()); err != nil || body != url.PathEscape(e.Key()) {
				t.Errorf("%q: %q, %v", e.Key(), body, err)
			}
			if n := len(e.Parents()); n == 0 || n > 4 {
				t.Errorf("%q has %d parents", e.Key(), n)
			}
		}
		same(t, "IterDir of x", shown(at.object("x").IterDir(t.Context())), []string{"..:", ".:"})
	})
}
