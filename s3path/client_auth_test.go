package s3path_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
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

// lastResort is the configuration of a machine on which nothing is configured,
// and where this answers at the metadata service's own address.
func lastResort(t *testing.T, service http.RoundTripper) aws.Config {
	t.Helper()
	bareEnvironment(t)
	unset(t, "AWS_EC2_METADATA_DISABLED")
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithHTTPClient(&http.Client{Transport: service}),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPClient, cfg.Retryer = nil, nil // S3 is elsewhere
	return cfg
}

// silent never answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// Where nobody said that there is a metadata service, the search for one is
// bounded, is made once, and a caller in a hurry does not wait for it.
func TestMetadataSearchIsBounded(t *testing.T) {
	l := listen(t, object)
	c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(lastResort(t, silent{})))

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if _, err := c.Object("bucket", "key").Stat(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
		t.Errorf("a caller in a hurry: %v after %v", err, time.Since(begin))
	}

	begin = time.Now()
	if err := stat(t, c); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begin); took > 4500*time.Millisecond { // the SDK itself gives up after 5 s
		t.Errorf("the search took %v", took)
	}
	begin = time.Now()
	if err := stat(t, c); err != nil || time.Since(begin) > time.Second {
		t.Errorf("the second request: %v after %v", err, time.Since(begin))
	}
	if h := l.last(t).Header.Get("Authorization"); h != "" {
		t.Errorf("signed: %q", h)
	}
}

// metadata is a service for roles: list and role are its answers.
func metadata(list, role http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, "/latest/"); {
		case path == "api/token":
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
			_, _ = io.WriteString(w, "token")
		case path == "meta-data/iam/security-credentials/":
			list(w, r)
		case strings.HasPrefix(path, "meta-data/iam/security-credentials/"):
			role(w, r)
		default:
			http.NotFound(w, r)
		}
	}
}

// cut breaks the connection off.
func cut(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func TestMetadataService(t *testing.T) {
	role := fmt.Sprintf(`{"Code":"Success","AccessKeyId":"role-key","SecretAccessKey":"role-secret","Token":"role-token","Expiration":%q}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	for _, row := range []struct {
		name    string
		service http.HandlerFunc
		key     string // who signs; "" is an error
	}{
		{"a role", metadata(text(200, "role"), text(200, role)), "role-key"},
		{"no role, of a service that was named", metadata(text(404, ""), text(404, "")), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			bareEnvironment(t)
			unset(t, "AWS_EC2_METADATA_DISABLED")
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", listen(t, row.service).URL)
			l := listen(t, object)
			err := stat(t, openClient(t, s3path.WithEndpoint(l.URL)))
			if row.key != "" {
				if err != nil {
					t.Fatal(err)
				}
				h := l.last(t).Header
				if key, _ := signedBy(h); key != row.key || h.Get("X-Amz-Security-Token") != "role-token" {
					t.Errorf("signed by %q with token %q", key, h.Get("X-Amz-Security-Token"))
				}
				return
			}
			if !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "metadata service") {
				t.Error(err)
			}
			if n := l.Count(); n != 0 {
				t.Errorf("%d requests went out all the same", n)
			}
		})
	}
}

// The same answers of a service that nobody named: the chain's last resort.
func TestMetadataLastResort(t *testing.T) {
	for _, row := range []struct {
		name     string
		service  http.HandlerFunc
		unsigned bool
	}{
		{"no role", metadata(text(404, ""), text(404, "")), true},
		{"switched off", text(403, ""), true},
		{"another cloud's", text(400, "Required metadata header not specified"), true},
		{"an empty list", metadata(text(200, ""), text(404, "")), true},
		{"500", text(500, "down"), false},
		{"429", text(429, ""), false},
		{"500 on the list of roles", metadata(text(500, "down"), text(404, "")), false},
		{"a token is wanted that cannot be had", metadata(text(401, ""), text(401, "")), false},
		{"500 on the role", metadata(text(200, "role"), text(500, "down")), false},
		{"the role is refused", metadata(text(200, "role"), text(200, `{"Code":"AssumeRoleUnauthorizedAccess","Message":"no"}`)), false},
		{"a role that is no JSON", metadata(text(200, "role"), text(200, "<html>")), false},
		{"a role, then nothing", metadata(text(200, "role"), cut), false},
		{"unreachable", cut, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := listen(t, object)
			err := stat(t, openClient(t, s3path.WithEndpoint(l.URL), s3path.WithAWSConfig(lastResort(t, &wire{answer: row.service}))))
			switch {
			case row.unsigned && err != nil:
				t.Error(err)
			case row.unsigned:
				if h := l.last(t).Header.Get("Authorization"); h != "" {
					t.Errorf("signed: %q", h)
				}
			case !errors.Is(err, cloudpath.ErrNoCredentials) || !strings.Contains(err.Error(), "metadata service") || l.Count() != 0:
				t.Errorf("%v after %d requests", err, l.Count())
			}
		})
	}
}

// childEndpoint is set for the process that TestMetadataThroughAContainer starts.
const childEndpoint = "CLOUDPATH_TEST_CHILD_ENDPOINT"

// In a container the metadata service drops the request for a token: it is tried
// no longer than the search lasts, and the role is found without. A process of
// its own, because a proxy, which is what can answer at the service's address, is
// read from the environment once in the life of a process.
func TestMetadataThroughAContainer(t *testing.T) {
	if endpoint := os.Getenv(childEndpoint); endpoint != "" {
		if err := stat(t, openClient(t, s3path.WithEndpoint(endpoint))); err != nil {
			t.Error(err)
		}
		return
	}
	home := bareEnvironment(t)
	unset(t, "AWS_EC2_METADATA_DISABLED")
	role := metadata(text(200, "role"), text(200, fmt.Sprintf(`{"Code":"Success","AccessKeyId":"role-key","SecretAccessKey":"s","Token":"t","Expiration":%q}`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))))
	service := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			mute(w, r)
			return
		}
		role(w, r)
	})
	l := listen(t, object)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMetadataThroughAContainer$", "-test.count=1")
	child.Env = []string{childEndpoint + "=" + l.URL, "HTTP_PROXY=" + service.URL, "HOME=" + home, "TMPDIR=" + os.TempDir(), "PATH=" + os.Getenv("PATH")}
	if out, err := child.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if key, _ := signedBy(l.last(t).Header); key != "role-key" {
		t.Errorf("signed by %q", key)
	}
	if puts := service.Requests().Filter(func(r s3proxy.Request) bool { return r.Method == http.MethodPut }); len(puts) != 2 {
		t.Errorf("%d requests for a token", len(puts))
	}
}

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
