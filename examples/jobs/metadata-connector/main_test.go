package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var suite jobtest.Suite

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }

// settings writes a configuration of the place; more are further settings, nil
// takes one away.
func settings(t *testing.T, at *jobtest.Place, more map[string]any) string {
	t.Helper()
	all := map[string]any{
		"access_key_id": at.AccessKey, "secret_access_key": at.SecretKey, "bucket": at.Bucket,
		"endpoint": strings.TrimPrefix(at.URL, "http://"), "use_ssl": false,
	}
	for name, value := range more {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	data, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(data))
}

// file is a configuration file.
func file(t *testing.T, content string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// events are lines of output.
func events(t *testing.T, lines string) (all []event) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var e event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, e)
	}
	return all
}

// documents are those of one kind of event, by type and URI.
func documents(t *testing.T, at *jobtest.Place, kind string, all []event) map[string]document {
	t.Helper()
	found := map[string]document{}
	for _, e := range all {
		if e.Event != kind {
			continue
		}
		name := e.Document.Type + " " + strings.TrimPrefix(e.Document.URL, at.URL+"/"+at.Bucket+"/")
		if _, twice := found[name]; twice {
			t.Errorf("%s twice: %s", kind, name)
		}
		found[name] = *e.Document
	}
	return found
}

func once(t *testing.T, at *jobtest.Place, more map[string]any) map[string]document {
	t.Helper()
	got := suite.Run(t, nil, "-once", settings(t, at, more))
	if got.Stderr != "" {
		t.Errorf("it said %q", got.Stderr)
	}
	all := events(t, got.Stdout)
	added := documents(t, at, "added", all)
	if last := all[len(all)-1]; last.Event != "round" || *last.Documents != len(added) || len(all) != len(added)+1 {
		t.Errorf("%d events, %d documents, the last is %+v", len(all), len(added), last)
	}
	return added
}

// TestDocuments: 2,600 objects in 60 folders, one document each, and for what
// matches only.
func TestDocuments(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		objects := map[string]string{
			"top.pdf": "12345", "docs/empty/": "", "docs/A b+c/100% é&=.PDF": "1", "docs/archive.tar.gz": "123",
			"docs/deep/er/still/one.pdf": "12", "other/none.txt": "", "docs2/x.pdf": "1234",
		}
		for i := range 2600 {
			objects[fmt.Sprintf("docs/d%02d/f%04d.%s", i%60, i, []string{"pdf", "txt"}[i%2])] = strings.Repeat("x", i%7)
		}
		at.Seed(t, objects)
		for name, row := range map[string]struct {
			more  map[string]any
			match func(key string) bool
			pages int
		}{
			"all": {nil, func(string) bool { return true }, 3},
			"a prefix that ends inside a name": {map[string]any{"prefix": "docs/d", "extensions": []string{"pdf", ".TXT"}},
				func(key string) bool { return strings.HasPrefix(key, "docs/d") }, 3},
			"extensions": {map[string]any{"extensions": []string{"Pdf", "tar.gz"}},
				func(key string) bool {
					return strings.HasSuffix(strings.ToLower(key), ".pdf") || strings.HasSuffix(key, ".tar.gz")
				}, 3},
			"a prefix without anything": {map[string]any{"prefix": "nowhere/"}, func(string) bool { return false }, 1},
		} {
			t.Run(name, func(t *testing.T) {
				before := at.Proxy.Count()
				got := once(t, at, row.more)
				if n := at.Proxy.Count() - before; n != row.pages {
					t.Errorf("%d requests, want %d", n, row.pages)
				}
				compare(t, at, got, objects, row.match)
			})
		}
		if !slices.Equal(at.Keys(t), slices.Sorted(maps.Keys(objects))) {
			t.Error("the bucket is not what it was")
		}
	})
}

// compare holds documents against what the bucket holds.
func compare(t *testing.T, at *jobtest.Place, got map[string]document, objects map[string]string, match func(key string) bool) {
	t.Helper()
	client, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(at.URL), s3path.WithAnonymous())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ids := map[string]bool{}
	seen := map[string]bool{}
	for name, d := range got {
		if ids[d.ID] || len(d.ID) != 32 {
			t.Errorf("%s: the id %q is not its own", name, d.ID)
		}
		ids[d.ID] = true
		host := strings.TrimPrefix(at.URL, "http://")
		rest := strings.TrimPrefix(d.URL, at.URL+"/"+at.Bucket+"/")
		if strings.ContainsAny(rest, " +é") {
			t.Errorf("%s: its URL %s is not escaped", name, d.URL)
		}
		key := ""
		for style, url := range map[string]string{"path": d.URL, "virtual-hosted": "http://" + at.Bucket + "." + host + "/" + rest} {
			p, err := client.PathFromURL(url)
			if err != nil || p.Bucket() != at.Bucket || key != "" && p.Key() != key {
				t.Errorf("%s, %s: %s is of %v, %v", name, style, url, p, err)
			}
			key = p.Key()
		}
		seen[d.Type+" "+key] = true
		folder := path.Dir("/" + strings.TrimSuffix(key, "/"))
		parts := strings.FieldsFunc(folder, func(r rune) bool { return r == '/' })
		if d.Category != folder || !slices.Equal(d.Categories, parts) || d.Title != path.Base(key) {
			t.Errorf("%s: %q in %q, %q", key, d.Title, d.Category, d.Categories)
		}
		switch d.Type {
		case "file":
			if !match(key) || d.Size != int64(len(objects[key])) || d.Version == "" || d.Owner == "" {
				t.Errorf("%s: %+v", key, d)
			}
			if !d.Created.Equal(d.Updated) || time.Since(d.Updated).Abs() > 5*time.Minute {
				t.Errorf("%s: created %v, updated %v", key, d.Created, d.Updated)
			}
		case "folder":
			if d.Size != 0 || !d.Updated.IsZero() {
				t.Errorf("%s: %+v", key, d)
			}
		default:
			t.Errorf("%s is a %s", key, d.Type)
		}
	}
	want := map[string]bool{}
	for key := range objects {
		if !match(key) || strings.HasSuffix(key, "/") {
			continue // a marker is no file, and makes no folder
		}
		want["file "+key] = true
		for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
			want["folder "+dir+"/"] = true
		}
	}
	if !maps.Equal(seen, want) {
		t.Errorf("%d documents, want %d", len(seen), len(want))
	}
}

// TestIDs are the same in every run, whatever the settings.
func TestIDs(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"a/b/c.txt": "1", "d.txt": "2"})
		first := once(t, at, nil)
		at.Delete(t, "d.txt")
		at.Seed(t, map[string]string{"a/b/c.txt": "other", "a/new.txt": "3"})
		second := once(t, at, map[string]any{"prefix": "a/", "sync_interval": "1h"})
		for _, name := range []string{"folder a/", "folder a/b/", "file a/b/c.txt"} {
			if first[name].ID == "" || first[name].ID != second[name].ID {
				t.Errorf("%s is %q and %q", name, first[name].ID, second[name].ID)
			}
		}
	})
}

// TestEnvironment: an s3:// path instead of a file.
func TestEnvironment(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{"a/x.txt": "1", "b.txt": "2"})
		got := suite.Run(t, at.Env(), "-once", at.URI("a/"))
		added := documents(t, at, "added", events(t, got.Stdout))
		if keys := slices.Sorted(maps.Keys(added)); !slices.Equal(keys, []string{"file a/x.txt", "folder a/"}) {
			t.Error(keys)
		}
	})
}

var (
	moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	host   = regexp.MustCompile(`127\.0\.0\.1:\d+`)
)

// plain is output without what differs from run to run.
func plain(text string) string {
	return host.ReplaceAllString(moment.ReplaceAllString(text, "2026-05-30T12:00:00Z"), "localhost:9000")
}

// TestConfig: the README's.
func TestConfig(t *testing.T) {
	got, err := load("testdata/config.golden")
	want := config{
		AccessKeyID: "…", SecretAccessKey: "…", Bucket: "lake", Endpoint: "minio.example.com:9000", UseSSL: true,
		Prefix: "photos/", Extensions: []string{"png", "jpg"}, SyncInterval: "5m", interval: 5 * time.Minute,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	least, err := load(file(t, `{"access_key_id": "a", "secret_access_key": "b", "bucket": "c"}`))
	if err != nil || !least.UseSSL || least.interval != 5*time.Minute || least.Endpoint != "" {
		t.Errorf("%+v, %v", least, err)
	}
}

// TestDemo: what the README shows.
func TestDemo(t *testing.T) {
	at := jobtest.NewPlace(t, suite.Servers.Servers()[0])
	got := suite.Run(t, at.Env("AWS_ENDPOINT_URL_S3="+at.URL))
	if n := at.Proxy.Count(); n != 0 {
		t.Errorf("%d requests went out, whatever the environment says", n)
	}
	kinds := map[string]int{}
	lines, answers, _ := strings.Cut(got.Stdout, "\nhttp://")
	for _, e := range events(t, lines) {
		kinds[e.Event]++
	}
	want := map[string]int{"added": 7, "changed": 1, "removed": 2, "round": 2, "serving": 1}
	if !maps.Equal(kinds, want) || got.Stderr != "" {
		t.Errorf("%v, want %v; and it said %q", kinds, want, got.Stderr)
	}
	jobtest.Golden(t, "testdata/demo.golden", plain(got.Stdout))
	if n := strings.Count(answers, ": 206 Partial Content, "); n != 3 {
		t.Errorf("%d ranges in %s", n, answers)
	}
}
