package s3server_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

const bucket = "bucket"

// client talks to one server, raw and through the AWS SDK.
type client struct {
	t         testing.TB
	url       string
	srv       *s3server.Server
	transport *http.Transport
	probing   bool // failures end a probe, not the test
}

// failed is what a probe panics with.
type failed string

func (c *client) fatalf(format string, args ...any) {
	c.t.Helper()
	if c.probing {
		panic(failed(fmt.Sprintf(format, args...)))
	}
	c.t.Fatalf(format, args...)
}

// start runs a server with an empty bucket until the test ends.
func start(t testing.TB, opts ...s3server.Option) *client {
	t.Helper()
	c := &client{t: t, srv: newServer(t, opts...)}
	if err := c.srv.CreateBucket(bucket); err != nil {
		t.Fatal(err)
	}
	c.serve()
	return c
}

// startDir runs a server whose bucket is a directory.
func startDir(t testing.TB, dir string, opts ...s3server.Option) *client {
	t.Helper()
	c := &client{t: t, srv: newServer(t, append(opts, s3server.WithDir(dir, bucket))...)}
	c.serve()
	return c
}

func newServer(t testing.TB, opts ...s3server.Option) *s3server.Server {
	t.Helper()
	srv, err := s3server.New(opts...)
	if err != nil {
		t.Fatal(err)
	}
	return srv
}

func (c *client) serve() {
	ts := httptest.NewServer(c.srv)
	c.t.Cleanup(ts.Close)
	c.url = ts.URL
	c.transport = &http.Transport{DisableCompression: true}
	c.t.Cleanup(c.transport.CloseIdleConnections)
}

// sdk is an SDK client without retries.
func (c *client) sdk(change ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(c.url),
		Region:       "us-east-1",
		UsePathStyle: true,
		Credentials:  credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", ""),
		HTTPClient:   &http.Client{Transport: c.transport},
		Retryer:      aws.NopRetryer{},
	}, change...)
}

// answer is a response with its body read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends one request. The path is sent as it is; headers are "Name: value".
func (c *client) do(method, path, body string, headers ...string) answer {
	c.t.Helper()
	a, err := c.try(method, path, body, headers...)
	if err != nil {
		c.fatalf("%v", err)
	}
	return a
}

func (c *client) try(method, path, body string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body == "" {
		r.Body = http.NoBody
	}
	for _, h := range headers {
		if name, value, ok := strings.Cut(h, ": "); ok {
			r.Header.Set(name, value)
		}
	}
	resp, err := c.transport.RoundTrip(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(data)}, err
}

// at is the path of a key.
func at(key string) string { return "/" + bucket + "/" + escapeKey(key) }

func escapeKey(key string) string {
	escaped := strings.ReplaceAll(url.QueryEscape(key), "+", "%20")
	return strings.ReplaceAll(escaped, "%2F", "/")
}

// put stores an object and fails the test if it cannot.
func (c *client) put(key, body string, headers ...string) answer {
	c.t.Helper()
	a := c.do("PUT", at(key), body, headers...)
	if a.status != 200 {
		c.fatalf("PUT %q: %d %s", key, a.status, a.body)
	}
	return a
}

func (c *client) enableVersions() {
	c.t.Helper()
	a := c.do("PUT", "/"+bucket+"?versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`)
	if a.status != 200 {
		c.fatalf("PutBucketVersioning: %d %s", a.status, a.body)
	}
}

func (a answer) etag() string { return a.header.Get("ETag") }

// code is the S3 code of an error.
func (a answer) code() string {
	var e struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	if xml.Unmarshal([]byte(a.body), &e) != nil {
		return ""
	}
	return e.Code
}

// is fails unless the answer has this status and, where one is given, this code.
func (a answer) is(what string, status int, code string) error {
	if a.status != status || a.code() != code {
		return fmt.Errorf("%s: got %d %q, want %d %q\n%s", what, a.status, a.code(), status, code, a.body)
	}
	return nil
}

// has fails unless the answer has this header.
func (a answer) has(name, value string) error {
	if got := a.header.Get(name); got != value {
		return fmt.Errorf("header %s: got %q, want %q", name, got, value)
	}
	return nil
}

// all is the first of the errors.
func all(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

func md5Header(body string) string {
	sum := md5.Sum([]byte(body))
	return "Content-MD5: " + base64.StdEncoding.EncodeToString(sum[:])
}

// deleteMany sends DeleteObjects.
func (c *client) deleteMany(quiet bool, objects ...string) (answer, deleteResult) {
	c.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "<Delete><Quiet>%v</Quiet>", quiet)
	for _, o := range objects {
		b.WriteString("<Object>" + o + "</Object>")
	}
	b.WriteString("</Delete>")
	a := c.do("POST", "/"+bucket+"?delete", b.String(), md5Header(b.String()))
	var out deleteResult
	if a.status == 200 {
		c.parse(a, &out)
	}
	return a, out
}

type deleteResult struct {
	Deleted []struct {
		Key, VersionId, DeleteMarkerVersionId string
		DeleteMarker                          bool
	}
	Error []struct{ Key, Code string }
}

func (c *client) parse(a answer, into any) {
	c.t.Helper()
	if a.status != 200 {
		c.fatalf("got %d %s", a.status, a.body)
	}
	if err := xml.Unmarshal([]byte(a.body), into); err != nil {
		c.fatalf("%v in\n%s", err, a.body)
	}
}

// pageOfKeys is the answer to a listing.
type pageOfKeys struct {
	Name, Prefix, Delimiter, StartAfter, EncodingType string
	ContinuationToken, NextContinuationToken          string
	Marker, NextMarker                                string
	MaxKeys, KeyCount                                 int
	IsTruncated                                       bool
	Contents                                          []struct {
		Key, ETag, LastModified, StorageClass, ChecksumAlgorithm string
		Size                                                     int64
		Owner                                                    *struct{ ID string }
	}
	CommonPrefixes []struct{ Prefix string }
}

func (p pageOfKeys) keys() []string {
	var keys []string
	for _, o := range p.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

func (p pageOfKeys) prefixes() []string {
	var prefixes []string
	for _, o := range p.CommonPrefixes {
		prefixes = append(prefixes, o.Prefix)
	}
	return prefixes
}

// list sends ListObjectsV2 with name=value pairs.
func (c *client) list(query ...string) pageOfKeys {
	c.t.Helper()
	var p pageOfKeys
	c.parse(c.do("GET", "/"+bucket+"?list-type=2&"+encodeQuery(query), ""), &p)
	return p
}

func encodeQuery(pairs []string) string {
	q := make(url.Values)
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		q.Set(name, value)
	}
	return q.Encode()
}

// upload starts an upload in parts and returns its id.
func (c *client) upload(key string, headers ...string) string {
	c.t.Helper()
	var out struct{ UploadId string }
	c.parse(c.do("POST", at(key)+"?uploads", "", headers...), &out)
	return out.UploadId
}

func (c *client) part(key, id string, n int, body string, headers ...string) answer {
	c.t.Helper()
	a := c.do("PUT", fmt.Sprintf("%s?partNumber=%d&uploadId=%s", at(key), n, id), body, headers...)
	if a.status != 200 {
		c.fatalf("part %d of %q: %d %s", n, key, a.status, a.body)
	}
	return a
}

// complete sends CompleteMultipartUpload with these ETags for parts 1, 2, …
func (c *client) complete(key, id string, etags []string, headers ...string) answer {
	c.t.Helper()
	var b bytes.Buffer
	b.WriteString("<CompleteMultipartUpload>")
	for i, etag := range etags {
		fmt.Fprintf(&b, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag></Part>", i+1, etag)
	}
	b.WriteString("</CompleteMultipartUpload>")
	return c.do("POST", at(key)+"?uploadId="+id, b.String(), headers...)
}

// inParts uploads an object as parts.
func (c *client) inParts(key string, parts ...string) answer {
	c.t.Helper()
	id := c.upload(key)
	var etags []string
	for i, p := range parts {
		etags = append(etags, c.part(key, id, i+1, p).etag())
	}
	a := c.complete(key, id, etags)
	if a.status != 200 {
		c.fatalf("completing %q: %d %s", key, a.status, a.body)
	}
	return a
}
