package aferoadapter_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// bucket is an empty bucket on an S3 inside this process.
func bucket() (root s3path.S3Path, end func()) {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	return server.Bucket("my-bucket"), server.Close
}

func Example() {
	root, end := bucket()
	defer end()

	fs := aferoadapter.New(root.Join("data")) // was afero.NewOsFs()

	if err := afero.WriteFile(fs, "reports/may.csv", []byte("day,visits\n1,40\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	err := afero.Walk(fs, ".", func(name string, info os.FileInfo, err error) error {
		fmt.Println(name, info.IsDir(), info.Size())
		return err
	})
	fmt.Println(err)
	_, err = fs.Stat("reports/june.csv")
	fmt.Println(os.IsNotExist(err), err)
	// Output:
	// . true 0
	// reports true 0
	// reports/may.csv false 16
	// <nil>
	// true stat reports/june.csv: file does not exist
}

// A file is there when Close has returned nil, and whole.
func ExampleFs_Create() {
	root, end := bucket()
	defer end()
	fs := aferoadapter.New(root)

	f, err := fs.Create("report.txt")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprint(f, "half")
	there, _ := afero.Exists(fs, "report.txt")
	fmt.Println("before Close:", there)
	if err := f.Close(); err != nil {
		log.Fatal(err)
	}
	there, _ = afero.Exists(fs, "report.txt")
	fmt.Println("after Close:", there)
	// Output:
	// before Close: false
	// after Close: true
}

// What is written by os.O_WRONLY is streamed, whatever its length; os.O_APPEND
// begins with a copy that the server makes.
func ExampleFs_OpenFile() {
	root, end := bucket()
	defer end()
	fs := aferoadapter.New(root)

	for _, line := range []string{"fog until nine", "all well"} {
		f, err := fs.OpenFile("logbook", os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(f, line)
		if err := f.Close(); err != nil {
			log.Fatal(err)
		}
	}
	text, err := afero.ReadFile(fs, "logbook")
	fmt.Printf("%q %v\n", text, err)
	// Output: "fog until nine\nall well\n" <nil>
}

// A flag says where the files are.
func ExampleOpen() {
	root, end := bucket()
	defer end()
	s3path.SetDefaultClient(root.Client())
	defer s3path.SetDefaultClient(nil)
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	for _, where := range []string{dir, "s3://my-bucket/data"} {
		fs, err := aferoadapter.Open(context.Background(), where)
		if err != nil {
			log.Fatal(err)
		}
		if err := fs.MkdirAll("notes", 0o755); err != nil {
			log.Fatal(err)
		}
		err = afero.WriteFile(fs, "notes/a.txt", []byte("hello"), 0o644)
		names, gerr := afero.Glob(fs, "notes/*.txt")
		fmt.Println(names, err, gerr)
	}
	// Output:
	// [notes/a.txt] <nil> <nil>
	// [notes/a.txt] <nil> <nil>
}

// afero's calls have no context; an Fs has one.
func ExampleFs_WithContext() {
	root, end := bucket()
	defer end()
	fs := aferoadapter.New(root)

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	err := afero.WriteFile(fs.WithContext(ctx), "in-time", nil, 0o644)
	fmt.Println(err)
	cancel()
	err = afero.WriteFile(fs.WithContext(ctx), "late", nil, 0o644)
	fmt.Println(err)
	// Output:
	// <nil>
	// open late: context canceled
}

// A bucket that is only read, with changes that stay in memory.
func ExampleNew() {
	root, end := bucket()
	defer end()
	base := aferoadapter.New(root)
	if err := afero.WriteFile(base, "config", []byte("as delivered"), 0o644); err != nil {
		log.Fatal(err)
	}

	fs := afero.NewCopyOnWriteFs(base, afero.NewMemMapFs())
	if err := afero.WriteFile(fs, "config", []byte("changed"), 0o644); err != nil {
		log.Fatal(err)
	}
	changed, _ := afero.ReadFile(fs, "config")
	stored, _ := afero.ReadFile(base, "config")
	fmt.Printf("%s, %s\n", changed, stored)
	// Output: changed, as delivered
}
