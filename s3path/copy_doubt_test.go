package s3path_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// portal is a success that is not of S3: a captive portal's.
func portal(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/html")
	io.WriteString(w, "<html><body>Please sign in<br></body></html>")
}

// emptyResult is the right document without what it should say.
func emptyResult(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/xml")
	io.WriteString(w, "<CopyObjectResult></CopyObjectResult>")
}

// A server that says it copied, and did not: the source stays, and what is in
// the target's place is not mistaken for the copy, be it as long as it likes.
func TestCopyThatIsOnlyClaimed(t *testing.T) {
	for name, how := range map[string]http.HandlerFunc{"nothing": claiming, "a page": portal, "an empty result": emptyResult} {
		t.Run(name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.put(t, "d/f=body", "longer=other length", "same=ydob")
				at.meddle("CopyObject", 1, forever, how)
				for _, target := range []string{"missing", "longer", "same"} {
					src := at.object("d/f")
					if err := src.Copy(t.Context(), at.object(target)); !errors.Is(err, cloudpath.ErrProtocol) {
						t.Errorf("copy to %s: %v", target, err)
					}
					if err := src.Rename(t.Context(), at.object(target)); !errors.Is(err, cloudpath.ErrProtocol) {
						t.Errorf("rename to %s: %v", target, err)
					}
				}
				if err := at.object("d").Rename(t.Context(), at.object("e")); !errors.Is(err, cloudpath.ErrProtocol) {
					t.Errorf("rename of the tree: %v", err)
				}
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					switch s3proxy.Operation(r) {
					case "CopyObject":
						return how
					case "HeadObject":
						return at.aged()
					}
					return nil
				})
				if err := at.object("d/f").Touch(t.Context()); !errors.Is(err, cloudpath.ErrProtocol) {
					t.Errorf("touch: %v", err)
				}
				at.Proxy.Intercept(nil)
				at.wantBody(t, "d/f", "body")
				at.wantKeys(t, "d/f", "longer", "same")
				if n := len(at.Proxy.Requests().Operation("DeleteObject")) + len(at.Proxy.Requests().Operation("DeleteObjects")); n > 0 {
					t.Errorf("%d deletions", n)
				}
			})
		})
	}
}

// aged answers as the server does, about an object that is an hour older.
func (at *place) aged() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { at.pass(agedAnswer{w}, r) })
}

type agedAnswer struct{ http.ResponseWriter }

func (a agedAnswer) WriteHeader(status int) {
	if written, err := http.ParseTime(a.Header().Get("Last-Modified")); err == nil {
		a.Header().Set("Last-Modified", written.Add(-time.Hour).Format(http.TimeFormat))
	}
	a.ResponseWriter.WriteHeader(status)
}

// A server that copies and does not say so is looked after: two requests more.
func TestCopyThatIsNotConfirmed(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		silent := func(w http.ResponseWriter, r *http.Request) {
			at.pass(discarded{http.Header{}}, r)
			w.WriteHeader(http.StatusOK)
		}
		at.put(t, "f=body")
		at.meddle("CopyObject", 1, forever, silent)
		mark := at.Proxy.Mark()
		if err := at.object("f").Copy(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject", "HeadObject", "HeadObject")
		at.wantBody(t, "g", "body")
		if err := at.object("g").Rename(t.Context(), at.object("h")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "h")
		at.wantBody(t, "h", "body")

		// An ETag that says nothing of the content, as of an object in parts: the
		// target's time shows that it was just written.
		at.Proxy.Intercept(nil)
		at.putParts(t, "parts", "body in a part")
		at.meddle("CopyObject", 1, forever, silent)
		if err := at.object("parts").Rename(t.Context(), at.object("i")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "f", "h", "i")
		at.wantBody(t, "i", "body in a part")

		// What was written just now by somebody else is not the copy.
		at.Proxy.Intercept(nil)
		at.putParts(t, "parts", "body in a part")
		at.put(t, "theirs=of another length")
		at.meddle("CopyObject", 1, forever, claiming)
		wantFailure(t, at.object("parts").Rename(t.Context(), at.object("theirs")), "rename", at.object("parts").String(), cloudpath.ErrProtocol)
		at.wantBody(t, "parts", "body in a part")
	})
}

// putParts makes an object in one part, whose ETag is not that of its content.
func (at *place) putParts(t *testing.T, key, body string) {
	t.Helper()
	if err := at.object("part-source").WriteText(t.Context(), body); err != nil {
		t.Fatal(err)
	}
	if err := at.object("part-source").Copy(t.Context(), at.object(key), s3path.WithNoOverwrite()); err != nil {
		t.Fatal(err)
	}
	at.discard(t, "part-source")
	if !strings.Contains(*at.head(t, key).ETag, "-1") {
		t.Fatalf("%q has the ETag %s", key, *at.head(t, key).ETag)
	}
}

// A source in parts has another ETag than its copy, which makes the condition on
// its deletion fail: then it is looked at, and is the same.
func TestRenameOfObjectInParts(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.UploadPartCopy)
		at.putParts(t, "f", "body")
		if err := at.object("f").Rename(t.Context(), at.object("g")); err != nil { // within the second of its writing
			t.Fatal(err)
		}
		at.wantKeys(t, "g")
		at.wantBody(t, "g", "body")

		at.putParts(t, "d/f", "body")
		at.meddle("HeadObject", 1, forever, at.aged().ServeHTTP)
		mark := at.Proxy.Mark()
		if err := at.object("d/f").Rename(t.Context(), at.object("h")); err != nil {
			t.Fatal(err)
		}
		at.Proxy.Intercept(nil)
		if at.Lacks(t, s3matrix.DeleteIfMatch) {
			at.wantOperations(t, mark, "CopyObject", "DeleteObject")
		} else { // not copied again: it is older than the copy
			at.wantOperations(t, mark, "CopyObject", "DeleteObject", "HeadObject", "DeleteObject")
		}
		at.wantKeys(t, "g", "h")

		// In a tree the listing knows the ETag.
		at.putParts(t, "e/f", "body")
		mark = at.Proxy.Mark()
		if err := at.object("e/").Rename(t.Context(), at.object("i")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "ListObjectsV2", "CopyObject", "DeleteObjects")
		at.wantKeys(t, "g", "h", "i/f")
	})
}

// So does a target that is encrypted: it is not copied again either.
func TestRenameToAnEncryptedTarget(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		switch s3proxy.Operation(r) {
		case "CopyObject":
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				at.pass(discarded{http.Header{}}, r)
				w.Header().Set("X-Amz-Server-Side-Encryption", "aws:kms")
				w.Header().Set("Content-Type", "application/xml")
				io.WriteString(w, `<CopyObjectResult><ETag>"ffffffffffffffffffffffffffffffff"</ETag></CopyObjectResult>`)
			})
		case "HeadObject":
			return at.aged()
		}
		return nil
	})
	mark := at.Proxy.Mark()
	if err := at.object("f").Rename(t.Context(), at.object("g")); err != nil {
		t.Fatal(err)
	}
	at.wantOperations(t, mark, "CopyObject", "DeleteObject", "HeadObject", "DeleteObject")
	at.wantKeys(t, "g")
}

// A source that is replaced between its copy and its deletion is not lost.
func TestRenameOfReplacedSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		replacing := func(operation string) {
			done := false
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if s3proxy.Operation(r) == operation && !done {
					done = true
					at.put(t, "d/f=new")
				}
				return nil
			})
		}
		at.Needs(t, s3matrix.DeleteIfMatch) // else nothing can be done, as the documentation says
		// One object: it is copied again, whatever its time says.
		at.put(t, "d/f=old")
		done := false
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			switch op := s3proxy.Operation(r); {
			case op == "HeadObject":
				return at.aged()
			case op == "DeleteObject" && !done:
				done = true
				at.put(t, "d/f=new body")
			}
			return nil
		})
		var info s3path.Info
		if err := at.object("d/f").Rename(t.Context(), at.object("g"), s3path.WithInfo(&info)); err != nil {
			t.Fatal(err)
		}
		at.wantBody(t, "g", "new body")
		at.wantKeys(t, "g")
		if info.Size() != 8 {
			t.Errorf("info of %d bytes", info.Size())
		}

		// With a condition on the target it cannot be: both stay.
		at.put(t, "d/f=old")
		replacing("DeleteObject")
		err := at.object("d/f").Rename(t.Context(), at.object("h"), s3path.WithNoOverwrite())
		wantFailure(t, err, "rename", at.object("d/f").String(), cloudpath.ErrChanged, cloudpath.ErrPreconditionFailed)
		at.wantBody(t, "h", "old")
		at.wantBody(t, "d/f", "new")

		// Through another client it stays as well.
		at.put(t, "d/f=old")
		replacing("DeleteObject")
		there := apart(t)
		err = at.object("d/f").Rename(t.Context(), there.object("f"))
		wantFailure(t, err, "rename", at.object("d/f").String(), cloudpath.ErrChanged, cloudpath.ErrPreconditionFailed)
		there.wantBody(t, "f", "old")
		at.wantBody(t, "d/f", "new")
	})
}

// The same in a tree, where one request deletes many. Of the servers only the
// in-process one compares the ETags in it.
func TestRenameTreeOfReplacedSource(t *testing.T) {
	at := apart(t)
	at.put(t, "d/f=old", "d/g=old")
	at.meddle("DeleteObjects", 1, 1, func(w http.ResponseWriter, r *http.Request) {
		at.put(t, "d/f=new")
		at.pass(w, r)
	})
	err := at.object("d").Rename(t.Context(), at.object("e"))
	wantFailure(t, err, "rename", at.object("d").String(), cloudpath.ErrPreconditionFailed)
	if err == nil || !strings.Contains(err.Error(), "remove "+at.object("d/f").String()+": ") || strings.Contains(err.Error(), "d/g") {
		t.Errorf("the error names other keys: %v", err)
	}
	at.wantKeys(t, "d/f", "e/f", "e/g")
	at.wantBody(t, "d/f", "new")
}

// Somebody else may remove the source meanwhile.
func TestRenameOfRemovedSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) == "DeleteObject" {
				at.discard(t, "f")
			}
			return nil
		})
		if err := at.object("f").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, "g")

		// A server may say so by refusing the condition.
		for _, opts := range [][]s3path.CopyOption{nil, {s3path.WithContentType("a/b")}} {
			at.put(t, "f=body")
			at.meddle("DeleteObject", 1, 1, func(w http.ResponseWriter, r *http.Request) {
				at.discard(t, "f")
				refusing(http.StatusPreconditionFailed, "PreconditionFailed", "as the test wants it")(w, r)
			})
			if err := at.object("f").Rename(t.Context(), at.object("g"), opts...); err != nil {
				t.Error(err)
			}
			at.wantKeys(t, "g")
		}
	})
}

// A server that knows no conditions on a deletion is asked what is there.
func TestRenameWhereDeletesTakeNoCondition(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) == "DeleteObject" && r.Header.Get("If-Match") != "" {
				return refusing(http.StatusNotImplemented, "NotImplemented", "A header you provided implies functionality that is not implemented")
			}
			return nil
		})
		at.put(t, "f=body")
		mark := at.Proxy.Mark()
		if err := at.object("f").Rename(t.Context(), at.object("g")); err != nil {
			t.Fatal(err)
		}
		at.wantOperations(t, mark, "CopyObject", "DeleteObject", "HeadObject", "DeleteObject")
		at.wantKeys(t, "g")

		at.put(t, "f=body")
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			switch s3proxy.Operation(r) {
			case "DeleteObject":
				return refusing(http.StatusNotImplemented, "NotImplemented", "no")
			case "HeadObject":
				at.put(t, "f=new")
			}
			return nil
		})
		err := at.object("f").Rename(t.Context(), at.object("g"))
		wantFailure(t, err, "rename", at.object("f").String(), cloudpath.ErrPreconditionFailed)
		at.wantBody(t, "f", "new")
	})
}

// A copy whose listing gave another ETag than the object has is made all the
// same, of the object as it is.
func TestCopyTreeOfReplacedSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.CopySourceIfMatch)
		at.put(t, "d/f=old", "d/g=old")
		done := false
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if s3proxy.Operation(r) == "CopyObject" && strings.HasSuffix(r.URL.Path, "/f") && !done {
				done = true
				at.put(t, "d/f=new")
			}
			return nil
		})
		mark := at.Proxy.Mark()
		if err := at.object("d").Rename(t.Context(), at.object("e")); err != nil {
			t.Fatal(err)
		}
		at.Proxy.Intercept(nil)
		ops := at.Proxy.Since(mark).Counts()
		if ops["CopyObject"] != 4 || ops["HeadObject"] != 1 { // of d itself, f twice, g
			t.Errorf("requests %v", ops)
		}
		at.wantKeys(t, "e/f", "e/g")
		at.wantBody(t, "e/f", "new")
	})
}

// A writing request whose answer has no ETag is not believed either.
func TestCopyThroughThatIsOnlyClaimed(t *testing.T) {
	at, there := apart(t), apart(t)
	at.put(t, "f=body")
	there.put(t, "longer=other length")
	there.meddle("PutObject", 1, forever, claiming)
	for _, target := range []string{"missing", "longer"} {
		err := at.object("f").Rename(t.Context(), there.object(target))
		wantFailure(t, err, "rename", at.object("f").String(), map[string][]error{
			"missing": {cloudpath.ErrProtocol}, "longer": {cloudpath.ErrProtocol},
		}[target]...)
	}
	at.wantBody(t, "f", "body")
}
