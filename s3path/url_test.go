package s3path_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var oddKeys = []string{
	"plain.txt", "a b/c+d", "100%", "%41", "q?x=1&y=2#frag", "é/日本/🦊", `quote"'\back`, "semi;colon:at@comma,", "a=b/~tilde-._",
}

func TestURL(t *testing.T) {
	client := func(opts ...s3path.ClientOption) *s3path.Client {
		return openClient(t, append(opts, s3path.WithStaticCredentials("key", "secret", ""))...)
	}
	path := client(s3path.WithEndpoint("http://localhost:9000"))
	host := client(s3path.WithEndpoint("https://s3.example.com"), s3path.WithAddressing(s3path.AddressingVirtual))
	aws := client(s3path.WithRegion("eu-central-1"))
	china := client(s3path.WithRegion("cn-north-1"))
	for _, c := range []struct {
		p    s3path.S3Path
		want string
	}{
		{path.Object("b", "a b/c+d"), "http://localhost:9000/b/a%20b/c%2Bd"},
		{path.Object("b", ""), "http://localhost:9000/b"},
		{path.Object("b", "k").AtVersion("v/1"), "http://localhost:9000/b/k?versionId=v%2F1"},
		{host.Object("my-bucket", "é"), "https://my-bucket.s3.example.com/%C3%A9"},
		{host.Object("dotted.bucket", "k"), "https://s3.example.com/dotted.bucket/k"},
		{aws.Object("my-bucket", "dir/"), "https://my-bucket.s3.eu-central-1.amazonaws.com/dir/"},
		{aws.Object("my-bucket", ""), "https://my-bucket.s3.eu-central-1.amazonaws.com"},
		{china.Object("my-bucket", "k"), "https://my-bucket.s3.cn-north-1.amazonaws.com.cn/k"},
		{s3path.S3Path{}, ""},
	} {
		if got := c.p.URL(); got != c.want {
			t.Errorf("%v: %s, want %s", c.p, got, c.want)
		}
	}
}

// Whatever a bucket is named and wherever it is, its URL is the one that requests
// go to, and PathFromURL takes it back.
func TestPathFromURLTakesBackWhatURLGave(t *testing.T) {
	virtual := s3path.WithAddressing(s3path.AddressingVirtual)
	for name, opts := range map[string][]s3path.ClientOption{
		"path":                  {s3path.WithEndpoint("http://127.0.0.1:9000")},
		"virtual":               {s3path.WithEndpoint("https://s3.example.com"), virtual},
		"virtual, of an IP":     {s3path.WithEndpoint("http://127.0.0.1:9000"), virtual},
		"virtual, with a port":  {s3path.WithEndpoint("https://s3.example.com:443"), virtual},
		"aws":                   {s3path.WithRegion("us-west-2")},
		"aws, in the path":      {s3path.WithRegion("us-west-2"), s3path.WithAddressing(s3path.AddressingPath)},
		"aws, its first region": {s3path.WithRegion("us-east-1")},
		"aws, China":            {s3path.WithRegion("cn-north-1")},
		"aws, government":       {s3path.WithRegion("us-gov-west-1")},
		"aws, Europe":           {s3path.WithRegion("eusc-de-east-1")},
	} {
		c := openClient(t, append(opts, s3path.WithStaticCredentials("key", "secret", ""))...)
		for _, bucket := range []string{
			"my-bucket", "dotted.bucket", "b", "Upper_case", "an-s3-bucket", "alias-s3alias",
			"arn:aws:s3:us-west-2:123456789012:accesspoint/point", "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/point",
		} {
			for _, key := range append([]string{"", "a//b", "/lead", "dir/", "../up", "a/./b"}, oddKeys...) {
				for _, p := range []s3path.S3Path{c.Object(bucket, key), c.Object(bucket, key).AtVersion("v 1")} {
					if p.Key() != "" {
						signed, err := p.PresignGet(t.Context(), time.Minute)
						sent, _, _ := strings.Cut(signed, "?")
						url, _, _ := strings.Cut(p.URL(), "?")
						if sent != url {
							t.Errorf("%s: %s, and requests go to %s, %v", name, url, sent, err)
						}
					}
					if p.URL() == "" && strings.HasPrefix(bucket, "arn:") {
						continue // nor can it be asked for there
					}
					got, err := c.PathFromURL(p.URL())
					if err != nil || got != p {
						t.Errorf("%s: %s gave %v, %v; want %v", name, p.URL(), got, err, p)
					}
				}
			}
		}
	}
}

// A multi-region access point's host does not say whose it is.
func TestURLOfMultiRegionAccessPoint(t *testing.T) {
	c := openClient(t, s3path.WithAnonymous(), s3path.WithRegion("us-east-1"))
	p := c.Object("arn:aws:s3::123456789012:accesspoint/my.mrap", "a b")
	if want := "https://my.mrap.accesspoint.s3-global.amazonaws.com/a%20b"; p.URL() != want {
		t.Errorf("%s, want %s", p.URL(), want)
	}
	if got, err := c.PathFromURL(p.URL()); !errors.Is(err, cloudpath.ErrInvalidPath) {
		t.Errorf("it is taken for %v, %v", got, err)
	}
}

// The port that a scheme has anyway may stand in a URL, or not.
func TestPathFromURLWithDefaultPort(t *testing.T) {
	for endpoint, address := range map[string]string{
		"https://s3.example.com": "https://s3.example.com:443/b/k", "https://s3.example.com:443": "https://s3.example.com/b/k",
		"http://s3.example.com": "http://s3.example.com:80/b/k", "http://s3.example.com:80": "http://bucket.s3.example.com/b/k",
	} {
		c := openClient(t, s3path.WithAnonymous(), s3path.WithEndpoint(endpoint))
		if got, err := c.PathFromURL(address); err != nil || !strings.HasSuffix(got.Key(), "k") {
			t.Errorf("%s: %v, %v", address, got, err)
		}
		if got, err := c.PathFromURL(strings.Replace(address, "s3.example.com", "s3.example.com:8", 1)); !errors.Is(err, cloudpath.ErrInvalidPath) {
			t.Errorf("another port: %v, %v", got, err)
		}
	}
}

func TestPathFromURLForms(t *testing.T) {
	aws := openClient(t, s3path.WithAnonymous(), s3path.WithRegion("us-east-1"))
	for _, address := range []string{
		"https://s3.amazonaws.com/b/dir/k", "https://s3.eu-west-1.amazonaws.com/b/dir/k", "https://s3-eu-west-1.amazonaws.com/b/dir/k",
		"https://b.s3.amazonaws.com/dir/k", "https://b.s3.eu-west-1.amazonaws.com/dir/k", "https://b.s3-eu-west-1.amazonaws.com/dir/k",
		"https://b.s3.dualstack.us-east-1.amazonaws.com/dir/k", "https://b.s3-accelerate.amazonaws.com/dir/k",
		"https://b.s3.cn-north-1.amazonaws.com.cn/dir/k", "http://B.s3.amazonaws.com/dir/k",
		"https://b.s3.amazonaws.com/dir/k?X-Amz-Signature=abc&X-Amz-Expires=60",
	} {
		got, err := aws.PathFromURL(address)
		if err != nil || got.String() != "s3://b/dir/k" {
			t.Errorf("%s gave %v, %v", address, got, err)
		}
	}
	for _, address := range []string{
		"", "s3://b/k", "https://example.com/b/k", "https://s3.amazonaws.com.evil.example/b/k", "https://evil-s3.amazonaws.com.x/b/k",
		"ftp://s3.amazonaws.com/b/k", "https://s3.amazonaws.com/", "https://s3.amazonaws.com/%zz/k", "https://user:hunter2@s3.amazonaws.com/b/k",
		"https://s3.amazonaws.com/b/%ff", "https://example.com/b/k?X-Amz-Signature=hunter2",
	} {
		got, err := aws.PathFromURL(address)
		if !errors.Is(err, cloudpath.ErrInvalidPath) || got != (s3path.S3Path{}) {
			t.Errorf("%q gave %v, %v; want ErrInvalidPath", address, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error repeats a secret: %v", address, err)
		}
	}
}

// A presigned URL is a URL of its object, and one that works.
func TestPathFromURLOfPresigned(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, key := range oddKeys {
			at.putBody(t, key, []byte("body of it"))
			p := at.object(key)
			address, err := p.PresignGet(t.Context(), time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := at.client.PathFromURL(address); err != nil || got != p {
				t.Errorf("%q: %v, %v", key, got, err)
			}
			resp, err := http.Get(address)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || string(body) != "body of it" || err != nil {
				t.Errorf("%q: %s, %q, %v", key, resp.Status, body, err)
			}
		}
		http.DefaultClient.CloseIdleConnections()
	})
}
