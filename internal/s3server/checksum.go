package s3server

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"
)

const (
	checksumPrefix = "X-Amz-Checksum-"
	fullObject     = "FULL_OBJECT"
	composite      = "COMPOSITE"
)

// algorithm is one of the checksums of S3.
type algorithm struct {
	name   string // as in x-amz-checksum-algorithm
	header string
	xml    string // element of parts and results
	crc    bool   // can be taken over the parts of an upload as a whole
	make   func() hash.Hash
}

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	nvme       = crc64.MakeTable(0x9a6c9329ac4bc9b5)

	algorithms = []*algorithm{
		{"CRC32", "X-Amz-Checksum-Crc32", "ChecksumCRC32", true, func() hash.Hash { return crc32.NewIEEE() }},
		{"CRC32C", "X-Amz-Checksum-Crc32c", "ChecksumCRC32C", true, func() hash.Hash { return crc32.New(castagnoli) }},
		{"CRC64NVME", "X-Amz-Checksum-Crc64nvme", "ChecksumCRC64NVME", true, func() hash.Hash { return crc64.New(nvme) }},
		{"SHA1", "X-Amz-Checksum-Sha1", "ChecksumSHA1", false, sha1.New},
		{"SHA256", "X-Amz-Checksum-Sha256", "ChecksumSHA256", false, sha256.New},
		{"SHA512", "X-Amz-Checksum-Sha512", "ChecksumSHA512", false, sha512.New},
		{"MD5", "X-Amz-Checksum-Md5", "ChecksumMD5", false, md5.New},
	}
)

func algorithmNamed(name string) (*algorithm, error) {
	for _, a := range algorithms {
		if strings.EqualFold(a.name, name) {
			return a, nil
		}
	}
	return nil, fail("InvalidRequest", "The checksum algorithm %q is not supported.", name)
}

// checksum is a stored one.
type checksum struct {
	algorithm *algorithm // nil for none
	value     string     // base64, and "-N" behind it when composite
	kind      string
}

// write reports the checksum in headers.
func (c checksum) write(h http.Header) {
	if c.algorithm != nil {
		h.Set(c.algorithm.header, c.value)
		h.Set("X-Amz-Checksum-Type", c.kind)
	}
}

// element reports the checksum in a document.
func (c checksum) element(d *document) {
	if c.algorithm != nil {
		d.text(c.algorithm.xml, c.value)
	}
}

// claim is the checksum that a request says its body has.
type claim struct {
	algorithm *algorithm // nil for none
	value     string     // empty while it is still to come in the trailer
	trailer   bool
}

// claimOf finds the checksum of a request, in its headers or announced for its trailer.
func claimOf(h http.Header) (claim, error) {
	var c claim
	for _, a := range algorithms {
		v := h.Get(a.header)
		if v == "" {
			continue
		}
		if c.algorithm != nil {
			return c, fail("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		sum, err := base64.StdEncoding.DecodeString(v)
		if err != nil || len(sum) != a.make().Size() {
			return c, fail("InvalidRequest", "Value for %s header is invalid.", strings.ToLower(a.header))
		}
		c = claim{algorithm: a, value: v}
	}
	for name := range strings.SplitSeq(h.Get("X-Amz-Trailer"), ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if !strings.HasPrefix(name, checksumPrefix) {
			continue
		}
		a, err := algorithmNamed(name[len(checksumPrefix):])
		if err != nil {
			return c, err
		}
		if c.algorithm != nil {
			return c, fail("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		c = claim{algorithm: a, trailer: true}
	}
	return c, nil
}

func encodeSum(h hash.Hash) string { return base64.StdEncoding.EncodeToString(h.Sum(nil)) }

// compositeOf is the checksum of the checksums of parts.
func compositeOf(a *algorithm, values []string) (checksum, error) {
	h := a.make()
	for _, v := range values {
		sum, err := base64.StdEncoding.DecodeString(v)
		if err != nil {
			return checksum{}, fail("InvalidPart", "A part has the checksum %q, which is not base64.", v)
		}
		h.Write(sum)
	}
	return checksum{a, fmt.Sprintf("%s-%d", encodeSum(h), len(values)), composite}, nil
}

// sumOf is the checksum of everything in r.
func sumOf(a *algorithm, r io.Reader) (checksum, error) {
	h := a.make()
	if _, err := io.Copy(h, r); err != nil {
		return checksum{}, err
	}
	return checksum{a, encodeSum(h), fullObject}, nil
}
