package s3path_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func ExampleS3Path_FS() {
	defer embedded("site/index.html", "site/css/main.css", "site/css/print.css")()
	site := s3path.MustParse("s3://my-bucket/site").FS(context.Background())

	names, err := fs.Glob(site, "*/*.css")
	fmt.Println(names, err)
	err = fs.WalkDir(site, ".", func(name string, d fs.DirEntry, err error) error {
		fmt.Println(name, d.IsDir())
		return err
	})
	fmt.Println(err)
	// Output:
	// [css/main.css css/print.css] <nil>
	// . true
	// css true
	// css/main.css false
	// css/print.css false
	// index.html false
	// <nil>
}

func ExampleS3Path_Append() {
	defer embedded()()
	ctx := context.Background()
	logbook := s3path.MustParse("s3://my-bucket/logbook")

	for _, line := range []string{"fog until nine", "all well"} {
		w, err := logbook.Append(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Fprintln(w, line)
		if err := w.Close(); err != nil { // somebody else may have been faster
			log.Fatal(err)
		}
	}
	text, err := logbook.ReadText(ctx)
	fmt.Printf("%q %v\n", text, err)
	// Output: "fog until nine\nall well\n" <nil>
}
