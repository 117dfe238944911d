package s3server

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// listing is what a request for a page of keys asks.
type listing struct {
	prefix, delimiter string
	after             string // the last name of the page before: a key or a common prefix
	max               int
	encode            bool
}

// page is a page of keys and common prefixes, in order.
type page struct {
	objects   []listed
	prefixes  []string
	truncated bool
	last      string // the last name, whichever kind it is
}

type listed struct {
	key string
	*version
}

func (s *Server) listingOf(rq *request) (listing, error) {
	q := listing{prefix: rq.query.Get("prefix"), delimiter: rq.query.Get("delimiter")}
	n, err := rq.count("max-keys")
	if err != nil {
		return q, err
	}
	q.max = s.page(n)
	if q.encode, err = s.encoding(rq); err != nil {
		return q, err
	}
	if !s.on(ListingPages) {
		q.max = maxPage
	}
	return q, nil
}

// encoding says whether a request wants names escaped.
func (s *Server) encoding(rq *request) (bool, error) {
	switch v := rq.query.Get("encoding-type"); v {
	case "":
		return false, nil
	case "url":
		return s.on(EncodingURL), nil
	default:
		return false, fail("InvalidArgument", "Invalid Encoding Method specified in Request").
			with("ArgumentName", "encoding-type").with("ArgumentValue", v)
	}
}

// name writes a name as the request wants it.
func (q listing) name(s string) string {
	if !q.encode {
		return s
	}
	return listEncode(s)
}

// listEncode escapes as S3 does in listings: a form, but "/" and "*" stay.
func listEncode(s string) string {
	const safe = "-_./*"
	const hex = "0123456789ABCDEF"
	plain := true
	for i := range len(s) {
		if !alphanumeric(s[i]) && strings.IndexByte(safe, s[i]) < 0 {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	b := make([]byte, 0, len(s)+len(s)/2)
	for i := range len(s) {
		switch c := s[i]; {
		case alphanumeric(c) || strings.IndexByte(safe, c) >= 0:
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// commonPrefix is what key is rolled up into, if it is.
func commonPrefix(key, prefix, delimiter string) (string, bool) {
	if delimiter == "" || !strings.HasPrefix(key, prefix) {
		return "", false
	}
	i := strings.Index(key[len(prefix):], delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(prefix)+i+len(delimiter)], true
}

// start is where a page begins: behind the last name of the page before it. A common
// prefix that was listed is not listed again, so everything below it is passed over.
func (q listing) start() (from string, ok bool) {
	if q.after < q.prefix {
		return q.prefix, true
	}
	if rolled, is := commonPrefix(q.after, q.prefix, q.delimiter); is && rolled == q.after {
		return behind(rolled)
	}
	return q.after + "\x00", true
}

// list makes a page. The lock is held.
func (s *Server) list(keys keyspace, q listing) (page, error) {
	var p page
	if q.max == 0 {
		return p, nil
	}
	from, ok := q.start()
	if !ok {
		return p, nil
	}
	w, err := keys.list(q.prefix, q.delimiter, from)
	if err != nil {
		return p, err
	}
	for {
		key, ok := w.key()
		if !ok || !strings.HasPrefix(key, q.prefix) {
			return p, nil
		}
		versions, err := w.versions()
		if err != nil {
			return p, err
		}
		if versions == nil || versions[0].marker {
			w.next()
			continue
		}
		if len(p.objects)+len(p.prefixes) >= q.max {
			p.truncated = true
			return p, nil
		}
		rolled, is := commonPrefix(key, q.prefix, q.delimiter)
		if !is {
			p.objects = append(p.objects, listed{key, versions[0]})
			p.last = key
			w.next()
			continue
		}
		p.prefixes = append(p.prefixes, rolled)
		p.last = rolled
		if !s.on(DelimiterOnce) {
			w.next()
			continue
		}
		next, ok := behind(rolled)
		if !ok {
			return p, nil
		}
		w.seek(next)
	}
}

// listObjectsV2 answers ListObjectsV2.
func (s *Server) listObjectsV2(w http.ResponseWriter, rq *request) error {
	q, err := s.listingOf(rq)
	if err != nil {
		return err
	}
	token, startAfter := rq.query.Get("continuation-token"), rq.query.Get("start-after")
	if s.on(ListingPages) {
		q.after = startAfter
		if rq.has("continuation-token") {
			if q.after, err = readToken(token); err != nil {
				return err
			}
		}
	}
	x := newDocument()
	x.root("ListBucketResult")
	p, err := s.listInto(x, rq, q, rq.query.Get("fetch-owner") == "true" && s.on(FetchOwner))
	if err != nil {
		return err
	}
	x.number("KeyCount", int64(len(p.objects)+len(p.prefixes)))
	x.optional("StartAfter", q.name(startAfter))
	x.optional("ContinuationToken", token)
	if p.truncated {
		x.text("NextContinuationToken", writeToken(p.last))
	}
	x.close("ListBucketResult")
	x.send(w, http.StatusOK)
	return nil
}

// listObjects answers the first version of ListObjects.
func (s *Server) listObjects(w http.ResponseWriter, rq *request) error {
	q, err := s.listingOf(rq)
	if err != nil {
		return err
	}
	marker := rq.query.Get("marker")
	if s.on(ListingPages) {
		q.after = marker
	}
	x := newDocument()
	x.root("ListBucketResult")
	p, err := s.listInto(x, rq, q, s.on(FetchOwner))
	if err != nil {
		return err
	}
	x.text("Marker", q.name(marker))
	if p.truncated && q.delimiter != "" {
		x.text("NextMarker", q.name(p.last))
	}
	x.close("ListBucketResult")
	x.send(w, http.StatusOK)
	return nil
}

// listInto writes what the two versions of the listing have in common.
func (s *Server) listInto(x *document, rq *request, q listing, owner bool) (page, error) {
	defer s.read()()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return page{}, err
	}
	p, err := s.list(b.keys, q)
	if err != nil {
		return p, err
	}
	const each = 300 // bytes of an entry, about
	x.b = slices.Grow(x.b, each*len(p.objects))
	x.text("Name", b.name)
	x.text("Prefix", q.name(q.prefix))
	x.optional("Delimiter", q.name(q.delimiter))
	x.number("MaxKeys", int64(q.max))
	if q.encode {
		x.text("EncodingType", "url")
	}
	x.flag("IsTruncated", p.truncated)
	for _, o := range p.objects {
		x.open("Contents")
		x.text("Key", q.name(o.key))
		s.listedTime(x, o.version)
		x.etag(o.etag)
		if o.checksum.algorithm != nil && s.on(ChecksumReport) {
			x.text("ChecksumAlgorithm", o.checksum.algorithm.name)
			x.text("ChecksumType", o.checksum.kind)
		}
		x.number("Size", o.size)
		if owner {
			x.owner("Owner")
		}
		x.text("StorageClass", o.properties.class())
		x.close("Contents")
	}
	x.commonPrefixes(q, p.prefixes)
	return p, nil
}

func (s *Server) listedTime(x *document, v *version) {
	t := v.modified
	if !s.on(SubSecondListing) {
		t = t.Truncate(1e9)
	}
	x.time("LastModified", t)
}

func (d *document) commonPrefixes(q listing, prefixes []string) {
	for _, p := range prefixes {
		d.open("CommonPrefixes")
		d.text("Prefix", q.name(p))
		d.close("CommonPrefixes")
	}
}

// A continuation token is opaque to clients. It carries the last name of its page, with a
// mark in front by which anything else is told from a token.
const tokenMark = "\x01s3server\x01"

func writeToken(last string) string {
	return base64.StdEncoding.EncodeToString([]byte(tokenMark + last))
}

func readToken(token string) (string, error) {
	raw, err := base64.StdEncoding.DecodeString(token)
	last, ok := strings.CutPrefix(string(raw), tokenMark)
	if err != nil || !ok {
		return "", fail("InvalidArgument", "The continuation token provided is incorrect").
			with("ArgumentName", "continuation-token").with("ArgumentValue", token)
	}
	return last, nil
}
