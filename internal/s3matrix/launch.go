package s3matrix

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

// region is where every server says it is.
const region = "us-east-1"

// access is a pair of keys. Each start makes new ones, so that a server is never
// mistaken for another that happens to listen on its port.
type access struct{ key, secret string }

func newAccess() access { return access{key: "AK" + rand.Text()[:16], secret: rand.Text()} }

// startInProcess is the server that is always there.
func startInProcess(opts ...s3server.Option) (*Server, error) {
	keys := newAccess()
	handler, err := s3server.New(append(opts, s3server.WithCredentials(keys.key, keys.secret), s3server.WithRegion(region))...)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	direct := &http.Server{Handler: handler}
	served := make(chan error, 1)
	go func() { served <- direct.Serve(l) }()
	stop := func() error {
		err := direct.Close()
		if serr := <-served; !errors.Is(serr, http.ErrServerClosed) {
			err = errors.Join(err, serr)
		}
		return err
	}
	s, err := newServer(InProcess, "http://"+l.Addr().String(), handler, keys, nil, nil)
	if err != nil {
		return nil, errors.Join(err, stop())
	}
	s.closers = append([]func() error{stop}, s.closers...)
	return s, nil
}

// startVersityGW starts versitygw over a directory.
func startVersityGW(ctx context.Context, path string) (*Server, error) {
	keys := newAccess()
	return startProgram(ctx, program{
		name:    VersityGW,
		path:    path,
		env:     []string{"ROOT_ACCESS_KEY=" + keys.key, "ROOT_SECRET_KEY=" + keys.secret},
		subdirs: []string{"objects", "versions"},
		args: func(addr, dir string) []string {
			return []string{
				"--port", addr, "--region", region, "--quiet",
				"--keep-alive", // it closes each connection otherwise
				"posix", "--versioning-dir", filepath.Join(dir, "versions"), filepath.Join(dir, "objects"),
			}
		},
	}, keys, nil)
}

// startMinIO starts MinIO over a directory, with TLS and a KMS when certs is given.
func startMinIO(ctx context.Context, path string, certs *certificate) (*Server, error) {
	keys := newAccess()
	name, env := MinIO, minioEnv(keys)
	if certs != nil {
		name = SecureName
		env = append(env, "MINIO_KMS_SECRET_KEY="+kmsKey+":"+newKMSSecret())
	}
	s, err := startProgram(ctx, program{
		name:    name,
		path:    path,
		env:     env,
		subdirs: []string{"objects", "certs", "certs/CAs"},
		args: func(addr, dir string) []string {
			return []string{"server", "--quiet", "--address", addr, "--certs-dir", filepath.Join(dir, "certs"), filepath.Join(dir, "objects")}
		},
		prepare: func(dir string) error {
			if certs == nil {
				return nil
			}
			return certs.write(filepath.Join(dir, "certs"))
		},
		// It serves S3 before it has read its configuration, and then takes
		// signatures for any region; its health waits for users and metadata,
		// which it reads after that.
		health: "/minio/health/cluster",
	}, keys, certs)
	if err == nil && certs != nil {
		s.KMSKey = kmsKey
	}
	return s, err
}

// minioEnv keeps MinIO from everything but serving S3: no console, no look for
// updates, no calls home.
func minioEnv(keys access) []string {
	return []string{
		"MINIO_ROOT_USER=" + keys.key,
		"MINIO_ROOT_PASSWORD=" + keys.secret,
		"MINIO_SITE_REGION=" + region, // without it signatures for any region are accepted
		"MINIO_BROWSER=off",
		"MINIO_UPDATE=off",
		"MINIO_CALLHOME_ENABLE=off",
		"MINIO_CI_CD=on", // lets it use the root drive
	}
}

// startProgram starts a program and makes a Server of it.
func startProgram(ctx context.Context, p program, keys access, certs *certificate) (*Server, error) {
	scheme, config, roots := "http://", certs.config(), certs.roots()
	if config != nil {
		scheme = "https://"
	}
	proc, err := p.start(ctx, func(ctx context.Context, addr string) error {
		return p.serves(ctx, scheme+addr, keys, roots)
	})
	if err != nil {
		return nil, err
	}
	next, err := forward(scheme + proc.addr)
	if err != nil {
		return nil, errors.Join(err, proc.stop())
	}
	next.Trust(roots)
	s, err := newServer(p.name, scheme+proc.addr, next, keys, config, roots)
	if err != nil {
		return nil, errors.Join(err, proc.stop())
	}
	s.closers = append([]func() error{proc.stop, func() error { next.Close(); return nil }}, s.closers...)
	return s, nil
}

// serves is nil when all of the program is ready to be tested.
func (p program) serves(ctx context.Context, endpoint string, keys access, roots *x509.CertPool) error {
	if err := answers(ctx, endpoint, keys, roots); err != nil || p.health == "" {
		return err
	}
	return healthy(ctx, endpoint+p.health, roots)
}

// answers is nil when a server that knows these keys lists its buckets.
func answers(ctx context.Context, endpoint string, keys access, roots *x509.CertPool) error {
	_, err := s3.New(s3.Options{
		Region:       region,
		BaseEndpoint: aws.String(endpoint),
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider(keys.key, keys.secret, ""),
		HTTPClient:   once(roots),
		Retryer:      aws.NopRetryer{},
	}).ListBuckets(ctx, &s3.ListBucketsInput{})
	return err
}

// healthy is nil when a server's health URL answers 200.
func healthy(ctx context.Context, url string, roots *x509.CertPool) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := once(roots).Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return nil
}

// once is an HTTP client that keeps no connection.
func once(roots *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: trusting(roots)}}
}
