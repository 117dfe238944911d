package s3path_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// clientOptions is one of each.
func clientOptions() map[string]s3path.ClientOption {
	return map[string]s3path.ClientOption{
		"WithAnonymous":           s3path.WithAnonymous(),
		"WithProfile":             s3path.WithProfile("default"),
		"WithStaticCredentials":   s3path.WithStaticCredentials("k", "s", ""),
		"WithAWSConfig":           s3path.WithAWSConfig(aws.Config{}),
		"WithS3Client":            s3path.WithS3Client(s3.New(s3.Options{Region: "us-east-1"})),
		"WithEndpoint":            s3path.WithEndpoint("http://localhost:9000"),
		"WithRegion":              s3path.WithRegion("eu-west-1"),
		"WithAddressing":          s3path.WithAddressing(s3path.AddressingPath),
		"WithHTTPClient":          s3path.WithHTTPClient(&http.Client{}),
		"WithContentTypeFunc":     s3path.WithContentTypeFunc(nil),
		"WithPartSize":            s3path.WithPartSize(8 << 20),
		"WithMaxAttempts":         s3path.WithMaxAttempts(2),
		"WithStallTimeout":        s3path.WithStallTimeout(time.Minute),
		"WithRequestPayer":        s3path.WithRequestPayer(),
		"WithExpectedBucketOwner": s3path.WithExpectedBucketOwner("123456789012"),
		"WithReadDefaults":        s3path.WithReadDefaults(s3path.WithReadAhead(1)),
		"WithWriteDefaults":       s3path.WithWriteDefaults(s3path.WithSSE()),
		"WithCopyDefaults":        s3path.WithCopyDefaults(s3path.WithSSE()),
		"WithListDefaults":        s3path.WithListDefaults(s3path.WithMarkers()),
		"WithConcurrency":         s3path.WithConcurrency(3),
	}
}

// Of all pairs of client options exactly these contradict each other, in either
// order, and the error names both.
func TestConflictingClientOptions(t *testing.T) {
	contradict := map[string][]string{
		"WithAnonymous":         {"WithProfile", "WithStaticCredentials", "WithAWSConfig", "WithS3Client"},
		"WithProfile":           {"WithStaticCredentials", "WithAWSConfig", "WithS3Client"},
		"WithStaticCredentials": {"WithAWSConfig", "WithS3Client"},
		"WithAWSConfig":         {"WithS3Client"},
		"WithS3Client":          {"WithEndpoint", "WithRegion", "WithAddressing", "WithHTTPClient", "WithMaxAttempts", "WithStallTimeout"},
	}
	bareEnvironment(t)
	configFile(t, "[default]\nregion = us-east-1\n")
	pairs := 0
	for one, first := range clientOptions() {
		for two, second := range clientOptions() {
			if one == two {
				continue
			}
			pairs++
			c, err := s3path.NewClient(t.Context(), first, second)
			if err == nil {
				err = c.Close()
			}
			switch {
			case slices.Contains(contradict[one], two) || slices.Contains(contradict[two], one):
				if err == nil || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
					t.Errorf("%s and %s: %v", one, two, err)
				}
			case err != nil:
				t.Errorf("%s and %s: %v", one, two, err)
			}
		}
	}
	if pairs != 20*19 {
		t.Errorf("%d pairs", pairs)
	}
}

// An option that nobody made is an error, wherever it is given.
func TestNilOptions(t *testing.T) {
	l := listen(t, object)
	c := openClient(t, s3path.WithEndpoint(l.URL), keys())
	p := c.Object("bucket", "key")
	ctx := t.Context()
	_, read := p.ReadBytes(ctx, nil)
	_, stat := p.Stat(ctx, s3path.WithSSECustomerKey(make([]byte, 32)), nil)
	_, open := p.Open(ctx, nil)
	_, create := p.Create(ctx, nil)
	_, presign := p.PresignGet(ctx, time.Minute, nil)
	var list error
	for _, list = range p.Parent().Walk(ctx, nil) {
	}
	newClient := func(opts ...s3path.ClientOption) error { _, err := s3path.NewClient(ctx, opts...); return err }
	for name, err := range map[string]error{
		"ReadBytes": read, "Stat": stat, "Open": open, "Create": create, "PresignGet": presign, "Walk": list,
		"WriteText": p.WriteText(ctx, "x", nil), "Copy": p.Copy(ctx, p.Join("x"), nil), "Remove": p.Remove(ctx, nil),
		"RemoveMany":        c.RemoveMany(ctx, slices.Values([]s3path.S3Path{p}), nil),
		"NewClient":         newClient(keys(), nil),
		"WithReadDefaults":  newClient(s3path.WithReadDefaults(nil)),
		"WithWriteDefaults": newClient(s3path.WithWriteDefaults(nil)),
		"WithCopyDefaults":  newClient(s3path.WithCopyDefaults(nil)),
		"WithListDefaults":  newClient(s3path.WithListDefaults(nil)),
	} {
		if err == nil || !strings.Contains(err.Error(), "a nil option") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := l.Count(); n != 0 {
		t.Errorf("%d requests", n)
	}
}

// Options that contradict each other in one call are refused naming both; of a
// default and a call's own option the own one counts.
func TestConflictingCallOptions(t *testing.T) {
	w := &wire{answer: agreeable}
	https := []s3path.ClientOption{s3path.WithEndpoint("https://s3.test"), keys(), s3path.WithHTTPClient(w.client())}
	p := openClient(t, https...).Object("bucket", "key")
	key := s3path.WithSSECustomerKey(make([]byte, 32))
	groups := [][]struct {
		name   string
		opt    s3path.WriteOption
		header string
	}{
		{
			{"WithSSE", s3path.WithSSE(), "AES256 "},
			{"WithSSEKMS", s3path.WithSSEKMS("k"), "aws:kms "},
			{"WithSSECustomerKey", key, " AES256"},
		},
		{
			{"WithNoOverwrite", s3path.WithNoOverwrite(), "* "},
			{"WithIfMatch", s3path.WithIfMatch("e"), ` "e"`},
		},
	}
	for i, group := range groups {
		shown := func(h http.Header) string {
			if i == 0 {
				return h.Get("X-Amz-Server-Side-Encryption") + " " + h.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm")
			}
			return h.Get("If-None-Match") + " " + h.Get("If-Match")
		}
		for _, one := range group {
			for _, two := range group {
				if one.name == two.name {
					continue
				}
				before := len(w.requests())
				err := p.WriteText(t.Context(), "x", one.opt, two.opt)
				if err == nil || !strings.Contains(err.Error(), one.name) || !strings.Contains(err.Error(), two.name) || len(w.requests()) != before {
					t.Errorf("%s and %s: %v", one.name, two.name, err)
				}
				if one.name == "WithIfMatch" {
					continue // cannot be a default
				}
				c := openClient(t, append(https, s3path.WithWriteDefaults(one.opt))...)
				if err := c.Object("bucket", "key").WriteText(t.Context(), "x", two.opt); err != nil {
					t.Errorf("%s over the default %s: %v", two.name, one.name, err)
				}
				if got := shown(w.last(t).Header); got != two.header {
					t.Errorf("%s over the default %s: sent %q, want %q", two.name, one.name, got, two.header)
				}
				if err := c.Object("bucket", "key").WriteText(t.Context(), "x"); err != nil {
					t.Error(err)
				}
				if got := shown(w.last(t).Header); got != one.header {
					t.Errorf("the default %s: sent %q, want %q", one.name, got, one.header)
				}
				for _, opts := range [][]s3path.ClientOption{
					{s3path.WithWriteDefaults(one.opt, two.opt)}, {s3path.WithWriteDefaults(one.opt), s3path.WithWriteDefaults(two.opt)},
				} {
					_, err := s3path.NewClient(t.Context(), opts...)
					if err == nil || !strings.Contains(err.Error(), "WithWriteDefaults") || !strings.Contains(err.Error(), two.name) {
						t.Errorf("defaults %s and %s: %v", one.name, two.name, err)
					}
				}
			}
		}
	}
}

// A client's defaults come before each call's own options; what a verb has no
// use for is left out there, and what is about one object is no default.
func TestDefaults(t *testing.T) {
	w := &wire{answer: agreeable}
	key := s3path.WithSSECustomerKey(make([]byte, 32))
	c := openClient(t, s3path.WithEndpoint("https://s3.test"), keys(), s3path.WithHTTPClient(w.client()),
		s3path.WithReadDefaults(s3path.WithReadAhead(100), key),
		s3path.WithWriteDefaults(s3path.WithContentType("text/x-default"), s3path.WithCacheControl("no-store")),
		s3path.WithWriteDefaults(s3path.WithMetadata(map[string]string{"from": "default"}), s3path.WithNoOverwrite()),
		s3path.WithCopyDefaults(s3path.WithStorageClass("GLACIER_IR")),
		s3path.WithListDefaults(s3path.WithPageSize(7), s3path.WithDirs()))
	p, ctx := c.Object("bucket", "key"), t.Context()
	header := func(what, name, want string) {
		t.Helper()
		if got := w.last(t).Header.Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", what, name, got, want)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	must(p.WriteText(ctx, "x"))
	header("default", "Content-Type", "text/x-default")
	header("default", "Cache-Control", "no-store")
	header("default", "X-Amz-Meta-From", "default")
	must(p.WriteText(ctx, "x", s3path.WithContentType("text/x-own")))
	header("own", "Content-Type", "text/x-own")
	header("own beside the default", "Cache-Control", "no-store")

	const customer = "X-Amz-Server-Side-Encryption-Customer-Algorithm"
	_, err := p.ReadBytes(ctx)
	must(err)
	header("read", customer, "AES256")
	_, err = p.Stat(ctx)
	must(err)
	header("stat", customer, "AES256")
	_, err = p.Exists(ctx)
	must(err)
	header("exists", customer, "AES256")
	_, err = p.IsFile(ctx)
	must(err)
	header("is file", customer, "AES256")
	_, err = p.PresignGet(ctx, time.Minute)
	must(err)

	must(p.Copy(ctx, c.Object("bucket", "other")))
	header("copy", "X-Amz-Storage-Class", "GLACIER_IR")
	must(p.Copy(ctx, c.Object("bucket", "other"), s3path.WithStorageClass("STANDARD")))
	header("own copy", "X-Amz-Storage-Class", "STANDARD")

	size := func(what, want string) {
		t.Helper()
		if got := w.last(t).URL.Query().Get("max-keys"); got != want {
			t.Errorf("%s: max-keys is %q, want %q", what, got, want)
		}
	}
	rels(t, c.Object("bucket", "").Walk(ctx))
	size("walk", "7")
	rels(t, c.Object("bucket", "").Walk(ctx, s3path.WithPageSize(9)))
	size("own walk", "9")
	rels(t, c.Object("bucket", "").IterDir(ctx)) // which has no use for WithDirs
	size("iterdir", "7")

	var info s3path.Info
	for name, opt := range map[string]s3path.ClientOption{
		"WithReadDefaults, WithInfo":     s3path.WithReadDefaults(s3path.WithInfo(&info)),
		"WithWriteDefaults, WithInfo":    s3path.WithWriteDefaults(s3path.WithInfo(&info)),
		"WithCopyDefaults, WithInfo":     s3path.WithCopyDefaults(s3path.WithInfo(&info)),
		"WithReadDefaults, WithIfMatch":  s3path.WithReadDefaults(s3path.WithIfMatch("e")),
		"WithWriteDefaults, WithIfMatch": s3path.WithWriteDefaults(s3path.WithIfMatch("e")),
	} {
		_, err := s3path.NewClient(ctx, opt)
		where, what, _ := strings.Cut(name, ", ")
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), where) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s3path.NewClient(ctx, s3path.WithListDefaults(s3path.WithPageSize(0))); err == nil || !strings.Contains(err.Error(), "WithPageSize") {
		t.Errorf("a default that is wrong: %v", err)
	}
}

// An option that cannot apply to a call is errors.ErrUnsupported naming it,
// before any request; none is ignored.
func TestOptionsThatDoNotApply(t *testing.T) {
	l := listen(t, agreeable)
	c := openClient(t, s3path.WithEndpoint(l.URL), keys())
	p, dir, ctx := c.Object("bucket", "key"), c.Object("bucket", "dir"), t.Context()
	var info s3path.Info
	walk := func(seq func(func(s3path.Entry, error) bool)) error {
		for _, err := range seq {
			return err
		}
		return nil
	}
	read := func(_ any, err error) error { return err }
	for _, row := range []struct {
		name, option string
		err          error
	}{
		{"ReadBytes", "WithReadAhead", read(p.ReadBytes(ctx, s3path.WithReadAhead(1)))},
		{"ReadBytes", "WithConcurrency", read(p.ReadBytes(ctx, s3path.WithConcurrency(2)))},
		{"ReadText", "WithReadAhead", read(p.ReadText(ctx, s3path.WithReadAhead(1)))},
		{"ReadRange", "WithReadAhead", read(p.ReadRange(ctx, 0, 1, s3path.WithReadAhead(1)))},
		{"Open", "WithConcurrency", read(p.Open(ctx, s3path.WithConcurrency(2)))},
		{"Stat", "WithReadAhead", read(p.Stat(ctx, s3path.WithReadAhead(1)))},
		{"Stat", "WithConcurrency", read(p.Stat(ctx, s3path.WithConcurrency(2)))},
		{"DownloadTo", "WithReadAhead", p.DownloadTo(ctx, t.TempDir(), s3path.WithReadAhead(1))},
		{"PresignGet", "WithIfMatch", read(p.PresignGet(ctx, time.Minute, s3path.WithIfMatch("e")))},
		{"PresignGet", "WithInfo", read(p.PresignGet(ctx, time.Minute, s3path.WithInfo(&info)))},
		{"PresignPut", "WithInfo", read(p.PresignPut(ctx, time.Minute, s3path.WithInfo(&info)))},
		{"Touch", "WithIfMatch", p.Touch(ctx, s3path.WithIfMatch("e"))},
		{"Touch", "WithNoOverwrite", p.Touch(ctx, s3path.WithNoOverwrite())},
		{"Update", "WithIfMatch", p.Update(ctx, nil, s3path.WithIfMatch("e"))},
		{"Remove", "WithWholeBucket", p.Remove(ctx, s3path.WithWholeBucket())},
		{"Remove", "WithConcurrency", p.Remove(ctx, s3path.WithConcurrency(2))},
		{"RemoveAll", "WithIfMatch", dir.RemoveAll(ctx, s3path.WithIfMatch("e"))},
		{"RemoveMany", "WithIfMatch", c.RemoveMany(ctx, slices.Values([]s3path.S3Path{p}), s3path.WithIfMatch("e"))},
		{"RemoveMany", "WithWholeBucket", c.RemoveMany(ctx, slices.Values([]s3path.S3Path{p}), s3path.WithWholeBucket())},
		{"IterDir", "WithDirs", walk(dir.IterDir(ctx, s3path.WithDirs()))},
		{"IterDir", "WithMarkers", walk(dir.IterDir(ctx, s3path.WithMarkers()))},
		{"Glob", "WithDirs", walk(dir.Glob(ctx, "*", s3path.WithDirs()))},
		{"WalkDir", "WithDirs", dir.WalkDir(ctx, func(s3path.Entry, error) error { return nil }, s3path.WithDirs())},
	} {
		if !errors.Is(row.err, errors.ErrUnsupported) || !strings.Contains(fmt.Sprint(row.err), row.option) {
			t.Errorf("%s with %s: %v", row.name, row.option, row.err)
		}
	}
	if n := l.Count(); n != 0 {
		t.Errorf("%d requests: %q", n, l.Requests().Operations())
	}
}

// Values that no request could be made with.
func TestOptionValues(t *testing.T) {
	bareEnvironment(t)
	for name, opt := range map[string]s3path.ClientOption{
		"WithPageSize": s3path.WithListDefaults(s3path.WithPageSize(1001)), "WithLimit": s3path.WithListDefaults(s3path.WithLimit(-1)),
		"WithReadAhead": s3path.WithReadDefaults(s3path.WithReadAhead(-1)), "WithFilter": s3path.WithListDefaults(s3path.WithFilter(nil)),
		"WithInclude": s3path.WithListDefaults(s3path.WithInclude("[")), "WithExclude": s3path.WithListDefaults(s3path.WithExclude("a/[")),
		"WithPartSize": s3path.WithPartSize(5<<20 - 1), "WithConcurrency": s3path.WithConcurrency(-1),
		"WithSSECustomerKey": s3path.WithWriteDefaults(s3path.WithSSECustomerKey(nil)), "WithSourceSSECustomerKey": s3path.WithCopyDefaults(s3path.WithSourceSSECustomerKey(nil)),
	} {
		if _, err := s3path.NewClient(t.Context(), opt); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithPartSize(5<<30+1)); err == nil || !strings.Contains(err.Error(), "WithPartSize") {
		t.Errorf("parts that are too large: %v", err)
	}
}
