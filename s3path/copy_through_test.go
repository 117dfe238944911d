package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// Between two clients an object is streamed through, with its properties and tags.
func TestCopyToAnotherClient(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		there := apart(t)
		large := bytes.Repeat([]byte("0123456789abcdef"), 11<<20/16)
		at.client = at.newClient(t, s3path.WithPartSize(5<<20))
		there.client = there.newClient(t, s3path.WithPartSize(5<<20))
		for _, way := range []struct {
			name     string
			from, to *place
		}{{"away", at, there}, {"here", there, at}} {
			t.Run(way.name, func(t *testing.T) {
				from, to := way.from, way.to
				from.putRich(t, "f", richer("body"))
				from.put(t, "empty", "m/")
				from.putRich(t, "large", richer(string(large)))
				src, dst := from.Proxy.Mark(), to.Proxy.Mark()
				if err := from.object("f").Copy(t.Context(), to.object("f2")); err != nil {
					t.Fatal(err)
				}
				from.wantOperations(t, src, "HeadObject", "GetObjectTagging", "GetObject")
				to.wantOperations(t, dst, "PutObject")
				to.wantStored(t, "f2", richer("body"))

				dst = to.Proxy.Mark()
				if err := from.object("large").Copy(t.Context(), to.object("large2"), s3path.WithContentType("a/b")); err != nil {
					t.Fatal(err)
				}
				to.wantOperations(t, dst, "CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart", "CompleteMultipartUpload")
				want := richer(string(large))
				want.contentType = "a/b"
				if got := to.stored(t, "large2"); !got.equal(want) {
					t.Errorf("large is stored otherwise: %d bytes, %q", len(got.body), got.contentType)
				}

				if err := from.object("empty").Copy(t.Context(), to.object("empty2")); err != nil {
					t.Fatal(err)
				}
				if err := from.object("m/").Copy(t.Context(), to.object("m2/")); err != nil {
					t.Fatal(err)
				}
				to.wantBody(t, "empty2", "")
				from.wantKeys(t, "f", "empty", "m/", "large")
				to.wantKeys(t, "f2", "empty2", "m2/", "large2")
				to.noUploads(t)
				for _, p := range []s3path.S3Path{from.object(""), to.object("")} {
					if err := p.RemoveAll(t.Context(), s3path.WithWholeBucket()); err != nil {
						t.Fatal(err)
					}
				}
			})
		}
	})
}

func TestRenameToAnotherClient(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		there := apart(t)
		at.putRich(t, "f", rich("body"))
		at.put(t, "d/", "d/x=1", "d/s/y=2")
		mark := at.Proxy.Mark()
		if err := at.object("f").Rename(t.Context(), there.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "HeadObject", "GetObjectTagging", "GetObject", "DeleteObject")
		there.wantStored(t, "g", rich("body"))
		if err := at.object("d").Rename(t.Context(), there.object("e/d")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t)
		there.wantKeys(t, "g", "e/d/", "e/d/x", "e/d/s/y")
		there.wantBody(t, "e/d/s/y", "2")

		err := at.object("f").Rename(t.Context(), there.object("g"))
		wantFailure(t, err, "rename", at.object("f").String(), fs.ErrNotExist)
		there.wantStored(t, "g", rich("body"))
		at.put(t, "f=new")
		err = at.object("f").Rename(t.Context(), there.object("g"), s3path.WithNoOverwrite())
		wantFailure(t, err, "rename", at.object("f").String(), fs.ErrExist)
		there.wantStored(t, "g", rich("body"))
		at.wantBody(t, "f", "new")
	})
}

// Another account's tags need not be readable.
func TestCopyToAnotherClientWithoutTags(t *testing.T) {
	at, there := apart(t), apart(t)
	at.putRich(t, "f", rich("body"))
	at.meddle("GetObjectTagging", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no"))
	if err := at.object("f").Copy(t.Context(), there.object("g")); err != nil {
		t.Fatal(err)
	}
	want := rich("body")
	want.tags = nil
	there.wantStored(t, "g", want)

	at.meddle("GetObjectTagging", 1, forever, refusing(http.StatusBadRequest, "InvalidRequest", "no"))
	if err := at.object("f").Copy(t.Context(), there.object("h")); err == nil {
		t.Error("tags were lost, and nobody was told")
	}
}

// What another server would not understand is not sent there: its storage
// classes and its encryption are its own.
func TestCopyToAnotherClientSendsNoClass(t *testing.T) {
	at, there := apart(t), apart(t)
	err := at.object("f").WriteText(t.Context(), "body", s3path.WithStorageClass("STANDARD_IA"), s3path.WithSSEKMS("key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := at.object("f").Copy(t.Context(), there.object("f")); err != nil {
		t.Fatal(err)
	}
	for name := range there.Proxy.Requests().Operation("PutObject")[0].Header {
		if name == "X-Amz-Storage-Class" || strings.HasPrefix(name, "X-Amz-Server-Side") || name == "X-Amz-Acl" {
			t.Errorf("%s was sent", name)
		}
	}
}

// The source may fail in the middle, or be replaced: nothing is written.
func TestCopyToAnotherClientFails(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		there := apart(t)
		there.client = there.newClient(t, s3path.WithPartSize(5<<20))
		at.put(t, "small=body")
		at.putBody(t, "large", bytes.Repeat([]byte("x"), 11<<20))
		there.put(t, "target=theirs")
		for _, key := range []string{"small", "large"} {
			at.meddle("GetObject", 1, forever, func(w http.ResponseWriter, r *http.Request) {
				at.put(t, key+"=new")
				at.pass(w, r)
			})
			for _, opts := range [][]s3path.CopyOption{nil, {s3path.WithNoOverwrite()}} {
				target := map[bool]string{true: "target", false: "vacant"}[opts == nil]
				err := at.object(key).Rename(t.Context(), there.object(target), opts...)
				if !errors.Is(err, cloudpath.ErrChanged) || errors.Is(err, fs.ErrExist) {
					t.Errorf("%s replaced: %v", key, err)
				}
				at.putBody(t, key, bytes.Repeat([]byte("x"), map[string]int{"small": 4, "large": 11 << 20}[key]))
			}
			// In the middle of its body, too.
			at.meddle("GetObject", 1, 1, func(w http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				at.pass(rec, r)
				maps.Copy(w.Header(), rec.Header())
				w.Header().Set("Content-Length", fmt.Sprint(rec.Body.Len()))
				w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
				at.put(t, key+"=new")
				panic(http.ErrAbortHandler)
			})
			err := at.object(key).Rename(t.Context(), there.object("vacant"), s3path.WithNoOverwrite())
			if !errors.Is(err, cloudpath.ErrChanged) || errors.Is(err, fs.ErrExist) {
				t.Errorf("%s replaced in the middle: %v", key, err)
			}
			at.putBody(t, key, bytes.Repeat([]byte("x"), map[string]int{"small": 4, "large": 11 << 20}[key]))

			at.meddle("GetObject", 1, forever, refusing(http.StatusForbidden, "AccessDenied", "no"))
			err = at.object(key).Rename(t.Context(), there.object("target"))
			wantFailure(t, err, "rename", at.object(key).String(), fs.ErrPermission)
			at.Proxy.Intercept(nil)
		}
		// The target may refuse a part.
		there.meddle("UploadPart", 2, forever, refusing(http.StatusForbidden, "AccessDenied", "no"))
		err := at.object("large").Rename(t.Context(), there.object("target"))
		wantFailure(t, err, "rename", at.object("large").String(), fs.ErrPermission)
		there.Proxy.Intercept(nil)

		there.wantBody(t, "target", "theirs")
		there.wantKeys(t, "target")
		there.noUploads(t)
		at.wantKeys(t, "small", "large")
	})
}

// Two clients of one server are two clients: a rename from one to the other onto
// the same key would delete its own result.
func TestRenameOntoItselfThroughAnotherClient(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		direct, err := s3path.NewClient(t.Context(), s3path.WithEndpoint(at.Direct), s3path.WithRegion(at.Region), // another address, too
			s3path.WithStaticCredentials(at.AccessKey, at.SecretKey, ""))
		if err != nil {
			t.Fatal(err)
		}
		defer direct.Close()
		at.put(t, "f=body", "d/x=1", "d/s/y=2")
		for _, other := range []*s3path.Client{at.newClient(t), direct} {
			for _, key := range []string{"f", "d", "d/"} {
				if err := at.object(key).Rename(t.Context(), at.object(key).WithClient(other)); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
			for _, into := range []string{"d/s", "d/new", "d/s/"} {
				for name, call := range map[string]func(s3path.S3Path) error{
					"copy":   func(dst s3path.S3Path) error { return at.object("d").CopyTree(t.Context(), dst) },
					"rename": func(dst s3path.S3Path) error { return at.object("d").Rename(t.Context(), dst) },
				} {
					err := call(at.object(into).WithClient(other))
					wantFailure(t, err, name, at.object("d").String(), cloudpath.ErrInvalidPath)
				}
			}
			wantFailure(t, at.object("d").CopyTree(t.Context(), at.object("d").WithClient(other)), "copy", at.object("d").String(), cloudpath.ErrInvalidPath)
			at.wantKeys(t, "f", "d/x", "d/s/y")

			// Beside each other is no danger.
			if err := at.object("f").Rename(t.Context(), at.object("g").WithClient(other)); err != nil {
				t.Fatal(err)
			}
			if err := at.object("g").Rename(t.Context(), at.object("f").WithClient(other)); err != nil {
				t.Fatal(err)
			}
			at.wantKeys(t, "f", "d/x", "d/s/y")
		}
	})
}

// A bucket of the same name on another server is another bucket.
func TestRenameToTheSameNameOnAnotherServer(t *testing.T) {
	here, there := s3pathtest.Bucket(t, "bucket"), s3pathtest.Bucket(t, "bucket")
	for _, key := range []string{"f", "d/x", "d/s/y"} {
		if err := here.Child(key).WriteText(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if err := there.Child("f").WriteText(t.Context(), "to be replaced"); err != nil {
		t.Fatal(err)
	}
	for _, move := range []struct{ from, to string }{{"f", "f"}, {"d", "d/d"}} {
		if err := here.Child(move.from).Rename(t.Context(), there.Child(move.to)); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "left behind", rels(t, here.Walk(t.Context())), nil)
	same(t, "moved", rels(t, there.Walk(t.Context())), []string{"d/d/s/y", "d/d/x", "f"})
	if text, err := there.Child("f").ReadText(t.Context()); err != nil || text != "f" {
		t.Error(text, err)
	}
}

// The same content of another time is another object: it is moved.
func TestRenameToTheSameContentOnAnotherServer(t *testing.T) {
	here, there := s3pathtest.Bucket(t, "bucket"), s3pathtest.NewServer(t)
	older := there.Client(s3path.WithHTTPClient(&http.Client{Transport: aging{http.DefaultTransport}}))
	for _, p := range []s3path.S3Path{here.Child("f"), there.Bucket("bucket").Child("f")} {
		if err := p.WriteText(t.Context(), "body"); err != nil {
			t.Fatal(err)
		}
	}
	if err := here.Child("f").Rename(t.Context(), older.Object("bucket", "f")); err != nil {
		t.Fatal(err)
	}
	if there, err := here.Child("f").Exists(t.Context()); there || err != nil {
		t.Errorf("the source stays: %v, %v", there, err)
	}
}

// aging makes every object an hour older.
type aging struct{ next http.RoundTripper }

func (a aging) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := a.next.RoundTrip(r)
	if err == nil {
		if written, terr := http.ParseTime(resp.Header.Get("Last-Modified")); terr == nil {
			resp.Header.Set("Last-Modified", written.Add(-time.Hour).Format(http.TimeFormat))
		}
	}
	return resp, err
}

// Nothing of the size of the object is held in memory.
func TestCopyThroughHoldsNoObject(t *testing.T) {
	const size, part, atOnce = 160 << 20, 5 << 20, 4
	var peak atomic.Uint64
	source := answering(func(r *http.Request) *http.Response {
		resp := answerTo(r, http.StatusOK, io.LimitReader(endless{}, size))
		if r.Method == http.MethodHead {
			resp.Body = http.NoBody
		}
		resp.ContentLength = size
		resp.Header.Set("Content-Length", fmt.Sprint(size))
		return resp
	})
	parts := 0
	target := answering(func(r *http.Request) *http.Response {
		switch s3proxy.Operation(r) {
		case "CreateMultipartUpload":
			return answerTo(r, http.StatusOK, strings.NewReader("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"))
		case "UploadPart":
			io.Copy(io.Discard, r.Body)
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			for old := peak.Load(); m.HeapAlloc > old && !peak.CompareAndSwap(old, m.HeapAlloc); old = peak.Load() {
			}
		case "CompleteMultipartUpload":
			body, _ := io.ReadAll(r.Body)
			parts = bytes.Count(body, []byte("<PartNumber>"))
			return answerTo(r, http.StatusOK, strings.NewReader(`<CompleteMultipartUploadResult><ETag>"x-1"</ETag></CompleteMultipartUploadResult>`))
		}
		return answerTo(r, http.StatusOK, strings.NewReader(""))
	})
	from := openClient(t, s3path.WithEndpoint("https://source.test"), s3path.WithStaticCredentials("a", "b", ""), s3path.WithHTTPClient(&http.Client{Transport: source}))
	to := openClient(t, s3path.WithEndpoint("https://target.test"), s3path.WithStaticCredentials("a", "b", ""), s3path.WithHTTPClient(&http.Client{Transport: target}),
		s3path.WithPartSize(part))

	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	err := from.Object("b", "f").Copy(t.Context(), to.Object("b", "f"), s3path.WithConcurrency(atOnce))
	if err != nil {
		t.Fatal(err)
	}
	if parts != size/part {
		t.Errorf("%d parts, want %d", parts, size/part)
	}
	if held, most := int64(peak.Load())-int64(before.HeapAlloc), int64(atOnce+2)*part+8<<20; held > most {
		t.Errorf("%d MiB of heap for an object of %d MiB, want at most %d", held>>20, size>>20, most>>20)
	}
}

type answering func(r *http.Request) *http.Response

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) { return a(r), nil }

func answerTo(r *http.Request, status int, body io.Reader) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Etag": {`"0123456789abcdef0123456789abcdef"`}, "Last-Modified": {"Fri, 20 Nov 2026 12:00:00 GMT"}},
		Body:   io.NopCloser(body), ContentLength: -1,
	}
}

// endless is a reader that does not end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }
