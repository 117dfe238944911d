package main

import (
	"archive/tar"
	"archive/zip"
	"encoding/csv"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/testdata/lake"
)

// work does with the files of an afero.Fs what programs do, with the packages they
// do it with. Nothing in it knows where the files are.
func work(out io.Writer, files afero.Fs) error {
	for _, step := range []struct {
		name string
		do   func(io.Writer, afero.Fs) error
	}{
		{"copy a tree", unpack},
		{"read a csv", sum},
		{"write an archive, and read it", pack},
		{"stream a tar", stream},
		{"render a template", render},
		{"append to a log", journal},
		{"rewrite in the middle", patch},
		{"answer a range request", serve},
		{"rename and remove", tidy},
		{"walk", walk},
	} {
		fmt.Fprintf(out, "%s\n", step.name)
		if err := step.do(out, files); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}

func unpack(out io.Writer, files afero.Fs) error {
	n := 0
	err := fs.WalkDir(lake.Files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		n++
		data, err := fs.ReadFile(lake.Files, name)
		if err != nil {
			return err
		}
		if err := files.MkdirAll(path.Dir("lake/"+name), 0o755); err != nil {
			return err
		}
		return afero.WriteFile(files, "lake/"+name, data, 0o644)
	})
	fmt.Fprintf(out, "  %d files\n", n)
	return err
}

func sum(out io.Writer, files afero.Fs) error {
	f, err := files.Open("lake/readings/2026-05.csv")
	if err != nil {
		return err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  %d rows of %q\n", len(rows)-1, rows[0])
	return nil
}

func pack(out io.Writer, files afero.Fs) error {
	f, err := files.Create("lake.zip")
	if err != nil {
		return err
	}
	w := zip.NewWriter(f)
	err = w.AddFS(afero.NewIOFS(afero.NewBasePathFs(files, "lake")))
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		return err
	}
	if f, err = files.Open("lake.zip"); err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, err := zip.NewReader(f, info.Size())
	if err != nil {
		return err
	}
	notes, err := fs.ReadFile(r, "notes.md")
	fmt.Fprintf(out, "  %d bytes of notes.md in it\n", len(notes))
	return err
}

func stream(out io.Writer, files afero.Fs) error {
	f, err := files.OpenFile("lake.tar", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	w := tar.NewWriter(f)
	for _, name := range []string{"lake/LOGBOOK", "lake/notes.md"} {
		data, rerr := afero.ReadFile(files, name)
		err = errors.Join(err, rerr, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(data)), Mode: 0o644}))
		_, werr := w.Write(data)
		err = errors.Join(err, werr)
	}
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		return err
	}
	info, err := files.Stat("lake.tar")
	if err == nil {
		fmt.Fprintf(out, "  %d bytes\n", info.Size())
	}
	return err
}

func render(out io.Writer, files afero.Fs) error {
	err := errors.Join(files.MkdirAll("pages", 0o755), afero.WriteFile(files, "pages/lake.html", []byte("<h1>{{.}}</h1>\n"), 0o644))
	if err != nil {
		return err
	}
	pages, err := template.ParseFS(afero.NewIOFS(files), "pages/*.html")
	if err != nil {
		return err
	}
	fmt.Fprint(out, "  ")
	return pages.Execute(out, "Lake & sons")
}

func journal(out io.Writer, files afero.Fs) error {
	for _, line := range []string{"opened", "closed"} {
		f, err := files.OpenFile("journal", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(f, " ", line)
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
	}
	text, err := afero.ReadFile(files, "journal")
	fmt.Fprintf(out, "%s", text)
	return err
}

func patch(out io.Writer, files afero.Fs) error {
	f, err := files.OpenFile("journal", os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte("OPENED"), 2)
	if err := errors.Join(err, f.Truncate(9), f.Close()); err != nil {
		return err
	}
	text, err := afero.ReadFile(files, "journal")
	fmt.Fprintf(out, "%s", text)
	return err
}

func serve(out io.Writer, files afero.Fs) error {
	web := httptest.NewServer(http.FileServer(afero.NewHttpFs(files).Dir("lake")))
	defer web.Close()
	req, err := http.NewRequest(http.MethodGet, web.URL+"/readings/2026-05.csv", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Range", "bytes=0-9")
	resp, err := web.Client().Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Fprintf(out, "  %s, %q\n", resp.Status, body)
	return err
}

func tidy(out io.Writer, files afero.Fs) error {
	err := errors.Join(files.Rename("lake/photos", "pictures"), files.RemoveAll("pages"), files.Remove("lake.tar"))
	if err != nil {
		return err
	}
	_, err = files.Stat("lake/photos/lake.png")
	fmt.Fprintf(out, "  photos: missing %t\n", os.IsNotExist(err))
	err = files.Remove("lake")
	fmt.Fprintf(out, "  lake: not empty %t\n", err != nil && !os.IsNotExist(err))
	return nil
}

func walk(out io.Writer, files afero.Fs) error {
	return afero.Walk(files, ".", func(name string, info os.FileInfo, err error) error {
		switch {
		case err != nil:
			return err
		case info.IsDir():
			fmt.Fprintf(out, "  %s/\n", name)
		default:
			fmt.Fprintf(out, "  %s %d\n", name, info.Size())
		}
		return nil
	})
}
