package s3server

import (
	"errors"
	"net/http"
)

// deleteObject deletes one object or one version of it. A missing one is no error.
func (s *Server) deleteObject(w http.ResponseWriter, rq *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(rq.bucket, rq.key)
	if err != nil {
		return err
	}
	done, err := s.remove(b, rq.key, rq.query.Get("versionId"), rq.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if done.version != "" {
		w.Header().Set("X-Amz-Version-Id", done.version)
	}
	if done.marker && s.on(MarkerHeaders) {
		w.Header().Set("X-Amz-Delete-Marker", "true")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// remove deletes a key, or one version of it, if it has this ETag or is missing. The lock
// is held.
func (s *Server) remove(b *bucket, key, id, match string) (removal, error) {
	if !s.on(Versioning) {
		id = ""
	}
	if id != "" {
		if err := checkVersionID(id); err != nil {
			return removal{}, err
		}
	}
	if match != "" && s.on(ConditionalDelete) {
		v, err := b.keys.current(key)
		if id != "" {
			v, err = b.keys.version(key, id)
		}
		if err != nil {
			return removal{}, err
		}
		if v != nil && !v.marker && !matches(match, v.etag) {
			return removal{}, preconditionFailed("If-Match")
		}
	}
	if id != "" {
		return b.keys.removeVersion(key, id)
	}
	return b.keys.remove(key)
}

type deleteRequest struct {
	Quiet   bool
	Objects []struct {
		Key       string
		VersionID string `xml:"VersionId"`
		ETag      string
	} `xml:"Object"`
}

// deleteObjects deletes up to a thousand keys and says of each how it went.
func (s *Server) deleteObjects(w http.ResponseWriter, rq *request) error {
	var in deleteRequest
	if c, err := claimOf(rq.Header); err != nil {
		return err
	} else if c.algorithm == nil && rq.Header.Get("Content-Md5") == "" {
		return fail("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	if err := s.readDocument(rq, &in); err != nil {
		return err
	}
	if len(in.Objects) == 0 || len(in.Objects) > maxPage {
		return fail("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
	}
	x := newDocument()
	x.root("DeleteResult")
	if err := s.deleteEach(rq, in, x); err != nil {
		return err
	}
	x.close("DeleteResult")
	x.send(w, http.StatusOK)
	return nil
}

func (s *Server) deleteEach(rq *request, in deleteRequest, x *document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.bucketOf(rq.bucket, "")
	if err != nil {
		return err
	}
	for _, o := range in.Objects {
		var done removal
		var err error
		if o.Key == "" {
			err = fail("UserKeyMustBeSpecified", "The bucket POST must contain the specified field name. If it is specified, check the order of the fields.")
		} else if len(o.Key) > maxKey && s.on(KeyLength) {
			err = fail("KeyTooLongError", "Your key is too long")
		} else {
			done, err = s.remove(b, o.Key, o.VersionID, o.ETag)
		}
		if err != nil && s.on(DeleteErrors) {
			var api *apiError
			if !errors.As(err, &api) {
				api = fail("InternalError", "%v", err)
			}
			x.open("Error")
			x.text("Key", o.Key)
			x.optional("VersionId", o.VersionID)
			x.text("Code", api.code)
			x.text("Message", api.message)
			x.close("Error")
			continue
		}
		if in.Quiet && s.on(DeleteQuiet) {
			continue
		}
		x.open("Deleted")
		x.text("Key", o.Key)
		x.optional("VersionId", o.VersionID)
		if done.marker {
			x.flag("DeleteMarker", true)
			x.text("DeleteMarkerVersionId", done.version)
		}
		x.close("Deleted")
	}
	return nil
}
