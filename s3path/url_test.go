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
		{host.Object("b", "é"), "https://b.s3.example.com/%C3%A9"},
		{host.Object("dotted.bucket", "k"), "https://s3.example.com/dotted.bucket/k"},
		{aws.Object("b", "dir/"), "https://b.s3.eu-central-1.amazonaws.com/dir/"},
		{china.Object("b", "k"), "https://b.s3.cn-north-1.amazonaws.com.cn/k"},
		{s3path.S3Path{}, ""},
	} {
		if got := c.p.URL(); got != c.want {
			t.Errorf("%v: %s, want %s", c.p, got, c.want)
		}
	}
}

func TestPathFromURLTakesBackWhatURLGave(t *testing.T) {
	for name, c := range map[string]*s3path.Client{
		"path":    openClient(t, s3path.WithAnonymous(), s3path.WithEndpoint("http://127.0.0.1:9000")),
		"virtual": openClient(t, s3path.WithAnonymous(), s3path.WithEndpoint("https://s3.example.com"), s3path.WithAddressing(s3path.AddressingVirtual)),
		"aws":     openClient(t, s3path.WithAnonymous(), s3path.WithRegion("us-west-2")),
	} {
		for _, key := range append([]string{"", "a//b", "/lead", "dir/", "../up", "a/./b"}, oddKeys...) {
			for _, p := range []s3path.S3Path{c.Object("my-bucket", key), c.Object("dotted.bucket", key), c.Object("my-bucket", key).AtVersion("v 1")} {
				got, err := c.PathFromURL(p.URL())
				if err != nil || got != p {
					t.Errorf("%s: %s gave %v, %v; want %v", name, p.URL(), got, err, p)
				}
			}
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
