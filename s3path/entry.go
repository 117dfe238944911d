package s3path

import (
	"encoding"
	"io/fs"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Entry is an S3Path that came from a listing and knows its metadata without a
// request. It is an fs.DirEntry. As text it is its URI.
type Entry struct {
	S3Path
	rel      string
	cursor   string
	object   tree.Object
	dir      bool
	latest   bool
	deletion bool
}

var (
	_ fs.DirEntry            = Entry{}
	_ encoding.TextMarshaler = Entry{}
)

// Rel is the path relative to the listing's root: root.Child(e.Rel()) is
// e.S3Path, but for the version in Versions. It is "" of the root itself.
func (e Entry) Rel() string { return e.rel }

// Size is the object's size in bytes, 0 of a directory.
func (e Entry) Size() int64 { return e.object.Size }

// ModTime is when the object was written, in whole seconds; the zero time of a directory.
func (e Entry) ModTime() time.Time { return e.object.ModTime }

// ETag is the object's entity tag, without quotes.
func (e Entry) ETag() string { return e.object.ETag }

// StorageClass is the object's storage class, "STANDARD" where S3 leaves it out;
// "" of a directory and of a delete marker.
func (e Entry) StorageClass() string {
	if e.deletion {
		return ""
	}
	return e.info().StorageClass()
}

// Owner is the object's owner where WithOwner asked for it, else "".
func (e Entry) Owner() string { return e.object.Owner }

// IsDir reports whether this is a directory. Unlike S3Path.IsDir it asks nobody.
func (e Entry) IsDir() bool { return e.dir }

// IsFile reports whether this is an object. Unlike S3Path.IsFile it asks nobody.
func (e Entry) IsFile() bool { return !e.dir }

// IsLatest reports whether this is the current version, which it is in all
// listings but Versions.
func (e Entry) IsLatest() bool { return e.latest }

// IsDeleteMarker reports, in Versions, whether this version says that the object was deleted.
func (e Entry) IsDeleteMarker() bool { return e.deletion }

// Type is fs.ModeDir of a directory, else 0.
func (e Entry) Type() fs.FileMode {
	if e.dir {
		return fs.ModeDir
	}
	return 0
}

// Info is what the listing said, as an Info, which of an object is not Complete. It
// asks nobody.
func (e Entry) Info() (fs.FileInfo, error) { return e.info(), nil }

func (e Entry) info() Info {
	if e.dir {
		return infoOfDir(e.S3Path)
	}
	i := infoOfObject(e.S3Path, e.object)
	i.versionID = e.version
	return i
}

// Cursor resumes a listing of the same path and kind behind this entry; see
// WithStartAfter. What is in it is nobody's business.
func (e Entry) Cursor() string { return e.cursor }

// entryOf makes an entry of a listing's item.
func entryOf(root S3Path, item tree.Item) Entry {
	p := root
	p.key, p.version = item.Path(), ""
	rel, _ := tree.Rel(root.key, p.key)
	if item.Dir && item.Key == tree.DirPrefix(root.key) {
		p, rel = root, "" // the root itself, as it was spelled
	}
	return Entry{S3Path: p, rel: rel, cursor: item.Cursor(), object: item.Object, dir: item.Dir, latest: true}
}
