//go:build !linux && !darwin

package s3server

import (
	"io/fs"
	"time"
)

// changed is when a file was written last, as far as this system tells.
func changed(info fs.FileInfo) time.Time { return info.ModTime() }
