package s3path_test

import (
	"errors"
	"io"
	"io/fs"
	"testing"
	"bytes"
)

func TestSmoke(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		p := at.object("dir/a b+c.txt")
		if err := p.WriteText(ctx, "hello"); err != nil {
			t.Fatal(err)
		}
		got, err := p.ReadText(ctx)
		if err != nil || got != "hello" {
			t.Fatal(got, err)
		}
		same(t, "walk", rels(t, at.bucket.Walk(ctx)), []string{"dir/a b+c.txt"})
		same(t, "iterdir", rels(t, at.bucket.IterDir(ctx)), []string{"dir"})
		same(t, "glob", rels(t, at.bucket.Glob(ctx, "*/*.txt")), []string{"dir/a b+c.txt"})
		if err := p.Rename(ctx, at.object("dir/new")); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Stat(ctx); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		big := bytes.Repeat([]byte("0123456789abcdef"), 13<<16)
		w, err := at.object("big").Create(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(w, bytes.NewReader(big)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := at.object("big").DownloadTo(ctx, t.TempDir()+"/"); err != nil {
			t.Fatal(err)
		}
		data, err := at.object("big").ReadBytes(ctx)
		if err != nil || !bytes.Equal(data, big) {
			t.Fatal(len(data), err)
		}
		if err := at.object("big").Touch(ctx); err != nil {
			t.Fatal(err)
		}
		if err := at.object("dir").RemoveAll(ctx); err != nil {
			t.Fatal(err)
		}
		same(t, "keys", at.keys(t), []string{"big"})
	})
}
