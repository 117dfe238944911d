package s3server

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
)

// stored counts the bodies in gofakes3.
func (s *Server) stored(t *testing.T) int {
	t.Helper()
	n := 0
	for _, shard := range s.bodies.shards {
		list, err := shard.ListBucket(bodiesBucket, nil, gofakes3.ListBucketPage{})
		if err != nil {
			t.Fatal(err)
		}
		n += len(list.Contents)
	}
	return n
}

// TestNoBodyIsLeftBehind goes through everything that stores a body and everything that
// lets go of one.
func TestNoBodyIsLeftBehind(t *testing.T) {
	s, err := New(WithDir(t.TempDir(), "directory"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateBucket("memory"); err != nil {
		t.Fatal(err)
	}
	do := func(method, path, body string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	for _, bucket := range []string{"memory", "directory"} {
		t.Run(bucket, func(t *testing.T) {
			base := "/" + bucket + "/"
			kept := map[string]int{"memory": 1}[bucket] // bodies of one object
			want := func(what string, n int) {
				t.Helper()
				if got := s.stored(t); got != n {
					t.Errorf("%s: %d bodies, want %d", what, got, n)
				}
			}
			upload := func() (path string) {
				body := do("POST", base+"parts?uploads", "").Body.String()
				_, id, _ := strings.Cut(body, "<UploadId>")
				id, _, _ = strings.Cut(id, "<")
				return base + "parts?uploadId=" + id
			}
			complete := func(path, etag string) int {
				return do("POST", path, fmt.Sprintf("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>%s</ETag></Part></CompleteMultipartUpload>", etag)).Code
			}
			do("PUT", base+"k", "one")
			want("a PUT", kept)
			do("PUT", base+"k", "two")
			want("a PUT over it", kept)
			do("PUT", base+"k", "three", "If-None-Match: *")
			want("a PUT that was refused", kept)
			do("PUT", base+"k", "four", "Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==")
			want("a PUT that was damaged", kept)
			do("PUT", base+"copy", "", "x-amz-copy-source: "+base+"k")
			want("a copy", kept)
			do("DELETE", base+"k", "")
			want("a DELETE of the source", kept)
			do("DELETE", base+"copy", "")
			want("a DELETE of the copy", 0)
			do("PUT", base+"empty", "")
			do("DELETE", base+"empty", "")
			want("an empty object", 0)

			path := upload()
			etag := do("PUT", path+"&partNumber=1", "one").Header().Get("ETag")
			do("PUT", path+"&partNumber=1", "one")
			do("PUT", path+"&partNumber=2", "two")
			want("an upload", 2)
			if code := complete(path, `"wrong"`); code != 400 {
				t.Errorf("a wrong ETag: %d", code)
			}
			want("a completion that was refused", 2)
			if code := complete(path, etag); code != 200 {
				t.Errorf("Complete: %d", code)
			}
			want("a completion", kept)
			path = upload()
			do("PUT", path+"&partNumber=1", "", "x-amz-copy-source: "+base+"parts")
			do("DELETE", path, "")
			want("an upload that was aborted", kept)
			do("DELETE", base+"parts", "")
			want("everything", 0)
		})
	}
	versioned := func(what string, n int) {
		t.Helper()
		if got := s.stored(t); got != n {
			t.Errorf("%s: %d bodies, want %d", what, got, n)
		}
	}
	do("PUT", "/memory?versioning", "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	id := do("PUT", "/memory/k", "one").Header().Get("X-Amz-Version-Id")
	do("PUT", "/memory/k", "two")
	do("DELETE", "/memory/k", "")
	versioned("two versions and a marker", 2)
	do("DELETE", "/memory/k?versionId="+id, "")
	versioned("one version deleted", 1)
}
