package s3path_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// demo gives an example a bucket on an S3 of its own.
func demo(run func(ctx context.Context, bucket s3path.S3Path) error) {
	server, err := s3pathtest.Start()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	if err := run(context.Background(), server.Bucket("bucket")); err != nil {
		fmt.Println(err)
	}
}

func ExampleS3Path_WriteBytes() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("reports", "q1.csv.gz")
		if err := p.WriteBytes(ctx, []byte("…")); err != nil {
			return err
		}
		info, err := p.Stat(ctx)
		if err != nil {
			return err
		}
		fmt.Println(info.Size(), info.ContentType(), info.ContentEncoding())
		return nil
	})
	// Output:
	// 3 text/csv gzip
}

func ExampleS3Path_ReadText() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("notes.txt")
		if err := p.WriteBytes(ctx, []byte("\xEF\xBB\xBFgrüß dich")); err != nil {
			return err
		}
		text, err := p.ReadText(ctx) // the mark is gone
		if err != nil {
			return err
		}
		fmt.Printf("%q\n", text)
		return nil
	})
	// Output:
	// "grüß dich"
}

func ExampleS3Path_ReadRange() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("digits")
		if err := p.WriteText(ctx, "0123456789"); err != nil {
			return err
		}
		middle, err := p.ReadRange(ctx, 3, 4)
		if err != nil {
			return err
		}
		rest, err := p.ReadRange(ctx, 8, -1)
		if err != nil {
			return err
		}
		fmt.Printf("%s %s\n", middle, rest)
		return nil
	})
	// Output:
	// 3456 89
}

func ExampleS3Path_Open() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("large.bin")
		if err := p.WriteText(ctx, "header, and very much data behind it"); err != nil {
			return err
		}
		r, err := p.Open(ctx) // one request, which says what the object is
		if err != nil {
			return err
		}
		defer r.Close()
		if _, err := r.Seek(-2, io.SeekEnd); err != nil { // none
			return err
		}
		end, err := io.ReadAll(r) // one, for these bytes alone
		if err != nil {
			return err
		}
		fmt.Println(r.Info().Size(), string(end))
		return nil
	})
	// Output:
	// 36 it
}

func ExampleS3Path_WriteFunc() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("squares.txt")
		failed := p.WriteFunc(ctx, func(w io.Writer) error {
			fmt.Fprintln(w, "a beginning")
			return errors.New("but no end")
		})
		there, err := p.Exists(ctx)
		if err != nil {
			return err
		}
		fmt.Println(failed != nil, there)

		err = p.WriteFunc(ctx, func(w io.Writer) error {
			for i := range 3 {
				if _, err := fmt.Fprintln(w, i*i); err != nil {
					return err
				}
			}
			return nil // only now the object appears
		})
		if err != nil {
			return err
		}
		text, err := p.ReadText(ctx)
		fmt.Printf("%q\n", text)
		return err
	})
	// Output:
	// true false
	// "0\n1\n4\n"
}

func ExampleS3Path_Create() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		w, err := bucket.Join("log.txt").Create(ctx)
		if err != nil {
			return err
		}
		defer w.Abort() // does nothing after Close
		if _, err := fmt.Fprintln(w, "one line"); err != nil {
			return err
		}
		if err := w.Close(); err != nil { // commits
			return err
		}
		fmt.Println(w.Info().Size(), w.Info().ContentType())
		return nil
	})
	// Output:
	// 9 text/plain
}

func ExampleS3Path_Update() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		counter := bucket.Join("visits")
		increment := func(old []byte) ([]byte, error) {
			n := 0
			if old != nil { // nil: there is none yet
				var err error
				if n, err = strconv.Atoi(string(old)); err != nil {
					return nil, err
				}
			}
			return strconv.AppendInt(nil, int64(n+1), 10), nil
		}
		for range 3 {
			if err := counter.Update(ctx, increment); err != nil {
				return err
			}
		}
		text, err := counter.ReadText(ctx)
		fmt.Println(text)
		return err
	})
	// Output:
	// 3
}

func ExampleWithIfMatch() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		p := bucket.Join("config.json")
		if err := p.WriteText(ctx, "{}", s3path.WithNoOverwrite()); err != nil {
			return err
		}
		var seen s3path.Info
		if _, err := p.ReadBytes(ctx, s3path.WithInfo(&seen)); err != nil {
			return err
		}
		if err := p.WriteText(ctx, `{"by": "somebody else"}`); err != nil {
			return err
		}
		err := p.WriteText(ctx, `{"by": "me"}`, s3path.WithIfMatch(seen.ETag()))
		fmt.Println(errors.Is(err, cloudpath.ErrPreconditionFailed))
		return nil
	})
	// Output:
	// true
}

func ExampleS3Path_UploadFrom() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		dir, err := os.MkdirTemp("", "example")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("1,2\n"), 0o600); err != nil {
			return err
		}
		if err := bucket.Join("tables").UploadFrom(ctx, dir); err != nil { // a tree
			return err
		}
		if err := bucket.Join("inbox/").UploadFrom(ctx, filepath.Join(dir, "a.csv")); err != nil { // a file
			return err
		}
		for e, err := range bucket.Walk(ctx) {
			if err != nil {
				return err
			}
			fmt.Println(e.Rel(), e.Size())
		}
		return nil
	})
	// Output:
	// inbox/a.csv 4
	// tables/a.csv 4
}

func ExampleS3Path_DownloadTo() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		if err := bucket.Join("tables", "2024", "a.csv").WriteText(ctx, "1,2\n"); err != nil {
			return err
		}
		dir, err := os.MkdirTemp("", "example")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		if err := bucket.Join("tables").DownloadTo(ctx, dir); err != nil {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, "2024", "a.csv"))
		fmt.Printf("%q\n", data)
		return err
	})
	// Output:
	// "1,2\n"
}

func ExampleWithProgress() {
	demo(func(ctx context.Context, bucket s3path.S3Path) error {
		quarter := int64(0)
		show := func(now s3path.Progress) {
			for ; now.Total > 0 && quarter <= 4*now.Done/now.Total; quarter++ {
				fmt.Printf("%3d%% of %d bytes\n", 25*quarter, now.Total)
			}
		}
		return bucket.Join("film.mp4").WriteBytes(ctx, make([]byte, 10<<20), s3path.WithProgress(show))
	})
	// Output:
	//   0% of 10485760 bytes
	//  25% of 10485760 bytes
	//  50% of 10485760 bytes
	//  75% of 10485760 bytes
	// 100% of 10485760 bytes
}
