package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Open: one GET, no HEAD; Info comes from the response.
func TestOpen(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		_, err := at.SDK.PutObject(ctx, &s3.PutObjectInput{
			Bucket: aws.String(at.bucket.Bucket()), Key: aws.String("dir/a.csv"), Body: strings.NewReader("1,2,3\n"),
			ContentType: aws.String("text/csv"), ContentEncoding: aws.String("identity"), CacheControl: aws.String("max-age=60"),
			Metadata: map[string]string{"colour": "blue"},
		})
		if err != nil {
			t.Fatal(err)
		}
		p := at.object("dir/a.csv")
		want, err := p.Stat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		mark := at.Proxy.Mark()
		r, err := p.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at.checkOperations(t, mark, "GetObject")
		got := r.Info()
		if fmt.Sprint(got.Name(), got.Size(), got.Mode(), got.ModTime(), got.IsDir(), got.ETag(), got.ContentType(), got.ContentEncoding(), got.CacheControl(), got.Metadata(), got.StorageClass(), got.VersionID(), got.Complete()) !=
			fmt.Sprint(want.Name(), want.Size(), want.Mode(), want.ModTime(), want.IsDir(), want.ETag(), want.ContentType(), want.ContentEncoding(), want.CacheControl(), want.Metadata(), want.StorageClass(), want.VersionID(), want.Complete()) {
			t.Errorf("Open saw %+v, Stat %+v", got, want)
		}
		if got.Name() != "a.csv" || got.Size() != 6 || got.ContentType() != "text/csv" || got.CacheControl() != "max-age=60" ||
			got.Metadata()["colour"] != "blue" || got.ETag() == "" || strings.Contains(got.ETag(), `"`) || got.ModTime().IsZero() || !got.Complete() {
			t.Errorf("Info is %+v", got)
		}
		data, err := io.ReadAll(r)
		if err != nil || string(data) != "1,2,3\n" {
			t.Errorf("read %q, %v", data, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		at.checkOperations(t, mark, "GetObject")
	})
}

// What is not there, and what is only a directory; the LIST is on the failing
// path only.
func TestOpenNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "dir/a=1", "top=2")
		ctx := t.Context()
		for _, row := range []struct {
			name  string
			p     s3path.S3Path
			want  error
			asked []string
		}{
			{"a missing key", at.object("nothing"), fs.ErrNotExist, []string{"GetObject", "ListObjectsV2"}},
			{"a string prefix of keys", at.object("di"), fs.ErrNotExist, []string{"GetObject", "ListObjectsV2"}},
			{"only a directory", at.object("dir"), cloudpath.ErrIsDirectory, []string{"GetObject", "ListObjectsV2"}},
			{"only a directory, with its slash", at.object("dir/"), cloudpath.ErrIsDirectory, []string{"GetObject", "ListObjectsV2"}},
			{"a file with a slash", at.object("top/"), fs.ErrNotExist, []string{"GetObject", "ListObjectsV2"}},
			{"a bucket", at.bucket, cloudpath.ErrIsDirectory, nil},
			{"a missing bucket", at.client.Object(at.bucket.Bucket()+"-no", "a"), fs.ErrNotExist, []string{"GetObject"}},
			{"the zero path", s3path.S3Path{}, cloudpath.ErrInvalidPath, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				ways := map[string]func() error{
					"Open":      func() error { _, err := row.p.Open(ctx); return err },
					"ReadBytes": func() error { _, err := row.p.ReadBytes(ctx); return err },
					"ReadText":  func() error { _, err := row.p.ReadText(ctx); return err },
					"ReadRange": func() error { _, err := row.p.ReadRange(ctx, 1, 2); return err },
				}
				for name, read := range ways {
					mark := at.Proxy.Mark()
					err := read()
					if !errors.Is(err, row.want) {
						t.Errorf("%s: %v, want %v", name, err, row.want)
					}
					var pe *fs.PathError
					if !errors.As(err, &pe) || pe.Op != map[bool]string{true: "open", false: "read"}[name == "Open"] || row.p != (s3path.S3Path{}) && pe.Path != row.p.String() {
						t.Errorf("%s: %#v is no PathError of %v", name, err, row.p)
					}
					at.checkOperations(t, mark, row.asked...)
				}
			})
		}
		_, err := at.client.Object(at.bucket.Bucket()+"-no", "a").Open(ctx)
		if err == nil || !strings.Contains(err.Error(), `"`+at.bucket.Bucket()+`-no"`) {
			t.Errorf("%v does not name the bucket", err)
		}
	})
}

// A marker is an object of its own: opened by exactly its key, it is read.
func TestOpenMarker(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "empty/")
		if data, err := at.object("empty/").ReadBytes(t.Context()); err != nil || len(data) != 0 {
			t.Errorf("read %q, %v", data, err)
		}
	})
}

// Of a path without a slash the file is meant, also where there is a directory
// of its name.
func TestOpenBoth(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.FileBesideDirectory)
		at.put(t, "both=file", "both/child=x")
		if data, err := at.object("both").ReadBytes(t.Context()); err != nil || string(data) != "file" {
			t.Errorf("read %q, %v", data, err)
		}
		want := cloudpath.ErrIsDirectory
		if at.Lacks(t, s3matrix.ListBelowFile) {
			want = fs.ErrNotExist
		}
		if _, err := at.object("both/").ReadBytes(t.Context()); !errors.Is(err, want) {
			t.Errorf("with its slash: %v", err)
		}
	})
}

// ReadRange, case by case: one request; n = 0 none; n < 0 to the end; off < 0 an
// error; past the end short with a nil error; off at or past the end nothing and
// io.EOF, except offset 0 of an empty object.
func TestReadRange(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789", "empty=")
		for _, row := range []struct {
			key       string
			off, n    int64
			want      string
			err       error
			askedNone bool
		}{
			{key: "ten", off: 0, n: 10, want: "0123456789"},
			{key: "ten", off: 0, n: 1, want: "0"},
			{key: "ten", off: 3, n: 4, want: "3456"},
			{key: "ten", off: 9, n: 1, want: "9"},
			{key: "ten", off: 4, n: 0, askedNone: true},
			{key: "ten", off: 99, n: 0, askedNone: true},
			{key: "ten", off: 4, n: -1, want: "456789"},
			{key: "ten", off: 0, n: -7, want: "0123456789"},
			{key: "ten", off: -1, n: 4, err: fs.ErrInvalid, askedNone: true},
			{key: "ten", off: -1, n: 0, err: fs.ErrInvalid, askedNone: true},
			{key: "ten", off: -1, n: -1, err: fs.ErrInvalid, askedNone: true},
			{key: "ten", off: 7, n: 10, want: "789"},
			{key: "ten", off: 0, n: 11, want: "0123456789"},
			{key: "ten", off: 5, n: math.MaxInt64, want: "56789"},
			{key: "ten", off: 10, n: 1, err: io.EOF},
			{key: "ten", off: 10, n: -1, err: io.EOF},
			{key: "ten", off: 11, n: 5, err: io.EOF},
			{key: "ten", off: math.MaxInt64, n: math.MaxInt64, err: io.EOF},
			{key: "empty", off: 0, n: 5},
			{key: "empty", off: 0, n: -1},
			{key: "empty", off: 1, n: 5, err: io.EOF},
			{key: "empty", off: 1, n: -1, err: io.EOF},
		} {
			t.Run(fmt.Sprintf("%s %d %d", row.key, row.off, row.n), func(t *testing.T) {
				mark := at.Proxy.Mark()
				got, err := at.object(row.key).ReadRange(t.Context(), row.off, row.n)
				if string(got) != row.want || !errors.Is(err, row.err) || (row.err == io.EOF) != (err == io.EOF) {
					t.Errorf("read %q, %v, want %q, %v", got, err, row.want, row.err)
				}
				if row.askedNone {
					at.checkOperations(t, mark)
				} else {
					at.checkOperations(t, mark, "GetObject")
				}
			})
		}
	})
}

// WithInfo tells what was read, also of a range and where a range was refused.
func TestReadInfo(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789", "empty=")
		ctx := t.Context()
		for _, key := range []string{"ten", "empty"} {
			p := at.object(key)
			want, err := p.Stat(ctx)
			if err != nil {
				t.Fatal(err)
			}
			for name, read := range map[string]func(o s3path.ReadOption) error{
				"Open": func(o s3path.ReadOption) error {
					r, err := p.Open(ctx, o)
					if err == nil {
						err = r.Close()
					}
					return err
				},
				"ReadBytes":  func(o s3path.ReadOption) error { _, err := p.ReadBytes(ctx, o); return err },
				"ReadText":   func(o s3path.ReadOption) error { _, err := p.ReadText(ctx, o); return err },
				"ReadRange":  func(o s3path.ReadOption) error { _, err := p.ReadRange(ctx, 0, 4, o); return err },
				"DownloadTo": func(o s3path.ReadOption) error { return p.DownloadTo(ctx, t.TempDir(), o) },
				"ReadRange beyond the end": func(o s3path.ReadOption) error {
					_, err := p.ReadRange(ctx, 99, 4, o)
					if err == io.EOF {
						err = nil
					}
					return err
				},
			} {
				var info s3path.Info
				if err := read(s3path.WithInfo(&info)); err != nil {
					t.Errorf("%s of %s: %v", name, key, err)
				}
				if info.Size() != want.Size() || info.ETag() != want.ETag() || !info.ModTime().Equal(want.ModTime()) || info.Name() != key || !info.Complete() {
					t.Errorf("%s of %s: WithInfo gave %+v, want %+v", name, key, info, want)
				}
			}
		}
	})
}

// WithIfMatch on a read: the ETag with or without quotes; another one is
// ErrPreconditionFailed, also where the server ignores the condition.
func TestReadIfMatch(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=one")
		ctx := t.Context()
		p := at.object("a")
		info, err := p.Stat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		ways := map[string]func(o s3path.ReadOption) (string, error){
			"ReadBytes": func(o s3path.ReadOption) (string, error) { b, err := p.ReadBytes(ctx, o); return string(b), err },
			"ReadText":  func(o s3path.ReadOption) (string, error) { return p.ReadText(ctx, o) },
			"ReadRange": func(o s3path.ReadOption) (string, error) { b, err := p.ReadRange(ctx, 0, 9, o); return string(b), err },
			"Open": func(o s3path.ReadOption) (string, error) {
				r, err := p.Open(ctx, o)
				if err != nil {
					return "", err
				}
				defer r.Close()
				b, err := io.ReadAll(r)
				return string(b), err
			},
			"DownloadTo": func(o s3path.ReadOption) (string, error) {
				dir := t.TempDir()
				err := p.DownloadTo(ctx, dir+"/x", o)
				return filesBelow(t, dir)["x"], err
			},
		}
		check := func(t *testing.T, etag, want string, wantErr error) {
			for name, read := range ways {
				if got, err := read(s3path.WithIfMatch(etag)); got != want || !errors.Is(err, wantErr) {
					t.Errorf("%s if it is %s: %q, %v", name, etag, got, err)
				}
			}
		}
		check(t, info.ETag(), "one", nil)
		check(t, `"`+info.ETag()+`"`, "one", nil)
		check(t, "0123456789abcdef0123456789abcdef", "", cloudpath.ErrPreconditionFailed)
		at.spoil("GetObject", always, plain{ranges: true}.answer(t, at))
		check(t, info.ETag(), "one", nil)
		check(t, "0123456789abcdef0123456789abcdef", "", cloudpath.ErrPreconditionFailed)
		at.Proxy.Intercept(nil)
		for _, empty := range []string{"", `""`} {
			mark := at.Proxy.Mark()
			if _, err := p.ReadBytes(ctx, s3path.WithIfMatch(empty)); err == nil || !strings.Contains(err.Error(), "WithIfMatch") {
				t.Errorf("WithIfMatch(%q): %v", empty, err)
			}
			at.checkOperations(t, mark)
		}
	})
}

// Options that a read has no use for are refused by name, before any request.
func TestReadOptionsRefused(t *testing.T) {
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s %s was asked for", r.Method, r.URL)
		return nil, errors.New("no")
	})
	p := c.Object("bucket", "key")
	ctx := t.Context()
	for name, err := range map[string]error{
		"WithReadAhead":   second(p.ReadBytes(ctx, s3path.WithReadAhead(1))),
		"WithConcurrency": second(p.ReadText(ctx, s3path.WithConcurrency(2))),
		"WithReadAhead: ": second(p.Open(ctx, s3path.WithReadAhead(-1))),
		"WithInfo":        second(p.ReadBytes(ctx, s3path.WithInfo(nil))),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// ReadText drops a mark and decodes what it announces; the rows of the table of
// marks are in text_internal_test.go.
func TestReadText(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "utf8", []byte("\xEF\xBB\xBFgrüß"))
		at.putBody(t, "utf16", []byte("\xFF\xFEg\x00\xFC\x00"))
		at.putBody(t, "broken", []byte("a\xFFb"))
		for key, want := range map[string]string{"utf8": "grüß", "utf16": "gü", "broken": "a\uFFFDb"} {
			var got string
			n := at.count(func() {
				var err error
				if got, err = at.object(key).ReadText(t.Context()); err != nil {
					t.Error(err)
				}
			})
			if got != want || n != 1 {
				t.Errorf("%s: %q in %d requests, want %q in 1", key, got, n, want)
			}
		}
	})
}

// The bytes are those that were stored, whatever their encoding is said to be.
func TestReadEncoded(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		// A gzip stream of "hello".
		packed := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00")
		_, err := at.SDK.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(at.bucket.Bucket()), Key: aws.String("a.gz"), Body: bytes.NewReader(packed), ContentEncoding: aws.String("gzip"),
		})
		if err != nil {
			t.Fatal(err)
		}
		var info s3path.Info
		got, err := at.object("a.gz").ReadBytes(t.Context(), s3path.WithInfo(&info))
		if err != nil || !bytes.Equal(got, packed) || info.Size() != int64(len(packed)) || info.ContentEncoding() != "gzip" {
			t.Errorf("read %x (%v), size %d, encoding %q", got, err, info.Size(), info.ContentEncoding())
		}
	})
}

// A version is read, whatever has been written since.
func TestReadVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.versionsKept(t)
		at.put(t, "a=old")
		var info s3path.Info
		ctx := t.Context()
		p := at.object("a")
		if _, err := p.ReadBytes(ctx, s3path.WithInfo(&info)); err != nil {
			t.Fatal(err)
		}
		at.put(t, "a=new and longer")
		old := p.AtVersion(info.VersionID())
		if got, err := old.ReadText(ctx); err != nil || got != "old" {
			t.Errorf("read %q, %v", got, err)
		}
		if got, err := old.ReadRange(ctx, 1, 99); err != nil || string(got) != "ld" {
			t.Errorf("range %q, %v", got, err)
		}
		dir := t.TempDir()
		if err := old.DownloadTo(ctx, dir+"/x"); err != nil {
			t.Error(err)
		}
		sameFiles(t, "the version's download", dir, map[string]string{"x": "old"})
		if got, err := p.ReadText(ctx); err != nil || got != "new and longer" {
			t.Errorf("now: %q, %v", got, err)
		}
		if err := old.WriteText(ctx, "x"); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("writing a version: %v", err)
		}
		if err := at.object("").AtVersion(info.VersionID()).DownloadTo(ctx, dir); err == nil {
			t.Error("a version of a tree was downloaded")
		}
	})
}

// Answers that say why there is nothing to read are told apart, and asked for once.
func TestReadRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=one")
		for _, row := range []struct {
			name   string
			status int
			code   string
			want   error
		}{
			{"archived", http.StatusForbidden, "InvalidObjectState", s3path.ErrArchived},
			{"a delete marker named by its version", http.StatusMethodNotAllowed, "MethodNotAllowed", fs.ErrNotExist},
			{"forbidden", http.StatusForbidden, "AccessDenied", fs.ErrPermission},
		} {
			t.Run(row.name, func(t *testing.T) {
				at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Amz-Delete-Marker", fmt.Sprint(row.code == "MethodNotAllowed"))
					refusal(row.status, row.code)(w, r)
				})
				p := at.object("a")
				if row.code == "MethodNotAllowed" {
					p = p.AtVersion("3")
				}
				n := at.count(func() {
					if _, err := p.ReadBytes(t.Context()); !errors.Is(err, row.want) {
						t.Errorf("%v, want %v", err, row.want)
					}
				})
				if n != 1 {
					t.Errorf("%d requests", n)
				}
			})
		}
	})
}
