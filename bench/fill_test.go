package bench

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/s3path"
	"github.com/cloudpath-go/cloudpath/s3path/s3pathtest"
)

// A far server: each request waits, and each connection brings so much.
const (
	farLatency   = 20 * time.Millisecond
	farBandwidth = 60e6 // bytes a second
)

// BenchmarkColdFill brings 64 MiB into a cache that does not have them, and for
// comparison into a file, by turns. The bound: a fill has at least 0.90 of a
// download's speed ("x-download"), as a cache that lasts does, which waits for the
// disk as a download does, and as a temporary one does.
func BenchmarkColdFill(b *testing.B) {
	server := s3pathtest.NewServer(b)
	body := bytes.Repeat([]byte("0123456789abcdef"), 4<<20)
	if err := server.Bucket("bench").Join("f").WriteBytes(b.Context(), body); err != nil {
		b.Fatal(err)
	}
	for _, at := range []struct{ name, url string }{{"loopback", server.URL}, {"far", far(b, server.URL)}} {
		for _, kind := range []string{"persistent", "temporary"} {
			b.Run(at.name+"/"+kind, func(b *testing.B) {
				dir := b.TempDir()
				object := func(opts ...s3path.ClientOption) s3path.S3Path {
					c, err := s3path.NewClient(b.Context(), append(opts, s3path.WithEndpoint(at.url), s3path.WithStaticCredentials("test", "test-secret", ""))...)
					if err != nil {
						b.Fatal(err)
					}
					b.Cleanup(func() { _ = c.Close() }) // nothing is measured any more
					return c.Object("bench", "f")
				}
				plain := object()
				cached := object(s3path.WithCacheMode(s3path.CacheTemporary), s3path.WithCacheDir(dir))
				if kind == "persistent" {
					cached = object(s3path.WithCacheDir(filepath.Join(dir, "cache")))
				}
				var downloads, fills time.Duration
				b.SetBytes(2 * int64(len(body)))
				for i := 0; b.Loop(); i++ {
					local := filepath.Join(dir, fmt.Sprint("f", i))
					begin := time.Now()
					if err := plain.DownloadTo(b.Context(), local); err != nil {
						b.Fatal(err)
					}
					downloads += time.Since(begin)
					begin = time.Now()
					f, err := cached.Cached(b.Context())
					if err != nil {
						b.Fatal(err)
					}
					fills += time.Since(begin)
					if err := f.Close(); err != nil {
						b.Fatal(err)
					}
					b.StopTimer()
					if err := cached.Evict(b.Context()); err != nil {
						b.Fatal(err)
					}
					if err := os.Remove(local); err != nil {
						b.Fatal(err)
					}
					b.StartTimer()
				}
				b.ReportMetric(float64(downloads)/float64(fills), "x-download")
			})
		}
	}
}

// far is a way to the server that is slow.
func far(b *testing.B, server string) (address string) {
	to, err := url.Parse(server)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, r.In.Host
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
	}
	front := &httptest.Server{Listener: narrow{l}, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(farLatency)
		proxy.ServeHTTP(w, r)
	})}}
	front.Start()
	b.Cleanup(front.Close)
	return front.URL
}

// narrow makes connections that bring farBandwidth.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return narrowConn{c}, nil
}

type narrowConn struct{ net.Conn }

func (c narrowConn) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		begin, sent := time.Now(), 0
		sent, err = c.Conn.Write(b[n:min(len(b), n+256<<10)])
		n += sent
		time.Sleep(time.Duration(float64(sent)/farBandwidth*float64(time.Second)) - time.Since(begin))
	}
	return n, err
}
