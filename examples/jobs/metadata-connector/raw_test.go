//go:build !windows

package main

import (
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
)

// TestRaw: what a document is about, over HTTP.
func TestRaw(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		types := map[string]string{
			"a b/é.png": "image/png", "vector.svg": "image/svg+xml", "report.pdf": "application/pdf", "song.mp3": "audio/mpeg",
			"film.mp4": "video/mp4; codecs=av1", "page.html": "text/html; charset=utf-8", "notes.txt": "text/plain", "blob": "binary/octet-stream",
		}
		const body = "0123456789abcdef"
		for key, contentType := range types {
			in := &s3.PutObjectInput{Bucket: &at.Bucket, Key: &key, Body: strings.NewReader(body), ContentType: &contentType}
			if _, err := at.SDK.PutObject(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
		r := start(t, suite.Command(t, nil, "-listen", "127.0.0.1:0", settings(t, at, nil)))
		all, _ := r.next("round")
		_, serving := r.next("serving")
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		ask := func(id string, header ...string) (status int, answer http.Header, text string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, serving.URL+id, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(header); i += 2 {
				req.Header.Set(header[i], header[i+1])
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			return resp.StatusCode, resp.Header, string(data)
		}
		added := documents(t, at, "added", all)
		for name, d := range added {
			if d.Type == "folder" {
				if status, _, _ := ask(d.ID); status != http.StatusNotFound {
					t.Errorf("%s: %d", name, status)
				}
				continue
			}
			key := strings.TrimPrefix(d.Category+"/"+d.Title, "/")
			key = strings.TrimPrefix(key, "/")
			want := "attachment"
			switch strings.SplitN(types[key], "/", 2)[0] {
			case "image", "audio", "video":
				want = "inline"
			}
			if key == "report.pdf" {
				want = "inline"
			}
			status, header, text := ask(d.ID)
			shown, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
			if status != http.StatusOK || text != body || header.Get("Content-Type") != types[key] ||
				err != nil || shown != want || params["filename"] != d.Title {
				t.Errorf("%s: %d, %q, %v, %v", key, status, text, header, err)
			}
			if sandboxed := header.Get("Content-Security-Policy") == "sandbox"; sandboxed != strings.HasPrefix(types[key], "image/") ||
				header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", key, header)
			}
			modified := header.Get("Last-Modified")
			if modified != d.Updated.UTC().Format(http.TimeFormat) {
				t.Errorf("%s: modified %s, the document says %v", key, modified, d.Updated)
			}
			for _, row := range []struct {
				name   string
				header []string
				status int
				body   string
			}{
				{"a range", []string{"Range", "bytes=2-4"}, 206, "234"},
				{"its end", []string{"Range", "bytes=-3"}, 206, "def"},
				{"from the middle", []string{"Range", "bytes=10-"}, 206, "abcdef"},
				{"beyond its end", []string{"Range", "bytes=16-"}, 416, "invalid range: failed to overlap\n"},
				{"unchanged since", []string{"If-Modified-Since", modified}, 304, ""},
				{"changed since", []string{"If-Modified-Since", "Tue, 01 Jan 2019 00:00:00 GMT"}, 200, body},
				{"the same ETag", []string{"If-None-Match", header.Get("ETag")}, 304, ""},
				{"a range of another", []string{"Range", "bytes=2-4", "If-Range", `"other"`}, 200, body},
			} {
				if status, _, text := ask(d.ID, row.header...); status != row.status || text != row.body {
					t.Errorf("%s, %s: %d, %q", key, row.name, status, text)
				}
			}
		}
		if len(added) != len(types)+1 {
			t.Errorf("%d documents", len(added))
		}
		gone := added["file notes.txt"]
		at.Delete(t, "notes.txt")
		for _, id := range []string{gone.ID, "unknown", ""} {
			if status, _, _ := ask(id); status != http.StatusNotFound {
				t.Errorf("%q: %d", id, status)
			}
		}
		at.Refuse("GetObject", http.StatusForbidden, "AccessDenied")
		if status, _, text := ask(added["file blob"].ID); status != http.StatusBadGateway || strings.Contains(text, "Access") {
			t.Errorf("%d, %q", status, text)
		}
		r.interrupted()
	})
}
