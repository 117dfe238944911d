package s3path_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// A PNG that goes on long enough to need several parts.
func picture(n int) []byte {
	return append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"), pattern(n)...)
}

// Content type and encoding arrive whichever way an object is written, in one
// part or in several, and no request more is made for it.
func TestContentTypeOnTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		for name, write := range at.ways(part) {
			for _, row := range []struct {
				key, contentType, encoding string
				size                       int
			}{
				{"x/table.csv.gz", "text/csv", "gzip", 10},
				{"x/table.csv.gz", "text/csv", "gzip", part},
				{"x/archive.tar.gz", "application/gzip", "", 10},
				{"x/README.md", "text/markdown", "", 10},
				{"x/picture", "image/png", "", 10},
				{"x/picture", "image/png", "", part},
			} {
				if row.size == part && name != "WriteBytes" && name != "WriteFrom a stream" && name != "Create" && name != "UploadFrom" && name != "WriteFunc" {
					continue
				}
				t.Run(fmt.Sprintf("%s %s %d", name, row.key, row.size), func(t *testing.T) {
					body := picture(row.size)
					n := at.count(func() {
						if err := write(t.Context(), c.Object(at.bucket.Bucket(), row.key), body); err != nil {
							t.Fatal(err)
						}
					})
					if want := map[int]int{10: 1, part: 4}[row.size]; n != want {
						t.Errorf("%d requests, want %d", n, want)
					}
					info, err := at.object(row.key).Stat(t.Context())
					if err != nil || info.ContentType() != row.contentType || info.ContentEncoding() != row.encoding {
						t.Errorf("stored as %q, %q (%v), want %q, %q", info.ContentType(), info.ContentEncoding(), err, row.contentType, row.encoding)
					}
				})
			}
		}
	})
}

// The first bytes are the first bytes, however small the pieces are that they come
// in, and all of them are stored.
func TestSniffPieces(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "picture")
		for _, size := range []int{10, part} {
			for _, pieces := range [][]int{{1}, {1, 7, 1 << 30}, {1 << 30}, {0, 1 << 30}} {
				body := picture(size)
				if size == part && len(pieces) == 1 && pieces[0] == 1 {
					continue
				}
				w, err := p.Create(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for rest, i := body, 0; len(rest) > 0; i++ {
					n := min(pieces[min(i, len(pieces)-1)], len(rest))
					if _, err := w.Write(rest[:n]); err != nil {
						t.Fatal(err)
					}
					rest = rest[n:]
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				if info := w.Info(); info.ContentType() != "image/png" {
					t.Errorf("%d bytes by %v: %q", size, pieces, info.ContentType())
				}
				if got := at.body(t, "picture"); !bytes.Equal([]byte(got), body) {
					t.Errorf("%d bytes by %v: stored %s", size, pieces, brief(got))
				}
			}
		}
	})
}

// The client's function is asked, and a nil one means that nothing is guessed.
func TestContentTypeFunc(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		asked := at.newClient(t, s3path.WithContentTypeFunc(func(name string, head []byte) (string, string) {
			return "x-" + name + "/" + string(head[:3]), "x"
		}))
		never := at.newClient(t, s3path.WithContentTypeFunc(nil))
		for _, row := range []struct {
			c                     *s3path.Client
			opts                  []s3path.WriteOption
			contentType, encoding string
		}{
			{asked, nil, "x-a.csv/abc", "x"},
			{asked, []s3path.WriteOption{s3path.WithContentType("text/x")}, "text/x", ""},
			{never, []s3path.WriteOption{s3path.WithContentType("text/x")}, "text/x", ""},
		} {
			if err := row.c.Object(at.bucket.Bucket(), "dir/a.csv").WriteText(t.Context(), "abcdef", row.opts...); err != nil {
				t.Fatal(err)
			}
			info, err := at.object("dir/a.csv").Stat(t.Context())
			if err != nil || info.ContentType() != row.contentType || info.ContentEncoding() != row.encoding {
				t.Errorf("stored as %q, %q (%v), want %q, %q", info.ContentType(), info.ContentEncoding(), err, row.contentType, row.encoding)
			}
		}
		mark := at.Proxy.Mark()
		if err := never.Object(at.bucket.Bucket(), "dir/a.csv").WriteText(t.Context(), "abcdef"); err != nil {
			t.Fatal(err)
		}
		if got := at.Proxy.Since(mark)[0].Header.Get("Content-Type"); got != "" && got != "application/octet-stream" && got != "binary/octet-stream" {
			t.Errorf("a nil function: sent %q", got)
		}
	})
}
