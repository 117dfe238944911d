package s3path_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// sections are the README's table of costs, in its order.
var sections = []section{questionBills, entryBills, listingBills, oneTreeBills, wideTreeBills, readBills, writeBills, fsBills, changeBills, removalBills, otherBills}

type ask func(p s3path.S3Path, t *testing.T) (any, error)

func askExists(p s3path.S3Path, t *testing.T) (any, error) { return p.Exists(t.Context()) }
func askIsFile(p s3path.S3Path, t *testing.T) (any, error) { return p.IsFile(t.Context()) }
func askIsDir(p s3path.S3Path, t *testing.T) (any, error)  { return p.IsDir(t.Context()) }

func askStat(p s3path.S3Path, t *testing.T) (any, error) {
	i, err := p.Stat(t.Context())
	return fmt.Sprint(i.Size(), " ", i.IsDir()), err
}

// about asks a question about a key, "" for the bucket.
func about(key string, ask ask) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string { return said(ask(at.object(key), t)) }
}

var questionBills = section{name: "questions", bills: []bill{
	{
		call: "`Exists`", on: "a file", requests: 1,
		tree: these("d/f=1", "d/g"), edit: these("d/f=22", "-d/g"),
		do: about("d/f", askExists), want: [2]string{"true", "true"},
	}, {
		call: "`Exists`", on: "a directory, or nothing at all", requests: 2,
		tree: these("other/x"), edit: these("d/x"),
		do: about("d", askExists), want: [2]string{"false", "true"},
	}, {
		call: "`Exists`", on: "a path that ends in `/`", requests: 1,
		tree: these("d/x"), edit: these("-d/x"),
		do: about("d/", askExists), want: [2]string{"true", "false"},
	}, {
		call: "`Exists`", on: "a bucket", requests: 1,
		tree: these("d/x"), edit: these("-d/x"),
		do: about("", askExists), want: [2]string{"true", "true"},
	}, {
		call: "`Exists`", on: "a bucket that is not there", requests: 1, unlisted: true,
		tree: these("d/x"), edit: these("-d/x"),
		do: func(t *testing.T, at *billed) string {
			return said(at.client.Object("absent-"+at.bucket.Bucket()[:4]+"-bucket", "").Exists(t.Context()))
		},
		want: [2]string{"false", "false"},
	}, {
		call: "`IsFile`", on: "anything", requests: 1,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("d/f", askIsFile), want: [2]string{"true", "false"},
	}, {
		call: "`IsFile`", on: "a directory", requests: 1, unlisted: true,
		tree: these("d/f"), edit: these("-d/f", "d2/f"),
		do: about("d", askIsFile), want: [2]string{"false", "false"},
	}, {
		call: "`IsFile`", on: "a path that ends in /", requests: 1, unlisted: true,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("d/", askIsFile), want: [2]string{"false", "false"},
	}, {
		call: "`IsFile`", on: "a bucket", requests: 1, unlisted: true,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("", askIsFile), want: [2]string{"false", "false"},
	}, {
		call: "`IsDir`", on: "anything", requests: 1,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("d", askIsDir), want: [2]string{"true", "false"},
	}, {
		call: "`IsDir`", on: "a file", requests: 1, unlisted: true,
		tree: these("f"), edit: these("f=again", "f.d/x"),
		do: about("f", askIsDir), want: [2]string{"false", "false"},
	}, {
		call: "`IsDir`", on: "a path that ends in /", requests: 1, unlisted: true,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("d/", askIsDir), want: [2]string{"true", "false"},
	}, {
		call: "`IsDir`", on: "a bucket", requests: 1, unlisted: true,
		tree: these("d/f"), edit: these("-d/f"),
		do: about("", askIsDir), want: [2]string{"true", "true"},
	}, {
		call: "`Stat`", on: "a file", requests: 1,
		tree: these("d/f=1"), edit: these("d/f=22"),
		do: about("d/f", askStat), want: [2]string{"1 false", "2 false"},
	}, {
		call: "`Stat`", on: "a directory, or nothing at all", requests: 2,
		tree: these("d/x"), edit: these("-d/x"),
		do: about("d", askStat), want: [2]string{"0 true", "file does not exist"},
	}, {
		call: "`Stat`", on: "a path that ends in `/`", requests: 1,
		tree: these("d/x"), edit: these("-d/x"),
		do: about("d/", askStat), want: [2]string{"0 true", "file does not exist"},
	}, {
		call: "`Stat`", on: "a bucket", requests: 1, unlisted: true,
		tree: these("d/x"), edit: these("-d/x"),
		do: about("", askStat), want: [2]string{"0 true", "0 true"},
	},
}}

var entryBills = section{name: "entries", bills: []bill{{
	call: "`Size`, `ModTime`, `ETag`, `IsDir`, `Info`", on: "an entry of a listing", requests: 0,
	tree: these("d/f=1"), edit: these("d/f=22", "d/e=333"),
	do: func(t *testing.T, at *billed) string {
		found := collect(t, at.object("d").IterDir(t.Context()))
		at.start()
		var answers []string
		for _, e := range found {
			info, err := e.Info()
			if err != nil || e.ModTime().IsZero() || e.ETag() == "" || e.IsDir() || !e.IsFile() || info.Size() != e.Size() {
				t.Errorf("%v: %v, %v", e, info, err)
			}
			answers = append(answers, fmt.Sprintf("%s %d", e.Name(), e.Size()))
		}
		return fmt.Sprint(answers)
	},
	want: [2]string{"[f 1]", "[e 3 f 2]"},
}}}

func collect(t *testing.T, seq func(yield func(s3path.Entry, error) bool)) []s3path.Entry {
	t.Helper()
	var all []s3path.Entry
	for e, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

// globbed is what a pattern finds in the bucket.
func globbed(pattern string, opts ...s3path.ListOption) func(t *testing.T, at *billed) string {
	return func(t *testing.T, at *billed) string {
		return at.spanned(rels(t, at.bucket.Glob(t.Context(), pattern, opts...)))
	}
}

// spanned is a long list as text: how many in a tree of full size, the first and
// the last.
func (at *billed) spanned(list []string) string {
	if len(list) < at.page {
		return quoted(list)
	}
	return fmt.Sprintf("%d from %s to %s", at.full(len(list)), list[0], list[len(list)-1])
}

var listingBills = section{name: "listings", bills: []bill{
	{
		call: "`IterDir`", on: "2,500 children", requests: 3,
		tree: func(at *billed) []string {
			return slices.Concat([]string{"d/a"}, many("d/f%05d", at.of(2500)-2-at.short), []string{"d/z/1", "d/z/2", "e"})
		},
		edit: these("-d/a", "d/b", "-e"),
		do: func(t *testing.T, at *billed) string {
			return at.spanned(rels(t, at.object("d").IterDir(t.Context())))
		},
		want: [2]string{"2500 from a to z", "2500 from b to z"},
	}, {
		call: "`IterDir`", on: "a file, or nothing at all", requests: 2,
		tree: these("f"), edit: these("-f"),
		do: func(t *testing.T, at *billed) string {
			for _, err := range at.object("f").IterDir(t.Context()) {
				return said("an entry", err)
			}
			return "no entry and no error"
		},
		want: [2]string{"not a directory", "file does not exist"},
	},
}}

// bigTree has 7,501 keys, 5,000 of them in five directories below a/b.
func bigTree(at *billed) []string {
	keys := slices.Concat([]string{"a/a/first.json"}, many("a/c/f%05d.json", at.of(2500)))
	for d := range 5 {
		keys = append(keys, many(fmt.Sprintf("a/b/d%02d/s/", d)+"f%05d.json", at.of(1000))...)
	}
	return keys[:len(keys)-at.short]
}

var oneTreeBills = section{name: "a tree of 7,501 keys", tree: bigTree, bills: []bill{
	{
		call: "`Walk`", on: "5,000 objects in 5 directories", requests: 5,
		edit: these("-a/b/d00/s/f00000.json", "a/b/d04/s/g.json"),
		do: func(t *testing.T, at *billed) string {
			list := rels(t, at.object("a/b").Walk(t.Context()))
			if !slices.IsSorted(list) {
				t.Error("the walk is not in key order")
			}
			return fmt.Sprint(at.full(len(list)), " ", list[0], " ", list[len(list)-1] == "d04/s/g.json")
		},
		want: [2]string{"5000 d00/s/f00000.json false", "5000 d00/s/f00001.json true"},
	}, {
		call: "`Glob(\"a/b/**/*.json\")`", on: "5,000 of the bucket's 7,501 keys", requests: 5,
		edit: these("-a/b/d00/s/f00001.json", "a/b/d04/s/h.json", "-a/c/f00000.json"),
		do:   globbed("a/b/**/*.json"),
		want: [2]string{
			"5000 from a/b/d00/s/f00001.json to a/b/d04/s/g.json",
			"5000 from a/b/d00/s/f00002.json to a/b/d04/s/h.json",
		},
	}, {
		call: "`Glob(\"a/b/d01/s/f0000?.json\")`", on: "10 among thousands", requests: 1,
		edit: these("-a/b/d01/s/f00000.json", "-a/b/d01/s/f00002.json", "-a/b/d01/s/f00003.json", "-a/b/d01/s/f00005.json",
			"-a/b/d01/s/f00006.json", "-a/b/d01/s/f00007.json", "-a/b/d01/s/f00008.json", "a/b/d01/s/f0000x.json"),
		do: func(t *testing.T, at *billed) string {
			list := rels(t, at.bucket.Glob(t.Context(), "a/b/d01/s/f0000?.json"))
			return fmt.Sprint(len(list), " ", list[0])
		},
		want: [2]string{"10 a/b/d01/s/f00000.json", "4 a/b/d01/s/f00001.json"},
	}, {
		call: "`Glob(\"**/*.json\")`, first result, `break`", on: "any size, where the first page has one", requests: 1,
		edit: these("a/a/before.json"),
		do: func(t *testing.T, at *billed) string {
			for e, err := range at.bucket.Glob(t.Context(), "**/*.json") {
				return said(e.Rel(), err)
			}
			return "nothing"
		},
		want: [2]string{"a/a/first.json", "a/a/before.json"},
	}, {
		call: "`Glob(\"a/c/**\")`, first result, `break`", on: "any size, where the first page has one", requests: 1, unlisted: true,
		edit: these("a/c/before.json"),
		do: func(t *testing.T, at *billed) string {
			for e, err := range at.bucket.Glob(t.Context(), "a/c/**") {
				return said(e.Rel(), err)
			}
			return "nothing"
		},
		want: [2]string{"a/c", "a/c"},
	}, {
		call: "`Glob`, no wildcard", on: "any size", requests: 1,
		edit: these("-a/a/first.json", "a/a/first.json.d/x"),
		do:   globbed("a/a/first.json"), want: [2]string{`["a/a/first.json"]`, `[]`},
		check: literalAlone,
	},
}}

// literalAlone: one name is asked for by one page that shows the object and the
// directory of that name alike.
func literalAlone(t *testing.T, log s3proxy.Log) {
	t.Helper()
	for _, r := range log {
		if r.Operation != "ListObjectsV2" || r.Query.Get("prefix") != "a/a/first.json" || r.Query.Get("delimiter") != "/" {
			t.Errorf("asked for %s %v, want one LIST of prefix=a/a/first.json&delimiter=/", r.Operation, r.Query)
		}
	}
}

// wide is g/*/s/…: 20 directories, each of 10 pages of 20 keys. It is pages of a
// thousand keys that are meant; the counts are the same.
const widePage = 20

func wide(*billed) []string {
	var keys []string
	for d := range 20 {
		keys = append(keys, many(fmt.Sprintf("g/d%02d/s/", d)+"f%05d.json", 10*widePage)...)
	}
	return keys
}

var wideTreeBills = section{name: "20 directories of 10 pages", bills: []bill{
	{
		call: "`Glob(\"g/*/s/f0000?.json\")`", on: "20 directories of 10 pages each", requests: 21,
		tree: wide, edit: these("-g/d00/s/f00000.json", "g/d19/s/f0000x.json", "g/d07/t/f00000.json"),
		do: func(t *testing.T, at *billed) string {
			list := rels(t, at.bucket.Glob(t.Context(), "g/*/s/f0000?.json", s3path.WithPageSize(widePage)))
			return fmt.Sprint(len(list), " ", list[0], " ", list[len(list)-1])
		},
		want: [2]string{
			"200 g/d00/s/f00000.json g/d19/s/f00009.json",
			"200 g/d00/s/f00001.json g/d19/s/f0000x.json",
		},
	}, {
		call: "`Glob`, no wildcard", on: "a page that ends before the name's slash", requests: 2, unlisted: true,
		tree: these("a/lit-1", "a/lit-2", "a/lit-3", "a/lit/x"), edit: these("-a/lit/x", "a/lit.0", "a/lit.1"),
		do: globbed("a/lit", s3path.WithPageSize(2)), want: [2]string{`["a/lit"]`, `[]`},
	},
}}
