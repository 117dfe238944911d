package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// changing is every verb that changes or shares something, as it is called on p.
func changing(ctx context.Context, p, dst s3path.S3Path) map[string]func() error {
	return map[string]func() error{
		"copy":   func() error { return p.Copy(ctx, dst) },
		"rename": func() error { return p.Rename(ctx, dst) },
		"remove": func() error { return p.Remove(ctx) },
		"touch":  func() error { return p.Touch(ctx) },
		"mkdir":  func() error { return p.Mkdir(ctx) },
		"tags":   func() error { return p.SetTags(ctx, map[string]string{"a": "b"}) },
	}
}

// An error says what was done to which path, what the server said and under which
// request id, and leads to all of it.
func TestChangingErrorForm(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body")
		f, g := at.object("f"), at.object("g")
		dir := at.object("d/e")
		for op, call := range changing(t.Context(), f, g) {
			p := f
			if op == "mkdir" {
				p = dir
				call = changing(t.Context(), dir, g)[op]
			}
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if r.Method == http.MethodHead || r.Method == http.MethodGet { // the look before the change
					return nil
				}
				return refusing(http.StatusForbidden, "AccessDenied", "User is not authorized.")
			})
			err := call()
			wantFailure(t, err, op, p.String(), fs.ErrPermission)
			wantAnswer(t, err, http.StatusForbidden, "AccessDenied")
			want := op + " " + p.String() + ": "
			if op == "rename" && strings.Contains(err.Error(), "copied to") {
				t.Errorf("nothing was copied: %v", err)
			}
			if text := err.Error(); !strings.HasPrefix(text, want) ||
				!strings.HasSuffix(text, "AccessDenied: User is not authorized (HTTP 403, request id REQUEST-ID-OF-THE-TEST)") {
				t.Errorf("%s: %s", op, text)
			}
			if text := fmt.Sprintf("%+v", err); strings.Contains(text, at.SecretKey) || strings.Contains(text, "Signature=") {
				t.Errorf("%s: a secret in %s", op, text)
			}
		}
		at.Proxy.Intercept(nil)
		at.wantKeys(t, "f")
	})
}

// A context that has ended makes no request.
func TestChangingWithEndedContext(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f := at.object("f")
	calls := changing(ctx, f, at.object("g"))
	n := at.count(func() {
		for op, call := range calls {
			wantFailure(t, call(), op, f.String(), context.Canceled)
		}
		wantFailure(t, f.CopyTree(ctx, at.object("g")), "copy", f.String(), context.Canceled)
		wantFailure(t, f.RemoveAll(ctx), "remove", f.String(), context.Canceled)
		wantFailure(t, at.client.RemoveMany(ctx, slices.Values(at.objects("f"))), "remove", "s3://", context.Canceled)
		_, err := f.PresignGet(ctx, time.Minute)
		wantFailure(t, err, "presign", f.String(), context.Canceled)
		_, err = f.Tags(ctx)
		wantFailure(t, err, "tags", f.String(), context.Canceled)
	})
	if n != 0 {
		t.Errorf("%d requests", n)
	}
	at.wantKeys(t, "f")
}

// The zero path is no path, on either side.
func TestChangingTheZeroPath(t *testing.T) {
	at := apart(t)
	f := at.object("f")
	n := at.count(func() {
		for op, call := range changing(t.Context(), s3path.S3Path{}, f) {
			if err := call(); !errors.Is(err, cloudpath.ErrInvalidPath) {
				t.Errorf("%s: %v", op, err)
			}
		}
		for name, err := range map[string]error{
			"copy to":     f.Copy(t.Context(), s3path.S3Path{}),
			"rename to":   f.Rename(t.Context(), s3path.S3Path{}),
			"copytree to": f.CopyTree(t.Context(), s3path.S3Path{}),
			"removeall":   s3path.S3Path{}.RemoveAll(t.Context(), s3path.WithWholeBucket()),
		} {
			if !errors.Is(err, cloudpath.ErrInvalidPath) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A closed client changes nothing.
func TestChangingWithAClosedClient(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	closed := at.newClient(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	n := at.count(func() {
		for op, call := range changing(t.Context(), at.object("f").WithClient(closed), at.object("g")) {
			if err := call(); err == nil || !strings.Contains(err.Error(), "closed") {
				t.Errorf("%s: %v", op, err)
			}
		}
		for name, err := range map[string]error{
			"copy to":    at.object("f").Copy(t.Context(), at.object("g").WithClient(closed)),
			"rename to":  at.object("f").Rename(t.Context(), at.object("g").WithClient(closed)),
			"removemany": closed.RemoveMany(t.Context(), slices.Values([]s3path.S3Path{at.object("f").WithClient(closed)})),
		} {
			if err == nil || !strings.Contains(err.Error(), "closed") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	if n != 0 {
		t.Errorf("%d requests", n)
	}
	at.wantKeys(t, "f")
}

// At concurrency 1 everything still ends.
func TestChangingAtConcurrencyOne(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.client = at.newClient(t, s3path.WithConcurrency(1))
		there := apart(t)
		there.client = there.newClient(t, s3path.WithConcurrency(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		at.putMany(t, numbered("d/", 20))
		for _, dst := range []s3path.S3Path{at.object("e"), there.object("e")} {
			if err := at.object("d").CopyTree(ctx, dst, s3path.WithNoOverwrite()); err != nil {
				t.Fatal(err)
			}
		}
		if err := at.object("d").Rename(ctx, at.object("f")); err != nil {
			t.Fatal(err)
		}
		if err := at.object("e").RemoveAll(ctx); err != nil {
			t.Fatal(err)
		}
		at.wantKeys(t, numbered("f/", 20)...)
		there.wantKeys(t, numbered("e/", 20)...)
		if peak := at.Proxy.Peak(); peak != 1 {
			t.Errorf("%d requests at once", peak)
		}
	})
}
