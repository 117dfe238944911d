package s3path_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestSnapshotAndDiff(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		at.put(t, "data/same=1", "data/rewritten=2", "data/changed=aa", "data/sub/gone=4", "other=5")
		root := at.object("data")
		old, err := root.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if old.Len() != 4 {
			t.Errorf("%d objects, want 4", old.Len())
		}

		// changed: another body of the same size, likely within the same second.
		at.put(t, "data/rewritten=2", "data/changed=bb", "data/new=6", "other=7")
		if _, err := at.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String("data/sub/gone")}); err != nil {
			t.Fatal(err)
		}

		text, err := json.Marshal(old)
		if err != nil {
			t.Fatal(err)
		}
		var kept s3path.Snapshot
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Fatal(err)
		}
		var newer s3path.Snapshot
		if n := at.count(func() { newer, err = root.Snapshot(ctx) }); n != 1 || err != nil {
			t.Fatalf("%d requests, %v; want the listing alone", n, err)
		}
		want := s3path.Diff{Added: []string{"new"}, Changed: []string{"changed"}, Removed: []string{"sub/gone"}}
		for name, s := range map[string]s3path.Snapshot{"as taken": old, "through JSON": kept} {
			if got := s.Diff(newer); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
		if got := newer.Diff(newer); !reflect.DeepEqual(got, s3path.Diff{}) {
			t.Errorf("against itself: %+v", got)
		}
		same(t, "everything is new to the zero snapshot", s3path.Snapshot{}.Diff(newer).Added, []string{"changed", "new", "rewritten", "same"})

		// Options are those of Walk.
		some, err := root.Snapshot(ctx, s3path.WithInclude("s*"))
		if err != nil || some.Len() != 1 {
			t.Errorf("with a filter: %d objects, %v", some.Len(), err)
		}
		if _, err := at.object("nothing").Snapshot(ctx); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("of a missing directory: %v", err)
		}
	})
}

func TestSnapshotJSON(t *testing.T) {
	var s s3path.Snapshot
	text, err := json.Marshal(s)
	if err != nil || string(text) != "{}" {
		t.Errorf("the zero snapshot is %s, %v", text, err)
	}
	if err := json.Unmarshal([]byte(`{"a":{"size":1,"time":"2026-01-02T03:04:05Z","etag":"x"}}`), &s); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(`{"b":`), &s); err == nil || s.Len() != 1 {
		t.Errorf("bad JSON gave %v and left %d objects, want the one that was there", err, s.Len())
	}
	// Without ETags, size and time decide.
	parse := func(text string) (s s3path.Snapshot) {
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := parse(`{"a":{"size":1,"time":"2026-01-02T03:04:05Z"},"b":{"size":1,"time":"2026-01-02T03:04:05Z"},"c":{"size":1,"time":"2026-01-02T03:04:05Z","etag":"x"}}`)
	after := parse(`{"a":{"size":1,"time":"2026-01-02T03:04:05Z"},"b":{"size":1,"time":"2026-01-02T03:04:06Z"},"c":{"size":2,"time":"2026-01-02T03:04:05Z"}}`)
	same(t, "changed without an ETag", before.Diff(after).Changed, []string{"b", "c"})
}
