package s3path

import (
	"io/fs"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Info is an fs.FileInfo with what S3 knows besides. From a listing the content
// type, encoding, cache control and metadata are unknown and Complete is
// false. Asking an Info costs no request.
type Info struct {
	name            string
	size            int64
	modTime         time.Time
	dir             bool
	etag            string
	contentType     string
	contentEncoding string
	cacheControl    string
	metadata        map[string]string
	storageClass    string
	versionID       string
	restore         RestoreStatus
	complete        bool
	sys             any
}

// Name is the object's name, the last component of its key.
func (i Info) Name() string { return i.name }

// Size is the object's size in bytes, 0 of a directory.
func (i Info) Size() int64 { return i.size }

// Mode is 0o644 for an object and ModeDir with 0o755 for a directory: S3 has no modes.
func (i Info) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// ModTime is when the object was written, in whole seconds, as HEAD says it on
// every server; the zero time of a directory.
func (i Info) ModTime() time.Time { return i.modTime }

// IsDir reports whether this is a directory.
func (i Info) IsDir() bool { return i.dir }

// Sys is the SDK's answer where one was asked for this object alone
// (*s3.HeadObjectOutput), else nil.
func (i Info) Sys() any { return i.sys }

// ETag is the object's entity tag, without quotes.
func (i Info) ETag() string { return i.etag }

// ContentType is the object's media type.
func (i Info) ContentType() string { return i.contentType }

// ContentEncoding says how the object's bytes are encoded.
func (i Info) ContentEncoding() string { return i.contentEncoding }

// CacheControl is the object's Cache-Control header.
func (i Info) CacheControl() string { return i.cacheControl }

// Metadata is the caller's own metadata, names in lower case; a copy.
func (i Info) Metadata() map[string]string { return maps.Clone(i.metadata) }

// StorageClass is the object's storage class, "STANDARD" where S3 leaves it out.
func (i Info) StorageClass() string {
	if i.storageClass == "" && !i.dir {
		return "STANDARD"
	}
	return i.storageClass
}

// VersionID is the object's version, "" in a bucket without versions and in all
// listings but Versions.
func (i Info) VersionID() string { return i.versionID }

// Restore says whether the object is archived and how far a restore has come.
func (i Info) Restore() RestoreStatus { return i.restore }

// Complete reports whether content type, encoding, cache control and metadata
// are known: they are not in listings.
func (i Info) Complete() bool { return i.complete }

// RestoreStatus is the state of an archived object.
type RestoreStatus struct {
	Archived, InProgress bool      // in the archive and not readable; on its way out of it
	Expiry               time.Time // until when a restored copy can be read
}

func restoreStatus(class, header string) RestoreStatus {
	archive := class == "GLACIER" || class == "DEEP_ARCHIVE"
	if header == "" {
		return RestoreStatus{Archived: archive}
	}
	st := RestoreStatus{InProgress: strings.Contains(header, `ongoing-request="true"`)}
	if _, date, ok := strings.Cut(header, `expiry-date="`); ok {
		date, _, _ = strings.Cut(date, `"`)
		if t, err := time.Parse(time.RFC1123, date); err == nil {
			st.Expiry = t.UTC()
		}
	}
	st.Archived = archive && st.Expiry.IsZero()
	return st
}

// trimETag takes the quotes, and the mark of a weak tag, off an ETag. Some
// servers leave the quotes out of listings.
func trimETag(etag string) string {
	return strings.Trim(strings.TrimPrefix(strings.TrimSpace(etag), "W/"), `"`)
}

// quoteETag is an ETag as a header carries it.
func quoteETag(etag string) *string {
	if etag == "" {
		return nil
	}
	return aws.String(`"` + etag + `"`)
}

// wholeSeconds makes a time of a listing the same as that of a HEAD: some
// servers list milliseconds, no header has them.
func wholeSeconds(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}

func infoOfDir(p S3Path) Info { return Info{name: p.Name(), dir: true, complete: true} }

func infoOfHead(p S3Path, out *s3.HeadObjectOutput) Info {
	restore := restoreStatus(string(out.StorageClass), aws.ToString(out.Restore))
	restore.Archived = restore.Archived || out.ArchiveStatus != "" // Intelligent-Tiering's archives are no storage class
	return Info{
		name:            p.Name(),
		size:            aws.ToInt64(out.ContentLength),
		modTime:         wholeSeconds(out.LastModified),
		etag:            trimETag(aws.ToString(out.ETag)),
		contentType:     aws.ToString(out.ContentType),
		contentEncoding: storedEncoding(out.ContentEncoding),
		cacheControl:    aws.ToString(out.CacheControl),
		metadata:        lowerKeys(out.Metadata),
		storageClass:    string(out.StorageClass),
		versionID:       versionID(out.VersionId),
		restore:         restore,
		complete:        true,
		sys:             out,
	}
}

func infoOfGet(p S3Path, out *s3.GetObjectOutput) Info {
	return Info{
		name:            p.Name(),
		size:            aws.ToInt64(out.ContentLength),
		modTime:         wholeSeconds(out.LastModified),
		etag:            trimETag(aws.ToString(out.ETag)),
		contentType:     aws.ToString(out.ContentType),
		contentEncoding: storedEncoding(out.ContentEncoding),
		cacheControl:    aws.ToString(out.CacheControl),
		metadata:        lowerKeys(out.Metadata),
		storageClass:    string(out.StorageClass),
		versionID:       versionID(out.VersionId),
		restore:         restoreStatus(string(out.StorageClass), aws.ToString(out.Restore)),
		complete:        true,
	}
}

func infoOfObject(p S3Path, o tree.Object) Info {
	if known, ok := o.Any.(*Info); ok {
		return *known
	}
	return Info{
		name: p.Name(), size: o.Size, modTime: o.ModTime, etag: o.ETag,
		storageClass: o.StorageClass, restore: restoreStatus(o.StorageClass, ""),
	}
}

// storedEncoding is the encoding that was stored: "aws-chunked" names how a
// request was sent, and some servers keep it.
func storedEncoding(header *string) string {
	var kept []string
	for part := range strings.SplitSeq(aws.ToString(header), ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			kept = append(kept, part)
		}
	}
	return strings.Join(kept, ",")
}

// versionID leaves out the version that stands for "written before there were
// versions" on servers without any.
func versionID(id *string) string {
	if v := aws.ToString(id); v != "null" {
		return v
	}
	return ""
}

func lowerKeys(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[strings.ToLower(k)] = v
	}
	return out
}
