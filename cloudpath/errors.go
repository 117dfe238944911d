package cloudpath

import (
	"errors"

	"github.com/cloudpath-go/cloudpath/internal/pattern"
)

// What can go wrong besides [io/fs.ErrNotExist], [io/fs.ErrExist] and
// [io/fs.ErrPermission]. Test for these with [errors.Is]; an operation's error wraps them
// together with the path and the provider's own error.
var (
	// ErrInvalidPath says that this is not a path this library can address: no bucket, a
	// name that no bucket can have, a key that is too long or not UTF-8, the zero path.
	// These are found before any request is made. It is also the error of a path that an
	// operation cannot be meant for: a tree that would be copied into itself, a bucket that
	// would be emptied by mistake.
	ErrInvalidPath = errors.New("invalid path")

	// ErrBadPattern says that a glob pattern is malformed. It is found before any request
	// is made.
	ErrBadPattern = pattern.ErrBad

	// ErrIsDirectory says that a directory stands where a file is wanted.
	ErrIsDirectory = errors.New("is a directory")

	// ErrNotDirectory says that a file stands where a directory is wanted.
	ErrNotDirectory = errors.New("not a directory")

	// ErrNotEmpty says that a directory or a bucket still holds something and so cannot be
	// removed alone.
	ErrNotEmpty = errors.New("directory not empty")

	// ErrPreconditionFailed says that the object is not the one that the call was
	// conditional on: someone else was faster. Read it again and decide anew.
	ErrPreconditionFailed = errors.New("precondition failed")

	// ErrChanged says that the object was replaced while it was being read or copied, so
	// that the pieces would not have been of one version.
	ErrChanged = errors.New("changed while in use")

	// ErrProtocol says that the server answered something that is not S3: a captive
	// portal's page, a success without its content, a listing without an end.
	ErrProtocol = errors.New("invalid answer from server")

	// ErrUnsafeName says that a key must not become a local file name: it would leave the
	// directory it is meant for, or means something else to the operating system.
	ErrUnsafeName = errors.New("unsafe file name")

	// ErrInsecureCache says that the cache directory belongs to, or can be written by,
	// others, who could put their bytes in the place of the object's.
	ErrInsecureCache = errors.New("insecure cache directory")

	// ErrNoCredentials says that there is nothing to sign with: no credentials were found
	// anywhere, and the request that went out unsigned was refused; a place that was
	// configured gives none, or half of a key; or a URL was to be signed without any.
	ErrNoCredentials = errors.New("no credentials")
)
