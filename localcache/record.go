package localcache

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"
	"unicode/utf8"
)

// Meta is what is known of a copy.
type Meta struct {
	ETag        string
	Size        int64 // bytes; negative where it is not known before they are read
	ModTime     time.Time
	ContentType string

	// Extra is whatever else the fetching side wants to know again. The cache
	// keeps it and does not look at it.
	Extra string
}

// record is what the directory says of one object: whose it is, and which files
// are copies of it. It is the file that makes a copy valid: written whole, before
// the copy gets its name, so that there is never a copy without a record.
type record struct {
	Origin  string `json:"origin"`
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Raw     []byte `json:"raw,omitempty"` // the key where it is no UTF-8
	Version string `json:"version,omitempty"`

	// Copies are the newest first. There is more than one while an older one is
	// open, or after a crash.
	Copies []held `json:"copies"`

	used time.Time // the file's; it outlives being written anew
}

// held is a file that is a copy.
type held struct {
	Place       string    `json:"place"` // below data
	ETag        string    `json:"etag"`
	Size        int64     `json:"size"`
	ModTime     time.Time `json:"modTime"`
	ContentType string    `json:"contentType,omitempty"`
	Extra       string    `json:"extra,omitempty"`
	Asked       time.Time `json:"asked"` // when the server was asked last, and said it was current

	FileTime int64  `json:"fileTime"` // of the file, in nanoseconds
	Inode    uint64 `json:"inode,omitempty"`
	CRC32C   uint32 `json:"crc32c"`
	SHA256   string `json:"sha256,omitempty"`

	// Dead is no longer to be used, and is there only because somebody has it open.
	Dead bool `json:"dead,omitempty"`
}

// maxRecord bounds what is read and written as a record.
const maxRecord = 64 << 10

var errBadRecord = errors.New("not a record of a copy")

func newRecord(k Key) *record {
	r := &record{Origin: k.Origin, Bucket: k.Bucket, Key: k.Key, Version: k.Version}
	if !utf8.ValidString(k.Key) {
		r.Key, r.Raw = "", []byte(k.Key)
	}
	return r
}

func (r *record) of() Key {
	k := Key{Origin: r.Origin, Bucket: r.Bucket, Key: r.Key, Version: r.Version}
	if len(r.Raw) > 0 {
		k.Key = string(r.Raw)
	}
	return k
}

// decodeRecord reads a record, of which anything may be wrong.
func decodeRecord(data []byte) (*record, error) {
	r := &record{}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRecord, err)
	}
	if r.of().check() != nil || len(r.Copies) == 0 {
		return nil, errBadRecord
	}
	for _, c := range r.Copies {
		if c.Size < 0 || c.ETag == "" || !validPlace(c.Place) {
			return nil, errBadRecord
		}
	}
	return r, nil
}

// validPlace reports whether a record may name this place: one that leads out of
// the directory is nobody's.
func validPlace(place string) bool {
	_, err := filepath.Localize(place)
	return err == nil && place != "."
}

// readRecord reads the record at name.
func (r *room) readRecord(name string) (*record, error) {
	f, st, err := r.open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxRecord {
		return nil, errBadRecord
	}
	rec, err := decodeRecord(data)
	if err != nil {
		return nil, err
	}
	rec.used = st.ModTime()
	return rec, nil
}

// record reads what there is about an object; a record of another is none.
func (r *room) record(id ident) (*record, error) {
	rec, err := r.readRecord(id.metaName())
	if err == nil && rec.of() != id.key {
		return nil, errBadRecord
	}
	return rec, err
}

// absent reports whether a file could not be read because there is none, or none
// of ours; anything else may be otherwise the next time.
func absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) ||
		errors.Is(err, errBadRecord) || errors.Is(err, errNotRegular) || errors.Is(err, errExchanged)
}

// writeRecord puts a record in the place of the one before, whole or not at all.
func (r *room) writeRecord(id ident, rec *record) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	if len(data) > maxRecord {
		return fmt.Errorf("a record of %d bytes is too large", len(data))
	}
	name := id.metaName()
	temporary := name + newSuffix // of the one who has locked the ledger
	if err := ignoreMissing(r.root.Remove(temporary)); err != nil {
		return err
	}
	if err := r.writeNew(temporary, data); err != nil {
		return err
	}
	// Not the kernel's time, which is up to some milliseconds behind ours.
	err = r.root.Chtimes(temporary, rec.used, rec.used)
	if err == nil {
		err = r.root.Rename(temporary, name)
	}
	if err != nil {
		return errors.Join(err, r.root.Remove(temporary))
	}
	return nil
}

// is reports whether the file is the one that was made a copy: a regular one of
// a single name that nobody has changed since.
func (h held) is(st fs.FileInfo) bool {
	return h.like(st) && st.ModTime().UnixNano() == h.FileTime && inode(st) == h.Inode
}

// like reports whether the file may be that one's copy: the directory was copied,
// unpacked or checked out, and its bytes have to tell.
func (h held) like(st fs.FileInfo) bool {
	return st.Mode().IsRegular() && st.Size() == h.Size && names(st) == 1
}

// holds reports whether the file at name, which is like it, has the copy's bytes.
func (r *room) holds(name string, h held) bool {
	f, _, err := r.open(name)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // only read
	sum, err := crc(f, make([]byte, bufferSize))
	return err == nil && sum == h.CRC32C
}

// isCopy is is, also where the directory was carried about.
func (r *room) isCopy(name string, h held, st fs.FileInfo) bool {
	return h.is(st) || h.like(st) && r.holds(name, h)
}

// crc is the checksum by which a copy is known again. It is no protection: who
// can write to the directory can write the record as well.
func crc(r io.Reader, buf []byte) (uint32, error) {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, err := io.CopyBuffer(sum, struct{ io.Reader }{r}, buf)
	return sum.Sum32(), err
}

func (h held) meta() Meta {
	return Meta{ETag: h.ETag, Size: h.Size, ModTime: h.ModTime, ContentType: h.ContentType, Extra: h.Extra}
}
