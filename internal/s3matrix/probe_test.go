package s3matrix

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

// A probe that cannot fail proves nothing: with one behaviour of the in-process
// server switched off, exactly the probes for it must notice.
func TestProbesNotice(t *testing.T) {
	for _, row := range []struct {
		off  s3server.Feature
		gaps []Gap
	}{
		{s3server.ConditionalRead, []Gap{GetConditions}},
		{s3server.ConditionalPut, []Gap{PutConditions}},
		{s3server.ConditionalComplete, []Gap{CompleteIfNoneMatch}},
		{s3server.ConditionalCopySource, []Gap{CopySourceIfMatch, PartCopySourceIfMatch}},
		{s3server.ConditionalCopy, []Gap{CopyIfNoneMatch}},
		{s3server.ConditionalDelete, []Gap{DeleteIfMatch}},
		{s3server.DelimiterOnce, []Gap{ListOnce, ListPages}},
		{s3server.ListingPages, []Gap{ListPages, BadToken}},
		{s3server.EncodingURL, []Gap{EncodingTypeURL, KeyNUL, KeyControl}},
		{s3server.ChecksumCheck, []Gap{WrongCRC32Rejected}},
		{s3server.ContentMD5Check, []Gap{WrongMD5Rejected}},
		{s3server.PartCopy, []Gap{UploadPartCopy, PartCopySourceIfMatch}},
		{s3server.PartCopyRange, []Gap{UploadPartCopy}},
		{s3server.MinimumPartSize, []Gap{EntityTooSmall}},
		{s3server.RefuseCustomerKeys, []Gap{SSECOverHTTPRefused}},
		{s3server.Versioning, []Gap{Versioning}},
		{s3server.SignatureCheck, []Gap{SigV4Enforced}},
		{s3server.AnonymousRefused, []Gap{AnonymousDenied}},
		{s3server.PresignExpiry, []Gap{PresignExpiry}},
		{s3server.RegionCheck, []Gap{WrongRegion}},
	} {
		t.Run(string(row.gaps[0]), func(t *testing.T) {
			s, err := startInProcess(s3server.Without(row.off))
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := s.close(); err != nil {
					t.Error(err)
				}
			}()
			err = s.probe(t.Context())
			var found []Gap
			for _, r := range rows {
				if s.gaps[r.gap] != nil {
					found = append(found, r.gap)
				}
			}
			slices.Sort(found)
			if want := slices.Sorted(slices.Values(row.gaps)); !slices.Equal(found, want) {
				t.Errorf("the probes noticed %q, want %q", found, want)
			}
			if err == nil || !strings.Contains(err.Error(), "in-process "+string(row.gaps[0])) {
				t.Errorf("the start does not fail for it: %v", err)
			}
		})
	}
}
