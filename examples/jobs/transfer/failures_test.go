package main

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// Whatever is wrong is said in one line, with status 1, and nothing has changed.
func TestFailures(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		seed := map[string]string{"a.txt": "1"}
		at.Seed(t, seed)
		dir := t.TempDir()
		local(t, dir, map[string]string{"a.txt": "new"})
		name := filepath.Join(dir, "a.txt")
		for _, row := range []struct {
			want string
			env  []string
			args []string
		}{
			{`there is no command "frobnicate"`, at.Env(), []string{"frobnicate"}},
			{"upload FILE", at.Env(), []string{"upload", name}},
			{"download s3://", at.Env(), []string{"download"}},
			{"list wants s3://", at.Env(), []string{"list"}},
			{"delete wants s3://", at.Env(), []string{"delete"}},
			{"not a whole bucket", at.Env(), []string{"delete", at.URI("")}},
			{"sync wants FROM TO", at.Env(), []string{"sync", "-delete", dir}},
			{"-colour", at.Env(), []string{"list", "-colour", "red", at.URI("")}},
			{"yesterday", at.Env(), []string{"list", "-newer", "yesterday", at.URI("")}},
			{"WithPageSize", at.Env(), []string{"list", "-page", "0", at.URI("")}},
			{"WithLimit", at.Env(), []string{"list", "-limit", "-1", at.URI("")}},
			{"does not begin with s3://", at.Env(), []string{"upload", name, "bucket/key"}},
			{"does not begin with s3://", at.Env(), []string{"sync", dir, dir}},
			{"no such file", at.Env(), []string{"upload", filepath.Join(dir, "missing"), at.URI("x")}},
			{"missing: file does not exist", at.Env(), []string{"download", at.URI("missing"), dir}},
			{"there is no bucket", at.Env(), []string{"list", "s3://absent-" + at.Bucket}},
			{"check the credentials", at.Env("AWS_SECRET_ACCESS_KEY=wrong"), []string{"upload", name, at.URI("a.txt")}},
			{"cannot be reached", at.Env("AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"), []string{"list", at.URI("")}},
		} {
			t.Run(row.want, func(t *testing.T) { suite.Fails(t, suite.Command(t, row.env, row.args...), row.want) })
		}
		at.Refuse("PutObject", http.StatusForbidden, "AccessDenied")
		suite.Fails(t, suite.Command(t, at.Env(), "upload", name, at.URI("a.txt")), "AccessDenied: Not today")
		at.Proxy.Intercept(nil)
		at.Holds(t, seed)
		holds(t, dir, map[string]string{"a.txt": "new"})
	})
}
