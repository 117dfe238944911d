package aferoadapter_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"encoding/csv"
	"fmt"
	"html/template"
	"io"
	iofs "io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
)

func TestIOFS(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		names := []string{"a.txt", "a/b/c", "a/b.txt", "empty", "é ü%41+", "z/1"}
		for _, name := range names {
			at.put(t, "data/"+name+"="+strings.Repeat(name, 3))
		}
		at.put(t, "database/no")
		for _, fs := range []afero.Fs{at.below(), at.below(aferoadapter.WithStrictParents())} {
			if err := fstest.TestFS(afero.NewIOFS(fs), names...); err != nil {
				t.Error(err)
			}
		}
		at.put(t, "data/", "data/a/", "data/z/", "data/none/", "data/none/below/")
		if err := fstest.TestFS(afero.NewIOFS(at.below()), append(names, "none/below")...); err != nil {
			t.Error(err)
		}
		sub, err := iofs.Sub(afero.NewIOFS(at.below()), "a")
		if err != nil {
			t.Fatal(err)
		}
		if err := fstest.TestFS(sub, "b/c", "b.txt"); err != nil {
			t.Error(err)
		}
		if err := fstest.TestFS(afero.NewIOFS(aferoadapter.New(at.bucket.Join("nothing")))); err != nil {
			t.Error(err)
		}
	})
}

func TestBasePathFs(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := afero.NewBasePathFs(at.fs(), "base")
		write(t, fs, "d/f", "content")
		holds(t, fs, "/d/f", "content")
		want(t, "Rename", fs.Rename("d", "e"), nil)
		infos, err := afero.ReadDir(fs, "/")
		if err != nil || len(infos) != 1 || infos[0].Name() != "e" {
			t.Errorf("%v, %v", infos, err)
		}
		if _, err := fs.Open("../other"); !os.IsNotExist(err) {
			t.Error(err)
		}
		var seen []string
		err = afero.Walk(fs, "", func(path string, _ os.FileInfo, err error) error { seen = append(seen, path); return err })
		if err != nil || fmt.Sprint(seen) != "[ e e/f]" {
			t.Errorf("%q, %v", seen, err)
		}
		at.has(t, "base/e/f=content")
	})
}

func TestReadOnlyFs(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=content")
		fs := afero.NewReadOnlyFs(at.fs())
		holds(t, fs, "d/f", "content")
		for what, err := range map[string]error{
			"Create": second(fs.Create("x")), "Mkdir": fs.Mkdir("x", 0), "Remove": fs.Remove("d/f"), "Rename": fs.Rename("d", "e"),
		} {
			if err != syscall.EPERM {
				t.Errorf("%s: %v", what, err)
			}
		}
		at.has(t, "d/f=content")
	})
}

// A bucket that is only read below, and memory or another prefix above.
func TestCopyOnWriteFs(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for what, layer := range map[string]afero.Fs{"memory": afero.NewMemMapFs(), "the bucket": aferoadapter.New(at.bucket.Join("layer"))} {
			at.put(t, "base/d/f=base", "base/d/g=kept")
			fs := afero.NewCopyOnWriteFs(aferoadapter.New(at.bucket.Join("base")), layer)
			holds(t, fs, "d/f", "base")
			write(t, fs, "d/f", "layer")
			write(t, fs, "d/new", "new")
			holds(t, fs, "d/f", "layer")
			holds(t, fs, "d/g", "kept")
			want(t, "Chtimes", fs.Chtimes("d/g", time.Now(), time.Now()), nil)
			want(t, "Mkdir", fs.Mkdir("d/sub", 0o755), nil)
			if _, err := fs.Open("d/none"); !os.IsNotExist(err) {
				t.Errorf("%s: %v", what, err)
			}
			names := must[[]os.FileInfo](t)(afero.ReadDir(fs, "d"))
			if len(names) != 4 {
				t.Errorf("%s: %v", what, names)
			}
			f, err := fs.OpenFile("d/g", os.O_RDWR|os.O_APPEND, 0o644)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(f, "!")
			closed(t, f)
			holds(t, fs, "d/g", "kept!")
			if at.body(t, "base/d/f") != "base" || at.body(t, "base/d/g") != "kept" {
				t.Errorf("%s: the base was changed", what)
			}
		}
	})
}

func TestCacheOnReadFs(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=content", "d/g=other")
		fs := afero.NewCacheOnReadFs(at.fs(), afero.NewMemMapFs(), time.Hour)
		holds(t, fs, "d/f", "content")
		at.costs(t, "a second read", func() { holds(t, fs, "d/f", "content") })
		// Not WriteFile: afero would read from a handle that is only for writing, on a disk too.
		f := must[afero.File](t)(fs.Create("d/new"))
		io.WriteString(f, "both")
		closed(t, f)
		if body := at.body(t, "d/new"); body != "both" {
			t.Errorf("%q", body)
		}
		want(t, "Remove", fs.Remove("d/f"), nil)
		if _, err := fs.Stat("d/f"); !os.IsNotExist(err) {
			t.Error(err)
		}
		want(t, "Rename", fs.Rename("d/g", "d/h"), nil)
		holds(t, fs, "d/h", "other")
		at.has(t, "d/h=other", "d/new=both")
		// And as the layer that caches.
		base := afero.NewMemMapFs()
		write(t, base, "x/y", "base")
		cached := afero.NewCacheOnReadFs(base, at.fs(), time.Hour)
		holds(t, cached, "x/y", "base")
		holds(t, cached, "x/y", "base")
		if body := at.body(t, "x/y"); body != "base" {
			t.Errorf("%q", body)
		}
	})
}

func TestHTTPFs(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "site/big.bin="+strings.Repeat("0123456789", 1000), "site/index.html=<p>hello", "site/sub/x.txt=x")
		web := httptest.NewServer(http.FileServer(afero.NewHttpFs(at.fs()).Dir("site")))
		defer web.Close()
		get := func(path, rng string) (int, string) {
			t.Helper()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if rng != "" {
				req.Header.Set("Range", rng)
			}
			resp, err := web.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			return resp.StatusCode, readAll(t, resp.Body)
		}
		mark := at.Proxy.Mark()
		if code, body := get("/big.bin", "bytes=5000-5009"); code != http.StatusPartialContent || body != "0123456789" {
			t.Errorf("%d %q", code, body)
		}
		log := at.Proxy.Since(mark)
		if len(log) != 2 || log[0].Operation != "HeadObject" || log[1].Operation != "GetObject" || !strings.HasPrefix(log[1].Header.Get("Range"), "bytes=5000-") {
			t.Errorf("a Range request made %v", log)
		}
		if code, body := get("/", ""); code != http.StatusOK || body != "<p>hello" {
			t.Errorf("%d %q", code, body)
		}
		if code, body := get("/sub/", ""); code != http.StatusOK || !strings.Contains(body, "x.txt") {
			t.Errorf("%d %q", code, body)
		}
		if code, _ := get("/none", ""); code != http.StatusNotFound {
			t.Error(code)
		}
		if code, _ := get("/big.bin", "bytes=20000-"); code != http.StatusRequestedRangeNotSatisfiable {
			t.Error(code)
		}
	})
}

// Programs that know nothing of S3, unchanged.
func TestInUse(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		t.Run("tar", func(t *testing.T) {
			f := must[afero.File](t)(fs.Create("out/a.tar"))
			w := tar.NewWriter(f)
			if err := w.WriteHeader(&tar.Header{Name: "one", Size: 3, Mode: 0o644}); err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, "111")
			closed(t, w)
			closed(t, f)
			f = must[afero.File](t)(fs.Open("out/a.tar"))
			r := tar.NewReader(f)
			h, err := r.Next()
			if err != nil || h.Name != "one" || readAll(t, r) != "111" {
				t.Errorf("%v, %v", h, err)
			}
			closed(t, f)
		})
		t.Run("zip", func(t *testing.T) {
			f := open(t, fs, "out/a.zip", os.O_WRONLY|os.O_CREATE)
			z := zip.NewWriter(f)
			w, err := z.Create("d/one")
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, "111")
			closed(t, z)
			closed(t, f)
			f = must[afero.File](t)(fs.Open("out/a.zip"))
			info := must[os.FileInfo](t)(f.Stat())
			r, err := zip.NewReader(f, info.Size())
			if err != nil {
				t.Fatal(err)
			}
			if data, err := iofs.ReadFile(r, "d/one"); err != nil || string(data) != "111" {
				t.Errorf("%q, %v", data, err)
			}
			closed(t, f)
		})
		t.Run("csv", func(t *testing.T) {
			f := must[afero.File](t)(fs.Create("out/a.csv"))
			w := csv.NewWriter(f)
			if err := w.WriteAll([][]string{{"a", "b"}, {"1", "x y,\n"}}); err != nil {
				t.Error(err)
			}
			closed(t, f)
			f = must[afero.File](t)(fs.Open("out/a.csv"))
			rows, err := csv.NewReader(f).ReadAll()
			if err != nil || len(rows) != 2 || rows[1][1] != "x y,\n" {
				t.Errorf("%q, %v", rows, err)
			}
			closed(t, f)
		})
		t.Run("template", func(t *testing.T) {
			write(t, fs, "pages/p.html", "<b>{{.}}</b>")
			pages, err := template.ParseFS(afero.NewIOFS(fs), "pages/*.html")
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := pages.Execute(&b, "<"); err != nil || b.String() != "<b>&lt;</b>" {
				t.Errorf("%q, %v", b.String(), err)
			}
		})
		t.Run("log", func(t *testing.T) {
			for i := range 3 {
				f := open(t, fs, "out/log", os.O_WRONLY|os.O_CREATE|os.O_APPEND)
				fmt.Fprintln(f, "line", i)
				closed(t, f)
			}
			holds(t, fs, "out/log", "line 0\nline 1\nline 2\n")
		})
		t.Run("Glob", func(t *testing.T) {
			names, err := afero.Glob(fs, "out/a.*")
			if err != nil || fmt.Sprint(names) != "[out/a.csv out/a.tar out/a.zip]" {
				t.Errorf("%q, %v", names, err)
			}
		})
	})
}
