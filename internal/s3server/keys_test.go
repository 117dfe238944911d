package s3server_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// oddKeys are keys that some server or client gets wrong.
var oddKeys = []string{
	"a//b", "/lead", "//", "a", "a/b", "a/../b", "../up", ".", "dir/", "dir/sub/", "b/./c",
	"space key", "plus+key", "per%cent", "a%41b", "a%2Fb", "q?uery&x=1", "hash#tag", `back\slash`, "semi;colon",
	"ü/é/日本/😀", "e\u0301 decomposed", "tab\tkey", "line\nkey", "\x01\x1f\x7f control", "nul\x00key", "<tag>&\"'", "~tilde*star",
	strings.Repeat("k", 1024), strings.Repeat("ü", 512), strings.Repeat("c", 256) + "/x",
}

// TestOddKeys stores each key beside all the others and gets exactly it back.
func TestOddKeys(t *testing.T) {
	c := start(t)
	ctx := t.Context()
	sdk := c.sdk()
	for _, key := range oddKeys {
		if _, err := sdk.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("body of " + key)}); err != nil {
			t.Fatalf("PUT %q: %v", key, err)
		}
	}
	want := slices.Sorted(slices.Values(oddKeys))
	var listed []string
	for _, o := range c.list("encoding-type=url").Contents {
		listed = append(listed, unescapeListed(t, o.Key))
	}
	if !slices.Equal(listed, want) {
		t.Errorf("listed %q\nwant %q", listed, want)
	}
	for _, key := range oddKeys {
		t.Run(strings.ToValidUTF8(key[:min(len(key), 20)], ""), func(t *testing.T) {
			if got := c.do("GET", at(key), ""); got.body != "body of "+key {
				t.Errorf("GET: %d %q", got.status, got.body)
			}
			if _, err := sdk.HeadObject(ctx, &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key}); err != nil {
				t.Errorf("HEAD: %v", err)
			}
			to := "copies/" + key
			if len(to) > 1024 {
				to = "copies/long" + string(key[0])
			}
			_, err := sdk.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: &to, CopySource: aws.String(bucket + "/" + escapeKey(key))})
			if err != nil {
				t.Errorf("copy: %v", err)
			}
			if got := c.do("GET", at(to), ""); got.body != "body of "+key {
				t.Errorf("copy: %d %q", got.status, got.body)
			}
		})
	}
	for i, key := range oddKeys {
		if a := c.do("DELETE", at(key), ""); a.status != 204 {
			t.Errorf("DELETE %q: %d", key, a.status)
		}
		if a := c.do("GET", at(key), ""); a.status != 404 {
			t.Errorf("GET of deleted %q: %d", key, a.status)
		}
		if left := len(c.list("encoding-type=url").Contents) - len(c.list("encoding-type=url", "prefix=copies/").Contents); left != len(oddKeys)-1-i {
			t.Errorf("deleting %q left %d keys", key, left)
		}
	}
}

// TestKeysWithoutEncoding shows what clients see that do not ask for an encoding.
func TestKeysWithoutEncoding(t *testing.T) {
	c := start(t)
	for _, key := range []string{"<tag>&\"'", "ü +%", "tab\tkey"} {
		c.put(key, "x")
	}
	if got, want := c.list().keys(), []string{"<tag>&\"'", "tab\tkey", "ü +%"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	c.put("\x01", "x")
	if a := c.do("GET", "/bucket?list-type=2", ""); !strings.Contains(a.body, "<Key>&#x1;</Key>") {
		t.Errorf("a control character is not written as S3 writes it:\n%s", a.body)
	}
}

func TestKeyThatIsNotUTF8(t *testing.T) {
	c := start(t)
	if err := c.do("PUT", "/bucket/%FF", "x").is("PUT", 400, "InvalidURI"); err != nil {
		t.Error(err)
	}
}

// TestErrorsOfOddKeysAreXML has errors say what is wrong even where XML cannot say of what.
func TestErrorsOfOddKeysAreXML(t *testing.T) {
	c := start(t)
	for _, key := range oddKeys {
		if err := c.do("GET", at(key), "").is("GET", 404, "NoSuchKey"); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		c.upload(key)
	}
}

func unescapeListed(t *testing.T, s string) string {
	t.Helper()
	s = strings.ReplaceAll(s, "+", " ")
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		const hex = "0123456789ABCDEF"
		b.WriteByte(byte(strings.IndexByte(hex, s[i+1])<<4 | strings.IndexByte(hex, s[i+2])))
		i += 2
	}
	if !utf8.ValidString(b.String()) {
		t.Errorf("listed %q, which is not UTF-8", b.String())
	}
	return b.String()
}
