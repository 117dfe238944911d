package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

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
