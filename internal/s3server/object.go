package s3server

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// lookup finds the object that a request names, with its bucket. The lock is held.
func (s *Server) lookup(name, key, id string) (*bucket, *version, error) {
	b, err := s.bucketOf(name, key)
	if err != nil {
		return nil, nil, err
	}
	if id != "" && s.on(Versioning) {
		v, err := s.lookupVersion(b, key, id)
		return b, v, err
	}
	v, err := b.keys.current(key)
	if err != nil {
		return nil, nil, err
	}
	if v == nil {
		return nil, nil, noSuchKey(key)
	}
	if v.marker {
		missing := noSuchKey(key)
		if s.on(MarkerHeaders) {
			missing = missing.set("X-Amz-Delete-Marker", "true").set("X-Amz-Version-Id", v.id)
		}
		return nil, nil, missing
	}
	return b, v, nil
}

func (s *Server) lookupVersion(b *bucket, key, id string) (*version, error) {
	if err := checkVersionID(id); err != nil {
		return nil, err
	}
	v, err := b.keys.version(key, id)
	switch {
	case err != nil:
		return nil, err
	case v == nil:
		return nil, fail("NoSuchVersion", "The specified version does not exist.").with("Key", key).with("VersionId", id)
	case v.marker && s.on(MarkerHeaders):
		return nil, fail("MethodNotAllowed", "The specified method is not allowed against this resource.").
			with("ResourceType", "DeleteMarker").
			set("X-Amz-Delete-Marker", "true").set("X-Amz-Version-Id", id).set("Allow", "DELETE").
			set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	case v.marker:
		return nil, noSuchKey(key)
	}
	return v, nil
}

// getObject answers GET and HEAD.
func (s *Server) getObject(w http.ResponseWriter, rq *request) error {
	v, span, body, versioned, err := s.openObject(rq)
	if err != nil {
		return err
	}
	defer body.Close()
	h := w.Header()
	v.properties.write(h)
	if versioned {
		h.Set("X-Amz-Version-Id", v.id)
	}
	h.Set("ETag", `"`+v.etag+`"`)
	h.Set("Last-Modified", v.modified.UTC().Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Length", strconv.FormatInt(span.length, 10))
	if len(v.tags) > 0 && s.on(TaggingHeaders) {
		h.Set("X-Amz-Tagging-Count", strconv.Itoa(len(v.tags)))
	}
	if !v.restored.IsZero() {
		h.Set("X-Amz-Restore", fmt.Sprintf(`ongoing-request="false", expiry-date="%s"`, v.restored.UTC().Format(http.TimeFormat)))
	}
	if strings.EqualFold(rq.Header.Get("X-Amz-Checksum-Mode"), "ENABLED") && span.length == v.size && s.on(ChecksumReport) {
		v.checksum.write(h)
	}
	if rq.has("partNumber") && len(v.parts) > 0 {
		h.Set("X-Amz-Mp-Parts-Count", strconv.Itoa(len(v.parts)))
	}
	if s.on(ResponseOverrides) {
		for query, name := range responseOverrides {
			if value := rq.query.Get(query); value != "" {
				h.Set(name, value)
			}
		}
	}
	status := http.StatusOK
	if span.partial {
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", span.offset, span.offset+span.length-1, v.size))
	}
	w.WriteHeader(status)
	if rq.Method == http.MethodHead {
		return nil
	}
	// The status is out. A body that ends before its Content-Length makes net/http break
	// the connection, which is the one way left to say that something failed.
	_ = send(w, body)
	return nil
}

var responseOverrides = map[string]string{
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
	"response-content-language":    "Content-Language",
	"response-content-type":        "Content-Type",
	"response-expires":             "Expires",
}

// openObject decides under the lock what a GET will send. What it opens does not change
// afterwards, whatever happens to the key.
func (s *Server) openObject(rq *request) (v *version, sp span, body io.ReadCloser, versioned bool, err error) {
	defer s.read()()
	b, v, err := s.lookup(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return nil, sp, nil, false, err
	}
	if err = s.checkRead(rq.Header, v); err != nil {
		return nil, sp, nil, false, err
	}
	if sp, err = s.spanOf(rq, v); err != nil {
		return nil, sp, nil, false, err
	}
	versioned = b.keys.versioning() != ""
	if rq.Method == http.MethodHead {
		return v, sp, http.NoBody, versioned, nil
	}
	if err = s.checkArchive(v); err != nil {
		return nil, sp, nil, false, err
	}
	body, err = b.keys.open(v, sp.offset, sp.length)
	return v, sp, body, versioned, err
}

// span is the stretch of an object that a request asks for.
type span struct {
	offset, length int64
	partial        bool
}

func (s *Server) spanOf(rq *request, v *version) (span, error) {
	whole := span{length: v.size}
	text := rq.Header.Get("Range")
	if number := rq.query.Get("partNumber"); number != "" {
		if text != "" {
			return whole, fail("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
		}
		return partSpan(v, number)
	}
	first, last, ok := parseRange(text)
	if !ok {
		return whole, nil // S3 ignores a range that it cannot read
	}
	switch {
	case first < 0 && !s.on(SuffixRange):
		return whole, nil
	case first < 0: // the last bytes
		first, last = max(v.size-last, 0), v.size-1
		if text == "bytes=-0" {
			first = v.size
		}
	case last < 0 || last >= v.size:
		last = v.size - 1
	}
	if first >= v.size {
		if !s.on(UnsatisfiableRange) {
			return whole, nil
		}
		return whole, fail("InvalidRange", "The requested range is not satisfiable").
			with("RangeRequested", text).with("ActualObjectSize", strconv.FormatInt(v.size, 10)).
			set("Content-Range", fmt.Sprintf("bytes */%d", v.size))
	}
	return span{first, last - first + 1, true}, nil
}

// parseRange reads "bytes=first-last". Without a last it is -1; of a suffix, first is -1
// and last the number of bytes. Several ranges, which S3 does not serve, are not ok.
func parseRange(text string) (first, last int64, ok bool) {
	text, ok = strings.CutPrefix(text, "bytes=")
	if !ok {
		return 0, 0, false
	}
	from, to, ok := strings.Cut(text, "-")
	if !ok || (from == "" && to == "") {
		return 0, 0, false
	}
	first, last = -1, -1
	if from != "" {
		n, err := strconv.ParseUint(from, 10, 63)
		if err != nil {
			return 0, 0, false
		}
		first = int64(n)
	}
	if to != "" {
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil {
			return 0, 0, false
		}
		last = int64(n)
	}
	return first, last, first < 0 || last < 0 || first <= last
}

// partSpan is one part of an object that was uploaded in parts; any other is one part.
func partSpan(v *version, number string) (span, error) {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxParts {
		return span{}, fail("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", maxParts)
	}
	sizes := v.parts
	if len(sizes) == 0 {
		sizes = []int64{v.size}
	}
	if n > len(sizes) {
		return span{}, fail("InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	sp := span{length: sizes[n-1], partial: sizes[n-1] > 0}
	for _, size := range sizes[:n-1] {
		sp.offset += size
	}
	return sp, nil
}

var copyBuffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// send streams a body in large writes.
func send(w io.Writer, body io.Reader) error {
	buf := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buf)
	// Hidden behind plain interfaces, the two cannot agree on buffers of their own.
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{body}, buf[:])
	return err
}
