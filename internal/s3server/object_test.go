package s3server_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestCopySources(t *testing.T) {
	c := start(t)
	c.put("dir/a+b c", "x")
	for _, row := range []struct {
		name, source string
		status       int
		code         string
	}{
		{"with a slash in front", "/bucket/dir/a%2Bb%20c", 200, ""},
		{"without", "bucket/dir/a%2Bb%20c", 200, ""},
		{"escaped as a whole", "bucket%2Fdir%2Fa%2Bb%20c", 200, ""},
		{"plus for a space", "bucket/dir/a%2Bb+c", 200, ""},
		{"of a missing key", "bucket/missing", 404, "NoSuchKey"},
		{"of a missing bucket", "nobucket/k", 404, "NoSuchBucket"},
		{"without a key", "bucket", 400, "InvalidArgument"},
		{"with an escape that is none", "bucket/%zz", 400, "InvalidArgument"},
		{"with a query that is not a version", "bucket/dir/a%2Bb%20c?x=1", 400, "InvalidArgument"},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := c.do("PUT", at("to"), "", "x-amz-copy-source: "+row.source)
			if err := a.is(row.name, row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	if a := c.do("PUT", at("to"), "", "x-amz-copy-source: /bucket/dir/a%2Bb%20c", "x-amz-metadata-directive: MAYBE"); a.status != 400 {
		t.Errorf("a directive that is none: %d", a.status)
	}
}

func TestCopyOptions(t *testing.T) {
	c := start(t)
	c.put("k", "hello", "x-amz-checksum-crc32: "+crc("hello"))
	source, enabled := "x-amz-copy-source: "+at("k"), "x-amz-checksum-mode: ENABLED"
	for _, row := range []struct {
		name    string
		header  string
		has     string
		value   string
		refused int
	}{
		{"the checksum of the source", "X-None: x", "x-amz-checksum-crc32", crc("hello"), 0},
		{"another checksum", "x-amz-checksum-algorithm: SHA1", "x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00=", 0},
		{"a checksum that does not exist", "x-amz-checksum-algorithm: CRC1", "", "", 400},
		{"a redirect", "x-amz-website-redirect-location: /other", "x-amz-website-redirect-location", "/other", 0},
		{"a storage class", "x-amz-storage-class: STANDARD_IA", "x-amz-storage-class", "STANDARD_IA", 0},
		{"a storage class that does not exist", "x-amz-storage-class: CLOUD", "", "", 400},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, to := range []string{"to", "k"} { // onto itself, each but the first is a change
				a := c.do("PUT", at(to), "", source, row.header)
				if row.refused != 0 {
					if a.status != row.refused {
						t.Errorf("got %d, want %d", a.status, row.refused)
					}
					continue
				}
				if to == "k" && !strings.Contains(row.header, "storage-class") && !strings.Contains(row.header, "redirect") {
					if a.status != 400 {
						t.Errorf("a copy onto itself without a change: %d", a.status)
					}
					continue
				}
				if err := c.do("HEAD", at(to), "", enabled).has(row.has, row.value); err != nil || a.status != 200 {
					t.Errorf("%d, %v", a.status, err)
				}
			}
		})
	}
}

func TestCopyKeepsAChecksumOfItsOwn(t *testing.T) {
	c := start(t)
	id := c.upload("parts", "x-amz-checksum-algorithm: CRC32")
	etag := c.part("parts", id, 1, "hello").etag() // the server computes what the part did not bring
	if a := c.complete("parts", id, []string{etag}); a.status != 200 {
		t.Fatalf("Complete: %d %s", a.status, a.body)
	}
	c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("parts"))
	a := c.do("HEAD", at("to"), "", "x-amz-checksum-mode: ENABLED")
	if err := all(a.has("x-amz-checksum-crc32", crc("hello")), a.has("x-amz-checksum-type", "FULL_OBJECT")); err != nil {
		t.Error(err)
	}
}

func TestRestoreErrors(t *testing.T) {
	c := start(t)
	c.put("warm", "x")
	c.put("cold", "x", "x-amz-storage-class: DEEP_ARCHIVE")
	body := func(days int, tier string) string {
		return fmt.Sprintf("<RestoreRequest><Days>%d</Days><GlacierJobParameters><Tier>%s</Tier></GlacierJobParameters></RestoreRequest>", days, tier)
	}
	for _, row := range []struct {
		name, key, body string
		status          int
		code            string
	}{
		{"what is not archived", "warm", body(1, "Standard"), 403, "InvalidObjectState"},
		{"what is missing", "missing", body(1, "Standard"), 404, "NoSuchKey"},
		{"no days", "cold", body(0, "Standard"), 400, "InvalidArgument"},
		{"an unknown tier", "cold", body(1, "Soon"), 400, "InvalidArgument"},
		{"no XML", "cold", "restore", 400, "MalformedXML"},
		{"the first time", "cold", body(1, "Bulk"), 202, ""},
		{"again", "cold", body(2, "Bulk"), 200, ""},
	} {
		if err := c.do("POST", at(row.key)+"?restore", row.body).is(row.name, row.status, row.code); err != nil {
			t.Error(err)
		}
	}
	if err := c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("cold")).is("copy of what is restored", 200, ""); err != nil {
		t.Error(err)
	}
}

func TestPropertiesThatAreRefused(t *testing.T) {
	c := start(t)
	for _, row := range []struct{ name, header, code string }{
		{"storage class", "x-amz-storage-class: CLOUD", "InvalidStorageClass"},
		{"canned ACL", "x-amz-acl: everybody", "InvalidArgument"},
		{"encryption", "x-amz-server-side-encryption: ROT13", "InvalidArgument"},
		{"too much metadata", "x-amz-meta-k: " + strings.Repeat("x", 2049), "MetadataTooLarge"},
		{"an object lock", "x-amz-object-lock-mode: COMPLIANCE", "InvalidRequest"},
		{"a tag twice", "x-amz-tagging: a=1&a=2", "InvalidTag"},
		{"eleven tags", "x-amz-tagging: a&b&c&d&e&f&g&h&i&j&k", "BadRequest"},
		{"two checksums", "x-amz-checksum-sha1: 2jmj7l5rSw0yVb/vlWAYkK/YBwk=", "InvalidRequest"},
		{"an If-None-Match of an ETag", `If-None-Match: "x"`, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			headers := []string{row.header}
			if row.name == "two checksums" {
				headers = append(headers, "x-amz-checksum-crc32: "+crc(""))
			}
			a := c.do("PUT", at("k"), "", headers...)
			if want := row.code; want != "" && (a.status != 400 || a.code() != want) || want == "" && a.status != 501 {
				t.Errorf("got %d %s", a.status, a.body)
			}
		})
	}
}

func TestEncryptionIsReported(t *testing.T) {
	c := start(t)
	kms := []string{"x-amz-server-side-encryption: aws:kms", "x-amz-server-side-encryption-aws-kms-key-id: my-key"}
	put := c.put("k", "x", kms...)
	get := c.do("GET", at("k"), "")
	for _, a := range []answer{put, get} {
		if a.header.Get("x-amz-server-side-encryption") != "aws:kms" || a.header.Get("x-amz-server-side-encryption-aws-kms-key-id") != "my-key" {
			t.Errorf("got %v", a.header)
		}
	}
	c.do("PUT", at("to"), "", "x-amz-copy-source: "+at("k"))
	if got := c.do("GET", at("to"), "").header.Get("x-amz-server-side-encryption"); got != "" {
		t.Errorf("a copy inherits encryption %q", got)
	}
}

func TestRanges(t *testing.T) {
	c := start(t)
	c.put("k", "0123456789")
	for _, row := range []struct {
		header string
		status int
		body   string
	}{
		{"bytes=0-0", 206, "0"},
		{"bytes=2-4", 206, "234"},
		{"bytes=8-20", 206, "89"},
		{"bytes=9-", 206, "9"},
		{"bytes=0-", 206, "0123456789"},
		{"bytes=10-", 416, ""},
		{"bytes=-0", 416, ""},
		{"bytes=-3", 206, "789"},
		{"bytes=4-2", 200, "0123456789"},
		{"bytes=x-y", 200, "0123456789"},
		{"bytes=0-1,3-4", 200, "0123456789"},
		{"lines=0-1", 200, "0123456789"},
	} {
		t.Run(row.header, func(t *testing.T) {
			get, head := c.do("GET", at("k"), "", "Range: "+row.header), c.do("HEAD", at("k"), "", "Range: "+row.header)
			if get.status != row.status || head.status != row.status {
				t.Errorf("GET %d, HEAD %d, want %d", get.status, head.status, row.status)
			}
			if row.status != 416 && (get.body != row.body || head.header.Get("Content-Length") != fmt.Sprint(len(row.body))) {
				t.Errorf("GET %q, HEAD of %s bytes", get.body, head.header.Get("Content-Length"))
			}
			if head.header.Get("Content-Range") != get.header.Get("Content-Range") {
				t.Errorf("HEAD has Content-Range %q", head.header.Get("Content-Range"))
			}
		})
	}
}
