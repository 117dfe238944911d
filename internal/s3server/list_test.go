package s3server_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// expected is a whole listing, made the obvious way: every name, keys and common prefixes
// alike, in order.
func expected(keys []string, prefix, delimiter, after string) []string {
	var names []string
	for _, key := range slices.Sorted(slices.Values(keys)) {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || key <= after {
			continue
		}
		if delimiter != "" {
			if i := strings.Index(rest, delimiter); i >= 0 {
				key = prefix + rest[:i+len(delimiter)]
			}
		}
		if (len(names) == 0 || names[len(names)-1] != key) && key != after {
			names = append(names, key)
		}
	}
	return names
}

// pages lists to the end and merges what the pages say, checking their arithmetic.
func (c *client) pages(prefix, delimiter, after string, limit int) []string {
	c.t.Helper()
	var names []string
	token := ""
	for {
		query := []string{"prefix=" + prefix, "delimiter=" + delimiter, fmt.Sprint("max-keys=", limit)}
		if after != "" {
			query = append(query, "start-after="+after)
		}
		if token != "" {
			query = append(query, "continuation-token="+token)
		}
		p := c.list(query...)
		page := slices.Sorted(slices.Values(slices.Concat(p.keys(), p.prefixes())))
		if p.KeyCount != len(page) || len(page) > limit || p.IsTruncated != (p.NextContinuationToken != "") || p.IsTruncated && len(page) != limit {
			c.t.Errorf("a page of at most %d: KeyCount %d, %d names, truncated %v, token %q", limit, p.KeyCount, len(page), p.IsTruncated, p.NextContinuationToken)
		}
		names = append(names, page...)
		if !p.IsTruncated {
			return names
		}
		token = p.NextContinuationToken
	}
}

// randomKeys are short keys over a small alphabet, so that they share prefixes.
func randomKeys(r *rand.Rand, n int, alphabet string) []string {
	seen := make(map[string]bool)
	for len(seen) < n {
		b := make([]byte, 1+r.IntN(6))
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		seen[string(b)] = true
	}
	var keys []string
	for key := range seen {
		keys = append(keys, key)
	}
	return keys
}

func TestListingMatchesTheObviousOne(t *testing.T) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	c := start(t)
	keys := randomKeys(r, 300, "ab/-0z")
	for _, key := range keys {
		c.put(key, "x")
	}
	choose := func(from ...string) string { return from[r.IntN(len(from))] }
	for range 400 {
		prefix := choose("", "a", "a/", "/", "b/a", "a//", "-", "none")
		delimiter := choose("", "/", "-", "a/", "//")
		after := choose("", "", keys[r.IntN(len(keys))], "a/", "a/b", "b", "zz")
		limit := 1 + r.IntN(12)
		got, want := c.pages(prefix, delimiter, after, limit), expected(keys, prefix, delimiter, after)
		if !slices.Equal(got, want) {
			t.Errorf("prefix %q, delimiter %q, after %q, %d a page:\ngot  %q\nwant %q", prefix, delimiter, after, limit, got, want)
		}
	}
}

func TestListingVersionOneMatchesToo(t *testing.T) {
	c := start(t)
	keys := []string{"a", "b/1", "b/2", "c", "d/", "d/1", "e"}
	for _, key := range keys {
		c.put(key, "x")
	}
	var names []string
	marker := ""
	for {
		var p pageOfKeys
		c.parse(c.do("GET", "/bucket?"+encodeQuery([]string{"delimiter=/", "max-keys=2", "marker=" + marker}), ""), &p)
		names = append(names, slices.Sorted(slices.Values(slices.Concat(p.keys(), p.prefixes())))...)
		if !p.IsTruncated {
			break
		}
		marker = p.NextMarker
	}
	if want := expected(keys, "", "/", ""); !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}

func TestListingEdges(t *testing.T) {
	c := start(t)
	c.put("a", "x")
	c.put("b/c", "x")
	for _, row := range []struct {
		name, query string
		status      int
		code        string
	}{
		{"max-keys that is no number", "max-keys=many", 400, "InvalidArgument"},
		{"max-keys below zero", "max-keys=-1", 400, "InvalidArgument"},
		{"an unknown encoding", "encoding-type=base64", 400, "InvalidArgument"},
		{"an empty token", "continuation-token=", 400, "InvalidArgument"},
		{"a token with a key in plain", "continuation-token=YQ==", 400, "InvalidArgument"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := c.do("GET", "/bucket?list-type=2&"+row.query, "").is("list", row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	if p := c.list("max-keys=0"); p.KeyCount != 0 || p.IsTruncated || len(p.Contents) != 0 {
		t.Errorf("max-keys=0: %+v", p)
	}
	if p := c.list("max-keys=5000"); p.MaxKeys != 1000 {
		t.Errorf("max-keys=5000 is answered with MaxKeys %d", p.MaxKeys)
	}
	if err := c.do("GET", "/nobucket?list-type=2", "").is("list", 404, "NoSuchBucket"); err != nil {
		t.Error(err)
	}
}

// TestListingWhileWriting reads pages while keys come and go: those that stay are seen,
// each once, in order.
func TestListingWhileWriting(t *testing.T) {
	c := start(t)
	var stay []string
	for i := range 200 {
		key := fmt.Sprintf("k%03d", i)
		stay = append(stay, key)
		c.put(key, "x")
	}
	done := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			default:
			}
			key := at(fmt.Sprintf("k%03d-temporary", i%200))
			if _, err := c.try("PUT", key, "x"); err != nil {
				t.Error(err)
				return
			}
			if _, err := c.try("DELETE", key, ""); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for range 20 {
		var got []string
		for _, key := range c.pages("", "", "", 7) {
			if !strings.HasSuffix(key, "-temporary") {
				got = append(got, key)
			}
		}
		if !slices.Equal(got, stay) {
			t.Errorf("got %q", got)
		}
	}
	close(done)
	<-stopped
}

func TestPaginatorOfTheSDK(t *testing.T) {
	c := start(t)
	var want []string
	for i := range 2500 {
		key := fmt.Sprintf("p/%04d", i)
		want = append(want, key)
		c.put(key, "")
	}
	var got []string
	pages := s3.NewListObjectsV2Paginator(c.sdk(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	count := 0
	for pages.HasMorePages() {
		p, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count++
		for _, o := range p.Contents {
			got = append(got, *o.Key)
		}
	}
	if !slices.Equal(got, want) || count != 3 {
		t.Errorf("%d keys in %d pages", len(got), count)
	}
}
