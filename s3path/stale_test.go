package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/cloudpath"
)

// begin leaves an upload with one part open, as a killed process does.
func (at *place) begin(t *testing.T, key string) {
	t.Helper()
	created, err := at.SDK.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = at.SDK.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(at.bucket.Bucket()), Key: aws.String(key), UploadId: created.UploadId,
		PartNumber: aws.Int32(1), Body: bytes.NewReader([]byte("part")),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// open are the keys of the bucket's open uploads among those given. They are
// asked for one by one, because MinIO lists uploads by exact key only.
func (at *place) open(t *testing.T, keys ...string) []string {
	t.Helper()
	var out []string
	for _, key := range keys {
		list, err := at.SDK.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{
			Bucket: aws.String(at.bucket.Bucket()), Prefix: aws.String(key),
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range list.Uploads {
			if *u.Key == key {
				out = append(out, key)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestAbortStale(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		all := []string{"logs", "logs.txt", "logs2/a", "other"}
		for _, key := range all {
			at.begin(t, key)
		}

		n, err := at.client.AbortStale(ctx, at.object("logs"), time.Hour)
		if n != 0 || err != nil {
			t.Errorf("younger than an hour: %d aborted, %v", n, err)
		}
		same(t, "an upload that goes on is left alone", at.open(t, all...), all)

		n, err = at.client.AbortStale(ctx, at.object("logs"), 0)
		if n != 1 || err != nil {
			t.Errorf("of one key: %d aborted, %v", n, err)
		}
		same(t, "its namesakes are left alone", at.open(t, all...), []string{"logs.txt", "logs2/a", "other"})
	})
}

// Uploads below a directory are found where the server lists them by prefix:
// MinIO lists an object's own only, and what it does not name stays.
func TestAbortStaleBelow(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		all := []string{"logs/a", "logs/b/c", "logs2/a"}
		for _, key := range all {
			at.begin(t, key)
		}
		list, err := at.SDK.ListMultipartUploads(ctx, &s3.ListMultipartUploadsInput{
			Bucket: aws.String(at.bucket.Bucket()), Prefix: aws.String("logs/"),
		})
		if err != nil {
			t.Fatal(err)
		}
		want := all
		if len(list.Uploads) > 0 {
			want = []string{"logs2/a"}
		} else if at.Name != "MinIO" {
			t.Errorf("%s lists no upload below a prefix", at.Name)
		}
		n, err := at.client.AbortStale(ctx, at.object("logs"), 0)
		if n != len(list.Uploads) || err != nil {
			t.Errorf("%d aborted, %v; the server names %d", n, err, len(list.Uploads))
		}
		same(t, "left", at.open(t, all...), want)
	})
}

func TestAbortStaleRefusals(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		if _, err := at.client.AbortStale(ctx, at.bucket, -1); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("negative age: %v", err)
		}
		if _, err := at.newClient(t).AbortStale(ctx, at.bucket, 0); !errors.Is(err, cloudpath.ErrInvalidPath) {
			t.Errorf("a path of another client: %v", err)
		}
		missing := at.client.Object("no-such-bucket-here", "")
		if _, err := at.client.AbortStale(ctx, missing, 0); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("missing bucket: %v", err)
		}
	})
}

// A list of uploads that goes round in a circle ends.
func TestAbortStaleInACircle(t *testing.T) {
	pages := 0
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		pages++
		return fakeXML(r, http.StatusOK, fmt.Sprintf(`<ListMultipartUploadsResult><Bucket>bucket</Bucket><IsTruncated>true</IsTruncated>
			<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>%d</NextUploadIdMarker></ListMultipartUploadsResult>`, pages%2)), nil
	})
	if _, err := c.AbortStale(t.Context(), c.Object("bucket", ""), 0); !errors.Is(err, cloudpath.ErrProtocol) || pages != 3 {
		t.Errorf("%d pages, %v", pages, err)
	}
}
