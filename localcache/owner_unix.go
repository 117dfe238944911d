//go:build unix

package localcache

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// checksModes says that a mode tells who may write.
const checksModes = true

// openFlags keep an open from following a planted link, and from waiting for
// the other end of a planted pipe.
const openFlags = syscall.O_NOFOLLOW | syscall.O_NONBLOCK

// own reports whether the file belongs to this user.
func own(st fs.FileInfo) bool {
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Geteuid()
}

// inode is the file's number, and how many names it has.
func inode(st fs.FileInfo) (number, links uint64) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 1
	}
	return uint64(sys.Ino), uint64(sys.Nlink) //nolint:unconvert // their types differ between systems
}

// syncDir makes a rename last. Some file systems cannot, and need not.
func syncDir(d *os.File) error {
	if err := d.Sync(); !errors.Is(err, syscall.EINVAL) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
