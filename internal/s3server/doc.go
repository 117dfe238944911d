// Package s3server is an S3 for tests that runs inside the test process: an
// http.Handler that speaks the S3 protocol as AWS documents it and keeps its
// bodies in github.com/johannesboyne/gofakes3.
//
// # What is whose
//
// gofakes3 is the store. Bodies live in its memory backend, one entry for each body
// received, so a copy, a version or a completed upload refers to bytes that are already
// there. A bucket made by WithDir lives in gofakes3's directory backend instead, where
// files are the objects. Everything a client sees is answered here, because gofakes3
// ignores most conditions, checksums, encodings and signatures: routing, names,
// properties, versions, uploads and listings belong to this package, under one lock.
// Bodies cross the network and are hashed outside that lock.
//
// Each behaviour that gofakes3 lacks is a Feature, and Without switches one off, so that
// a test can show that it notices the difference.
//
// # What a directory cannot hold
//
// A file system is not a flat keyspace. Where the two disagree a request is refused; it
// never stores something else than was asked for:
//
//   - a and a/b together: 409, whichever comes second;
//   - keys with an empty component (a//b, /lead), with "." or ".." as a component, with a
//     NUL byte, or with a component above 255 bytes: 400 on writing, a missing key on
//     reading. Where the host reserves more (a backslash, a colon, CON on Windows), so
//     does this package;
//   - a marker such as dir/ with a body: 400. Without a body it makes the directory, and
//     is listed while this server lives;
//   - versions: 501 on enabling them.
//
// Regular files are objects. Symbolic links, devices and names that are not UTF-8 are
// not listed and read as missing. An empty directory that nobody made as a marker is
// nothing, as S3 knows no directories; deleting the last object of a directory removes
// it. On a file system that folds case, keys that differ only in case are one object.
// Content type, metadata, tags and checksums of a PUT are kept in memory beside the
// file's size and time: a file that is changed by hand loses them, and its ETag is
// computed anew.
//
// # What is not there
//
// Access control lists, policies, lifecycle rules and the other configuration of buckets
// answer 501 NotImplemented. Customer keys (SSE-C) are refused: 400 over plain http as S3
// does, 501 over TLS, rather than stored unencrypted. SSE-S3 and SSE-KMS are recorded and
// reported, not performed. A bucket is addressed in the path, never in the host name; do
// not put the handler behind an http.ServeMux, which rewrites keys such as a//b.
package s3server
