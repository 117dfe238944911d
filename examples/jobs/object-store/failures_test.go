package main

import (
	"encoding/pem"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// certificate is what a client of the server has to trust.
func certificate(t *testing.T, at *jobtest.Place) string {
	t.Helper()
	resp, err := at.HTTP.Get(at.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: resp.TLS.PeerCertificates[0].Raw}))
}

func TestFailures(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"x": "1"})
		local := file(t, "local", "mine")
		for _, row := range []struct{ args, want string }{
			{"rename s3://b/k", `"rename" is none of the commands get, list, `},
			{"list", "list takes s3://bucket/prefix"},
			{"put " + local, "put takes file s3://bucket/key"},
			{"put missing " + at.URI("y"), "missing"},
			{"get " + at.URI("x"), "get takes s3://bucket/key file"},
			{"get " + at.URI("x") + " a b", "get takes s3://bucket/key file"},
			{"tags", "it takes s3://bucket/key"},
			{"tags " + at.URI("x") + " name", "not name=value"},
			{"list -limit many " + at.URI(""), "-limit"},
			{"list -limit -1 " + at.URI(""), "WithLimit"},
			{"list -page 0 " + at.URI(""), "WithPageSize"},
			{"list -from yesterday " + at.URI(""), "yesterday"},
			{"list bucket/prefix", "does not begin with s3://"},
			{"list s3://absent-" + at.Bucket, "there is no bucket"},
			{"prefixes " + at.URI("absent"), at.URI("absent") + ": "},
			{"stat " + at.URI("absent"), at.URI("absent") + ": "},
			{"tags " + at.URI("absent"), at.URI("absent")},
			{"versioning s3://absent-" + at.Bucket, "absent-" + at.Bucket},
		} {
			t.Run(row.args, func(t *testing.T) {
				suite.Fails(t, suite.Command(t, at.Env(), strings.Fields(row.args)...), row.want)
			})
		}
		at.Holds(t, map[string]string{"x": "1"})
		holds(t, local, "mine")
		if got := run(t, at, "restore", "-h"); !strings.Contains(got, "-tier") || !strings.Contains(got, "s3://bucket/key") {
			t.Errorf("help: %s", got)
		}
	})
}

// TestForbidden: what the server refuses is said, once.
func TestForbidden(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"x": "1"})
		for operation, args := range map[string]string{
			"ListObjectsV2": "list " + at.URI(""), "GetObject": "get " + at.URI("x") + " y", "HeadObject": "stat " + at.URI("x"),
			"GetObjectTagging": "tags " + at.URI("x"), "GetBucketVersioning": "versioning " + at.URI(""),
		} {
			at.Refuse(operation, http.StatusForbidden, "AccessDenied")
			want := "AccessDenied"
			if operation == "HeadObject" { // which has no body to say why
				want = "403"
			}
			suite.Fails(t, suite.Command(t, at.Env(), strings.Fields(args)...), want)
		}
	})
}
