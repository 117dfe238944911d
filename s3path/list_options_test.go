package s3path_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestListOptions: each listing takes an option or says that it does not, by
// name and before any request.
func TestListOptions(t *testing.T) {
	const all = "IterDir Walk Glob RGlob WalkDir Versions"
	rows := []struct {
		name   string
		option s3path.ListOption
		takes  string
	}{
		{"WithInclude", s3path.WithInclude("*"), all},
		{"WithExclude", s3path.WithExclude("x"), all},
		{"WithExtensions", s3path.WithExtensions("txt"), all},
		{"WithMinSize", s3path.WithMinSize(1), all},
		{"WithMaxSize", s3path.WithMaxSize(1), all},
		{"WithModifiedAfter", s3path.WithModifiedAfter(time.Unix(0, 0)), all},
		{"WithModifiedBefore", s3path.WithModifiedBefore(time.Unix(0, 0)), all},
		{"WithFilter", s3path.WithFilter(func(s3path.Entry) bool { return true }), all},
		{"WithLimit", s3path.WithLimit(1), all},
		{"WithPageSize", s3path.WithPageSize(10), all},
		{"WithStartAfter", s3path.WithStartAfter("a"), all},
		{"WithRawPrefix", s3path.WithRawPrefix("b"), all},
		{"WithOwner", s3path.WithOwner(), all},
		{"WithUnordered", s3path.WithUnordered(), all},
		{"WithDirs", s3path.WithDirs(), "Walk"},
		{"WithMarkers", s3path.WithMarkers(), "Walk Glob RGlob WalkDir"},
	}
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "b.txt=1")
		for _, row := range rows {
			ctx := t.Context()
			for what, list := range map[string]func() error{
				"IterDir":  func() error { return last(at.bucket.IterDir(ctx, row.option)) },
				"Walk":     func() error { return last(at.bucket.Walk(ctx, row.option)) },
				"Glob":     func() error { return last(at.bucket.Glob(ctx, "*", row.option)) },
				"RGlob":    func() error { return last(at.bucket.RGlob(ctx, "*", row.option)) },
				"Versions": func() error { return last(at.bucket.Versions(ctx, row.option)) },
				"WalkDir": func() error {
					return at.bucket.WalkDir(ctx, func(_ s3path.Entry, err error) error { return err }, row.option)
				},
			} {
				var err error
				n := at.count(func() { err = list() })
				if takes := strings.Contains(" "+row.takes+" ", " "+what+" "); takes {
					if err != nil || n == 0 {
						t.Errorf("%s with %s: %v, %d requests", what, row.name, err, n)
					}
					continue
				}
				if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), row.name) || n != 0 {
					t.Errorf("%s with %s: %v, %d requests; want errors.ErrUnsupported that names it", what, row.name, err, n)
				}
			}
		}
	})
}

// TestListOptionValues that make no sense are errors that say so.
func TestListOptionValues(t *testing.T) {
	at := inProcess(t)
	for name, option := range map[string]s3path.ListOption{
		"WithLimit":      s3path.WithLimit(-1),
		"WithPageSize":   s3path.WithPageSize(0),
		"WithPageSize ":  s3path.WithPageSize(1001),
		"WithFilter":     s3path.WithFilter(nil),
		"WithExtensions": s3path.WithExtensions("txt", ""),
	} {
		err := last(at.bucket.Walk(t.Context(), option))
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := last(at.bucket.Walk(t.Context(), nil)); err == nil {
		t.Error("a nil option was taken")
	}
	if n := at.Proxy.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// TestListDefaults come before a call's own options; where one does not apply it
// is left out.
func TestListDefaults(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("a/x.log a/x.txt b.txt")...)
		client := at.newClient(t, s3path.WithListDefaults(s3path.WithDirs(), s3path.WithExclude("**/*.log"), s3path.WithPageSize(2)))
		b := client.Object(at.bucket.Bucket(), "")
		same(t, "Walk", shown(b.Walk(t.Context())), words("a: a/x.txt b.txt"))
		same(t, "IterDir", shown(b.IterDir(t.Context())), words("a: b.txt"))
		same(t, "Walk with a page of its own", shown(b.Walk(t.Context(), s3path.WithPageSize(1000), s3path.WithExclude("b*"))), words("a: a/x.txt"))
		sizes := map[string]bool{}
		for _, r := range at.Proxy.Requests() {
			sizes[r.Query.Get("max-keys")] = true
		}
		if len(sizes) != 2 || !sizes["2"] || !sizes["1000"] {
			t.Errorf("pages of %v were asked for", sizes)
		}
	})
}

// TestListingsRefuse what cannot be listed at all.
func TestListingsRefuse(t *testing.T) {
	at := inProcess(t)
	long := at.object(strings.Repeat("k", 1025))
	for name, row := range map[string]struct {
		path s3path.S3Path
		want error
	}{
		"a version":       {at.object("k").AtVersion("v"), errors.ErrUnsupported},
		"the zero path":   {s3path.S3Path{}, cloudpath.ErrInvalidPath},
		"a bucket's name": {at.client.Object("..", "k"), cloudpath.ErrInvalidPath},
		"a long key":      {long, cloudpath.ErrInvalidPath},
		"no UTF-8":        {at.object("a\xff"), cloudpath.ErrInvalidPath},
	} {
		for what, listing := range listsOf(t.Context(), row.path) {
			if err := last(listing); !errors.Is(err, row.want) {
				t.Errorf("%s of %s: %v, want %v", what, name, err, row.want)
			}
		}
		if name == "a version" {
			continue
		}
		for what, ask := range asked {
			if err := ask(t, row.path); !errors.Is(err, row.want) {
				t.Errorf("%s of %s: %v, want %v", what, name, err, row.want)
			}
		}
	}
	if n := at.Proxy.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}
