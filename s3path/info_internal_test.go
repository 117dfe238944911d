package s3path

import (
	"io/fs"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/cloudpath-go/cloudpath/internal/tree"
)

func TestTrimETag(t *testing.T) {
	for header, want := range map[string]string{
		`"abc"`: "abc", "abc": "abc", `W/"abc"`: "abc", ` "abc" `: "abc", `""`: "", "": "", `"abc-2"`: "abc-2",
	} {
		if got := trimETag(header); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
		if again := quoteETag(trimETag(header)); want == "" && again != nil || want != "" && *again != `"`+want+`"` {
			t.Errorf("%q is sent as %v", header, again)
		}
	}
}

// Times are whole seconds, in a listing and in an answer for one object alike.
func TestTimesAreWholeSeconds(t *testing.T) {
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	finer := at.Add(999 * time.Millisecond).In(time.FixedZone("", 3600))
	p := S3Path{bucket: "b", key: "dir/k"}
	for name, got := range map[string]time.Time{
		"HEAD": infoOfHead(p, &s3.HeadObjectOutput{LastModified: &finer}).ModTime(),
		"GET":  infoOfGet(p, &s3.GetObjectOutput{LastModified: &finer}).ModTime(),
	} {
		if got != at {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := infoOfHead(p, &s3.HeadObjectOutput{}).ModTime(); !got.IsZero() {
		t.Errorf("no time: %v", got)
	}
}

func TestRestoreStatus(t *testing.T) {
	until := time.Date(2012, 12, 21, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		class, header string
		want          RestoreStatus
	}{
		{"", "", RestoreStatus{}},
		{"STANDARD", "", RestoreStatus{}},
		{"GLACIER_IR", "", RestoreStatus{}}, // is read at once
		{"GLACIER", "", RestoreStatus{Archived: true}},
		{"DEEP_ARCHIVE", "", RestoreStatus{Archived: true}},
		{"GLACIER", `ongoing-request="true"`, RestoreStatus{Archived: true, InProgress: true}},
		{"GLACIER", `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`, RestoreStatus{Expiry: until}},
		{"GLACIER", `ongoing-request="false", expiry-date="soon"`, RestoreStatus{Archived: true}},
	} {
		if got := restoreStatus(row.class, row.header); got != row.want {
			t.Errorf("%s %q: %+v, want %+v", row.class, row.header, got, row.want)
		}
	}
}

func TestInfoFields(t *testing.T) {
	p := S3Path{bucket: "b", key: "dir/k.txt"}
	head := &s3.HeadObjectOutput{
		ContentLength: aws.Int64(5), ETag: aws.String(`"e"`), ContentType: aws.String("x/y"), ContentEncoding: aws.String("aws-chunked, gzip"),
		CacheControl: aws.String("no-cache"), Metadata: map[string]string{"Colour": "blue"}, StorageClass: types.StorageClassStandardIa, VersionId: aws.String("3"),
	}
	i := infoOfHead(p, head)
	if i.Name() != "k.txt" || i.Size() != 5 || i.ETag() != "e" || i.ContentType() != "x/y" || i.ContentEncoding() != "gzip" || i.CacheControl() != "no-cache" ||
		i.Metadata()["colour"] != "blue" || len(i.Metadata()) != 1 || i.StorageClass() != "STANDARD_IA" || i.VersionID() != "3" || !i.Complete() || i.IsDir() || i.Mode() != 0o644 {
		t.Errorf("%+v", i)
	}
	if got, ok := i.Sys().(*s3.HeadObjectOutput); !ok || got != head {
		t.Errorf("Sys is %T", i.Sys())
	}
	i.Metadata()["colour"] = "red" // the caller's own copy
	if i.Metadata()["colour"] != "blue" {
		t.Error("Metadata is not a copy")
	}
	if got := infoOfHead(p, &s3.HeadObjectOutput{VersionId: aws.String("null")}); got.VersionID() != "" || got.StorageClass() != "STANDARD" || got.Metadata() != nil {
		t.Errorf("of a bucket without versions: %+v", got)
	}
	if got := infoOfDir(p); !got.IsDir() || got.Mode() != fs.ModeDir|0o755 || got.Size() != 0 || !got.ModTime().IsZero() || got.StorageClass() != "" || got.Name() != "k.txt" {
		t.Errorf("of a directory: %+v", got)
	}
	if got := infoOfObject(p, tree.Object{Size: 7, ETag: "e", StorageClass: "GLACIER"}); got.Complete() || got.Size() != 7 || got.ETag() != "e" || !got.Restore().Archived || got.Sys() != nil {
		t.Errorf("of a listing: %+v", got)
	}
	var _ fs.FileInfo = i
}
