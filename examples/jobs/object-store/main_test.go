package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
)

var suite jobtest.Suite

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }

var (
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	signed = regexp.MustCompile(`http://127\.0\.0\.1:\d+(/[^?]*)\?\S+`)
)

// plain is output without what differs from run to run.
func plain(text string) string {
	text = signed.ReplaceAllString(text, "http://localhost:9000$1?…&X-Amz-Signature=…")
	return moment.ReplaceAllString(text, "TIME")
}

// run runs a command in a place, to its end, and returns what it printed.
func run(t *testing.T, at *jobtest.Place, args ...string) string {
	t.Helper()
	got := suite.Run(t, at.Env(), args...)
	if got.Stderr != "" {
		t.Errorf("%q said %q", args, got.Stderr)
	}
	return got.Stdout
}

func says(t *testing.T, at *jobtest.Place, want string, args ...string) {
	t.Helper()
	if got := plain(run(t, at, args...)); got != want {
		t.Errorf("%q printed\n%s\nand not\n%s", args, got, want)
	}
}

// file is a file with this content.
func file(t *testing.T, name, content string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// holds fails the test unless the file has this content, and is alone in its
// directory.
func holds(t *testing.T, name, want string) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil || string(data) != want {
		t.Errorf("%s holds %.40q (%d bytes), %v", name, data, len(data), err)
	}
	if list, err := os.ReadDir(filepath.Dir(name)); err != nil || len(list) != 1 {
		t.Errorf("beside %s: %v, %v", name, list, err)
	}
}

func TestDemo(t *testing.T) {
	got := plain(suite.Run(t, nil).Text())
	jobtest.Golden(t, "testdata/demo.golden", got)

	// It stays inside, whatever the environment says.
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	got = plain(suite.Run(t, at.Env("AWS_ENDPOINT_URL_S3="+at.URL)).Text())
	jobtest.Golden(t, "testdata/demo.golden", got)
	if n := at.Proxy.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestList: 2,600 keys, all of them, in pages, and from where a list ended.
func TestList(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		objects, total := map[string]string{}, 0
		for i := range 2600 {
			body := strings.Repeat("x", i%5)
			objects[fmt.Sprintf("flat/k%04d é+%%", i)] = body
			total += len(body)
		}
		at.Seed(t, objects)
		line := func(key string) string {
			return fmt.Sprintf("TIME  %9d  s3://%s/%s\n", len(objects[key]), at.Bucket, key)
		}
		keys := slices.Sorted(maps.Keys(objects))
		var all strings.Builder
		for _, key := range keys {
			all.WriteString(line(key))
		}
		fmt.Fprintf(&all, "%d objects, %d bytes\n", len(keys), total)
		for _, uri := range []string{at.URI(""), at.URI("flat"), at.URI("flat") + "/"} {
			mark := at.Proxy.Mark()
			says(t, at, all.String(), "list", uri)
			if n := at.Proxy.Since(mark).Counts()["ListObjectsV2"]; n != 3 {
				t.Errorf("%s: %d pages", uri, n)
			}
		}

		// 1,000 at a time, 400 by request, until it says no more.
		var found []string
		after, runs := "", 0
		for {
			mark := at.Proxy.Mark()
			got := plain(run(t, at, "list", "-limit", "1000", "-page", "400", "-after", after, at.URI("flat")))
			if n := at.Proxy.Since(mark).Counts()["ListObjectsV2"]; n > 3 {
				t.Errorf("%d pages", n)
			}
			lines := slices.Collect(strings.Lines(got))
			if runs++; runs > 3 {
				t.Fatal("it does not end")
			}
			rest := ""
			if last := lines[len(lines)-1]; strings.HasPrefix(last, "go on with") {
				rest, lines = last, lines[:len(lines)-1]
			}
			found = append(found, lines[:len(lines)-1]...)
			if rest == "" {
				break
			}
			if _, err := fmt.Sscanf(rest, "go on with -after %q", &after); err != nil {
				t.Fatalf("%q: %v", rest, err)
			}
		}
		if strings.Join(found, "") != strings.TrimSuffix(all.String(), fmt.Sprintf("%d objects, %d bytes\n", len(keys), total)) {
			t.Errorf("in pieces: %d lines", len(found))
		}

		// A flat bucket has no prefixes below its one, and that is no error.
		says(t, at, "s3://"+at.Bucket+"/flat/\n1 prefixes\n", "prefixes", at.URI(""))
		says(t, at, "0 prefixes\n", "prefixes", at.URI("flat"))
		if !slices.Equal(at.Keys(t), keys) {
			t.Error("the bucket is not what it was")
		}
	})
}

func TestPrefixes(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		says(t, at, "0 prefixes\n", "prefixes", at.URI(""))
		says(t, at, "0 objects, 0 bytes\n", "list", at.URI(""))
		at.Seed(t, map[string]string{"a.txt": "1", "b.txt": "2"})
		says(t, at, "0 prefixes\n", "prefixes", at.URI(""))
		at.Seed(t, map[string]string{"photos/2026/x": "1", "photos/y": "1", "a b+c/x": "1", "empty/": "", "é": "1"})
		says(t, at, strings.ReplaceAll("s3://B/a b+c/\ns3://B/empty/\ns3://B/photos/\n3 prefixes\n", "B", at.Bucket), "prefixes", at.URI(""))
	})
}

// TestModified: by the time of the last change.
func TestModified(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		t.Parallel() // it waits more than it works
		at.Seed(t, map[string]string{"old": "1"})
		time.Sleep(2100 * time.Millisecond) // times are whole seconds
		at.Seed(t, map[string]string{"new": "1"})
		head, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &at.Bucket, Key: new("new")})
		if err != nil {
			t.Fatal(err)
		}
		between := head.LastModified.Add(-time.Second).UTC().Format(time.RFC3339)
		for _, row := range []struct {
			args []string
			want string
		}{
			{[]string{"-from", between}, "new"},
			{[]string{"-to", between}, "old"},
			{[]string{"-from", between, "-to", between}, ""},
			{[]string{"-from", "2020-01-01T00:00:00Z", "-to", "2100-01-01T00:00:00+02:00"}, "new old"},
		} {
			var found []string
			for line := range strings.Lines(run(t, at, append(append([]string{"list"}, row.args...), at.URI(""))...)) {
				if _, key, ok := strings.Cut(strings.TrimSpace(line), at.URI("")+"/"); ok {
					found = append(found, key)
				}
			}
			if got := strings.Join(found, " "); got != row.want {
				t.Errorf("%v: %q, want %q", row.args, got, row.want)
			}
		}
	})
}

// TestPutGet: what is put is got, small and in parts, and nothing is left beside it.
func TestPutGet(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		large := strings.Repeat("0123456789abcdef", 12<<20/16)
		want := map[string]string{}
		for name, body := range map[string]string{"a b+é.txt": "hello", "empty": "", "large.bin": large} {
			p := at.URI("dir/" + name)
			says(t, at, fmt.Sprintf("%s %d bytes\n", p, len(body)), "put", file(t, name, body), p)
			to := file(t, name, "what was there before")
			says(t, at, fmt.Sprintf("%s %d bytes\n", to, len(body)), "get", p, to)
			holds(t, to, body)
			want["dir/"+name] = body
		}
		at.Holds(t, want)
		got := plain(run(t, at, "stat", at.URI("dir/a b+é.txt")))
		if want := at.URI("dir/a b+é.txt") + " 5 bytes text/plain STANDARD\nmodified TIME etag 5d41402abc4b2a76b9719d911017c592\n"; got != want {
			t.Errorf("stat printed %q, want %q", got, want)
		}
		to := file(t, "kept", "what was there before")
		suite.Fails(t, suite.Command(t, at.Env(), "get", at.URI("dir/missing"), to), "neither an object nor a directory")
		holds(t, to, "what was there before")
	})
}

// TestVersions: one of several is downloaded.
func TestVersions(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Needs(t, s3matrix.Versioning)
		says(t, at, "versioning: never enabled\n", "versioning", at.URI(""))
		_, err := at.SDK.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &at.Bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
		})
		if err != nil {
			t.Fatal(err)
		}
		says(t, at, "versioning: Enabled\n", "versioning", at.URI(""))
		p := at.URI("doc.txt")
		for _, body := range []string{"one", "second", "the third"} {
			run(t, at, "put", file(t, "doc.txt", body), p)
		}
		at.Seed(t, map[string]string{"doc.txt.bak": "other", "docs/x": "other"})
		at.Delete(t, "doc.txt")
		var lines [][]string
		for line := range strings.Lines(run(t, at, "versions", p)) {
			lines = append(lines, strings.Fields(line))
		}
		if len(lines) != 4 || lines[0][1] != "deleted" {
			t.Fatalf("%q", lines)
		}
		for i, body := range []string{"the third", "second", "one"} {
			line := lines[i+1]
			if line[1] != fmt.Sprint(len(body)) {
				t.Errorf("%q is not of %q", line, body)
			}
			to := file(t, "doc.txt", "")
			run(t, at, "get", "-version", line[2], p, to)
			holds(t, to, body)
		}
		suite.Fails(t, suite.Command(t, at.Env(), "get", p, "there.txt"), "neither an object nor a directory")
	})
}

// TestWait: the first look is at once, others follow, and time ends it.
func TestWait(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		t.Parallel() // it waits more than it works
		at.Seed(t, map[string]string{"there": "1", "late": "1"})
		none := "s3://none-" + at.Bucket
		begin := time.Now()
		says(t, at, at.URI("there")+" exists\n", "wait", at.URI("there"))
		says(t, at, at.URI("")+" exists\n", "wait", at.URI(""))
		says(t, at, at.URI("gone")+" is gone\n", "wait", "-gone", at.URI("gone"))
		says(t, at, none+" is gone\n", "wait", "-gone", none)
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("four looks took %v", took)
		}
		for _, row := range []struct{ args, want string }{
			{"wait -timeout 300ms " + at.URI("gone"), "still missing"},
			{"wait -timeout 300ms " + none, "still missing"},
			{"wait -timeout 300ms -gone " + at.URI("there"), "still there"},
			{"wait -timeout 300ms -gone " + at.URI(""), "still there"},
		} {
			suite.Fails(t, suite.Command(t, at.Env(), strings.Fields(row.args)...), row.want)
		}
		// What is made, and removed, while they wait.
		mark := at.Proxy.Mark()
		appears := jobtest.Start(t, suite.Command(t, at.Env(), "wait", at.URI("new")))
		vanishes := jobtest.Start(t, suite.Command(t, at.Env(), "wait", "-gone", at.URI("late")))
		for looks := 0; looks < 2; looks = at.Proxy.Since(mark).Counts()["HeadObject"] {
			time.Sleep(10 * time.Millisecond)
		}
		at.Seed(t, map[string]string{"new": "1"})
		at.Delete(t, "late")
		for _, p := range []*jobtest.Process{appears, vanishes} {
			if got := p.Wait(); got.Status != 0 || got.Stderr != "" {
				t.Errorf("%d, %q", got.Status, got.Text())
			}
		}
	})
}

// TestPresign: somebody without credentials reads, and writes, with what is printed.
func TestPresign(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		// do sends a request as it was printed.
		do := func(printed, body string) (string, string) {
			t.Helper()
			lines := strings.Split(strings.TrimSpace(printed), "\n")
			method, url, _ := strings.Cut(lines[0], " ")
			req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for _, line := range lines[1:] {
				name, value, _ := strings.Cut(line, ": ")
				req.Header.Set(name, value)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			return resp.Status, string(data)
		}
		p := at.URI("a b/é+%.txt")
		if status, _ := do(run(t, at, "presign", "-put", "text/x-note", "-expires", "1m", p), "by somebody"); status != "200 OK" {
			t.Errorf("PUT: %s", status)
		}
		if status, body := do(run(t, at, "presign", p), ""); status != "200 OK" || body != "by somebody" {
			t.Errorf("GET: %s, %q", status, body)
		}
		if got := run(t, at, "stat", p); !strings.Contains(got, "text/x-note") {
			t.Errorf("it is %s", got)
		}
		for _, expires := range []string{"0s", "-1m", "169h"} {
			suite.Fails(t, suite.Command(t, at.Env(), "presign", "-expires", expires, p), "1 second to 7 days")
		}
		at.Holds(t, map[string]string{"a b/é+%.txt": "by somebody"})
	})
}

func TestTags(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"f": "1"})
		p := at.URI("f")
		says(t, at, "0 tags\n", "tags", p)
		says(t, at, "a=1\nb=x = y\n2 tags\n", "tags", p, "b=x = y", "a=1")
		says(t, at, "a=1\nb=x = y\n2 tags\n", "tags", p)
		says(t, at, "c=\n1 tags\n", "tags", p, "c=")
		says(t, at, "0 tags\n", "tags", "-clear", p)
		at.Holds(t, map[string]string{"f": "1"})
	})
}
