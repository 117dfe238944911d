// Package aferoadapter is an [afero.Fs] on S3: code written for afero.OsFs runs on
// a bucket by changing the line that makes the Fs.
//
//	fs := aferoadapter.New(s3path.MustParse("s3://my-bucket/data"))
//	err := afero.WriteFile(fs, "reports/2026.csv", csv, 0o644)
//
// [Open] takes a bucket or a local directory, whichever it is given.
//
// # What is as on a disk
//
// Errors are *os.PathError, and *os.LinkError of Rename, whose Err is one of
// os.ErrNotExist, os.ErrExist, os.ErrPermission, os.ErrClosed or a
// syscall.Errno such as ENOTDIR, EISDIR, ENOTEMPTY, EINVAL, EBADF; ESTALE says
// that somebody else wrote the file since it was opened. What has no such name
// keeps the words of package s3path. "/x" and "x" are one file, "/", "." and "./"
// the root, which always exists; ".." does not lead out of it, and on Windows "\"
// separates as "/" does. "" names nothing. A directory stays when its last child is
// removed.
//
// An Fs and its files may be used from many goroutines. Of those that make or
// remove one name through one Fs at the same time, one succeeds.
//
// # What is not
//
// A file is written when it is closed, or by Sync: until then others, other
// handles included, see what was there before, and a program that crashes leaves
// it there. Whatever went wrong is in Close's error; look at it. A handle that
// keeps old bytes commits only if the object is still the one it was opened on,
// else Close fails with ESTALE and changes nothing; one that began empty
// (Create, os.O_TRUNC) replaces what is there. Content type, encoding, cache control
// and metadata stay with the bytes.
//
// S3 has no modes, owners and times of one's own: Chmod, Chown and Chtimes give
// an error where there is nothing, else nil, and store nothing. Files are 0644
// and directories 0755. A file's time is when it was written, in whole seconds;
// a directory's is time.Unix(0, 0).
//
// Parents need not exist: writing a/b/c makes a and a/b. WithStrictParents wants
// them to be there, as a disk does, and then also tells ENOTDIR from a name that
// is missing; that costs requests. The root itself can neither be removed nor
// renamed: EINVAL.
//
// Where there is an object beside a directory of its name, Readdir shows the
// directory. Keys that are no file names (with an empty component, "." or "..",
// on Windows with a "\") are not shown.
//
// # Handles
//
//   - os.O_RDONLY: Open is a HEAD, the first Read one GET; after a Seek it is one GET
//     from there on, and each ReadAt is one of its range. Nothing is stored here.
//   - os.O_WRONLY streams: up to 8 MiB wait in memory, the rest is on its way as
//     parts of an upload, whatever the length, and nothing is on a local disk.
//     What waits may be rewritten and truncated; what was sent may not, which is
//     errors.ErrUnsupported with the advice to use os.O_RDWR.
//   - os.O_WRONLY|os.O_APPEND also streams. What was there is not sent again: from
//     5 MiB on the server copies it into the upload, below that it is read once.
//     Nothing written, nothing asked.
//   - os.O_RDWR, and so Create, is for random access: the file is in memory up to
//     8 MiB, and beyond in a temporary file, until it is committed.
//   - os.O_EXCL is looked at when the file is opened, and enforced by the server when
//     it is committed. os.O_SYNC commits with each write.
//
// A directory's entries are read at once with the first Readdir, sorted.
// LstatIfPossible of what a Readdir has just listed, and Open of a directory, up to
// a second ago and nothing written since through this Fs, ask nobody, once for each
// entry: that makes afero.Walk one request for each directory. Stat always asks.
package aferoadapter
