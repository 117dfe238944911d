//go:build !unix

package localcache

import (
	"errors"
	"io/fs"
	"os"

	"github.com/gofrs/flock"
)

// checksModes says that a mode tells who may write. Here access control lists
// do, and a directory inherits its own from the profile it is in.
const checksModes = false

const openFlags = 0

// systemLock takes none: Windows would refuse us the bytes that are locked, and
// what is locked here is written to by way of another handle.
func systemLock(*flock.Flock, bool) (bool, error) { return false, errors.ErrUnsupported }

func own(fs.FileInfo) bool { return true }

// inode is not to be had: a copy is known by size and time alone.
func inode(fs.FileInfo) uint64 { return 0 }

func names(fs.FileInfo) uint64 { return 1 }

// syncDir does nothing: a directory cannot be synced here.
func syncDir(*os.File) error { return nil }
