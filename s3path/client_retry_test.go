package s3path_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func TestRetries(t *testing.T) {
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		tried  bool
	}{
		{"500", refuseAll(500, "InternalError", "We encountered an internal error."), true},
		{"502", text(502, "<html>"), true},
		{"503", refuseAll(503, "SlowDown", "Please reduce your request rate."), true},
		{"503 without a word", text(503, ""), true},
		{"429", refuseAll(429, "TooManyRequests", ""), true},
		{"429 without a word", text(429, ""), true},
		{"a broken connection", cut, true},
		{"400", refuseAll(400, "InvalidRequest", ""), false},
		{"403", refuseAll(403, "AccessDenied", ""), false},
		{"404", refuseAll(404, "NoSuchKey", ""), false},
		{"412", refuseAll(412, "PreconditionFailed", ""), false},
		{"501", refuseAll(501, "NotImplemented", ""), false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l := stalling(t, 1, row.answer)
			p := openClient(t, s3path.WithEndpoint(l.URL), keys()).Object("bucket", "key")
			err := p.WriteText(t.Context(), "body") // which is sent again whole
			if (err == nil) != row.tried {
				t.Error(err)
			}
			want := 1
			if row.tried {
				want = 2
			}
			if n := l.Requests().Operation("PutObject"); len(n) != want {
				t.Errorf("%d attempts, want %d", len(n), want)
			}
			if last := l.last(t); row.tried && last.RequestBytes < 4 {
				t.Errorf("the second attempt sent %d bytes", last.RequestBytes)
			}
		})
	}
}

// How often a request is tried: WithMaxAttempts, else AWS_MAX_ATTEMPTS, else 3.
func TestMaxAttempts(t *testing.T) {
	bareEnvironment(t)
	var wg sync.WaitGroup // of the requests; the clients are made one by one, for each its environment
	attempts := func(what string, want int, opts ...s3path.ClientOption) {
		l := listen(t, text(503, ""))
		p := openClient(t, append([]s3path.ClientOption{s3path.WithEndpoint(l.URL)}, opts...)...).Object("bucket", "key")
		wg.Go(func() {
			_, err := p.ReadBytes(t.Context())
			if err == nil || !strings.Contains(err.Error(), "fewer requests") {
				t.Errorf("%s: %v", what, err)
			}
			if n := l.Count(); n != want {
				t.Errorf("%s: %d attempts, want %d", what, n, want)
			}
		})
	}
	attempts("default", 3, keys())
	attempts("option", 1, keys(), s3path.WithMaxAttempts(1))
	attempts("option", 2, keys(), s3path.WithMaxAttempts(2))
	attempts("own configuration", 2, s3path.WithAWSConfig(aws.Config{RetryMaxAttempts: 2}))
	attempts("own retryer", 1, s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }}))
	attempts("own retryer of the SDK's kind", 2, s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 2 })
	}}))
	attempts("own retryer, option", 2, s3path.WithMaxAttempts(2), s3path.WithAWSConfig(aws.Config{Retryer: func() aws.Retryer {
		return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 5 })
	}}))
	attempts("own retryer for S3", 1, s3path.WithAWSConfig(aws.Config{ServiceOptions: []func(string, any){func(_ string, o any) {
		if o, ok := o.(*s3.Options); ok {
			o.Retryer = aws.NopRetryer{}
		}
	}}}))
	t.Setenv("AWS_MAX_ATTEMPTS", "2")
	attempts("AWS_MAX_ATTEMPTS", 2, keys())
	attempts("AWS_MAX_ATTEMPTS, anonymous", 2, s3path.WithAnonymous())
	attempts("option before AWS_MAX_ATTEMPTS", 1, keys(), s3path.WithMaxAttempts(1))
	t.Setenv("AWS_RETRY_MODE", "adaptive")
	attempts("AWS_RETRY_MODE", 2, keys())
	wg.Wait()
	for _, n := range []int{0, -1} {
		if _, err := s3path.NewClient(t.Context(), s3path.WithMaxAttempts(n)); err == nil || !strings.Contains(err.Error(), "WithMaxAttempts") {
			t.Errorf("%d attempts: %v", n, err)
		}
	}
}

// No budget is shared: a prefix that fails for long takes no retries from the
// rest of the client. (The SDK's own budget is spent after 100 failures.)
func TestNoRetryBudget(t *testing.T) {
	l := listen(t, text(503, ""))
	const n = 150
	c := openClient(t, s3path.WithEndpoint(l.URL), keys(), s3path.WithMaxAttempts(2), s3path.WithConcurrency(n))
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			if _, err := c.Object("bucket", "key").ReadBytes(t.Context()); err == nil {
				t.Error("no error")
			}
		})
	}
	wg.Wait()
	if got := l.Count(); got != 2*n {
		t.Errorf("%d attempts at %d requests that failed, want %d", got, n, 2*n)
	}
}
