package s3path_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// hostile are names that mean something to a URL, a header, XML, a shell or a
// file system, and to S3 nothing.
var hostile = []string{
	"100%", "%41", "a%2Fb", "%zz", "a+b", "a b", " lead", "trail ", "a?b", "a?versionId=x", "a?versionId", "a#b", "a&b", "a&amp;b", "a:b", "s3:",
	`a"b`, "a'b", `a\b`, `\`, "a;b", "a,b", "a=b", "a@b", "a!b", "a*b", "(a)", "[a]", "{a}", "a|b", "a<b>", "a^b", "a`b", "$a", "~a", "a~",
	"-a", "_", "...", "\u00e9", "e\u0301", "\u65e5\u672c", "\U0001f600", "a\u00a0b", "\u2028", "x-amz-meta-a",
}

// Keys go unharmed through writing, reading, listing, copying, renaming, tags,
// presigning and removing.
func TestHostileKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		hostile := hostile
		if at.Name == s3matrix.VersityGW { // which unescapes the source of a copy before it looks for a version in it
			hostile = slices.DeleteFunc(slices.Clone(hostile), func(name string) bool { return strings.Contains(name, "?versionId=") })
		}
		var here, there []string
		for _, name := range hostile {
			here, there = append(here, "d/"+name+"/"+name), append(there, "e/"+name)
		}
		slices.Sort(here)
		slices.Sort(there)
		err := cloudpath.ForEach(t.Context(), 8, oneByOne(hostile), func(_ context.Context, name string) error {
			at.throughEverything(t, name)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, here...)
		for _, name := range hostile {
			if err := at.object("d/"+name+"/"+name).Rename(t.Context(), at.object("e/"+name)); err != nil {
				t.Errorf("%q: %v", name, err)
			}
		}
		at.wantKeys(t, there...)
		if err := at.object("e").Rename(t.Context(), at.object("d")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("d").RemoveAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
	})
}

// throughEverything takes an object of this name through every operation.
func (at *place) throughEverything(t *testing.T, name string) {
	p := at.object("d/" + name + "/" + name)
	if err := p.WriteText(t.Context(), name); err != nil {
		t.Errorf("%q: %v", name, err)
		return
	}
	if text, err := p.ReadText(t.Context()); err != nil || text != name {
		t.Errorf("%q: %q, %v", name, text, err)
	}
	for _, opts := range [][]s3path.CopyOption{nil, {s3path.WithNoOverwrite()}, {s3path.WithContentType("a/b")}} {
		to := at.object("copies/" + name)
		if err := p.Copy(t.Context(), to, opts...); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		at.wantBody(t, to.Key(), name)
		if err := to.Remove(t.Context()); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	if err := p.SetTags(t.Context(), map[string]string{"a": "b"}); err != nil {
		t.Errorf("%q: %v", name, err)
	}
	if err := p.Touch(t.Context()); err != nil {
		t.Errorf("%q: %v", name, err)
	}
	signed, err := p.PresignGet(t.Context(), time.Minute)
	if err != nil {
		t.Errorf("%q: %v", name, err)
	}
	if status, body := at.fetch(t, signed); status != 200 || body != name {
		t.Errorf("%q presigned: %d %.200s", name, status, body)
	}
	put, err := at.object("d/"+name+"/"+name).PresignPut(t.Context(), time.Minute)
	if err != nil {
		t.Errorf("%q: %v", name, err)
	}
	if status, body := at.carryOut(t, put, name+" put"); status != 200 {
		t.Errorf("%q presigned put: %d %.200s", name, status, body)
	}
	at.wantBody(t, p.Key(), name+" put")
	// Its URL leads back to it.
	if q, err := at.client.PathFromURL(p.URL()); err != nil || q != p {
		t.Errorf("%q: URL %s is of %v, %v", name, p.URL(), q, err)
	}
}

func oneByOne(list []string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// The same as directories and as a path to another client.
func TestHostileDirectories(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		there := apart(t)
		var want []string
		for _, name := range hostile {
			at.putBody(t, "d/"+name+"/f", []byte(name))
			want = append(want, "moved/"+name+"/g/f")
			if err := at.object("d/"+name).Rename(t.Context(), there.object("moved/"+name+"/g")); err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			there.wantBody(t, "moved/"+name+"/g/f", name)
		}
		at.wantKeys(t)
		there.wantKeys(t, want...)
	})
}
