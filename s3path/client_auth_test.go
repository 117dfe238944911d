package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// stat asks for one object with a client, which is one request.
func stat(t *testing.T, c *s3path.Client) error {
	t.Helper()
	_, err := c.Object("bucket", "key").Stat(t.Context())
	return err
}

// signedBy says who signed a request and for which region; "" is unsigned.
func signedBy(h http.Header) (key, region string) {
	_, scope, ok := strings.Cut(h.Get("Authorization"), "Credential=")
	if !ok {
		return "", ""
	}
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	return parts[0], parts[2]
}

func TestStaticCredentials(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "environment-secret")
	l := listen(t, object)
	for _, token := range []string{"the-session-token", ""} {
		c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("option", "secret", token))
		if err := stat(t, c); err != nil {
			t.Fatal(err)
		}
		h := l.last(t).Header
		if key, _ := signedBy(h); key != "option" || h.Get("X-Amz-Security-Token") != token {
			t.Errorf("signed by %q with session token %q", key, h.Get("X-Amz-Security-Token"))
		}
	}
	for _, row := range [][2]string{{"", "secret"}, {"key", ""}} {
		_, err := s3path.NewClient(t.Context(), s3path.WithStaticCredentials(row[0], row[1], ""))
		if err == nil || !strings.Contains(err.Error(), "WithStaticCredentials") || !strings.Contains(err.Error(), "WithAnonymous") {
			t.Errorf("%q: %v", row, err)
		}
	}
}

// The servers that check signatures take ours, and refuse a wrong secret as
// fs.ErrPermission that says what to check.
func TestSignaturesOnServers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.object("key with spaces+%&=ü")
		if err := p.WriteText(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
		at.Needs(t, s3matrix.SigV4Enforced)
		bad := at.newClient(t, s3path.WithStaticCredentials(at.AccessKey, "wrong-secret", ""))
		err := p.WithClient(bad).WriteText(t.Context(), "y")
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "check the credentials") {
			t.Errorf("a wrong secret: %v", err)
		}
		if got := at.body(t, p.Key()); got != "x" {
			t.Errorf("the refused write left %q", got)
		}
	})
}

func TestEnvironmentCredentials(t *testing.T) {
	bareEnvironment(t)
	t.Setenv("AWS_ACCESS_KEY_ID", "environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	t.Setenv("AWS_REGION", "eu-north-1")
	l := listen(t, object)
	if err := stat(t, openClient(t, s3path.WithEndpoint(l.URL))); err != nil {
		t.Fatal(err)
	}
	h := l.last(t).Header
	if key, region := signedBy(h); key != "environment" || region != "eu-north-1" || h.Get("X-Amz-Security-Token") != "token" {
		t.Errorf("signed by %q for %q with token %q", key, region, h.Get("X-Amz-Security-Token"))
	}
}

// A profile brings its credentials, its region and its endpoint, out of both
// files; the environment's keys do not come before a profile that was asked for.
func TestProfile(t *testing.T) {
	bareEnvironment(t)
	l := listen(t, object)
	other := listen(t, object)
	configFile(t, fmt.Sprintf(`[default]
region = us-west-1

[profile work]
region = eu-central-1
endpoint_url = %s

[profile services]
region = eu-west-3
endpoint_url = http://127.0.0.1:1
services = local

[services local]
s3 =
  endpoint_url = %s
`, l.URL, other.URL))
	credentialsFile(t, `[work]
aws_access_key_id = work-key
aws_secret_access_key = work-secret
aws_session_token = work-token

[services]
aws_access_key_id = services-key
aws_secret_access_key = services-secret
`)
	t.Setenv("AWS_ACCESS_KEY_ID", "environment")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")

	c := openClient(t, s3path.WithProfile("work"))
	if err := stat(t, c); err != nil {
		t.Fatal(err)
	}
	h := l.last(t).Header
	if key, region := signedBy(h); key != "work-key" || region != "eu-central-1" || h.Get("X-Amz-Security-Token") != "work-token" {
		t.Errorf("signed by %q for %q with token %q", key, region, h.Get("X-Amz-Security-Token"))
	}
	if want := fmt.Sprintf("s3path.Client(%s, eu-central-1)", l.URL); c.String() != want {
		t.Errorf("String is %q, want %q", c.String(), want)
	}

	if err := stat(t, openClient(t, s3path.WithProfile("services"))); err != nil {
		t.Fatal(err)
	}
	if key, region := signedBy(other.last(t).Header); key != "services-key" || region != "eu-west-3" {
		t.Errorf("the profile's endpoint for s3: signed by %q for %q", key, region)
	}

	// AWS_PROFILE is the same; there the environment's keys come first.
	t.Setenv("AWS_PROFILE", "work")
	if err := stat(t, openClient(t)); err != nil {
		t.Fatal(err)
	}
	if key, region := signedBy(l.last(t).Header); key != "environment" || region != "eu-central-1" {
		t.Errorf("AWS_PROFILE beside keys: signed by %q for %q", key, region)
	}
	unset(t, "AWS_ACCESS_KEY_ID")
	if err := stat(t, openClient(t)); err != nil {
		t.Fatal(err)
	}
	if key, _ := signedBy(l.last(t).Header); key != "work-key" {
		t.Errorf("AWS_PROFILE alone: signed by %q", key)
	}

	// An option about endpoint or region comes before the profile's.
	before := other.Count()
	if err := stat(t, openClient(t, s3path.WithProfile("work"), s3path.WithEndpoint(other.URL), s3path.WithRegion("sa-east-1"))); err != nil {
		t.Fatal(err)
	}
	if key, region := signedBy(other.last(t).Header); other.Count() != before+1 || key != "work-key" || region != "sa-east-1" {
		t.Errorf("options over the profile: %d requests, signed by %q for %q", other.Count()-before, key, region)
	}
}

func TestUnknownProfile(t *testing.T) {
	bareEnvironment(t)
	configFile(t, "[default]\nregion = us-west-1\n")
	_, err := s3path.NewClient(t.Context(), s3path.WithProfile("nowhere"))
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("WithProfile: %v", err)
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithProfile("")); err == nil || !strings.Contains(err.Error(), "WithProfile") {
		t.Errorf("an empty name: %v", err)
	}
	t.Setenv("AWS_PROFILE", "nowhere")
	if _, err = s3path.NewClient(t.Context()); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("AWS_PROFILE: %v", err)
	}
}

// Half a key is not nothing configured: it is an error, not unsigned requests.
func TestHalfAKey(t *testing.T) {
	for is, not := range map[string]string{"AWS_ACCESS_KEY_ID": "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY": "AWS_ACCESS_KEY_ID"} {
		t.Run(is, func(t *testing.T) {
			bareEnvironment(t)
			t.Setenv(is, "CANARYhalf")
			_, err := s3path.NewClient(t.Context())
			if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), not+" is not") {
				t.Error(err)
			}
			noCanary(t, is, err, "CANARYhalf")
			openClient(t, s3path.WithAnonymous())
			openClient(t, s3path.WithStaticCredentials("k", "s", ""))
		})
	}
	bareEnvironment(t)
	credentialsFile(t, "[half]\naws_access_key_id = CANARYhalf\n")
	_, err := s3path.NewClient(t.Context(), s3path.WithProfile("half"))
	if err == nil || !strings.Contains(err.Error(), "half") {
		t.Error(err)
	}
	noCanary(t, "a profile", err, "CANARYhalf")
}

// traps are all the places where credentials might be looked for, each of which
// notes that it was.
type traps struct {
	metadata *listener
	ran      string // a file that the credential process makes
}

func setTraps(t *testing.T) *traps {
	t.Helper()
	home := bareEnvironment(t)
	tr := &traps{metadata: listen(t, refuseAll(http.StatusForbidden, "Trap", "")), ran: filepath.Join(home, "ran")}
	command := filepath.Join(home, "process")
	writeFile(t, command, "#!/bin/sh\ntouch "+tr.ran+"\nexit 1\n")
	configFile(t, "[default]\ncredential_process = "+command+"\n[profile trap]\ncredential_process = "+command+"\nregion = trap-region-1\nendpoint_url = http://trap.invalid\n")
	unset(t, "AWS_EC2_METADATA_DISABLED")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", tr.metadata.URL)
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", tr.metadata.URL+"/container")
	return tr
}

func (tr *traps) untouched(t *testing.T) {
	t.Helper()
	if n := tr.metadata.Count(); n != 0 {
		t.Errorf("%d requests for credentials", n)
	}
	if _, err := os.Stat(tr.ran); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the credential process ran: %v", err)
	}
}

func TestTrapsWork(t *testing.T) {
	tr := setTraps(t)
	l := listen(t, object)
	if err := stat(t, openClient(t, s3path.WithEndpoint(l.URL))); err == nil {
		t.Error("a failing credential process is no error")
	}
	if _, err := os.Stat(tr.ran); err != nil && runtime.GOOS != "windows" {
		t.Error(err)
	}
	t.Setenv("AWS_CONFIG_FILE", t.TempDir())
	if _, err := s3path.NewClient(t.Context()); err == nil {
		t.Error("a configuration file that cannot be read is no error")
	}
	bareEnvironment(t)
	unset(t, "AWS_EC2_METADATA_DISABLED")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", tr.metadata.URL)
	if err := stat(t, openClient(t, s3path.WithEndpoint(l.URL))); err == nil || tr.metadata.Count() == 0 {
		t.Errorf("a failing metadata service: %v after %d requests", err, tr.metadata.Count())
	}
}

// Making a client asks nobody: not for credentials, not for the machine it is on.
func TestNewClientMakesNoRequest(t *testing.T) {
	tr := setTraps(t)
	t.Setenv("AWS_DEFAULTS_MODE", "auto")
	l := listen(t, object)
	for _, opts := range [][]s3path.ClientOption{{}, {s3path.WithStaticCredentials("k", "s", "")}, {s3path.WithProfile("trap")}, {s3path.WithAnonymous()}} {
		openClient(t, append(opts, s3path.WithEndpoint(l.URL))...)
	}
	tr.untouched(t)
	if n := l.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// WithAnonymous signs nothing and looks for nothing, whatever is configured.
func TestAnonymous(t *testing.T) {
	unreadable := t.TempDir() // a directory is no file
	for _, row := range []struct {
		name string
		env  map[string]string
	}{
		{"files and services", nil},
		{"keys in the environment", map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token"}},
		{"a profile", map[string]string{"AWS_PROFILE": "trap"}},
		{"a profile that is unknown", map[string]string{"AWS_PROFILE": "nowhere"}},
		{"configuration files that cannot be read", map[string]string{"AWS_CONFIG_FILE": unreadable, "AWS_SHARED_CREDENTIALS_FILE": unreadable}},
		{"a mode that asks the metadata service", map[string]string{"AWS_DEFAULTS_MODE": "auto", "AWS_REGION": "eu-west-1"}},
		{"a web identity", map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere", "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			tr := setTraps(t)
			l := listen(t, object)
			for name, value := range row.env {
				t.Setenv(name, value)
			}
			t.Setenv("AWS_ENDPOINT_URL", l.URL)
			c := openClient(t, s3path.WithAnonymous())
			p := c.Object("bucket", "key")
			if err := stat(t, c); err != nil {
				t.Fatal(err)
			}
			if _, err := p.ReadBytes(t.Context()); err != nil {
				t.Error(err)
			}
			if err := p.WriteText(t.Context(), "x"); err != nil {
				t.Error(err)
			}
			for _, err := range c.Object("bucket", "").Walk(t.Context()) {
				t.Error(err)
			}
			for _, r := range l.Requests() {
				for _, name := range []string{"Authorization", "X-Amz-Security-Token", "X-Amz-Date"} {
					if r.Header.Get(name) != "" {
						t.Errorf("%s carries %s", r.Operation, name)
					}
				}
			}
			if n := l.Count(); n != 4 {
				t.Errorf("%d requests came", n)
			}
			if _, err := p.PresignGet(t.Context(), time.Minute); !errors.Is(err, cloudpath.ErrNoCredentials) {
				t.Errorf("presigning: %v", err)
			}
			tr.untouched(t)
		})
	}
}

// A refusal of an anonymous client is one of permission, and no complaint about
// missing credentials: having none was asked for.
func TestAnonymousRefused(t *testing.T) {
	bareEnvironment(t)
	l := listen(t, refuseAll(http.StatusForbidden, "AccessDenied", "Access Denied"))
	err := stat(t, openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAnonymous()))
	if !errors.Is(err, fs.ErrPermission) || errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "anonymous") {
		t.Error(err)
	}
}

func TestAnonymousOnServers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "key=x")
		c := openClient(t, s3path.WithEndpoint(at.URL), s3path.WithRegion(at.Region), s3path.WithAnonymous())
		p := c.Object(at.bucket.Bucket(), "key")
		text, err := p.ReadText(t.Context())
		if at.Lacks(t, s3matrix.AnonymousDenied) {
			if text != "x" || err != nil {
				t.Errorf("%q, %v", text, err)
			}
			return
		}
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%q, %v", text, err)
		}
	})
}

// Nothing configured: requests go out unsigned, so that public buckets work, and
// a refusal says why it may be and what to do.
func TestNothingConfigured(t *testing.T) {
	bareEnvironment(t)
	l := listen(t, object)
	c := openClient(t, s3path.WithEndpoint(l.URL))
	if text, err := c.Object("bucket", "key").ReadText(t.Context()); text != "hello" || err != nil {
		t.Errorf("a public object: %q, %v", text, err)
	}
	for _, r := range l.Requests() {
		if r.Header.Get("Authorization") != "" || r.Header.Get("X-Amz-Security-Token") != "" {
			t.Errorf("%s is signed", r.Operation)
		}
	}
	if _, err := c.Object("bucket", "key").PresignGet(t.Context(), time.Minute); !errors.Is(err, cloudpath.ErrNoCredentials) {
		t.Errorf("presigning: %v", err)
	}

	closed := listen(t, refuseAll(http.StatusForbidden, "AccessDenied", "Access Denied"))
	c = openClient(t, s3path.WithEndpoint(closed.URL))
	_, read := c.Object("bucket", "key").ReadBytes(t.Context())
	for name, err := range map[string]error{
		"HEAD": stat(t, c), "GET": read, "PUT": c.Object("bucket", "key").WriteText(t.Context(), "x"),
	} {
		if !errors.Is(err, cloudpath.ErrNoCredentials) || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, way := range []string{"no credentials were found", "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "WithProfile", "WithStaticCredentials"} {
			if !strings.Contains(err.Error(), way) {
				t.Errorf("%s: %v does not name %s", name, err, way)
			}
		}
	}
}

// An aws.Config without credentials is nothing configured, too.
func TestConfigWithoutCredentials(t *testing.T) {
	l := listen(t, refuseAll(http.StatusForbidden, "AccessDenied", "Access Denied"))
	err := stat(t, openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(aws.Config{})))
	if !errors.Is(err, cloudpath.ErrNoCredentials) || !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if l.last(t).Header.Get("Authorization") != "" {
		t.Error("signed with nothing")
	}
	err = stat(t, openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(aws.Config{Credentials: aws.AnonymousCredentials{}})))
	if errors.Is(err, cloudpath.ErrNoCredentials) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("anonymous on purpose: %v", err)
	}
}
