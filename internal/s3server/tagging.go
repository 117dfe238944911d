package s3server

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"unicode/utf8"
)

type tag struct {
	Key   string
	Value string
}

const (
	maxTags     = 10
	maxTagKey   = 128 // characters
	maxTagValue = 256
)

func checkTags(tags []tag) error {
	if len(tags) > maxTags {
		return fail("BadRequest", "Object tags cannot be greater than %d", maxTags)
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		switch {
		case t.Key == "" || utf8.RuneCountInString(t.Key) > maxTagKey:
			return fail("InvalidTag", "The TagKey you have provided is invalid").with("TagKey", t.Key)
		case utf8.RuneCountInString(t.Value) > maxTagValue:
			return fail("InvalidTag", "The TagValue you have provided is invalid").with("TagKey", t.Key)
		case seen[t.Key]:
			return fail("InvalidTag", "Cannot provide multiple Tags with the same key").with("TagKey", t.Key)
		}
		seen[t.Key] = true
	}
	slices.SortFunc(tags, func(a, b tag) int {
		switch {
		case a.Key < b.Key:
			return -1
		case a.Key > b.Key:
			return 1
		}
		return 0
	})
	return nil
}

// headerTags reads the tags that come with a new object, written as a query.
func (s *Server) headerTags(h http.Header) ([]tag, error) {
	text := h.Get("X-Amz-Tagging")
	if text == "" || !s.on(TaggingHeaders) {
		return nil, nil
	}
	values, err := url.ParseQuery(text)
	if err != nil {
		return nil, fail("InvalidArgument", "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.").
			with("ArgumentName", "x-amz-tagging")
	}
	var tags []tag
	for key, all := range values {
		for _, value := range all {
			tags = append(tags, tag{key, value})
		}
	}
	return tags, checkTags(tags)
}

func (s *Server) getTagging(w http.ResponseWriter, rq *request) error {
	if !s.on(Tagging) {
		return notImplemented("tagging")
	}
	defer s.read()()
	b, v, err := s.lookup(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return err
	}
	if b.keys.versioning() != "" {
		w.Header().Set("X-Amz-Version-Id", v.id)
	}
	x := newDocument()
	x.root("Tagging")
	x.open("TagSet")
	for _, t := range v.tags {
		x.open("Tag")
		x.text("Key", t.Key)
		x.text("Value", t.Value)
		x.close("Tag")
	}
	x.close("TagSet")
	x.close("Tagging")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) putTagging(w http.ResponseWriter, rq *request) error {
	var in struct {
		XMLName xml.Name `xml:"Tagging"`
		Tags    []tag    `xml:"TagSet>Tag"`
	}
	if err := s.readDocument(rq, &in); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	return s.setTags(w, rq, in.Tags, http.StatusOK)
}

func (s *Server) deleteTagging(w http.ResponseWriter, rq *request) error {
	return s.setTags(w, rq, nil, http.StatusNoContent)
}

func (s *Server) setTags(w http.ResponseWriter, rq *request, tags []tag, status int) error {
	if !s.on(Tagging) {
		return notImplemented("tagging")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, v, err := s.lookup(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return err
	}
	updated := *v
	updated.tags = tags
	if err := b.keys.replace(rq.key, v, &updated); err != nil {
		return err
	}
	if b.keys.versioning() != "" {
		w.Header().Set("X-Amz-Version-Id", v.id)
	}
	w.WriteHeader(status)
	return nil
}
