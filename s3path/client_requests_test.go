package s3path_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// 30 bursts of 32 requests use no more connections than one burst needs. net/http
// gives up a connection when 50 ms pass between a request's last byte and its own
// noticing, which happens where the tests have too little of the machine: then the
// bursts are made again.
func TestConnectionsAreReused(t *testing.T) {
	const burst, bursts, rounds = 32, 30, 5
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "key=x")
		for round := 1; ; round++ {
			mark := at.Proxy.Mark()
			at.Proxy.Intercept(together(at, burst))
			for range bursts {
				var wg sync.WaitGroup
				for range burst {
					wg.Go(func() {
						if _, err := at.object("key").Stat(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
				at.Proxy.Intercept(nil)
			}
			log := at.Proxy.Since(mark)
			if n, conns := len(log), log.Conns(); n != bursts*burst || conns != burst && round == rounds {
				t.Fatalf("%d requests over %d connections", n, conns)
			} else if conns == burst {
				return
			}
		}
	})
}

// together answers n requests at once, so that each has a connection of its own:
// net/http gives a request that waits for one another's that has become free, and
// still makes what it began to.
func together(at *place, n int) func(*http.Request) http.Handler {
	var arrived sync.WaitGroup
	arrived.Add(n)
	return func(*http.Request) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			arrived.Done()
			arrived.Wait()
			at.pass(w, r)
		})
	}
}

// WithConcurrency bounds the requests under way in the whole client, with an SDK
// client of the caller's own too; what the caller holds open does not count.
func TestConcurrencyOfAClient(t *testing.T) {
	arrived := make(chan struct{}, 64)
	l := listen(t, func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		object(w, r)
	})
	l.SetLatency(2 * time.Millisecond)
	sdk := s3.New(s3.Options{Region: "us-east-1", BaseEndpoint: aws.String(l.URL), UsePathStyle: true})
	for name, c := range map[string]*s3path.Client{
		"own":        openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithConcurrency(3)),
		"SDK client": openClient(t, s3path.WithS3Client(sdk), s3path.WithConcurrency(3)),
	} {
		l.Reset()
		var open []*s3path.Reader
		for range 10 { // more than there are permits
			r, err := c.Object("bucket", "key").Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, r)
		}
		var wg sync.WaitGroup
		for range 30 {
			wg.Go(func() {
				if err := stat(t, c); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if peak := l.Peak(); peak > 3 {
			t.Errorf("%s: %d requests at once", name, peak)
		}
		for _, r := range open {
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
		for len(arrived) > 0 {
			<-arrived
		}
	}
	if _, err := s3path.NewClient(t.Context(), s3path.WithConcurrency(0)); err == nil || !strings.Contains(err.Error(), "WithConcurrency") {
		t.Errorf("0: %v", err)
	}
}

// One client serves any number of goroutines.
func TestManyGoroutines(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		var wg sync.WaitGroup
		for i := range 64 {
			wg.Go(func() {
				ctx := t.Context()
				p := at.object(fmt.Sprintf("dir%d/key", i%8)).Join(fmt.Sprint(i))
				body := bytes.Repeat([]byte{byte(i)}, 1000+i)
				if err := p.WriteBytes(ctx, body); err != nil {
					t.Error(err)
					return
				}
				got, err := p.ReadBytes(ctx)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("%v: %d bytes, %v", p, len(got), err)
				}
				if ok, err := p.Exists(ctx); !ok || err != nil {
					t.Error(p, ok, err)
				}
				if err := p.Remove(ctx); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		same(t, "keys", at.keys(t), nil)
	})
}

// Every operation on a bucket says who pays and whose the bucket should be, the
// source of a copy and the parts of an upload included.
func TestRequestPayerAndOwner(t *testing.T) {
	const owner = "123456789012"
	opts := []s3path.ClientOption{s3path.WithRequestPayer(), s3path.WithExpectedBucketOwner(owner), s3path.WithPartSize(5 << 20)}
	for _, kind := range []string{"client", "SDK client"} {
		t.Run(kind, func(t *testing.T) {
			at := newPlace(t, matrix.Servers()[0])
			c := at.newClient(t, opts...)
			if kind == "SDK client" {
				sdk := s3.New(s3.Options{Region: at.Region, BaseEndpoint: aws.String(at.URL), UsePathStyle: true,
					Credentials: configOf(at.AccessKey, at.SecretKey).Credentials})
				c = openClient(t, append(opts, s3path.WithS3Client(sdk))...)
			}
			at.client, at.bucket = c, c.Object(at.bucket.Bucket(), "")
			everyOperation(t, at)
			seen := map[string]bool{}
			for _, r := range at.Proxy.Requests() {
				seen[r.Operation] = true
				if r.Header.Get("X-Amz-Request-Payer") != "requester" && r.Operation != "ListBuckets" && r.Operation != "CreateBucket" {
					t.Errorf("%s does not say who pays", r.Operation)
				}
				if got := r.Header.Get("X-Amz-Expected-Bucket-Owner"); (got == owner) == (r.Operation == "ListBuckets" || r.Operation == "CreateBucket") {
					t.Errorf("%s: expected owner %q", r.Operation, got)
				}
				if source := r.Header.Get("X-Amz-Copy-Source") != ""; source != (r.Header.Get("X-Amz-Source-Expected-Bucket-Owner") == owner) {
					t.Errorf("%s: expected owner of the source %q", r.Operation, r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"))
				}
			}
			for _, name := range everyOperationMakes {
				if !seen[name] {
					t.Errorf("no %s was made", name)
				}
			}
		})
	}
	for _, bad := range []string{"", "12345", "12345678901x", "1234567890123"} {
		if _, err := s3path.NewClient(t.Context(), s3path.WithExpectedBucketOwner(bad)); err == nil || !strings.Contains(err.Error(), "WithExpectedBucketOwner") {
			t.Errorf("owner %q: %v", bad, err)
		}
	}
}

// everyOperationMakes are the operations that everyOperation has the client make.
var everyOperationMakes = []string{
	"AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateBucket", "CreateMultipartUpload", "DeleteBucket", "DeleteObject",
	"DeleteObjectTagging", "DeleteObjects", "GetObject", "GetObjectTagging", "HeadObject", "ListBuckets", "ListMultipartUploads",
	"ListObjectVersions", "ListObjectsV2", "PutObject", "PutObjectTagging", "RestoreObject", "UploadPart", "UploadPartCopy",
}

// everyOperation has a client make every request that it knows.
func everyOperation(t *testing.T, at *place) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	big := make([]byte, 6<<20)
	must(at.object("dir/small").WriteText(ctx, "x", s3path.WithTags(map[string]string{"a": "b"})))
	must(at.object("dir/big").WriteBytes(ctx, big))
	_, err := at.object("dir/small").ReadBytes(ctx)
	must(err)
	_, err = at.object("dir/small").ReadRange(ctx, 0, 1)
	must(err)
	_, err = at.object("dir/small").Stat(ctx)
	must(err)
	must(at.object("dir/small").Copy(ctx, at.object("dir/copy")))
	must(at.object("dir/big").Copy(ctx, at.object("dir/new"), s3path.WithNoOverwrite())) // in parts
	must(at.object("dir/small").SetTags(ctx, map[string]string{"c": "d"}))
	_, err = at.object("dir/small").Tags(ctx)
	must(err)
	must(at.object("dir/small").SetTags(ctx, nil))
	rels(t, at.bucket.Walk(ctx))
	rels(t, at.bucket.Versions(ctx))
	_, err = at.client.AbortStale(ctx, at.bucket, 0)
	must(err)
	if err := at.object("dir/small").Restore(ctx, 1, s3path.RestoreStandard); err == nil {
		t.Error("restored what is not archived")
	}
	w, err := at.object("dir/aborted").Create(ctx)
	must(err)
	_, err = w.Write(big)
	must(err)
	must(w.Abort())
	must(at.object("dir/copy").Remove(ctx))
	must(at.object("dir").RemoveAll(ctx))
	other := at.client.Object(at.bucket.Bucket()+"2", "")
	must(other.Mkdir(ctx))
	for _, err := range at.client.Buckets(ctx) {
		must(err)
	}
	must(other.Remove(ctx))
}

// A presigned URL of such a client works without headers that nobody sends.
func TestPresignedByRequestPayer(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "key=x")
		c := at.newClient(t, s3path.WithRequestPayer())
		url, err := c.Object(at.bucket.Bucket(), "key").PresignGet(t.Context(), time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.ToLower(url), "x-amz-request-payer=requester") {
			t.Errorf("the URL does not say who pays")
		}
		resp, err := at.HTTP.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != "x" {
			t.Errorf("%s %q %v", resp.Status, body, err)
		}
	})
}
