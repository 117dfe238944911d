package cloudpath_test

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// TestErrors: each is itself and none of the others, says so in a few words without a
// package name, and survives being wrapped the way operations do.
func TestErrors(t *testing.T) {
	all := map[string]error{
		"invalid path":               cloudpath.ErrInvalidPath,
		"bad pattern":                cloudpath.ErrBadPattern,
		"is a directory":             cloudpath.ErrIsDirectory,
		"not a directory":            cloudpath.ErrNotDirectory,
		"directory not empty":        cloudpath.ErrNotEmpty,
		"precondition failed":        cloudpath.ErrPreconditionFailed,
		"changed while in use":       cloudpath.ErrChanged,
		"invalid answer from server": cloudpath.ErrProtocol,
		"unsafe file name":           cloudpath.ErrUnsafeName,
		"insecure cache directory":   cloudpath.ErrInsecureCache,
		"no credentials":             cloudpath.ErrNoCredentials,
		"file does not exist":        fs.ErrNotExist,
		"file already exists":        fs.ErrExist,
		"permission denied":          fs.ErrPermission,
	}
	for text, err := range all {
		if err.Error() != text {
			t.Errorf("%q reads %q", text, err)
		}
		wrapped := error(&fs.PathError{Op: "open", Path: "s3://b/k", Err: err})
		for other, target := range all {
			if errors.Is(wrapped, target) != (text == other) {
				t.Errorf("errors.Is(%q, %q) = %v", text, other, text != other)
			}
		}
	}
}
