package aferoadapter_test

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// Who keeps bytes keeps what they are stored with, however they get back; who
// begins anew does not.
func TestPropertiesStay(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const kept, fresh = "a/b gzip no-store map[k:v]", "text/csv   map[]"
		for _, row := range []struct {
			name string
			old  int
			flag int
			want string
		}{
			{"small append", 9, os.O_WRONLY | os.O_APPEND, kept},
			{"large append", 6 * mib, os.O_WRONLY | os.O_APPEND, kept},
			{"append to nothing", 0, os.O_WRONLY | os.O_APPEND, "text/csv  no-store map[k:v]"},
			{"small, in place", 9, os.O_WRONLY, kept},
			{"large, in place", 9 * mib, os.O_RDWR, kept},
			{"truncated", 9, os.O_WRONLY | os.O_TRUNC, fresh},
			{"created", 9, os.O_RDWR | os.O_CREATE | os.O_TRUNC, fresh},
		} {
			t.Run(row.name, func(t *testing.T) {
				p := at.bucket.Join(row.name + ".csv")
				err := p.WriteBytes(t.Context(), pattern(row.old), s3path.WithContentType("a/b"), s3path.WithContentEncoding("gzip"),
					s3path.WithCacheControl("no-store"), s3path.WithMetadata(map[string]string{"k": "v"}))
				if err != nil {
					t.Fatal(err)
				}
				f := open(t, at.fs(), row.name+".csv", row.flag)
				if _, err := io.WriteString(f, "more"); err != nil {
					t.Error(err)
				}
				closed(t, f)
				info := must[s3path.Info](t)(p.Stat(t.Context()))
				got := fmt.Sprintln(info.ContentType(), info.ContentEncoding(), info.CacheControl(), info.Metadata())
				if got != row.want+"\n" {
					t.Errorf("stored with %s, want %s", got, row.want)
				}
			})
		}
	})
}
