package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/examples/jobs/internal/jobtest"
	"github.com/cloudpath-go/cloudpath/s3path"
)

var suite jobtest.Suite

func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }

var modified = regexp.MustCompile(`(?m)^modified .*$`)

func TestDemo(t *testing.T) {
	got := suite.Run(t, nil)
	out := modified.ReplaceAllString(got.Stdout, "modified     2026-05-30 12:00:00 +0000 UTC")
	jobtest.Golden(t, "testdata/demo.golden", out)
	if got.Stderr != "" {
		t.Errorf("said %q on standard error", got.Stderr)
	}
}

// indexing is a place and the state between the runs there.
type indexing struct {
	*jobtest.Place
	state string
}

func newIndexing(t *testing.T, at *jobtest.Place) *indexing {
	return &indexing{at, filepath.Join(t.TempDir(), "index.json")}
}

// run indexes the bucket's data/, says what it printed, and checks what it asked.
func (x *indexing) run(t *testing.T, lists, gets int, args ...string) string {
	t.Helper()
	x.Proxy.Reset()
	args = append(append([]string{"-state", x.state}, args...), x.URI("data")+"/")
	got := suite.Run(t, x.Env(), args...)
	if counts := x.Proxy.Counts(); counts["ListObjectsV2"] != lists || counts["GetObject"] != gets || x.Proxy.Count() != lists+gets {
		t.Errorf("it asked %v, want %d listings and %d GETs", counts, lists, gets)
	}
	if got.Stderr != "" {
		t.Errorf("said %q on standard error", got.Stderr)
	}
	return got.Stdout
}

func (x *indexing) prints(t *testing.T, want string, lists, gets int, args ...string) {
	t.Helper()
	if got := x.run(t, lists, gets, args...); got != want {
		t.Errorf("it printed\n%s\nwant\n%s", got, want)
	}
}

// kept is the state.
func (x *indexing) kept(t *testing.T) (data []byte, now index) {
	t.Helper()
	data, err := os.ReadFile(x.state)
	if err == nil {
		err = json.Unmarshal(data, &now)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data, now
}

// 2,500 objects, of which 500 are text: the first run reads each of these, the
// second none, and then only what has changed is read.
func TestManyFiles(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		x := newIndexing(t, at)
		objects := map[string]string{"database.txt": "of others", "data.txt": "of others", "data/empty/": ""}
		var want strings.Builder
		for i := range 2500 {
			rel := fmt.Sprintf("%d/%04d.txt", i/1000, i)
			if i%5 > 0 {
				objects["data/"+rel+".png"] = "no text"
				continue
			}
			objects["data/"+rel] = fmt.Sprintf("Title %d\n\nand words.\n", i)
			fmt.Fprintf(&want, "added    %s: 4 words, \"Title %d\"\n", rel, i)
		}
		at.Seed(t, objects)
		const text = "-include=**/*.txt"
		x.prints(t, want.String()+"500 added, 0 changed, 0 removed, 0 unchanged\n", 3, 500, text)
		x.prints(t, "0 added, 0 changed, 0 removed, 500 unchanged\n", 3, 0, text)
		_, state := x.kept(t)
		if len(state.Files) != 500 || state.Seen.Len() != 500 {
			t.Errorf("the state has %d files and has seen %d", len(state.Files), state.Seen.Len())
		}

		// One is rewritten, one is written again as it was, one is new, one is gone.
		time.Sleep(1100 * time.Millisecond) // until a new time can be seen
		change := map[string]string{
			"data/0/0005.txt": "Other\n", "data/1/1500.txt": objects["data/1/1500.txt"], "data/new.txt": "\xfe\xff\x00N\x00e\x00w",
		}
		at.Seed(t, change)
		at.Delete(t, "data/2/2495.txt")
		x.prints(t, `added    new.txt: 1 words, "New"
changed  0/0005.txt: 1 words, "Other"
removed  2/2495.txt
1 added, 1 changed, 1 removed, 498 unchanged
`, 3, 2, text)
		_, after := x.kept(t)
		stamp := func(i index, rel string) s3path.Stamp { return maps.Collect(i.Seen.All())[rel] }
		if !stamp(after, "1/1500.txt").ModTime.After(stamp(state, "1/1500.txt").ModTime) {
			t.Error("of what was written again the state does not have the new time")
		}
		x.prints(t, "0 added, 0 changed, 0 removed, 500 unchanged\n", 3, 0, text)

		// A listing that fails in the middle: the state stays, whatever it was.
		before, _ := x.kept(t)
		at.Delete(t, "data/0/0000.txt")
		refuseFrom(at, 2)
		suite.Fails(t, suite.Command(t, at.Env(), "-state", x.state, text, x.URI("data")+"/"), "AccessDenied: Not today")
		at.Proxy.Intercept(nil)
		if now, _ := x.kept(t); string(now) != string(before) {
			t.Error("the state has changed")
		}
		x.prints(t, "removed  0/0000.txt\n0 added, 0 changed, 1 removed, 499 unchanged\n", 3, 0, text)

		maps.Copy(objects, change)
		delete(objects, "data/0/0000.txt")
		delete(objects, "data/2/2495.txt")
		at.Holds(t, objects)
	})
}

// Patterns are matched with the path relative to the prefix, the size limit is
// inclusive, and markers are no files.
func TestSelection(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		at.Seed(t, map[string]string{
			"data/a.txt": "12345", "data/b.md": "1", "data/long.txt": "123456", "data/sub/c.txt": "1",
			"data/drafts/d.txt": "1", "data/sub/drafts/e.txt": "1", "data/dir/": "", "data/photo.png": "1",
		})
		for _, row := range []struct {
			name string
			args []string
			want []string
		}{
			{"everything", nil, []string{"a.txt", "b.md", "drafts/d.txt", "long.txt", "photo.png", "sub/c.txt", "sub/drafts/e.txt"}},
			{"include", []string{"-include=*.txt"}, []string{"a.txt", "long.txt"}},
			{"include two", []string{"-include=*.md", "-include=**/*.txt"}, []string{"a.txt", "b.md", "drafts/d.txt", "long.txt", "sub/c.txt", "sub/drafts/e.txt"}},
			{"not by the whole key", []string{"-include=data/*"}, nil},
			{"exclude", []string{"-exclude=drafts"}, []string{"a.txt", "b.md", "long.txt", "photo.png", "sub/c.txt", "sub/drafts/e.txt"}},
			{"exclude at any depth", []string{"-exclude=**/drafts", "-exclude=*.png"}, []string{"a.txt", "b.md", "long.txt", "sub/c.txt"}},
			{"size", []string{"-max-size=5"}, []string{"a.txt", "b.md", "drafts/d.txt", "photo.png", "sub/c.txt", "sub/drafts/e.txt"}},
			{"all of them", []string{"-max-size=5", "-include=**/*.txt", "-exclude=**/drafts"}, []string{"a.txt", "sub/c.txt"}},
		} {
			t.Run(row.name, func(t *testing.T) {
				x := newIndexing(t, at)
				x.run(t, 1, len(row.want), row.args...)
				_, state := x.kept(t)
				if got := slices.Sorted(maps.Keys(state.Files)); !slices.Equal(got, row.want) {
					t.Errorf("indexed %q, want %q", got, row.want)
				}
			})
		}
	})
}

// What is said of one file, named by URI or by bucket and key.
func TestShow(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		for _, row := range []struct {
			key, body string
			begins    string
			text      string
		}{
			{"data/plain.txt", "Lake\nblue\n", `"Lake"`, `2 words, "Lake"`},
			{"data/utf8.txt", "\xef\xbb\xbfLäke", `"\ufeffL"`, `1 words, "Läke"`},
			{"data/utf16le.txt", "\xff\xfeL\x00\xe4\x00", `"\xff\xfeL\x00"`, `1 words, "Lä"`},
			{"data/utf32be.txt", "\x00\x00\xfe\xff\x00\x00\x00L", `"\x00\x00\xfe\xff"`, `1 words, "L"`},
			{"data/broken.txt", "a\xffb", `"a\xffb"`, "1 words, \"a\ufffdb\""},
			{"data/empty.txt", "", `""`, `0 words, ""`},
			{"data/a b+%41.txt", "Odd", `"Odd"`, `1 words, "Odd"`},
		} {
			at.Seed(t, map[string]string{row.key: row.body})
			head, err := at.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(at.Bucket), Key: aws.String(row.key)})
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("s3://%s/%s\nsize         %d bytes\nmodified     %v\nfingerprint  %s\nbegins with  %s\ntext         %s\n",
				at.Bucket, row.key, len(row.body), head.LastModified.UTC(), strings.Trim(*head.ETag, `"`), row.begins, row.text)
			for _, args := range [][]string{{at.URI(row.key)}, {at.Bucket, row.key}} {
				at.Proxy.Reset()
				got := suite.Run(t, at.Env(), append([]string{"-show", "-head=4"}, args...)...)
				if got.Stdout != want || got.Stderr != "" {
					t.Errorf("%q printed\n%s%swant\n%s", args, got.Stdout, got.Stderr, want)
				}
				// The text is needed twice and read once; its beginning is a range.
				if ops := at.Proxy.Requests().Operations(); !slices.Equal(ops, []string{"HeadObject", "GetObject", "GetObject"}) ||
					at.Proxy.Requests()[1].Header.Get("Range") != "bytes=0-3" {
					t.Errorf("%q asked %v", args, ops)
				}
			}
		}
		at.Proxy.Reset()
		got := suite.Run(t, at.Env(), "-show", "-head=0", at.URI("data/plain.txt"))
		if ops := at.Proxy.Requests().Operations(); !slices.Equal(ops, []string{"HeadObject", "GetObject"}) || !strings.Contains(got.Stdout, "begins with  \"\"\n") {
			t.Errorf("no bytes: asked %v and printed\n%s", ops, got.Stdout)
		}
	})
}

// When everything has gone it is reported, and the next run has nothing to do.
func TestAllGone(t *testing.T) {
	suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
		x := newIndexing(t, at)
		at.Seed(t, map[string]string{"data/a.txt": "1", "data/b/c.txt": "2"})
		x.run(t, 1, 2)
		at.Delete(t, "data/a.txt", "data/b/c.txt")
		x.prints(t, "removed  a.txt\nremoved  b/c.txt\n0 added, 0 changed, 2 removed, 0 unchanged\n", 1, 0)
		x.prints(t, "0 added, 0 changed, 0 removed, 0 unchanged\n", 1, 0)
	})
}
