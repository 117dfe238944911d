package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// document is what a search index is told about an object or a folder.
type document struct {
	ID         string    `json:"id"` // the same in every round and every run
	Type       string    `json:"type"`
	Title      string    `json:"title"`
	URL        string    `json:"url"`
	Size       int64     `json:"size"`
	Category   string    `json:"category"`   // the folder that it is in, "/" at the top
	Categories []string  `json:"categories"` // the parts of that
	Owner      string    `json:"owner,omitempty"`
	Created    time.Time `json:"created,omitzero"` // S3 keeps one time: when the object was written
	Updated    time.Time `json:"updated,omitzero"`
	Version    string    `json:"version,omitempty"` // another one is other content
}

// event is a line of output.
type event struct {
	Event     string    `json:"event"` // added, changed, removed; round, failed, serving
	Document  *document `json:"document,omitempty"`
	Documents *int      `json:"documents,omitempty"` // after a round
	URL       string    `json:"url,omitempty"`
	Error     string    `json:"error,omitempty"`
}

// connector knows the documents of the last round that succeeded.
type connector struct {
	client *s3path.Client
	bucket s3path.S3Path
	filter []s3path.ListOption

	mu   sync.Mutex
	docs index
}

func connect(ctx context.Context, cfg config) (*connector, error) {
	client, err := cfg.open(ctx)
	if err != nil {
		return nil, err
	}
	return &connector{client: client, bucket: client.Object(cfg.Bucket, ""), filter: []s3path.ListOption{
		s3path.WithRawPrefix(cfg.Prefix), s3path.WithExtensions(cfg.Extensions...), s3path.WithOwner(),
	}}, nil
}

// index is documents by their ids, and in order: a folder before what is in it.
type index struct {
	byID  map[string]document
	order []string
}

func (x *index) add(d document) {
	if _, known := x.byID[d.ID]; !known {
		x.byID[d.ID] = d
		x.order = append(x.order, d.ID)
	}
}

// list makes the documents of what is there now: 1 request per 1,000 keys.
func (c *connector) list(ctx context.Context) (index, error) {
	x := index{byID: map[string]document{}}
	for e, err := range c.bucket.Walk(ctx, c.filter...) {
		if err != nil {
			return index{}, err
		}
		parents := e.Parents() // the nearest first, the bucket last
		for i := len(parents) - 2; i >= 0; i-- {
			x.add(describe("folder", parents[i].AsDir()))
		}
		d := describe("file", e.S3Path)
		d.Size, d.Owner, d.Created, d.Updated, d.Version = e.Size(), e.Owner(), e.ModTime(), e.ModTime(), e.ETag()
		x.add(d)
	}
	return x, nil
}

// describe is what a path alone says.
func describe(kind string, p s3path.S3Path) document {
	parts := p.Parts()
	parts = parts[1 : len(parts)-1] // without the bucket and the name
	id := sha256.Sum256([]byte(p.String()))
	return document{
		ID: hex.EncodeToString(id[:16]), Type: kind, Title: p.Name(), URL: p.URL(),
		Category: "/" + strings.Join(parts, "/"), Categories: parts,
	}
}

// round lists, and writes what is different from the last round that succeeded. A
// listing that fails writes nothing, and the next round is compared with the same.
func (c *connector) round(ctx context.Context, out *json.Encoder) error {
	now, err := c.list(ctx)
	if err != nil {
		return err
	}
	before := c.docs // only a round changes them
	var events []event
	for _, id := range now.order {
		switch d, old := now.byID[id], before.byID[id]; {
		case old.ID == "":
			events = append(events, event{Event: "added", Document: &d})
		case old.Version != d.Version || old.Version == "" && !old.Updated.Equal(d.Updated):
			events = append(events, event{Event: "changed", Document: &d})
		}
	}
	for _, id := range before.order {
		if d := before.byID[id]; now.byID[id].ID == "" {
			events = append(events, event{Event: "removed", Document: &d})
		}
	}
	n := len(now.order)
	for _, e := range append(events, event{Event: "round", Documents: &n}) {
		if err := out.Encode(e); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.docs = now
	return nil
}
