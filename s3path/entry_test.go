package s3path_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

var (
	_ fs.DirEntry = s3path.Entry{}
	_ fs.FileInfo = s3path.Info{}
)

// TestEntry knows all this without a request.
func TestEntry(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/sub/x=12345", "d/y=1")
		all := entries(t, at.object("d").Walk(t.Context(), s3path.WithDirs()))
		if len(all) != 3 {
			t.Fatal(all)
		}
		n := at.count(func() {
			for i, row := range []struct {
				name, rel, key string
				dir            bool
				size           int64
				format         string
			}{
				{"sub", "sub", "d/sub", true, 0, "d sub/"},
				{"x", "sub/x", "d/sub/x", false, 5, "- x"},
				{"y", "y", "d/y", false, 1, "- y"},
			} {
				e := all[i]
				if e.Name() != row.name || e.Rel() != row.rel || e.Key() != row.key || e.IsDir() != row.dir || e.IsFile() == row.dir ||
					e.Size() != row.size || fs.FormatDirEntry(e) != row.format || e.S3Path != at.object(row.key) {
					t.Errorf("%+v is not %+v", e, row)
				}
				if e.String() != at.bucket.String()+"/"+row.key || fmt.Sprint(e) != e.String() {
					t.Errorf("as text: %v", e)
				}
				if !e.IsLatest() || e.IsDeleteMarker() || e.Version() != "" || e.Owner() != "" {
					t.Errorf("%v: latest %v, delete marker %v, version %q", e, e.IsLatest(), e.IsDeleteMarker(), e.Version())
				}
				got, err := e.Info()
				if err != nil {
					t.Fatal(err)
				}
				if got.Name() != row.name || got.Size() != row.size || got.IsDir() != row.dir || got.Mode().Type() != e.Type() || !got.ModTime().Equal(e.ModTime()) {
					t.Errorf("Info of %v: %v", e, fs.FormatFileInfo(got))
				}
				if row.dir {
					if e.Type() != fs.ModeDir || !e.ModTime().IsZero() || e.ETag() != "" || e.StorageClass() != "" {
						t.Errorf("%v: %v, %v, %q, %q", e, e.Type(), e.ModTime(), e.ETag(), e.StorageClass())
					}
					continue
				}
				if e.Type() != 0 || len(e.ETag()) != 32 || e.StorageClass() != "STANDARD" {
					t.Errorf("%v: %v, %q, %q", e, e.Type(), e.ETag(), e.StorageClass())
				}
				if age := time.Since(e.ModTime()); age > time.Hour || age < -time.Minute || e.ModTime().Nanosecond() != 0 {
					t.Errorf("%v: written %v", e, e.ModTime())
				}
			}
		})
		if n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestEntryAsText is its URI, and what is read back is a path.
func TestEntryAsText(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/y=1")
		all := entries(t, at.bucket.Walk(t.Context()))
		data, err := json.Marshal(all)
		if want := `["` + at.bucket.String() + `/d/y"]`; err != nil || string(data) != want {
			t.Fatalf("%s, %v; want %s", data, err, want)
		}
		var back []s3path.S3Path
		if err := json.Unmarshal(data, &back); err != nil || len(back) != 1 || back[0].String() != all[0].String() {
			t.Errorf("read back %v, %v", back, err)
		}
		// A pinned path has no text: the pin would be lost.
		if _, err := json.Marshal(entries(t, at.bucket.Versions(t.Context()))); err == nil {
			t.Error("the text of a version is that of the object")
		}
	})
}
