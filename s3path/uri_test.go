package s3path

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

func TestParse(t *testing.T) {
	tests := []struct{ uri, bucket, key, text string }{
		{"s3://b", "b", "", "s3://b"},
		{"s3://b/", "b", "", "s3://b"},
		{"s3://b/a/", "b", "a/", "s3://b/a/"},
		{"s3://b//k", "b", "/k", "s3://b//k"},
		{"s3://b/a//b", "b", "a//b", "s3://b/a//b"},
		{"s3://b//", "b", "/", "s3://b//"},
		{"s3://b/a b?c#d%20e", "b", "a b?c#d%20e", "s3://b/a b?c#d%20e"},
		{"s3://b/a\nb\tc", "b", "a\nb\tc", "s3://b/a\nb\tc"},
		{"s3://b/é/日本", "b", "é/日本", "s3://b/é/日本"},
		{"s3://b/\u00e9", "b", "\u00e9", "s3://b/\u00e9"},
		{"s3://b/e\u0301", "b", "e\u0301", "s3://b/e\u0301"},
		{"s3://b/\x00\x1f\x7f\ufffe\U0001f600", "b", "\x00\x1f\x7f\ufffe\U0001f600", "s3://b/\x00\x1f\x7f\ufffe\U0001f600"},
		{`s3://b/%+?#&:"'\`, "b", `%+?#&:"'\`, `s3://b/%+?#&:"'\`},
		{"S3://b/k", "b", "k", "s3://b/k"},
		{"s3://b/../x/./y", "b", "../x/./y", "s3://b/../x/./y"},
		{"s3://b/s3://c/k", "b", "s3://c/k", "s3://b/s3://c/k"},
		{"s3://b/user:pass@host", "b", "user:pass@host", "s3://b/user:pass@host"},
		{"s3://Bucket_1.x-y/k", "Bucket_1.x-y", "k", "s3://Bucket_1.x-y/k"},
		{"s3://-._/k", "-._", "k", "s3://-._/k"},
		{"s3://.../k", "...", "k", "s3://.../k"},
		{"s3://" + strings.Repeat("b", 255) + "/k", strings.Repeat("b", 255), "k", "s3://" + strings.Repeat("b", 255) + "/k"},
		{"s3://b/" + strings.Repeat("k", 1025), "b", strings.Repeat("k", 1025), "s3://b/" + strings.Repeat("k", 1025)},

		{"s3://" + mrapARN + "/dir/f", mrapARN, "dir/f", "s3://" + mrapARN + "/dir/f"},
		{"s3://" + regionalARN + "/dir/f", regionalARN, "dir/f", "s3://" + regionalARN + "/dir/f"},
		{"S3://" + regionalARN + "/dir/", regionalARN, "dir/", "s3://" + regionalARN + "/dir/"},
		{"s3://" + regionalARN, regionalARN, "", "s3://" + regionalARN},
		{"s3://" + mrapARN + "/", mrapARN, "", "s3://" + mrapARN},
		{"s3://" + mrapARN + "//a//b", mrapARN, "/a//b", "s3://" + mrapARN + "//a//b"},
		{"s3://arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/a-b/k", "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/a-b", "k", "s3://arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/a-b/k"},
		{"s3://arn:aws-iso-b:s3:us-isob-east-1:123456789012:accesspoint/ap/k", "arn:aws-iso-b:s3:us-isob-east-1:123456789012:accesspoint/ap", "k", "s3://arn:aws-iso-b:s3:us-isob-east-1:123456789012:accesspoint/ap/k"},
	}
	c := new(Client)
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%q", tt.uri), func(t *testing.T) {
			p, err := c.Parse(tt.uri)
			if err != nil {
				t.Fatal(err)
			}
			if p.Bucket() != tt.bucket || p.Key() != tt.key || p.Version() != "" || p.Client() != c {
				t.Errorf("bucket %q, key %q, version %q, client %p; want bucket %q, key %q, client %p",
					p.Bucket(), p.Key(), p.Version(), p.Client(), tt.bucket, tt.key, c)
			}
			if p.String() != tt.text {
				t.Errorf("String = %q, want %q", p.String(), tt.text)
			}
			if again := c.MustParse(p.String()); again != p {
				t.Errorf("parsed again: %#v, want %#v", again, p)
			}
			if object := c.Object(tt.bucket, tt.key); object != p {
				t.Errorf("Object = %#v, want %#v", object, p)
			}
			if p.IsBucket() != (tt.key == "") {
				t.Errorf("IsBucket = %v", p.IsBucket())
			}
		})
	}
	if c.MustParse("S3://b/k") != c.MustParse("s3://b/k") {
		t.Error("S3://b/k is not equal to s3://b/k")
	}
	if c.MustParse("s3://b/\u00e9") == c.MustParse("s3://b/e\u0301") || c.MustParse("s3://b/K") == c.MustParse("s3://b/k") {
		t.Error("two spellings of a key are one path")
	}
}

// invalidURIs are no paths, whatever parses them.
var invalidURIs = []string{
	"", "b/k", "/b/k", "s3:/b/k", "s3:///k", "s3://", "s3:", "s3", "gs://b/k", "http://host/b/k",
	"https://bucket.s3.amazonaws.com/k", " s3://b/k", "s3a://b/k", "file:///k", `C:\dir\file`, "\u017f3://b/k",
	"s3://./k", "s3://../k", "s3://../x", "s3://a b/k", "s3://a@b/k", "s3://a:b/k", "s3://b?c/k", "s3://b#c", "s3://bücket/k",
	"s3://b\x00/k", "s3://b\n/k", `s3://b\k`, "s3://" + strings.Repeat("b", 256) + "/k",
	"s3://b/\xff", "s3://\xff/k", "\xff", "s3://b/a\xc3", "s3://b/\xed\xa0\x80", "s3://" + mrapARN + "/\xff",

	"s3://arn:", "s3://arn:aws:s3:::bucket/key", "arn:aws:s3:::bucket/key",
	"s3://arn:aws:s3::123456789012:accesspoint", "s3://arn:aws:s3::123456789012:accesspoint/",
	"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint//k",
	"s3://arn:aws:s3::123456789012:accesspoint/noregion/k", "s3://arn:aws:s3::123456789012:accesspoint/.mrap/k",
	"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/my.mrap/k",
	"s3://arn:aws:s3:eu-west-1:12345678901:accesspoint/ap/k", "s3://arn:aws:s3:eu-west-1:1234567890123:accesspoint/ap/k",
	"s3://arn:aws:s3:eu-west-1:12345678901x:accesspoint/ap/k", "s3://arn:aws:s3:eu-west-1::accesspoint/ap/k",
	"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint:ap/k", "s3://arn:aws:s3:eu-west-1:123456789012:bucket/ap/k",
	"s3://arn:aws:s3:eu west:123456789012:accesspoint/ap/k", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/a_p/k",
	"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/-ap/k", "s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/a:p/k",
	"s3://arn::s3:eu-west-1:123456789012:accesspoint/ap/k", "s3://arn:gcp:s3:eu-west-1:123456789012:accesspoint/ap/k",
	"s3://arn:aws-:c:eu-west-1:123456789012:accesspoint/ap/k", "s3://ARN:aws:s3:eu-west-1:123456789012:accesspoint/ap/k",
	"s3://arn:aws:s3-object-lambda:eu-west-1:123456789012:accesspoint/ap/k",
	"s3://arn:aws:s3express:eu-west-1:123456789012:accesspoint/ap/k",
	"s3://arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/ap/k",
}

func TestParseOfWhatIsNoPath(t *testing.T) {
	c := new(Client)
	for _, uri := range invalidURIs {
		t.Run(fmt.Sprintf("%q", uri), func(t *testing.T) {
			p, err := c.Parse(uri)
			wantInvalid(t, err, "parse")
			if p != (S3Path{}) {
				t.Errorf("returned %#v with the error", p)
			}
			if !strings.Contains(err.Error(), "s3://bucket/key") && !strings.Contains(err.Error(), "s3://arn:aws:s3:REGION") {
				t.Errorf("%q does not say which form is expected", err)
			}
			if shown := redact(uri); !strings.Contains(err.Error(), fmt.Sprintf("%q", shown)) {
				t.Errorf("%q does not name the input", err)
			}

			decoded := c.MustParse("s3://before/k")
			wantInvalid(t, unlessEmpty(uri, &decoded), "unmarshal")
			if decoded != c.MustParse("s3://before/k") {
				t.Errorf("a failed UnmarshalText left %#v", decoded)
			}

			defer func() {
				if recover() == nil {
					t.Error("MustParse did not panic")
				}
			}()
			c.MustParse(uri)
		})
	}
}

// unlessEmpty is UnmarshalText; the empty text, alone of what is no URI, is a
// path as text: the zero path.
func unlessEmpty(text string, p *S3Path) error {
	if text == "" {
		return &fs.PathError{Op: "unmarshal", Err: cloudpath.ErrInvalidPath}
	}
	return p.UnmarshalText([]byte(text))
}

func TestWhatAnErrorShowsOfAnInput(t *testing.T) {
	tests := []struct{ input, shown string }{
		{"", ""},
		{"b/k", "b/k"},
		{"s3:///k", "s3:///k"},
		{"s3://a b/k", "s3://a b/k"},
		{`C:\dir\file`, `C:\dir\file`},
		{"http://localhost:9000/b/k", "http://localhost:9000/b/k"},
		{"s3://arn:aws:s3:::bucket/key", "s3://arn:aws:s3:::bucket/key"},
		{"s3://user:pass@bucket/k", "s3://…@bucket/…"},
		{"s3://user:pass@bucket", "s3://…@bucket"},
		{"s3://user:pa/ss@bucket/k", "s3://…@bucket/…"},
		{"s3://user:pa?ss@bucket/k", "s3://…@bucket/…"},
		{"s3://user:p@ss@bucket/k", "s3://…@bucket/…"},
		{"s3://user:pass/bucket/k", "s3://user:…"},
		{"user:pass@bucket/k", "…@bucket/…"},
		{"user:pass", "user:…"},
		{"s3:/user:pass@bucket", "s3:/…@bucket"},
		{"https://AKIA:secret@host/b?X-Amz-Signature=abc", "https://…@host/…"},
		{"https://host/b/k?X-Amz-Credential=AKIA&X-Amz-Signature=abc", "https://host/b/k?…"},
		{"https://host/k?by=me@example.com&X-Amz-Signature=abc", "https://…@example.com/…"},
		{"s3://bucket?access_key=a&secret_key=b", "s3://bucket?…"},
		{"s3://bucket#secret", "s3://bucket#…"},
	}
	for _, tt := range tests {
		t.Run(tt.input, func(t *testing.T) {
			if got := redact(tt.input); got != tt.shown {
				t.Errorf("redact = %q, want %q", got, tt.shown)
			}
			_, err := new(Client).Parse(tt.input)
			wantInvalid(t, err, "parse")
			for _, secret := range []string{"pass", "secret_key", "abc", "#secret", ":secret", "pa/ss", "p@ss", "pa?ss"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q shows %q", err, secret)
				}
			}
		})
	}
}
