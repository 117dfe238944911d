package s3path_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// No permit, connection slot or buffer is held while control is with the caller:
// at concurrency 1, 200 Readers and 200 Writers are open at once and all make
// progress, in whatever order they are used.
func TestManyOpenAtConcurrencyOne(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const n = 200
		c := at.newClient(t, s3path.WithConcurrency(1), s3path.WithPartSize(part))
		body := pattern(2 << 20)
		at.putBody(t, "source", body)
		source := c.Object(at.bucket.Bucket(), "source")
		target := func(i int) s3path.S3Path { return c.Object(at.bucket.Bucket(), fmt.Sprintf("out/%03d", i)) }
		large := func(i int) bool { return i%50 == 0 } // outgrow one part
		var (
			readers [n]*s3path.Reader
			writers [n]*s3path.Writer
		)
		for i := range n {
			r, err := source.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			w, err := target(i).Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer w.Abort()
			readers[i], writers[i] = r, w
		}
		b := make([]byte, 1000)
		for i := range n {
			if large(i) {
				if _, err := writers[i].Write(pattern(part + 10)); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.ReadFull(readers[n-1-i], b); err != nil || !bytes.Equal(b, body[:1000]) {
				t.Fatalf("reader %d: %v", n-1-i, err)
			}
			if _, err := writers[i].Write(b); err != nil {
				t.Fatal(err)
			}
			if _, err := readers[i].ReadAt(b, 5000); err != nil || !bytes.Equal(b, body[5000:6000]) {
				t.Fatalf("reader %d: %v", i, err)
			}
		}
		for i := range n {
			if i%40 == 0 {
				if got, err := io.ReadAll(readers[i]); err != nil || !bytes.Equal(got, body[1000:]) {
					t.Errorf("reader %d: %d bytes, %v", i, len(got), err)
				}
			}
			if err := writers[n-1-i].Close(); err != nil {
				t.Errorf("writer %d: %v", n-1-i, err)
			}
		}
		if got := len(at.keys(t)); got != n+1 {
			t.Errorf("%d objects", got)
		}
		if got := at.body(t, "out/000"); got != string(pattern(part+10))+string(body[:1000]) {
			t.Errorf("a large one holds %s", brief(got))
		}
		if got := at.body(t, "out/199"); got != string(body[:1000]) {
			t.Errorf("a small one holds %s", brief(got))
		}
	})
}

// A source that is itself an object of this client does not wait for itself.
func TestCopyThroughAtConcurrencyOne(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithConcurrency(1), s3path.WithPartSize(part))
		for _, size := range []int{0, 1000, part + 1000} {
			at.putBody(t, "source", pattern(size))
			from, to := c.Object(at.bucket.Bucket(), "source"), c.Object(at.bucket.Bucket(), "target")
			mark := at.Proxy.Mark()
			if n, err := to.WriteFrom(t.Context(), mustOpen(t, from)); n != int64(size) || err != nil {
				t.Errorf("WriteFrom = %d, %v", n, err)
			}
			if gets := len(at.Proxy.Since(mark).Operation("GetObject")); gets != 1 {
				t.Errorf("%d bytes were read by %d requests", size, gets)
			}
			if got := at.body(t, "target"); got != string(pattern(size)) {
				t.Errorf("stored %s", brief(got))
			}
			w, err := to.Create(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if n, err := mustOpen(t, from).WriteTo(w); n != int64(size) || err != nil {
				t.Errorf("WriteTo = %d, %v", n, err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
