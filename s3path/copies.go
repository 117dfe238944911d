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

// kept is all copies that the client has made.
func (k *core) kept() []*copies {
	k.cached.mu.Lock()
	defer k.cached.mu.Unlock()
	var all []*copies
	for _, cs := range []*copies{k.copies, k.cached.copies} {
		if cs != nil {
			all = append(all, cs)
		}
	}
	return all
}

func (k *core) closeCopies() error {
	var failed []error
	for _, cs := range k.kept() {
		if cs.own {
			failed = append(failed, cs.cache.Close())
		}
	}
	k.cached.mu.Lock()
	defer k.cached.mu.Unlock()
	k.cached.closed = true
	return errors.Join(failed...)
}

func (cs *copies) key(p S3Path) localcache.Key {
	return localcache.Key{Origin: cs.origin, Bucket: p.bucket, Key: p.key, Version: p.version}
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
	var failed []error
	for _, cs := range k.kept() {
		switch {
		case p.version != "":
			err = cs.session.Drop(cs.key(p))
		default:
			err = cs.session.DropBelow(ctx, cs.origin, p.bucket, p.key)
		}
		failed = append(failed, err)
	}
	return failure("evict", p, errors.Join(failed...))
}

// changed drops the copies of what a request has changed, or may have changed. A
// copy that cannot be dropped is no reason to call a write failed that was not.
func (k *core) changed(bucket string, request any) {
	for _, cs := range k.kept() {
		drop := func(key, version *string) {
			of := localcache.Key{Origin: cs.origin, Bucket: bucket, Key: aws.ToString(key)}
			if of.Key == "" {
				return
			}
			_ = cs.session.Drop(of)
			if of.Version = aws.ToString(version); of.Version != "" {
				_ = cs.session.Drop(of)
			}
		}
		switch in := request.(type) {
		case *s3.PutObjectInput:
			drop(in.Key, nil)
		case *s3.CopyObjectInput:
			drop(in.Key, nil)
		case *s3.CompleteMultipartUploadInput:
			drop(in.Key, nil)
		case *s3.DeleteObjectInput:
			drop(in.Key, in.VersionId)
		case *s3.DeleteObjectsInput:
			for _, o := range in.Delete.Objects {
				drop(o.Key, o.VersionId)
			}
		}
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
