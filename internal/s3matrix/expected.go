package s3matrix

import (
	"errors"
	"fmt"
	"slices"
)

// Names of the servers.
const (
	InProcess  = "in-process"
	VersityGW  = "versitygw"
	MinIO      = "MinIO"
	SecureName = "MinIO over TLS"
)

// expected is what each server is known to lack. The in-process server lacks
// nothing: it is there to be S3 where the others are not.
var expected = map[string][]Gap{
	InProcess: nil,
	VersityGW: {
		KeyEmptyComponent, KeyLeadingSlash, KeyDots, // a path of the file system, and cleaned as one
		FileBesideDirectory, ListBelowFile, MarkerWithBody, LongComponent, KeyNUL,
		EncodingTypeURL, KeyControl, // unescaped, XML cannot carry what is in the key
		BadToken,
		CopyIfNoneMatch,
		SSECOverHTTPRefused,
	},
	MinIO:      minio,
	SecureName: minio,
}

var minio = []Gap{
	KeyEmptyComponent, KeyLeadingSlash, KeyDots, LongComponent, KeyNUL,
	ListBelowFile, // it holds a and a/b, but its listings end at a
	CopyIfNoneMatch,
	DeleteIfMatch,
}

// compare says where a server's gaps are not the expected ones. found holds, for
// each gap, what the server did.
func compare(server string, expected []Gap, found map[Gap]error) error {
	var errs []error
	for _, row := range rows {
		known := slices.Contains(expected, row.gap)
		switch lacks := found[row.gap]; {
		case lacks != nil && !known:
			errs = append(errs, fmt.Errorf("s3matrix: a gap nobody knew: %s %s: %w", server, row.gap, lacks))
		case lacks == nil && known:
			errs = append(errs, fmt.Errorf("s3matrix: a gap that is none: it is not true any more that %s %s; take it out of the expected ones", server, row.gap))
		}
	}
	return errors.Join(errs...)
}
