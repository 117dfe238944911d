// Package localcache keeps copies of remote objects as files: whole or not at
// all, as true as the server's ETags, bounded in bytes, and safe to share
// between goroutines and processes.
//
// A [Cache] is a directory. [Cache.Open] gives an object as an open [File]; when
// there is no copy, or it must be asked whether the copy is current, it calls a
// function of the caller's that asks the server. [Freshness] says how often that
// is. The package knows files and nothing of S3; package s3path puts it behind
// its reads.
//
// # What is where
//
// Everything is below the directory's "v1". A copy is at
// v1/<origin>/data/<bucket>/<key> as far as the key can be a file name
// everywhere, else at v1/<origin>/data/<bucket>/~h/…/<name>; its path ends in the
// object's own name either way. Beside the copies stand their records, lock
// files, and what is being downloaded. Files are 0600 and directories 0700
// whatever the umask; content is not encrypted.
//
// # Who is trusted
//
// Keys, contents and answers of servers may be hostile: no key leads out of the
// directory or to another object's bytes. Other users of the machine may be: a
// directory that belongs to somebody else, or that others can write to, is
// cloudpath.ErrInsecureCache. Programs of the same user are not: what they
// change is noticed by size and time, byte for byte only with
// [WithFullChecksum].
//
// What the cache did not write it does not delete, wherever it lies.
//
// # Where there are no locks
//
// Processes keep out of each other's way by the system's locks on files. On
// Windows and on file systems that have none, contents are as true as elsewhere;
// but processes fetch the same object each for itself, the bound holds for each
// of them alone, and a [File] may lose its name to another process while it is
// open, though not its bytes.
package localcache
