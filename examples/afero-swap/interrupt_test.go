//go:build !windows

package main

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// Ctrl-C in the middle of it ends it, and its directory is gone all the same.
func TestInterrupted(t *testing.T) {
	s := servers.Servers()[0].Private(t)
	bucket := s.NewBucket(t)
	var once sync.Once
	arrived := make(chan struct{})
	s.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != "CopyObject" {
			return nil
		}
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			once.Do(func() { close(arrived) })
			<-r.Context().Done()
		})
	})
	cmd := exec.CommandContext(t.Context(), program, "-storage", "s3://"+bucket)
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+s.URL, "AWS_REGION="+s.Region, "AWS_ACCESS_KEY_ID="+s.AccessKey, "AWS_SECRET_ACCESS_KEY="+s.SecretKey)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-arrived
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status is looked at
	if code := cmd.ProcessState.ExitCode(); code != 1 || !strings.Contains(stderr.String(), "context canceled") || strings.Count(stderr.String(), "\n") != 1 {
		t.Errorf("ended with status %d and %q", code, stderr.String())
	}
	list, err := s.SDK.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil || len(list.Contents) != 0 {
		t.Errorf("%d objects are left, %v", len(list.Contents), err)
	}
}
