package s3path_test

import (
	"io"
	"io/fs"
	"strings"
	"testing"
)

// appended appends to an object and says what it is then.
func appended(key string) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		w, err := at.object(key).Append(t.Context())
		if err != nil {
			return said(nil, err)
		}
		if _, err := io.WriteString(w, "+1"); err != nil {
			return said(nil, err)
		}
		if err := w.Close(); err != nil {
			return said(nil, err)
		}
		body := at.body(t, key)
		return body[:min(len(body), 3)] + body[max(0, len(body)-3):]
	}
}

var fsBills = section{name: "views and appends", bills: []bill{
	{
		call: "`FS`, open, read", on: "a file", requests: 2,
		tree: these("d/f=one"), edit: these("d/f=two"),
		do: func(t *testing.T, at *billed) string {
			f, err := at.object("d").FS(t.Context()).Open("f")
			if err != nil {
				return said(nil, err)
			}
			defer f.Close()
			data, err := io.ReadAll(f)
			return said(string(data), err)
		},
		want: [2]string{"one", "two"},
	}, {
		call: "`FS`, `fs.ReadFile`", on: "a file", requests: 1,
		tree: these("d/f=one"), edit: these("d/f=two"),
		do: func(t *testing.T, at *billed) string {
			data, err := fs.ReadFile(at.object("d").FS(t.Context()), "f")
			return said(string(data), err)
		},
		want: [2]string{"one", "two"},
	}, {
		call: "`FS`, `fs.ReadDir`", on: "a directory", requests: 1,
		tree: these("d/e/f=one"), edit: these("-d/e/f", "d/g"),
		do: func(t *testing.T, at *billed) string {
			entries, err := fs.ReadDir(at.object("d").FS(t.Context()), ".")
			var names []string
			for _, e := range entries {
				names = append(names, e.Name())
			}
			return said(strings.Join(names, " "), err)
		},
		want: [2]string{"e", "g"},
	}, {
		call: "`Append`, write, `Close`", on: "a small object", requests: 3,
		tree: these("f=one"), edit: these("f=two"),
		do: appended("f"), want: [2]string{"onee+1", "twoo+1"},
	}, {
		call: "`Append`, write, `Close`", on: "an object of 5 MiB", requests: 5,
		tree: these("f=" + strings.Repeat("x", 5<<20)), edit: these("f=" + strings.Repeat("y", 5<<20)),
		do: appended("f"), want: [2]string{"xxxx+1", "yyyy+1"},
	},
}}
