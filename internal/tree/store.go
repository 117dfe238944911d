package tree

import (
	"context"
	"time"
)

// Lister is what a flat store must offer to be seen as directories.
//
// Errors: a missing bucket or key is fs.ErrNotExist, a refusal
// fs.ErrPermission; anything else is passed on as it is.
type Lister interface {
	// List answers one page, keys and prefixes in ascending byte order.
	List(ctx context.Context, q Query) (Page, error)
	// Head describes the object with exactly this key.
	Head(ctx context.Context, key string) (Object, error)
	// Ordered is false on stores that list in no order: they cannot resume
	// behind a key.
	Ordered() bool
}

// Deleter is what a flat store must offer for removing many objects.
type Deleter interface {
	// Delete removes up to MaxBatch keys. Keys that were not removed are in
	// failed with their reasons; err is for the request as a whole.
	Delete(ctx context.Context, keys []string) (failed map[string]error, err error)
	MaxBatch() int
}

// Query asks for one page of keys.
type Query struct {
	Prefix    string
	Delimiter string
	After     string // keys behind this one, which itself begins with Prefix
	Token     string // the page behind the one whose Next this was
	Max       int    // keys and prefixes, 0 for the store's own page size
	Owner     bool
}

// Page is an answer: keys and prefixes are each in ascending order, and
// together cover the key space from the query's start to the last of them.
type Page struct {
	Objects  []Object
	Prefixes []string
	Next     string // token of the next page, "" at the end
}

// Object is what a listing knows of an object.
type Object struct {
	Key          string
	Size         int64
	ModTime      time.Time
	ETag         string
	StorageClass string
	Owner        string
	Any          any // what the store itself wants to remember
}
