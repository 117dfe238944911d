//go:build race

package s3path_test

// raced says that the race detector is on: sync.Pool then forgets a part of what it
// is given, so that there are more buffers than are in use.
const raced = true
