package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudpath-go/cloudpath/s3path"
)

var (
	oneKey   = []byte("0123456789abcdef0123456789abcdef")
	otherKey = []byte("fedcba9876543210fedcba9876543210")
)

// A customer's key is never sent over plain http: every verb that takes one
// refuses it before any request.
func TestCustomerKeyOverPlainHTTP(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=body", "d/x=1")
		f, d, dir := at.object("f"), at.object("d"), t.TempDir()
		local := filepath.Join(dir, "local")
		if err := os.WriteFile(local, []byte("body"), 0o600); err != nil {
			t.Fatal(err)
		}
		key, source := s3path.WithSSECustomerKey(oneKey), s3path.WithSourceSSECustomerKey(oneKey)
		for verb, call := range map[string]func() error{
			"Stat":             func() error { _, err := f.Stat(t.Context(), key); return err },
			"Open":             func() error { _, err := f.Open(t.Context(), key); return err },
			"ReadBytes":        func() error { _, err := f.ReadBytes(t.Context(), key); return err },
			"ReadText":         func() error { _, err := f.ReadText(t.Context(), key); return err },
			"ReadRange":        func() error { _, err := f.ReadRange(t.Context(), 0, 1, key); return err },
			"DownloadTo":       func() error { return f.DownloadTo(t.Context(), filepath.Join(dir, "f"), key) },
			"DownloadTo, tree": func() error { return d.DownloadTo(t.Context(), filepath.Join(dir, "d"), key) },
			"Create":           func() error { _, err := f.Create(t.Context(), key); return err },
			"WriteBytes":       func() error { return f.WriteBytes(t.Context(), []byte("x"), key) },
			"WriteText":        func() error { return f.WriteText(t.Context(), "x", key) },
			"WriteFrom":        func() error { _, err := f.WriteFrom(t.Context(), strings.NewReader("x"), key); return err },
			"WriteFunc":        func() error { return f.WriteFunc(t.Context(), func(io.Writer) error { return nil }, key) },
			"Update":           func() error { return f.Update(t.Context(), func(b []byte) ([]byte, error) { return b, nil }, key) },
			"UploadFrom":       func() error { return f.UploadFrom(t.Context(), local, key) },
			"UploadFrom, tree": func() error { return d.UploadFrom(t.Context(), dir, key) },
			"Touch":            func() error { return f.Touch(t.Context(), key) },
			"Copy":             func() error { return f.Copy(t.Context(), at.object("g"), key) },
			"Copy, source":     func() error { return f.Copy(t.Context(), at.object("g"), source) },
			"Copy, elsewhere":  func() error { return f.Copy(t.Context(), apart(t).object("g"), source) },
			"CopyTree":         func() error { return d.CopyTree(t.Context(), at.object("e"), key) },
			"CopyTree, source": func() error { return d.CopyTree(t.Context(), at.object("e"), source) },
			"Rename":           func() error { return f.Rename(t.Context(), at.object("g"), key) },
			"Rename, source":   func() error { return f.Rename(t.Context(), at.object("g"), source) },
			"Rename, tree":     func() error { return d.Rename(t.Context(), at.object("e"), key, source) },
			"PresignGet":       func() error { _, err := f.PresignGet(t.Context(), time.Minute, key); return err },
			"PresignPut":       func() error { _, err := f.PresignPut(t.Context(), time.Minute, key); return err },
			"a client's": func() error {
				return f.WithClient(at.newClient(t, s3path.WithWriteDefaults(key))).WriteText(t.Context(), "x")
			},
			"a client's copies": func() error {
				return f.WithClient(at.newClient(t, s3path.WithCopyDefaults(key))).Copy(t.Context(), at.object("g"))
			},
		} {
			var err error
			if n := at.count(func() { err = call() }); n != 0 {
				t.Errorf("%s: %d requests", verb, n)
			}
			if !errors.Is(err, errors.ErrUnsupported) {
				t.Errorf("%s: %v", verb, err)
			}
			if err != nil && strings.Contains(err.Error(), string(oneKey)) {
				t.Errorf("%s: the error holds the key: %v", verb, err)
			}
		}
		at.wantKeys(t, "f", "d/x")
		at.wantBody(t, "f", "body")
	})
}

// To a plain server no key goes, whatever the source's can do.
func TestCustomerKeyToAPlainTarget(t *testing.T) {
	at, there := securely(t), apart(t)
	at.put(t, "f=body")
	n := there.count(func() {
		err := at.object("f").Copy(t.Context(), there.object("f"), s3path.WithSSECustomerKey(oneKey))
		wantFailure(t, err, "copy", there.object("f").String(), errors.ErrUnsupported)
	})
	if n != 0 {
		t.Errorf("%d requests", n)
	}
}

// A key that is none is refused before any request too.
func TestCustomerKeyOfAnotherLength(t *testing.T) {
	at := apart(t)
	for _, key := range [][]byte{nil, {}, oneKey[:31], append(bytes.Clone(oneKey), 'x')} {
		n := at.count(func() {
			if err := at.object("f").WriteText(t.Context(), "x", s3path.WithSSECustomerKey(key)); err == nil || !strings.Contains(err.Error(), "32") {
				t.Errorf("%d bytes: %v", len(key), err)
			}
			if err := at.object("f").Copy(t.Context(), at.object("g"), s3path.WithSourceSSECustomerKey(key)); err == nil || !strings.Contains(err.Error(), "32") {
				t.Errorf("%d bytes: %v", len(key), err)
			}
		})
		if n != 0 {
			t.Errorf("%d requests", n)
		}
	}
}

// securely is a bucket on the server with TLS, customer keys and a KMS.
func securely(t *testing.T, opts ...s3path.ClientOption) *place {
	t.Helper()
	s := matrix.Secure(t)
	return newPlace(t, s, append(opts, s3path.WithHTTPClient(s.HTTP))...)
}

// wantEncrypted checks that an object needs its key.
func (at *place) wantEncrypted(t *testing.T, key string, secret []byte, want string) {
	t.Helper()
	if _, err := at.object(key).ReadBytes(t.Context()); err == nil {
		t.Errorf("%s is read without its key", key)
	}
	wrong := bytes.Repeat([]byte("x"), 32)
	if _, err := at.object(key).ReadBytes(t.Context(), s3path.WithSSECustomerKey(wrong)); err == nil {
		t.Errorf("%s is read with another key", key)
	}
	if got, err := at.object(key).ReadBytes(t.Context(), s3path.WithSSECustomerKey(secret)); err != nil || string(got) != want {
		t.Errorf("%s holds %.40q (%d bytes), %v", key, got, len(got), err)
	}
}

// With a customer's key objects are written, read, ranged, uploaded in parts,
// copied from key to key, touched and renamed.
func TestCustomerKey(t *testing.T) {
	at := securely(t, s3path.WithPartSize(5<<20))
	ctx := t.Context()
	key, other := s3path.WithSSECustomerKey(oneKey), s3path.WithSSECustomerKey(otherKey)
	source := s3path.WithSourceSSECustomerKey(oneKey)
	f := at.object("d/f")
	if err := f.WriteText(ctx, "body", key, s3path.WithContentType("text/x-note"), s3path.WithTags(map[string]string{"team": "blue"})); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "d/f", oneKey, "body")
	if data, err := f.ReadRange(ctx, 1, 2, key); err != nil || string(data) != "od" {
		t.Errorf("range %q, %v", data, err)
	}
	if info, err := f.Stat(ctx, key); err != nil || info.Size() != 4 || info.ContentType() != "text/x-note" {
		t.Errorf("%+v, %v", info, err)
	}
	r, err := f.Open(ctx, key)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	if n, err := r.ReadAt(buf, 2); n != 2 || err != nil || string(buf) != "dy" {
		t.Errorf("%d %q, %v", n, buf, err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}

	large := strings.Repeat("0123456789abcdef", 11<<20/16)
	if err := at.object("large").WriteText(ctx, large, key); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "large", oneKey, large)
	file := filepath.Join(t.TempDir(), "large")
	if err := at.object("large").DownloadTo(ctx, file, key); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != large {
		t.Errorf("downloaded %d bytes, %v", len(data), err)
	}

	for _, row := range []struct {
		name   string
		opts   []s3path.CopyOption
		secret []byte // nil: none
	}{
		{"same key", []s3path.CopyOption{source, key}, oneKey},
		{"another key", []s3path.CopyOption{source, other}, otherKey},
		{"in the clear", []s3path.CopyOption{source}, nil},
		{"a property", []s3path.CopyOption{source, other, s3path.WithCacheControl("no-store")}, otherKey},
		{"no overwrite", []s3path.CopyOption{source, other, s3path.WithNoOverwrite()}, otherKey},
	} {
		for from, body := range map[string]string{"d/f": "body", "large": large} {
			to := fmt.Sprintf("%s of %s", row.name, strings.TrimPrefix(from, "d/"))
			if err := at.object(from).Copy(ctx, at.object(to), row.opts...); err != nil {
				t.Errorf("%s: %v", to, err)
				continue
			}
			if row.secret == nil {
				at.wantBody(t, to, body)
				continue
			}
			at.wantEncrypted(t, to, row.secret, body)
		}
	}
	if err := f.Copy(ctx, at.object("no"), key); err == nil {
		t.Error("copied without the source's key")
	}
	// What is there is there, whatever its key.
	err = f.Copy(ctx, at.object("large"), source, other, s3path.WithNoOverwrite())
	if err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("onto another's: %v", err)
	}

	// In parts, as beyond 5 GiB.
	at.meddle("CopyObject", 1, forever, tooLarge)
	if err := f.Copy(ctx, at.object("parts"), source, other); err != nil {
		t.Fatal(err)
	}
	at.Proxy.Intercept(nil)
	at.wantEncrypted(t, "parts", otherKey, "body")

	var info s3path.Info
	if err := f.Touch(ctx, key, s3path.WithInfo(&info)); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "d/f", oneKey, "body")
	if tags, err := f.Tags(ctx); err != nil || tags["team"] != "blue" || info.ContentType() != "text/x-note" {
		t.Errorf("tags %v, %v, info %+v", tags, err, info)
	}
	if err := f.Touch(ctx); err == nil {
		t.Error("touched without its key")
	}

	// A new key for the same object, and none.
	if err := f.Copy(ctx, f, source, other); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "d/f", otherKey, "body")
	if err := f.Copy(ctx, f, s3path.WithSourceSSECustomerKey(otherKey)); err != nil {
		t.Fatal(err)
	}
	at.wantBody(t, "d/f", "body")
}

// Trees and renames, and other clients.
func TestCustomerKeyOfTrees(t *testing.T) {
	at, there := securely(t), apart(t)
	ctx := t.Context()
	key, other := s3path.WithSSECustomerKey(oneKey), s3path.WithSSECustomerKey(otherKey)
	source := s3path.WithSourceSSECustomerKey(oneKey)
	for _, name := range []string{"d/x", "d/s/y", "f", "g"} {
		if err := at.object(name).WriteText(ctx, name, key); err != nil {
			t.Fatal(err)
		}
	}
	if err := at.object("d").CopyTree(ctx, at.object("e"), source, other); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "e/s/y", otherKey, "d/s/y")
	if err := at.object("d").Rename(ctx, at.object("h"), source, other); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "h/s/y", otherKey, "d/s/y")
	if err := at.object("f").Rename(ctx, at.object("f2"), source, key); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "f2", oneKey, "f")
	if err := at.object("f2").Rename(ctx, there.object("f3"), source); err != nil {
		t.Fatal(err)
	}
	there.wantBody(t, "f3", "f")
	// The key is the target's: the source may be anywhere.
	if err := there.object("f3").Copy(ctx, at.object("f4"), other); err != nil {
		t.Fatal(err)
	}
	at.wantEncrypted(t, "f4", otherKey, "f")
	// Removing needs no key.
	if err := at.object("g").Remove(ctx); err != nil {
		t.Error(err)
	}
	if err := at.object("e").RemoveAll(ctx); err != nil {
		t.Error(err)
	}
	if err := at.object("h/x").Mkdir(ctx); err == nil {
		t.Error("a directory was made beside a file of its name")
	}
	at.wantKeys(t, "h/x", "h/s/y", "f4")
}

// SSE-S3 and SSE-KMS are asked for with an option, and kept where an object is
// rewritten.
func TestServerSideEncryption(t *testing.T) {
	at := securely(t, s3path.WithPartSize(5<<20))
	ctx := t.Context()
	check := func(key, algorithm string) {
		t.Helper()
		head := at.head(t, key)
		if string(head.ServerSideEncryption) != algorithm {
			t.Errorf("%s is encrypted with %q, want %q", key, head.ServerSideEncryption, algorithm)
		}
		if kms := aws.ToString(head.SSEKMSKeyId); algorithm == "aws:kms" && !strings.HasSuffix(kms, at.KMSKey) {
			t.Errorf("%s has the key %q, want %q", key, kms, at.KMSKey)
		}
	}
	for algorithm, opt := range map[string]s3path.PropertyOption{"AES256": s3path.WithSSE(), "aws:kms": s3path.WithSSEKMS(at.KMSKey)} {
		p := at.object(algorithm)
		if err := p.WriteText(ctx, "body", opt); err != nil {
			t.Fatal(err)
		}
		check(algorithm, algorithm)
		large := at.object(algorithm + " large")
		if err := large.WriteBytes(ctx, make([]byte, 11<<20), opt); err != nil {
			t.Fatal(err)
		}
		check(large.Key(), algorithm)
		if err := p.Touch(ctx); err != nil {
			t.Fatal(err)
		}
		check(algorithm, algorithm)
		if err := p.Copy(ctx, p, s3path.WithCacheControl("no-store")); err != nil {
			t.Fatal(err)
		}
		check(algorithm, algorithm)
		at.wantBody(t, algorithm, "body")

		// Of a copy, in one request and in parts.
		at.put(t, "plain=body")
		if err := at.object("plain").Copy(ctx, at.object(algorithm+" copy"), opt); err != nil {
			t.Fatal(err)
		}
		if err := at.object("plain").Copy(ctx, at.object(algorithm+" parts"), opt, s3path.WithNoOverwrite()); err != nil {
			t.Fatal(err)
		}
		check(algorithm+" copy", algorithm)
		check(algorithm+" parts", algorithm)
		// And of a rename, whose source has an ETag that is not its content's.
		for _, key := range []string{algorithm, large.Key(), algorithm + " parts"} {
			if err := at.object(key).Rename(ctx, at.object("renamed/"+key), opt); err != nil {
				t.Fatal(err)
			}
			check("renamed/"+key, algorithm)
		}
		if err := at.object("renamed").Rename(ctx, at.object("again/"+algorithm), opt); err != nil {
			t.Fatal(err)
		}
		check("again/"+algorithm+"/"+algorithm, algorithm)
		at.wantBody(t, "again/"+algorithm+"/"+algorithm, "body")
	}

	// A presigned write brings it with it.
	put, err := at.object("signed").PresignPut(ctx, time.Minute, s3path.WithSSEKMS(at.KMSKey))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := at.carryOut(t, put, "body"); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	check("signed", "aws:kms")
	for _, opts := range [][]s3path.WriteOption{
		{s3path.WithSSE(), s3path.WithSSEKMS("k")}, {s3path.WithSSE(), s3path.WithSSECustomerKey(oneKey)}, {s3path.WithSSEKMS("k"), s3path.WithSSECustomerKey(oneKey)},
	} {
		if err := at.object("both").WriteText(ctx, "x", opts...); err == nil || !strings.Contains(err.Error(), "contradict") {
			t.Errorf("%v", err)
		}
	}
}
