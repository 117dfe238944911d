package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// answers is what the three questions say about a path.
type answers struct{ exists, isFile, isDir bool }

func questions3(t *testing.T, p s3path.S3Path) answers {
	t.Helper()
	var a answers
	for _, q := range []struct {
		name   string
		ask    func() (bool, error)
		answer *bool
	}{
		{"Exists", func() (bool, error) { return p.Exists(t.Context()) }, &a.exists},
		{"IsFile", func() (bool, error) { return p.IsFile(t.Context()) }, &a.isFile},
		{"IsDir", func() (bool, error) { return p.IsDir(t.Context()) }, &a.isDir},
	} {
		var err error
		if *q.answer, err = q.ask(); err != nil {
			t.Errorf("%s of %v: %v", q.name, p, err)
		}
	}
	return a
}

// TestDefinitions is what a file and what a directory is.
func TestDefinitions(t *testing.T) {
	nothing, file, dir := answers{}, answers{true, true, false}, answers{true, false, true}
	rows := []struct {
		tree  string
		needs []s3matrix.Gap
		want  map[string]answers
	}{
		{"dir_0/file0_0.txt", nil, map[string]answers{
			"dir_0": dir, "dir_0/": dir, "dir_0/file0_0.txt": file, "dir_0/file0": nothing,
		}},
		{"fake/", nil, map[string]answers{"fake": dir, "fake/": dir}},
		{"nz/=body", []s3matrix.Gap{s3matrix.MarkerWithBody}, map[string]answers{"nz": dir, "nz/": dir}},
		{"top.txt", nil, map[string]answers{"top.txt": file, "top.txt/": nothing, "top.tx": nothing, "top.txt/x": nothing}},
		{"both both/child", []s3matrix.Gap{s3matrix.FileBesideDirectory, s3matrix.ListBelowFile}, map[string]answers{
			"both": {true, true, true}, "both/": dir, "both/child": file,
		}},
		{"d//x", []s3matrix.Gap{s3matrix.KeyEmptyComponent}, map[string]answers{
			"d": dir, "d/": dir, "d//": dir, "d//x": file, "d/x": nothing,
		}},
		{"/k", []s3matrix.Gap{s3matrix.KeyLeadingSlash}, map[string]answers{"/": dir, "/k": file, "k": nothing}},
		{"", nil, map[string]answers{"": dir, "a": nothing, "a/": nothing}},
	}
	for _, row := range rows {
		t.Run("tree "+row.tree, func(t *testing.T) {
			everywhere(t, func(t *testing.T, at *place) {
				at.Needs(t, row.needs...)
				at.put(t, strings.Fields(row.tree)...)
				for key, want := range row.want {
					p := at.object(key)
					if got := questions3(t, p); got != want {
						t.Errorf("%v: %+v, want %+v", p, got, want)
					}
					info, err := p.Stat(t.Context())
					switch {
					case !want.exists:
						if !errors.Is(err, fs.ErrNotExist) {
							t.Errorf("Stat of %v: %v, want fs.ErrNotExist", p, err)
						}
					case err != nil:
						t.Errorf("Stat of %v: %v", p, err)
					case info.IsDir() != !want.isFile: // of both, the file
						t.Errorf("Stat of %v: IsDir %v", p, info.IsDir())
					case info.IsDir() && (info.Mode() != fs.ModeDir|0o755 || info.Size() != 0 || !info.ModTime().IsZero() || info.Name() != p.Name()):
						t.Errorf("Stat of the directory %v: %v, %d bytes, %v, %q", p, info.Mode(), info.Size(), info.ModTime(), info.Name())
					}
				}
			})
		})
	}
}

// TestMarkerWithBodyIsRead: exactly `nz/` is an object all the same.
func TestMarkerWithBodyIsRead(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.MarkerWithBody)
		at.put(t, "nz/=body")
		if got, err := at.object("nz/").ReadBytes(t.Context()); err != nil || string(got) != "body" {
			t.Errorf("%q, %v", got, err)
		}
		if got, err := at.object("nz").ReadBytes(t.Context()); !errors.Is(err, cloudpath.ErrIsDirectory) {
			t.Errorf("without the slash: %q, %v; want cloudpath.ErrIsDirectory", got, err)
		}
	})
}

// TestMissingBucket: nothing is there, and the message says which bucket.
func TestMissingBucket(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const name = "absent-bucket-of-nobody"
		for _, key := range []string{"", "a/key", "a/dir/"} {
			p := at.client.Object(name, key)
			before := at.Proxy.Count()
			if got := questions3(t, p); got != (answers{}) {
				t.Errorf("%v: %+v", p, got)
			}
			if at.Proxy.Count() < before+3 {
				t.Errorf("%v: not every answer came from the server", p)
			}
			_, err := p.Stat(t.Context())
			if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), `no bucket "`+name+`"`) {
				t.Errorf("Stat of %v: %v", p, err)
			}
			for what, err := range map[string]error{
				"IterDir": last(p.IterDir(t.Context())), "Walk": last(p.Walk(t.Context())),
				"Versions": last(p.Versions(t.Context())),
			} {
				if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s of %v: %v", what, p, err)
				}
			}
			same(t, "Glob in a bucket that is not there", rels(t, p.Glob(t.Context(), "*")), nil)
		}
	})
}

// last is a listing's error.
func last(listing seq) (last error) {
	for _, err := range listing {
		last = err
	}
	return last
}

// asked is everything that asks about a path, each of which has to fail when the
// server does.
var asked = map[string]func(t *testing.T, p s3path.S3Path) error{
	"Exists": func(t *testing.T, p s3path.S3Path) error { return noAnswer(p.Exists(t.Context())) },
	"IsFile": func(t *testing.T, p s3path.S3Path) error { return noAnswer(p.IsFile(t.Context())) },
	"IsDir":  func(t *testing.T, p s3path.S3Path) error { return noAnswer(p.IsDir(t.Context())) },
	"Stat": func(t *testing.T, p s3path.S3Path) error {
		_, err := p.Stat(t.Context())
		return err
	},
	"IterDir":  func(t *testing.T, p s3path.S3Path) error { return last(p.IterDir(t.Context())) },
	"Walk":     func(t *testing.T, p s3path.S3Path) error { return last(p.Walk(t.Context())) },
	"Glob":     func(t *testing.T, p s3path.S3Path) error { return last(p.Glob(t.Context(), "*/x?")) },
	"literal":  func(t *testing.T, p s3path.S3Path) error { return last(p.Glob(t.Context(), "d/x1")) },
	"RGlob":    func(t *testing.T, p s3path.S3Path) error { return last(p.RGlob(t.Context(), "x?")) },
	"Versions": func(t *testing.T, p s3path.S3Path) error { return last(p.Versions(t.Context())) },
	"WalkDir": func(t *testing.T, p s3path.S3Path) error {
		return p.WalkDir(t.Context(), func(_ s3path.Entry, err error) error { return err })
	},
}

func noAnswer(yes bool, err error) error {
	if yes {
		return fmt.Errorf("yes, and the error %w", err)
	}
	return err
}

// fault is an answer that every request gets.
func (at *place) fault(h http.HandlerFunc) {
	at.Proxy.Intercept(func(*http.Request) http.Handler { return h })
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // the client may be gone
	}
}

func breakOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestAFailureIsNoAnswer: a 403 is fs.ErrPermission, a 5xx or a broken connection
// is itself, in every question: never "no", never "missing", never an empty listing.
func TestAFailureIsNoAnswer(t *testing.T) {
	rows := []struct {
		name  string
		fault http.HandlerFunc
		check func(err error) bool
	}{
		{"403", answer(403, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`), func(err error) bool {
			return errors.Is(err, fs.ErrPermission)
		}},
		{"403 without a body", answer(403, ""), func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
		{"401", answer(401, ""), func(err error) bool { return errors.Is(err, fs.ErrPermission) }},
		{"500", answer(500, `<Error><Code>InternalError</Code></Error>`), func(err error) bool {
			return strings.Contains(err.Error(), "HTTP 500")
		}},
		{"503", answer(503, ""), func(err error) bool { return strings.Contains(err.Error(), "HTTP 503") }},
		{"a broken connection", breakOff, func(err error) bool {
			return strings.Contains(err.Error(), "EOF") || strings.Contains(err.Error(), "reset")
		}},
	}
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/d/x1")
		client := at.newClient(t, s3path.WithMaxAttempts(1))
		for _, row := range rows {
			at.fault(row.fault)
			for what, ask := range asked {
				for _, key := range []string{"", "d", "d/", "missing"} {
					p := client.Object(at.bucket.Bucket(), key)
					err := ask(t, p)
					if err == nil || !row.check(err) || errors.Is(err, fs.ErrNotExist) {
						t.Errorf("%s: %s of %v: %v", row.name, what, p, err)
						continue
					}
					var perr *fs.PathError
					if !errors.As(err, &perr) || perr.Path != p.String() {
						t.Errorf("%s: %s of %v: the error %#v does not name the path", row.name, what, p, err)
					}
				}
			}
		}
		at.Proxy.Intercept(nil)
	})
}

// forbid refuses the requests of one operation.
func (at *place) forbid(operation func(r *http.Request) bool) {
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if !operation(r) {
			return nil
		}
		if r.Method == http.MethodHead {
			return answer(403, "")
		}
		return answer(403, `<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	})
}

func isHead(r *http.Request) bool { return r.Method == http.MethodHead }
func isList(r *http.Request) bool {
	return r.Method == http.MethodGet && (r.URL.Query().Has("list-type") || r.URL.Query().Has("versions"))
}

// TestHeadForbiddenListAllowed: an empty list does not turn a 403 into "no".
func TestHeadForbiddenListAllowed(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/x", "f")
		at.forbid(isHead)
		for _, key := range []string{"missing", "f"} {
			_, err := at.object(key).Stat(t.Context())
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("Stat of %s: %v", key, err)
			}
			if !strings.Contains(err.Error(), "may also mean a missing key") {
				t.Errorf("Stat of %s: %v does not say what a 403 to a HEAD may mean", key, err)
			}
			if yes, err := at.object(key).Exists(t.Context()); yes || !errors.Is(err, fs.ErrPermission) {
				t.Errorf("Exists of %s: %v, %v", key, yes, err)
			}
			for what, err := range map[string]error{
				"IterDir": last(at.object(key).IterDir(t.Context())), "Walk": last(at.object(key).Walk(t.Context())),
				"WalkDir": at.object(key).WalkDir(t.Context(), func(_ s3path.Entry, err error) error { return err }),
			} {
				if !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s of %s: %v", what, key, err)
				}
			}
		}
		if info, err := at.object("d").Stat(t.Context()); err != nil || !info.IsDir() {
			t.Errorf("a directory is hidden by the 403: %v", err)
		}
		if yes, err := at.object("d").IsFile(t.Context()); yes || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("IsFile: %v, %v", yes, err)
		}
		if yes, err := at.object("d").IsDir(t.Context()); !yes || err != nil {
			t.Errorf("IsDir: %v, %v", yes, err)
		}
	})
}

// TestListForbiddenHeadAllowed: of public objects the files are found, a listing
// is refused and not empty, and what is missing cannot be known.
func TestListForbiddenHeadAllowed(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/x=body")
		at.forbid(isList)
		p := at.object("d/x")
		if err := yes(t, p.Exists, p.IsFile); err != nil {
			t.Error(err)
		}
		if info, err := p.Stat(t.Context()); err != nil || info.Size() != 4 {
			t.Errorf("Stat: %v", err)
		}
		if got, err := p.ReadText(t.Context()); err != nil || got != "body" {
			t.Errorf("ReadText: %q, %v", got, err)
		}
		for what, ask := range asked {
			for _, key := range []string{"d", "d/"} {
				if what == "IsFile" && key == "d" {
					continue // which the HEAD answers
				}
				if err := ask(t, at.object(key)); !errors.Is(err, fs.ErrPermission) {
					t.Errorf("%s of %s: %v, want fs.ErrPermission", what, key, err)
				}
			}
		}
	})
}

func yes(t *testing.T, asks ...func(context.Context) (bool, error)) error {
	for _, ask := range asks {
		if yes, err := ask(t.Context()); !yes || err != nil {
			return fmt.Errorf("a file is not found: %v, %w", yes, err)
		}
	}
	return nil
}

// TestNotFoundByStatus: a 404 means missing whatever comes with it.
func TestNotFoundByStatus(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for name, body := range map[string]string{
			"HTML":        `<html><head><title>404</title><br></head><body>nginx</body></html>`,
			"JSON":        `{"error": "not found"}`,
			"nothing":     "",
			"another XML": `<?xml version="1.0"?><Fault><Reason>gone</Reason></Fault>`,
		} {
			at.fault(answer(404, body))
			for _, key := range []string{"a", "a/", ""} {
				p := at.object(key)
				if got := questions3(t, p); got != (answers{}) {
					t.Errorf("404 with %s: %v: %+v", name, p, got)
				}
				if _, err := p.Stat(t.Context()); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("404 with %s: Stat of %v: %v", name, p, err)
				}
				if err := last(p.IterDir(t.Context())); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("404 with %s: IterDir of %v: %v", name, p, err)
				}
			}
			if _, err := at.object("a").ReadBytes(t.Context()); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("404 with %s: ReadBytes: %v", name, err)
			}
		}
	})
}

// TestStat is what an Info knows of an object, and that a listing knows the same
// as far as it knows it.
func TestStat(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		p := at.object("dir/data.txt")
		err := p.WriteText(ctx, "hello", s3path.WithContentType("text/x-test"), s3path.WithCacheControl("no-store"),
			s3path.WithMetadata(map[string]string{"Owner": "me"}))
		if err != nil {
			t.Fatal(err)
		}
		info, err := p.Stat(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if info.Name() != "data.txt" || info.Size() != 5 || info.Mode() != 0o644 || info.IsDir() || !info.Complete() ||
			info.ContentType() != "text/x-test" || info.CacheControl() != "no-store" || info.Metadata()["owner"] != "me" ||
			info.StorageClass() != "STANDARD" || info.ETag() == "" || strings.Contains(info.ETag(), `"`) || info.Sys() == nil {
			t.Errorf("Stat: %+v", info)
		}
		if age := time.Since(info.ModTime()); age < -time.Minute || age > time.Hour || info.ModTime().Nanosecond() != 0 {
			t.Errorf("ModTime is %v", info.ModTime())
		}
		info.Metadata()["owner"] = "you"
		if info.Metadata()["owner"] != "me" {
			t.Error("Metadata is not a copy")
		}

		listed := 0
		for e, err := range at.bucket.Walk(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			listed++
			got, err := e.Info()
			if err != nil {
				t.Fatal(err)
			}
			known := got.(s3path.Info)
			if known.Name() != info.Name() || known.Size() != info.Size() || !known.ModTime().Equal(info.ModTime()) ||
				known.Mode() != info.Mode() || known.ETag() != info.ETag() || known.StorageClass() != info.StorageClass() {
				t.Errorf("listed %+v, Stat says %+v", known, info)
			}
			if known.Complete() || known.ContentType() != "" || known.CacheControl() != "" || known.Metadata() != nil || known.Sys() != nil {
				t.Errorf("a listing claims to know more than it can: %+v", known)
			}
		}
		if listed != 1 {
			t.Errorf("%d entries", listed)
		}

		bucket, err := at.bucket.Stat(ctx)
		if err != nil || !bucket.IsDir() || bucket.Name() != at.bucket.Bucket() || !bucket.Complete() {
			t.Errorf("Stat of the bucket: %+v, %v", bucket, err)
		}
	})
}

// TestStatOptions: what Stat takes, and what it refuses.
func TestStatOptions(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, "d/f=12345")
		p := at.object("d/f")
		var known s3path.Info
		info, err := p.Stat(ctx, s3path.WithInfo(&known))
		if err != nil || known.Size() != 5 || known.ETag() != info.ETag() {
			t.Fatalf("WithInfo: %+v, %v", known, err)
		}
		if _, err := p.Stat(ctx, s3path.WithIfMatch(info.ETag())); err != nil {
			t.Errorf("the right ETag: %v", err)
		}
		for _, key := range []string{"d/f", "d"} {
			kept := known
			_, err := at.object(key).Stat(ctx, s3path.WithIfMatch("0123456789abcdef0123456789abcdef"), s3path.WithInfo(&kept))
			if !errors.Is(err, cloudpath.ErrPreconditionFailed) || kept.ETag() != known.ETag() {
				t.Errorf("%s with a stale ETag: %v, %+v", key, err, kept)
			}
		}
		before := at.Proxy.Count()
		if _, err := p.Stat(ctx, s3path.WithReadAhead(1<<20)); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "WithReadAhead") {
			t.Errorf("WithReadAhead: %v", err)
		}
		if n := at.Proxy.Count() - before; n != 0 {
			t.Errorf("%d requests", n)
		}
	})
}
