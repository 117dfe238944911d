package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// TestRestore: of the servers at hand the in-process one alone has an archive.
func TestRestore(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	p := at.URI("old.txt")
	for _, class := range []types.StorageClass{types.StorageClassGlacier, types.StorageClassDeepArchive} {
		says(t, at, p+" 4 bytes\n", "put", "-class", string(class), file(t, "old", "cold"), p)
		says(t, at, p+" 4 bytes text/plain "+string(class)+"\nmodified TIME etag 75e52a0ecfafeda17a34fc60111c1f0b\narchived\n", "stat", p)
		to := file(t, "old", "what was there before")
		suite.Fails(t, suite.Command(t, at.Env(), "get", p, to), "restore it before reading")
		holds(t, to, "what was there before")
		says(t, at, "asked for "+p+" for 3 days\n", "restore", "-days", "3", "-tier", "Bulk", p)
		if got := plain(run(t, at, "stat", p)); !strings.HasSuffix(got, "\nrestored until TIME\n") {
			t.Errorf("it is %q", got)
		}
		says(t, at, to+" 4 bytes\n", "get", p, to)
		holds(t, to, "cold")
		says(t, at, "asked for "+p+" for 5 days\n", "restore", "-days", "5", p) // longer
	}
	at.Seed(t, map[string]string{"warm": "x"})
	suite.Fails(t, suite.Command(t, at.Env(), "restore", at.URI("warm")), "not archived")
	suite.Fails(t, suite.Command(t, at.Env(), "restore", at.URI("missing")), at.URI("missing"))
	suite.Fails(t, suite.Command(t, at.Env(), "restore", "-days", "0", p), "0 days")
	suite.Fails(t, suite.Command(t, at.Env(), "restore", "-tier", "Quick", p), "Quick")
}

// TestRestoreInProgress: AWS takes hours, in which its answers are these.
func TestRestoreInProgress(t *testing.T) {
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		switch {
		case r.Method == http.MethodPost && r.URL.Query().Has("restore"):
			body, _ := io.ReadAll(r.Body)
			if !strings.Contains(string(body), "<Days>2</Days>") || !strings.Contains(string(body), "<Tier>Expedited</Tier>") {
				t.Errorf("it was asked for %s", body)
			}
			if asked++; asked > 1 {
				w.WriteHeader(http.StatusConflict)
				io.WriteString(w, "<Error><Code>RestoreAlreadyInProgress</Code><Message>Object restore is already in progress</Message></Error>")
				return
			}
			w.WriteHeader(http.StatusAccepted)
		case r.Method == http.MethodHead:
			header.Set("Content-Length", "4")
			header.Set("Content-Type", "text/plain")
			header.Set("Etag", `"737e83461af35b7bdd9fb94a8c1bc9c9"`)
			header.Set("Last-Modified", "Fri, 20 Nov 2026 12:00:00 GMT")
			header.Set("X-Amz-Storage-Class", "GLACIER")
			if asked > 0 {
				header.Set("X-Amz-Restore", `ongoing-request="true"`)
			}
		default:
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>InvalidObjectState</Code><Message>The operation is not valid for the object's storage class</Message></Error>")
		}
	}))
	defer server.Close()
	env := []string{"AWS_ENDPOINT_URL=" + server.URL, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret"}
	const p = "s3://bucket/old"
	const about = p + " 4 bytes text/plain GLACIER\nmodified TIME etag 737e83461af35b7bdd9fb94a8c1bc9c9\n"
	for _, row := range []struct{ args, want string }{
		{"stat " + p, about + "archived\n"},
		{"restore -days 2 -tier Expedited " + p, "asked for " + p + " for 2 days\n"},
		{"stat " + p, about + "archived; the restore is in progress\n"},
		{"restore -days 2 -tier Expedited " + p, "asked for " + p + " for 2 days\n"}, // again is no error
	} {
		if got := plain(suite.Run(t, env, strings.Fields(row.args)...).Text()); got != row.want {
			t.Errorf("%s printed %q, want %q", row.args, got, row.want)
		}
	}
	suite.Fails(t, suite.Command(t, env, "get", p, "old"), "see object-store restore")
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

// secure is a place on the server with TLS, customers' keys and a KMS, and the
// environment of somebody who trusts it.
func secure(t *testing.T) (at *jobtest.Place, env []string) {
	t.Helper()
	at = jobtest.NewPlace(t, suite.Servers.Secure(t))
	return at, at.Env("AWS_CA_BUNDLE=" + file(t, "ca.pem", certificate(t, at)))
}

// TestCustomerKey: a server that enforces it.
func TestCustomerKey(t *testing.T) {
	at, env := secure(t)
	key, other := file(t, "key", "0123456789abcdef0123456789abcdef"), file(t, "other", "fedcba9876543210fedcba9876543210")
	for _, body := range []string{"a secret", strings.Repeat("0123456789abcdef", 12<<20/16)} {
		p, to := at.URI("dir/secret"), file(t, "secret", "")
		suite.Run(t, env, "put", "-sse-c", key, file(t, "secret", body), p)
		suite.Run(t, env, "get", "-sse-c", key, p, to)
		holds(t, to, body)
		if got := suite.Run(t, env, "stat", "-sse-c", key, p); !strings.Contains(got.Stdout, "\nencrypted with the customer's key, AES256\n") {
			t.Errorf("it is %s", got.Text())
		}
		for name, args := range map[string][]string{
			"no key": {"get", p, to}, "another key": {"get", "-sse-c", other, p, to}, "no key for stat": {"stat", p},
		} {
			t.Run(name, func(t *testing.T) {
				got := suite.Fails(t, suite.Command(t, env, args...), p)
				if strings.Contains(got.Text(), "fedcba98") {
					t.Error("it shows the key")
				}
			})
		}
		holds(t, to, body)
		if _, err := at.SDK.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &at.Bucket, Key: new("dir/secret")}); err == nil {
			t.Error("it is read without a key")
		}
	}
	suite.Fails(t, suite.Command(t, env, "put", "-sse-c", file(t, "short", "31 bytes"), key, at.URI("x")), "32")
	suite.Fails(t, suite.Command(t, env, "put", "-sse-c", "missing.key", key, at.URI("x")), "missing.key")
}

// TestCustomerKeyOverHTTP: it is never sent in the clear.
func TestCustomerKeyOverHTTP(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		key := file(t, "key", "0123456789abcdef0123456789abcdef")
		suite.Fails(t, suite.Command(t, at.Env(), "put", "-sse-c", key, key, at.URI("x")), "https")
		if n := at.Proxy.Count(); n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestKMS: a key that the server keeps.
func TestKMS(t *testing.T) {
	at, env := secure(t)
	p, to := at.URI("secret"), file(t, "secret", "")
	suite.Run(t, env, "put", "-sse-kms", at.KMSKey, file(t, "secret", "for the KMS"), p)
	if got := suite.Run(t, env, "stat", p); !strings.Contains(got.Stdout, "\nencrypted with aws:kms ") || !strings.Contains(got.Stdout, at.KMSKey) {
		t.Errorf("it is %s", got.Text())
	}
	suite.Run(t, env, "get", p, to)
	holds(t, to, "for the KMS")
	suite.Fails(t, suite.Command(t, env, "put", "-sse-kms", "no-such-key", to, at.URI("y")), at.URI("y"))
	if keys := at.Keys(t); len(keys) != 1 {
		t.Error(keys)
	}
}
