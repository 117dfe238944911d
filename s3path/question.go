package s3path

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/tree"
)

// Exists reports whether there is an object with exactly this key, a directory
// of this name, or a bucket. 1 request for an object, a bucket and a path that
// ends in "/"; 2 for a directory or nothing. Only an answer that says so means
// "no": a refusal, a broken connection or a server's failure is an error.
func (p S3Path) Exists(ctx context.Context) (bool, error) {
	_, err := p.Stat(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// IsFile reports whether the object with exactly this key exists and the key
// does not end in "/". 1 request. A path with a version is a file if that
// version exists and is no delete marker.
func (p S3Path) IsFile(ctx context.Context) (bool, error) {
	k, c, err := startRead(ctx, p, "stat", nil, optSSEC) // of the client's defaults
	if err != nil {
		return false, err
	}
	if p.version != "" {
		ok, err := p.Exists(ctx)
		return ok && !strings.HasSuffix(p.key, "/"), err
	}
	ok, err := tree.IsFile(ctx, store{k: k, p: p, ssec: c.ssec}, p.key)
	return ok, failure("stat", p, err)
}

// IsDir reports whether at least one key begins with this path as a directory,
// or the bucket exists. 1 request. A path can be a file and a directory at once;
// one with a version is never a directory.
func (p S3Path) IsDir(ctx context.Context) (bool, error) {
	k, err := startPlain(ctx, p, "stat")
	if err != nil {
		return false, err
	}
	if p.version != "" {
		return false, nil
	}
	ok, err := tree.IsDir(ctx, store{k: k, p: p}, p.key)
	return ok, failure("stat", p, err)
}

// Stat describes an object, or a directory (ModeDir, size 0, the zero time) or
// a bucket. 1 request for an object, a bucket and a path that ends in "/"; 2
// for a directory. Nothing of either is fs.ErrNotExist.
func (p S3Path) Stat(ctx context.Context, opts ...ReadOption) (Info, error) {
	k, c, err := startRead(ctx, p, "stat", opts, optSSEC|optInfo|optIfMatch)
	if err != nil {
		return Info{}, err
	}
	info, err := p.stat(ctx, k, c)
	if err != nil {
		return Info{}, failure("stat", p, err)
	}
	if c.ifMatch != "" && info.etag != c.ifMatch {
		return Info{}, failure("stat", p, fmt.Errorf("%w: the object has the ETag %q", cloudpath.ErrPreconditionFailed, info.etag))
	}
	if c.info != nil {
		*c.info = info
	}
	return info, nil
}

func (p S3Path) stat(ctx context.Context, k *core, c *call) (Info, error) {
	s := store{k: k, p: p, ssec: c.ssec}
	if p.version != "" && k.offline() {
		return k.copies.stat(p)
	}
	if p.version != "" {
		out, err := s.head(ctx, p)
		if err != nil {
			if status(err) == http.StatusMethodNotAllowed { // S3's answer about a delete marker
				return Info{}, fmt.Errorf("%w: this version is a delete marker", fs.ErrNotExist)
			}
			return Info{}, explain(p, err)
		}
		return infoOfHead(p, out), nil
	}
	kind, err := tree.Look(ctx, s, p.key)
	switch {
	case err != nil:
		return Info{}, err
	case kind.File:
		return infoOfObject(p, kind.Object), nil
	}
	return infoOfDir(p), nil
}
