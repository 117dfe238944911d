package s3matrix

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// wire notes the request targets a client sends.
type wire struct {
	http.RoundTripper
	mu      sync.Mutex
	targets []string
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.targets = append(w.targets, r.Method+" "+r.URL.RequestURI())
	w.mu.Unlock()
	return w.RoundTripper.RoundTrip(r)
}

// through is a client that goes through a proxy of the test's own, tries once, and
// leaves no connection behind.
func through(t *testing.T, s *Server) (*s3.Client, *wire) {
	transport := &http.Transport{TLSClientConfig: s.HTTP.Transport.(*http.Transport).TLSClientConfig, ExpectContinueTimeout: time.Minute}
	t.Cleanup(transport.CloseIdleConnections)
	sent := &wire{RoundTripper: transport}
	return s.client(s.URL, credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""), func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: sent}
		o.Retryer = aws.NopRetryer{}
	}), sent
}

// Signatures are over the path, the host and the headers: what the server accepts
// was not changed on its way. What the proxy recorded is what the client sent.
func TestSignaturesSurvive(t *testing.T) {
	servers.Run(t, func(t *testing.T, shared *Server) {
		for _, row := range []struct {
			key   string
			needs []Gap
		}{
			{"plain", nil},
			{"a b+c%d?e#f/\u00e9/x", nil},
			{"a%2Fb", nil},
			{"%41/%zz", nil},
			{"*'()!~,;:@&=$[]{}|^`\"<>\\", nil},
			{"\U0001F600/\u4e2d\u6587", nil},
			{"dot.dir/.hidden/...", nil},
			{"a//b", []Gap{KeyEmptyComponent}},
			{"/lead", []Gap{KeyLeadingSlash}},
			{"//", []Gap{KeyEmptyComponent, KeyLeadingSlash}},
			{"trail/", []Gap{MarkerWithBody}},
			{"a/../b", []Gap{KeyDots}},
			{"a/./b", []Gap{KeyDots}},
			{"x\x01\ny", []Gap{KeyControl}},
		} {
			t.Run(row.key, func(t *testing.T) {
				if slices.ContainsFunc(row.needs, func(g Gap) bool { return shared.Lacks(t, g) }) {
					// It still must pass the proxy unchanged, if not the server.
					sameTarget(t, shared.Private(t), row.key, false)
					return
				}
				sameTarget(t, shared.Private(t), row.key, true)
			})
		}
	})
}

func sameTarget(t *testing.T, s *Server, key string, holds bool) {
	ctx, bucket := t.Context(), s.NewBucket(t)
	client, sent := through(t, s)
	p := &probe{Server: s, SDK: client, bucket: &bucket}
	err := p.put(ctx, key, "body of "+key)
	if err == nil {
		err = p.holds(ctx, key, "body of "+key)
	}
	if err == nil {
		p.SDK = s.SDK // and the object is where another client looks for it
		err = p.holds(ctx, key, "body of "+key)
	}
	if holds && err != nil {
		t.Error(err)
	}
	// The listing that empties the bucket may spell this key otherwise.
	if _, err := s.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}); err != nil && holds {
		t.Error(err)
	}
	var recorded []string
	for _, r := range s.Proxy.Requests() {
		recorded = append(recorded, r.Method+" "+r.Target)
		if r.Bucket != bucket || r.Key != key {
			t.Errorf("recorded bucket %q and key %q", r.Bucket, r.Key)
		}
	}
	if !slices.Equal(recorded, sent.targets) {
		t.Errorf("recorded %q, sent %q", recorded, sent.targets)
	}
}

// Every kind of request passes with its signature: streamed, chunked, presigned,
// with a body in XML, with a copy source in a header.
func TestRequestsPass(t *testing.T) {
	servers.Run(t, func(t *testing.T, shared *Server) { requestsPass(t, shared.Private(t)) })
}

func requestsPass(t *testing.T, s *Server) {
	ctx, bucket := t.Context(), aws.String(s.NewBucket(t))
	client, _ := through(t, s)
	big := bytes.Repeat([]byte("0123456789abcdef"), 6<<20/16)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("big"), Body: bytes.NewReader(big)})
	check(err)
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("sum"), Body: strings.NewReader("x"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	check(err)
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("big")})
	check(err)
	if got := aws.ToInt64(head.ContentLength); got != int64(len(big)) {
		t.Errorf("HEAD says %d bytes", got)
	}
	_, err = client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy"), CopySource: aws.String(*bucket + "/big")})
	check(err)
	p := &probe{Server: s, SDK: client, bucket: bucket}
	complete, err := p.upload(ctx, "parts", string(big), "last")
	check(err)
	_, err = client.CompleteMultipartUpload(ctx, complete)
	check(err)
	out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("parts")})
	check(err)
	got, err := io.ReadAll(out.Body)
	out.Body.Close()
	check(err)
	if string(got) != string(big)+"last" {
		t.Errorf("the upload in parts came back as %d other bytes", len(got))
	}
	presigned, err := s3.NewPresignClient(client).PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("sum")})
	check(err)
	resp, err := s.HTTP.Get(presigned.URL)
	check(err)
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	check(err)
	if string(body) != "x" {
		t.Errorf("presigned: %s %q", resp.Status, body)
	}
	_, err = client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("big")}, {Key: aws.String("copy")}}}})
	check(err)
	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket})
	check(err)
	if n := len(list.Contents); n != 2 {
		t.Errorf("%d objects are left", n)
	}

	log := s.Proxy.Requests()
	want := []string{
		"PutObject", "PutObject", "HeadObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPart",
		"CompleteMultipartUpload", "GetObject", "GetObject", "DeleteObjects", "ListObjectsV2",
	}
	if !slices.Equal(log.Operations(), want) {
		t.Fatalf("recorded %q, want %q", log.Operations(), want)
	}
	for i, r := range log {
		if r.Status != 200 || r.Bucket != *bucket {
			t.Errorf("request %d: %s: status %d, bucket %q", i, r.Operation, r.Status, r.Bucket)
		}
	}
	if log[0].RequestBytes != int64(len(big)) || log[8].ResponseBytes != int64(len(big))+4 || log[2].ResponseBytes != 0 {
		t.Errorf("recorded %d, %d and %d bytes", log[0].RequestBytes, log[8].ResponseBytes, log[2].ResponseBytes)
	}
	if xml := string(log[10].Body); !strings.Contains(xml, "<Key>copy</Key>") {
		t.Errorf("recorded the body %q", xml)
	}
}

// Through the proxy a server refuses what it refuses without it.
func TestRefusalsPass(t *testing.T) {
	servers.Run(t, func(t *testing.T, shared *Server) {
		s, ctx := shared.Private(t), t.Context()
		bucket := s.NewBucket(t)
		for _, row := range []struct {
			name     string
			provider aws.CredentialsProvider
		}{
			{"anonymous", aws.AnonymousCredentials{}},
			{"wrong secret", credentials.NewStaticCredentialsProvider(s.AccessKey, "wrong", "")},
		} {
			client := s.client(s.URL, row.provider)
			_, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket})
			if err := refused(row.name, err, 403); err != nil {
				t.Error(err)
			}
		}
		log := s.Proxy.Requests()
		if len(log) != 2 || log[0].Status != 403 || log[0].Header.Get("Authorization") != "" {
			t.Errorf("recorded %+v", log)
		}
	})
}

// A client that reads its answers keeps its connection, on every server.
func TestConnectionsAreKept(t *testing.T) {
	servers.Run(t, func(t *testing.T, shared *Server) {
		s := shared.Private(t)
		bucket := s.NewBucket(t)
		client, _ := through(t, s)
		p := &probe{Server: s, SDK: client, bucket: &bucket}
		for range 5 {
			if err := p.put(t.Context(), "k", "body"); err != nil {
				t.Fatal(err)
			}
			if err := p.holds(t.Context(), "k", "body"); err != nil {
				t.Fatal(err)
			}
		}
		if n, conns := s.Proxy.Count(), s.Proxy.Conns(); n != 10 || conns != 1 {
			t.Errorf("%d requests over %d connections", n, conns)
		}
	})
}

// The server with TLS performs customer keys and has a key for KMS, also through
// its proxy.
func TestSecure(t *testing.T) {
	s := servers.Secure(t).Private(t)
	t.Run("requests pass", func(t *testing.T) { requestsPass(t, s) })
	ctx, bucket := t.Context(), aws.String(s.NewBucket(t))
	client, _ := through(t, s)
	key := []byte("0123456789abcdef0123456789abcdef")
	sum := md5.Sum(key)
	algorithm, encoded, digest := aws.String("AES256"), aws.String(base64.StdEncoding.EncodeToString(key)), aws.String(base64.StdEncoding.EncodeToString(sum[:]))
	_, err := client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("c"), Body: strings.NewReader("secret"),
		SSECustomerAlgorithm: algorithm, SSECustomerKey: encoded, SSECustomerKeyMD5: digest,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("c")})
	if err := refused("GET without the customer key", err, 400); err != nil {
		t.Error(err)
	}
	out, err := client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: bucket, Key: aws.String("c"),
		SSECustomerAlgorithm: algorithm, SSECustomerKey: encoded, SSECustomerKeyMD5: digest,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if got, err := io.ReadAll(out.Body); err != nil || string(got) != "secret" {
		t.Errorf("GET with the customer key: %q, %v", got, err)
	}
	kms, err := client.PutObject(context.WithoutCancel(ctx), &s3.PutObjectInput{
		Bucket: bucket, Key: aws.String("k"), Body: strings.NewReader("x"),
		ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String(s.KMSKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	if kms.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !strings.HasSuffix(aws.ToString(kms.SSEKMSKeyId), s.KMSKey) {
		t.Errorf("PUT with KMS: %q %q", kms.ServerSideEncryption, aws.ToString(kms.SSEKMSKeyId))
	}
}
