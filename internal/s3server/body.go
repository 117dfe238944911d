package s3server

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"
)

const maxPut = 5 << 30 // bytes in one PUT or part

// payload is the body of a request, read through everything that a request can claim
// about it: framing, hash that was signed, checksum, MD5.
type payload struct {
	io.Reader
	size    int64 // decoded; -1 when the request does not say
	claim   claim
	sum     hash.Hash
	signed  hash.Hash
	promise string    // the hash that was signed
	md5     []byte    // of Content-MD5
	chunks  *unframer // nil for a plain body
	server  *Server
}

// payloadOf prepares the body of a request for reading.
func (s *Server) payloadOf(rq *request) (*payload, error) {
	p := &payload{Reader: rq.Body, size: rq.ContentLength, server: s}
	var err error
	if p.claim, err = claimOf(rq.Header); err != nil {
		return nil, err
	}
	if text, given := rq.Header["Content-Md5"]; given {
		p.md5, err = base64.StdEncoding.DecodeString(text[0])
		if err != nil || len(p.md5) != md5.Size {
			return nil, fail("InvalidDigest", "The Content-MD5 you specified was invalid.")
		}
	}
	content := rq.Header.Get("X-Amz-Content-Sha256")
	switch {
	case strings.HasPrefix(content, "STREAMING-") && s.on(AWSChunked):
		p.size, err = strconv.ParseInt(rq.Header.Get("X-Amz-Decoded-Content-Length"), 10, 64)
		if err != nil || p.size < 0 {
			return nil, fail("MissingContentLength", "You must provide the x-amz-decoded-content-length HTTP header.")
		}
		p.chunks = newUnframer(rq.Body, p.size, content, rq.signature)
		p.Reader = p.chunks
	case len(content) == hex.EncodedLen(sha256.Size) && s.secretKey != "" && s.on(PayloadHash):
		p.promise, p.signed = content, sha256.New()
		p.Reader = io.TeeReader(p.Reader, p.signed)
	}
	if p.claim.trailer && p.chunks == nil {
		if s.on(AWSChunked) {
			return nil, fail("MalformedTrailerError", "The request announces a trailer, but its body has no aws-chunked framing.")
		}
		p.claim = claim{}
	}
	if p.claim.algorithm != nil {
		p.sum = p.claim.algorithm.make()
		p.Reader = io.TeeReader(p.Reader, p.sum)
	}
	return p, nil
}

// check compares a body that was read to its end, and whose MD5 is sum, with the claims.
func (p *payload) check(sum []byte) error {
	if p.signed != nil {
		if got := hex.EncodeToString(p.signed.Sum(nil)); got != p.promise {
			return fail("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.").
				with("ClientComputedContentSHA256", p.promise).with("S3ComputedContentSHA256", got)
		}
	}
	if p.md5 != nil && !bytes.Equal(sum, p.md5) && p.server.on(ContentMD5Check) {
		return fail("BadDigest", "The Content-MD5 you specified did not match what we received.")
	}
	if p.claim.algorithm == nil {
		return nil
	}
	if p.claim.trailer {
		p.claim.value = p.chunks.trailer.Get(p.claim.algorithm.header)
		if p.claim.value == "" {
			return fail("MalformedTrailerError", "The request contained trailing data that was not well-formed or did not conform to our published schema.")
		}
	}
	if got := encodeSum(p.sum); got != p.claim.value && p.server.on(ChecksumCheck) {
		return fail("BadDigest", "The %s you specified did not match the calculated checksum.", p.claim.algorithm.name)
	}
	return nil
}

// checksum is what was claimed and found true.
func (p *payload) checksum() checksum {
	if p.claim.algorithm == nil {
		return checksum{}
	}
	return checksum{p.claim.algorithm, p.claim.value, fullObject}
}

// receive stores the body of a request. The lock is not held: a slow client keeps nobody
// waiting. The blob is the caller's to retain or discard.
func (s *Server) receive(p *payload) (*blob, error) {
	switch {
	case p.size < 0:
		return nil, fail("MissingContentLength", "You must provide the Content-Length HTTP header.")
	case p.size > maxPut:
		return nil, fail("EntityTooLarge", "Your proposed upload exceeds the maximum allowed size").
			with("ProposedSize", strconv.FormatInt(p.size, 10)).with("MaxSizeAllowed", strconv.FormatInt(maxPut, 10))
	}
	stored, err := s.bodies.receive(p, p.size)
	if err != nil {
		return nil, err
	}
	if err := p.check(stored.md5); err != nil {
		s.bodies.discard(stored)
		return nil, err
	}
	return stored, nil
}

// readDocument reads the XML that a request carries, checking what it claims.
func (s *Server) readDocument(rq *request, into any) error {
	p, err := s.payloadOf(rq)
	if err != nil {
		return err
	}
	return readDocument(p, into)
}

func readDocument(p *payload, into any) error {
	sum := md5.New()
	if err := decodeXML(io.TeeReader(p, sum), into); err != nil {
		return err
	}
	return p.check(sum.Sum(nil))
}

// confirm answers a stored body: its ETag, version, checksum and encryption.
func confirm(h http.Header, v *version, versioned bool) {
	h.Set("ETag", `"`+v.etag+`"`)
	v.checksum.write(h)
	v.properties.writeEncryption(h)
	if versioned {
		h.Set("X-Amz-Version-Id", v.id)
	}
}
