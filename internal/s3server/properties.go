package s3server

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// properties are what an object is stored with besides its bytes and tags.
type properties struct {
	headers      map[string]string // of storedHeaders and of encryption
	metadata     map[string]string // by lower-case name without x-amz-meta-
	storageClass string            // empty for STANDARD
}

const (
	defaultContentType = "binary/octet-stream"
	metadataPrefix     = "X-Amz-Meta-"
	maxMetadata        = 2048
)

// storedHeaders come back on GET and HEAD as they were given.
var storedHeaders = []string{
	"Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language", "Expires",
	"X-Amz-Website-Redirect-Location",
}

// encryptionHeaders belong to the target of a copy whatever the directive.
var encryptionHeaders = []string{
	"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
	"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled",
}

var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING",
	"GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
}

var cannedACLs = []string{
	"private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read",
	"bucket-owner-read", "bucket-owner-full-control",
}

// propertiesOf reads the properties that a request gives a new object.
func (s *Server) propertiesOf(h http.Header) (properties, error) {
	p := properties{headers: make(map[string]string)}
	if v := h.Get("Content-Type"); v != "" {
		p.headers["Content-Type"] = v
	}
	if acl := h.Get("X-Amz-Acl"); acl != "" && !slices.Contains(cannedACLs, acl) {
		return p, fail("InvalidArgument", "The canned ACL %q is not valid", acl)
	}
	if err := p.placement(h); err != nil {
		return p, err
	}
	if !s.on(Properties) {
		return properties{headers: map[string]string{}}, nil
	}
	for _, name := range storedHeaders {
		v := h.Get(name)
		if name == "Content-Encoding" {
			v = withoutChunked(v)
		}
		if v != "" {
			p.headers[name] = v
		}
	}
	size := 0
	for name, values := range h {
		if strings.HasPrefix(name, "X-Amz-Object-Lock-") {
			return p, fail("InvalidRequest", "Bucket is missing Object Lock Configuration")
		}
		rest, ok := strings.CutPrefix(name, metadataPrefix)
		if !ok {
			continue
		}
		if p.metadata == nil {
			p.metadata = make(map[string]string)
		}
		value := strings.Join(values, ",")
		p.metadata[strings.ToLower(rest)] = value
		size += len(rest) + len(value)
	}
	if size > maxMetadata {
		return p, fail("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
	}
	return p, nil
}

// placement reads the storage class and the encryption, which a copy never inherits.
func (p *properties) placement(h http.Header) error {
	p.storageClass = ""
	if class := h.Get("X-Amz-Storage-Class"); class != "" {
		if !slices.Contains(storageClasses, class) {
			return fail("InvalidStorageClass", "The storage class you specified is not valid").with("StorageClassRequested", class)
		}
		if class != "STANDARD" {
			p.storageClass = class
		}
	}
	for _, name := range encryptionHeaders {
		delete(p.headers, name)
		if v := h.Get(name); v != "" {
			p.headers[name] = v
		}
	}
	switch algorithm := p.headers[encryptionHeaders[0]]; algorithm {
	case "", "AES256", "aws:kms", "aws:kms:dsse":
		return nil
	default:
		return fail("InvalidArgument", "The encryption method %q is not supported", algorithm)
	}
}

// inherited are the properties of a copy that keeps those of its source.
func (p properties) inherited(h http.Header) (properties, error) {
	p.headers = maps.Clone(p.headers)
	if p.headers == nil {
		p.headers = make(map[string]string)
	}
	return p, p.placement(h)
}

// withoutChunked takes the framing of the request out of the encoding of the object.
func withoutChunked(encoding string) string {
	if !strings.Contains(encoding, "aws-chunked") {
		return encoding
	}
	var kept []string
	for part := range strings.SplitSeq(encoding, ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

// write puts the properties into the headers of an answer.
func (p properties) write(h http.Header) {
	h.Set("Content-Type", defaultContentType)
	for name, value := range p.headers {
		h.Set(name, value)
	}
	for name, value := range p.metadata {
		h.Set(metadataPrefix+name, value)
	}
	if p.storageClass != "" {
		h.Set("X-Amz-Storage-Class", p.storageClass)
	}
}

// writeEncryption confirms the encryption that was asked for.
func (p properties) writeEncryption(h http.Header) {
	for _, name := range encryptionHeaders {
		if v := p.headers[name]; v != "" {
			h.Set(name, v)
		}
	}
}

func (p properties) class() string {
	if p.storageClass == "" {
		return "STANDARD"
	}
	return p.storageClass
}

func (p properties) archived() bool {
	return p.storageClass == "GLACIER" || p.storageClass == "DEEP_ARCHIVE"
}
