package s3path_test

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

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
	for name, inside := range map[string]string{
		"no key at all":  `<Version><VersionId>1</VersionId></Version>`,
		"an empty key":   version("", "1"),
		"a size below 0": `<Version><Key>a</Key><VersionId>1</VersionId><Size>-1</Size></Version>`,
	} {
		at.fault(replying(versions(b, inside)))
		if err := last(client.Object(b, "").Versions(t.Context())); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%s: %v, want cloudpath.ErrProtocol", name, err)
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
