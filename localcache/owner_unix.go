//go:build unix

package localcache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/gofrs/flock"
)

// checksModes says that a mode tells who may write.
const checksModes = true

// openFlags keep an open from following a planted link, and from waiting for
// the other end of a planted pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

func systemLock(l *flock.Flock, exclusive bool) (bool, error) {
	if exclusive {
		return l.TryLock()
	}
	return l.TryRLock()
}

// own reports whether the file belongs to this user.
func own(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// inode is the file's number.
func inode(st fs.FileInfo) uint64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(sys.Ino) //nolint:unconvert // its type differs between systems
	}
	return 0
}

// names is how many the file has.
func names(st fs.FileInfo) uint64 {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return uint64(sys.Nlink) //nolint:unconvert // its type differs between systems
	}
	return 1
}

// syncDir makes a rename last. Some file systems cannot, and need not.
func syncDir(d *os.File) error {
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
