package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// offlineClient is one that must not ask anybody: whoever is asked fails the test.
func offlineClient(t *testing.T, endpoint, dir string) *s3path.Client {
	t.Helper()
	keepPrivate(t, dir)
	return openClient(t, s3path.WithEndpoint(endpoint), s3path.WithCacheDir(dir), s3path.WithCacheFreshness(localcache.Offline()),
		s3path.WithAWSConfig(aws.Config{Credentials: provider(func(context.Context) (aws.Credentials, error) {
			t.Error("credentials were looked for")
			return aws.Credentials{}, errors.New("none")
		})}),
		s3path.WithHTTPClient(&http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			t.Errorf("%s %s was asked for", r.Method, r.URL)
			return nil, errors.New("offline")
		})}))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What is answered from the directory is what the server would answer if it held
// what there are copies of, and nothing else.
func TestOfflineIsTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		keys := []string{"a.txt", "d/b.txt", "d/e/c.txt", "d/e/d.md", "d!/x", "d.txt", "z/y/x/w"}
		for i, key := range keys {
			at.put(t, fmt.Sprintf("%s=%0*d", key, i+1, i))
		}
		dir := t.TempDir()
		online := at.caching(t, dir, localcache.Revalidate())
		for _, key := range keys {
			online.text(t, key)
		}
		client := offlineClient(t, at.URL, dir)
		compare := func(what string, ask func(root s3path.S3Path) string) {
			t.Helper()
			if got, want := ask(client.Object(at.bucket.Bucket(), "")), ask(at.bucket); got != want {
				t.Errorf("%s:\noffline %s\n online %s", what, got, want)
			}
		}
		listed := func(seq func(yield func(s3path.Entry, error) bool)) string {
			var b strings.Builder
			for e, err := range seq {
				if err != nil {
					return b.String() + said(nil, err)
				}
				fmt.Fprintf(&b, "%s dir=%t %d %v %s; ", e.Rel(), e.IsDir(), e.Size(), e.ModTime().Unix(), e.ETag())
			}
			return b.String()
		}
		for _, key := range []string{"", "a.txt", "d", "d/", "d/e", "d/e/c.txt", "z/y/x", "none", "d/none"} {
			compare("Stat "+key, func(root s3path.S3Path) string {
				info, err := root.Child(key).Stat(t.Context())
				return said([]any{info.Name(), info.IsDir(), info.Size(), info.ModTime().Unix(), info.ETag(), info.ContentType(), info.Complete()}, err)
			})
			compare("Exists "+key, func(root s3path.S3Path) string { return said(root.Child(key).Exists(t.Context())) })
			compare("IsFile "+key, func(root s3path.S3Path) string { return said(root.Child(key).IsFile(t.Context())) })
			compare("IsDir "+key, func(root s3path.S3Path) string { return said(root.Child(key).IsDir(t.Context())) })
			compare("IterDir "+key, func(root s3path.S3Path) string { return listed(root.Child(key).IterDir(t.Context())) })
			compare("Walk "+key, func(root s3path.S3Path) string {
				return listed(root.Child(key).Walk(t.Context(), s3path.WithDirs()))
			})
			compare("ReadText "+key, func(root s3path.S3Path) string { return said(root.Child(key).ReadText(t.Context())) })
			compare("Open "+key, func(root s3path.S3Path) string {
				r, err := root.Child(key).Open(t.Context())
				if err != nil {
					return said(nil, err)
				}
				data, err := io.ReadAll(r)
				return said(string(data), errors.Join(err, r.Close()))
			})
			compare("Cached "+key, func(root s3path.S3Path) string {
				f, err := root.Child(key).Cached(t.Context())
				if err != nil {
					return said(nil, err)
				}
				data, err := os.ReadFile(f.Name())
				return said(string(data), errors.Join(err, f.Close()))
			})
			compare("ReadRange "+key, func(root s3path.S3Path) string {
				data, err := root.Child(key).ReadRange(t.Context(), 1, 2)
				if errors.Is(err, io.EOF) {
					return "EOF"
				}
				return said(string(data), err)
			})
			compare("DownloadTo "+key, func(root s3path.S3Path) string {
				local := filepath.Join(t.TempDir(), "x")
				if err := root.Child(key).DownloadTo(t.Context(), local); err != nil {
					return said(nil, err)
				}
				var names []string
				_ = filepath.WalkDir(local, func(name string, _ fs.DirEntry, err error) error {
					names = append(names, strings.TrimPrefix(name, local))
					return err
				})
				return strings.Join(names, " ")
			})
		}
		for _, pattern := range []string{"*", "**/*.txt", "d/*", "d*/**", "**/", "a.txt", "z/**/w", "[", "{a,d}.txt"} {
			compare("Glob "+pattern, func(root s3path.S3Path) string { return listed(root.Glob(t.Context(), pattern)) })
		}
		for _, opts := range [][]s3path.ListOption{
			{s3path.WithLimit(3)}, {s3path.WithPageSize(2)}, {s3path.WithStartAfter("d/b.txt")}, {s3path.WithRawPrefix("d")}, {s3path.WithMinSize(3)},
		} {
			compare(fmt.Sprint("Walk with an option ", opts), func(root s3path.S3Path) string { return listed(root.Walk(t.Context(), opts...)) })
			compare(fmt.Sprint("IterDir with an option ", opts), func(root s3path.S3Path) string { return listed(root.IterDir(t.Context(), opts...)) })
		}
	})
}

// The view for io/fs is answered from the directory as well, a read from the
// middle included.
func TestOfflineFS(t *testing.T) {
	at := apart(t)
	at.put(t, "d/a.txt=one", "d/e/b.txt=two", "d/e/f/c=three")
	dir := t.TempDir()
	online := at.caching(t, dir, localcache.Revalidate())
	for _, key := range []string{"d/a.txt", "d/e/b.txt", "d/e/f/c"} {
		online.text(t, key)
	}
	view := offlineClient(t, at.URL, dir).Object(at.bucket.Bucket(), "d").FS(t.Context())
	if err := fstest.TestFS(view, "a.txt", "e/b.txt", "e/f/c"); err != nil {
		t.Error(err)
	}
	f, err := view.Open("e/f/c")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	middle := make([]byte, 2)
	if n, err := f.(io.ReaderAt).ReadAt(middle, 1); n != 2 || err != nil || string(middle) != "hr" {
		t.Errorf("%q, %v", middle, err)
	}
}

// Nothing is changed offline, and nothing is asked that no copy can answer.
func TestOfflineRefusals(t *testing.T) {
	dir := t.TempDir()
	client := offlineClient(t, "http://localhost:1", dir)
	f := client.MustParse("s3://bucket/f")
	ctx := t.Context()
	for name, do := range map[string]func() error{
		"WriteText":  func() error { return f.WriteText(ctx, "x") },
		"WriteFrom":  func() error { _, err := f.WriteFrom(ctx, strings.NewReader("x")); return err },
		"Create":     func() error { _, err := f.Create(ctx); return err },
		"Update":     func() error { return f.Update(ctx, func(b []byte) ([]byte, error) { return b, nil }) },
		"UploadFrom": func() error { return f.UploadFrom(ctx, t.TempDir()) },
		"Touch":      func() error { return f.Touch(ctx) },
		"Mkdir":      func() error { return f.Mkdir(ctx) },
		"Copy":       func() error { return f.Copy(ctx, client.MustParse("s3://bucket/g")) },
		"CopyTree":   func() error { return f.CopyTree(ctx, client.MustParse("s3://bucket/g")) },
		"Rename":     func() error { return f.Rename(ctx, client.MustParse("s3://bucket/g")) },
		"Remove":     func() error { return f.Remove(ctx) },
		"RemoveAll":  func() error { return f.RemoveAll(ctx) },
		"RemoveMany": func() error { return client.RemoveMany(ctx, slices.Values([]s3path.S3Path{f})) },
		"Tags":       func() error { _, err := f.Tags(ctx); return err },
		"SetTags":    func() error { return f.SetTags(ctx, nil) },
		"Restore":    func() error { return f.Restore(ctx, 1, s3path.RestoreBulk) },
		"PresignGet": func() error { _, err := f.PresignGet(ctx, time.Hour); return err },
		"PresignPut": func() error { _, err := f.PresignPut(ctx, time.Hour); return err },
		"SyncFrom":   func() error { _, err := f.SyncFrom(ctx, t.TempDir()); return err },
		"SyncTo":     func() error { _, err := f.SyncTo(ctx, t.TempDir()); return err },
		"AbortStale": func() error { _, err := client.AbortStale(ctx, f, time.Hour); return err },
		"a copy to it": func() error {
			return memoryBucket(t).Join("f").Copy(ctx, f)
		},
		"Versions": func() error {
			for _, err := range f.Versions(ctx) {
				return err
			}
			return nil
		},
		"Buckets": func() error {
			for _, err := range client.Buckets(ctx) {
				return err
			}
			return nil
		},
	} {
		err := do()
		if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "offline") {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := errors.AsType[*fs.PathError](err); !ok {
			t.Errorf("%s: %T", name, err)
		}
	}
	if _, err := f.Stat(ctx); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	for _, err := range client.MustParse("s3://bucket").IterDir(ctx) {
		if !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	if err := f.Evict(ctx); err != nil {
		t.Error(err)
	}
}

// A version that was read can be read offline, as that version.
func TestOfflineVersion(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.keepVersions(t)
		first, second := at.putVersion(t, "f", "first"), at.putVersion(t, "f", "second")
		dir := t.TempDir()
		online := at.caching(t, dir, localcache.Revalidate())
		for _, version := range []string{first, second} {
			if _, err := online.object("f").AtVersion(version).ReadText(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		f := offlineClient(t, at.URL, dir).Object(at.bucket.Bucket(), "f")
		for version, want := range map[string]string{first: "first", second: "second", "": said(nil, fs.ErrNotExist), "other": said(nil, fs.ErrNotExist)} {
			p := f.AtVersion(version)
			if got := said(p.ReadText(t.Context())); got != want {
				t.Errorf("version %q: %q, want %q", version, got, want)
			}
			info, err := p.Stat(t.Context())
			if got := said(info.Size(), err); err == nil && info.Size() != int64(len(want)) || err != nil && got != want {
				t.Errorf("version %q: Stat %s", version, got)
			}
		}
		// Evict of a version leaves the others.
		if err := f.AtVersion(first).Evict(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := f.AtVersion(first).ReadText(t.Context()); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
		if _, err := f.AtVersion(second).ReadText(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Evict drops the file and the tree of a name, and nothing beside it.
func TestEvict(t *testing.T) {
	at := apart(t)
	keys := []string{"d", "d/a", "d/b/c", "d.txt", "dd/x", "e"}
	at.put(t, keys...)
	dir := t.TempDir()
	c, offline := at.caching(t, dir, localcache.Revalidate()), at.caching(t, dir, localcache.Offline())
	left := func() []string {
		var left []string
		for _, key := range keys {
			if ok, err := offline.object(key).IsFile(t.Context()); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			} else if ok {
				left = append(left, key)
			}
		}
		return left
	}
	for _, row := range []struct {
		evict string
		left  []string
	}{
		{"d", []string{"d.txt", "dd/x", "e"}},
		{"d/", []string{"d", "d.txt", "dd/x", "e"}},
		{"d/b", []string{"d", "d/a", "d.txt", "dd/x", "e"}},
		{"none", keys},
		{"", nil},
	} {
		for _, key := range keys {
			c.text(t, key)
		}
		mark := at.Proxy.Mark()
		if err := c.object(row.evict).Evict(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := at.Proxy.Since(mark); len(n) != 0 {
			t.Errorf("Evict asked for %v", n.Operations())
		}
		same(t, fmt.Sprintf("after Evict of %q", row.evict), left(), row.left)
	}
	if err := at.object("d").Evict(t.Context()); err != nil {
		t.Errorf("of a client without a cache: %v", err)
	}
}
