package aferoadapter_test

import (
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
)

func (at *place) putMany(t *testing.T, keys []string) {
	t.Helper()
	err := cloudpath.ForEach(t.Context(), 16, func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield(key, nil) {
				return
			}
		}
	}, func(ctx context.Context, key string) error {
		_, err := at.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A walk costs a request for each directory, and 2 to look at where it begins and
// to open that.
func TestWalkRequests(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var keys []string
		n := 5000
		if slowly || at.Name != s3matrix.InProcess {
			n = 300 // that many files take others long to make
		}
		for i := range n {
			keys = append(keys, fmt.Sprintf("tree/d%02d/f%04d", i%24, i))
		}
		at.putMany(t, keys)
		fs := at.fs()
		clock := time.Now()
		fs.SetClock(func() time.Time { return clock }) // a slow machine is not to count
		files, dirs := 0, 0
		mark := at.Proxy.Mark()
		err := afero.Walk(fs, "tree", func(_ string, info os.FileInfo, err error) error {
			if info.IsDir() {
				dirs++
			} else {
				files++
			}
			return err
		})
		if err != nil || files != n || dirs != 25 {
			t.Errorf("%d files, %d directories, %v", files, dirs, err)
		}
		counts := at.Proxy.Since(mark).Counts()
		// Stat and Open of tree are a HEAD and a LIST each; then each directory is listed once.
		if counts["HeadObject"] != 2 || counts["ListObjectsV2"] != 2+25 || len(counts) != 2 {
			t.Errorf("the walk made %v", counts)
		}
	})
}

// What a listing said answers once, for a second, and until something is written.
func TestListingAnswersOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "d/f=1", "d/sub/x", "other")
		fs := at.fs()
		clock := time.Now()
		fs.SetClock(func() time.Time { return clock })
		list := func() {
			t.Helper()
			if _, err := afero.ReadDir(fs, "d"); err != nil {
				t.Fatal(err)
			}
		}
		lstatBy := func(fs *aferoadapter.Fs, name string) func() {
			return func() {
				if info, is, err := fs.LstatIfPossible(name); err != nil || !is || info.Name() != path.Base(name) {
					t.Errorf("%v, %v, %v", info, is, err)
				}
			}
		}
		lstat := func(name string) func() { return lstatBy(fs, name) }
		opened := func(name string) func() {
			return func() { closed(t, must[afero.File](t)(fs.Open(name))) }
		}
		head, dir := []string{"HeadObject"}, []string{"HeadObject", "ListObjectsV2"}

		list()
		at.costs(t, "Lstat after Readdir", lstat("d/f"))
		at.costs(t, "a second one", lstat("d/f"), head...)
		at.costs(t, "Lstat of a directory", lstat("/d/sub/"))
		at.costs(t, "Open of the directory", opened("d/sub"))
		at.costs(t, "a second one", opened("d/sub"), dir...)
		at.costs(t, "Open of the file", opened("d/f"), head...)
		list()
		at.costs(t, "Stat", func() { _ = must[os.FileInfo](t)(fs.Stat("d/f")) }, head...)
		at.costs(t, "and Lstat after another Readdir", lstat("d/f"))
		list()
		at.costs(t, "another context", lstatBy(fs.WithContext(t.Context()), "d/f"))
		at.costs(t, "another Fs", lstatBy(at.fs(), "d/f"), head...)
		at.costs(t, "Chmod", func() { want(t, "Chmod", fs.Chmod("d/f", 0), nil) }, head...)

		list()
		clock = clock.Add(time.Second)
		at.costs(t, "a second later", lstat("d/f"))
		clock = clock.Add(time.Millisecond)
		at.costs(t, "later still", lstat("d/sub"), dir...)

		for what, change := range map[string]func(){
			"WriteFile": func() { write(t, fs, "other", "2") },
			"Sync": func() {
				f := open(t, fs, "other", os.O_RDWR)
				f.WriteString("3")
				f.Sync()
				list()
				f.WriteString("4")
				closed(t, f)
			},
			"a stream":  func() { f := open(t, fs, "other", os.O_WRONLY); f.WriteString("5"); list(); closed(t, f) },
			"Mkdir":     func() { fs.Remove("new"); list(); want(t, "Mkdir", fs.Mkdir("new", 0), nil) },
			"MkdirAll":  func() { fs.RemoveAll("newer"); list(); want(t, "MkdirAll", fs.MkdirAll("newer/x", 0), nil) },
			"Remove":    func() { write(t, fs, "gone", ""); list(); want(t, "Remove", fs.Remove("gone"), nil) },
			"RemoveAll": func() { want(t, "RemoveAll", fs.RemoveAll("none"), nil) },
			"Rename":    func() { write(t, fs, "from", ""); list(); want(t, "Rename", fs.Rename("from", "to"), nil) },
		} {
			list()
			change()
			at.costs(t, "Lstat after "+what, lstat("d/f"), head...)
		}
		// What is not there was not listed.
		list()
		for name, row := range map[string]struct {
			err error
			ops []string
		}{"d/none": {os.ErrNotExist, dir}, "d/f/": {syscall.ENOTDIR, []string{"ListObjectsV2", "HeadObject"}}} {
			at.costs(t, "Lstat of "+name, func() { _, _, err := fs.LstatIfPossible(name); want(t, "Lstat", err, row.err) }, row.ops...)
		}
		// Stat says what is there now, whatever was listed.
		list()
		at.put(t, "d/f=longer")
		if info := must[os.FileInfo](t)(fs.Stat("d/f")); info.Size() != 6 {
			t.Errorf("Stat says %d bytes of a file that somebody has replaced", info.Size())
		}
	})
}

// Two files are walked as on a disk.
func TestWalkIsSorted(t *testing.T) {
	at := inProcess(t)
	at.put(t, "a.txt", "a/x", "a-b/y", "a/b/c")
	var seen []string
	err := afero.Walk(at.fs(), ".", func(path string, _ os.FileInfo, err error) error {
		seen = append(seen, filepath.ToSlash(path))
		return err
	})
	if got := fmt.Sprint(seen); err != nil || got != "[. a a/b a/b/c a/x a-b a-b/y a.txt]" {
		t.Errorf("%s, %v", got, err)
	}
}
