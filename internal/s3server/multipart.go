package s3server

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxParts = 10000
	minPart  = 5 << 20 // bytes, of every part but the last
)

// upload is one in parts that is not complete.
type upload struct {
	id, key    string
	initiated  time.Time
	properties properties
	tags       []tag
	algorithm  *algorithm // nil for none
	kind       string     // of the checksum of the whole
	parts      map[int]*part
}

type part struct {
	etag     string
	size     int64
	modified time.Time
	body     []extent
	checksum checksum
}

// drop forgets an upload and its parts. The lock is held.
func (s *Server) drop(b *bucket, u *upload) {
	for _, p := range u.parts {
		s.bodies.release(p.body)
	}
	delete(b.uploads, u.id)
}

// uploadOf finds the upload that a request names. The lock is held.
func (s *Server) uploadOf(rq *request) (*bucket, *upload, error) {
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return nil, nil, err
	}
	id := rq.query.Get("uploadId")
	u := b.uploads[id]
	if u == nil || u.key != rq.key {
		return nil, nil, noSuchUpload(id)
	}
	return b, u, nil
}

func (s *Server) createUpload(w http.ResponseWriter, rq *request) error {
	u := &upload{id: serialID(s.uploads.Add(1)), key: rq.key, initiated: time.Now(), parts: make(map[int]*part)}
	var err error
	if u.properties, err = s.propertiesOf(rq.Header); err != nil {
		return err
	}
	if u.tags, err = s.headerTags(rq.Header); err != nil {
		return err
	}
	if err := u.checksums(rq.Header); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	if err := b.keys.refuse(rq.key, -1); err != nil {
		return err
	}
	b.uploads[u.id] = u
	u.properties.writeEncryption(w.Header())
	if u.algorithm != nil {
		w.Header().Set("X-Amz-Checksum-Algorithm", u.algorithm.name)
		w.Header().Set("X-Amz-Checksum-Type", u.kind)
	}
	x := newDocument()
	x.root("InitiateMultipartUploadResult")
	x.text("Bucket", rq.bucket)
	x.echo("Key", rq.key)
	x.text("UploadId", u.id)
	x.close("InitiateMultipartUploadResult")
	x.send(w, http.StatusOK)
	return nil
}

// checksums reads which checksum the upload will have.
func (u *upload) checksums(h http.Header) error {
	name := h.Get("X-Amz-Checksum-Algorithm")
	kind := h.Get("X-Amz-Checksum-Type")
	if name == "" {
		if kind != "" {
			return fail("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		return nil
	}
	var err error
	if u.algorithm, err = algorithmNamed(name); err != nil {
		return err
	}
	u.kind = composite
	if u.algorithm.name == "CRC64NVME" {
		u.kind = fullObject
	}
	switch {
	case kind == "" || kind == u.kind:
		return nil
	case kind == fullObject && u.algorithm.crc:
		u.kind = fullObject
		return nil
	}
	return fail("InvalidRequest", "The %s checksum type cannot be used with the %s checksum algorithm.", kind, strings.ToLower(u.algorithm.name))
}

func partNumber(rq *request) (int, error) {
	text := rq.query.Get("partNumber")
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxParts {
		return 0, fail("InvalidArgument", "Part number must be an integer between 1 and %d, inclusive", maxParts).
			with("ArgumentName", "partNumber").with("ArgumentValue", text)
	}
	return n, nil
}

// requireUpload fails early, before a part is received.
func (s *Server) requireUpload(rq *request) (*algorithm, error) {
	defer s.read()()
	_, u, err := s.uploadOf(rq)
	if err != nil {
		return nil, err
	}
	return u.algorithm, nil
}

func (s *Server) uploadPart(w http.ResponseWriter, rq *request) error {
	n, err := partNumber(rq)
	if err != nil {
		return err
	}
	p, err := s.payloadOf(rq)
	if err != nil {
		return err
	}
	demanded, err := s.requireUpload(rq)
	if err != nil {
		return err
	}
	if demanded != nil && p.claim.algorithm != nil && p.claim.algorithm != demanded {
		return fail("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s",
			strings.ToLower(demanded.name), strings.ToLower(p.claim.algorithm.name))
	}
	stored, err := s.receive(p)
	if err != nil {
		return err
	}
	added := &part{etag: hex.EncodeToString(stored.md5), size: stored.size, modified: time.Now(), body: stored.whole(), checksum: p.checksum()}
	if demanded != nil && added.checksum.algorithm == nil {
		if err := s.sumPart(demanded, added); err != nil {
			s.bodies.discard(stored)
			return err
		}
	}
	if err := s.addPart(rq, n, added); err != nil {
		s.bodies.discard(stored)
		return err
	}
	w.Header().Set("ETag", `"`+added.etag+`"`)
	if added.checksum.algorithm != nil {
		w.Header().Set(added.checksum.algorithm.header, added.checksum.value)
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// sumPart computes the checksum that the upload asked for and the part did not bring.
func (s *Server) sumPart(a *algorithm, p *part) error {
	r, err := s.bodies.open(p.body, 0, p.size)
	if err != nil {
		return err
	}
	p.checksum, err = sumOf(a, r)
	return err
}

// addPart puts a part in the place of any other with its number.
func (s *Server) addPart(rq *request, n int, added *part) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, u, err := s.uploadOf(rq)
	if err != nil {
		return err
	}
	s.bodies.retain(added.body)
	if old := u.parts[n]; old != nil {
		s.bodies.release(old.body)
	}
	u.parts[n] = added
	return nil
}

// uploadPartCopy makes a part out of a stretch of another object.
func (s *Server) uploadPartCopy(w http.ResponseWriter, rq *request) error {
	n, err := partNumber(rq)
	if err != nil {
		return err
	}
	src, err := sourceOf(rq)
	if err != nil {
		return err
	}
	demanded, err := s.requireUpload(rq)
	if err != nil {
		return err
	}
	from, err := s.take(rq, src)
	if err != nil {
		return err
	}
	defer s.giveBack(from.extents)
	offset, length := int64(0), from.size
	if text := rq.Header.Get("X-Amz-Copy-Source-Range"); text != "" && s.on(PartCopyRange) {
		first, last, ok := parseRange(text)
		if !ok || first < 0 || last < 0 {
			return fail("InvalidArgument", "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy")
		}
		if last >= from.size {
			return fail("InvalidArgument", "Range specified is not valid for source object of size: %d", from.size)
		}
		offset, length = first, last-first+1
	}
	if length > maxPut {
		return fail("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: %d", int64(maxPut))
	}
	added := &part{size: length, modified: time.Now(), body: stretch(from.extents, offset, length)}
	if added.etag, err = s.md5Of(added.body, length); err != nil {
		return err
	}
	if demanded != nil {
		if err := s.sumPart(demanded, added); err != nil {
			return err
		}
	}
	if err := s.addPart(rq, n, added); err != nil {
		return err
	}
	if from.versioned {
		w.Header().Set("X-Amz-Copy-Source-Version-Id", from.id)
	}
	x := newDocument()
	x.root("CopyPartResult")
	x.time("LastModified", added.modified)
	x.etag(added.etag)
	added.checksum.element(x)
	x.close("CopyPartResult")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) abortUpload(w http.ResponseWriter, rq *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, u, err := s.uploadOf(rq)
	if err != nil {
		return err
	}
	s.drop(b, u)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type completeRequest struct {
	XMLName xml.Name        `xml:"CompleteMultipartUpload"`
	Parts   []completedPart `xml:"Part"`
}

type completedPart struct {
	PartNumber        int
	ETag              string
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumSHA1      string
	ChecksumSHA256    string
}

// claimed are the checksums that the client names for a part.
func (c completedPart) claimed() []string {
	return []string{c.ChecksumCRC32, c.ChecksumCRC32C, c.ChecksumCRC64NVME, c.ChecksumSHA1, c.ChecksumSHA256}
}

// completeUpload makes an object of the parts that the client lists.
func (s *Server) completeUpload(w http.ResponseWriter, rq *request) error {
	var in completeRequest
	p, err := s.payloadOf(rq)
	if err != nil {
		return err
	}
	whole := p.claim
	p.claim = claim{} // the checksum in the headers is the object's, not that of the document
	if err := readDocument(p, &in); err != nil {
		return err
	}
	if len(in.Parts) == 0 {
		return fail("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	u, v, sums, err := s.assemble(rq, in)
	if err != nil {
		return err
	}
	defer s.giveBack(v.body)
	if err := s.sumWhole(rq, u, v, sums, whole); err != nil {
		return err
	}
	stored, versioned, err := s.completeWith(rq, v)
	if err != nil {
		return err
	}
	h := w.Header()
	stored.properties.writeEncryption(h)
	if versioned {
		h.Set("X-Amz-Version-Id", stored.id)
	}
	x := newDocument()
	x.root("CompleteMultipartUploadResult")
	x.text("Location", fmt.Sprintf("http://%s%s", rq.Host, rq.URL.EscapedPath()))
	x.text("Bucket", rq.bucket)
	x.echo("Key", rq.key)
	x.etag(stored.etag)
	if stored.checksum.algorithm != nil {
		stored.checksum.element(x)
		x.text("ChecksumType", stored.checksum.kind)
	}
	x.close("CompleteMultipartUploadResult")
	x.send(w, http.StatusOK)
	return nil
}

// assemble checks the list of parts and puts the object together, with the checksums of
// its parts. Its body is in use until it is given back, so it can be hashed without the
// lock.
func (s *Server) assemble(rq *request, in completeRequest) (u *upload, v *version, checksums []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, u, err = s.uploadOf(rq)
	if err != nil {
		return nil, nil, nil, err
	}
	for i := 1; i < len(in.Parts); i++ {
		if in.Parts[i].PartNumber <= in.Parts[i-1].PartNumber {
			return nil, nil, nil, fail("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.").with("UploadId", u.id)
		}
	}
	v = &version{properties: u.properties, tags: u.tags}
	sums := md5.New()
	for i, want := range in.Parts {
		p := u.parts[want.PartNumber]
		if p == nil || !p.is(want) {
			return nil, nil, nil, fail("InvalidPart", "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.").
				with("UploadId", u.id).with("PartNumber", strconv.Itoa(want.PartNumber)).with("ETag", want.ETag)
		}
		if p.size < minPart && i < len(in.Parts)-1 && s.on(MinimumPartSize) {
			return nil, nil, nil, fail("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size").
				with("ProposedSize", strconv.FormatInt(p.size, 10)).with("MinSizeAllowed", strconv.Itoa(minPart)).
				with("PartNumber", strconv.Itoa(want.PartNumber)).with("ETag", want.ETag)
		}
		sum, err := hex.DecodeString(p.etag)
		if err != nil {
			return nil, nil, nil, err
		}
		sums.Write(sum)
		v.size += p.size
		v.parts = append(v.parts, p.size)
		checksums = append(checksums, p.checksum.value)
		v.body = append(v.body, p.body...)
	}
	v.etag = fmt.Sprintf("%x-%d", sums.Sum(nil), len(in.Parts))
	s.bodies.retain(v.body)
	return u, v, checksums, nil
}

// is says whether this is the part that the client means.
func (p *part) is(want completedPart) bool {
	if strings.Trim(want.ETag, `"`) != p.etag {
		return false
	}
	for i, claimed := range want.claimed() {
		if claimed != "" && (p.checksum.algorithm != algorithms[i] || p.checksum.value != claimed) {
			return false
		}
	}
	return true
}

// sumWhole gives an object its checksum and compares what the client says of it.
func (s *Server) sumWhole(rq *request, u *upload, v *version, parts []string, whole claim) (err error) {
	if !s.on(MultipartETag) {
		if v.etag, err = s.md5Of(v.body, v.size); err != nil {
			return err
		}
	}
	if size := rq.Header.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.FormatInt(v.size, 10) {
		return fail("InvalidRequest", "The provided 'x-amz-mp-object-size' header value %s does not match what was computed: %d", size, v.size)
	}
	if u.algorithm == nil {
		return nil
	}
	if u.kind == composite {
		v.checksum, err = compositeOf(u.algorithm, parts)
		return err
	}
	var r io.Reader
	if r, err = s.bodies.open(v.body, 0, v.size); err != nil {
		return err
	}
	if v.checksum, err = sumOf(u.algorithm, r); err != nil {
		return err
	}
	if whole.algorithm == u.algorithm && whole.value != v.checksum.value && s.on(ChecksumCheck) {
		return fail("BadDigest", "The %s you specified did not match the calculated checksum.", whole.algorithm.name)
	}
	return nil
}

// completeWith stores the object in the place of the upload, if its conditions hold.
func (s *Server) completeWith(rq *request, v *version) (stored *version, versioned bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, u, err := s.uploadOf(rq)
	if err != nil {
		return nil, false, err
	}
	stored, versioned, err = s.storeLocked(rq, ConditionalComplete, v)
	if err != nil {
		return nil, false, err
	}
	s.drop(b, u)
	return stored, versioned, nil
}
