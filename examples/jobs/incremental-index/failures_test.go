package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// refuseFrom refuses the nth listing and all after it.
func refuseFrom(at *jobtest.Place, nth int32) {
	var seen atomic.Int32
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != "ListObjectsV2" || seen.Add(1) < nth {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Not today.</Message></Error>")
		})
	})
}

// Whatever is wrong is said in one line, with status 1, and the state is as it was.
func TestFailures(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		x := newIndexing(t, at)
		at.Seed(t, map[string]string{"data/a.txt": "1", "data/b.txt": "2"})
		x.run(t, 1, 2)
		before, _ := x.kept(t)
		broken := filepath.Join(t.TempDir(), "broken.json")
		if err := os.WriteFile(broken, []byte("{"), 0o666); err != nil {
			t.Fatal(err)
		}
		at.Seed(t, map[string]string{"data/new.txt": "3"})
		data := at.URI("data") + "/"
		for _, row := range []struct {
			want string
			env  []string
			args []string
		}{
			{"one s3://bucket/prefix", at.Env(), []string{data, data}},
			{"-colour", at.Env(), []string{"-colour=red", data}},
			{"does not begin with s3://", at.Env(), []string{"data"}},
			{"WithInclude", at.Env(), []string{"-include=[", data}},
			{"there is no bucket", at.Env(), []string{"-state=new.json", "s3://absent-" + at.Bucket}},
			{"is the index of s3://", at.Env(), []string{"-state", x.state, at.URI("")}},
			{"reading the index", at.Env(), []string{"-state", broken, data}},
			{"no such file or directory", at.Env(), []string{"-state=not/there/index.json", data}},
			{"data/missing.txt: NotFound", at.Env(), []string{"-show", at.URI("data/missing.txt")}},
			{"check the credentials", at.Env("AWS_SECRET_ACCESS_KEY=wrong"), []string{"-state", x.state, data}},
			{"cannot be reached", at.Env("AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_MAX_ATTEMPTS=1"), []string{"-state", x.state, data}},
		} {
			t.Run(row.want, func(t *testing.T) { suite.Fails(t, suite.Command(t, row.env, row.args...), row.want) })
		}
		at.Refuse("GetObject", http.StatusForbidden, "AccessDenied")
		suite.Fails(t, suite.Command(t, at.Env(), "-state", x.state, data), "AccessDenied: Not today")
		at.Proxy.Intercept(nil)
		if now, _ := x.kept(t); string(now) != string(before) {
			t.Error("the state has changed")
		}
		x.prints(t, "added    new.txt: 1 words, \"3\"\n1 added, 0 changed, 0 removed, 2 unchanged\n", 1, 1)
		if err := os.WriteFile(x.state, []byte(`{"seen": null, "files": null}`), 0o666); err != nil { // as good as none
			t.Fatal(err)
		}
		if got := x.run(t, 1, 3); !strings.HasSuffix(got, "3 added, 0 changed, 0 removed, 0 unchanged\n") {
			t.Error(got)
		}
	})
}

// A server that gives no ETags: what has another time is read, and the hash of
// its content says whether it has changed.
func TestNoETags(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		etag, stamp := regexp.MustCompile(`<ETag>.*?</ETag>`), regexp.MustCompile(`<LastModified>.*?</LastModified>`)
		var now atomic.Pointer[string]
		clock := func(text string) { now.Store(&text) }
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) != "ListObjectsV2" {
				return nil
			}
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := httptest.NewRecorder()
				at.Proxy.Next().ServeHTTP(answer, r)
				body := etag.ReplaceAll(answer.Body.Bytes(), nil)
				body = stamp.ReplaceAll(body, []byte("<LastModified>"+*now.Load()+"</LastModified>"))
				io.Copy(w, bytes.NewReader(body))
			})
		})
		x := newIndexing(t, at)
		at.Seed(t, map[string]string{"data/a.txt": "1", "data/b.txt": "2"})
		clock("2026-05-30T12:00:00Z")
		x.run(t, 1, 2)
		x.prints(t, "0 added, 0 changed, 0 removed, 2 unchanged\n", 1, 0)
		at.Seed(t, map[string]string{"data/b.txt": "3"})
		clock("2026-05-30T12:00:01Z")
		x.prints(t, "changed  b.txt: 1 words, \"3\"\n0 added, 1 changed, 0 removed, 1 unchanged\n", 1, 2)
		x.prints(t, "0 added, 0 changed, 0 removed, 2 unchanged\n", 1, 0)
	})
}
