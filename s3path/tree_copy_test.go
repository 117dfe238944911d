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

// numbered is n keys below a prefix.
func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%ss%d/f%03d", prefix, i%3, i)
	}
	return keys
}

// A tree of 100 is one listing and 100 copies.
func TestCopyTree(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		src := numbered("d/", 100)
		at.putMany(t, src)
		at.put(t, "d.txt", "d2/x", "e/s0/f000=replaced", "e/other")
		n := at.count(func() {
			if err := at.object("d").CopyTree(t.Context(), at.object("e")); err != nil {
				t.Fatal(err)
			}
		})
		if n != 101 {
			t.Errorf("%d requests, want 101", n)
		}
		at.wantKeys(t, slices.Concat(src, numbered("e/", 100), []string{"d.txt", "d2/x", "e/other"})...)
		at.wantBody(t, "e/s0/f000", "x")
	})
}

// Properties and tags survive in a tree, and options hold for each of its objects.
func TestCopyTreeKeepsProperties(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putRich(t, "d/f", rich("body"))
		at.putRich(t, "d/s/g", rich("more"))
		if err := at.object("d/").CopyTree(t.Context(), at.object("e/")); err != nil {
			t.Fatal(err)
		}
		at.wantStored(t, "e/f", rich("body"))
		at.wantStored(t, "e/s/g", rich("more"))
		if err := at.object("d").CopyTree(t.Context(), at.object("x"), s3path.WithCacheControl("no-store")); err != nil {
			t.Fatal(err)
		}
		want := rich("more")
		want.cacheControl = "no-store"
		at.wantStored(t, "x/s/g", want)
		if err := at.object("d").Rename(t.Context(), at.object("y"), s3path.WithCacheControl("no-store")); err != nil {
			t.Fatal(err)
		}
		at.wantStored(t, "y/s/g", want)
	})
}

// Markers are objects and move with the rest, with a body or without.
func TestTreeMarkers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/", "d/s/", "d/f=1")
		if err := at.object("d").CopyTree(t.Context(), at.object("e")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "d/", "d/s/", "d/f", "e/", "e/s/", "e/f")
		if err := at.object("e").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "d/", "d/s/", "d/f", "g/", "g/s/", "g/f")

		// A directory that is nothing but its marker.
		if err := at.object("g/s").Rename(t.Context(), at.object("h")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("h").CopyTree(t.Context(), at.object("i/")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "d/", "d/s/", "d/f", "g/", "g/f", "h/", "i/")

		// A bucket needs no marker.
		if err := at.object("g").Rename(t.Context(), at.bucket); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "d/", "d/s/", "d/f", "f", "h/", "i/")

		at.Needs(t, s3matrix.MarkerWithBody)
		at.put(t, "b/=body", "b/s/=more", "b/x=1")
		if err := at.object("b").CopyTree(t.Context(), at.object("c")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("b").Rename(t.Context(), at.object("a")); err != nil {
			t.Fatal(err)
		}
		for _, dir := range []string{"a", "c"} {
			at.wantBody(t, dir+"/", "body")
			at.wantBody(t, dir+"/s/", "more")
		}
		// Its body has no place in a bucket.
		err := at.object("a").Rename(t.Context(), at.bucket)
		wantFailure(t, err, "rename", at.object("a").String(), cloudpath.ErrIsDirectory)
		at.wantBody(t, "a/", "body")
		at.wantKeys(t, "a/", "s/", "x", "c/", "c/s/", "c/x", "d/", "d/s/", "d/f", "f", "h/", "i/")
	})
}

// Every kind of key keeps its bytes on the way.
func TestTreeOddKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyEmptyComponent, s3matrix.KeyDots)
		below := []string{"/x", "a//b", "a/", "..", "x/../y", "./z", "%41", "a b+c"}
		for _, rel := range below {
			at.put(t, "d/"+rel+"="+rel)
		}
		if err := at.object("d").CopyTree(t.Context(), at.object("e/f")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("d").Rename(t.Context(), at.object("g/")); err != nil {
			t.Fatal(err)
		}
		var want []string
		for _, rel := range below {
			at.wantBody(t, "e/f/"+rel, rel)
			at.wantBody(t, "g/"+rel, rel)
			want = append(want, "e/f/"+rel, "g/"+rel)
		}
		at.wantKeys(t, want...)
	})
}

func TestTreeRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/x=1", "d/s/y=2", "f=file")
		for _, row := range []struct {
			name     string
			src, dst s3path.S3Path
			copying  []error // nothing: it works
			renaming []error
		}{
			{"into itself", at.object("d"), at.object("d/s"), []error{cloudpath.ErrInvalidPath}, []error{cloudpath.ErrInvalidPath}},
			{"into itself, new", at.object("d/"), at.object("d/new"), []error{cloudpath.ErrInvalidPath}, []error{cloudpath.ErrInvalidPath}},
			{"into itself, with an empty name", at.object("d"), at.object("d//"), []error{cloudpath.ErrInvalidPath}, []error{cloudpath.ErrInvalidPath}},
			{"onto itself", at.object("d"), at.object("d/"), []error{cloudpath.ErrInvalidPath}, nil},
			{"onto itself, spelled alike", at.object("d/"), at.object("d/"), []error{cloudpath.ErrInvalidPath}, nil},
			{"the bucket into itself", at.bucket, at.object("d/new"), []error{cloudpath.ErrInvalidPath}, []error{cloudpath.ErrInvalidPath}},
			{"the bucket onto itself", at.bucket, at.bucket, []error{cloudpath.ErrInvalidPath}, nil},
			{"missing", at.object("no"), at.object("f"), []error{fs.ErrNotExist}, []error{fs.ErrNotExist}},
			{"missing, with a slash", at.object("no/"), at.object("f"), []error{fs.ErrNotExist}, []error{fs.ErrNotExist}},
			{"a file with a slash", at.object("f/"), at.object("g"), []error{fs.ErrNotExist}, []error{fs.ErrNotExist}},
			{"a string prefix", at.object("d/s/"[:3]), at.object("d/s/y/z"), []error{cloudpath.ErrInvalidPath}, []error{cloudpath.ErrInvalidPath}},
		} {
			t.Run(row.name, func(t *testing.T) {
				n := at.count(func() {
					wantFailure(t, row.src.CopyTree(t.Context(), row.dst), "copy", row.src.String(), row.copying...)
				})
				if n > 0 && row.copying[0] == cloudpath.ErrInvalidPath {
					t.Errorf("%d requests for what is refused", n)
				}
				err := row.src.Rename(t.Context(), row.dst)
				if row.renaming == nil && err == nil {
					return
				}
				wantFailure(t, err, "rename", row.src.String(), row.renaming...)
			})
		}
		wantFailure(t, at.object("f").CopyTree(t.Context(), at.object("g")), "copy", at.object("f").String(), cloudpath.ErrNotDirectory)
		at.wantKeys(t, "d/x", "d/s/y", "f")
		at.wantBody(t, "f", "file")
	})
}

// Another bucket of the same client is another place, whatever the keys.
func TestTreeToAnotherBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		other := *at
		other.bucket = at.client.Object(at.NewBucket(t), "")
		// An empty bucket is a tree without objects.
		if err := other.bucket.CopyTree(t.Context(), at.bucket); err != nil {
			t.Error(err)
		}
		at.put(t, "d/x=1", "d/s/y=2", "f=3")
		if err := at.object("d").CopyTree(t.Context(), other.object("d/s")); err != nil {
			t.Fatal(err)
		}
		other.wantKeys(t, "d/s/x", "d/s/s/y")
		if err := at.bucket.CopyTree(t.Context(), other.object("all")); err != nil {
			t.Fatal(err)
		}
		other.wantKeys(t, "d/s/x", "d/s/s/y", "all/d/x", "all/d/s/y", "all/f")
		if err := at.object("d").Rename(t.Context(), other.object("d")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f")
		other.wantKeys(t, "d/s/x", "d/s/s/y", "d/x", "d/s/y", "all/d/x", "all/d/s/y", "all/f")
		if err := at.object("f").Rename(t.Context(), other.object("f")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
		other.wantBody(t, "f", "3")
	})
}

// Moved up, a tree may meet itself: what would be written over an object that is
// still to be copied is refused by its name, and stays.
func TestTreeMovedUp(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a/b/x=1", "a/b/b/x=2", "a/b/b/deep/y=3", "a/b/c/z=4", "a/x=replaced", "a/other=5")
		err := at.object("a/b").Rename(t.Context(), at.object("a"))
		wantFailure(t, err, "rename", at.object("a/b").String(), cloudpath.ErrInvalidPath)
		for _, stays := range []string{"a/b/b/x", "a/b/b/deep/y"} {
			if err == nil || !strings.Contains(err.Error(), at.object(stays).String()+": ") {
				t.Errorf("%s is not named: %v", stays, err)
			}
		}
		at.wantKeys(t, "a/x", "a/b/b/x", "a/b/b/deep/y", "a/c/z", "a/other")
		at.wantBody(t, "a/x", "1")
		at.wantBody(t, "a/b/b/x", "2")

		at.put(t, "up/down/p=1", "up/down/q/r=2")
		if err := at.object("up/down").Rename(t.Context(), at.object("up")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "a/x", "a/b/b/x", "a/b/b/deep/y", "a/c/z", "a/other", "up/p", "up/q/r")
	})
}

// When some objects fail, the others are copied, the error names each that
// failed, and the sources of those stay.
func TestTreePartialFailure(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		src := numbered("d/", 30)
		refused := []string{"d/s1/f001", "d/s2/f020"}
		at.putMany(t, src)
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if _, key := s3proxy.Address(r); s3proxy.Operation(r) == "CopyObject" && slices.Contains(refused, "d"+key[1:]) {
				return refusing(http.StatusForbidden, "AccessDenied", "not this one")
			}
			return nil
		})
		err := at.object("d").CopyTree(t.Context(), at.object("e"))
		wantFailure(t, err, "copy", at.object("d").String(), fs.ErrPermission)
		wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
		at.wantNamed(t, err, "copy", refused)
		at.wantKeys(t, slices.Concat(src, slices.DeleteFunc(numbered("e/", 30), func(key string) bool { return slices.Contains(refused, "d"+key[1:]) }))...)

		err = at.object("d").Rename(t.Context(), at.object("g"))
		wantFailure(t, err, "rename", at.object("d").String(), fs.ErrPermission)
		at.wantNamed(t, err, "copy", refused)
		moved := func(prefix string) []string {
			return slices.DeleteFunc(numbered(prefix, 30), func(key string) bool { return slices.Contains(refused, "d"+key[1:]) })
		}
		at.wantKeys(t, slices.Concat(refused, moved("e/"), moved("g/"))...)

		// To do it again finishes it.
		at.Proxy.Intercept(nil)
		if err := at.object("d").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, slices.Concat(moved("e/"), numbered("g/", 30))...)
	})
}

// wantNamed checks that an error names these keys and no other.
func (at *place) wantNamed(t *testing.T, err error, op string, keys []string) {
	t.Helper()
	failed, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		t.Errorf("error %v, want one that names %v", err, keys)
		return
	}
	text := failed.Err.Error()
	for _, key := range keys {
		if !strings.Contains(text, op+" "+at.object(key).String()+": ") {
			t.Errorf("%s is not named: %v", key, err)
		}
	}
	if named := strings.Count(text, op+" "+at.bucket.String()+"/"); named != len(keys) {
		t.Errorf("%d keys are named, want %d: %v", named, len(keys), err)
	}
}

// A listing that breaks off is no end of the tree: what was not listed stays.
func TestTreeListingFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=1")
		at.meddle("ListObjectsV2", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no"))
		for name, err := range map[string]error{
			"copy":   at.object("d").CopyTree(t.Context(), at.object("e")),
			"rename": at.object("d").Rename(t.Context(), at.object("e")),
		} {
			wantFailure(t, err, name, at.object("d").String(), fs.ErrPermission)
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "d/f")
	})
}

// A call's concurrency bounds its copies.
func TestTreeConcurrency(t *testing.T) {
	at := apart(t)
	at.putMany(t, numbered("d/", 30))
	at.Proxy.SetLatency(2 * time.Millisecond)
	for _, opts := range [][]s3path.CopyOption{{s3path.WithConcurrency(3)}, {s3path.WithConcurrency(3), s3path.WithNoOverwrite()}} {
		at.Proxy.Reset()
		dst := at.object(fmt.Sprint("e", len(opts)))
		if err := at.object("d").CopyTree(t.Context(), dst, opts...); err != nil {
			t.Fatal(err)
		}
		if peak := at.Proxy.Peak(); peak < 2 || peak > 3 {
			t.Errorf("%d requests at once, want 3", peak)
		}
	}
}
