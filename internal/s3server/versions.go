package s3server

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/xml"
	"net/http"
	"strings"
)

const (
	versioningEnabled   = "Enabled"
	versioningSuspended = "Suspended"
)

func (s *Server) getBucketVersioning(w http.ResponseWriter, rq *request) error {
	defer s.read()()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	x := newDocument()
	x.root("VersioningConfiguration")
	x.optional("Status", b.keys.versioning())
	x.close("VersioningConfiguration")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) putBucketVersioning(w http.ResponseWriter, rq *request) error {
	var in struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string
	}
	if err := s.readDocument(rq, &in); err != nil {
		return err
	}
	if in.Status != versioningEnabled && in.Status != versioningSuspended {
		return fail("IllegalVersioningConfigurationException", "The versioning configuration specified in the request is invalid.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	if s.on(Versioning) {
		if err := b.keys.setVersioning(in.Status); err != nil {
			return err
		}
	}
	w.WriteHeader(http.StatusOK)
	return nil
}

// listVersions answers ListObjectVersions: keys in order, the newest version of each
// first.
func (s *Server) listVersions(w http.ResponseWriter, rq *request) error {
	q, err := s.listingOf(rq)
	if err != nil {
		return err
	}
	keyMarker, idMarker := rq.query.Get("key-marker"), rq.query.Get("version-id-marker")
	if rq.has("version-id-marker") && (idMarker == "" || keyMarker == "") {
		return fail("InvalidArgument", "A version-id marker cannot be specified without a key marker.").
			with("ArgumentName", "version-id-marker").with("ArgumentValue", idMarker)
	}
	if !s.on(VersionPages) {
		keyMarker, idMarker, q.max = "", "", maxPage
	}
	q.after = keyMarker

	defer s.read()()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	p, err := listVersionPage(b.keys, q, idMarker)
	if err != nil {
		return err
	}
	x := newDocument()
	x.root("ListVersionsResult")
	x.text("Name", b.name)
	x.text("Prefix", q.name(q.prefix))
	x.text("KeyMarker", q.name(keyMarker))
	x.text("VersionIdMarker", idMarker)
	if p.truncated {
		x.text("NextKeyMarker", q.name(p.lastKey))
		x.optional("NextVersionIdMarker", p.lastID)
	}
	x.number("MaxKeys", int64(q.max))
	x.optional("Delimiter", q.name(q.delimiter))
	if q.encode {
		x.text("EncodingType", "url")
	}
	x.flag("IsTruncated", p.truncated)
	for _, e := range p.entries {
		element := "Version"
		if e.marker {
			element = "DeleteMarker"
		}
		x.open(element)
		x.text("Key", q.name(e.key))
		x.text("VersionId", e.id)
		x.flag("IsLatest", e.latest)
		s.listedTime(x, e.version)
		if !e.marker {
			x.etag(e.etag)
			x.number("Size", e.size)
			x.text("StorageClass", e.properties.class())
		}
		x.owner("Owner")
		x.close(element)
	}
	x.commonPrefixes(q, p.prefixes)
	x.close("ListVersionsResult")
	x.send(w, http.StatusOK)
	return nil
}

type versionPage struct {
	entries         []listedVersion
	prefixes        []string
	truncated       bool
	lastKey, lastID string
}

type listedVersion struct {
	listed
	latest bool
}

// listVersionPage makes a page of versions, behind the version idMarker of the key
// q.after where there is one, else behind that key.
func listVersionPage(keys keyspace, q listing, idMarker string) (versionPage, error) {
	var p versionPage
	if q.max == 0 {
		return p, nil
	}
	from, ok := q.start()
	if !ok {
		return p, nil
	}
	if idMarker != "" && q.after >= q.prefix {
		from = q.after
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
		if rolled, is := commonPrefix(key, q.prefix, q.delimiter); is {
			if p.full(q.max) {
				return p, nil
			}
			p.prefixes = append(p.prefixes, rolled)
			p.lastKey, p.lastID = rolled, ""
			next, ok := behind(rolled)
			if !ok {
				return p, nil
			}
			w.seek(next)
			continue
		}
		versions, err := w.versions()
		if err != nil {
			return p, err
		}
		first := 0
		if idMarker != "" && key == q.after {
			first = olderThan(versions, idMarker)
		}
		for i, v := range versions {
			if i < first {
				continue
			}
			if p.full(q.max) {
				return p, nil
			}
			p.entries = append(p.entries, listedVersion{listed{key, v}, i == 0})
			p.lastKey, p.lastID = key, v.id
		}
		w.next()
	}
}

// full says that there is no room for an entry that is there, so the page is not the last.
func (p *versionPage) full(limit int) bool {
	p.truncated = len(p.entries)+len(p.prefixes) >= limit
	return p.truncated
}

// serialID makes the id of a version or an upload: its serial number, so that ids sort by
// age and a listing can go on behind one that is gone, and letters that nobody guesses.
func serialID(serial uint64) string {
	return idEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, serial)) + rand.Text()
}

var idEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

const (
	sequenceLength = 13 // characters of the id
	idLength       = sequenceLength + 26
)

// olderThan is the place of the first version that is older than the one with this id.
func olderThan(versions []*version, id string) int {
	for i, v := range versions {
		if v.id == id {
			return i + 1
		}
	}
	if len(id) < sequenceLength {
		return len(versions)
	}
	raw, err := idEncoding.DecodeString(id[:sequenceLength])
	if err != nil {
		return len(versions)
	}
	sequence := binary.BigEndian.Uint64(raw)
	for i, v := range versions {
		if v.sequence < sequence {
			return i
		}
	}
	return len(versions)
}

// checkVersionID refuses what cannot be an id of a version, as S3 does.
func checkVersionID(id string) error {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if id == nullVersion || (len(id) == idLength && strings.Trim(id, letters) == "") {
		return nil
	}
	return fail("InvalidArgument", "Invalid version id specified").
		with("ArgumentName", "versionId").with("ArgumentValue", id)
}
