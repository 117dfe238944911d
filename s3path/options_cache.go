package s3path

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/cloudpath-go/cloudpath/internal/apart"
	"github.com/cloudpath-go/cloudpath/localcache"
)

// CacheMode says whether a client keeps copies of what it reads on disk.
type CacheMode int

// CacheOff keeps none: reads stream, and Cached uses a temporary directory of
// the client's. CacheTemporary keeps copies until the client is closed, in a new
// directory below WithCacheDir's or among the system's temporary ones.
// CachePersistent keeps them in WithCacheDir's directory.
const (
	CacheOff CacheMode = iota
	CacheTemporary
	CachePersistent
)

func (m CacheMode) String() string {
	switch m {
	case CacheOff:
		return "off"
	case CacheTemporary:
		return "temporary"
	case CachePersistent:
		return "persistent"
	}
	return fmt.Sprintf("CacheMode(%d)", int(m))
}

// Freshness says when a cached copy may be used without asking the server:
// localcache.Revalidate, MaxAge, Immutable or Offline.
type Freshness = localcache.Freshness

// cacheSettings is what the options of NewClient said about the cache.
type cacheSettings struct {
	dir       string
	mode      CacheMode
	freshness Freshness
	maxBytes  int64
	cache     *localcache.Cache
}

// WithCacheDir keeps copies of what is read in this directory, from one run of
// the program to the next and together with other programs; it is made where it
// is missing. It comes before CLOUDPATH_CACHE_DIR. What Open, ReadBytes, ReadText
// and Cached read then comes from a copy when the server says that it is current;
// ReadRange and DownloadTo use a copy that is there, and make none.
//
// A directory of another user's, or that others can write to, fails NewClient
// with cloudpath.ErrInsecureCache. Content is stored as it is, unencrypted;
// objects read with WithSSECustomerKey are never stored.
func WithCacheDir(dir string) ClientOption {
	return clientOption(optCacheDir, func(s *settings) error {
		if dir == "" {
			return errors.New("WithCacheDir: the directory's name is empty")
		}
		s.cache.dir = dir
		return nil
	})
}

// WithCacheMode is CachePersistent where a directory is named, else CacheOff,
// unless told. It comes before CLOUDPATH_CACHE_MODE, which is off, temporary or
// persistent.
func WithCacheMode(mode CacheMode) ClientOption {
	return clientOption(optCacheMode, func(s *settings) error {
		if mode < CacheOff || mode > CachePersistent {
			return fmt.Errorf("WithCacheMode: %d is none of the modes", mode)
		}
		s.cache.mode = mode
		return nil
	})
}

// WithCacheFreshness says when a copy may be used without asking the server:
// localcache.Revalidate unless told, which asks each time, by one request that
// brings no body while the copy is current. With localcache.Offline the client
// makes no request at all and looks for no credentials: what it is asked it
// answers from the copies that there are, and what would change something is
// errors.ErrUnsupported.
func WithCacheFreshness(f Freshness) ClientOption {
	return clientOption(optCacheFreshness, func(s *settings) error { s.cache.freshness = f; return nil })
}

// WithCacheMaxBytes bounds what the copies take on disk, in bytes. What has not
// been used for longest goes first, never what is open. An object larger than
// that is streamed.
func WithCacheMaxBytes(n int64) ClientOption {
	return clientOption(optCacheMaxBytes, func(s *settings) error {
		if n < 1 {
			return fmt.Errorf("WithCacheMaxBytes: %d; a bound is at least 1", n)
		}
		s.cache.maxBytes = n
		return nil
	})
}

// WithCache keeps copies in a cache that the program has opened itself and
// closes itself, and that other clients may use as well.
func WithCache(c *localcache.Cache) ClientOption {
	return clientOption(optCache, func(s *settings) error {
		if c == nil {
			return errors.New("WithCache: the cache is nil")
		}
		s.cache.cache = c
		return nil
	})
}

// resolveCache settles where the copies are: an option comes before the
// environment, in which an empty variable is one that is not set.
func (s *settings) resolveCache(ctx context.Context) error {
	c := &s.cache
	if s.set&optCache != 0 {
		return nil
	}
	env := os.Getenv
	if apart.Is(ctx) {
		env = func(string) string { return "" }
	}
	if s.set&optCacheDir == 0 {
		c.dir = env("CLOUDPATH_CACHE_DIR")
	}
	if s.set&optCacheMode == 0 {
		switch mode := env("CLOUDPATH_CACHE_MODE"); strings.ToLower(mode) {
		case "off":
			c.mode = CacheOff
		case "temporary":
			c.mode = CacheTemporary
		case "persistent":
			c.mode = CachePersistent
		case "":
			if c.mode = CacheOff; c.dir != "" {
				c.mode = CachePersistent
			}
		default:
			return fmt.Errorf("CLOUDPATH_CACHE_MODE: %q is none of off, temporary and persistent", mode)
		}
	}
	switch {
	case c.mode == CachePersistent && c.dir == "":
		return errors.New("a persistent cache needs a directory: give it with WithCacheDir or CLOUDPATH_CACHE_DIR")
	case c.mode != CachePersistent && c.freshness.IsOffline():
		return errors.New("an offline client reads what is in a cache: give its directory with WithCacheDir or CLOUDPATH_CACHE_DIR, or the cache with WithCache")
	}
	return nil
}

// openCache opens the cache that the settings name, nil for none.
func (s *settings) openCache() (*localcache.Cache, error) {
	switch c := s.cache; {
	case c.cache != nil:
		return c.cache, nil
	case c.mode == CacheTemporary:
		return localcache.Temporary(c.dir, s.cacheOptions()...)
	case c.mode == CachePersistent:
		return localcache.Open(c.dir, s.cacheOptions()...)
	}
	return nil, nil
}

func (s *settings) cacheOptions() []localcache.Option {
	if s.cache.maxBytes == 0 {
		return nil
	}
	return []localcache.Option{localcache.WithMaxBytes(s.cache.maxBytes)}
}
