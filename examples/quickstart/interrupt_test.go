//go:build !windows

package main

import (
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// TestInterrupted: a signal in the middle of it ends it, and it still cleans up.
// (Windows has no way to send one process a Ctrl-C.)
func TestInterrupted(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
		for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
			t.Run(signal.String(), func(t *testing.T) {
				at := newPlace(t, s)
				arrived := make(chan struct{}, 16)
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if s3proxy.Operation(r) != "CopyObject" {
						return nil
					}
					return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						arrived <- struct{}{}
						<-r.Context().Done()
					})
				})
				cmd := child(t, at.env(), "s3://"+at.bucket+"/some/prefix")
				fails(t, cmd, signal.String()+" signal received", func() {
					select {
					case <-arrived:
					case <-time.After(30 * time.Second):
						t.Error("it has not come to a rename")
					}
					if err := cmd.Process.Signal(signal); err != nil {
						t.Error(err)
					}
				})
				at.untouched(t)
			})
		}
	})
}

// TestInterruptedVisitor: nor is the presigned URL waited for.
func TestInterruptedVisitor(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
		at := newPlace(t, s)
		arrived := make(chan struct{})
		at.Proxy.Intercept(func(r *http.Request) http.Handler {
			if !r.URL.Query().Has("X-Amz-Signature") {
				return nil
			}
			return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				close(arrived)
				<-r.Context().Done()
			})
		})
		cmd := child(t, at.env(), "s3://"+at.bucket+"/some/prefix")
		fails(t, cmd, "signal received", func() {
			select {
			case <-arrived:
			case <-time.After(30 * time.Second):
				t.Error("it has not come to the URL")
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
		})
		at.untouched(t)
	})
}
