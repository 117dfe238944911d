package s3path

import (
	"context"
	"errors"
	"io/fs"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/localcache"
)

// copies is a client's way to the copies on disk.
type copies struct {
	cache     *localcache.Cache // as the caller knows it
	session   *localcache.Cache // of this client: what it may read, another one may not
	own       bool              // closed with the client
	origin    string
	freshness Freshness
}

// temporaryCopies is where Cached keeps files when the client keeps no copies.
type temporaryCopies struct {
	mu     sync.Mutex
	copies *copies
	closed bool
}

func (k *core) openCopies() error {
	cache, err := k.opts.openCache()
	if err != nil || cache == nil {
		return err
	}
	k.copies = k.newCopies(cache)
	k.copies.own = k.opts.set&optCache == 0
	return nil
}

func (k *core) newCopies(cache *localcache.Cache) *copies {
	cs := &copies{cache: cache, session: cache.Session(), own: true, origin: k.endpoint, freshness: k.opts.cache.freshness}
	if cs.origin == "" {
		cs.origin = "aws"
	}
	return cs
}

// keep is where copies are for a caller that has to have one.
func (k *core) keep() (*copies, error) {
	if k.copies != nil {
		return k.copies, nil
	}
	k.cached.mu.Lock()
	defer k.cached.mu.Unlock()
	switch {
	case k.cached.closed:
		return nil, errClientClosed
	case k.cached.copies == nil:
		cache, err := localcache.Temporary("", k.opts.cacheOptions()...)
		if err != nil {
			return nil, err
		}
		k.cached.copies = k.newCopies(cache)
	}
	return k.cached.copies, nil
}

// kept is where the client has made copies: its cache, else where Cached keeps
// files, or nowhere.
func (k *core) kept() *copies {
	if k.copies != nil {
		return k.copies
	}
	k.cached.mu.Lock()
	defer k.cached.mu.Unlock()
	return k.cached.copies
}

func (k *core) closeCopies() error {
	k.cached.mu.Lock()
	k.cached.closed = true
	k.cached.mu.Unlock()
	if cs := k.kept(); cs != nil && cs.own {
		return cs.cache.Close()
	}
	return nil
}

func (cs *copies) key(p S3Path) localcache.Key {
	return localcache.Key{Origin: cs.origin, Bucket: p.bucket, Key: p.key, Version: p.version}
}

// freshFor is the freshness for a caller who wants this ETag, or any: a copy of
// another one does not say what the server has.
func (cs *copies) freshFor(p S3Path, etag string) Freshness {
	if etag == "" || cs.freshness.IsOffline() {
		return cs.freshness
	}
	f, err := cs.session.Have(cs.key(p))
	if err != nil {
		return cs.freshness
	}
	defer func() { _ = f.Close() }() // only looked at
	if f.Meta().ETag != etag {
		return localcache.Revalidate()
	}
	return cs.freshness
}

// gone drops the copy of an object that the server says is not there, and returns
// what it said.
func (cs *copies) gone(p S3Path, err error) error {
	if err != nil && isMissing(explain(p, err)) {
		_ = cs.session.Drop(cs.key(p)) // the answer is the same
	}
	return err
}

// Evict drops the cached copies of this object and of everything below the path
// as a directory; of a path with a version that version's alone. Copies that are
// open stay until they are closed, and are not used any more. It makes no
// request, and without a cache does nothing.
func (p S3Path) Evict(ctx context.Context) error {
	k, err := startPlain(ctx, p, "evict")
	if err != nil {
		return err
	}
	switch cs := k.kept(); {
	case cs == nil:
	case p.version != "":
		err = cs.session.Drop(cs.key(p))
	default:
		err = cs.session.DropBelow(ctx, cs.origin, p.bucket, p.key)
	}
	return failure("evict", p, err)
}

// changed drops the copies of what a request has changed, or may have changed. A
// copy that cannot be dropped is no reason to call a write failed that was not.
func (k *core) changed(bucket string, request any) {
	switch in := request.(type) {
	case *s3.PutObjectInput:
		k.drop(bucket, in.Key, nil)
	case *s3.CopyObjectInput:
		k.drop(bucket, in.Key, nil)
	case *s3.CompleteMultipartUploadInput:
		k.drop(bucket, in.Key, nil)
	case *s3.DeleteObjectInput:
		k.drop(bucket, in.Key, in.VersionId)
	case *s3.DeleteObjectsInput:
		for _, o := range in.Delete.Objects {
			k.drop(bucket, o.Key, o.VersionId)
		}
	}
}

// drop drops the copies of an object and, where one is named, of that version.
func (k *core) drop(bucket string, key, version *string) {
	cs := k.kept()
	p := S3Path{bucket: bucket, key: aws.ToString(key)}
	if cs == nil || p.key == "" {
		return
	}
	_ = cs.session.Drop(cs.key(p)) // as said
	if p.version = aws.ToString(version); p.version != "" {
		_ = cs.session.Drop(cs.key(p)) // as said
	}
}

// ---- offline

func (k *core) offline() bool { return k.copies != nil && k.copies.freshness.IsOffline() }

// offlineOperations are what copies can answer.
var offlineOperations = map[string]bool{
	"stat": true, "open": true, "read": true, "download": true, "cached": true, "evict": true,
	"readdir": true, "walk": true, "glob": true,
}

var errOffline = &cause{
	text: "the client is offline and makes no requests (localcache.Offline): it answers from the copies in its cache and changes nothing",
	is:   []error{errors.ErrUnsupported},
}

// has reports whether there is a copy of the object, however old.
func (cs *copies) has(p S3Path) bool {
	if cs == nil {
		return false
	}
	f, err := cs.session.Have(cs.key(p))
	if err != nil {
		return false
	}
	_ = f.Close() // only looked at
	return true
}

// stat describes an object by its copy.
func (cs *copies) stat(p S3Path) (Info, error) {
	if p.key == "" {
		return Info{}, fs.ErrNotExist
	}
	f, err := cs.session.Have(cs.key(p))
	if err != nil {
		return Info{}, err
	}
	return infoOfCopy(p, f.Meta()), f.Close()
}
