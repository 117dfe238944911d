package s3matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

var servers *Matrix

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		play(role) // this process is a test's child, see process_test.go
	}
	os.Exit(Main(m, func(started *Matrix) { servers = started }))
}

// The gaps that were found are the gaps that are expected, on every server that
// the environment names, and none in process.
func TestMatrix(t *testing.T) {
	want := []string{InProcess}
	if os.Getenv(EnvVersityGW) != "" {
		want = append(want, VersityGW)
	}
	if os.Getenv(EnvMinIO) != "" {
		want = append(want, MinIO)
	}
	var got []string
	for _, s := range servers.Servers() {
		got = append(got, s.Name)
		if len(s.gaps) != len(rows) {
			t.Errorf("%s was asked for %d of %d properties", s.Name, len(s.gaps), len(rows))
		}
		var gaps []Gap
		for _, r := range rows {
			if s.Lacks(t, r.gap) {
				gaps = append(gaps, r.gap)
				t.Logf("%s %s\n\t%v", s.Name, r.gap, s.gaps[r.gap])
			}
		}
		if wanted := slices.Sorted(slices.Values(expected[s.Name])); !slices.Equal(slices.Sorted(slices.Values(gaps)), wanted) {
			t.Errorf("%s has the gaps %q, want %q", s.Name, gaps, wanted)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the servers are %q, want %q", got, want)
	}
	if len(expected[InProcess]) != 0 {
		t.Errorf("the in-process server may lack nothing, and is said to lack %q", expected[InProcess])
	}
}

func TestCompare(t *testing.T) {
	lacks := errors.New("did something else")
	for _, row := range []struct {
		name     string
		expected []Gap
		found    map[Gap]error
		want     string
	}{
		{"nothing", nil, map[Gap]error{}, ""},
		{"as expected", []Gap{KeyNUL}, map[Gap]error{KeyNUL: lacks}, ""},
		{"a new gap", []Gap{KeyNUL}, map[Gap]error{KeyNUL: lacks, BadToken: lacks}, "a gap nobody knew: x " + string(BadToken) + ": did something else"},
		{"a closed gap", []Gap{KeyNUL}, map[Gap]error{}, "a gap that is none"},
	} {
		t.Run(row.name, func(t *testing.T) {
			err := compare("x", row.expected, row.found)
			if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
				t.Errorf("compare = %v, want %q", err, row.want)
			}
		})
	}
}

// fakeTB is a test that remembers how it ended.
type fakeTB struct {
	testing.TB
	skipped, failed string
}

func (f *fakeTB) Helper() {}

func (f *fakeTB) Skipf(format string, args ...any) {
	f.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (f *fakeTB) Fatalf(format string, args ...any) {
	f.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// ends runs fn as a test of its own.
func ends(t *testing.T, fn func(testing.TB)) *fakeTB {
	f := &fakeTB{TB: t}
	done := make(chan struct{})
	go func() { defer close(done); fn(f) }()
	<-done
	return f
}

func TestNeeds(t *testing.T) {
	s := &Server{Name: VersityGW, gaps: map[Gap]error{FileBesideDirectory: errors.New("409")}, skips: &skips{counts: map[Gap]int{}}}
	if f := ends(t, func(tb testing.TB) { s.Needs(tb, KeyNUL, BadToken) }); f.skipped != "" || f.failed != "" {
		t.Errorf("without these gaps the test ended: %+v", f)
	}
	for range 2 {
		f := ends(t, func(tb testing.TB) { s.Needs(tb, KeyNUL, FileBesideDirectory) })
		if want := "skipped: versitygw cannot hold a beside a/b"; f.skipped != want {
			t.Errorf("skipped with %q, want %q", f.skipped, want)
		}
	}
	if f := ends(t, func(tb testing.TB) { s.Needs(tb, Gap("is misspelt")) }); f.failed == "" {
		t.Error("a gap that nobody looks for is accepted")
	}
	m := &Matrix{servers: []*Server{s}, absent: []string{"MinIO: not started"}}
	want := `s3matrix: versitygw: 2 skipped
s3matrix:      2  versitygw cannot hold a beside a/b
s3matrix: MinIO: not started
s3matrix: 2 skipped in all
`
	if got := m.Report(); got != want {
		t.Errorf("the report is\n%swant\n%s", got, want)
	}
}

// Without a server that has TLS the tests that need one are skipped, and counted.
func TestSecureIsCounted(t *testing.T) {
	t.Setenv(EnvMinIO, "")
	s := &Server{Name: InProcess, skips: &skips{counts: map[Gap]int{}}}
	m := &Matrix{servers: []*Server{s}}
	f := ends(t, func(tb testing.TB) { m.Secure(tb) })
	if f.skipped != "skipped: in-process "+string(TLS) || s.skips.snapshot()[TLS] != 1 {
		t.Errorf("skipped with %q, counted %v", f.skipped, s.skips.snapshot())
	}
}

// A bucket goes with its test, whatever is in it.
func TestNewBucket(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *Server) {
		var names []string
		t.Run("filled", func(t *testing.T) {
			ctx := t.Context()
			bucket, versioned := s.NewBucket(t), s.NewBucket(t)
			names = []string{bucket, versioned}
			put := func(bucket, key string) {
				if _, err := s.SDK.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(key)}); err != nil {
					t.Fatal(err)
				}
			}
			keys := []string{"a", "b/", "b/c", "d e+f%g/\u00e9&<>\"'"}
			if !s.Lacks(t, KeyControl) {
				keys = append(keys, "x\x01y", "x\ny")
			}
			if !s.Lacks(t, KeyEmptyComponent) {
				keys = append(keys, "b//c", "/lead")
			}
			for _, key := range keys {
				if key != "b/" || !s.Lacks(t, MarkerWithBody) {
					put(bucket, key)
				}
			}
			if _, err := s.SDK.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: aws.String("left/behind")}); err != nil {
				t.Fatal(err)
			}
			_, err := s.SDK.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
				Bucket:                  &versioned,
				VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
			})
			if err != nil {
				t.Fatal(err)
			}
			put(versioned, "a")
			put(versioned, "a")
			if _, err := s.SDK.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &versioned, Key: aws.String("a")}); err != nil {
				t.Fatal(err)
			}
		})
		if len(names) != 2 || names[0] == names[1] {
			t.Fatalf("the buckets were %q", names)
		}
		for _, name := range names {
			_, err := s.SDK.HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: &name})
			if err := refused("HEAD of the bucket", err, 404); err != nil {
				t.Error(err)
			}
		}
	})
}

// A test may remove its bucket itself.
func TestNewBucketRemoved(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *Server) {
		bucket := s.NewBucket(t)
		if _, err := s.SDK.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	})
}

// The buckets of the probes are gone when the tests begin.
func TestNoBucketsAtStart(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *Server) {
		out, err := s.SDK.ListBuckets(t.Context(), &s3.ListBucketsInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range out.Buckets {
			if strings.HasSuffix(*b.Name, "-probe") {
				t.Errorf("the bucket %s was left", *b.Name)
			}
		}
	})
}

// A private server counts its own requests and nobody else's.
func TestPrivate(t *testing.T) {
	servers.Run(t, func(t *testing.T, s *Server) {
		private, before := s.Private(t), s.Proxy.Count()
		if private.URL == s.URL || private.Proxy == s.Proxy {
			t.Fatal("the proxy is shared")
		}
		through := private.client(private.URL, s.SDK.Options().Credentials)
		if _, err := through.ListBuckets(context.Background(), &s3.ListBucketsInput{}); err != nil {
			t.Fatal(err)
		}
		if got := private.Proxy.Requests().Operations(); !slices.Equal(got, []string{"ListBuckets"}) {
			t.Errorf("the private proxy counted %q", got)
		}
		if got := s.Proxy.Count() - before; got != 0 {
			t.Errorf("the shared proxy counted %d", got)
		}
	})
}
