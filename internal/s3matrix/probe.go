package s3matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// row is one property of S3, and how to find out whether a server has it.
type row struct {
	gap Gap
	// probe is nil where the server does as AWS documents, and says what it did
	// instead where it does not.
	probe     func(context.Context, *probe) error
	plainOnly bool // says nothing of a server with TLS
}

// rows is every property that is probed for.
var rows = slices.Concat(keyRows, listRows, conditionRows, uploadRows, accessRows)

// probe is a server, a client of it that tries once, and a fresh bucket.
type probe struct {
	*Server
	SDK    *s3.Client
	bucket *string
	puts   []string // keys, also those that a listing may not show
}

const (
	probesAtOnce = 8
	probeTimeout = 60 * time.Second
)

// probe asks the server for each property and remembers which it lacks. It is an
// error when these are not the expected ones.
func (s *Server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	found := map[Gap]error{}
	var (
		mu     sync.Mutex
		errs   []error
		wg     sync.WaitGroup
		places = make(chan struct{}, probesAtOnce)
	)
	for _, r := range rows {
		if r.plainOnly && s.tls != nil {
			continue
		}
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			lacks, err := s.ask(ctx, r)
			mu.Lock()
			defer mu.Unlock()
			found[r.gap] = lacks
			if err != nil {
				errs = append(errs, fmt.Errorf("s3matrix: %s: probing whether it %s: %w", s.Name, r.gap, err))
			}
		})
	}
	wg.Wait()
	s.gaps = found
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return compare(s.Name, expected[s.Name], found)
}

// ask runs one probe in a bucket of its own. err is about the bucket: it says
// nothing of the property.
func (s *Server) ask(ctx context.Context, r row) (lacks, err error) {
	name := s.bucketName("probe")
	if _, err := s.SDK.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(name)}); err != nil {
		return nil, err
	}
	once := s.client(s.Direct, s.SDK.Options().Credentials, func(o *s3.Options) { o.Retryer = aws.NopRetryer{} })
	p := &probe{Server: s, SDK: once, bucket: aws.String(name)}
	lacks = r.probe(ctx, p)
	if ctx.Err() != nil {
		return lacks, ctx.Err() // it was cut off: that is no answer
	}
	for _, key := range p.puts {
		// What fails here, such as a key that could not be put, is left to removeBucket.
		_, _ = once.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: p.bucket, Key: &key})
	}
	return lacks, s.removeBucket(ctx, name)
}

func (p *probe) put(ctx context.Context, key, body string) error {
	p.puts = append(p.puts, key)
	_, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		return fmt.Errorf("PUT %.40q: %w", key, err)
	}
	return nil
}

// holds is nil when the object has this body.
func (p *probe) holds(ctx context.Context, key, want string) error {
	out, err := p.SDK.GetObject(ctx, &s3.GetObjectInput{Bucket: p.bucket, Key: &key})
	if err != nil {
		return fmt.Errorf("GET %.40q: %w", key, err)
	}
	defer out.Body.Close()
	got, err := io.ReadAll(out.Body)
	if err != nil {
		return fmt.Errorf("GET %.40q: %w", key, err)
	}
	if string(got) != want {
		return fmt.Errorf("GET %.40q: the body is %.40q, not %.40q", key, got, want)
	}
	return nil
}

// holdsEach puts objects, each with its own key as body, and is nil when each is
// there.
func (p *probe) holdsEach(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := p.put(ctx, key, key); err != nil {
			return err
		}
	}
	for _, key := range keys {
		if err := p.holds(ctx, key, key); err != nil {
			return err
		}
	}
	return nil
}

// keeps is holdsEach, and a listing has exactly these.
func (p *probe) keeps(ctx context.Context, keys []string) error {
	if err := p.holdsEach(ctx, keys); err != nil {
		return err
	}
	out, err := p.SDK.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: p.bucket})
	if err != nil {
		return fmt.Errorf("LIST: %w", err)
	}
	var listed []string
	for _, o := range out.Contents {
		listed = append(listed, aws.ToString(o.Key))
	}
	if want := slices.Sorted(slices.Values(keys)); !slices.Equal(listed, want) {
		return fmt.Errorf("LIST: %.80q, not %.80q", listed, want)
	}
	return nil
}

// etag puts an object and returns its ETag.
func (p *probe) etag(ctx context.Context, key, body string) (*string, error) {
	out, err := p.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: p.bucket, Key: &key, Body: strings.NewReader(body)})
	if err != nil {
		return nil, fmt.Errorf("PUT %q: %w", key, err)
	}
	return out.ETag, nil
}

// refused is nil when err is an answer with one of these statuses.
func refused(what string, err error, statuses ...int) error {
	if err == nil {
		return fmt.Errorf("%s: accepted, not %d", what, statuses)
	}
	if r, ok := errors.AsType[*smithyhttp.ResponseError](err); ok && slices.Contains(statuses, r.HTTPStatusCode()) {
		return nil
	}
	return fmt.Errorf("%s: not %d: %w", what, statuses, err)
}
