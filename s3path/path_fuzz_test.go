package s3path

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// awkwardURIs are paths that a library which tidies keys would damage.
var awkwardURIs = []string{
	"s3://b", "s3://b/", "s3://b/a", "s3://b/a/", "s3://b/a//", "s3://b//", "s3://b///", "s3://b//k", "s3://b/a//b", "s3://b/a/./b",
	"s3://b/a/../b", "s3://b/..", "s3://b/../x/.", "S3://b/k", "s3://b/a b?c#d%20e", "s3://b/a\nb\tc\x00", "s3://b/é/日本", "s3://b/e\u0301",
	"s3://b/.hidden", "s3://b/d.tar.gz", "s3://b/a..b", "s3://b/s3://c/k", "s3://b/u:p@h", "s3://" + mrapARN + "/dir/f", "s3://" + regionalARN + "//",
}

// FuzzParse: every text is a path that comes back from its own text, as itself
// and through JSON, or ErrInvalidPath.
func FuzzParse(f *testing.F) {
	for _, uri := range slices.Concat(awkwardURIs, invalidURIs) {
		f.Add(uri)
	}
	c := new(Client)
	f.Fuzz(func(t *testing.T, uri string) {
		p, err := c.Parse(uri)
		if err != nil {
			if !errors.Is(err, cloudpath.ErrInvalidPath) || p != (S3Path{}) || !utf8.ValidString(err.Error()) && utf8.ValidString(uri) {
				t.Fatalf("Parse(%q) = %#v, %v", uri, p, err)
			}
			return
		}
		if again, err := c.Parse(p.String()); err != nil || again != p {
			t.Fatalf("Parse(%q) = %#v, its text parsed again %#v, %v", uri, p, again, err)
		}
		if text := p.String(); text[2:] != strings.TrimSuffix(uri[2:], "/") && text[2:] != uri[2:] {
			t.Fatalf("Parse(%q) is %q as text", uri, text)
		}
		if c.Object(p.Bucket(), p.Key()) != p {
			t.Fatalf("Parse(%q) = %#v is not the Object of its bucket and key", uri, p)
		}
		if err := p.check("stat"); (err == nil) != (len(p.Key()) <= 1024) {
			t.Fatalf("check of %q = %v", uri, err)
		}

		text, err := json.Marshal(map[S3Path]S3Path{p: p})
		if err != nil {
			t.Fatal(err)
		}
		var back map[S3Path]S3Path
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if q := p.WithClient(DefaultClient()); len(back) != 1 || back[q] != q {
			t.Fatalf("%q came back from JSON as %#v", uri, back)
		}
	})
}

// FuzzObject: a bucket and a key that no check refuses are told apart by their
// text, whatever they hold.
func FuzzObject(f *testing.F) {
	for _, bucket := range []string{"b", "", "..", "a/b", "a:b", "arn:aws:s3:::b", mrapARN, regionalARN, regionalARN + "/x", "\xff"} {
		for _, key := range []string{"", "/", "k", "a//b", "\xff", strings.Repeat("k", 1025)} {
			f.Add(bucket, key)
		}
	}
	c := new(Client)
	f.Fuzz(func(t *testing.T, bucket, key string) {
		p := c.Object(bucket, key)
		if p.Bucket() != bucket || p.Key() != key {
			t.Fatalf("Object(%q, %q) = %#v", bucket, key, p)
		}
		again, err := c.Parse(p.String())
		if p.check("stat") == nil && (err != nil || again != p) {
			t.Fatalf("%#v is %q as text, and that is %#v, %v", p, p.String(), again, err)
		}
		if text, err := p.MarshalText(); err == nil {
			back := c.Object("before", "")
			if err := back.UnmarshalText(text); err != nil || back != p {
				t.Fatalf("%#v marshals as %q, and that is %#v, %v", p, text, back, err)
			}
		}
	})
}

// FuzzParents: from everywhere the bucket is reached, and nothing that computes a
// path leaves the bucket or invents "..".
func FuzzParents(f *testing.F) {
	for _, uri := range awkwardURIs {
		f.Add(uri, "../../x")
		f.Add("s3://b/a/b", uri)
	}
	c := new(Client)
	f.Fuzz(func(t *testing.T, uri, elem string) {
		p, err := c.Parse(uri)
		if err != nil {
			return
		}
		parents := p.Parents()
		if len(parents) > len(p.Key()) {
			t.Fatalf("%q has %d parents", uri, len(parents))
		}
		names := []string{}
		for i, parent := range parents {
			if want := parents[min(i+1, len(parents)-1)]; parent.Parent() != want {
				t.Fatalf("the parent of %v is %v, want %v", parent, parent.Parent(), want)
			}
			names = append(names, parent.Name())
		}
		if !p.IsBucket() {
			if !parents[len(parents)-1].IsBucket() {
				t.Fatalf("the parents of %q are %v and no bucket", uri, parents)
			}
			slices.Reverse(names)
			names = append(names, p.Name())
			if !slices.Equal(p.Parts(), names) {
				t.Fatalf("the parts of %q are %q, the names on the way %q", uri, p.Parts(), names)
			}

			// Child of Parent and Name is the path, less its trailing slash. The
			// empty name is the exception: Child("") is the parent itself.
			if back := p.Parent().Child(p.Name()); p.Name() != "" && back.AsDir() != p.AsDir() {
				t.Fatalf("%q is %v below its parent", uri, back)
			}
		}
		if p.Parent() != p.Join("..") {
			t.Fatalf("the parent of %q is %v, joined %v", uri, p.Parent(), p.Join(".."))
		}

		dots := strings.Count("/"+p.Key()+"/", "/../")
		for what, q := range map[string]S3Path{
			"Join": p.Join(elem), "Parent": p.Parent(), "Clean": p.Clean(), "AsDir": p.AsDir(), "Join after Clean": p.Clean().Join(elem),
		} {
			if q.Bucket() != p.Bucket() || q.Client() != c {
				t.Fatalf("%s of %q and %q is %v", what, uri, elem, q)
			}
			if strings.Count("/"+q.Key()+"/", "/../") > dots {
				t.Fatalf("%s of %q and %q brought in a ..: %v", what, uri, elem, q)
			}
			if again, err := c.Parse(q.String()); utf8.ValidString(elem) && (err != nil || again != q) {
				t.Fatalf("%s of %q and %q is %q, parsed %#v, %v", what, uri, elem, q, again, err)
			}
		}
	})
}

// FuzzRelativeTo: what RelativeTo gives, Child takes back.
func FuzzRelativeTo(f *testing.F) {
	for _, base := range awkwardURIs {
		for _, uri := range awkwardURIs {
			f.Add(base, uri)
		}
		f.Add(base, base+"/x")
		f.Add(base, base+"//x/../")
	}
	c := new(Client)
	f.Fuzz(func(t *testing.T, baseURI, uri string) {
		base, err := c.Parse(baseURI)
		if err != nil {
			return
		}
		if p, err := c.Parse(uri); err == nil {
			rel, err := p.RelativeTo(base)
			if p.IsRelativeTo(base) != (err == nil) {
				t.Fatalf("%q IsRelativeTo %q, but %v", uri, baseURI, err)
			}
			if err == nil && base.Child(rel) != p {
				t.Fatalf("%q relative to %q is %q, and that child %v", uri, baseURI, rel, base.Child(rel))
			}
			if p.AsDir() != base.AsDir() && slices.Contains(p.Parents(), base) && err != nil {
				t.Fatalf("%q is a parent of %q, but %v", baseURI, uri, err)
			}
			if p.Compare(base) != -base.Compare(p) || (p.Compare(base) == 0) != (p == base) {
				t.Fatalf("%q and %q compare as %d and %d", uri, baseURI, p.Compare(base), base.Compare(p))
			}
		}
		child := base.Child(uri)
		if rel, err := child.RelativeTo(base); err != nil || rel != uri {
			t.Fatalf("the child %q of %q is %q, %v relative to it", uri, baseURI, rel, err)
		}
	})
}

// FuzzRedact: no error shows the credentials in front of a host, whatever they
// are made of.
func FuzzRedact(f *testing.F) {
	for _, secret := range []string{"secret", "se/cr+et==", "s3cr?et", "s#ecret", "sec:ret", "se@cret", "s ecret", "http://x"} {
		f.Add("s3://", "AKIAEXAMPLE", secret, "bucket")
		f.Add("https://", "user", secret, "host.example:9000")
		f.Add("", "user", secret, "host")
	}
	c := new(Client)
	f.Fuzz(func(t *testing.T, head, user, secret, host string) {
		if !slices.Contains([]string{"s3://", "https://", "gs://", "s3:/", "S3://", ""}, head) || strings.ContainsAny(user, "/@") {
			return
		}
		// A marker tells the secret from everything else that may be shown.
		secret = "Zq" + secret + "9XwZq9Xw"
		input := head + user + ":" + secret + "@" + host + "/key"
		if strings.Contains(user+host, "Zq9Xw") {
			return
		}
		_, err := c.Parse(input)
		if err == nil {
			t.Fatalf("%q is a path", input)
		}
		if strings.Contains(err.Error(), "Zq9Xw") || strings.Contains(redact(input), "Zq9Xw") {
			t.Fatalf("%v shows the secret of %q", err, input)
		}
	})
}
