package s3server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// history is the versions of a bucket, "key body-or-marker latest" each, and their ids.
func (c *client) history(query string) (lines, ids []string) {
	c.t.Helper()
	a := c.do("GET", "/bucket?versions"+query, "")
	var p pageOfVersions
	c.parse(a, &p)
	// Versions and markers are in order only together, so the order is taken from the text.
	type entry struct {
		at       int
		line, id string
	}
	var entries []entry
	for _, v := range p.Version {
		body := c.do("GET", at(v.Key)+"?versionId="+v.VersionId, "").body
		entries = append(entries, entry{strings.Index(a.body, v.VersionId), fmt.Sprint(v.Key, " ", body, " ", v.IsLatest), v.VersionId})
	}
	for _, v := range p.DeleteMarker {
		entries = append(entries, entry{strings.Index(a.body, v.VersionId), fmt.Sprint(v.Key, " marker ", v.IsLatest), v.VersionId})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return a.at - b.at })
	for _, e := range entries {
		lines, ids = append(lines, e.line), append(ids, e.id)
	}
	return lines, ids
}

func (c *client) wantHistory(want ...string) []string {
	c.t.Helper()
	got, ids := c.history("")
	if !slices.Equal(got, want) {
		c.t.Errorf("got  %q\nwant %q", got, want)
	}
	return ids
}

func TestVersionsOfOneKey(t *testing.T) {
	c := start(t)
	c.put("k", "null")
	if got := c.do("HEAD", at("k"), "").header.Get("x-amz-version-id"); got != "" {
		t.Errorf("an object of a bucket without versions has version %q", got)
	}
	c.wantHistory("k null true")
	c.enableVersions()
	c.put("k", "one")
	c.do("DELETE", at("k"), "")
	c.put("k", "two")
	c.do("DELETE", at("k"), "")
	ids := c.wantHistory("k marker true", "k two false", "k marker false", "k one false", "k null false")
	if ids[4] != "null" {
		t.Errorf("what was there before versions has id %q", ids[4])
	}
	if got := c.list().keys(); len(got) != 0 {
		t.Errorf("a deleted key is listed: %q", got)
	}

	if a := c.do("DELETE", at("k")+"?versionId="+ids[0], ""); a.header.Get("x-amz-delete-marker") != "true" || a.header.Get("x-amz-version-id") != ids[0] {
		t.Errorf("deleting a marker: %v", a.header)
	}
	if a := c.do("GET", at("k"), ""); a.body != "two" || a.header.Get("x-amz-version-id") != ids[1] {
		t.Errorf("without its marker the key reads %q", a.body)
	}
	c.do("DELETE", at("k")+"?versionId="+ids[1], "")
	c.do("DELETE", at("k")+"?versionId="+ids[2], "")
	if a := c.do("GET", at("k"), ""); a.body != "one" {
		t.Errorf("without the newer versions the key reads %q", a.body)
	}
	if err := c.do("DELETE", "/bucket", "").is("DELETE bucket", 409, "BucketNotEmpty"); err != nil {
		t.Error(err)
	}
	c.do("DELETE", at("k")+"?versionId="+ids[3], "")
	c.do("DELETE", at("k")+"?versionId=null", "")
	c.wantHistory()
	if a := c.do("DELETE", "/bucket", ""); a.status != 204 {
		t.Errorf("an empty bucket is not deleted: %d", a.status)
	}
}

func TestSuspendedVersions(t *testing.T) {
	c := start(t)
	c.enableVersions()
	c.put("k", "one")
	c.do("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>")
	if a := c.do("GET", "/bucket?versioning", ""); !strings.Contains(a.body, "<Status>Suspended</Status>") {
		t.Errorf("got %s", a.body)
	}
	c.put("k", "null one")
	if a := c.put("k", "null two"); a.header.Get("x-amz-version-id") != "null" {
		t.Errorf("version id %q", a.header.Get("x-amz-version-id"))
	}
	c.wantHistory("k null two true", "k one false")
	c.do("DELETE", at("k"), "")
	ids := c.wantHistory("k marker true", "k one false")
	if ids[0] != "null" {
		t.Errorf("the marker has id %q", ids[0])
	}
	if a := c.do("PUT", "/bucket?versioning", "<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>"); a.status != 400 {
		t.Errorf("an unknown status: %d", a.status)
	}
}

func TestVersionErrors(t *testing.T) {
	c := start(t)
	c.enableVersions()
	id := c.put("k", "x").header.Get("x-amz-version-id")
	c.do("DELETE", at("k")+"?versionId="+id, "")
	for _, row := range []struct {
		name, method, query string
		status              int
		code                string
	}{
		{"GET of a version that is gone", "GET", "?versionId=" + id, 404, "NoSuchVersion"},
		{"GET of the null version where there is none", "GET", "?versionId=null", 404, "NoSuchVersion"},
		{"GET of what cannot be an id", "GET", "?versionId=nonsense", 400, "InvalidArgument"},
		{"DELETE of what cannot be an id", "DELETE", "?versionId=nonsense", 400, "InvalidArgument"},
		{"DELETE of a version that is gone", "DELETE", "?versionId=" + id, 204, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := c.do(row.method, at("k")+row.query, "").is(row.name, row.status, row.code); err != nil {
				t.Error(err)
			}
		})
	}
	if err := c.do("GET", "/bucket?versions&version-id-marker="+id, "").is("marker without key", 400, "InvalidArgument"); err != nil {
		t.Error(err)
	}
}

// TestVersionPagesGoOnBehindDeletedOnes deletes each page before it asks for the next, as
// emptying a bucket does.
func TestVersionPagesGoOnBehindDeletedOnes(t *testing.T) {
	c := start(t)
	c.enableVersions()
	for i := range 5 {
		c.put("a", fmt.Sprint(i))
		c.put("dir/b", fmt.Sprint(i))
	}
	seen, query := 0, ""
	for {
		var p pageOfVersions
		c.parse(c.do("GET", "/bucket?versions&max-keys=2"+query, ""), &p)
		for _, v := range p.Version {
			seen++
			c.do("DELETE", at(v.Key)+"?versionId="+v.VersionId, "")
		}
		if !p.IsTruncated {
			break
		}
		query = "&" + encodeQuery([]string{"key-marker=" + p.NextKeyMarker, "version-id-marker=" + p.NextVersionIdMarker})
	}
	if seen != 10 {
		t.Errorf("saw %d of 10 versions", seen)
	}
	c.wantHistory()
}

func TestVersionsWithDelimiter(t *testing.T) {
	c := start(t)
	c.enableVersions()
	for _, key := range []string{"a", "dir/1", "dir/2", "z"} {
		c.put(key, key)
		c.put(key, key)
	}
	var got []string
	query := ""
	for {
		var p pageOfVersions
		c.parse(c.do("GET", "/bucket?versions&delimiter=/&max-keys=3"+query, ""), &p)
		for _, v := range p.Version {
			got = append(got, v.Key)
		}
		for _, v := range p.CommonPrefixes {
			got = append(got, v.Prefix)
		}
		if !p.IsTruncated {
			break
		}
		query = "&" + encodeQuery([]string{"key-marker=" + p.NextKeyMarker})
	}
	if want := []string{"a", "a", "dir/", "z", "z"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDeleteObjectsWithVersions(t *testing.T) {
	c := start(t)
	c.enableVersions()
	id := c.put("k", "x").header.Get("x-amz-version-id")
	_, marked := c.deleteMany(false, "<Key>k</Key>")
	if len(marked.Deleted) != 1 || !marked.Deleted[0].DeleteMarker || marked.Deleted[0].DeleteMarkerVersionId == "" {
		t.Fatalf("got %+v", marked)
	}
	_, gone := c.deleteMany(false, "<Key>k</Key><VersionId>"+id+"</VersionId>",
		"<Key>k</Key><VersionId>"+marked.Deleted[0].DeleteMarkerVersionId+"</VersionId>")
	if len(gone.Deleted) != 2 || gone.Deleted[0].DeleteMarker || !gone.Deleted[1].DeleteMarker {
		t.Errorf("got %+v", gone)
	}
	c.wantHistory()
}

func TestTagsOfVersions(t *testing.T) {
	c := start(t)
	c.enableVersions()
	old := c.put("k", "x", "x-amz-tagging: age=old").header.Get("x-amz-version-id")
	c.put("k", "y", "x-amz-tagging: age=new")
	c.do("PUT", at("k")+"?tagging&versionId="+old, tagging("age", "older"))
	if a := c.do("GET", at("k")+"?tagging&versionId="+old, ""); !strings.Contains(a.body, "older") {
		t.Errorf("got %s", a.body)
	}
	if got := c.tags("k"); got != "age=new;" {
		t.Errorf("the current version has %s", got)
	}
}
