package s3path_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Requests decide the bill and the latency, so what each verb asks of S3 is part
// of its contract. It is counted where no client can hide a request, on a proxy
// before every server, and each call is made twice: in between a second client
// changes the tree, so that an answer that was merely remembered would be wrong.

var update = flag.Bool("update", false, "rewrite what the tests generate")

// bill is one call and what it may ask for.
type bill struct {
	call, on string // as the README's table shows them
	unlisted bool   // not in that table
	requests int    // exactly so many
	atMost   int    // instead, where the contract is a bound

	tree tree // before the first call; nil is the section's
	edit tree // what the second client does between the two calls
	do   func(t *testing.T, at *billed) string
	want [2]string // what the call found, first and second

	check func(t *testing.T, log s3proxy.Log)           // what else is to be seen on the wire
	asS3  func(at *billed, log s3proxy.Log) s3proxy.Log // without what a server that is not quite S3 needs besides
}

// section is bills of one kind, some of which share a tree.
type section struct {
	name  string
	tree  tree
	bills []bill
}

// tree is what the second client does to a bucket: "key", "key=body" or "-key".
type tree func(at *billed) []string

func these(edits ...string) tree { return func(*billed) []string { return edits } }

// billed is a place with listings of known pages, and a meter.
type billed struct {
	*place
	page  int // keys a page
	short int // keys that a tree of whole pages lacks here
	mark  int // requests after this one count
}

// The real servers are slow to fill: there, trees are a tenth of the size and so
// are the pages that are asked for. What the table says is counted in pages.
const (
	fullPage  = 1000
	smallPage = 100
)

func newBilled(t *testing.T, s *s3matrix.Server) *billed {
	t.Helper()
	if s.Name == s3matrix.InProcess {
		return &billed{place: newPlace(t, s), page: fullPage}
	}
	at := &billed{place: newPlace(t, s, s3path.WithListDefaults(s3path.WithPageSize(smallPage))), page: smallPage}
	if s.Name == s3matrix.MinIO {
		at.short = 1 // it says of a last page that is full that there is more, and then gives an empty one
	}
	return at
}

// of is a number of keys, scaled to the pages of this place.
func (at *billed) of(n int) int { return n * at.page / fullPage }

// full is the number that so many keys stand for.
func (at *billed) full(n int) int { return (n + at.short) * fullPage / at.page }

// start begins to count here: what was asked for before was only preparation.
func (at *billed) start() { at.mark = at.Proxy.Mark() }

// many is n keys.
func many(format string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(format, i)
	}
	return keys
}

// apply is the second client's work, which nobody counts. What it makes has a
// property, so that a copy can be seen to keep it.
func (at *place) apply(t *testing.T, edits []string) {
	t.Helper()
	keys := credentials.NewStaticCredentialsProvider(at.AccessKey, at.SecretKey, "")
	creds, err := keys.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	err = cloudpath.ForEach(t.Context(), 16, sequence(edits), func(ctx context.Context, edit string) error {
		key, body, _ := strings.Cut(edit, "=")
		method := http.MethodPut
		if gone, ok := strings.CutPrefix(key, "-"); ok {
			method, key = http.MethodDelete, gone
		}
		// The SDK's own way costs several times as much, and trees have thousands of keys.
		req := httptest.NewRequestWithContext(ctx, method, at.URL+"/"+at.bucket.Bucket()+"/"+key, strings.NewReader(body))
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		req.Header.Set("X-Amz-Content-Sha256", sum)
		req.Header.Set("Cache-Control", "max-age=7")
		if err := signer.SignHTTP(ctx, creds, req, sum, "s3", at.Region, time.Now()); err != nil {
			return err
		}
		answer := httptest.NewRecorder()
		at.Proxy.Next().ServeHTTP(answer, req)
		if answer.Code >= http.StatusMultipleChoices {
			return fmt.Errorf("%s %s: %d %s", method, key, answer.Code, answer.Body)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sequence[T any](items []T) func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// run makes the call twice and returns how many requests it made, and which.
func (b bill) run(t *testing.T, at *billed) string {
	t.Helper()
	if b.tree != nil {
		at.apply(t, b.tree(at))
	}
	asked, n := "", 0
	for i, want := range b.want {
		if i == 1 {
			at.apply(t, b.edit(at))
		}
		at.start()
		got := b.do(t, at)
		log := at.Proxy.Since(at.mark)
		if b.asS3 != nil {
			log = b.asS3(at, log)
		}
		if got != want {
			t.Errorf("call %d found %s, want %s", i+1, got, want)
		}
		words := inWords(log)
		switch {
		case b.atMost > 0 && len(log) > b.atMost:
			t.Errorf("call %d: %d requests (%s), want at most %d", i+1, len(log), words, b.atMost)
		case b.atMost == 0 && len(log) != b.requests:
			t.Errorf("call %d: %d requests (%s), want %d", i+1, len(log), words, b.requests)
		case i == 1 && words != asked:
			t.Errorf("the first call asked for %s, the second for %s", asked, words)
		}
		if b.check != nil {
			b.check(t, log)
		}
		asked, n = words, len(log)
	}
	return fmt.Sprintf("%d | %s", n, asked)
}

// operationWords are the operations in the README's words, in the order in which it
// names them.
var operationWords = []struct{ operation, word string }{
	{"HeadObject", "HEAD"}, {"GetObject", "GET"}, {"ListObjectsV2", "LIST"}, {"ListObjectVersions", "LIST of versions"},
	{"ListBuckets", "LIST of buckets"}, {"CreateMultipartUpload", "begin upload"}, {"UploadPart", "part"},
	{"UploadPartCopy", "copy of a part"}, {"CompleteMultipartUpload", "complete upload"},
	{"CopyObject", "COPY"}, {"PutObject", "PUT"}, {"DeleteObject", "DELETE"}, {"DeleteObjects", "DELETE of up to 1,000"},
	{"GetObjectTagging", "GET of tags"}, {"PutObjectTagging", "PUT of tags"}, {"CreateBucket", "PUT of a bucket"},
	{"DeleteBucket", "DELETE of a bucket"},
}

func inWords(log s3proxy.Log) string {
	counts := log.Counts()
	var parts []string
	for _, w := range operationWords {
		switch n := counts[w.operation]; {
		case n == 1:
			parts = append(parts, w.word)
		case n > 1:
			parts = append(parts, strconv.Itoa(n)+" × "+w.word)
		}
		delete(counts, w.operation)
	}
	for other, n := range counts {
		parts = append(parts, fmt.Sprintf("%d × %s (which has no word yet)", n, other))
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// said is a call's answer as text, an error by its kind.
func said(v any, err error) string {
	if err == nil {
		return fmt.Sprint(v)
	}
	for _, kind := range []error{
		fs.ErrNotExist, fs.ErrExist, cloudpath.ErrIsDirectory, cloudpath.ErrNotDirectory, cloudpath.ErrNotEmpty,
		cloudpath.ErrPreconditionFailed,
	} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return err.Error()
}

const (
	readme      = "../README.md"
	costsBegin  = "<!-- requests: measured by TestREADMERequests, written by go test ./s3path -run TestREADMERequests -update -->\n"
	costsEnd    = "<!-- end of requests -->\n"
	costsHeader = "| Call | On | Requests | Which |\n|---|---|--:|---|\n"
)

// TestREADMERequests: each verb makes the requests that it promises, on every
// server, and the README's table is what was counted.
func TestREADMERequests(t *testing.T) {
	matrix.Run(t, func(t *testing.T, s *s3matrix.Server) {
		measured := map[string]string{}
		for _, section := range sections {
			t.Run(section.name, func(t *testing.T) {
				var shared *billed
				if section.tree != nil {
					shared = newBilled(t, s)
					shared.apply(t, section.tree(shared))
				}
				for _, b := range section.bills {
					t.Run(b.name(), func(t *testing.T) {
						at := shared
						if b.tree != nil {
							at = newBilled(t, s)
						}
						measured[b.name()] = b.run(t, at)
					})
				}
			})
		}
		table, whole := tableOf(measured)
		if whole && !t.Failed() {
			compareREADME(t, table, *update && s.Name == s3matrix.InProcess)
		}
	})
}

func (b bill) name() string { return strings.ReplaceAll(b.call, "`", "") + " on " + b.on }

// tableOf is the README's table. It is not whole when -run chose some of the bills.
func tableOf(measured map[string]string) (table string, whole bool) {
	var text strings.Builder
	text.WriteString(costsHeader)
	above := ""
	for _, section := range sections {
		for _, b := range section.bills {
			requests, ok := measured[b.name()]
			if !ok {
				return "", false
			}
			if b.unlisted {
				continue
			}
			call := b.call
			if call == above {
				call = ""
			}
			above = b.call
			fmt.Fprintf(&text, "| %s | %s | %s |\n", call, b.on, requests)
		}
	}
	return text.String(), true
}

func compareREADME(t *testing.T, table string, rewrite bool) {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, opened := strings.Cut(string(text), costsBegin)
	old, tail, closed := strings.Cut(rest, costsEnd)
	switch {
	case !opened || !closed:
		t.Errorf("%s has no table between %q and %q", readme, costsBegin, costsEnd)
	case old == table:
	case rewrite:
		if err := os.WriteFile(readme, []byte(head+costsBegin+table+costsEnd+tail), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is stale: run go test ./s3path -run TestREADMERequests -update\nit has\n%sand not\n%s", readme, linesOnlyIn(old, table), linesOnlyIn(table, old))
	}
}

func linesOnlyIn(a, b string) string {
	var only strings.Builder
	for line := range strings.Lines(a) {
		if !strings.Contains(b, line) {
			only.WriteString(line)
		}
	}
	return only.String()
}
