package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

var suite jobtest.Suite

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }

const (
	golden  = "testdata/tour.golden"
	refusal = "refused: the bucket is not public"
)

// theirs is what somebody else keeps in the bucket.
var theirs = map[string]string{"hello.txt": "1", "some/hello.txt": "2", "some/prefix": "3", "s3path-tour-x/dir/notes.md": "4"}

func TestEmbedded(t *testing.T) {
	jobtest.Golden(t, golden, suite.Run(t, nil).Text())
}

// TestEmbeddedOnly: without an argument it stays inside, whatever the environment
// says.
func TestEmbeddedOnly(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	got := suite.Run(t, at.Env("AWS_ENDPOINT_URL_S3="+at.URL, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_PROFILE=nope"))
	jobtest.Golden(t, golden, got.Text())
	if n := at.Proxy.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestOnServers: a bucket that is not public, and nobody's things touched.
func TestOnServers(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Needs(t, s3matrix.AnonymousDenied)
		at.Seed(t, theirs)
		for _, prefix := range []string{"", "some", "new/prefix/"} {
			mark := at.Proxy.Mark()
			got := suite.Run(t, at.Env(), "s3://"+at.Bucket+"/"+prefix)
			jobtest.Golden(t, golden, got.Text(), fmt.Sprintf("%-58s %s", "s3path.WithAnonymous()", refusal), fmt.Sprintf("%-58s hello", "s3path.WithAnonymous()"))
			at.Holds(t, theirs)
			log := at.Proxy.Since(mark)
			// versitygw gives an object that is copied onto itself no new time, so that a
			// touch in another second than the write is an upload of a copied part.
			counts := log.Filter(func(r s3proxy.Request) bool { return !strings.HasSuffix(r.Key, "/notes.md") }).Counts()
			for operation, want := range map[string]int{"CreateMultipartUpload": 1, "UploadPart": 3, "CompleteMultipartUpload": 1} {
				if counts[operation] != want {
					t.Errorf("%d times %s, want %d: %v", counts[operation], operation, want, answers(log))
				}
			}
			asked := askers(log.Operation("GetObject").Filter(func(r s3proxy.Request) bool { return strings.HasSuffix(r.Key, "/hello.txt") }))
			me := at.AccessKey
			// Touch's, http.Get's, and of two through the cache the first.
			if n := len(log.Operation("GetObject").Filter(func(r s3proxy.Request) bool { return strings.HasSuffix(r.Key, "/notes.md") })); n != 3 {
				t.Errorf("notes.md was read %d times, want 3", n)
			}
			if want := []string{me, "", me, me, me, me, me, me}; !slices.Equal(asked, want) {
				t.Errorf("hello.txt was asked for by %q, want %q", asked, want)
			}
		}
	})
}

// answers are requests with what was answered.
func answers(log s3proxy.Log) []string {
	var all []string
	for _, r := range log {
		all = append(all, fmt.Sprintf("%s %s %d", r.Operation, r.Key, r.Status))
	}
	return all
}

// askers are the access keys that requests are signed with, "" of none.
func askers(log s3proxy.Log) []string {
	keys := make([]string, len(log))
	for i, r := range log {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		keys[i], _, _ = strings.Cut(scope, "/")
	}
	return keys
}

// TestPublicBucket: WithAnonymous reads it.
func TestPublicBucket(t *testing.T) {
	for _, s := range suite.Servers.Servers()[1:] { // the embedded server's are public, see TestEmbedded
		t.Run(s.Name, func(t *testing.T) {
			at := jobtest.NewPlace(t, s)
			publish(t, at)
			at.Seed(t, theirs)
			got := suite.Run(t, at.Env(), at.URI("some"))
			jobtest.Golden(t, golden, got.Text())
			at.Holds(t, theirs)

			// And without any credentials everything goes, but what has to be signed.
			mark := at.Proxy.Mark()
			suite.Fails(t, suite.Command(t, nobody(at), at.URI("some")), "no credentials")
			log := at.Proxy.Since(mark)
			for _, who := range askers(log) {
				if who != "" {
					t.Errorf("asked by %q", who)
				}
			}
			if log.Counts()["PutObject"] != 1 {
				t.Errorf("it made %v", log.Counts())
			}
			if s.Name == s3matrix.VersityGW { // it lets nobody remove several at once
				at.Delete(t, log.Operation("PutObject")[0].Key)
			}
			at.Holds(t, theirs)
		})
	}
}

// publish lets everybody do everything with the bucket.
func publish(t *testing.T, at *jobtest.Place) {
	t.Helper()
	policy := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["s3:*"],"Resource":["arn:aws:s3:::` +
		at.Bucket + `","arn:aws:s3:::` + at.Bucket + `/*"]}]}`
	if _, err := at.SDK.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &at.Bucket, Policy: &policy}); err != nil {
		t.Fatal(err)
	}
}

// nobody is an environment in which there are no credentials.
func nobody(at *jobtest.Place) []string {
	return []string{"AWS_ENDPOINT_URL=" + at.URL, "AWS_REGION=" + at.Region, "AWS_EC2_METADATA_DISABLED=true"}
}

// TestSessionToken: keys of a role are used with their token, by every option.
func TestSessionToken(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		id, secret, token := at.AccessKey, at.SecretKey, "a-session-token"
		if at.Name == s3matrix.MinIO { // which knows whether a token is one
			id, secret, token = assumeRole(t, at)
		}
		cmd := suite.Command(t, at.Env("AWS_ACCESS_KEY_ID="+id, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_SESSION_TOKEN="+token), at.URI("some"))
		if at.Name == s3matrix.VersityGW { // which knows no roles
			suite.Fails(t, cmd, "InvalidToken")
			return
		}
		suite.Succeeds(t, cmd)
		signed := 0
		for _, r := range at.Proxy.Requests() {
			if r.Header.Get("Authorization") == "" {
				continue
			}
			if signed++; r.Header.Get("X-Amz-Security-Token") != token {
				t.Errorf("%s came without its token", r.Operation)
			}
		}
		if signed < 20 {
			t.Errorf("%d requests", signed)
		}
		at.Holds(t, nil)
	})
}

// assumeRole asks MinIO's STS for keys with a token.
func assumeRole(t *testing.T, at *jobtest.Place) (id, secret, token string) {
	t.Helper()
	body := url.Values{"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "DurationSeconds": {"3600"}}.Encode()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.Direct+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	hash := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: at.AccessKey, SecretAccessKey: at.SecretKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), keys, req, hex.EncodeToString(hash[:]), "sts", at.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := at.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result struct {
			ID     string `xml:"Credentials>AccessKeyId"`
			Secret string `xml:"Credentials>SecretAccessKey"`
			Token  string `xml:"Credentials>SessionToken"`
		} `xml:"AssumeRoleResult"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Result.Token == "" {
		t.Fatalf("%s: %v", resp.Status, err)
	}
	return answer.Result.ID, answer.Result.Secret, answer.Result.Token
}

func TestFailures(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Needs(t, s3matrix.AnonymousDenied, s3matrix.SigV4Enforced)
		at.Seed(t, theirs)
		sso := filepath.Join(t.TempDir(), "config")
		err := os.WriteFile(sso, []byte("[default]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n"+
			"[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.invalid/start\n"), 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name, want string
			env        []string
			args       []string
			requests   bool
		}{
			{"no credentials", "no credentials were found, so the request went unsigned: set AWS_ACCESS_KEY_ID", nobody(at), nil, true},
			{"an unknown profile", "nope", at.Env("AWS_PROFILE=nope"), nil, false},
			{"an expired session", "aws sso login", append(nobody(at), "AWS_CONFIG_FILE="+sso), nil, false},
			{"a metadata service that is unreachable", "metadata service",
				append(nobody(at), "AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1"), nil, false},
			{"a wrong secret", "check the credentials", at.Env("AWS_SECRET_ACCESS_KEY=wrong"), nil, true},
			{"two arguments", "no argument, or s3://bucket/prefix", at.Env(), []string{"s3://a", "s3://b"}, false},
			{"no URI", "does not begin with s3://", at.Env(), []string{"some/prefix"}, false},
			{"no bucket", "there is no bucket", at.Env(), []string{"s3://absent-" + at.Bucket}, true},
			{"nobody there", "cannot be reached", at.Env("AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"), nil, false},
		} {
			t.Run(row.name, func(t *testing.T) {
				if row.want == "metadata service" && at.Name != s3matrix.InProcess {
					return // no server is asked, and it takes its time
				}
				if row.args == nil {
					row.args = []string{at.URI("some")}
				}
				mark := at.Proxy.Mark()
				got := suite.Fails(t, suite.Command(t, row.env, row.args...), row.want)
				if log := at.Proxy.Since(mark); len(log) > 0 != row.requests {
					t.Errorf("it made %v", log.Operations())
				}
				if got.Stdout != "" {
					t.Errorf("it wrote %s", got.Stdout)
				}
			})
		}
		for _, operation := range []string{"PutObject", "CreateMultipartUpload", "CopyObject", "GetObjectTagging"} {
			t.Run("forbidden "+operation, func(t *testing.T) {
				at.Refuse(operation, http.StatusForbidden, "AccessDenied")
				suite.Fails(t, suite.Command(t, at.Env(), at.URI("some")), "AccessDenied: Not today")
				at.Proxy.Intercept(nil)
				at.Holds(t, theirs)
			})
		}
	})
}
