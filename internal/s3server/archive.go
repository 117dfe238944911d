package s3server

import (
	"net/http"
	"slices"
	"time"
)

// checkArchive refuses to read what has to be restored first.
func (s *Server) checkArchive(v *version) error {
	if v.properties.archived() && !v.restored.After(time.Now()) && s.on(ArchiveAccess) {
		return fail("InvalidObjectState", "The operation is not valid for the object's storage class").
			with("StorageClass", v.properties.storageClass)
	}
	return nil
}

type restoreRequest struct {
	Days int
	Tier string `xml:"GlacierJobParameters>Tier"`
}

// restoreObject makes an archived object readable for some days. It is done at once,
// where AWS takes hours.
func (s *Server) restoreObject(w http.ResponseWriter, rq *request) error {
	var in restoreRequest
	if err := s.readDocument(rq, &in); err != nil {
		return err
	}
	if in.Days < 1 {
		return fail("InvalidArgument", "Days must be at least 1")
	}
	if in.Tier != "" && !slices.Contains([]string{"Standard", "Bulk", "Expedited"}, in.Tier) {
		return fail("InvalidArgument", "The tier %q is not valid", in.Tier)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, v, err := s.lookup(rq.bucket, rq.key, rq.query.Get("versionId"))
	if err != nil {
		return err
	}
	if !v.properties.archived() {
		return fail("InvalidObjectState", "Restore is not allowed for the object's current storage class").
			with("StorageClass", v.properties.class())
	}
	status := http.StatusAccepted
	if v.restored.After(time.Now()) {
		status = http.StatusOK // already restored: only the time changes
	}
	updated := *v
	updated.restored = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, in.Days+1)
	if err := b.keys.replace(rq.key, v, &updated); err != nil {
		return err
	}
	w.WriteHeader(status)
	return nil
}
