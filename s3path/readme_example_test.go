package s3path_test

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"iter"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// The README's code is taken from here, so that it runs; see TestREADMECode.

// embedded makes an S3 inside this process, with a bucket "my-bucket" that holds
// keys, the one of the default client.
func embedded(keys ...string) (end func()) {
	server, err := s3pathtest.Start()
	if err != nil {
		log.Fatal(err)
	}
	bucket := server.Bucket("my-bucket")
	for _, key := range keys {
		if err := bucket.Child(key).WriteText(context.Background(), "content of "+key); err != nil {
			log.Fatal(err)
		}
	}
	s3path.SetDefaultClient(bucket.Client())
	return func() {
		s3path.SetDefaultClient(nil)
		server.Close()
	}
}

// temporary is a directory with these files, which have "local" in them.
func temporary(files ...string) (dir string, end func()) {
	dir, err := os.MkdirTemp("", "s3path-example-")
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("local"), 0o666)); err != nil {
			log.Fatal(err)
		}
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

func Example() {
	defer embedded()()

	ctx := context.Background()
	reports := s3path.MustParse("s3://my-bucket/reports")
	if err := reports.Join("2026/may.csv").WriteText(ctx, "day,visits\n1,40\n"); err != nil {
		log.Fatal(err)
	}
	for e, err := range reports.Glob(ctx, "**/*.csv") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e, e.Size()) // no request: the listing knew
	}
	text, err := reports.Join("2026/may.csv").ReadText(ctx)
	fmt.Printf("%q %v\n", text, err)
	// Output:
	// s3://my-bucket/reports/2026/may.csv 16
	// "day,visits\n1,40\n" <nil>
}

func Example_paths() {
	p := s3path.MustParse("s3://my-bucket/data/2026/may.csv.gz")

	fmt.Println(p.Bucket(), p.Key())                // my-bucket data/2026/may.csv.gz
	fmt.Println(p.Name(), p.Stem(), p.Suffixes())   // may.csv.gz may.csv [.csv .gz]
	fmt.Println(p.Parent(), p.Join("../june.csv"))  // s3://my-bucket/data/2026 s3://my-bucket/data/2026/june.csv
	fmt.Println(p == p.Parent().Join("may.csv.gz")) // true: paths are values, map keys, JSON strings
	// Output:
	// my-bucket data/2026/may.csv.gz
	// may.csv.gz may.csv [.csv .gz]
	// s3://my-bucket/data/2026 s3://my-bucket/data/2026/june.csv
	// true
}

func Example_listing() {
	defer embedded("data/2026/may.csv", "data/2026/drafts/june.csv", "data/photo.PNG")()
	ctx := context.Background()
	data := s3path.MustParse("s3://my-bucket/data")

	listings := []iter.Seq2[s3path.Entry, error]{
		data.IterDir(ctx), // one level, directories included
		data.Walk(ctx, s3path.WithExtensions("png", "tar.gz")),       // every object below
		data.Glob(ctx, "20*/*.{csv,tsv}"),                            // asks only for what begins with 20
		data.RGlob(ctx, "*.csv", s3path.WithExclude("**/drafts")),    // at any depth
		data.Walk(ctx, s3path.WithDirs(), s3path.WithMaxSize(1<<20)), // a directory before what it holds
	}
	for _, listing := range listings {
		for e, err := range listing { // pages are asked for as the loop goes on
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(e.Rel(), e.IsDir(), e.Size())
		}
	}
	// Output:
	// 2026 true 0
	// photo.PNG false 25
	// photo.PNG false 25
	// 2026/may.csv false 28
	// 2026/may.csv false 28
	// 2026 true 0
	// 2026/drafts true 0
	// 2026/drafts/june.csv false 36
	// 2026/may.csv false 28
	// photo.PNG false 25
}

func Example_forEach() {
	defer embedded("logs/a.log", "logs/b.log")()
	ctx := context.Background()
	logs := s3path.MustParse("s3://my-bucket/logs")

	err := cloudpath.ForEach(ctx, 16, logs.Glob(ctx, "*.log"), func(ctx context.Context, e s3path.Entry) error {
		return e.Rename(ctx, logs.Join("done").Child(e.Rel()))
	})
	if err != nil {
		log.Fatal(err)
	}
	done, err := cloudpath.Collect(logs.Join("done").IterDir(ctx))
	fmt.Println(len(done), err)
	// Output: 2 <nil>
}

func Example_reading() {
	defer embedded("data/may.csv")()
	dir, end := temporary()
	defer end()
	ctx := context.Background()
	p := s3path.MustParse("s3://my-bucket/data/may.csv")

	r, err := p.Open(ctx) // an io.ReadSeekCloser, io.ReaderAt and io.WriterTo
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	fmt.Println(r.Info().Size(), r.Info().ContentType())
	if _, err := io.Copy(io.Discard, r); err != nil { // resumed where a connection breaks
		log.Fatal(err)
	}

	head, err := p.ReadRange(ctx, 0, 7)
	fmt.Printf("%s %v\n", head, err)

	err = p.Parent().DownloadTo(ctx, dir) // a tree, in parallel; a file works the same
	fmt.Println(err)
	// Output:
	// 23 text/csv
	// content <nil>
	// <nil>
}

func Example_writing() {
	defer embedded()()
	dir, end := temporary("a.txt", "sub/b.txt")
	defer end()
	ctx := context.Background()
	data := s3path.MustParse("s3://my-bucket/data")

	// Nothing is seen, and nothing is left, unless the function returns nil.
	err := data.Join("big.csv.gz").WriteFunc(ctx, func(w io.Writer) error {
		zip := gzip.NewWriter(w)
		if _, err := io.WriteString(zip, "a stream of any length"); err != nil {
			return err
		}
		return zip.Close()
	}, s3path.WithCacheControl("max-age=60"), s3path.WithTags(map[string]string{"team": "blue"}))
	if err != nil {
		log.Fatal(err)
	}

	err = data.UploadFrom(ctx, dir) // a tree, in parallel; a file works the same
	if err != nil {
		log.Fatal(err)
	}

	list, err := cloudpath.Collect(data.Walk(ctx))
	fmt.Println(len(list), err)
	// Output: 3 <nil>
}

func Example_conditions() {
	defer embedded("counter", "config.json")()
	ctx := context.Background()
	bucket := s3path.MustParse("s3://my-bucket")

	// Only if it is new. Of two that race exactly one wins.
	err := bucket.Join("counter").WriteText(ctx, "1", s3path.WithNoOverwrite())
	fmt.Println(errors.Is(err, fs.ErrExist))

	// Only if it is still what was read.
	var seen s3path.Info
	config := bucket.Join("config.json")
	old, err := config.ReadText(ctx, s3path.WithInfo(&seen))
	if err != nil {
		log.Fatal(err)
	}
	err = config.WriteText(ctx, old+"\n", s3path.WithIfMatch(seen.ETag()))
	fmt.Println(err) // cloudpath.ErrPreconditionFailed when somebody was faster

	// The loop around that: read, change, write; again if somebody was faster.
	err = bucket.Join("counter").Update(ctx, func(old []byte) ([]byte, error) {
		return append(old, '!'), nil // old is nil where there was nothing
	})
	fmt.Println(err)
	// Output:
	// true
	// <nil>
	// <nil>
}

func Example_changing() {
	defer embedded("data/may.csv", "old/x", "old/y", "tmp/z")()
	ctx := context.Background()
	bucket := s3path.MustParse("s3://my-bucket")
	may := bucket.Join("data/may.csv")

	err := errors.Join(
		may.Copy(ctx, bucket.Join("backup/may.csv")), // on the server, with its properties
		may.Copy(ctx, may, s3path.WithContentType("text/plain")),
		bucket.Join("old").Rename(ctx, bucket.Join("archive")), // a whole directory
		may.Remove(ctx),                          // one object, or an empty directory
		bucket.Join("tmp").RemoveAll(ctx),        // and what is below
		bucket.Join("empty/dir").Mkdir(ctx),      // rarely needed: writing below it is enough
		bucket.Join("backup/may.csv").Touch(ctx), // a new time, or an empty object
	)
	fmt.Println(err)

	list, err := cloudpath.Collect(bucket.Walk(ctx, s3path.WithMarkers()))
	fmt.Println(list, err)
	// Output:
	// <nil>
	// [s3://my-bucket/archive/x s3://my-bucket/archive/y s3://my-bucket/backup/may.csv s3://my-bucket/empty/dir/] <nil>
}

func Example_presigned() {
	defer embedded("photo.png")()
	ctx := context.Background()
	photo := s3path.MustParse("s3://my-bucket/photo.png")

	url, err := photo.PresignGet(ctx, 15*time.Minute) // for anybody who has it; no request
	if err != nil {
		log.Fatal(err)
	}
	resp, err := http.Get(url)
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}

func Example_sync() {
	defer embedded("site/gone.html")()
	dir, end := temporary("index.html", "img/logo.svg")
	defer end()
	ctx := context.Background()
	site := s3path.MustParse("s3://my-bucket/site")

	result, err := site.SyncFrom(ctx, dir, s3path.WithDelete(), s3path.WithDryRun())
	fmt.Println(result.Copied, result.Deleted, err)
	// Output: [img/logo.svg index.html] [gone.html] <nil>
}

func Example_clients() {
	home, end := temporary()
	defer end()
	config := filepath.Join(home, "config")
	if err := os.WriteFile(config, []byte("[profile work]\nregion = eu-west-1\n"), 0o666); err != nil {
		log.Fatal(err)
	}
	for name, value := range map[string]string{"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": config} {
		if os.Getenv(name) == "" {
			defer os.Unsetenv(name)
			os.Setenv(name, value)
		}
	}
	ctx := context.Background()

	work, err := s3path.NewClient(ctx, s3path.WithProfile("work"))
	if err != nil {
		log.Fatal(err)
	}
	defer work.Close()
	minio, err := s3path.NewClient(ctx,
		s3path.WithEndpoint("http://localhost:9000"),
		s3path.WithStaticCredentials("minioadmin", "minioadmin", ""))
	if err != nil {
		log.Fatal(err)
	}
	defer minio.Close()

	from := work.MustParse("s3://data/2026")
	fmt.Println(from.WithClient(minio) == minio.MustParse("s3://data/2026"))

	s3path.SetDefaultClient(minio) // what s3path.Parse and decoded JSON use from now on
	defer s3path.SetDefaultClient(nil)
	// Output: true
}

func Example_contentTypes() {
	defer embedded()()
	ctx := context.Background()
	bucket := s3path.MustParse("s3://my-bucket")

	png := "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 32)
	for _, name := range []string{"a.csv", "a.csv.gz", "a.tar.gz", "NOTES.MD", "photo"} {
		var info s3path.Info
		if err := bucket.Join(name).WriteText(ctx, png, s3path.WithInfo(&info)); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-8s  %q %q\n", name, info.ContentType(), info.ContentEncoding())
	}
	// Output:
	// a.csv     "text/csv" ""
	// a.csv.gz  "text/csv" "gzip"
	// a.tar.gz  "application/gzip" ""
	// NOTES.MD  "text/markdown" ""
	// photo     "image/png" ""
}

func Example_errors() {
	defer embedded("dir/x")()
	ctx := context.Background()
	bucket := s3path.MustParse("s3://my-bucket")

	_, err := bucket.Join("nope").ReadText(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		pathErr, _ := errors.AsType[*fs.PathError](err)
		fmt.Println(pathErr.Op, pathErr.Path)
	case errors.Is(err, fs.ErrPermission):
		log.Fatal(err) // says what to do about it, and never shows a secret
	}
	// Output: read s3://my-bucket/nope
}

// Count stands for the reader's own code.
func Count(ctx context.Context, dir s3path.S3Path) (int, error) {
	list, err := cloudpath.Collect(dir.Walk(ctx))
	return len(list), err
}

func Example_cache() {
	defer embedded("models/model.bin")()
	dir, end := temporary()
	defer end()
	ctx := context.Background()
	defer setenv("AWS_ENDPOINT_URL_S3", *s3path.DefaultClient().S3().Options().BaseEndpoint)()
	defer setenv("AWS_ACCESS_KEY_ID", "test")()
	defer setenv("AWS_SECRET_ACCESS_KEY", "test-secret")()

	client, err := s3path.NewClient(ctx,
		s3path.WithCacheDir(dir),
		s3path.WithCacheFreshness(localcache.MaxAge(time.Minute)),
		s3path.WithCacheMaxBytes(10<<30))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	model, err := client.MustParse("s3://my-bucket/models/model.bin").Cached(ctx)
	if err != nil {
		log.Fatal(err)
	}
	defer model.Close()
	fmt.Println(filepath.Base(model.Name())) // a real file, for programs that take names
	// Output:
	// model.bin
}

func Example_offline() {
	end := embedded("reports/2026/may.csv")
	dir, remove := temporary()
	defer remove()
	ctx := context.Background()
	defer setenv("AWS_ENDPOINT_URL_S3", *s3path.DefaultClient().S3().Options().BaseEndpoint)()
	online, err := s3path.NewClient(ctx, s3path.WithCacheDir(dir), s3path.WithStaticCredentials("test", "test-secret", ""))
	if err != nil {
		log.Fatal(err)
	}
	defer online.Close()
	if _, err := online.MustParse("s3://my-bucket/reports/2026/may.csv").ReadBytes(ctx); err != nil {
		log.Fatal(err)
	}
	end()

	client, err := s3path.NewClient(ctx,
		s3path.WithCacheDir(dir),
		s3path.WithCacheFreshness(localcache.Offline())) // no server, no credentials
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for e, err := range client.MustParse("s3://my-bucket/reports").Glob(ctx, "**/*.csv") {
		if err != nil {
			log.Fatal(err)
		}
		text, err := e.ReadText(ctx)
		fmt.Println(e, text, err)
	}
	// Output:
	// s3://my-bucket/reports/2026/may.csv content of reports/2026/may.csv <nil>
}

// setenv sets a variable of the environment until end is called.
func setenv(name, value string) (end func()) {
	before, was := os.LookupEnv(name)
	if err := os.Setenv(name, value); err != nil {
		log.Fatal(err)
	}
	return func() {
		if was {
			_ = os.Setenv(name, before)
			return
		}
		_ = os.Unsetenv(name)
	}
}

func TestCount(t *testing.T) {
	bucket := s3pathtest.Bucket(t, "my-bucket") // an S3 in this process, gone with the test
	if err := bucket.Join("a/b.txt").WriteText(t.Context(), "hello"); err != nil {
		t.Fatal(err)
	}
	if n, err := Count(t.Context(), bucket); n != 1 || err != nil {
		t.Fatal(n, err)
	}
}

func Example_fs() {
	defer embedded()()
	ctx := context.Background()
	if err := s3path.MustParse("s3://my-bucket/pages/hello.html").WriteText(ctx, "<h1>{{.}}</h1>"); err != nil {
		log.Fatal(err)
	}

	pages, err := template.ParseFS(s3path.MustParse("s3://my-bucket/pages").FS(ctx), "*.html")
	if err != nil {
		log.Fatal(err)
	}
	err = pages.ExecuteTemplate(os.Stdout, "hello.html", "S3")

	fmt.Println("", err)
	// Output: <h1>S3</h1> <nil>
}

func Example_afero() {
	defer embedded()()

	files := aferoadapter.New(s3path.MustParse("s3://my-bucket/data")) // was afero.NewOsFs()

	if err := afero.WriteFile(files, "reports/may.csv", []byte("day,visits\n"), 0o644); err != nil {
		log.Fatal(err)
	}
	f, err := files.OpenFile("reports/may.csv", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Fprintln(f, "1,40")
	if err := f.Close(); err != nil { // the write happens here, or it says why not
		log.Fatal(err)
	}

	text, err := s3path.MustParse("s3://my-bucket/data/reports/may.csv").ReadText(context.Background())
	fmt.Printf("%q %v\n", text, err)
	// Output: "day,visits\n1,40\n" <nil>
}
