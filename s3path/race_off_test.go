//go:build !race

package s3path_test

// raced says that the race detector is on.
const raced = false
