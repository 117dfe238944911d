package s3path_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// agreeable says yes to everything, uploads in parts and copies included.
func agreeable(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	const etag = `"5d41402abc4b2a76b9719d911017c592"`
	q := r.URL.Query()
	answer := func(body string) { _, _ = io.WriteString(w, `<?xml version="1.0"?>`+body) }
	switch {
	case q.Has("uploads"):
		answer(`<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>`)
	case r.Method == http.MethodPost && q.Has("uploadId"):
		answer(`<CompleteMultipartUploadResult><ETag>` + etag + `</ETag></CompleteMultipartUploadResult>`)
	case r.Header.Get("X-Amz-Copy-Source") != "" && q.Has("partNumber"):
		answer(`<CopyPartResult><ETag>` + etag + `</ETag></CopyPartResult>`)
	case r.Header.Get("X-Amz-Copy-Source") != "":
		answer(`<CopyObjectResult><ETag>` + etag + `</ETag></CopyObjectResult>`)
	default:
		object(w, r)
	}
}

// operations is what a wire carried of one operation.
func (w *wire) operations(name string) []*http.Request {
	return slices.DeleteFunc(w.requests(), func(r *http.Request) bool { return s3proxy.Operation(r) != name })
}

// Every option of a write shows in the header of the PUT, of the request that
// begins an upload in parts, and of a copy.
func TestWriteOptionsOnTheWire(t *testing.T) {
	key := []byte("0123456789abcdef0123456789ABCDEF")
	encoded := base64.StdEncoding.EncodeToString(key)
	rows := []struct {
		name   string
		opt    any // a WriteOption, and a CopyOption where it is one
		header map[string]string
	}{
		{"WithContentType", s3path.WithContentType("text/x-own"), map[string]string{"Content-Type": "text/x-own"}},
		{"WithContentEncoding", s3path.WithContentEncoding("br"), map[string]string{"Content-Encoding": "br"}},
		{"WithContentDisposition", s3path.WithContentDisposition("inline"), map[string]string{"Content-Disposition": "inline"}},
		{"WithCacheControl", s3path.WithCacheControl("no-store"), map[string]string{"Cache-Control": "no-store"}},
		{"WithMetadata", s3path.WithMetadata(map[string]string{"Who": "me"}), map[string]string{"X-Amz-Meta-Who": "me"}},
		{"WithTags", s3path.WithTags(map[string]string{"a b": "c&d"}), map[string]string{"X-Amz-Tagging": "a+b=c%26d"}},
		{"WithStorageClass", s3path.WithStorageClass("STANDARD_IA"), map[string]string{"X-Amz-Storage-Class": "STANDARD_IA"}},
		{"WithACL", s3path.WithACL("public-read"), map[string]string{"X-Amz-Acl": "public-read"}},
		{"WithSSE", s3path.WithSSE(), map[string]string{"X-Amz-Server-Side-Encryption": "AES256"}},
		{"WithSSEKMS", s3path.WithSSEKMS("key-id"), map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key-id"}},
		{"WithSSEKMS without a key", s3path.WithSSEKMS(""), map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": ""}},
		{"WithSSECustomerKey", s3path.WithSSECustomerKey(key), map[string]string{
			"X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256", "X-Amz-Server-Side-Encryption-Customer-Key": encoded,
			"X-Amz-Server-Side-Encryption-Customer-Key-Md5": "V5euSAsQOO0sIBHETfEa4w==",
		}},
		{"no option", nil, map[string]string{
			"X-Amz-Acl": "", "X-Amz-Tagging": "", "X-Amz-Storage-Class": "", "X-Amz-Server-Side-Encryption": "", "Cache-Control": "", "Content-Disposition": "", "Content-Encoding": "",
		}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := &wire{answer: agreeable}
			c := openClient(t, s3path.WithEndpoint("https://s3.test"), keys(), s3path.WithHTTPClient(w.client()), s3path.WithPartSize(5<<20))
			p := c.Object("bucket", "key")
			var write []s3path.WriteOption
			var copies []s3path.CopyOption
			if row.opt != nil {
				write, copies = append(write, row.opt.(s3path.WriteOption)), append(copies, row.opt.(s3path.CopyOption))
			}
			for what, do := range map[string]func() error{
				"PutObject":             func() error { return p.WriteText(t.Context(), "x", write...) },
				"CreateMultipartUpload": func() error { return p.WriteBytes(t.Context(), make([]byte, 6<<20), write...) },
				"CopyObject":            func() error { return p.Copy(t.Context(), c.Object("bucket", "other"), copies...) },
			} {
				if err := do(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				asked := w.operations(what)
				if len(asked) != 1 {
					t.Errorf("%d requests of %s", len(asked), what)
					continue
				}
				for name, want := range row.header {
					if got := asked[0].Header.Get(name); got != want {
						t.Errorf("%s: %s is %q, want %q", what, name, got, want)
					}
				}
			}
			if row.name == "WithSSECustomerKey" {
				for _, what := range []string{"UploadPart", "CompleteMultipartUpload"} {
					for _, r := range w.operations(what) {
						if r.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key") != encoded {
							t.Errorf("%s does not carry the key", what)
						}
					}
				}
			}
		})
	}
}

func TestConditionsOnTheWire(t *testing.T) {
	w := &wire{answer: agreeable}
	c := openClient(t, s3path.WithEndpoint("https://s3.test"), keys(), s3path.WithHTTPClient(w.client()), s3path.WithPartSize(5<<20))
	p, ctx := c.Object("bucket", "key"), t.Context()
	big := make([]byte, 6<<20)
	const etag = "5d41402abc4b2a76b9719d911017c592"
	for _, row := range []struct {
		name, operation, header, want string
		do                            func() error
	}{
		{"WithIfMatch, write", "PutObject", "If-Match", `"` + etag + `"`, func() error { return p.WriteText(ctx, "x", s3path.WithIfMatch(etag)) }},
		{"WithIfMatch in quotes, write", "PutObject", "If-Match", `"` + etag + `"`, func() error { return p.WriteText(ctx, "x", s3path.WithIfMatch(`"`+etag+`"`)) }},
		{"WithIfMatch, parts", "CompleteMultipartUpload", "If-Match", `"` + etag + `"`, func() error { return p.WriteBytes(ctx, big, s3path.WithIfMatch(etag)) }},
		{"WithIfMatch, read", "GetObject", "If-Match", `"` + etag + `"`, func() error { _, err := p.ReadBytes(ctx, s3path.WithIfMatch(etag)); return err }},
		{"WithIfMatch, remove", "DeleteObject", "If-Match", `"` + etag + `"`, func() error { return p.Remove(ctx, s3path.WithIfMatch(etag)) }},
		{"WithNoOverwrite, write", "PutObject", "If-None-Match", "*", func() error { return p.WriteText(ctx, "x", s3path.WithNoOverwrite()) }},
		{"WithNoOverwrite, parts", "CompleteMultipartUpload", "If-None-Match", "*", func() error { return p.WriteBytes(ctx, big, s3path.WithNoOverwrite()) }},
		{"WithSSECustomerKey, read", "GetObject", "X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256", func() error {
			_, err := p.ReadBytes(ctx, s3path.WithSSECustomerKey(make([]byte, 32)))
			return err
		}},
		{"WithSSECustomerKey, stat", "HeadObject", "X-Amz-Server-Side-Encryption-Customer-Algorithm", "AES256", func() error {
			_, err := p.Stat(ctx, s3path.WithSSECustomerKey(make([]byte, 32)))
			return err
		}},
		{"WithSourceSSECustomerKey", "CopyObject", "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Algorithm", "AES256", func() error {
			return p.Copy(ctx, c.Object("bucket", "other"), s3path.WithSourceSSECustomerKey(make([]byte, 32)))
		}},
	} {
		before := len(w.operations(row.operation))
		if err := row.do(); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		asked := w.operations(row.operation)[before:]
		if len(asked) == 0 || asked[len(asked)-1].Header.Get(row.header) != row.want {
			t.Errorf("%s: %d requests of %s, none with %s %s", row.name, len(asked), row.operation, row.header, row.want)
		}
	}
	for _, empty := range []string{"", `""`} {
		if err := p.WriteText(ctx, "x", s3path.WithIfMatch(empty)); err == nil || !strings.Contains(err.Error(), "WithIfMatch") {
			t.Errorf("an empty ETag %q: %v", empty, err)
		}
	}
	for _, n := range []int{0, 31, 33} {
		_, err := p.Stat(ctx, s3path.WithSSECustomerKey(make([]byte, n)))
		if err == nil || !strings.Contains(err.Error(), "WithSSECustomerKey") {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
}

// What a caller does with a map or a key after the option is made changes
// nothing.
func TestOptionsKeepTheirValues(t *testing.T) {
	w := &wire{answer: agreeable}
	c := openClient(t, s3path.WithEndpoint("https://s3.test"), keys(), s3path.WithHTTPClient(w.client()))
	key, metadata, tags := []byte("0123456789abcdef0123456789ABCDEF"), map[string]string{"a": "1"}, map[string]string{"t": "1"}
	opts := []s3path.WriteOption{s3path.WithSSECustomerKey(key), s3path.WithMetadata(metadata), s3path.WithTags(tags)}
	clear(key)
	metadata["a"], tags["t"] = "2", "2"
	if err := c.Object("bucket", "key").WriteText(t.Context(), "x", opts...); err != nil {
		t.Fatal(err)
	}
	h := w.last(t).Header
	if got, _ := base64.StdEncoding.DecodeString(h.Get("X-Amz-Server-Side-Encryption-Customer-Key")); string(got) != "0123456789abcdef0123456789ABCDEF" {
		t.Errorf("the key is %q", got)
	}
	if h.Get("X-Amz-Meta-A") != "1" || h.Get("X-Amz-Tagging") != "t=1" {
		t.Errorf("metadata %q, tags %q", h.Get("X-Amz-Meta-A"), h.Get("X-Amz-Tagging"))
	}
}

// Options of a listing show in its query, or in what it yields.
func TestListOptionsOnTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "data/a.csv=1", "data/b.csv=22", "data/sub/c.txt=333", "data.json=4444")
		query := func(what, name, want string, seq func(func(s3path.Entry, error) bool), found ...string) {
			t.Helper()
			mark := at.Proxy.Mark()
			same(t, what, rels(t, seq), found)
			log := at.Proxy.Since(mark).Operation("ListObjectsV2")
			if len(log) == 0 || log[0].Query.Get(name) != want {
				t.Errorf("%s: %d listings, %s is not %q in the first", what, len(log), name, want)
			}
		}
		b, d, ctx := at.bucket, at.object("data"), t.Context()
		query("WithPageSize", "max-keys", "2", b.Walk(ctx, s3path.WithPageSize(2)), "data.json", "data/a.csv", "data/b.csv", "data/sub/c.txt")
		query("WithRawPrefix", "prefix", "data/su", d.Walk(ctx, s3path.WithRawPrefix("su")), "sub/c.txt")
		query("WithStartAfter", "start-after", "data/a.csv", d.Walk(ctx, s3path.WithStartAfter("data/a.csv")), "b.csv", "sub/c.txt")
		query("WithOwner", "fetch-owner", "true", d.Walk(ctx, s3path.WithOwner()), "a.csv", "b.csv", "sub/c.txt")
		query("no option", "fetch-owner", "", d.Walk(ctx), "a.csv", "b.csv", "sub/c.txt")
		query("WithLimit", "prefix", "data/", d.Walk(ctx, s3path.WithLimit(1)), "a.csv")
		query("WithDirs", "prefix", "data/", d.Walk(ctx, s3path.WithDirs()), "a.csv", "b.csv", "sub", "sub/c.txt")
		query("WithUnordered", "prefix", "data/", d.Walk(ctx, s3path.WithUnordered()), "a.csv", "b.csv", "sub/c.txt")
		query("WithExtensions", "prefix", "data/", d.Walk(ctx, s3path.WithExtensions("TXT")), "sub/c.txt")
		query("WithInclude", "prefix", "data/", d.Walk(ctx, s3path.WithInclude("**/c.*")), "sub/c.txt")
		query("WithExclude", "prefix", "data/", d.Walk(ctx, s3path.WithExclude("*.csv")), "sub/c.txt")
		query("WithMinSize", "prefix", "data/", d.Walk(ctx, s3path.WithMinSize(2)), "b.csv", "sub/c.txt")
		query("WithMaxSize", "prefix", "data/", d.Walk(ctx, s3path.WithMaxSize(2)), "a.csv", "b.csv")
		query("WithModifiedAfter", "prefix", "data/", d.Walk(ctx, s3path.WithModifiedAfter(time.Now().Add(time.Hour))))
		query("WithModifiedBefore", "prefix", "data/", d.Walk(ctx, s3path.WithModifiedBefore(time.Now().Add(-time.Hour))))
		query("WithFilter", "prefix", "data/", d.Walk(ctx, s3path.WithFilter(func(e s3path.Entry) bool { return e.Size() == 2 })), "b.csv")
		at.put(t, "data/marker/")
		query("WithMarkers", "prefix", "data/", d.Walk(ctx, s3path.WithMarkers()), "a.csv", "b.csv", "marker/", "sub/c.txt")
	})
}

// WithPartSize decides where parts begin, WithContentTypeFunc what is guessed,
// WithConcurrency of a call how many of its requests are under way.
func TestTransferOptionsOnTheWire(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		c := at.newClient(t, s3path.WithPartSize(5<<20), s3path.WithContentTypeFunc(func(name string, head []byte) (string, string) {
			return fmt.Sprintf("text/x-%s-%d", name, len(head)), ""
		}))
		p := c.Object(at.bucket.Bucket(), "key")
		mark := at.Proxy.Mark()
		if err := p.WriteBytes(ctx, make([]byte, 5<<20)); err != nil {
			t.Fatal(err)
		}
		same(t, "one part", at.Proxy.Since(mark).Operations(), []string{"PutObject"})
		mark = at.Proxy.Mark()
		if err := p.WriteBytes(ctx, make([]byte, 5<<20+1), s3path.WithConcurrency(1)); err != nil {
			t.Fatal(err)
		}
		same(t, "two parts", at.Proxy.Since(mark).Operations(), []string{"CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"})
		if info, err := p.Stat(ctx); err != nil || !strings.HasPrefix(info.ContentType(), "text/x-key-") {
			t.Errorf("content type %q, %v", info.ContentType(), err)
		}
		if err := p.WriteText(ctx, "x", s3path.WithContentType("text/x-own")); err != nil {
			t.Fatal(err)
		}
		if info, err := p.Stat(ctx); err != nil || info.ContentType() != "text/x-own" {
			t.Errorf("content type %q, %v", info.ContentType(), err)
		}
		never := at.newClient(t, s3path.WithContentTypeFunc(nil))
		mark = at.Proxy.Mark()
		if err := never.Object(at.bucket.Bucket(), "page.html").WriteText(ctx, "<html>"); err != nil {
			t.Fatal(err)
		}
		if got := at.Proxy.Since(mark)[0].Header.Get("Content-Type"); strings.Contains(got, "html") {
			t.Errorf("guessed %q", got)
		}

		local := t.TempDir()
		for i := range 12 {
			writeFile(t, fmt.Sprintf("%s/f%d", local, i), "x")
		}
		at.Proxy.SetLatency(2 * time.Millisecond)
		at.Proxy.Reset()
		if err := c.Object(at.bucket.Bucket(), "tree").UploadFrom(ctx, local, s3path.WithConcurrency(2)); err != nil {
			t.Fatal(err)
		}
		if peak := at.Proxy.Peak(); peak > 2 {
			t.Errorf("%d requests at once", peak)
		}
	})
}
