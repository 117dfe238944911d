package s3path_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestBuckets lists the account's buckets as paths.
func TestBuckets(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		other := at.client.Object(at.NewBucket(t), "")
		var found []string
		n := at.count(func() {
			for p, err := range at.client.Buckets(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
				if !p.IsBucket() || p.Client() != at.client {
					t.Errorf("%v", p)
				}
				found = append(found, p.String())
			}
		})
		if n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
		for _, want := range []s3path.S3Path{at.bucket, other} {
			if !slices.Contains(found, want.String()) {
				t.Errorf("%v is not among %v", want, found)
			}
		}
		if !slices.IsSorted(found) {
			t.Errorf("out of order: %v", found)
		}
		calls := 0
		for range at.client.Buckets(t.Context()) {
			calls++
			break
		}
		if calls != 1 {
			t.Errorf("%d after break", calls)
		}
	})
}

func buckets(ctx context.Context, c *s3path.Client) (names []string, err error) {
	for p, e := range c.Buckets(ctx) {
		if e != nil {
			return names, e
		}
		names = append(names, p.Bucket())
	}
	return names, nil
}

// TestBucketsPages follows the pages of accounts with many buckets.
func TestBucketsPages(t *testing.T) {
	at := inProcess(t)
	client := at.newClient(t, s3path.WithMaxAttempts(1))
	list := func(names, token string) string {
		var b strings.Builder
		b.WriteString(`<ListAllMyBucketsResult><Owner><ID>me</ID></Owner><Buckets>`)
		for _, name := range words(names) {
			b.WriteString(`<Bucket><Name>` + name + `</Name></Bucket>`)
		}
		b.WriteString(`</Buckets>`)
		if token != "" {
			b.WriteString(`<ContinuationToken>` + token + `</ContinuationToken>`)
		}
		return b.String() + `</ListAllMyBucketsResult>`
	}
	for _, row := range []struct {
		name  string
		pages []string
		want  string
		is    error
	}{
		{"none", []string{list("", "")}, "", nil},
		{"two pages", []string{list("aaa bbb", "t"), list("ccc", "")}, "aaa bbb ccc", nil},
		{"an empty page", []string{list("", "t"), list("ccc", "")}, "ccc", nil},
		{"the same token twice", []string{list("aaa", "t"), list("bbb", "t")}, "aaa bbb", cloudpath.ErrProtocol},
		{"tokens in a circle", []string{list("aaa", "t"), list("bbb", "u"), list("ccc", "t")}, "aaa bbb ccc", cloudpath.ErrProtocol},
		{"a bucket without a name", []string{strings.Replace(list("aaa bbb", ""), "bbb", "", 1)}, "aaa", cloudpath.ErrProtocol},
		{"HTML", []string{`<html><body>Sign in</body></html>`}, "", cloudpath.ErrProtocol},
		{"nothing", []string{""}, "", cloudpath.ErrProtocol},
	} {
		at.fault(replying(row.pages...))
		got, err := buckets(t.Context(), client)
		same(t, row.name, got, words(row.want))
		if !errors.Is(err, row.is) {
			t.Errorf("%s: %v, want %v", row.name, err, row.is)
		}
	}
}

// TestBucketsFail with an error that says what was asked.
func TestBucketsFail(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.fault(answer403)
		_, err := buckets(t.Context(), at.client)
		var perr *fs.PathError
		if !errors.Is(err, fs.ErrPermission) || !errors.As(err, &perr) || perr.Path != "s3://" {
			t.Errorf("%v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := buckets(ctx, at.client); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		at.Proxy.Intercept(nil)
		at.NewBucket(t)
		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for _, err = range at.client.Buckets(ctx) {
			n++
			cancel()
		}
		if n != 2 || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in the loop: %v at the end of %d", err, n)
		}
	})
}
