package s3path_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// A provider that was configured and fails is an error that names it, and no
// request goes out unsigned in its place.
func TestConfiguredProviderFails(t *testing.T) {
	const canary = "CANARYSECRET"
	var wg sync.WaitGroup
	for _, row := range []struct {
		name string
		set  func(t *testing.T, home string)
		says string
	}{
		{"a credential process that fails", func(t *testing.T, home string) {
			writeFile(t, filepath.Join(home, "process"), "#!/bin/sh\necho "+canary+" >&2\nexit 3\n")
			configFile(t, "[default]\ncredential_process = "+filepath.Join(home, "process")+"\n")
		}, "credential_process"},
		{"a credential process that is not there", func(t *testing.T, home string) {
			configFile(t, "[default]\ncredential_process = "+filepath.Join(home, "missing")+"\n")
		}, "credential_process"},
		{"a credential process with half an answer", func(t *testing.T, home string) {
			writeFile(t, filepath.Join(home, "process"), "#!/bin/sh\necho '{\"Version\":1,\"AccessKeyId\":\"k\",\"SecretAccessKey\":\""+canary+"\"'\n")
			configFile(t, "[default]\ncredential_process = "+filepath.Join(home, "process")+"\n")
		}, "credential_process"},
		{"a credential process with an answer of another shape", func(t *testing.T, home string) {
			writeFile(t, filepath.Join(home, "process"), "#!/bin/sh\necho '{\"Version\":\"1\",\"AccessKeyId\":\"k\",\"SecretAccessKey\":\""+canary+"\"}'\n")
			configFile(t, "[default]\ncredential_process = "+filepath.Join(home, "process")+"\n")
		}, "credential_process"},
		{"an SSO session that has expired", func(t *testing.T, home string) {
			configFile(t, "[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.invalid/start\n")
		}, "aws sso login"},
		{"an SSO session of the older kind", func(t *testing.T, home string) {
			configFile(t, "[default]\nsso_account_id = 123456789012\nsso_role_name = r\nsso_region = us-east-1\nsso_start_url = https://example.invalid/start\n")
		}, "aws sso login"},
		{"a container endpoint that is unreachable", func(t *testing.T, home string) {
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/role")
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", canary)
		}, "container"},
		{"a container endpoint that refuses", func(t *testing.T, home string) {
			t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", listen(t, text(400, `{"code":"Bad","message":"no"}`)).URL+"/role")
			t.Setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", canary)
		}, "container"},
		{"a web identity token that is not there", func(t *testing.T, home string) {
			t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", filepath.Join(home, "missing"))
			t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
			t.Setenv("AWS_REGION", "us-east-1")
		}, "AWS_WEB_IDENTITY_TOKEN_FILE"},
		{"a metadata service that is unreachable", func(t *testing.T, home string) {
			unset(t, "AWS_EC2_METADATA_DISABLED")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
		}, "metadata service"},
		{"a metadata service of the profile's that has no role", func(t *testing.T, home string) {
			unset(t, "AWS_EC2_METADATA_DISABLED")
			configFile(t, "[default]\nec2_metadata_service_endpoint = "+listen(t, text(404, "")).URL+"\n")
		}, "metadata service"},
	} {
		// The environment belongs to the making of the client; some of these
		// take their time to fail.
		home := bareEnvironment(t)
		l := listen(t, object)
		row.set(t, home)
		p := openClient(t, s3path.WithEndpoint(l.URL)).Object("bucket", "key")
		wg.Go(func() {
			_, err := p.Stat(t.Context())
			if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), row.says) {
				t.Errorf("%s: %v does not name %q", row.name, err, row.says)
			}
			noCanary(t, row.name, err, canary)
			if n := l.Count(); n != 0 {
				t.Errorf("%s: %d requests went out all the same", row.name, n)
			}
			if _, ok := errors.AsType[*fs.PathError](err); !ok {
				t.Errorf("%s: %T is no *fs.PathError", row.name, err)
			}
		})
	}
	wg.Wait()
}

// noCanary fails when a secret shows in an error, however it is printed.
func noCanary(t *testing.T, what string, err error, canaries ...string) {
	t.Helper()
	encoded, _ := json.Marshal(err) // what cannot be encoded gives nothing away
	for _, shown := range []string{fmt.Sprint(err), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err), string(encoded)} {
		for _, canary := range canaries {
			if strings.Contains(shown, canary) {
				t.Errorf("%s gives a secret away: %s", what, shown)
			}
		}
	}
}

// provider is a credentials provider somebody wrote.
type provider func(ctx context.Context) (aws.Credentials, error)

func (p provider) Retrieve(ctx context.Context) (aws.Credentials, error) { return p(ctx) }

func TestOwnProvider(t *testing.T) {
	l := listen(t, object)
	open := func(p aws.CredentialsProvider) *s3path.Client {
		return openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(aws.Config{Credentials: p}))
	}
	t.Run("asked for every request", func(t *testing.T) {
		n := 0
		c := open(provider(func(context.Context) (aws.Credentials, error) {
			n++
			return aws.Credentials{AccessKeyID: fmt.Sprint("key", n), SecretAccessKey: "s"}, nil
		}))
		for i := range 2 {
			if err := stat(t, c); err != nil {
				t.Fatal(err)
			}
			if key, _ := signedBy(l.last(t).Header); key != fmt.Sprint("key", i+1) {
				t.Errorf("request %d is signed by %q", i, key)
			}
		}
	})
	t.Run("fails", func(t *testing.T) {
		err := stat(t, open(provider(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("vault is sealed")
		})))
		if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "vault is sealed") || !strings.Contains(err.Error(), "provider") {
			t.Error(err)
		}
	})
	t.Run("gives nothing", func(t *testing.T) {
		err := stat(t, open(provider(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, nil })))
		if !errors.Is(err, cloudpath.ErrNoCredentials) {
			t.Error(err)
		}
	})
	t.Run("panics", func(t *testing.T) {
		for _, value := range []any{"CANARYSECRET", errors.New("CANARYSECRET")} {
			err := stat(t, open(provider(func(context.Context) (aws.Credentials, error) { panic(value) })))
			if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "panicked") {
				t.Error(err)
			}
			noCanary(t, "a panic", err, "CANARYSECRET")
		}
	})
	t.Run("minds no context", func(t *testing.T) {
		forever := make(chan struct{})
		defer close(forever)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
		defer cancel()
		begin := time.Now()
		_, err := open(provider(func(context.Context) (aws.Credentials, error) {
			<-forever
			return aws.Credentials{}, nil
		})).Object("bucket", "key").Stat(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
	t.Run("has a time limit of its own", func(t *testing.T) {
		asked := 0
		err := stat(t, open(provider(func(context.Context) (aws.Credentials, error) {
			asked++
			return aws.Credentials{}, context.DeadlineExceeded
		})))
		if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "provider") {
			t.Error(err)
		}
		if asked != 1 { // it tries again by itself, or not
			t.Errorf("asked %d times", asked)
		}
	})
	if n := l.Requests().Filter(func(r s3proxy.Request) bool { return r.Header.Get("Authorization") == "" }); len(n) != 0 {
		t.Errorf("%d requests went out unsigned", len(n))
	}
}

// A finished SDK client is used as it is.
func TestOwnS3Client(t *testing.T) {
	l := listen(t, object)
	sdk := s3.New(s3.Options{
		Region: "eu-south-2", BaseEndpoint: aws.String(l.URL), UsePathStyle: true,
		Credentials: credentials.NewStaticCredentialsProvider("sdk", "secret", "token"),
	})
	c := openClient(t, s3path.WithS3Client(sdk))
	if c.S3() != sdk {
		t.Error("S3 is another client")
	}
	if err := stat(t, c); err != nil {
		t.Fatal(err)
	}
	h := l.last(t).Header
	if key, region := signedBy(h); key != "sdk" || region != "eu-south-2" || h.Get("X-Amz-Security-Token") != "token" {
		t.Errorf("signed by %q for %q", key, region)
	}
	if want := fmt.Sprintf("s3path.Client(%s, eu-south-2)", l.URL); c.String() != want {
		t.Errorf("String is %q, want %q", c.String(), want)
	}
	if url, err := c.Object("bucket", "key").PresignGet(t.Context(), time.Minute); err != nil || !strings.Contains(url, "sdk") {
		t.Errorf("presigning: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := sdk.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("k")}); err != nil {
		t.Errorf("the SDK client after Close: %v", err)
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithS3Client(nil)); err == nil || !strings.Contains(err.Error(), "WithS3Client") {
		t.Errorf("nil: %v", err)
	}
	anonymous := openClient(t, s3path.WithS3Client(s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(l.URL), UsePathStyle: true})))
	if err := stat(t, anonymous); err != nil || l.last(t).Header.Get("Authorization") != "" {
		t.Errorf("without credentials: %v", err)
	}
	if _, err := anonymous.Object("bucket", "key").PresignGet(t.Context(), time.Minute); !errors.Is(err, cloudpath.ErrNoCredentials) {
		t.Errorf("presigning without credentials: %v", err)
	}
}
