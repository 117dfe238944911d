package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// fetch gets a URL as anybody would, with nothing of this package.
func (at *place) fetch(t *testing.T, address string) (status int, body string) {
	t.Helper()
	return at.carryOut(t, s3path.PresignedRequest{Method: http.MethodGet, URL: address}, "")
}

// carryOut makes a presigned request with nothing but net/http.
func (at *place) carryOut(t *testing.T, r s3path.PresignedRequest, content string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), r.Method, r.URL, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if r.Header != nil {
		req.Header = r.Header
	}
	resp, err := at.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

// A presigned URL costs no request, and is enough to read the object.
func TestPresignGet(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=body")
		for _, expires := range []time.Duration{time.Second, time.Minute, 7 * 24 * time.Hour} {
			var signed string
			n := at.count(func() {
				var err error
				if signed, err = at.object("d/f").PresignGet(t.Context(), expires); err != nil {
					t.Fatal(err)
				}
			})
			if n != 0 {
				t.Errorf("%d requests", n)
			}
			u, err := url.Parse(signed)
			if err != nil || u.Query().Get("X-Amz-Expires") != fmt.Sprint(int(expires.Seconds())) {
				t.Errorf("%v: %s, %v", expires, signed, err)
			}
			if got := u.Query().Get("X-Amz-SignedHeaders"); got != "host" {
				t.Errorf("a URL alone cannot bring the headers %s", got)
			}
			if status, body := at.fetch(t, signed); status != http.StatusOK || body != "body" {
				t.Errorf("%v: %d %s", expires, status, body)
			}
		}
		// It is for what it is for.
		signed, err := at.object("no").PresignGet(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, _ := at.fetch(t, signed); status != http.StatusNotFound {
			t.Errorf("a missing object: %d", status)
		}
		if status, _ := at.fetch(t, strings.Replace(signed, "/no?", "/d/f?", 1)); status != http.StatusForbidden {
			t.Errorf("another object: %d", status)
		}
		if status, _ := at.carryOut(t, s3path.PresignedRequest{Method: http.MethodDelete, URL: signed}, ""); status != http.StatusForbidden {
			t.Errorf("another method: %d", status)
		}
		at.wantKeys(t, "d/f")
	})
}

func TestPresignGetOfAVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.Versioning)
		at.keepVersions(t)
		one := at.putVersion(t, "f", "one")
		at.putVersion(t, "f", "two")
		signed, err := at.object("f").AtVersion(one).PresignGet(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := at.fetch(t, signed); status != http.StatusOK || body != "one" {
			t.Errorf("%d %s", status, body)
		}
	})
}

// The headers that a presigned write returns are sent as they are.
func TestPresignPut(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, row := range []struct {
			name string
			opts []s3path.WriteOption
			want storedObject
		}{
			{"plain", nil, storedObject{contentType: "text/csv; charset=utf-8"}},
			{"properties", []s3path.WriteOption{
				s3path.WithContentType("text/x-note"), s3path.WithContentEncoding("x-note"), s3path.WithCacheControl("no-store"),
				s3path.WithContentDisposition(`attachment; filename="a b"`), s3path.WithMetadata(map[string]string{"colour": "blue & green"}),
				s3path.WithTags(map[string]string{"team": "a b+c", "x": "y"}),
			}, storedObject{
				contentType: "text/x-note", encoding: "x-note", cacheControl: "no-store", disposition: `attachment; filename="a b"`,
				metadata: map[string]string{"colour": "blue & green"}, tags: map[string]string{"team": "a b+c", "x": "y"},
			}},
		} {
			t.Run(row.name, func(t *testing.T) {
				key := row.name + "/f.csv"
				var put s3path.PresignedRequest
				n := at.count(func() {
					var err error
					if put, err = at.object(key).PresignPut(t.Context(), time.Minute, row.opts...); err != nil {
						t.Fatal(err)
					}
				})
				if n != 0 || put.Method != http.MethodPut {
					t.Errorf("%d requests, method %s", n, put.Method)
				}
				for _, body := range []string{"", "body"} {
					if status, answer := at.carryOut(t, put, body); status != http.StatusOK {
						t.Fatalf("%q: %d %s", body, status, answer)
					}
					row.want.body = body
					got := at.stored(t, key)
					if row.name == "plain" {
						row.want.contentType = got.contentType
						if !strings.HasPrefix(got.contentType, "text/csv") {
							t.Errorf("content type %q", got.contentType)
						}
					}
					at.wantStored(t, key, row.want)
				}
			})
		}
	})
}

// A condition is signed with the rest, and holds.
func TestPresignPutConditions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		put, err := at.object("f").PresignPut(t.Context(), time.Minute, s3path.WithNoOverwrite())
		if err != nil {
			t.Fatal(err)
		}
		if put.Header.Get("If-None-Match") != "*" {
			t.Errorf("headers %v", put.Header)
		}
		if status, answer := at.carryOut(t, put, "first"); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		if status, _ := at.carryOut(t, put, "second"); status != http.StatusPreconditionFailed {
			t.Errorf("the second: %d", status)
		}
		at.wantBody(t, "f", "first")

		put, err = at.object("f").PresignPut(t.Context(), time.Minute, s3path.WithIfMatch(*at.head(t, "f").ETag))
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := at.carryOut(t, put, "second"); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		if status, _ := at.carryOut(t, put, "third"); status != http.StatusPreconditionFailed {
			t.Errorf("the third: %d", status)
		}
		at.wantBody(t, "f", "second")

		// Without the headers it is another request than the one that was signed.
		put.Header = nil
		if status, _ := at.carryOut(t, put, "fourth"); status != http.StatusForbidden && status != http.StatusBadRequest {
			t.Errorf("without its headers: %d", status)
		}
		at.wantBody(t, "f", "second")
	})
}

func TestPresignRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		f := at.object("f")
		check := func(what string, p s3path.S3Path, expires time.Duration, kinds ...error) {
			t.Helper()
			n := at.count(func() {
				signed, err := p.PresignGet(t.Context(), expires)
				wantFailure(t, err, "presign", p.String(), kinds...)
				put, perr := p.PresignPut(t.Context(), expires)
				if strings.HasSuffix(p.Key(), "/") {
					kinds = []error{cloudpath.ErrIsDirectory}
				}
				wantFailure(t, perr, "presign", p.String(), kinds...)
				if signed != "" || put.URL != "" || put.Header != nil {
					t.Errorf("%s: something was signed: %q %q", what, signed, put.URL)
				}
			})
			if n != 0 {
				t.Errorf("%s: %d requests", what, n)
			}
		}
		for _, expires := range []time.Duration{0, -1, -time.Hour, time.Second - 1, 7*24*time.Hour + 1, 1 << 62} {
			check(expires.String(), f, expires, fs.ErrInvalid)
		}
		check("a bucket", at.bucket, time.Minute, cloudpath.ErrIsDirectory)
		anonymous := openClient(t, s3path.WithEndpoint(at.URL), s3path.WithAnonymous())
		check("anonymous", f.WithClient(anonymous), time.Minute, cloudpath.ErrNoCredentials)
		// A client of the caller's own that has none.
		bare := openClient(t, s3path.WithS3Client(s3.New(s3.Options{Region: at.Region, BaseEndpoint: aws.String(at.URL)})))
		check("a client without credentials", f.WithClient(bare), time.Minute, cloudpath.ErrNoCredentials)
		failing := openClient(t, s3path.WithAWSConfig(aws.Config{Region: at.Region, BaseEndpoint: aws.String(at.URL), Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, errors.New("the vault is closed")
			})}))
		check("credentials that cannot be had", f.WithClient(failing), time.Minute, cloudpath.ErrNoCredentials)

		if _, err := f.PresignPut(t.Context(), time.Minute, s3path.WithConcurrency(3)); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		if _, err := f.PresignGet(t.Context(), time.Minute, s3path.WithIfMatch("x")); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
		if _, err := f.AtVersion("v").PresignPut(t.Context(), time.Minute); !errors.Is(err, errors.ErrUnsupported) {
			t.Error(err)
		}
	})
}

// Nothing configured anywhere is no reason to sign nothing.
func TestPresignWithoutConfiguration(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
	} {
		t.Setenv(name, value)
	}
	p := openClient(t, s3path.WithEndpoint("http://127.0.0.1:1"), s3path.WithRegion("us-east-1")).Object("bucket", "key")
	signed, err := p.PresignGet(t.Context(), time.Minute)
	wantFailure(t, err, "presign", p.String(), cloudpath.ErrNoCredentials)
	put, err := p.PresignPut(t.Context(), time.Minute)
	wantFailure(t, err, "presign", p.String(), cloudpath.ErrNoCredentials)
	if signed != "" || put.URL != "" {
		t.Errorf("unsigned URLs %q, %q", signed, put.URL)
	}
}

// A session token goes into the signature, and what the client demands of a
// bucket does not go into headers that a URL cannot bring.
func TestPresignOfOtherClients(t *testing.T) {
	at := apart(t)
	session := openClient(t, s3path.WithEndpoint(at.URL), s3path.WithStaticCredentials("key", "secret", "a session token"))
	signed, err := session.Object("bucket", "key").PresignGet(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := url.Parse(signed); err != nil || u.Query().Get("X-Amz-Security-Token") != "a session token" {
		t.Errorf("%s, %v", signed, err)
	}
	at.put(t, "f=body")
	for name, opt := range map[string]s3path.ClientOption{
		"requester pays": s3path.WithRequestPayer(), "expected owner": s3path.WithExpectedBucketOwner("123456789012"),
	} {
		demanding := at.newClient(t, opt)
		signed, err := at.object("f").WithClient(demanding).PresignGet(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if u, err := url.Parse(signed); err != nil || u.Query().Get("X-Amz-SignedHeaders") != "host" {
			t.Errorf("%s: %s, %v", name, signed, err)
		}
		if status, body := at.fetch(t, signed); status != http.StatusOK || body != "body" {
			t.Errorf("%s: %d %s", name, status, body)
		}
		put, err := at.object("f").WithClient(demanding).PresignPut(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := at.carryOut(t, put, "body"); status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
}

// Virtual-hosted, the bucket is in the host.
func TestPresignVirtualHosted(t *testing.T) {
	c := openClient(t, s3path.WithRegion("eu-west-1"), s3path.WithAWSConfig(aws.Config{
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", "")}))
	signed, err := c.Object("bucket", "a b/c+d").PresignGet(t.Context(), time.Minute)
	if err != nil || !strings.HasPrefix(signed, "https://bucket.s3.eu-west-1.amazonaws.com/a%20b/c%2Bd?") {
		t.Errorf("%s, %v", signed, err)
	}
}

// What has expired is refused, where the server looks.
func TestPresignExpiry(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		t.Parallel()
		at.Needs(t, s3matrix.PresignExpiry)
		at.put(t, "f=body")
		signed, err := at.object("f").PresignGet(t.Context(), time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for tries := 0; ; tries++ { // a second, and what the server's clock makes of it
			status, body := at.fetch(t, signed)
			if status == http.StatusForbidden {
				if strings.Contains(body, ">body<") {
					t.Error(body)
				}
				break
			}
			if tries > 200 {
				t.Fatal("it does not expire")
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// The signature is as good as a password, and is not printed by accident.
func TestPresignedRequestIsNotPrinted(t *testing.T) {
	c := openClient(t, s3path.WithEndpoint("http://127.0.0.1:1"), s3path.WithStaticCredentials("key", "secret", "token"))
	put, err := c.Object("bucket", "a b").PresignPut(t.Context(), time.Minute, s3path.WithMetadata(map[string]string{"a": "b"}))
	if err != nil {
		t.Fatal(err)
	}
	const want = "PUT http://127.0.0.1:1/bucket/a%20b?(signature)"
	for _, text := range []string{
		put.String(), fmt.Sprint(put), fmt.Sprint(&put), fmt.Sprintf("%v", put), fmt.Sprintf("%+v", put), fmt.Sprintf("%#v", put), fmt.Sprintf("%s", put),
	} {
		if text != want {
			t.Errorf("printed as %s, want %s", text, want)
		}
	}
	for _, verb := range []string{"q", "x", "d", "10s", "#+v", "t"} {
		if text := fmt.Sprintf("%"+verb, put); text != want {
			t.Errorf("printed as %s, want %s", text, want)
		}
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("shared", "request", put)
	if !strings.Contains(log.String(), want) || strings.Contains(log.String(), "X-Amz-") {
		t.Errorf("logged as %s", log.String())
	}
}
