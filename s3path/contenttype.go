package s3path

import (
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// contentTypes maps suffixes to media types: IANA's where registered. It is a
// table of ours because mime.TypeByExtension reads files of the machine it runs
// on, and the same program must not store other types elsewhere.
var contentTypes = map[string]string{
	".7z": "application/x-7z-compressed", ".aac": "audio/aac", ".apk": "application/vnd.android.package-archive",
	".arrow": "application/vnd.apache.arrow.file", ".atom": "application/atom+xml", ".avi": "video/x-msvideo",
	".avif": "image/avif", ".avro": "application/avro", ".bin": "application/octet-stream", ".bmp": "image/bmp",
	".br": "application/x-brotli", ".bz2": "application/x-bzip2", ".c": "text/x-c", ".cbor": "application/cbor",
	".css": "text/css", ".csv": "text/csv", ".deb": "application/vnd.debian.binary-package",
	".doc":  "application/msword",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".eml":  "message/rfc822", ".eot": "application/vnd.ms-fontobject", ".epub": "application/epub+zip",
	".flac": "audio/flac", ".geojson": "application/geo+json", ".gif": "image/gif", ".go": "text/x-go",
	".gpkg": "application/geopackage+sqlite3", ".gz": "application/gzip", ".h5": "application/x-hdf5",
	".heic": "image/heic", ".htm": "text/html", ".html": "text/html", ".ico": "image/vnd.microsoft.icon",
	".ics": "text/calendar", ".ipynb": "application/x-ipynb+json", ".jar": "application/java-archive",
	".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".js": "text/javascript", ".json": "application/json",
	".jsonl": "application/jsonl", ".jsonld": "application/ld+json", ".jxl": "image/jxl",
	".log": "text/plain", ".m4a": "audio/mp4", ".m4v": "video/x-m4v", ".map": "application/json",
	".markdown": "text/markdown", ".md": "text/markdown", ".mid": "audio/midi", ".midi": "audio/midi",
	".mjs": "text/javascript", ".mkv": "video/matroska", ".mov": "video/quicktime", ".mp3": "audio/mpeg",
	".mp4": "video/mp4", ".mpeg": "video/mpeg", ".mpg": "video/mpeg", ".ndjson": "application/x-ndjson",
	".npy": "application/x-npy", ".npz": "application/x-npz", ".odp": "application/vnd.oasis.opendocument.presentation",
	".ods": "application/vnd.oasis.opendocument.spreadsheet", ".odt": "application/vnd.oasis.opendocument.text",
	".oga": "audio/ogg", ".ogg": "audio/ogg", ".ogv": "video/ogg", ".onnx": "application/onnx", ".opus": "audio/opus",
	".orc": "application/vnd.apache.orc", ".otf": "font/otf", ".parquet": "application/vnd.apache.parquet",
	".pdf": "application/pdf", ".pem": "application/x-pem-file", ".php": "application/x-httpd-php", ".png": "image/png",
	".ppt":  "application/vnd.ms-powerpoint",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".ps":   "application/postscript", ".py": "text/x-python", ".rar": "application/vnd.rar", ".rpm": "application/x-rpm",
	".rss": "application/rss+xml", ".rst": "text/x-rst", ".rtf": "application/rtf", ".sh": "application/x-sh",
	".sql": "application/sql", ".sqlite": "application/vnd.sqlite3", ".srt": "application/x-subrip",
	".svg": "image/svg+xml", ".tar": "application/x-tar", ".tif": "image/tiff", ".tiff": "image/tiff",
	".toml": "application/toml", ".ts": "video/mp2t", ".tsv": "text/tab-separated-values", ".ttf": "font/ttf",
	".txt": "text/plain", ".wasm": "application/wasm", ".wav": "audio/wav", ".weba": "audio/webm",
	".webm": "video/webm", ".webmanifest": "application/manifest+json", ".webp": "image/webp", ".woff": "font/woff",
	".woff2": "font/woff2", ".xhtml": "application/xhtml+xml", ".xls": "application/vnd.ms-excel",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xml": "application/xml",
	".xsl": "application/xslt+xml", ".xz": "application/x-xz", ".yaml": "application/yaml", ".yml": "application/yaml",
	".zip": "application/zip", ".zst": "application/zstd",
	".tgz": "application/gzip", ".tbz2": "application/x-bzip2", ".txz": "application/x-xz", ".svgz": "image/svg+xml",
}

// contentEncodings are the suffixes that say how a file of another type is
// packed, by the names that HTTP has for them.
var contentEncodings = map[string]string{
	".gz": "gzip", ".br": "br", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz",
}

// archives hold files themselves: packed once more they are packed archives, and
// no browser is to unpack one on its way.
var archives = map[string]bool{".7z": true, ".rar": true, ".tar": true, ".zip": true}

// typeByName asks the table. "a.csv.gz" is text/csv packed by gzip;
// "a.tar.gz" is an archive, which a browser must not unpack on its way.
func typeByName(name string) (contentType, contentEncoding string) {
	name = strings.ToLower(name)
	last := suffixOf(name)
	if last == "" {
		return "", ""
	}
	before := suffixOf(strings.TrimSuffix(name, last))
	if last == ".svgz" {
		return contentTypes[last], "gzip"
	}
	if encoding, ok := contentEncodings[last]; ok {
		if t, ok := contentTypes[before]; ok && contentEncodings[before] == "" && !archives[before] {
			return t, encoding
		}
	}
	return contentTypes[last], ""
}

// suffixOf is the suffix of a name, "" of ".hidden" and "name.".
func suffixOf(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 || i == len(name)-1 || strings.Trim(name[:i], ".") == "" {
		return ""
	}
	return name[i:]
}

// sniffLen is how much of an object's beginning the content type is looked for
// in; mimetype reads no more.
const sniffLen = 3072

// contentTypeOf is the content type and encoding of an object: what the call
// says, else the client's function, else the table, else its first bytes.
// Bytes alone never make HTML or SVG: a text that somebody uploaded must not
// become a page that runs.
func (k *core) contentTypeOf(c *call, name string, head []byte) (contentType, contentEncoding string) {
	contentType, contentEncoding = c.contentType, c.contentEncoding
	if c.has(optContentType) || k.opts.set&optContentTypeFunc != 0 && k.opts.contentType == nil {
		return contentType, contentEncoding
	}
	head = head[:min(len(head), sniffLen)]
	var encoding string
	if k.opts.contentType != nil {
		contentType, encoding = k.opts.contentType(name, head)
	}
	if contentType == "" && encoding == "" {
		contentType, encoding = typeByName(name)
	}
	if contentType == "" && encoding == "" && len(head) > 0 {
		contentType = sniff(head)
	}
	if c.has(optContentEncoding) {
		encoding = contentEncoding
	}
	return contentType, encoding
}

// sniff is what mimetype makes of an object's beginning. XML of any kind is
// left out with HTML and SVG: a browser runs the scripts in it all the same.
func sniff(head []byte) string {
	found := mimetype.Detect(head)
	base, _, _ := strings.Cut(found.String(), ";")
	switch {
	case base == "application/octet-stream", base == "text/html", base == "text/xml", base == "application/xml", strings.HasSuffix(base, "+xml"):
		return ""
	}
	return found.String()
}
