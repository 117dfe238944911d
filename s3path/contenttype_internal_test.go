package s3path

import (
	"bytes"
	"compress/gzip"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// What a name says, whatever the machine: the rows are names with the type and
// the encoding that they stand for.
func TestTypeByName(t *testing.T) {
	for _, row := range []struct{ name, contentType, encoding string }{
		{"a.csv", "text/csv", ""},
		{"a.md", "text/markdown", ""},
		{"README.markdown", "text/markdown", ""},
		{"a.txt", "text/plain", ""},
		{"a.json", "application/json", ""},
		{"a.html", "text/html", ""},
		{"a.svg", "image/svg+xml", ""},
		{"a.js", "text/javascript", ""},
		{"a.png", "image/png", ""},
		{"a.parquet", "application/vnd.apache.parquet", ""},

		{"a.csv.gz", "text/csv", "gzip"},
		{"a.json.br", "application/json", "br"},
		{"a.log.zst", "text/plain", "zstd"},
		{"a.b.c.csv.gz", "text/csv", "gzip"},
		{"a.csv.bz2", "text/csv", "bzip2"},
		{"a.csv.xz", "text/csv", "xz"},
		{"a.svgz", "image/svg+xml", "gzip"},

		{"a.gz", "application/gzip", ""},
		{"a.unknown.gz", "application/gzip", ""},
		{"a.gz.gz", "application/gzip", ""},
		{"a.csv.gz.gz", "application/gzip", ""},
		{".csv.gz", "application/gzip", ""},
		{"a.tar", "application/x-tar", ""},
		{"a.tar.gz", "application/gzip", ""},
		{"a.tgz", "application/gzip", ""},
		{"a.tar.bz2", "application/x-bzip2", ""},
		{"a.tbz2", "application/x-bzip2", ""},
		{"a.tar.xz", "application/x-xz", ""},
		{"a.txz", "application/x-xz", ""},
		{"a.tar.zst", "application/zstd", ""},
		{"a.tar.br", "application/x-brotli", ""},
		{"a.v2.tar.gz", "application/gzip", ""},
		{"a.zip", "application/zip", ""},
		{"a.zip.gz", "application/gzip", ""},
		{"a.7z.xz", "application/x-xz", ""},
		{"a.7z", "application/x-7z-compressed", ""},
		{"a.rar", "application/vnd.rar", ""},

		{"A.CSV", "text/csv", ""},
		{"A.Csv.GZ", "text/csv", "gzip"},
		{"A.TAR.GZ", "application/gzip", ""},
		{"README.MD", "text/markdown", ""},
		{"PHOTO.JPG", "image/jpeg", ""},

		{"a", "", ""},
		{"", "", ""},
		{"a.", "", ""},
		{".csv", "", ""},
		{"..csv", "", ""},
		{"csv", "", ""},
		{"a.unknown", "", ""},
		{"a.csv.unknown", "", ""},
		{"a.csv ", "", ""},
	} {
		contentType, encoding := typeByName(row.name)
		if contentType != row.contentType || encoding != row.encoding {
			t.Errorf("%q: %q, %q, want %q, %q", row.name, contentType, encoding, row.contentType, row.encoding)
		}
	}
}

// The table's own entries hold to one form, so that a lookup finds them.
func TestContentTypesTable(t *testing.T) {
	for suffix, contentType := range contentTypes {
		if !strings.HasPrefix(suffix, ".") || suffix != strings.ToLower(suffix) || strings.Count(contentType, "/") != 1 || strings.ContainsAny(contentType, " ;") {
			t.Errorf("%q: %q", suffix, contentType)
		}
		if got, _ := typeByName("name" + suffix); got != contentType {
			t.Errorf("%q is found as %q, and is in the table as %q", suffix, got, contentType)
		}
	}
	for suffix := range contentEncodings {
		if contentTypes[suffix] == "" {
			t.Errorf("%q alone has no type", suffix)
		}
	}
}

// The machine's own tables are not asked.
func TestNoMimePackage(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "contenttype.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range file.Imports {
		if path, _ := strconv.Unquote(i.Path.Value); path == "mime" || strings.HasPrefix(path, "os") {
			t.Errorf("contenttype.go imports %s", path)
		}
	}
}

const (
	pngHead  = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00"
	htmlHead = "<!DOCTYPE html><html><head><script>alert(1)</script></head></html>"
	svgHead  = `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`
)

// The first bytes are asked only where the name says nothing, and never make what
// a browser would run.
func TestSniff(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("hello"))
	z.Close()
	for _, row := range []struct{ name, object, head, want string }{
		{"PNG without a suffix", "picture", pngHead, "image/png"},
		{"PNG with an unknown suffix", "picture.unknown", pngHead, "image/png"},
		{"PDF", "paper", "%PDF-1.7\n", "application/pdf"},
		{"gzip", "packed", packed.String(), "application/gzip"},
		{"text", "notes", "just some words\n", "text/plain; charset=utf-8"},
		{"JSON", "data", `{"a": [1, 2, 3]}`, "application/json"},
		{"nothing", "nothing", "", ""},
		{"anything", "noise", "\x00\x01\x02\x03\xff\xfe", ""},
		{"the name wins: PNG called text", "a.txt", pngHead, "text/plain"},
		{"the name wins: HTML called text", "a.txt", htmlHead, "text/plain"},
		{"the name wins: text called HTML", "a.html", "words", "text/html"},

		{"HTML without a suffix", "page", htmlHead, ""},
		{"HTML with an unknown suffix", "page.unknown", htmlHead, ""},
		{"HTML behind white space", "page", "\n\n  \t" + htmlHead, ""},
		{"HTML behind a mark", "page", "\xEF\xBB\xBF" + htmlHead, ""},
		{"a bare script", "page", "<script>alert(1)</script>", ""},
		{"an HTML comment", "page", "<!-- x --><b>", ""},
		{"SVG without a suffix", "drawing", svgHead, ""},
		{"SVG behind its XML head", "drawing", `<?xml version="1.0"?>` + svgHead, ""},
		{"SVG behind a long comment", "drawing", `<?xml version="1.0"?><!--` + strings.Repeat("x", 5000) + `-->` + svgHead, ""},
		{"XHTML", "page", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>`, ""},
		{"XML with scripts in it", "data", `<?xml version="1.0"?><x xmlns:h="http://www.w3.org/1999/xhtml"><h:script>alert(1)</h:script></x>`, ""},
		{"a feed", "feed", `<?xml version="1.0"?><rss version="2.0"><channel/></rss>`, ""},
	} {
		k := &core{opts: &settings{}}
		got, encoding := k.contentTypeOf(&call{}, row.object, []byte(row.head))
		if got != row.want || encoding != "" {
			t.Errorf("%s: %q, %q, want %q", row.name, got, encoding, row.want)
		}
	}
}

// Whoever says it first wins: the call's option, the client's function, the table,
// the first bytes, nobody.
func TestContentTypeOrder(t *testing.T) {
	var asked []string
	says := func(contentType, encoding string) *core {
		k := &core{opts: &settings{}}
		k.opts.set |= optContentTypeFunc
		k.opts.contentType = func(name string, head []byte) (string, string) {
			asked = append(asked, name+":"+string(head[:min(len(head), 4)])+":"+strconv.Itoa(len(head)))
			return contentType, encoding
		}
		return k
	}
	never := &core{opts: &settings{}}
	never.opts.set |= optContentTypeFunc
	option := &call{set: optContentType, contentType: "x/option"}
	for _, row := range []struct {
		name, object, head    string
		k                     *core
		c                     *call
		contentType, encoding string
		asked                 int
	}{
		{"the option", "a.csv.gz", pngHead, says("x/func", "func"), option, "x/option", "", 0},
		{"the option, empty", "a.csv.gz", pngHead, says("x/func", "func"), &call{set: optContentType}, "", "", 0},
		{"the option and an encoding", "a.csv.gz", pngHead, &core{opts: &settings{}}, &call{set: optContentType | optContentEncoding, contentType: "x/option", contentEncoding: "x"}, "x/option", "x", 0},
		{"the function", "a.csv.gz", pngHead, says("x/func", "func"), &call{}, "x/func", "func", 1},
		{"the function says a type", "a.csv.gz", pngHead, says("x/func", ""), &call{}, "x/func", "", 1},
		{"the function says an encoding", "a.csv.gz", pngHead, says("", "func"), &call{}, "", "func", 1},
		{"the function says nothing", "a.csv.gz", pngHead, says("", ""), &call{}, "text/csv", "gzip", 1},
		{"nor does the table", "a", pngHead, says("", ""), &call{}, "image/png", "", 1},
		{"an encoding alone goes with the table's type", "a.csv", "", &core{opts: &settings{}}, &call{set: optContentEncoding, contentEncoding: "x"}, "text/csv", "x", 0},
		{"an encoding takes the table's place", "a.csv.gz", "", &core{opts: &settings{}}, &call{set: optContentEncoding, contentEncoding: "x"}, "text/csv", "x", 0},
		{"a nil function: never guessed", "a.csv.gz", pngHead, never, &call{}, "", "", 0},
		{"a nil function and the option", "a.csv.gz", pngHead, never, option, "x/option", "", 0},
	} {
		asked = nil
		contentType, encoding := row.k.contentTypeOf(row.c, row.object, []byte(row.head))
		if contentType != row.contentType || encoding != row.encoding || len(asked) != row.asked {
			t.Errorf("%s: %q, %q, the function asked %q, want %q, %q", row.name, contentType, encoding, asked, row.contentType, row.encoding)
		}
	}
	asked = nil
	says("", "").contentTypeOf(&call{}, "a", bytes.Repeat([]byte("abcd"), 5000))
	if len(asked) != 1 || asked[0] != "a:abcd:3072" {
		t.Errorf("the function was asked %q", asked)
	}
}
