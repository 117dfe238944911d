package s3server

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// listParts answers ListParts.
func (s *Server) listParts(w http.ResponseWriter, rq *request) error {
	n, err := rq.count("max-parts")
	if err != nil {
		return err
	}
	limit, marker := s.page(n), 0
	if text := rq.query.Get("part-number-marker"); text != "" {
		if marker, err = strconv.Atoi(text); err != nil || marker < 0 {
			return fail("InvalidArgument", "Argument part-number-marker must be an integer").with("ArgumentValue", text)
		}
	}
	if !s.on(UploadListing) {
		limit, marker = maxPage, 0
	}
	defer s.read()()
	_, u, err := s.uploadOf(rq)
	if err != nil {
		return err
	}
	numbers := slices.Sorted(maps.Keys(u.parts))
	first, found := slices.BinarySearch(numbers, marker)
	if found {
		first++
	}
	numbers = numbers[first:]
	truncated := len(numbers) > limit
	if truncated {
		numbers = numbers[:limit]
	}
	x := newDocument()
	x.root("ListPartsResult")
	x.text("Bucket", rq.bucket)
	x.echo("Key", u.key)
	x.text("UploadId", u.id)
	x.owner("Initiator")
	x.owner("Owner")
	x.text("StorageClass", u.properties.class())
	x.number("PartNumberMarker", int64(marker))
	if len(numbers) > 0 {
		x.number("NextPartNumberMarker", int64(numbers[len(numbers)-1]))
	}
	x.number("MaxParts", int64(limit))
	x.flag("IsTruncated", truncated)
	if u.algorithm != nil {
		x.text("ChecksumAlgorithm", u.algorithm.name)
		x.text("ChecksumType", u.kind)
	}
	for _, number := range numbers {
		p := u.parts[number]
		x.open("Part")
		x.number("PartNumber", int64(number))
		x.time("LastModified", p.modified)
		x.etag(p.etag)
		x.number("Size", p.size)
		p.checksum.element(x)
		x.close("Part")
	}
	x.close("ListPartsResult")
	x.send(w, http.StatusOK)
	return nil
}

// uploadMark is a place in the order of uploads: by key, then by the time they began.
type uploadMark struct{ key, id string }

// listUploads answers ListMultipartUploads.
func (s *Server) listUploads(w http.ResponseWriter, rq *request) error {
	n, err := rq.count("max-uploads")
	if err != nil {
		return err
	}
	q := listing{prefix: rq.query.Get("prefix"), delimiter: rq.query.Get("delimiter"), max: s.page(n)}
	if q.encode, err = s.encoding(rq); err != nil {
		return err
	}
	marker := uploadMark{rq.query.Get("key-marker"), rq.query.Get("upload-id-marker")}
	if !s.on(UploadListing) {
		marker, q.max = uploadMark{}, maxPage
	}
	q.after = marker.key
	defer s.read()()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	uploads, prefixes, next := uploadPage(b, q, marker)
	x := newDocument()
	x.root("ListMultipartUploadsResult")
	x.text("Bucket", b.name)
	x.text("KeyMarker", q.name(marker.key))
	x.text("UploadIdMarker", marker.id)
	x.optional("NextKeyMarker", q.name(next.key))
	x.optional("NextUploadIdMarker", next.id)
	x.text("Prefix", q.name(q.prefix))
	x.optional("Delimiter", q.name(q.delimiter))
	if q.encode {
		x.text("EncodingType", "url")
	}
	x.number("MaxUploads", int64(q.max))
	x.flag("IsTruncated", next != uploadMark{})
	for _, u := range uploads {
		x.open("Upload")
		x.text("Key", q.name(u.key))
		x.text("UploadId", u.id)
		x.owner("Initiator")
		x.owner("Owner")
		x.text("StorageClass", u.properties.class())
		x.time("Initiated", u.initiated)
		x.close("Upload")
	}
	x.commonPrefixes(q, prefixes)
	x.close("ListMultipartUploadsResult")
	x.send(w, http.StatusOK)
	return nil
}

// uploadPage finds the uploads behind marker, and where the next page begins if there is
// one.
func uploadPage(b *bucket, q listing, marker uploadMark) (uploads []*upload, prefixes []string, next uploadMark) {
	order := slices.SortedFunc(maps.Values(b.uploads), func(x, y *upload) int {
		if c := strings.Compare(x.key, y.key); c != 0 {
			return c
		}
		return strings.Compare(x.id, y.id)
	})
	var last uploadMark
	for _, u := range order {
		if !strings.HasPrefix(u.key, q.prefix) || u.key < marker.key {
			continue
		}
		if u.key == marker.key && (marker.id == "" || u.id <= marker.id) {
			continue
		}
		rolled, is := commonPrefix(u.key, q.prefix, q.delimiter)
		if is && (rolled == marker.key || len(prefixes) > 0 && prefixes[len(prefixes)-1] == rolled) {
			continue
		}
		if len(uploads)+len(prefixes) >= q.max {
			return uploads, prefixes, last
		}
		if is {
			prefixes = append(prefixes, rolled)
			last = uploadMark{key: rolled}
			continue
		}
		uploads = append(uploads, u)
		last = uploadMark{u.key, u.id}
	}
	return uploads, prefixes, uploadMark{}
}
