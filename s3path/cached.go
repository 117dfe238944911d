package s3path

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/localcache"
)

// Cached returns the object as a file on disk, for programs that take file
// names: Name ends in the object's own name, and until Close no program that uses
// the cache removes or replaces that file. It must not be changed.
//
// The file is the client's cached copy, made or renewed as WithCacheFreshness
// says: 1 request, which brings no body while the copy is current, none where
// that is not asked, and further ranges in parallel for a large object. A client
// without a cache keeps these files in a temporary directory until it is closed.
// An object that cannot be kept on disk is an error, and so is one with a
// customer's key, which is never stored decrypted. Other errors are those of
// Open.
func (p S3Path) Cached(ctx context.Context, opts ...ReadOption) (*localcache.File, error) {
	k, c, err := startRead(ctx, p, "cached", opts, readOptions|optConcurrency|optProgress)
	if err != nil {
		return nil, err
	}
	m := c.meter(p)
	defer m.end()
	c.gauge = m.only(p)
	f, err := p.cached(ctx, k, c)
	if err == nil {
		c.gauge.expect(f.Meta().Size)
		c.gauge.finish()
	}
	return f, failure("cached", p, err)
}

func (p S3Path) cached(ctx context.Context, k *core, c *call) (*localcache.File, error) {
	if c.ssec.isSet() {
		return nil, fmt.Errorf("%w: an object with a customer's key is not stored on disk; read it with Open", errors.ErrUnsupported)
	}
	cs, err := k.keep()
	if err != nil {
		return nil, err
	}
	got, err := p.through(ctx, k, c, cs)
	if err != nil {
		return nil, err
	}
	if got.f == nil {
		_ = got.s.Close() // nothing of it is wanted
		return nil, fmt.Errorf("the object cannot be kept on disk: %w", got.streamed)
	}
	return got.f, nil
}

// reading is an object that was opened: a copy of it, or the answer that brings
// its bytes.
type reading struct {
	o *object
	f *localcache.File // nil where the bytes come from the server
	s *stream

	streamed error // why there is no copy although there should be one
}

// through opens an object by its copy, which it makes or renews as far as
// needed.
func (p S3Path) through(ctx context.Context, k *core, c *call, cs *copies) (*reading, error) {
	if p.key == "" {
		return nil, cloudpath.ErrIsDirectory
	}
	for try := 1; ; try++ {
		got, err := p.throughOnce(ctx, k, c, cs)
		switch {
		case err == nil:
			if c.info != nil {
				*c.info = got.o.info
			}
			return got, nil
		case errors.Is(err, cloudpath.ErrChanged) && try < k.tries:
			continue // what is there now is wanted
		}
		return nil, p.orDirectory(ctx, k, err)
	}
}

func (p S3Path) throughOnce(ctx context.Context, k *core, c *call, cs *copies) (*reading, error) {
	last := &reading{o: &object{k: k, p: p}} // of the last fetch
	f, err := cs.session.Open(ctx, cs.key(p), cs.freshFor(p, c.ifMatch), func(ctx context.Context, have localcache.Meta) (*localcache.Fetched, error) {
		o := &object{k: k, p: p, have: have.ETag, gauge: c.gauge}
		wanted := c.ifMatch
		if wanted == have.ETag {
			wanted = "" // 304 says so, too
		} else if wanted != "" {
			o.have = ""
		}
		conditional := o.have != ""
		s, err := o.open(ctx, wanted)
		if conditional && status(err) == http.StatusNotModified {
			return &localcache.Fetched{Meta: have}, nil
		}
		if err != nil {
			return nil, err
		}
		if c.ifMatch != "" && c.ifMatch != o.info.etag { // which If-None-Match could not say
			return nil, errors.Join(fmt.Errorf("%w: its ETag is %q", cloudpath.ErrPreconditionFailed, o.info.etag), s.Close())
		}
		last.o, last.s = o, s
		o.gauge.expect(o.info.size)
		body := &filling{o: o, s: s, ctx: ctx, d: &download{k: k, slots: make(chan struct{}, c.parts(k)-1)}}
		return &localcache.Fetched{Meta: o.info.meta(), Body: body}, nil
	})
	if err != nil {
		return nil, err
	}
	if etag := f.Meta().ETag; c.ifMatch != "" && etag != c.ifMatch {
		return nil, errors.Join(fmt.Errorf("%w: its ETag is %q", cloudpath.ErrPreconditionFailed, etag), f.Close())
	}
	if last.streamed = f.Streamed(); last.streamed != nil {
		return last, nil // which reads on by itself, and better
	}
	last.f, last.s = f, nil
	last.o.info = infoOfCopy(p, f.Meta())
	return last, nil
}

// filling is an object's bytes on their way into the cache.
type filling struct {
	o   *object
	s   *stream
	d   *download
	ctx context.Context
}

func (b *filling) Read(p []byte) (int, error) { return b.s.Read(p) }
func (b *filling) Close() error               { return b.s.Close() }

// WriteTo brings a large object in several ranges at once, where w takes them in
// any order.
func (b *filling) WriteTo(w io.Writer) (int64, error) {
	at, ok := w.(io.WriterAt)
	if !ok {
		return io.Copy(w, struct{ io.Reader }{b.s})
	}
	if err := b.d.parts(b.ctx, b.o, b.s, at); err != nil {
		return 0, err
	}
	return b.o.info.size, nil
}

// beside opens an object for a caller who would not want a copy made, but takes
// one that is there and that may be used. get is the request for an object of
// that ETag, or any; it finds in the object what it need not bring.
func (p S3Path) beside(ctx context.Context, k *core, c *call, get func(o *object, etag string) (*stream, error)) (*reading, error) {
	o := &object{k: k, p: p, ssec: c.ssec}
	plain := func() (*reading, error) {
		s, err := get(o, c.ifMatch)
		return &reading{o: o, s: s}, err
	}
	cs := k.copies
	if cs == nil || c.ssec.isSet() || p.key == "" {
		return plain()
	}
	f, err := cs.session.Have(cs.key(p))
	switch {
	case err != nil && k.offline():
		return nil, err
	case err != nil:
		return plain()
	}
	copied := &reading{o: &object{k: k, p: p, info: infoOfCopy(p, f.Meta())}, f: f}
	same := c.ifMatch == "" || c.ifMatch == f.Meta().ETag
	if same && f.Use(cs.freshness) {
		return copied, nil
	}
	if k.offline() {
		return nil, errors.Join(fmt.Errorf("%w: the copy's ETag is %q", cloudpath.ErrPreconditionFailed, f.Meta().ETag), f.Close())
	}
	if !same {
		_ = f.Close() // only looked at
		got, err := plain()
		return got, cs.gone(p, err)
	}
	o.have = f.Meta().ETag
	asked := time.Now()
	s, err := get(o, "") // 304 says that it is this one
	if status(err) == http.StatusNotModified {
		f.Confirm(ctx, asked, cs.freshness)
		return copied, nil
	}
	_ = f.Close() // only looked at
	if err == nil && c.ifMatch != "" {
		err = errors.Join(fmt.Errorf("%w: its ETag is %q", cloudpath.ErrPreconditionFailed, o.info.etag), s.Close())
	}
	return &reading{o: o, s: s}, cs.gone(p, err)
}

// reader reads the bytes, and counts those that come from the server now: of a
// copy they have come already.
func (r *reading) reader(g *gauge) io.Reader {
	if r.f != nil {
		return r.f
	}
	return g.reading(r.s)
}

// close gives back what was opened.
func (r *reading) close() error {
	if r.f != nil {
		return r.f.Close()
	}
	return r.s.Close()
}

// kept is what of an Info a copy's record has no place for.
type kept struct {
	ContentEncoding string            `json:"contentEncoding,omitempty"`
	CacheControl    string            `json:"cacheControl,omitempty"`
	Metadata        map[string]string `json:"metadata,omitempty"`
	StorageClass    string            `json:"storageClass,omitempty"`
	VersionID       string            `json:"versionID,omitempty"`
	Restore         RestoreStatus     `json:"restore,omitzero"`
}

// meta is an Info as a copy's record keeps it.
func (i Info) meta() localcache.Meta {
	m := localcache.Meta{ETag: i.etag, Size: i.size, ModTime: i.modTime, ContentType: i.contentType}
	extra, err := json.Marshal(kept{i.contentEncoding, i.cacheControl, i.metadata, i.storageClass, i.versionID, i.restore})
	if err == nil {
		m.Extra = string(extra)
	}
	return m
}

// infoOfCopy is the Info of a copy, as it was when the object was fetched.
func infoOfCopy(p S3Path, m localcache.Meta) Info {
	i := Info{name: p.Name(), size: m.Size, modTime: m.ModTime, etag: m.ETag, contentType: m.ContentType}
	var more kept
	if err := json.Unmarshal([]byte(m.Extra), &more); err != nil {
		return i // somebody else's copy
	}
	i.contentEncoding, i.cacheControl, i.metadata = more.ContentEncoding, more.CacheControl, more.Metadata
	i.storageClass, i.versionID, i.restore = more.StorageClass, more.VersionID, more.Restore
	i.complete = true
	return i
}
