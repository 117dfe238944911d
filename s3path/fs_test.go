package s3path_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// operations is what fn asks the server for.
func (at *place) operations(fn func()) []string {
	mark := at.Proxy.Mark()
	fn()
	var ops []string
	for _, r := range at.Proxy.Since(mark) {
		ops = append(ops, r.Operation)
	}
	return ops
}

func TestFSIsAnFS(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		files := []string{"data/a.txt=hello", "data/a/b/c=deep", "data/a/b.txt=x", "data/empty", "data/é ü%41+=odd", "data/z/1=1", "database/no=other"}
		at.put(t, files...)
		fsys := at.bucket.Join("data").FS(t.Context())
		names := []string{"a.txt", "a/b/c", "a/b.txt", "empty", "é ü%41+", "z/1"}
		check := func(t *testing.T, fsys fs.FS, names ...string) {
			t.Helper()
			if err := fstest.TestFS(fsys, names...); err != nil {
				t.Error(err)
			}
		}
		t.Run("plain", func(t *testing.T) { check(t, fsys, names...) })
		t.Run("the bucket", func(t *testing.T) { check(t, at.bucket.FS(t.Context()), "data/a/b/c", "database/no") })
		t.Run("Sub", func(t *testing.T) {
			sub, err := fs.Sub(fsys, "a")
			if err != nil {
				t.Fatal(err)
			}
			check(t, sub, "b/c", "b.txt")
		})
		t.Run("markers", func(t *testing.T) {
			at.put(t, "data/", "data/a/", "data/z/", "data/none/", "data/none/below/")
			check(t, fsys, append(names, "none/below")...)
			sub, err := fs.Sub(fsys, "none")
			if err != nil {
				t.Fatal(err)
			}
			check(t, sub, "below")
		})
		t.Run("an empty bucket", func(t *testing.T) {
			empty := newPlace(t, at.Server)
			if err := fstest.TestFS(empty.bucket.FS(t.Context())); err != nil {
				t.Error(err)
			}
		})
	})
}

// Keys that are no names of io/fs, and objects beside directories.
func TestFSHostileKeys(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyEmptyComponent, s3matrix.KeyDots, s3matrix.KeyLeadingSlash, s3matrix.FileBesideDirectory, s3matrix.ListBelowFile)
		at.put(t, "d/../x=1", "d/./y=2", "d//z=3", "d/a=file", "d/a/b=below", "d/a.txt=between", "d/ok=4", "/lead=5", "..=6")
		fsys := at.bucket.FS(t.Context())
		entries, err := fs.ReadDir(fsys, "d")
		var names []string
		for _, e := range entries {
			names = append(names, fmt.Sprint(e))
		}
		if want := []string{"d a/", "- a.txt", "- ok"}; err != nil || !slices.Equal(names, want) {
			t.Errorf("listed %q, %v, want %q", names, err, want)
		}
		if err := fstest.TestFS(fsys, "d/a/b", "d/ok"); err != nil {
			t.Error(err)
		}
		if info, err := fs.Stat(fsys, "d/a"); err != nil || !info.IsDir() {
			t.Errorf("listed as a directory, but Stat says %v, %v", info, err)
		}
		if _, err := fs.ReadFile(fsys, "d/a"); !errors.Is(err, cloudpath.ErrIsDirectory) {
			t.Errorf("read a directory: %v", err)
		}
		// When the directory is gone, the file is what is left.
		if err := at.object("d/a/b").Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if data, err := fs.ReadFile(fsys, "d/a"); err != nil || string(data) != "file" {
			t.Errorf("%q, %v", data, err)
		}
		// A view that has listed nothing finds the object with its one request.
		at.put(t, "d/a/b=below")
		if info, err := fs.Stat(at.bucket.FS(t.Context()), "d/a"); err != nil || info.IsDir() {
			t.Errorf("%v, %v", info, err)
		}
	})
}

func TestFSRequests(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=0123456789", "d/sub/g=g", "d/empty")
		fsys := at.bucket.Join("d").FS(t.Context())
		var f fs.File
		var err error
		got := func() {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, row := range []struct {
			what string
			fn   func()
			want []string
		}{
			{"FS", func() { _ = at.bucket.FS(t.Context()) }, nil},
			{"Sub", func() { _, err = fs.Sub(fsys, "sub") }, nil},
			{"Open of a file", func() { f, err = fsys.Open("f") }, []string{"HeadObject"}},
			{"Stat of the file", func() { _, err = f.Stat() }, nil},
			{"Seek", func() { _, err = f.(io.Seeker).Seek(0, io.SeekEnd); _, _ = f.(io.Seeker).Seek(0, io.SeekStart) }, nil},
			{"Read of nothing", func() { _, err = f.Read(nil) }, nil},
			{"the first Read", func() { _, err = f.Read(make([]byte, 3)) }, []string{"GetObject"}},
			{"the rest", func() { _, err = io.ReadAll(f) }, nil},
			{"ReadAt", func() { _, err = f.(io.ReaderAt).ReadAt(make([]byte, 3), 2) }, []string{"GetObject"}},
			{"Read after Seek", func() { _, _ = f.(io.Seeker).Seek(4, io.SeekStart); _, err = io.ReadAll(f) }, []string{"GetObject"}},
			{"Close", func() { err = f.Close() }, nil},
			{"Stat", func() { _, err = fs.Stat(fsys, "f") }, []string{"HeadObject"}},
			{"Stat of a directory", func() { _, err = fs.Stat(fsys, "sub") }, []string{"HeadObject", "ListObjectsV2"}},
			{"Open of a directory", func() { f, err = fsys.Open("sub") }, []string{"HeadObject", "ListObjectsV2"}},
			{"its ReadDir", func() { _, err = f.(fs.ReadDirFile).ReadDir(1) }, []string{"ListObjectsV2"}},
			{"its end", func() { _, _ = f.(fs.ReadDirFile).ReadDir(1) }, nil},
			{"the root", func() { _, err = fs.Stat(fsys, ".") }, []string{"ListObjectsV2"}},
			{"ReadDir", func() { _, err = fs.ReadDir(fsys, "sub") }, []string{"ListObjectsV2"}},
			{"ReadFile", func() { _, err = fs.ReadFile(fsys, "f") }, []string{"GetObject"}},
			{"WriteTo", func() { f, _ = fsys.Open("f"); _, err = f.(io.WriterTo).WriteTo(io.Discard) }, []string{"HeadObject", "GetObject"}},
			{"its Close", func() { err = f.Close() }, nil},
			{"an empty file, read", func() { f, _ = fsys.Open("empty"); _, err = io.ReadAll(f) }, []string{"HeadObject"}},
			{"WalkDir", func() { err = fs.WalkDir(fsys, ".", func(string, fs.DirEntry, error) error { return nil }) }, []string{"ListObjectsV2", "ListObjectsV2", "ListObjectsV2"}},
		} {
			if ops := at.operations(row.fn); !slices.Equal(ops, row.want) {
				t.Errorf("%s made %q, want %q", row.what, ops, row.want)
			}
			got()
		}
	})
}

// The range that is asked for is the range that is wanted.
func TestFSRanges(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "f=0123456789")
		for _, row := range []struct {
			what string
			fn   func(f fs.File)
			want string
		}{
			{"from the start", func(f fs.File) { io.ReadAll(f) }, ""},
			{"after Seek", func(f fs.File) { f.(io.Seeker).Seek(4, io.SeekStart); io.ReadAll(f) }, "bytes=4-9"},
			{"from the end", func(f fs.File) { f.(io.Seeker).Seek(-3, io.SeekEnd); io.ReadAll(f) }, "bytes=7-9"},
			{"ReadAt", func(f fs.File) { f.(io.ReaderAt).ReadAt(make([]byte, 2), 5) }, "bytes=5-6"},
			{"ReadAt over the end", func(f fs.File) { f.(io.ReaderAt).ReadAt(make([]byte, 20), 5) }, "bytes=5-9"},
		} {
			f, err := at.bucket.FS(t.Context()).Open("f")
			if err != nil {
				t.Fatal(err)
			}
			mark := at.Proxy.Mark()
			row.fn(f)
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			log := at.Proxy.Since(mark)
			if len(log) != 1 || log[0].Header.Get("Range") != row.want || log[0].Header.Get("If-Match") == "" {
				t.Errorf("%s: %d requests, Range %q, If-Match %q, want one, %q, and an ETag", row.what, len(log), log[0].Header.Get("Range"), log[0].Header.Get("If-Match"), row.want)
			}
		}
	})
}

func TestFSFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		content := strings.Repeat("0123456789", 50)
		at.put(t, "d/f="+content)
		fsys := at.bucket.FS(t.Context())
		f, err := fsys.Open("d/f")
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(f, []byte(content)); err != nil {
			t.Error(err)
		}
		var same sync.WaitGroup
		for i := range 8 {
			same.Go(func() {
				b := make([]byte, 10)
				if _, err := f.(io.ReaderAt).ReadAt(b, int64(i*10)); err != nil || string(b) != content[:10] {
					t.Errorf("%q, %v", b, err)
				}
				f.(io.Seeker).Seek(int64(i), io.SeekStart)
				f.Read(b)
			})
		}
		same.Wait()
		info, err := f.Stat()
		if err != nil || info.Name() != "f" || info.Size() != 500 || info.Mode() != 0o644 || info.ModTime().IsZero() {
			t.Errorf("%v, %v", info, err)
		}
		if known, ok := info.Sys().(s3path.Info); !ok || known.ETag() == "" {
			t.Errorf("Sys is %v", info.Sys())
		}
		for _, row := range []struct {
			what string
			fn   func() error
			want error
		}{
			{"a negative Seek", func() error { _, err := f.(io.Seeker).Seek(-1, io.SeekStart); return err }, fs.ErrInvalid},
			{"an unknown whence", func() error { _, err := f.(io.Seeker).Seek(0, 7); return err }, fs.ErrInvalid},
			{"a negative ReadAt", func() error { _, err := f.(io.ReaderAt).ReadAt(make([]byte, 1), -1); return err }, fs.ErrInvalid},
			{"ReadAt behind the end", func() error { _, err := f.(io.ReaderAt).ReadAt(make([]byte, 1), 500); return err }, io.EOF},
			{"Close", f.Close, nil},
			{"Read after Close", func() error { _, err := f.Read(make([]byte, 1)); return err }, fs.ErrClosed},
			{"ReadAt after Close", func() error { _, err := f.(io.ReaderAt).ReadAt(make([]byte, 1), 0); return err }, fs.ErrClosed},
			{"Seek after Close", func() error { _, err := f.(io.Seeker).Seek(0, 0); return err }, fs.ErrClosed},
			{"WriteTo after Close", func() error { _, err := f.(io.WriterTo).WriteTo(io.Discard); return err }, fs.ErrClosed},
			{"Stat after Close", func() error { _, err := f.Stat(); return err }, fs.ErrClosed},
			{"a second Close", f.Close, fs.ErrClosed},
		} {
			err := row.fn()
			pathErr, ok := errors.AsType[*fs.PathError](err)
			if !errors.Is(err, row.want) || err != nil && err != io.EOF && (!ok || pathErr.Path != "d/f") {
				t.Errorf("%s: %v, want %v", row.what, err, row.want)
			}
		}
	})
}

func TestFSDirectory(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/a.txt=1", "d/a/x=2", "d/b=3")
		fsys := at.bucket.FS(t.Context())
		d, err := fsys.Open("d")
		if err != nil {
			t.Fatal(err)
		}
		info, err := d.Stat()
		if err != nil || !info.IsDir() || info.Mode() != fs.ModeDir|0o755 || !info.ModTime().Equal(time.Unix(0, 0)) || info.Name() != "d" {
			t.Errorf("%v, %v", info, err)
		}
		if _, err := d.Read(make([]byte, 1)); !errors.Is(err, cloudpath.ErrIsDirectory) {
			t.Errorf("Read: %v", err)
		}
		read := func(n int) string {
			entries, err := d.(fs.ReadDirFile).ReadDir(n)
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return fmt.Sprint(names, err)
		}
		if got := read(1); got != "[a] <nil>" {
			t.Error(got)
		}
		at.put(t, "d/c=4") // and what is read is as it was
		if got := read(5); got != "[a.txt b] <nil>" {
			t.Error(got)
		}
		if got := read(1); got != "[] EOF" {
			t.Error(got)
		}
		if got := read(-1); got != "[] <nil>" {
			t.Error(got)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		for what, fn := range map[string]func() error{
			"ReadDir": func() error { _, err := d.(fs.ReadDirFile).ReadDir(1); return err },
			"Read":    func() error { _, err := d.Read(make([]byte, 1)); return err },
			"Stat":    func() error { _, err := d.Stat(); return err },
			"Close":   d.Close,
		} {
			if err := fn(); !errors.Is(err, fs.ErrClosed) {
				t.Errorf("%s after Close: %v", what, err)
			}
		}
	})
}

func TestFSErrors(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=1")
		fsys := at.bucket.FS(t.Context())
		nowhere := at.client.Object("absent-"+at.bucket.Bucket(), "").FS(t.Context())
		for _, row := range []struct {
			what string
			fn   func() error
			name string
			want error
		}{
			{"a missing file", func() error { _, err := fsys.Open("d/none"); return err }, "d/none", fs.ErrNotExist},
			{"Stat of one", func() error { _, err := fs.Stat(fsys, "none"); return err }, "none", fs.ErrNotExist},
			{"ReadFile of one", func() error { _, err := fs.ReadFile(fsys, "none"); return err }, "none", fs.ErrNotExist},
			{"ReadDir of one", func() error { _, err := fs.ReadDir(fsys, "none"); return err }, "none", fs.ErrNotExist},
			{"ReadDir of a file", func() error { _, err := fs.ReadDir(fsys, "d/f"); return err }, "d/f", cloudpath.ErrNotDirectory},
			{"ReadFile of a directory", func() error { _, err := fs.ReadFile(fsys, "d"); return err }, "d", cloudpath.ErrIsDirectory},
			{"a missing root", func() error { _, err := at.bucket.Join("none").FS(t.Context()).Open("."); return err }, ".", fs.ErrNotExist},
			{"a missing bucket", func() error { _, err := nowhere.Open("f"); return err }, "f", fs.ErrNotExist},
			{"a slash in front", func() error { _, err := fsys.Open("/d"); return err }, "/d", fs.ErrInvalid},
			{"a slash behind", func() error { _, err := fs.Stat(fsys, "d/"); return err }, "d/", fs.ErrInvalid},
			{"dots", func() error { _, err := fs.ReadFile(fsys, "d/../d/f"); return err }, "d/../d/f", fs.ErrInvalid},
			{"nothing", func() error { _, err := fs.ReadDir(fsys, ""); return err }, "", fs.ErrInvalid},
			{"Sub of dots", func() error { _, err := fs.Sub(fsys, ".."); return err }, "..", fs.ErrInvalid},
			{"a version", func() error { _, err := at.object("d/f").AtVersion("v").FS(t.Context()).Open("x"); return err }, "x", errors.ErrUnsupported},
			{"the zero path", func() error { _, err := (s3path.S3Path{}).FS(t.Context()).Open("x"); return err }, "x", cloudpath.ErrInvalidPath},
		} {
			err := row.fn()
			pathErr, ok := errors.AsType[*fs.PathError](err)
			if !errors.Is(err, row.want) || !ok || pathErr.Path != row.name {
				t.Errorf("%s: %v, want %v of %q", row.what, err, row.want, row.name)
			}
		}
		if sub, err := fs.Sub(fsys, "."); err != nil || sub != fsys {
			t.Errorf("Sub of . is %v, %v", sub, err)
		}
	})
}

// A file whose length nobody says is not taken for an empty one.
func TestFSUnknownLength(t *testing.T) {
	at := apart(t)
	at.put(t, "f=body")
	at.meddle("HeadObject", 1, forever, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Transfer-Encoding", "chunked")
		w.WriteHeader(http.StatusOK)
	})
	fsys := at.bucket.FS(t.Context())
	_, opened := fsys.Open("f")
	_, stat := fs.Stat(fsys, "f")
	for what, err := range map[string]error{"Open": opened, "Stat": stat} {
		if !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if data, err := fs.ReadFile(fsys, "f"); err != nil || string(data) != "body" {
		t.Errorf("%q, %v", data, err)
	}
}

// What is read is what was opened, or nothing.
func TestFSReplaced(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fsys := at.bucket.FS(t.Context())
		for what, read := range map[string]func(f fs.File) error{
			"Read":    func(f fs.File) error { _, err := f.Read(make([]byte, 3)); return err },
			"ReadAt":  func(f fs.File) error { _, err := f.(io.ReaderAt).ReadAt(make([]byte, 3), 1); return err },
			"Seek":    func(f fs.File) error { f.(io.Seeker).Seek(2, 0); _, err := f.Read(make([]byte, 3)); return err },
			"WriteTo": func(f fs.File) error { _, err := f.(io.WriterTo).WriteTo(io.Discard); return err },
		} {
			at.put(t, "f=before")
			f, err := fsys.Open("f")
			if err != nil {
				t.Fatal(err)
			}
			at.put(t, "f=behind")
			if err := read(f); !errors.Is(err, cloudpath.ErrChanged) {
				t.Errorf("%s of what was replaced: %v", what, err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// A program that knows nothing of S3: a web server, templates, an archive.
func TestFSInUse(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var archive bytes.Buffer
		z := zip.NewWriter(&archive)
		for _, name := range []string{"one.txt", "two/three.txt"} {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, "in "+name)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		at.putBody(t, "site/files.zip", archive.Bytes())
		at.put(t, "site/index.html=<h1>{{.}}</h1>", "site/big.bin="+strings.Repeat("0123456789", 1000))
		fsys := at.bucket.Join("site").FS(t.Context())

		web := httptest.NewServer(http.FileServer(http.FS(fsys)))
		defer web.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/big.bin", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Range", "bytes=5000-5009")
		mark := at.Proxy.Mark()
		resp, err := web.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusPartialContent || string(body) != "0123456789" {
			t.Errorf("%s %q, %v", resp.Status, body, err)
		}
		log := at.Proxy.Since(mark)
		if len(log) != 2 || log[0].Operation != "HeadObject" || log[1].Operation != "GetObject" || !strings.HasPrefix(log[1].Header.Get("Range"), "bytes=5000-") {
			t.Errorf("a Range request made %v", log)
		}

		tmpl, err := template.ParseFS(fsys, "*.html")
		if err != nil {
			t.Fatal(err)
		}
		var page strings.Builder
		if err := tmpl.Execute(&page, "<S3>"); err != nil || page.String() != "<h1>&lt;S3&gt;</h1>" {
			t.Errorf("%q, %v", page.String(), err)
		}

		f, err := fsys.Open("files.zip")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		unzipped, err := zip.NewReader(f.(io.ReaderAt), info.Size())
		if err != nil {
			t.Fatal(err)
		}
		if data, err := fs.ReadFile(unzipped, "two/three.txt"); err != nil || string(data) != "in two/three.txt" {
			t.Errorf("%q, %v", data, err)
		}
	})
}
