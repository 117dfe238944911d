package cloudpath

import "io"

// Reader reads one file of any provider. Where the provider can tell versions of a file
// apart, all that is read is of one version, or reading fails with [ErrChanged].
//
// Read, Seek and WriteTo share one offset and are for one goroutine at a time. ReadAt does
// not touch that offset and may be called by several goroutines at once. Close releases
// what the reader holds, a connection for instance; reading after it fails.
type Reader interface {
	io.ReadSeekCloser
	io.ReaderAt
	io.WriterTo
}

// Writer writes one file of any provider. Nothing is seen of it under its name before Close
// has returned nil: Close commits, Abort discards.
//
// After a Write or ReadFrom that failed, Close discards and returns that failure. A second
// Close is [io/fs.ErrClosed]; Abort after Close does nothing, so that it can be deferred. A
// Writer is for one goroutine at a time.
type Writer interface {
	io.WriteCloser
	io.ReaderFrom

	// Abort discards what was written and leaves the file as it was before.
	Abort() error
}
