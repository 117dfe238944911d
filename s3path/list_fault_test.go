package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
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

// page is an answer to ListObjectsV2.
func page(bucket, inside string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult><Name>` + bucket + `</Name>` + inside + `</ListBucketResult>`
}

func listed(key string) string {
	return `<Contents><Key>` + key + `</Key><Size>1</Size><ETag>"e"</ETag><LastModified>2026-11-20T12:00:00.000Z</LastModified></Contents>`
}

func goesOn(token string) string {
	return `<IsTruncated>true</IsTruncated><NextContinuationToken>` + token + `</NextContinuationToken>`
}

// replying answers listing requests with pages, the last one for ever.
func replying(pages ...string) http.HandlerFunc {
	var n atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		i := min(int(n.Add(1)), len(pages)) - 1
		answer(200, pages[i])(w, r)
	}
}

// inProcess is a place on the in-process server, for what no server of its own
// accord would answer.
func inProcess(t *testing.T) *place {
	t.Helper()
	return newPlace(t, matrix.Servers()[0])
}

// TestAnswersThatAreNoListing are cloudpath.ErrProtocol, never an empty directory.
func TestAnswersThatAreNoListing(t *testing.T) {
	at := inProcess(t)
	b := at.bucket.Bucket()
	client := at.newClient(t, s3path.WithMaxAttempts(1))
	rows := []struct {
		name  string
		pages []string
	}{
		{"HTML", []string{`<!DOCTYPE html><html><head><meta charset="utf-8"><title>Sign in</title></head><body>Sign in</body></html>`}},
		{"XHTML", []string{`<html><body>Sign in</body></html>`}},
		{"HTML that does not end", []string{`<html><body>Sign in`}},
		{"JSON", []string{`{"Name": "` + b + `"}`}},
		{"nothing", []string{""}},
		{"spaces", []string{"  \n"}},
		{"another document", []string{`<?xml version="1.0"?><Result><IsTruncated>false</IsTruncated></Result>`}},
		{"no name", []string{`<ListBucketResult>` + listed("a") + `</ListBucketResult>`}},
		{"another bucket's listing", []string{page("other", listed("a"))}},
		{"truncated without a token", []string{page(b, listed("d/a")+`<IsTruncated>true</IsTruncated>`)}},
		{"truncated with an empty token", []string{page(b, listed("d/a")+goesOn(""))}},
		{"the same token twice", []string{page(b, listed("d/a")+goesOn("t")), page(b, listed("d/b")+goesOn("t"))}},
		{"the same page for ever, tokens in a circle", []string{
			page(b, goesOn("1")), page(b, goesOn("2")), page(b, goesOn("3")), page(b, goesOn("1")), page(b, goesOn("2")), page(b, goesOn("3")),
			page(b, goesOn("1")), page(b, goesOn("2")), page(b, goesOn("3")), page(b, goesOn("1")), page(b, goesOn("2")), page(b, goesOn("3")),
		}},
		{"a key outside the prefix", []string{page(b, listed("e/a"))}},
		{"a key outside, beside others", []string{page(b, listed("d/a")+listed("d0"))}},
		{"a key without a name", []string{page(b, listed(""))}},
		{"no key at all", []string{page(b, `<Contents><Size>1</Size></Contents>`)}},
		{"a size below 0", []string{page(b, `<Contents><Key>d/a</Key><Size>-1</Size></Contents>`)}},
		{"a size that is no number", []string{page(b, `<Contents><Key>d/a</Key><Size>many</Size></Contents>`)}},
		{"a prefix outside", []string{page(b, `<CommonPrefixes><Prefix>e/f/</Prefix></CommonPrefixes>`)}},
		{"keys out of order", []string{page(b, listed("d/b")+listed("d/a"))}},
		{"not encoded as it says", []string{page(b, `<EncodingType>url</EncodingType>`+listed("d/%zz"))}},
		{"a control character without encoding", []string{page(b, listed("d/\x01"))}},
	}
	for _, row := range rows {
		d := client.Object(b, "d")
		lists := listsOf(t.Context(), d)
		lists["IsDir"] = func(yield func(s3path.Entry, error) bool) {
			if is, err := d.IsDir(t.Context()); err != nil || is {
				yield(s3path.Entry{}, err)
			}
		}
		delete(lists, "Versions") // see below
		delete(lists, "Glob with a head")
		for what, listing := range lists {
			if what == "IsDir" && (strings.HasPrefix(row.name, "the same") || strings.HasSuffix(row.name, "order")) {
				continue // which asks for one key of one page
			}
			at.fault(replying(row.pages...))
			err := last(listing)
			if !errors.Is(err, cloudpath.ErrProtocol) {
				t.Errorf("%s: %s: %v, want cloudpath.ErrProtocol", row.name, what, err)
				continue
			}
			if !strings.Contains(err.Error(), d.String()) {
				t.Errorf("%s: %s: %v does not name the path", row.name, what, err)
			}
		}
	}
}

// TestVersionsThatAreNone is the same of lists of versions.
func TestVersionsThatAreNone(t *testing.T) {
	at := inProcess(t)
	b := at.bucket.Bucket()
	client := at.newClient(t, s3path.WithMaxAttempts(1))
	versions := func(bucket, inside string) string {
		return `<?xml version="1.0"?><ListVersionsResult><Name>` + bucket + `</Name>` + inside + `</ListVersionsResult>`
	}
	version := func(key, id string) string {
		return `<Version><Key>` + key + `</Key><VersionId>` + id + `</VersionId><Size>1</Size></Version>`
	}
	on := func(key, id string) string {
		return `<IsTruncated>true</IsTruncated><NextKeyMarker>` + key + `</NextKeyMarker><NextVersionIdMarker>` + id + `</NextVersionIdMarker>`
	}
	for _, row := range []struct {
		name  string
		pages []string
	}{
		{"HTML", []string{`<html><body>Sign in</body></html>`}},
		{"nothing", []string{""}},
		{"no name", []string{`<ListVersionsResult>` + version("d/a", "1") + `</ListVersionsResult>`}},
		{"another bucket's", []string{versions("other", version("d/a", "1"))}},
		{"truncated, but not from where", []string{versions(b, version("d/a", "1")+`<IsTruncated>true</IsTruncated>`)}},
		{"the same page for ever", []string{versions(b, version("d/a", "1")+on("d/a", "1"))}},
		{"pages in a circle", []string{
			versions(b, version("d/a", "1")+on("d/a", "1")), versions(b, version("d/a", "2")+on("d/a", "2")),
			versions(b, version("d/a", "1")+on("d/a", "1")), versions(b, version("d/a", "2")+on("d/a", "2")),
		}},
		{"a key outside the prefix", []string{versions(b, version("e/a", "1"))}},
		{"not encoded as it says", []string{versions(b, `<EncodingType>url</EncodingType>`+version("d/%zz", "1"))}},
	} {
		at.fault(replying(row.pages...))
		if err := last(client.Object(b, "d/").Versions(t.Context())); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%s: %v, want cloudpath.ErrProtocol", row.name, err)
		}
	}
}

// TestPagesThatAreOdd but right: an empty page that goes on, duplicates, a marker
// beside its prefix, a prefix that is the listed one.
func TestPagesThatAreOdd(t *testing.T) {
	at := inProcess(t)
	b := at.bucket.Bucket()
	prefix := func(p string) string { return `<CommonPrefixes><Prefix>` + p + `</Prefix></CommonPrefixes>` }
	for _, row := range []struct {
		name          string
		pages         []string
		walk, iterDir string
	}{
		{"an empty page that goes on", []string{page(b, goesOn("1")), page(b, goesOn("2")), page(b, listed("d/a"))}, "a", "a"},
		{"duplicates across pages", []string{page(b, listed("d/a")+listed("d/b")+goesOn("1")), page(b, listed("d/b")+listed("d/c"))}, "a b c", "a b c"},
		{"duplicates on a page", []string{page(b, listed("d/a")+listed("d/a"))}, "a", "a"},
		{"a page again", []string{page(b, listed("d/a")+goesOn("1")), page(b, listed("d/a")+goesOn("2")), page(b, listed("d/b"))}, "a b", "a b"},
		{"a marker beside its prefix", []string{page(b, listed("d/s/")+prefix("d/s/"))}, "", "s:"},
		{"the listed prefix itself", []string{page(b, listed("d/a")+prefix("d/")+prefix("d/s/"))}, "a", "a s:"},
		{"a prefix twice, on two pages", []string{page(b, prefix("d/s/")+goesOn("1")), page(b, prefix("d/s/")+listed("d/t"))}, "t", "s: t"},
		{"no delimiter", []string{page(b, listed("d/a/x")+listed("d/a/y")+listed("d/b"))}, "a/x a/y b", "a: b"},
		{"encoded, and it says so", []string{page(b, `<EncodingType>url</EncodingType>`+listed("d/a%2Bb+c%01"))}, "a+b\u00a0c\x01", "a+b\u00a0c\x01"},
		{"not encoded, and it does not say so", []string{page(b, listed("d/a%2Bb+c"))}, "a%2Bb+c", "a%2Bb+c"},
	} {
		at.fault(replying(row.pages...))
		same(t, row.name+": Walk", spaced(shown(at.object("d").Walk(t.Context()))), words0(row.walk))
		at.fault(replying(row.pages...))
		same(t, row.name+": IterDir", spaced(shown(at.object("d").IterDir(t.Context()))), words0(row.iterDir))
	}
}

// TestOwnersUnasked: some servers say them in every listing.
func TestOwnersUnasked(t *testing.T) {
	at := inProcess(t)
	owned := `<Contents><Key>d/a</Key><Owner><ID>id</ID><DisplayName>me</DisplayName></Owner></Contents>`
	for _, row := range []struct {
		inside string
		opts   []s3path.ListOption
		want   string
	}{
		{owned, nil, ""},
		{owned, []s3path.ListOption{s3path.WithOwner()}, "me"},
		{strings.Replace(owned, "<DisplayName>me</DisplayName>", "", 1), []s3path.ListOption{s3path.WithOwner()}, "id"},
	} {
		at.fault(replying(page(at.bucket.Bucket(), row.inside)))
		all := entries(t, at.object("d").Walk(t.Context(), row.opts...))
		if len(all) != 1 || all[0].Owner() != row.want {
			t.Errorf("owner %q of %v, want %q", all[0].Owner(), all, row.want)
		}
	}
}

// words0 splits at the ASCII space alone.
func words0(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ' ' })
}

// spaced writes spaces in names so that they do not split them.
func spaced(list []string) []string {
	for i := range list {
		list[i] = strings.ReplaceAll(list[i], " ", "\u00a0")
	}
	return list
}

// TestEncodingIsAskedFor by every page of every listing.
func TestEncodingIsAskedFor(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("d1 d2 d3")...)
		for what, listing := range listsOf(t.Context(), at.bucket, s3path.WithPageSize(2)) {
			mark := at.Proxy.Mark()
			rels(t, listing)
			log := at.Proxy.Since(mark)
			if len(log) == 0 {
				t.Errorf("%s: no request", what)
			}
			for _, r := range log {
				if r.Query.Get("encoding-type") != "url" || r.Query.Get("max-keys") != "2" {
					t.Errorf("%s: %s", what, r.Target)
				}
			}
		}
	})
}

// TestControlCharacters in keys break no listing.
func TestControlCharacters(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyControl)
		names := []string{"\x01", "a\tb", "a\nb", "a\x1fb", "b\x7f", "c\r\nd"}
		for _, name := range names {
			at.put(t, "d/"+name+"=x", "dir"+name+"/x")
		}
		d := at.object("d")
		same(t, "Walk", rels(t, d.Walk(t.Context())), names)
		same(t, "IterDir", rels(t, d.IterDir(t.Context())), names)
		same(t, "Glob", rels(t, d.Glob(t.Context(), "*")), names)
		same(t, "Versions", rels(t, d.Versions(t.Context())), names)
		for e, err := range d.Walk(t.Context(), s3path.WithPageSize(2)) {
			if err != nil {
				t.Fatal(err)
			}
			if body, err := e.ReadText(t.Context()); err != nil || body != "x" {
				t.Errorf("%q: %q, %v", e.Key(), body, err)
			}
		}
		var dirs []string
		for _, name := range names {
			dirs = append(dirs, "dir"+name)
		}
		same(t, "directories", rels(t, at.bucket.Glob(t.Context(), "dir*")), dirs)
	})
}

// TestStrangeKeys are listed byte for byte.
func TestStrangeKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		names := []string{"a b", "a%2Fb", "a%41", "a&b<c>", "a'b\"", "a+b", "a;b", "a=b", "a?b#c", "a\\b", "e\u0301", "é", "日本", "😀"}
		for _, name := range names {
			at.putBody(t, "d/"+name, []byte("x"))
			at.putBody(t, "e/"+name+"/x", nil)
		}
		names = slices.Sorted(slices.Values(names))
		same(t, "Walk", rels(t, at.object("d").Walk(t.Context(), s3path.WithPageSize(3))), names)
		same(t, "IterDir", rels(t, at.object("d").IterDir(t.Context(), s3path.WithPageSize(3))), names)
		var dirs []string
		for _, name := range names {
			dirs = append(dirs, name+"/x")
		}
		same(t, "Walk of directories", rels(t, at.object("e").Walk(t.Context(), s3path.WithPageSize(3))), dirs)
		for _, name := range names {
			same(t, "IterDir of "+name, rels(t, at.object("e").Child(name).IterDir(t.Context())), []string{"x"})
			same(t, "Glob of "+name, rels(t, at.object("d").Glob(t.Context(), cloudpath.QuotePattern(name))), []string{name})
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
			ctx, cancel := context.WithCancel(t.Context())
			n := 0
			var failed error
			for _, err := range listsOf(ctx, at.bucket, s3path.WithPageSize(2))[what] {
				if failed = err; err == nil {
					n++
				}
				cancel()
			}
			if !errors.Is(failed, context.Canceled) || n > 2 {
				t.Errorf("%s, cancelled in the loop: %d entries, %v", what, n, failed)
			}
			cancel()
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

// TestKeysThatClimb are listed and addressed as what they are.
func TestKeysThatClimb(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyDots, s3matrix.KeyLeadingSlash)
		keys := []string{"..", "../up", "/lead", "x/../y", "x/./z"}
		for _, key := range keys {
			at.put(t, key+"="+url.PathEscape(key))
		}
		same(t, "Walk", rels(t, at.bucket.Walk(t.Context())), keys)
		same(t, "RGlob", rels(t, at.bucket.RGlob(t.Context(), `{y,z,up,lead,\.\.}`)), []string{"..", "..", "../up", "/lead", "x/..", "x/../y", "x/./z"})
		for e, err := range at.bucket.Walk(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if body, err := e.ReadText(t.Context()); err != nil || body != url.PathEscape(e.Key()) {
				t.Errorf("%q: %q, %v", e.Key(), body, err)
			}
			if n := len(e.Parents()); n == 0 || n > 4 {
				t.Errorf("%q has %d parents", e.Key(), n)
			}
		}
		same(t, "IterDir of x", shown(at.object("x").IterDir(t.Context())), []string{"..:", ".:"})
	})
}
