package s3path_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/localcache"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// ---- reading

// kib is an object of 64 KiB that begins with a mark.
func kib(mark string) string { return mark + strings.Repeat("0123456789abcdef", 4<<10) }

var readBills = section{name: "reading", bills: []bill{
	{
		call: "`ReadBytes`, `ReadText`", on: "a small object", requests: 1,
		tree: these("f=one"), edit: these("f=two"),
		do:   func(t *testing.T, at *billed) string { return said(at.object("f").ReadText(t.Context())) },
		want: [2]string{"one", "two"},
	}, {
		call: "`ReadBytes`, `ReadText`", on: "nothing, or only a directory", requests: 2,
		tree: these("f=one"), edit: these("d/x"),
		do: func(t *testing.T, at *billed) string {
			data, err := at.object("d").ReadBytes(t.Context())
			return said(string(data), err)
		},
		want: [2]string{"file does not exist", "is a directory"},
	}, {
		call: "`Open`, read, `Close`", on: "a small object", requests: 1,
		tree: these("f=one"), edit: these("f=two"),
		do: func(t *testing.T, at *billed) string {
			r, err := at.object("f").Open(t.Context())
			if err != nil {
				return said(nil, err)
			}
			defer r.Close()
			data, err := io.ReadAll(r)
			return said(string(data), err)
		},
		want: [2]string{"one", "two"},
	}, {
		call: "`Open`, 10 × `ReadAt`", on: "an object of any size", requests: 11,
		tree: these("f=" + kib("one ")), edit: these("f=" + kib("two ")),
		do: func(t *testing.T, at *billed) string {
			r, err := at.object("f").Open(t.Context())
			if err != nil {
				return said(nil, err)
			}
			defer r.Close()
			var all []byte
			for i := range int64(10) {
				buf := make([]byte, 4<<10)
				if n, err := r.ReadAt(buf, i*4<<10); err != nil || n != len(buf) {
					t.Errorf("ReadAt %d: %d, %v", i, n, err)
				}
				all = append(all, buf...)
			}
			return fmt.Sprint(string(all[:4]), len(all), bytes.HasPrefix(all[4:], []byte("0123456789abcdef0")))
		},
		want:  [2]string{"one 40960 true", "two 40960 true"},
		check: kept(2), // the first still holds the body that Open asked for
	}, {
		call: "`ReadRange`", on: "an object of any size", requests: 1,
		tree: these("f=0123456789"), edit: these("f=abcdefghij"),
		do: func(t *testing.T, at *billed) string {
			data, err := at.object("f").ReadRange(t.Context(), 3, 4)
			return said(string(data), err)
		},
		want: [2]string{"3456", "defg"},
	}, {
		call: "`ReadBytes`, `ReadText`, `Open`, `Cached`", on: "a copy in the cache that is current", requests: 1,
		tree: these("f=one"), edit: these("f=two"),
		do:   func(t *testing.T, at *billed) string { return at.warm(t, localcache.Revalidate()) },
		want: [2]string{"one", "two"},
		check: func(t *testing.T, log s3proxy.Log) {
			if log[0].Status != http.StatusNotModified || log[0].ResponseBytes != 0 {
				t.Errorf("HTTP %d with %d bytes", log[0].Status, log[0].ResponseBytes)
			}
		},
	}, {
		call: "`ReadBytes`, `ReadText`, `Open`, `Cached`", on: "a copy that need not be asked about", requests: 0,
		tree: these("f=one"), edit: these("f=two"),
		do:   func(t *testing.T, at *billed) string { return at.warm(t, localcache.Immutable()) },
		want: [2]string{"one", "two"},
	}, {
		call: "`Open` in 64 goroutines", on: "one object that is not in the cache yet", requests: 1,
		tree: these("f=one"), edit: these("f=two"),
		do:   func(t *testing.T, at *billed) string { return at.stampede(t, 64) },
		want: [2]string{"one", "two"},
	}, {
		call: "10 × `ReadRange`", on: "an object of any size", requests: 10, unlisted: true,
		tree: these("f=" + kib("one ")), edit: these("f=" + kib("two ")),
		do: func(t *testing.T, at *billed) string {
			var all []byte
			for i := range int64(10) {
				data, err := at.object("f").ReadRange(t.Context(), i*4<<10, 4<<10)
				if err != nil {
					return said(nil, err)
				}
				all = append(all, data...)
			}
			return fmt.Sprint(string(all[:4]), len(all))
		},
		want:  [2]string{"one 40960", "two 40960"},
		check: kept(1),
	}, {
		call: "`DownloadTo`", on: "an object of one part", requests: 1,
		tree: these("f=one"), edit: these("f=two"),
		do: func(t *testing.T, at *billed) string {
			target := filepath.Join(t.TempDir(), "f")
			if err := at.object("f").DownloadTo(t.Context(), target); err != nil {
				return said(nil, err)
			}
			data, err := os.ReadFile(target)
			return said(string(data), err)
		},
		want: [2]string{"one", "two"},
	}, {
		call: "`DownloadTo`", on: "a tree of 100, spelled `d/`", requests: 101,
		tree: hundred("d/"), edit: these("-d/s/f000", "d/s/g=new"),
		do: downloaded("d/"), want: [2]string{"100 s/f000 s/f099", "100 s/f001 s/g"},
	}, {
		call: "`DownloadTo`", on: "a tree of 100, spelled `d`", requests: 102,
		tree: hundred("d/"), edit: these("-d/s/f000", "d/s/g=new"),
		do: downloaded("d"), want: [2]string{"100 s/f000 s/f099", "100 s/f001 s/g"},
	},
}}

// kept: the requests came over so few connections.
func kept(conns int) func(t *testing.T, log s3proxy.Log) {
	return func(t *testing.T, log s3proxy.Log) {
		t.Helper()
		if n := log.Conns(); n > conns {
			t.Errorf("%d requests over %d connections, want %d kept", len(log), n, conns)
		}
	}
}

// hundred is a tree of 100 objects below a prefix.
func hundred(prefix string) tree {
	return func(*billed) []string { return many(prefix+"s/f%03d", 100) }
}

func downloaded(key string) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		dir := t.TempDir()
		if err := at.object(key).DownloadTo(t.Context(), dir); err != nil {
			return said(nil, err)
		}
		var files []string
		err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				path, err = filepath.Rel(dir, path)
				files = append(files, filepath.ToSlash(path))
			}
			return err
		})
		return said(ends(files), err)
	}
}

// ends is how many there are, the first and the last.
func ends(list []string) string {
	if len(list) == 0 {
		return "0"
	}
	slices.Sort(list)
	return fmt.Sprint(len(list), " ", list[0], " ", list[len(list)-1])
}

// ---- writing

// wrote says what stands in an object, seen behind the client's back.
func (at *billed) wrote(t *testing.T, key string, err error) string {
	t.Helper()
	if err != nil {
		return said(nil, err)
	}
	return at.body(t, key)
}

// now is the ETag of an object, seen behind the client's back.
func (at *billed) now(t *testing.T, key string) string {
	t.Helper()
	out, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.ETag)
}

// renewal is how a touch gives an object a new time where a copy onto itself gives
// none: on versitygw, when a second has begun since the object was written.
var renewal = []string{"CreateMultipartUpload", "UploadPartCopy", "CompleteMultipartUpload"}

func withoutRenewal(at *billed, log s3proxy.Log) s3proxy.Log {
	if n := len(log) - len(renewal); at.Name == s3matrix.VersityGW && n >= 0 && slices.Equal(log.Operations()[n:], renewal) {
		return log[:n]
	}
	return log
}

func written(key, body string, opts ...s3path.WriteOption) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		return at.wrote(t, key, at.object(key).WriteText(t.Context(), body, opts...))
	}
}

const threeParts = 11 << 20 // at 5 MiB each

var writeBills = section{name: "writing", bills: []bill{
	{
		call: "`WriteBytes`, `WriteText`", on: "new, or over an old object", requests: 1,
		tree: these("d/g"), edit: these("d/f=old", "-d/g"),
		do: written("d/f", "new"), want: [2]string{"new", "new"},
	}, {
		call: "`WriteBytes`, `WriteText`", on: "with `WithNoOverwrite()`", requests: 1,
		tree: these("g"), edit: these("f=theirs"),
		do: written("f", "ours", s3path.WithNoOverwrite()), want: [2]string{"ours", "file already exists"},
	}, {
		call: "`WriteBytes`, `WriteText`", on: "with `WithIfMatch(etag)`", requests: 1,
		tree: these("f=old"), edit: these("f=theirs"),
		do: func(t *testing.T, at *billed) string {
			return written("f", "new", s3path.WithIfMatch(at.now(t, "f")))(t, at)
		},
		want: [2]string{"new", "new"},
	}, {
		call: "`WriteBytes`, `WriteText`", on: "with an ETag that is not there any more", requests: 1, unlisted: true,
		tree: these("f=old"), edit: these("f=theirs"),
		do:   written("f", "new", s3path.WithIfMatch("00000000000000000000000000000000")),
		want: [2]string{"precondition failed", "precondition failed"},
	}, {
		call: "`Create`, write, `Close`", on: "up to one part", requests: 1,
		tree: these("g"), edit: these("f=old"),
		do: func(t *testing.T, at *billed) string {
			return at.wrote(t, "f", at.object("f").WriteFunc(t.Context(), func(w io.Writer) error {
				_, err := io.WriteString(w, "streamed")
				return err
			}))
		},
		want: [2]string{"streamed", "streamed"},
	}, {
		call: "`WriteFrom`, `UploadFrom`", on: "3 parts", requests: 5,
		tree: these("g"), edit: these("f=old"),
		do: func(t *testing.T, at *billed) string {
			p := at.object("f").WithClient(at.newClient(t, s3path.WithPartSize(5<<20)))
			n, err := p.WriteFrom(t.Context(), bytes.NewReader(make([]byte, threeParts)))
			at.noUploads(t)
			return said(fmt.Sprint(n == threeParts, len(at.body(t, "f")) == threeParts), err)
		},
		want: [2]string{"true true", "true true"},
	}, {
		call: "`Create`, write, `Close`", on: "3 parts", requests: 5, unlisted: true,
		tree: these("g"), edit: these("f=old"),
		do: func(t *testing.T, at *billed) string {
			p := at.object("f").WithClient(at.newClient(t, s3path.WithPartSize(5<<20)))
			err := p.WriteFunc(t.Context(), func(w io.Writer) error {
				_, err := w.Write(make([]byte, threeParts))
				return err
			})
			at.noUploads(t)
			return said(len(at.body(t, "f")) == threeParts, err)
		},
		want: [2]string{"true", "true"},
	}, {
		call: "`UploadFrom`", on: "a directory of 100 files", requests: 100,
		tree: these("d/other"), edit: these("d/f000=theirs", "-d/f001"),
		do: func(t *testing.T, at *billed) string {
			dir := t.TempDir()
			for _, name := range many("f%03d", 100) {
				if err := os.WriteFile(filepath.Join(dir, name), []byte("ours"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if err := at.object("d").UploadFrom(t.Context(), dir); err != nil {
				return said(nil, err)
			}
			return fmt.Sprint(len(at.keys(t)), " ", at.body(t, "d/f000"))
		},
		want: [2]string{"101 ours", "101 ours"},
	}, {
		call: "`Update`", on: "an object", requests: 2,
		tree: these("n=1"), edit: these("n=5"),
		do: updated, want: [2]string{"1+1", "5+1"},
	}, {
		call: "`Update`", on: "nothing", requests: 2,
		tree: these("m"), edit: these("-n", "-m"),
		do: updated, want: [2]string{"+1", "+1"},
	}, {
		call: "`Touch`", on: "an object", requests: 2,
		tree: these("f=one"), edit: these("f=two"),
		do: func(t *testing.T, at *billed) string {
			return at.wrote(t, "f", at.object("f").Touch(t.Context())) + at.cacheControl(t, "f")
		},
		want: [2]string{"one max-age=7", "two max-age=7"}, asS3: withoutRenewal,
	}, {
		call: "`Touch`", on: "nothing", requests: 2,
		tree: these("f=one"), edit: these("-new", "f=two"),
		do: func(t *testing.T, at *billed) string {
			return at.wrote(t, "new", at.object("new").Touch(t.Context()))
		},
		want: [2]string{"", ""},
	}, {
		call: "`Mkdir`", on: "a directory that exists", requests: 1,
		tree: these("d/f"), edit: these("-d/f", "d/g"),
		do: func(t *testing.T, at *billed) string {
			err := at.object("d").Mkdir(t.Context())
			return said(at.keys(t), err)
		},
		want: [2]string{"[d/f]", "[d/g]"},
	}, {
		call: "`Mkdir`", on: "a new directory", requests: 3,
		tree: these("f"), edit: these("-d/", "-f"),
		do: func(t *testing.T, at *billed) string {
			err := at.object("d").Mkdir(t.Context())
			return said(at.keys(t), err)
		},
		want: [2]string{"[d/ f]", "[d/]"},
	},
}}

func updated(t *testing.T, at *billed) string {
	return at.wrote(t, "n", at.object("n").Update(t.Context(), func(old []byte) ([]byte, error) {
		return append(old, "+1"...), nil
	}))
}

// cacheControl is one of the properties of an object, seen behind the client's
// back: every object that the second client makes has it.
func (at *billed) cacheControl(t *testing.T, key string) string {
	t.Helper()
	out, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key)})
	if err != nil {
		t.Fatal(err)
	}
	return " " + aws.ToString(out.CacheControl)
}

// ---- changing

func copied(from, to string, opts ...s3path.CopyOption) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		if err := at.object(from).Copy(t.Context(), at.object(to), opts...); err != nil {
			return said(nil, err)
		}
		return at.body(t, to) + at.cacheControl(t, to)
	}
}

func renamed(from, to string) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		err := at.object(from).Rename(t.Context(), at.object(to))
		return said(ends(at.keys(t)), err)
	}
}

var changeBills = section{name: "changing", bills: []bill{
	{
		call: "`Copy`", on: "an object", requests: 1,
		tree: these("f=one"), edit: these("f=two", "g=old"),
		do: copied("f", "g"), want: [2]string{"one max-age=7", "two max-age=7"},
	}, {
		call: "`Copy`", on: "with an option that replaces a property", requests: 2,
		tree: these("f=one"), edit: these("f=two", "g=old"),
		do:   copied("f", "g", s3path.WithContentType("text/x-note")),
		want: [2]string{"one max-age=7", "two max-age=7"},
	}, {
		call: "`Copy`", on: "with `WithProgress`, which wants the size", requests: 2,
		tree: these("f=one"), edit: these("f=two", "g=old"),
		do:   copied("f", "g", s3path.WithProgress(func(s3path.Progress) {})),
		want: [2]string{"one max-age=7", "two max-age=7"},
	}, {
		call: "`Copy`", on: "with `WithNoOverwrite()`", atMost: 5,
		tree: these("f=one"), edit: these("f=two", "-g"),
		do: copied("f", "g", s3path.WithNoOverwrite()), want: [2]string{"one max-age=7", "two max-age=7"},
	}, {
		call: "`CopyTree`", on: "100 objects", requests: 101,
		tree: hundred("d/"), edit: these("-d/s/f000", "d/s/g", "-e/s/f000"),
		do: func(t *testing.T, at *billed) string {
			err := at.object("d").CopyTree(t.Context(), at.object("e"))
			return said(ends(at.keys(t)), err)
		},
		want: [2]string{"200 d/s/f000 e/s/f099", "200 d/s/f001 e/s/g"},
	}, {
		call: "`Rename`", on: "an object", requests: 2,
		tree: these("f=one"), edit: these("f=two"),
		do: func(t *testing.T, at *billed) string {
			err := at.object("f").Rename(t.Context(), at.object("g"))
			return fmt.Sprint(at.keys(t), " ", at.wrote(t, "g", err))
		},
		want: [2]string{"[g] one", "[g] two"},
	}, {
		call: "`Rename`", on: "a tree of 100, spelled `d/`", requests: 102,
		tree: hundred("d/"), edit: func(*billed) []string { return many("d/s/g%03d", 100) },
		do: renamed("d/", "e"), want: [2]string{"100 e/s/f000 e/s/f099", "200 e/s/f000 e/s/g099"},
	}, {
		call: "`Rename`", on: "a tree of 100, spelled `d`", requests: 103,
		tree: hundred("d/"), edit: func(*billed) []string { return many("d/s/g%03d", 100) },
		do: renamed("d", "e"), want: [2]string{"100 e/s/f000 e/s/f099", "200 e/s/f000 e/s/g099"},
	},
}}

// ---- removing

func removed(key string, opts ...s3path.RemoveOption) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		err := at.object(key).Remove(t.Context(), opts...)
		return said(at.keys(t), err)
	}
}

func removedAll(t *testing.T, at *billed) string {
	err := at.object("d").RemoveAll(t.Context())
	return said(at.keys(t), err)
}

var removalBills = section{name: "removing", bills: []bill{
	{
		call: "`Remove`", on: "an object", requests: 2,
		tree: these("f", "g"), edit: these("f=again", "h"),
		do: removed("f"), want: [2]string{"[g]", "[g h]"},
	}, {
		call: "`Remove`", on: "an empty directory", requests: 3,
		tree: these("d/", "g"), edit: these("d/", "h"),
		do: removed("d"), want: [2]string{"[g]", "[g h]"},
	}, {
		call: "`Remove`", on: "with `WithMissingOK()`", requests: 1,
		tree: these("f", "g"), edit: these("h"),
		do: removed("f", s3path.WithMissingOK()), want: [2]string{"[g]", "[g h]"},
	}, {
		call: "`RemoveAll`", on: "100 objects", requests: 2,
		tree: func(*billed) []string { return append(many("d/s/f%03d", 100), "d.txt") },
		edit: func(*billed) []string { return append(many("d/s/g%03d", 100), "d2/x") },
		do:   removedAll, want: [2]string{"[d.txt]", "[d.txt d2/x]"},
	}, {
		call: "`RemoveAll`", on: "2,500 objects", requests: 6,
		tree: func(*billed) []string { return append(many("d/s/f%05d", 2500), "d.txt") },
		edit: func(*billed) []string { return append(many("d/s/g%05d", 2001), "d2/x") },
		do:   removedAll, want: [2]string{"[d.txt]", "[d.txt d2/x]"},
	}, {
		call: "`Client.RemoveMany`", on: "2,500 paths", requests: 3,
		tree: these("d/f00000", "d/f01000", "d/f02499", "d/f02500"), edit: these("d/f00001"),
		do: func(t *testing.T, at *billed) string {
			err := at.client.RemoveMany(t.Context(), func(yield func(s3path.S3Path) bool) {
				for _, key := range many("d/f%05d", 2500) {
					if !yield(at.object(key)) {
						return
					}
				}
			})
			return said(at.keys(t), err)
		},
		want: [2]string{"[d/f02500]", "[d/f02500]"},
	},
}}

// ---- the rest

var otherBills = section{name: "others", bills: []bill{
	{
		call: "`PresignGet`, `PresignPut`", on: "an object", requests: 0,
		tree: these("f=one"), edit: these("f=two"),
		do: func(t *testing.T, at *billed) string {
			url, err := at.object("f").PresignGet(t.Context(), time.Minute)
			if err != nil {
				return said(nil, err)
			}
			if _, err := at.object("f").PresignPut(t.Context(), time.Minute); err != nil {
				return said(nil, err)
			}
			return at.fetched(t, url)
		},
		want: [2]string{"one", "two"},
	}, {
		call: "`SetTags`", on: "an object", requests: 1,
		tree: these("f"), edit: these("f=again"),
		do: func(t *testing.T, at *billed) string {
			err := at.object("f").SetTags(t.Context(), map[string]string{"team": "blue"})
			return said("set", err)
		},
		want: [2]string{"set", "set"},
	}, {
		call: "`Tags`", on: "an object", requests: 1,
		tree: these("f"), edit: these("f=again"),
		do: func(t *testing.T, at *billed) string {
			return said(at.object("f").Tags(t.Context()))
		},
		want: [2]string{"map[]", "map[]"},
	},
}}

// fetched is what a presigned URL serves, around the proxy: it was signed for the
// proxy's name.
func (at *billed) fetched(t *testing.T, signed string) string {
	t.Helper()
	path, ok := strings.CutPrefix(signed, at.URL)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.Direct+path, nil)
	if err != nil || !ok {
		t.Fatal(signed, err)
	}
	req.Host = strings.TrimPrefix(at.URL, "http://")
	resp, err := at.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return said(string(body), err)
}
