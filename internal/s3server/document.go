package s3server

import (
	"encoding/xml"
	"io"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// document is an XML answer under construction. Listings are the hot path of this
// package, and encoding/xml takes milliseconds for a page of them.
type document struct{ b []byte }

func newDocument() *document {
	return &document{b: append(make([]byte, 0, 1024), xml.Header...)}
}

// root opens the outermost element in S3's namespace.
func (d *document) root(name string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, ` xmlns="`+namespace+`">`...)
}

func (d *document) open(name string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

func (d *document) close(name string) {
	d.b = append(d.b, '<', '/')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

func (d *document) text(name, value string) {
	d.open(name)
	d.escape(value)
	d.close(name)
}

// echo repeats what the client sent, unless XML has no way to write it: an answer that
// nobody can parse is worse than one that does not repeat.
func (d *document) echo(name, value string) {
	for i, r := range value {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF ||
			r == utf8.RuneError && !utf8.ValidString(value[i:]) {
			return
		}
	}
	d.text(name, value)
}

// optional writes nothing where there is nothing to say.
func (d *document) optional(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

func (d *document) number(name string, n int64) {
	d.open(name)
	d.b = strconv.AppendInt(d.b, n, 10)
	d.close(name)
}

func (d *document) flag(name string, v bool) {
	d.open(name)
	d.b = strconv.AppendBool(d.b, v)
	d.close(name)
}

func (d *document) time(name string, t time.Time) {
	d.open(name)
	d.b = t.UTC().AppendFormat(d.b, "2006-01-02T15:04:05.000Z")
	d.close(name)
}

func (d *document) etag(value string) {
	d.b = append(d.b, "<ETag>&quot;"...)
	d.b = append(d.b, value...)
	d.b = append(d.b, "&quot;</ETag>"...)
}

func (d *document) owner(name string) {
	d.open(name)
	d.text("ID", ownerID)
	d.text("DisplayName", ownerName)
	d.close(name)
}

// escape writes text. Control characters become character references although XML 1.0
// has none for them: S3 answers so, and clients ask for encoding-type=url because of it.
func (d *document) escape(s string) {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			var esc string
			switch {
			case c == '&':
				esc = "&amp;"
			case c == '<':
				esc = "&lt;"
			case c == '>':
				esc = "&gt;"
			case c == '"':
				esc = "&quot;"
			case c < 0x20 || c == 0x7f:
				esc = "&#x" + strconv.FormatInt(int64(c), 16) + ";"
			}
			if esc != "" {
				d.b = append(d.b, s[start:i]...)
				d.b = append(d.b, esc...)
				start = i + 1
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == 0xFFFE || r == 0xFFFF {
			d.b = append(d.b, s[start:i]...)
			d.b = append(d.b, "&#x"+strconv.FormatInt(int64(r), 16)+";"...)
			start = i + n
		}
		i += n
	}
	d.b = append(d.b, s[start:]...)
}

// send writes the document as the answer.
func (d *document) send(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(d.b)))
	w.WriteHeader(status)
	// A client that went away needs no answer.
	_, _ = w.Write(d.b)
}

// decodeXML reads the document that a request carries.
func decodeXML(r io.Reader, into any) error {
	const limit = 8 << 20 // a full DeleteObjects with keys of 1024 bytes is below 4 MiB
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return fail("IncompleteBody", "The request body could not be read: %v", err)
	}
	if len(data) > limit {
		return fail("MaxMessageLengthExceeded", "Your request was too big.")
	}
	if err := xml.Unmarshal(data, into); err != nil {
		return fail("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema: %v", err)
	}
	return nil
}
