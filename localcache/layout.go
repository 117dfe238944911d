package localcache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// Key says what a cached file is a copy of. Origin is the endpoint, never a
// credential. Version is "" for whatever is current.
type Key struct{ Origin, Bucket, Key, Version string }

func (k Key) String() string {
	s := k.Origin + " " + k.Bucket + "/" + k.Key
	if k.Version != "" {
		s += " version " + k.Version
	}
	return s
}

func (k Key) check() error {
	if k.Bucket == "" || k.Key == "" {
		return fmt.Errorf("%w: a copy is of an object, which has a bucket and a key", cloudpath.ErrInvalidPath)
	}
	if !utf8.ValidString(k.Origin) || !utf8.ValidString(k.Bucket) || !utf8.ValidString(k.Version) {
		return fmt.Errorf("%w: only a key may be other than UTF-8", cloudpath.ErrInvalidPath)
	}
	return nil
}

// The directory's names. All of it is below format, so that another format
// finds room beside it and neither touches the other.
const (
	format     = "v1"
	ledgerName = format + "/ledger"
	tagName    = format + "/CACHEDIR.TAG"

	recordSuffix = ".json"
	newSuffix    = ".new" // of a record that is being written
)

// Limits of a mirrored path; beyond them a key gets its place by its hash.
const (
	maxSegment = 240 // bytes, below the 255 that file systems take
	maxPath    = 1000
	maxDepth   = 64
)

// ident is a key with what its places in the directory follow from.
type ident struct {
	key   Key
	scope string // format/<hash of the origin>
	sum   string // hex
}

func identOf(k Key) ident {
	origin := sha256.Sum256([]byte(k.Origin))
	// Lengths in front, because a key may hold any byte that could part them.
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %d %s%s%s", len(k.Bucket), len(k.Key), len(k.Version), k.Bucket, k.Key, k.Version))
	return ident{key: k, scope: format + "/" + hex.EncodeToString(origin[:8]), sum: hex.EncodeToString(sum[:])}
}

// flight names the object among those being asked for.
func (id ident) flight() string { return id.scope + id.sum }

func (id ident) metaName() string {
	return id.scope + "/meta/" + id.sum[:2] + "/" + id.sum + recordSuffix
}

func (id ident) lockName() string { return id.scope + "/lock/" + id.sum[:2] }

// dataName is a copy's file.
func dataName(scope, place string) string { return scope + "/data/" + place }

// places are where a copy may be, below data, best first: mirrored, and then by
// hash. There is always one more, for when those before are taken.
func (id ident) places(yield func(place string) bool) {
	bucket := encode(id.key.Bucket)
	if !fits(bucket) {
		sum := sha256.Sum256([]byte(id.key.Bucket))
		bucket = "~" + hex.EncodeToString(sum[:16])
	}
	if place, ok := mirrored(bucket, id.key); ok && !yield(place) {
		return
	}
	name := safeName(path.Base("/" + strings.TrimRight(id.key.Key, "/")))
	for n := range 100 {
		dir := id.sum[:32]
		if n > 0 {
			dir += "." + strconv.Itoa(n)
		}
		if !yield(bucket + "/~h/" + id.sum[:2] + "/" + dir + "/" + name) {
			return
		}
	}
}

// mirrored is the key as a path that any system can have.
func mirrored(bucket string, k Key) (string, bool) {
	if k.Version != "" || !utf8.ValidString(k.Key) {
		return "", false
	}
	segments := strings.Split(k.Key, "/")
	if len(segments) > maxDepth {
		return "", false
	}
	for i, segment := range segments {
		if segments[i] = encode(segment); !fits(segments[i]) {
			return "", false
		}
	}
	place := bucket + "/" + strings.Join(segments, "/")
	if len(place) > maxPath {
		return "", false
	}
	// encode has seen to it; what a system reserves beyond that is its own affair.
	if local, err := filepath.Localize(place); err != nil || !filepath.IsLocal(local) {
		return "", false
	}
	return place, true
}

// fits reports whether an encoded segment can be a file name.
func fits(segment string) bool {
	return segment != "" && segment != "." && segment != ".." && len(segment) <= maxSegment
}

const upperhex = "0123456789ABCDEF"

// encode makes a segment of a key a file name on every system: the same one
// everywhere, so that a directory can be carried about. It is injective; "", "."
// and ".." stay what they are, and do not fit.
func encode(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		last := i == len(segment)-1
		switch {
		case c < 0x20 || c == 0x7f,
			strings.IndexByte(`%/\:*?"<>|`, c) >= 0,
			c == '~' && i == 0, // what is not mirrored begins with one
			last && (c == ' ' || c == '.' && segment != "." && segment != ".."), // Windows drops them
			i == 0 && reserved(segment):
			b.WriteByte('%')
			b.WriteByte(upperhex[c>>4])
			b.WriteByte(upperhex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// reserved reports whether Windows takes the name for a device, whatever its
// suffix. See "Naming Files, Paths, and Namespaces" in its documentation.
func reserved(segment string) bool {
	base, _, _ := strings.Cut(segment, ".")
	base = strings.ToUpper(strings.TrimRight(base, " "))
	switch base {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	digit, com := strings.CutPrefix(base, "COM")
	if !com {
		digit, com = strings.CutPrefix(base, "LPT")
	}
	switch digit {
	case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
		return com
	}
	return false
}

// safeName is an object's own name as a file name: encoded, never empty, and
// where it is too long its suffix is kept. It need not be injective, because
// the directory it is in is.
func safeName(name string) string {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\uFFFD")
	}
	switch name {
	case "", "/":
		return "object"
	case ".", "..":
		return strings.ReplaceAll(name, ".", "%2E")
	}
	encoded := encode(name)
	if fits(encoded) {
		return encoded
	}
	suffix := encode(path.Ext(name))
	if len(suffix) > 32 || suffix == "." {
		suffix = ""
	}
	stem := encoded[:maxSegment-len(suffix)]
	for i := range 2 { // not in the middle of an escape
		if j := len(stem) - 1 - i; stem[j] == '%' {
			stem = stem[:j]
			break
		}
	}
	for !utf8.ValidString(stem) {
		stem = stem[:len(stem)-1]
	}
	if stem = strings.TrimRight(stem, ". "); stem == "" {
		stem = "object"
	}
	return stem + suffix
}
