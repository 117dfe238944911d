package s3path_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// TestFilters are chosen entries of a walk with directories. Whatever is chosen,
// it costs no request.
func TestFilters(t *testing.T) {
	const tree = "a/keep.log=1 a/x.log=22 a/sub/y.log=333 a/sub/z.TXT=4444 b/sub/deep/w.txt=55555 c.tar.gz=666666 d.gz .pdf e.PDF=1 pdf"
	type opts = []s3path.ListOption
	include, exclude := s3path.WithInclude, s3path.WithExclude
	rows := []struct {
		name string
		opts opts
		want string
	}{
		{"none", nil, ".pdf a: a/keep.log a/sub: a/sub/y.log a/sub/z.TXT a/x.log b: b/sub: b/sub/deep: b/sub/deep/w.txt c.tar.gz d.gz e.PDF pdf"},

		{"include: relative to the listing's root", opts{include("a/*.log")}, "a: a/keep.log a/sub: a/x.log b: b/sub: b/sub/deep:"},
		{"include: a name alone is of the root", opts{include("x.log")}, "a: a/sub: b: b/sub: b/sub/deep:"},
		{"include: any of several", opts{include("**/x.log", "**/w.txt")}, "a: a/sub: a/x.log b: b/sub: b/sub/deep: b/sub/deep/w.txt"},
		{"include: any of several options", opts{include("**/x.log"), include("**/w.txt")}, "a: a/sub: a/x.log b: b/sub: b/sub/deep: b/sub/deep/w.txt"},
		{"include: a directory is not its content", opts{include("a")}, "a: a/sub: b: b/sub: b/sub/deep:"},

		{"exclude: objects", opts{exclude("**/*.log", "*")}, ""},
		{"exclude: an excluded directory excludes what is below it", opts{exclude("a", "b/sub")}, ".pdf b: c.tar.gz d.gz e.PDF pdf"},
		{"exclude: written with a slash", opts{exclude("a/", "pdf/")}, ".pdf b: b/sub: b/sub/deep: b/sub/deep/w.txt c.tar.gz d.gz e.PDF pdf"},
		{"exclude: at any depth", opts{exclude("**/sub")}, ".pdf a: a/keep.log a/x.log b: c.tar.gz d.gz e.PDF pdf"},
		{"exclude: the content but not the directory", opts{exclude("a/*")}, ".pdf a: b: b/sub: b/sub/deep: b/sub/deep/w.txt c.tar.gz d.gz e.PDF pdf"},
		{"exclude before include", opts{include("**/*.log"), exclude("**/sub")}, "a: a/keep.log a/x.log b:"},

		{"!: takes back in", opts{exclude("**/*.log", "!**/keep.log", "b", "*pdf", "*.PDF")}, "a: a/keep.log a/sub: a/sub/z.TXT c.tar.gz d.gz"},
		{"!: written first", opts{exclude("!**/keep.log", "**/*.log", "b", "*pdf", "*.PDF")}, "a: a/keep.log a/sub: a/sub/z.TXT c.tar.gz d.gz"},
		{"!: in an option of its own", opts{exclude("!**/keep.log"), exclude("**/*.log", "b", "*pdf", "*.PDF")}, "a: a/keep.log a/sub: a/sub/z.TXT c.tar.gz d.gz"},
		{"!: out of an excluded directory", opts{exclude("a", "!a/keep.log", "b", "*.*", "pdf")}, "a/keep.log"},
		{"!: a directory with its content out of an excluded one", opts{exclude("a", "!a/sub", "b", "*.*", "pdf")}, "a/sub: a/sub/y.log a/sub/z.TXT"},
		{"!: but not what is excluded again further down", opts{exclude("a", "!a/sub", "a/sub/y.log", "b", "*.*", "pdf")}, "a/sub: a/sub/z.TXT"},
		{"!: the excluded directory itself", opts{exclude("a", "!a", "b", "*.*", "pdf")}, "a: a/keep.log a/sub: a/sub/y.log a/sub/z.TXT a/x.log"},
		{"!: then a directory below is excluded all the same", opts{exclude("a", "!a", "a/sub", "b", "*.*", "pdf")}, "a: a/keep.log a/x.log"},
		{"!: alone excludes nothing", opts{exclude("!a"), include("c.*")}, "a: a/sub: b: b/sub: b/sub/deep: c.tar.gz"},
		{`\!: is the character`, opts{exclude(`\!a`), include("c.*")}, "a: a/sub: b: b/sub: b/sub/deep: c.tar.gz"},

		{"extensions: case, dot optional, at the end of the name", opts{s3path.WithExtensions("pdf", ".TXT", "tar.gz"), exclude("b/sub/deep")},
			".pdf a: a/sub: a/sub/z.TXT b: b/sub: c.tar.gz e.PDF"},
		{"extensions: the last is enough", opts{s3path.WithExtensions("gz"), exclude("a", "b")}, "c.tar.gz d.gz"},
		{"extensions: an empty list is all", opts{s3path.WithExtensions(), exclude("a", "b")}, ".pdf c.tar.gz d.gz e.PDF pdf"},

		{"sizes: at least, the bound included", opts{s3path.WithMinSize(5), exclude("a", "b/sub/deep/x")}, "b: b/sub: b/sub/deep: b/sub/deep/w.txt c.tar.gz"},
		{"sizes: at most, the bound included", opts{s3path.WithMaxSize(2), exclude("b")}, ".pdf a: a/keep.log a/sub: a/x.log d.gz e.PDF pdf"},
		{"sizes: both", opts{s3path.WithMinSize(3), s3path.WithMaxSize(4)}, "a: a/sub: a/sub/y.log a/sub/z.TXT b: b/sub: b/sub/deep:"},
		{"sizes: 0 and nothing above", opts{s3path.WithMaxSize(0), exclude("a", "b")}, ".pdf d.gz pdf"},

		{"a function", opts{s3path.WithFilter(func(e s3path.Entry) bool { return e.Size() == 3 }), exclude("b")}, "a: a/sub: a/sub/y.log"},
		{"two functions", opts{s3path.WithFilter(func(e s3path.Entry) bool { return e.Size() > 2 }),
			s3path.WithFilter(func(e s3path.Entry) bool { return e.Size() < 4 }), exclude("b")}, "a: a/sub: a/sub/y.log"},
	}
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words(tree)...)
		at.put(t, "elsewhere/x")
		for _, row := range rows {
			n := at.count(func() {
				root := at.bucket
				opts := append(opts{s3path.WithDirs(), exclude("elsewhere")}, row.opts...)
				same(t, row.name, shown(root.Walk(t.Context(), opts...)), words(row.want))
			})
			if n != 1 {
				t.Errorf("%s: %d requests, want 1", row.name, n)
			}
		}
	})
}

// TestFiltersAreRelative to what is listed, whatever the listing.
func TestFiltersAreRelative(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, words("top/a/x.txt top/a/y.log top/b.txt top/c/x.txt top/c/d/x.txt")...)
		root := at.object("top")
		exclude, include := s3path.WithExclude("a"), s3path.WithInclude("b.txt", "*/x.txt")
		same(t, "Walk", shown(root.Walk(ctx, exclude, include)), words("b.txt c/x.txt"))
		same(t, "IterDir", shown(root.IterDir(ctx, exclude, include)), words("b.txt c:"))
		same(t, "Glob", shown(root.Glob(ctx, "**", exclude, include)), words(": b.txt c: c/d: c/x.txt"))
		same(t, "Glob of the directory", shown(root.Glob(ctx, "a", exclude)), nil)
		same(t, "Glob below the directory", shown(root.Glob(ctx, "a/*.txt", exclude)), nil)
		same(t, "Glob that yields the root", shown(root.Glob(ctx, "**", s3path.WithExclude("**"))), nil)
		same(t, "RGlob", shown(root.RGlob(ctx, "*.txt", exclude, include)), words("b.txt c/x.txt"))
		same(t, "WalkDir", walked(t, root, exclude, include), words("/ b.txt c/ c/d/ c/x.txt"))
		same(t, "Versions", shown(root.Versions(ctx, exclude, include)), words("b.txt c/x.txt"))
		same(t, "IterDir keeps directories that an inclusion does not name",
			shown(root.IterDir(ctx, s3path.WithInclude("b.txt"), s3path.WithMinSize(100))), words("a: c:"))
	})
}

// TestExclusionPrunes: an excluded directory is not asked for where that saves
// requests, unless something may be taken back in.
func TestExclusionPrunes(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var keys []string
		for _, dir := range []string{"a", "big/sub", "z"} {
			for i := range 45 {
				keys = append(keys, fmt.Sprintf("%s/%02d", dir, i))
			}
		}
		at.putMany(t, keys)
		for _, row := range []struct {
			patterns []string
			requests int
			entries  int
		}{
			{[]string{"nothing"}, 14, 135},
			{[]string{"big"}, 10, 90},
			{[]string{"big", "!a/00"}, 10, 90},
			{[]string{"big", "!big/other/*"}, 10, 90}, // big/ is entered, big/sub is not
			{[]string{"big", "!**/00"}, 14, 91},
		} {
			n := at.count(func() {
				got := rels(t, at.bucket.Walk(t.Context(), s3path.WithExclude(row.patterns...), s3path.WithPageSize(10)))
				if len(got) != row.entries {
					t.Errorf("%q: %d entries, want %d", row.patterns, len(got), row.entries)
				}
			})
			if n != row.requests {
				t.Errorf("%q: %d requests, want %d", row.patterns, n, row.requests)
			}
		}
	})
}

// TestExcludedNames without a name, and markers.
func TestExcludedNames(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.KeyEmptyComponent, s3matrix.KeyLeadingSlash)
		at.put(t, words("/k /d/x a//x a/y m/")...)
		for _, row := range []struct{ exclude, want string }{
			{`\/`, "a: a//: a//x a/y m: m/"}, // the directory without a name below the root
			{"a//", "/: /d: /d/x /k a: a/y m: m/"},
			{"*", ""},
			{"m", "/: /d: /d/x /k a: a//: a//x a/y"},
			{"m/", "/: /d: /d/x /k a: a//: a//x a/y"},
		} {
			want := words(row.want)
			if row.exclude == "*" { // no star matches an empty name
				want = words("/: /d: /d/x /k")
			}
			got := shown(at.bucket.Walk(t.Context(), s3path.WithDirs(), s3path.WithMarkers(), s3path.WithExclude(row.exclude)))
			same(t, row.exclude, got, want)
		}
	})
}

// TestModified: times are whole seconds, and the bound is not included.
func TestModified(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, "a", "dir/b")
		var when time.Time
		for e, err := range at.bucket.Walk(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if e.ModTime().After(when) {
				when = e.ModTime()
			}
		}
		after, before := s3path.WithModifiedAfter, s3path.WithModifiedBefore
		hour := time.Hour
		for _, row := range []struct {
			name string
			opts []s3path.ListOption
			want string
		}{
			{"after an hour ago", []s3path.ListOption{after(when.Add(-hour))}, "a dir: dir/b"},
			{"after then", []s3path.ListOption{after(when)}, "dir:"},
			{"before in an hour", []s3path.ListOption{before(when.Add(hour))}, "a dir: dir/b"},
			{"before the first", []s3path.ListOption{before(when.Add(-hour))}, "dir:"},
			{"between", []s3path.ListOption{after(when.Add(-hour)), before(when.Add(time.Second))}, "a dir: dir/b"},
			{"before the beginning of time", []s3path.ListOption{before(time.Time{})}, "dir:"},
		} {
			same(t, row.name, shown(at.bucket.Walk(ctx, append(row.opts, s3path.WithDirs())...)), words(row.want))
		}
	})
}

// TestFilterFunction is never asked about directories, nor about what another
// filter drops.
func TestFilterFunction(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, words("a/x a/y.log b")...)
		var asked []string
		keep := s3path.WithFilter(func(e s3path.Entry) bool {
			asked = append(asked, e.Rel())
			return false
		})
		opts := []s3path.ListOption{keep, s3path.WithDirs(), s3path.WithExclude("**/*.log")}
		same(t, "left", shown(at.bucket.Walk(t.Context(), opts...)), []string{"a:"})
		same(t, "asked about", asked, []string{"a/x", "b"})
	})
}

// TestLimit counts what is yielded, and asks for nothing beyond it.
func TestLimit(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		var keys []string
		for i := range 25 {
			keys = append(keys, fmt.Sprintf("d/%02d.txt", i), fmt.Sprintf("d/%02d.log", i))
		}
		at.putMany(t, keys)
		only := s3path.WithExtensions("txt")
		page := s3path.WithPageSize(10)
		root := at.object("d")
		for what, list := range map[string]func(opts ...s3path.ListOption) seq{
			"IterDir":  func(opts ...s3path.ListOption) seq { return root.IterDir(ctx, opts...) },
			"Walk":     func(opts ...s3path.ListOption) seq { return root.Walk(ctx, opts...) },
			"Glob":     func(opts ...s3path.ListOption) seq { return root.Glob(ctx, "*", opts...) },
			"RGlob":    func(opts ...s3path.ListOption) seq { return root.RGlob(ctx, "*", opts...) },
			"Versions": func(opts ...s3path.ListOption) seq { return root.Versions(ctx, opts...) },
		} {
			for _, row := range []struct{ limit, entries, requests int }{
				{0, 0, 0}, {1, 1, 1}, {5, 5, 1}, {6, 6, 2}, {25, 25, 5}, {100, 25, 5},
			} {
				if what == "Versions" && row.limit > 5 {
					continue // whose pages are the server's own affair
				}
				entries := 0
				requests := at.count(func() { entries = len(rels(t, list(only, page, s3path.WithLimit(row.limit)))) })
				if entries != row.entries || requests != row.requests && !(row.limit >= 25 && requests == row.requests+1) {
					t.Errorf("%s, limit %d: %d entries, %d requests; want %d and %d", what, row.limit, entries, requests, row.entries, row.requests)
				}
			}
		}
	})
}

// TestLimitDoesNotHideFailures: a limit of some of a missing directory.
func TestLimitDoesNotHideFailures(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for what, err := range map[string]error{
			"Walk":    last(at.object("missing").Walk(t.Context(), s3path.WithLimit(3))),
			"IterDir": last(at.object("missing").IterDir(t.Context(), s3path.WithLimit(3))),
		} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// TestRawPrefix lists what starts so, files and directories alike.
func TestRawPrefix(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		tree := words("dat.csv data/x data/sub/y date e")
		at.put(t, tree...)
		for _, key := range tree {
			at.put(t, "below/"+key)
		}
		dat := s3path.WithRawPrefix("dat")
		// Also the empty one, of a path that nothing lies below, says that nothing is fine.
		if got := fmt.Sprint(shown(at.object("nowhere").Walk(ctx, s3path.WithRawPrefix("")))); got != "[]" {
			t.Errorf("nowhere: %s", got)
		}
		absent := at.client.Object("absent-"+at.bucket.Bucket(), "nowhere")
		if _, err := absent.Snapshot(ctx, s3path.WithRawPrefix("")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing bucket: %v", err)
		}
		for _, root := range []s3path.S3Path{at.bucket, at.object("below"), at.object("below/")} {
			where := " of " + strings.TrimPrefix(root.String(), at.bucket.String())
			for _, row := range []struct{ what, got, want string }{
				{"Walk", fmt.Sprint(shown(root.Walk(ctx, dat))), "[dat.csv data/sub/y data/x date]"},
				{"Walk with directories", fmt.Sprint(shown(root.Walk(ctx, dat, s3path.WithDirs()))), "[dat.csv data: data/sub: data/sub/y data/x date]"},
				{"IterDir", fmt.Sprint(shown(root.IterDir(ctx, dat))), "[dat.csv data: date]"},
				{"Glob", fmt.Sprint(shown(root.Glob(ctx, "*", dat))), "[dat.csv data: date]"},
				{"Glob of something else", fmt.Sprint(shown(root.Glob(ctx, "e*", dat))), "[]"},
				{"RGlob", fmt.Sprint(shown(root.RGlob(ctx, "x", dat))), "[data/x]"},
				{"WalkDir", fmt.Sprint(walked(t, root, dat)), "[dat.csv data/ data/sub/ data/sub/y data/x date]"},
				{"Versions", fmt.Sprint(shown(root.Versions(ctx, dat))), "[dat.csv data/sub/y data/x date]"},
				{"with a slash in it", fmt.Sprint(shown(root.Walk(ctx, s3path.WithRawPrefix("data/s")))), "[data/sub/y]"},
				{"that nothing begins with", fmt.Sprint(shown(root.Walk(ctx, s3path.WithRawPrefix("none")))), "[]"},
				{"children that nothing begins with", fmt.Sprint(shown(root.IterDir(ctx, s3path.WithRawPrefix("none")))), "[]"},
			} {
				if row.got != row.want {
					t.Errorf("%s%s: %s, want %s", row.what, where, row.got, row.want)
				}
			}
		}
	})
}

// TestOwner is asked for, and unknown unless it is.
func TestOwner(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, "d/f")
		for what, list := range map[string]func(opts ...s3path.ListOption) seq{
			"Walk":     func(opts ...s3path.ListOption) seq { return at.bucket.Walk(ctx, opts...) },
			"IterDir":  func(opts ...s3path.ListOption) seq { return at.object("d").IterDir(ctx, opts...) },
			"Glob":     func(opts ...s3path.ListOption) seq { return at.bucket.Glob(ctx, "*/*", opts...) },
			"Versions": func(opts ...s3path.ListOption) seq { return at.bucket.Versions(ctx, opts...) },
		} {
			n := 0
			for e, err := range list() {
				if n++; err != nil || e.Owner() != "" {
					t.Errorf("%s: owner %q unasked, %v", what, e.Owner(), err)
				}
			}
			for e, err := range list(s3path.WithOwner()) {
				unknown := what == "Versions" && at.Name == s3matrix.VersityGW // which lists versions without owners
				if n++; err != nil || (e.Owner() == "") != unknown {
					t.Errorf("%s: no owner, %v", what, err)
				}
			}
			if n != 2 {
				t.Errorf("%s: %d entries", what, n)
			}
		}
	})
}
