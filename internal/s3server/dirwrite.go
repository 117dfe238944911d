package s3server

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/afero"
)

// temporary begins the names of files that are being written.
const temporary = ".s3server-"

// replacingFs is the file system that gofakes3's directory backend writes to. That
// backend truncates the file it replaces; here the file is written beside it and takes
// its place when it is closed, so a reader sees the old bytes or the new ones.
type replacingFs struct{ afero.Fs }

func (r *replacingFs) Create(name string) (afero.File, error) {
	temp := filepath.Join(filepath.Dir(name), temporary+rand.Text())
	f, err := r.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	return &replacingFile{File: f, fs: r.Fs, temp: temp, name: name}, nil
}

// Open finds nothing. The backend opens a file only to merge old metadata into new, which
// S3 does not do, and never closes it.
func (r *replacingFs) Open(name string) (afero.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

type replacingFile struct {
	afero.File
	fs         afero.Fs
	temp, name string
	failed     error
}

func (f *replacingFile) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	if err != nil {
		f.failed = err
	}
	return n, err
}

func (f *replacingFile) Close() error {
	if err := errors.Join(f.failed, f.File.Close()); err != nil {
		return errors.Join(err, f.fs.Remove(f.temp))
	}
	return f.fs.Rename(f.temp, f.name)
}
