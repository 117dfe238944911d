package main

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

func TestFailures(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"x.txt": "1"})
		for _, row := range []struct {
			name, want string
			more       map[string]any
		}{
			{"no key", `"access_key_id" is missing`, map[string]any{"access_key_id": nil}},
			{"no secret", `"secret_access_key" is missing`, map[string]any{"secret_access_key": ""}},
			{"no bucket", `"bucket" is missing`, map[string]any{"bucket": nil}},
			{"a misspelt setting", `unknown field "prefx"`, map[string]any{"prefx": "a"}},
			{"an interval without a unit", `sync_interval is "5"; want such as "5m"`, map[string]any{"sync_interval": "5"}},
			{"no interval at all", `sync_interval is "0s"`, map[string]any{"sync_interval": "0s"}},
			{"an endpoint with a scheme", "want host:port", map[string]any{"endpoint": at.URL}},
			{"https, which is the default, to a plain server", "no answer came from https://", map[string]any{"use_ssl": nil}},
			{"an empty extension", "WithExtensions", map[string]any{"extensions": []string{""}}},
			{"a bucket that is not there", "there is no bucket", map[string]any{"bucket": "absent-" + at.Bucket}},
			{"a wrong secret", "check the credentials", map[string]any{"secret_access_key": "wrong"}},
			{"nobody there", "cannot be reached", map[string]any{"endpoint": "127.0.0.1:1"}},
		} {
			t.Run(row.name, func(t *testing.T) {
				got := suite.Fails(t, suite.Command(t, []string{"AWS_MAX_ATTEMPTS=1"}, settings(t, at, row.more)), row.want)
				if got.Stdout != "" || strings.Contains(got.Stderr, at.SecretKey) {
					t.Errorf("it wrote %q and %q", got.Stdout, got.Stderr)
				}
			})
		}
		if got := suite.Run(t, nil, "-h"); !strings.Contains(got.Stdout, "-once") || got.Stderr != "" {
			t.Errorf("help: %s", got.Text())
		}
		suite.Fails(t, suite.Command(t, nil, "missing.json"), "missing.json")
		suite.Fails(t, suite.Command(t, nil, "a.json", "b.json"), "config.json, or s3://bucket/prefix")
		suite.Fails(t, suite.Command(t, nil, "-every", "x"), "-every")
		suite.Fails(t, suite.Command(t, nil, "-listen", "127.0.0.1:bad", settings(t, at, nil)), "bad")
		at.Holds(t, map[string]string{"x.txt": "1"})
	})
}

// TestSSL: without use_ssl it is https, to a server that is trusted.
func TestSSL(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Secure(t))
	at.Seed(t, map[string]string{"a/x.txt": "1"})
	file := settings(t, at, map[string]any{"endpoint": strings.TrimPrefix(at.URL, "https://"), "use_ssl": nil})
	got := suite.Run(t, []string{"AWS_CA_BUNDLE=" + bundle(t, at)}, "-once", file)
	if added := documents(t, at, "added", events(t, got.Stdout)); added["file a/x.txt"].Size != 1 {
		t.Errorf("%v", added)
	}
	suite.Fails(t, suite.Command(t, []string{"AWS_MAX_ATTEMPTS=1"}, "-once", file), "not trusted")
}

// bundle is a file with the server's certificate.
func bundle(t *testing.T, at *jobtest.Place) string {
	t.Helper()
	resp, err := at.HTTP.Get(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: resp.TLS.PeerCertificates[0].Raw}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
