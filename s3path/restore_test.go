package s3path_test

import (
	"errors"
	"io/fs"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// Archives are a thing of AWS: only the in-process server has them.
func TestRestore(t *testing.T) {
	ctx := t.Context()
	bucket := s3pathtest.Bucket(t, "archive")
	frozen := bucket.Join("frozen")
	if err := frozen.WriteText(ctx, "cold", s3path.WithStorageClass("GLACIER")); err != nil {
		t.Fatal(err)
	}
	info, err := frozen.Stat(ctx)
	if err != nil || !info.Restore().Archived {
		t.Fatalf("%+v, %v; want it archived", info.Restore(), err)
	}
	_, err = frozen.ReadBytes(ctx)
	if !errors.Is(err, s3path.ErrArchived) {
		t.Errorf("reading it: %v, want ErrArchived", err)
	}
	if err := frozen.Restore(ctx, 3, s3path.RestoreBulk); err != nil {
		t.Fatal(err)
	}
	if info, err = frozen.Stat(ctx); err != nil || info.Restore().Archived || info.Restore().InProgress || !info.Restore().Expiry.After(time.Now()) {
		t.Errorf("restored: %+v, %v", info.Restore(), err)
	}
	if text, err := frozen.ReadText(ctx); text != "cold" || err != nil {
		t.Errorf("reading it: %q, %v", text, err)
	}

	warm := bucket.Join("warm")
	if err := warm.WriteText(ctx, "x"); err != nil {
		t.Fatal(err)
	}
	if err := warm.Restore(ctx, 1, s3path.RestoreStandard); !errors.Is(err, errors.ErrUnsupported) || errors.Is(err, s3path.ErrArchived) {
		t.Errorf("of an object that is not archived: %v", err)
	}
	if err := bucket.Join("missing").Restore(ctx, 1, s3path.RestoreStandard); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a missing object: %v", err)
	}
	for _, days := range []int{0, -1, math.MaxInt} {
		if err := frozen.Restore(ctx, days, s3path.RestoreStandard); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("for %d days: %v", days, err)
		}
	}
}

// No server at hand is ever in the middle of a restore: the answers are AWS's.
func TestRestoreInProgress(t *testing.T) {
	c := openClient(t, s3path.WithEndpoint("http://scripted.test"), s3path.WithStaticCredentials("key", "secret", ""),
		s3path.WithHTTPClient(&http.Client{Transport: restoring{}}))
	p := c.Object("bucket", "frozen")
	if err := p.Restore(t.Context(), 1, s3path.RestoreExpedited); err != nil {
		t.Errorf("asking again: %v, want nil", err)
	}
	info, err := p.Stat(t.Context())
	if want := (s3path.RestoreStatus{Archived: true, InProgress: true}); err != nil || info.Restore() != want {
		t.Errorf("%+v, %v; want %+v", info.Restore(), err, want)
	}
}

// What Intelligent-Tiering has archived is of a class that is else readable.
func TestArchivedByIntelligentTiering(t *testing.T) {
	for status, want := range map[string]s3path.RestoreStatus{"": {}, "ARCHIVE_ACCESS": {Archived: true}, "DEEP_ARCHIVE_ACCESS": {Archived: true}} {
		c := openClient(t, s3path.WithEndpoint("http://scripted.test"), s3path.WithStaticCredentials("key", "secret", ""),
			s3path.WithHTTPClient(&http.Client{Transport: tiering(status)}))
		info, err := c.Object("bucket", "asleep").Stat(t.Context())
		if err != nil || info.Restore() != want || info.StorageClass() != "INTELLIGENT_TIERING" {
			t.Errorf("%q: %+v of %s, %v; want %+v", status, info.Restore(), info.StorageClass(), err, want)
		}
	}
}

type tiering string

func (status tiering) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := scripted(func(string, string) int { return http.StatusOK }).RoundTrip(r)
	resp.Header.Set("X-Amz-Storage-Class", "INTELLIGENT_TIERING")
	if status != "" {
		resp.Header.Set("X-Amz-Archive-Status", string(status))
	}
	return resp, err
}

type restoring struct{}

func (restoring) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := scripted(func(string, string) int {
		if r.Method == http.MethodPost {
			return http.StatusConflict
		}
		return http.StatusOK
	}).RoundTrip(r)
	if r.Method == http.MethodPost {
		resp.Body = http.NoBody
		const body = `<Error><Code>RestoreAlreadyInProgress</Code><Message>Object restore is already in progress</Message></Error>`
		resp.Body, resp.ContentLength = readCloser{strings.NewReader(body)}, int64(len(body))
	}
	resp.Header.Set("X-Amz-Storage-Class", "DEEP_ARCHIVE")
	resp.Header.Set("X-Amz-Restore", `ongoing-request="true"`)
	return resp, err
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }
