package s3server

import (
	"crypto/md5"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// source is what x-amz-copy-source names.
type source struct{ bucket, key, version string }

func sourceOf(rq *request) (source, error) {
	bad := fail("InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey").
		with("ArgumentName", "x-amz-copy-source")
	text, query, _ := strings.Cut(rq.Header.Get("X-Amz-Copy-Source"), "?")
	// S3 reads "+" as a space here, as in a query.
	text, err := url.QueryUnescape(text)
	if err != nil {
		return source{}, bad
	}
	var src source
	var ok bool
	src.bucket, src.key, ok = strings.Cut(strings.TrimPrefix(text, "/"), "/")
	if !ok || src.bucket == "" || src.key == "" {
		return source{}, bad
	}
	if query != "" {
		values, err := url.ParseQuery(query)
		if err != nil || len(values) != 1 || values.Get("versionId") == "" {
			return source{}, bad
		}
		src.version = values.Get("versionId")
	}
	return src, nil
}

// taken is a source as it was when its conditions were checked. Its extents are in use
// until they are released.
type taken struct {
	*version
	extents   []extent
	versioned bool
}

// take finds a source and keeps its bytes, whatever happens to the key from now on.
func (s *Server) take(rq *request, src source) (taken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.bucketOf(rq.bucket, rq.key); err != nil {
		return taken{}, err
	}
	b, v, err := s.lookup(src.bucket, src.key, src.version)
	if err != nil {
		return taken{}, err
	}
	if err := s.checkSource(rq.Header, v); err != nil {
		return taken{}, err
	}
	if err := s.checkArchive(v); err != nil {
		return taken{}, err
	}
	extents, err := b.keys.extents(v)
	if err != nil {
		return taken{}, err
	}
	return taken{v, extents, b.keys.versioning() != ""}, nil
}

func (s *Server) giveBack(extents []extent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bodies.release(extents)
}

func directive(h http.Header, name string) (replace bool, err error) {
	switch v := h.Get(name); v {
	case "", "COPY":
		return false, nil
	case "REPLACE":
		return true, nil
	default:
		return false, fail("InvalidArgument", "Unknown %s.", strings.ToLower(name)).with("ArgumentValue", v)
	}
}

// copyObject copies an object on the server, in one piece.
func (s *Server) copyObject(w http.ResponseWriter, rq *request) error {
	src, err := sourceOf(rq)
	if err != nil {
		return err
	}
	replace, err := directive(rq.Header, "X-Amz-Metadata-Directive")
	if err != nil {
		return err
	}
	retag, err := directive(rq.Header, "X-Amz-Tagging-Directive")
	if err != nil {
		return err
	}
	if err := s.requireBucket(rq, -1); err != nil {
		return err
	}
	if !replace && s.on(SelfCopyRefused) && src.bucket == rq.bucket && src.key == rq.key && src.version == "" && !changes(rq.Header) {
		return fail("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	from, err := s.take(rq, src)
	if err != nil {
		return err
	}
	defer s.giveBack(from.extents)
	if from.size > maxPut {
		return fail("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	v, err := s.copyOf(rq, from, replace, retag)
	if err != nil {
		return err
	}
	stored, versioned, err := s.store(rq, ConditionalCopy, v)
	if err != nil {
		return err
	}
	h := w.Header()
	if from.versioned {
		h.Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	if versioned {
		h.Set("X-Amz-Version-Id", stored.id)
	}
	stored.properties.writeEncryption(h)
	x := newDocument()
	x.root("CopyObjectResult")
	x.time("LastModified", stored.modified)
	x.etag(stored.etag)
	stored.checksum.element(x)
	x.close("CopyObjectResult")
	x.send(w, http.StatusOK)
	return nil
}

// changes says whether a copy without new metadata changes anything else.
func changes(h http.Header) bool {
	for _, name := range []string{"X-Amz-Storage-Class", "X-Amz-Website-Redirect-Location", "X-Amz-Server-Side-Encryption"} {
		if h.Get(name) != "" {
			return true
		}
	}
	return false
}

// copyOf is the object that a copy makes.
func (s *Server) copyOf(rq *request, from taken, replace, retag bool) (*version, error) {
	v := &version{etag: from.etag, size: from.size, body: from.extents, checksum: from.checksum, tags: from.tags}
	var err error
	if replace && s.on(MetadataDirective) {
		v.properties, err = s.propertiesOf(rq.Header)
	} else {
		v.properties, err = from.properties.inherited(rq.Header)
	}
	if err != nil {
		return nil, err
	}
	if to := rq.Header.Get("X-Amz-Website-Redirect-Location"); to != "" {
		v.properties.headers = maps.Clone(v.properties.headers)
		v.properties.headers["X-Amz-Website-Redirect-Location"] = to
	}
	if retag && s.on(TaggingDirective) {
		if v.tags, err = s.headerTags(rq.Header); err != nil {
			return nil, err
		}
	}
	// A copy is one piece: an ETag or checksum of parts does not outlive it.
	if strings.Contains(from.etag, "-") && s.on(MultipartETag) {
		if v.etag, err = s.md5Of(from.extents, from.size); err != nil {
			return nil, err
		}
	}
	algorithm := from.checksum.algorithm
	if name := rq.Header.Get("X-Amz-Checksum-Algorithm"); name != "" {
		if algorithm, err = algorithmNamed(name); err != nil {
			return nil, err
		}
	}
	if algorithm != nil && (algorithm != from.checksum.algorithm || from.checksum.kind == composite) {
		r, err := s.bodies.open(from.extents, 0, from.size)
		if err != nil {
			return nil, err
		}
		if v.checksum, err = sumOf(algorithm, r); err != nil {
			return nil, err
		}
	}
	return v, nil
}

func (s *Server) md5Of(extents []extent, size int64) (string, error) {
	r, err := s.bodies.open(extents, 0, size)
	if err != nil {
		return "", err
	}
	sum := md5.New()
	if _, err := io.Copy(sum, r); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sum.Sum(nil)), nil
}
