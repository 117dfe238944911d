package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var answer403 = answer(403, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)

// failPage has the n-th listing request from now on answered by h, and those
// after it too.
func (at *place) failPage(n int64, h http.Handler) {
	var seen atomic.Int64
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if isList(r) && seen.Add(1) >= n {
			return h
		}
		return nil
	})
}

// listsOf is every listing of a path.
func listsOf(ctx context.Context, p s3path.S3Path, opts ...s3path.ListOption) map[string]seq {
	return map[string]seq{
		"IterDir":               p.IterDir(ctx, opts...),
		"Walk":                  p.Walk(ctx, opts...),
		"Walk with directories": p.Walk(ctx, append(slices.Clone(opts), s3path.WithDirs())...),
		"Glob":                  p.Glob(ctx, "*", opts...),
		"Glob with a head":      p.Glob(ctx, "d*", opts...),
		"RGlob":                 p.RGlob(ctx, "*", opts...),
		"Versions":              p.Versions(ctx, opts...),
	}
}

// TestAFailedPage yields its error and ends; what was yielded before stands.
func TestAFailedPage(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		keys := words("d1 d2 d3 d4 d5 d6")
		at.put(t, keys...)
		client := at.newClient(t, s3path.WithMaxAttempts(1))
		for name, fault := range map[string]struct {
			answer http.Handler
			check  func(error) bool
		}{
			"403":                 {answer403, func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
			"404":                 {answer(404, `<Error><Code>NoSuchBucket</Code></Error>`), isNotExist},
			"500":                 {answer(500, ""), func(err error) bool { return strings.Contains(err.Error(), "HTTP 500") }},
			"a broken connection": {http.HandlerFunc(breakOff), func(err error) bool { return !errors.Is(err, cloudpath.ErrProtocol) }},
			"another page":        {answer(200, "<html><p>Welcome</p></html>"), func(err error) bool { return errors.Is(err, cloudpath.ErrProtocol) }},
		} {
			for what, listing := range listsOf(t.Context(), client.Object(at.bucket.Bucket(), ""), s3path.WithPageSize(4)) {
				at.failPage(2, fault.answer)
				var got []string
				var failed error
				for e, err := range listing {
					if failed != nil {
						t.Fatalf("%s: %s goes on behind its error with %v, %v", name, what, e, err)
					}
					if failed = err; err == nil {
						got = append(got, e.Rel())
					} else if e != (s3path.Entry{}) {
						t.Errorf("%s: %s: the entry of the error is %+v", name, what, e)
					}
				}
				same(t, name+": "+what, got, keys[:4])
				if failed == nil || !fault.check(failed) || !strings.Contains(failed.Error(), at.bucket.String()) {
					t.Errorf("%s: %s: %v", name, what, failed)
				}
			}
		}
		at.Proxy.Intercept(nil)
	})
}

func isNotExist(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// TestAPageIsTriedAgain before it fails a listing: after a 500, a reset, and an
// answer that breaks off in the middle.
func TestAPageIsTriedAgain(t *testing.T) {
	keys := words("d1 d2 d3 d4 d5 d6")
	part := func(at *place, w http.ResponseWriter, r *http.Request, length bool) {
		full := record(at.Proxy.Next(), r)
		if length {
			w.Header().Set("Content-Length", fmt.Sprint(full.Body.Len()))
		}
		_, _ = w.Write(full.Body.Bytes()[:full.Body.Len()*2/3])
	}
	for name, fault := range map[string]func(at *place, w http.ResponseWriter, r *http.Request){
		"500":   func(_ *place, w http.ResponseWriter, r *http.Request) { answer(500, "")(w, r) },
		"reset": func(_ *place, w http.ResponseWriter, r *http.Request) { breakOff(w, r) },
		"a success that is an error": func(_ *place, w http.ResponseWriter, r *http.Request) {
			answer(200, `<?xml version="1.0"?><Error><Code>InternalError</Code></Error>`)(w, r)
		},
		"an answer that breaks off": func(at *place, w http.ResponseWriter, r *http.Request) {
			part(at, w, r, true)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			panic(http.ErrAbortHandler)
		},
		"an answer that ends early": func(at *place, w http.ResponseWriter, r *http.Request) { part(at, w, r, false) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // because the SDK waits before it tries again
			at := inProcess(t)
			at.put(t, keys...)
			for _, what := range []string{"Walk", "Versions"} {
				var seen atomic.Int64
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if isList(r) && seen.Add(1) == 2 {
						return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fault(at, w, r) })
					}
					return nil
				})
				n := at.count(func() {
					same(t, what, rels(t, listsOf(t.Context(), at.bucket, s3path.WithPageSize(4))[what]), keys)
				})
				if n != 3 {
					t.Errorf("%s: %d requests, want 3", what, n)
				}
			}
		})
	}
}

// record is the server's answer, kept.
func record(next http.Handler, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	next.ServeHTTP(rec, r)
	return rec
}

// TestAnAnswerThatStaysBroken is an error and never a short listing.
func TestAnAnswerThatStaysBroken(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("d1 d2 d3")...)
		client := at.newClient(t, s3path.WithMaxAttempts(1))
		for part := 1; part < 12; part++ {
			at.fault(func(w http.ResponseWriter, r *http.Request) {
				full := record(at.Proxy.Next(), r)
				_, _ = w.Write(full.Body.Bytes()[:full.Body.Len()*part/12])
			})
			for what, listing := range listsOf(t.Context(), client.Object(at.bucket.Bucket(), "")) {
				if err := last(listing); err == nil {
					t.Errorf("%s: %d twelfths of an answer are a success", what, part)
				}
			}
		}
	})
}

// TestCancelled: a listing ends with the context's error, at once and between
// two entries of a page.
func TestCancelled(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("d1 d2 d3 d4 d5")...)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for what, listing := range listsOf(cancelled, at.bucket) {
			if err := last(listing); !errors.Is(err, context.Canceled) {
				t.Errorf("%s, cancelled before: %v", what, err)
			}
		}
		if n := at.Proxy.Count(); n != 0 {
			t.Errorf("%d requests under a cancelled context", n)
		}
		for what := range listsOf(t.Context(), at.bucket) {
			for _, size := range []int{2, 1000} {
				ctx, cancel := context.WithCancel(t.Context())
				n := 0
				var failed error
				for _, err := range listsOf(ctx, at.bucket, s3path.WithPageSize(size))[what] {
					if failed = err; err == nil {
						n++
					}
					cancel()
				}
				if !errors.Is(failed, context.Canceled) || n > 2 {
					t.Errorf("%s in pages of %d, cancelled in the loop: %d entries, %v", what, size, n, failed)
				}
				cancel()
			}
		}
		// While a request is under way.
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
				cancel()
				<-r.Context().Done()
			})
		})
		if err := last(at.bucket.Walk(ctx)); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled under way: %v", err)
		}
		if yes, err := at.bucket.Exists(ctx); yes || !errors.Is(err, context.Canceled) {
			t.Errorf("Exists: %v, %v", yes, err)
		}
	})
}

// TestChangesWhileListing: what is added or removed between two pages spoils
// nothing that stays.
func TestChangesWhileListing(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, what := range []string{"IterDir", "Walk", "Walk with directories", "Glob", "RGlob", "Versions"} {
			var stay []string
			for i := range 12 {
				stay = append(stay, fmt.Sprintf("k%02d", i))
				at.put(t, stay[i])
			}
			at.put(t, "gone1", "l-gone2", "k05gone")
			seen := map[string]int{}
			step := 0
			for e, err := range listsOf(t.Context(), at.bucket, s3path.WithPageSize(3))[what] {
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				seen[e.Rel()]++
				switch step++; step {
				case 4:
					at.remove(t, "gone1")
					at.remove(t, "k05gone")
					at.put(t, "a-new", "k03new", "z-new")
				case 8:
					at.remove(t, "l-gone2")
					at.remove(t, "k03new")
				}
			}
			for name, n := range seen {
				if n > 1 {
					t.Errorf("%s: %s came %d times", what, name, n)
				}
			}
			for _, name := range stay {
				if seen[name] == 0 {
					t.Errorf("%s: %s was missed", what, name)
				}
			}
			for _, name := range append(stay, "a-new", "z-new") {
				at.remove(t, name)
			}
		}
	})
}

// TestListingUnsupported: a server without ListObjectsV2 is named as what it is.
func TestListingUnsupported(t *testing.T) {
	at := inProcess(t)
	for name, h := range map[string]http.HandlerFunc{
		"501":            answer(501, `<Error><Code>NotImplemented</Code><Message>A header you provided implies functionality that is not implemented</Message></Error>`),
		"501 with HTML":  answer(501, `<html>Not Implemented</html>`),
		"405":            answer(405, ""),
		"NotImplemented": answer(400, `<Error><Code>NotImplemented</Code></Error>`),
	} {
		at.fault(h)
		err := last(at.newClient(t, s3path.WithMaxAttempts(1)).Object(at.bucket.Bucket(), "d").Walk(t.Context()))
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "ListObjectsV2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// An old server that takes the request for a listing of the first version.
	at.fault(answer(200, page(at.bucket.Bucket(), listed("d/a")+`<IsTruncated>true</IsTruncated><NextMarker>d/a</NextMarker>`)))
	if err := last(at.object("d").Walk(t.Context())); !errors.Is(err, cloudpath.ErrProtocol) || !strings.Contains(err.Error(), "ListObjectsV2") {
		t.Errorf("the first version: %v", err)
	}
}
