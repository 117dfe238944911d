package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

var (
	update  = flag.Bool("update", false, "rewrite the golden file")
	servers *s3matrix.Matrix
	program string // the quickstart, built
)

const golden = "../../testdata/quickstart.golden"

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "quickstart-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "quickstart.exe")
		if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building the quickstart: %v\n%s", err, out)
			return 1
		}
		return s3matrix.Main(m, func(started *s3matrix.Matrix) { servers = started })
	}())
}

// child is the program as a user has it: installed somewhere, run anywhere, by
// somebody without any AWS configuration but env.
func child(t *testing.T, env []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	home, temp := t.TempDir(), t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "HOME="+home, "USERPROFILE="+home, "TMPDIR="+temp, "TEMP="+temp, "TMP="+temp)
	cmd.Env = append(cmd.Env, env...)
	t.Cleanup(func() {
		if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
			t.Errorf("it left %v in the directory for temporary files, %v", left, err)
		}
	})
	return cmd
}

// fails runs the program, which has to fail with one line and status 1.
func fails(t *testing.T, cmd *exec.Cmd, want string, during ...func()) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, fn := range during {
		fn()
	}
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 {
		t.Errorf("ended with %v, want status 1", err)
	}
	line, rest, _ := strings.Cut(stderr.String(), "\n")
	if rest != "" || !strings.HasPrefix(line, "quickstart: ") || !strings.Contains(line, want) {
		t.Errorf("said %q, want one line with %q", stderr.String(), want)
	}
}

// place is a server with a bucket in which somebody else keeps things.
type place struct {
	*s3matrix.Server
	bucket string
}

var theirs = map[string]string{
	"LOGBOOK": "1", "lake/LOGBOOK": "2", "some/prefix/notes.md": "3", "some/prefix-too/x": "4", "some/other": "5",
	"some/prefix/quickstart/x": "6", "quickstart": "7",
}

func newPlace(t *testing.T, s *s3matrix.Server) *place {
	t.Helper()
	at := &place{Server: s.Private(t)}
	at.bucket = s.NewBucket(t)
	for key, body := range theirs {
		in := &s3.PutObjectInput{Bucket: aws.String(at.bucket), Key: aws.String(key), Body: strings.NewReader(body)}
		if _, err := at.SDK.PutObject(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	return at
}

func (at *place) env() []string {
	return []string{
		"AWS_ENDPOINT_URL=" + at.URL, "AWS_REGION=" + at.Region,
		"AWS_ACCESS_KEY_ID=" + at.AccessKey, "AWS_SECRET_ACCESS_KEY=" + at.SecretKey,
	}
}

// untouched fails the test unless the bucket is as it was before.
func (at *place) untouched(t *testing.T) {
	t.Helper()
	found := map[string]string{}
	list, err := at.SDK.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(at.bucket)})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list.Contents {
		out, err := at.SDK.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(at.bucket), Key: o.Key})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(out.Body)
		if err = errors.Join(err, out.Body.Close()); err != nil {
			t.Fatal(err)
		}
		found[*o.Key] = string(body)
	}
	if !maps.Equal(found, theirs) {
		t.Errorf("the bucket has\n%v, and had\n%v", found, theirs)
	}
	uploads, err := at.SDK.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(at.bucket)})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("uploads left: %v, %v", uploads, err)
	}
}

var (
	rootLine = regexp.MustCompile(`(?m)^root is s3://(.*)$`)
	address  = regexp.MustCompile(`http://127\.0\.0\.1:\d+/`)
	requests = regexp.MustCompile(`(?m)^  .* (\d+) requests?$`)
	inAll    = regexp.MustCompile(`(?m)^(\d+) requests in all$`)
)

// compare compares what was printed with the golden file, and returns the number
// of requests that it says it took.
func compare(t *testing.T, out string, rewrite bool) int {
	t.Helper()
	root := rootLine.FindStringSubmatch(out)
	all := inAll.FindStringSubmatch(out)
	if root == nil || all == nil {
		t.Fatalf("it printed\n%s", out)
	}
	sum := 0
	for _, n := range requests.FindAllStringSubmatch(out, -1) {
		k, err := strconv.Atoi(n[1])
		if err != nil {
			t.Fatal(err)
		}
		sum += k
	}
	if strconv.Itoa(sum) != all[1] {
		t.Errorf("%d requests one by one, %s in all", sum, all[1])
	}
	got := strings.ReplaceAll(out, root[1], "BUCKET/ROOT")
	got = address.ReplaceAllString(got, "http://HOST/")
	if rewrite {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("it printed\n%s\nand not, as %s has it,\n%s", got, golden, want)
	}
	return sum
}

func TestEmbedded(t *testing.T) {
	out, err := child(t, nil).Output()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, string(out), *update)
	if !strings.Contains(string(out), "\nroot is s3://quickstart/lake\n") {
		t.Error("its root is another one")
	}
}

func TestOnServers(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
		for _, prefix := range []string{"", "/", "/some/prefix", "/some/prefix/", "/new"} {
			t.Run("s3://bucket"+prefix, func(t *testing.T) {
				at := newPlace(t, s)
				out, err := child(t, at.env(), "s3://"+at.bucket+prefix).Output()
				if err != nil {
					t.Fatal(err)
				}
				said := compare(t, string(out), false)
				// And one to see the bucket, and two to clean up what is gone already.
				if n := at.Proxy.Count(); n != said+3 {
					t.Errorf("it said %d requests, and made %d", said+3, n)
				}
				at.untouched(t)
			})
		}
	})
}

func TestFailures(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
		at := newPlace(t, s)
		for _, row := range []struct {
			args []string
			env  []string
			want string
		}{
			{[]string{"s3://a", "s3://b"}, at.env(), "no argument, or s3://bucket/prefix"},
			{[]string{"some/prefix"}, at.env(), "does not begin with s3://"},
			{[]string{"s3://absent-" + at.bucket}, at.env(), "there is no bucket"},
			{[]string{"s3://" + at.bucket}, append(at.env(), "AWS_SECRET_ACCESS_KEY=wrong"), "check the credentials"},
			{[]string{"s3://" + at.bucket}, append(at.env(), "AWS_ENDPOINT_URL=http://127.0.0.1:1"), "cannot be reached"},
		} {
			t.Run(row.want, func(t *testing.T) { fails(t, child(t, row.env, row.args...), row.want) })
		}
		at.untouched(t)

		// Whatever is forbidden in the middle of it, all that it made is removed.
		for _, operation := range []string{"PutObject", "GetObject", "CopyObject"} {
			t.Run("forbidden "+operation, func(t *testing.T) {
				at := newPlace(t, s)
				at.Proxy.Intercept(func(r *http.Request) http.Handler {
					if s3proxy.Operation(r) != operation {
						return nil
					}
					return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.WriteHeader(http.StatusForbidden)
						io.WriteString(w, "<Error><Code>AccessDenied</Code><Message>Not today.</Message></Error>")
					})
				})
				fails(t, child(t, at.env(), "s3://"+at.bucket+"/some/prefix"), "AccessDenied: Not today")
				at.untouched(t)
			})
		}
		t.Run("forbidden DeleteObjects", func(t *testing.T) {
			at := newPlace(t, s)
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if s3proxy.Operation(r) != "DeleteObjects" {
					return nil
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
			})
			fails(t, child(t, at.env(), "s3://"+at.bucket+"/some/prefix"), "may be left behind")
		})
	})
}

// TestPrintedCode: what is printed as the code of a call is the code of that call.
func TestPrintedCode(t *testing.T) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	text := func(n ast.Node) string {
		var b strings.Builder
		if err := format.Node(&b, fset, n); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	calls := 0
	ast.Inspect(file, func(n ast.Node) bool {
		outer, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		printed, ok := outer.Fun.(*ast.CallExpr)
		if !ok || text(printed.Fun) != "p.call" {
			return true
		}
		made := map[string]bool{}
		for _, arg := range outer.Args {
			ast.Inspect(arg, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					made[text(call)] = true
				}
				return true
			})
		}
		for _, arg := range printed.Args {
			calls++
			code, err := strconv.Unquote(text(arg))
			if err != nil || !made[code] {
				t.Errorf("it prints %s, and does not do that: %v", text(arg), err)
			}
		}
		return true
	})
	if calls < 20 {
		t.Errorf("found %d calls", calls)
	}
}
