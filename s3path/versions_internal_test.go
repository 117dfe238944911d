package s3path

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// TestVersionsOrder merges what an answer lists as two kinds. Entries are
// written as key, id, and seconds; "-" is a delete marker, "!" the latest.
func TestVersionsOrder(t *testing.T) {
	rows := []struct{ name, document, want string }{
		{"as S3 lists them", "a3@30! a-2@20 a1@10 b1@5!", "a3 a-2 a1 b1"},
		{"a multipart upload is as old as its beginning", "a3@10! a-2@20 a1@5", "a3 a-2 a1"},
		{"one second", "a4@10! a-3@10 a2@10 a-1@10", "a4 a-3 a2 a-1"},
		{"one second, a marker first", "a-2@10! a1@10", "a-2 a1"},
		{"one second, a marker last", "a2@10! a-1@10", "a2 a-1"},
		{"markers, then versions", "a-2@20 b-1@5 a3@30! a1@10 b2@15!", "a3 a-2 a1 b2 b-1"},
		{"versions, then markers", "a3@30! a1@10 b2@15! a-2@20 b-1@5", "a3 a-2 a1 b2 b-1"},
		{"versions, then markers of other keys", "a1@1! c1@1! b-1@1!", "a1 b-1 c1"},
		{"the latest, whatever its time", "a1@10 a-2@5!", "a-2 a1"},
		{"markers alone", "a-2@2! b-1@1!", "a-2 b-1"},
		{"nothing", "", ""},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			out := &s3.ListObjectVersionsOutput{}
			var order elementOrder
			fmt.Fprint(&order.body, `<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>`)
			for _, text := range strings.Fields(row.document) {
				text, latest := strings.CutSuffix(text, "!")
				name, seconds, _ := strings.Cut(text, "@")
				at, err := time.ParseDuration(seconds + "s")
				if err != nil {
					t.Fatal(err)
				}
				key, id := aws.String(name[:1]), aws.String(name[1:])
				when := aws.Time(time.Unix(0, 0).Add(at))
				element := "Version"
				if strings.HasPrefix(*id, "-") {
					element = "DeleteMarker"
					out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{Key: key, VersionId: id, LastModified: when, IsLatest: &latest})
				} else {
					out.Versions = append(out.Versions, types.ObjectVersion{Key: key, VersionId: id, LastModified: when, IsLatest: &latest})
				}
				fmt.Fprintf(&order.body, `<%s><Key>%s</Key><Owner><Version/></Owner></%[1]s>`, element, *key)
			}
			fmt.Fprint(&order.body, `</ListVersionsResult>`)
			got, err := listedVersions(out, order.read())
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, e := range got {
				names = append(names, e.object.Key+e.version)
				if e.deletion != strings.HasPrefix(e.version, "-") {
					t.Errorf("%s: delete marker %v", e.version, e.deletion)
				}
			}
			if list := strings.Join(names, " "); list != row.want {
				t.Errorf("%q, want %q", list, row.want)
			}
		})
	}
}

// TestVersionsOrderUnknown: without the order of the answer, time decides.
func TestVersionsOrderUnknown(t *testing.T) {
	out := &s3.ListObjectVersionsOutput{
		Versions: []types.ObjectVersion{
			{Key: aws.String("a"), VersionId: aws.String("3"), LastModified: aws.Time(time.Unix(30, 0)), IsLatest: aws.Bool(true)},
			{Key: aws.String("a"), VersionId: aws.String("1"), LastModified: aws.Time(time.Unix(10, 0))},
		},
		DeleteMarkers: []types.DeleteMarkerEntry{{Key: aws.String("a"), VersionId: aws.String("2"), LastModified: aws.Time(time.Unix(20, 0))}},
	}
	for _, order := range [][]bool{nil, {true}, {false, true}} {
		got, err := listedVersions(out, order)
		if err != nil || len(got) != 3 || got[0].version+got[1].version+got[2].version != "321" {
			t.Errorf("%v: %v, %v", order, got, err)
		}
	}
}

// TestElementOrderStops at what is no XML, without an error of its own: the SDK
// has read the same bytes.
func TestElementOrderStops(t *testing.T) {
	var order elementOrder
	fmt.Fprint(&order.body, `<R><Version></Version><DeleteMarker/><br`)
	if got := order.read(); len(got) != 2 || got[0] || !got[1] {
		t.Errorf("%v", got)
	}
}
