package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
)

var (
	servers *s3matrix.Matrix
	program string // afero-swap, built
)

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "afero-swap-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "afero-swap.exe")
		if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building it: %v\n%s", err, out)
			return 1
		}
		return s3matrix.Main(m, func(started *s3matrix.Matrix) { servers = started })
	}())
}

// printed is what the program prints, run by somebody without any AWS configuration
// but env.
func printed(t *testing.T, env []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(append(cmd.Env, "HOME="+t.TempDir()), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

// The same program prints the same, wherever its files are, and leaves nothing behind.
func TestSameEverywhere(t *testing.T) {
	embedded, stderr, err := printed(t, nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, line := range []string{"  7 files", "  206 Partial Content, \"", "  pictures/lake.png ", "  OPENED", "  photos: missing true", "  lake: not empty true"} {
		if !strings.Contains(embedded, line) {
			t.Errorf("nothing says %q in\n%s", line, embedded)
		}
	}
	t.Run("disk", func(t *testing.T) {
		dir := t.TempDir()
		for _, where := range []string{dir, filepath.Join(dir, "new")} {
			got, stderr, err := printed(t, nil, "-storage", where)
			if err != nil || got != embedded {
				t.Errorf("%v %s\n%s\nand embedded\n%s", err, stderr, got, embedded)
			}
			if _, err := os.Stat(filepath.Join(where, workshop)); !os.IsNotExist(err) {
				t.Errorf("it left its directory: %v", err)
			}
		}
	})
	servers.Run(t, func(t *testing.T, s *s3matrix.Server) {
		bucket := s.NewBucket(t)
		env := []string{"AWS_ENDPOINT_URL=" + s.URL, "AWS_REGION=" + s.Region, "AWS_ACCESS_KEY_ID=" + s.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s.SecretKey}
		put := func(key string) {
			t.Helper()
			if _, err := s.SDK.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)}); err != nil {
				t.Fatal(err)
			}
		}
		put("theirs")
		for _, prefix := range []string{"", "/some/prefix"} {
			got, stderr, err := printed(t, env, "-storage", "s3://"+bucket+prefix)
			if err != nil || got != embedded {
				t.Errorf("%v %s\n%s\nand embedded\n%s", err, stderr, got, embedded)
			}
		}
		list, err := s.SDK.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		if err != nil || len(list.Contents) != 1 {
			t.Errorf("%d objects are left, %v", len(list.Contents), err)
		}
		put(workshop + "/mine")
		if _, stderr, err := printed(t, env, "-storage", "s3://"+bucket); err == nil || !strings.Contains(stderr, "file exists") && !strings.Contains(stderr, "already exists") {
			t.Errorf("it works in a directory of somebody else: %v, %s", err, stderr)
		}
		if _, err := s.SDK.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String(workshop + "/mine")}); err != nil {
			t.Errorf("and removed it: %v", err)
		}
	})
	t.Run("a bad place", func(t *testing.T) {
		if _, stderr, err := printed(t, nil, "-storage", "gs://bucket"); err == nil || !strings.HasPrefix(stderr, "afero-swap: ") {
			t.Errorf("%v %s", err, stderr)
		}
	})
}
