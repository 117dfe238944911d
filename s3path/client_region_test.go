package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/internal/s3server"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// elsewhere is a server whose buckets live in eu-west-1: what is signed for
// another region is refused by answer, the rest is served.
func elsewhere(t *testing.T, answer http.HandlerFunc) *listener {
	t.Helper()
	server, err := s3server.New(s3server.WithRegion("eu-west-1"))
	if err != nil {
		t.Fatal(err)
	}
	for _, bucket := range []string{"bucket", "second"} {
		if err := server.CreateBucket(bucket); err != nil {
			t.Fatal(err)
		}
	}
	return listen(t, func(w http.ResponseWriter, r *http.Request) {
		if _, region := signedBy(r.Header); region != "eu-west-1" {
			answer(w, r)
			return
		}
		server.ServeHTTP(w, r)
	})
}

// wrongRegion is a refusal with the region in a header, as S3 gives it.
func wrongRegion(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		if status/100 == 3 {
			w.Header().Set("Location", "http://elsewhere.invalid/")
		}
		refuse(w, r, status, code, message)
	}
}

// The ARN of an access point says itself where it is, whatever the client's region.
func TestRegionOfAnAccessPoint(t *testing.T) {
	for arn, want := range map[string]struct{ region, host string }{
		"arn:aws:s3:eu-west-1:123456789012:accesspoint/ap":            {"eu-west-1", "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"},
		"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint/ap":        {"cn-north-1", "ap-123456789012.s3-accesspoint.cn-north-1.amazonaws.com.cn"},
		"arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint/ap": {"us-gov-west-1", "ap-123456789012.s3-accesspoint.us-gov-west-1.amazonaws.com"},
	} {
		w := &wire{answer: object}
		c := openClient(t, s3path.WithAWSConfig(configOf("key", "secret")), s3path.WithHTTPClient(w.client()))
		p := c.MustParse("s3://" + arn + "/dir/f")
		if _, err := p.Stat(t.Context()); err != nil {
			t.Error(err)
			continue
		}
		if _, region := signedBy(w.last(t).Header); region != want.region || w.last(t).URL.Host != want.host {
			t.Errorf("%s: asked %s, signed for %s", arn, w.last(t).URL.Host, region)
		}
		if url := "https://" + want.host + "/dir/f"; p.URL() != url {
			t.Errorf("%s: URL %s, want %s", arn, p.URL(), url)
		}
		if signed, err := p.PresignGet(t.Context(), time.Minute); err != nil || !strings.Contains(signed, want.region) {
			t.Errorf("%s: presigned %s, %v", arn, signed, err)
		}
	}
}

// The region is learned from the first answer, once for the bucket, and used
// from then on with the first request.
func TestRegionLearned(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		head   int // requests that a first HEAD costs
	}{
		{"301", wrongRegion(301, "PermanentRedirect", "The bucket is elsewhere"), 2},
		{"307", wrongRegion(307, "TemporaryRedirect", "Please re-send this request"), 2},
		{"400", wrongRegion(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"), 2},
		{"403", wrongRegion(403, "AccessDenied", "Access Denied"), 2},
		{"400 that says it in words alone", refuseAll(400, "AuthorizationHeaderMalformed", "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'"), 3},
		{"400 in other quotes", refuseAll(400, "AuthorizationHeaderMalformed", `The authorization header is malformed; the region "us-east-1" is wrong; expecting "eu-west-1"`), 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			ctx := t.Context()
			l := elsewhere(t, row.answer)
			open := func() *s3path.Client {
				return openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", ""), s3path.WithPartSize(5<<20))
			}
			count := func(what string, want int, do func() error) {
				t.Helper()
				before := l.Count()
				if err := do(); err != nil {
					t.Errorf("%s: %v", what, err)
				}
				if n := l.Count() - before; n != want {
					t.Errorf("%s: %d requests, want %d: %q", what, n, want, l.Requests().Operations()[before:])
				}
			}
			c := open()
			p := c.Object("bucket", "key")
			body := strings.NewReader("hello") // which has to be sent twice
			count("PUT", 2, func() error { _, err := p.WriteFrom(ctx, body); return err })
			if text, err := p.ReadText(ctx); text != "hello" || err != nil {
				t.Errorf("the PUT that was sent twice reads %q, %v", text, err)
			}
			count("the next PUT", 1, func() error { return p.WriteText(ctx, "hello again") })
			count("GET", 1, func() error {
				text, err := p.ReadText(ctx)
				if text != "hello again" {
					err = errors.Join(err, fmt.Errorf("read %q", text))
				}
				return err
			})
			count("HEAD", 1, func() error { _, err := p.Stat(ctx); return err })
			count("of another bucket", 2, func() error { return c.Object("second", "key").WriteText(ctx, "x") })
			count("another client's HEAD", row.head, func() error { _, err := open().Object("bucket", "key").Stat(ctx); return err })
			count("another client's GET", 2, func() error { _, err := open().Object("bucket", "key").ReadBytes(ctx); return err })
			count("another client's LIST", 2, func() error {
				for _, err := range open().Object("bucket", "").Walk(ctx) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			count("another client's DELETE", 2, func() error { return open().Object("bucket", "other").Remove(ctx, s3path.WithMissingOK()) })
			big := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
			count("another client's upload in parts", 5, func() error {
				return open().Object("bucket", "big").WriteBytes(ctx, big)
			})
			got, err := c.Object("bucket", "big").ReadBytes(ctx)
			if err != nil || !bytes.Equal(got, big) {
				t.Errorf("the upload in parts came back as %d bytes, %v", len(got), err)
			}
			stream := open()
			count("another client's stream in parts", 5, func() error {
				_, err := stream.Object("bucket", "stream").WriteFrom(ctx, io.MultiReader(bytes.NewReader(big)))
				return err
			})
		})
	}
}

// Many goroutines that meet the wrong region at once all get through.
func TestRegionLearnedByMany(t *testing.T) {
	l := elsewhere(t, wrongRegion(301, "PermanentRedirect", ""))
	c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", ""))
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			if err := c.Object("bucket", fmt.Sprint(i)).WriteText(t.Context(), "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := l.Count(); n > 64 {
		t.Errorf("%d requests for 32 writes", n)
	}
}

// On AWS the request goes to the region's own host, and what the answer's
// Location says does not matter.
func TestRegionLearnedOnAWS(t *testing.T) {
	w := &wire{answer: func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Host+r.URL.Host, "us-east-1") {
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			w.Header().Set("Location", "https://evil.invalid/")
			refuse(w, r, 301, "PermanentRedirect", "")
			return
		}
		object(w, r)
	}}
	c := openClient(t, s3path.WithAWSConfig(configOf("k", "s")), s3path.WithHTTPClient(w.client()))
	for range 2 {
		if err := stat(t, c); err != nil {
			t.Fatal(err)
		}
	}
	var hosts []string
	for _, r := range w.requests() {
		hosts = append(hosts, r.URL.Host)
	}
	same(t, "hosts", hosts, []string{"bucket.s3.us-east-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com"})
	if url := c.Object("bucket", "key").URL(); !strings.Contains(url, "eu-west-1") {
		t.Errorf("URL is %s", url)
	}
}

// ErrWrongRegion is for servers that do not say which is the right one, or that
// say what no region can be. Nothing is asked twice in vain.
func TestWrongRegion(t *testing.T) {
	said := func(region string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", region)
			refuse(w, r, 301, "PermanentRedirect", "")
		}
	}
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		gets   int
	}{
		{"301 without a region", refuseAll(301, "PermanentRedirect", "The bucket is elsewhere"), 1},
		{"307 without a region", refuseAll(307, "TemporaryRedirect", ""), 1},
		{"400 without a region", refuseAll(400, "AuthorizationHeaderMalformed", "The authorization header is malformed"), 1},
		{"the region that was asked", said("us-east-1"), 1},
		{"a region that is none", said("evil.com/#"), 1},
		{"another region each time", func() http.HandlerFunc {
			n := 0
			var mu sync.Mutex
			return func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				defer mu.Unlock()
				n++
				said(fmt.Sprint("region-", n))(w, r)
			}
		}(), 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			l := listen(t, row.answer)
			c := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", ""))
			_, err := c.Object("bucket", "key").ReadBytes(t.Context())
			if !errors.Is(err, s3path.ErrWrongRegion) || !strings.Contains(err.Error(), "WithRegion") {
				t.Errorf("GET: %v", err)
			}
			if n := l.Count(); n != row.gets {
				t.Errorf("GET: %d requests, want %d", n, row.gets)
			}
			if err := stat(t, c); !errors.Is(err, s3path.ErrWrongRegion) {
				t.Errorf("HEAD: %v", err)
			}
		})
	}
}

// A server that checks the region: versitygw names it in the answer's body
// alone, which a HEAD does not have.
func TestRegionLearnedOnServers(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.Needs(t, s3matrix.WrongRegion)
		at.put(t, "key=x")
		for _, ask := range []func(p s3path.S3Path) error{
			func(p s3path.S3Path) error { _, err := p.Stat(t.Context()); return err },
			func(p s3path.S3Path) error { _, err := p.ReadBytes(t.Context()); return err },
			func(p s3path.S3Path) error { return p.WriteText(t.Context(), "y") },
			func(p s3path.S3Path) error { return p.WriteBytes(t.Context(), make([]byte, 6<<20)) },
		} {
			c := at.newClient(t, s3path.WithRegion("ap-south-2"), s3path.WithPartSize(5<<20))
			if err := ask(c.Object(at.bucket.Bucket(), "key")); err != nil {
				t.Error(err)
			}
		}
	})
}

// A HEAD is refused without a word when the clock is off. The answer's Date
// tells, and the next request is signed with the server's time.
func TestClockOff(t *testing.T) {
	const off = 3 * time.Hour
	late := func(r *http.Request) bool {
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		return err != nil || time.Until(at) < off-time.Minute
	}
	l := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		if late(r) {
			refuse(w, r, 403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
			return
		}
		object(w, r)
	})
	open := func() s3path.S3Path {
		return openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", "")).Object("bucket", "key")
	}
	p := open()
	for i, want := range []int{2, 1} {
		before := l.Count()
		if _, err := p.Stat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := l.Count() - before; n != want {
			t.Errorf("HEAD %d: %d requests, want %d", i, n, want)
		}
	}
	if _, err := open().ReadBytes(t.Context()); err != nil {
		t.Errorf("GET: %v", err)
	}

	// Where that does not help either, the error says what is wrong.
	stubborn := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off*time.Duration(r.ContentLength+2)).UTC().Format(http.TimeFormat))
		refuse(w, r, 403, "RequestTimeTooSkewed", "")
	})
	q := openClient(t, s3path.WithEndpoint(stubborn.URL), s3path.WithStaticCredentials("k", "s", ""), s3path.WithMaxAttempts(1)).Object("bucket", "key")
	if _, err := q.ReadBytes(t.Context()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "clock") {
		t.Errorf("GET: %v", err)
	}
}

// A HEAD that is refused for another reason is not asked again.
func TestHeadRefused(t *testing.T) {
	l := listen(t, refuseAll(403, "AccessDenied", "Access Denied"))
	p := openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", "")).Object("bucket", "key")
	_, err := p.Stat(t.Context())
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "may also mean a missing key") {
		t.Error(err)
	}
	if c := l.Counts(); c["HeadObject"] != 1 || c["GetObject"] != 0 {
		t.Errorf("asked %v", c)
	}
	// A 400 without a reason is looked into with the same question as a GET.
	l = listen(t, refuseAll(400, "ExpiredToken", "The provided token has expired."))
	p = openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", "t")).Object("bucket", "key")
	_, err = p.Stat(t.Context())
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "ExpiredToken") {
		t.Error(err)
	}
	if c := l.Counts(); c["HeadObject"] != 1 || c["GetObject"] != 1 {
		t.Errorf("asked %v", c)
	}
	// One that the GET does not meet stays the HEAD's.
	l = listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			refuse(w, r, 400, "", "")
			return
		}
		object(w, r)
	})
	p = openClient(t, s3path.WithEndpoint(l.URL), s3path.WithStaticCredentials("k", "s", "")).Object("bucket", "key")
	if _, err = p.Stat(t.Context()); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if gets := l.Requests().Filter(func(r s3proxy.Request) bool { return r.Method == http.MethodGet }); len(gets) != 1 || gets[0].Header.Get("Range") != "bytes=0-0" {
		t.Errorf("asked %q", l.Requests().Operations())
	}
}
