//go:build !windows

package s3server

// reserved are the characters that this system gives a meaning in file names.
const reserved = ""
