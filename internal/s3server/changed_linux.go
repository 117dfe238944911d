package s3server

import (
	"io/fs"
	"syscall"
	"time"
)

// changed is when anything about a file changed last, which no program can set.
func changed(info fs.FileInfo) time.Time {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(st.Ctim.Unix())
	}
	return info.ModTime()
}
