package aferoadapter_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// crashing makes this program one that dies in the middle of a write, when the
// environment says so.
func crashing() bool {
	url := os.Getenv("CRASH_URL")
	if url == "" {
		return false
	}
	c, err := s3path.NewClient(context.Background(), s3path.WithEndpoint(url), s3path.WithRegion(os.Getenv("CRASH_REGION")),
		s3path.WithStaticCredentials(os.Getenv("CRASH_KEY"), os.Getenv("CRASH_SECRET"), ""))
	if err != nil {
		fmt.Println(err)
		return true
	}
	flag, _ := strconv.Atoi(os.Getenv("CRASH_FLAG"))
	f, err := aferoadapter.New(c.Object(os.Getenv("CRASH_BUCKET"), "")).OpenFile("f", flag, 0o644)
	if err != nil {
		fmt.Println(err)
		return true
	}
	if _, err := f.WriteString(strings.Repeat("new", 7*mib)); err != nil {
		fmt.Println(err)
		return true
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	fmt.Println("still here", err)
	select {}
}

// A program that is killed before Close leaves the object as it was, and nothing on
// the local disk.
func TestCrash(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		program, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		for name, flag := range map[string]int{"stream": os.O_WRONLY | os.O_TRUNC, "work": os.O_RDWR | os.O_TRUNC, "append": os.O_WRONLY | os.O_APPEND} {
			t.Run(name, func(t *testing.T) {
				at.put(t, "f=old")
				temp := t.TempDir()
				cmd := exec.CommandContext(t.Context(), program)
				cmd.Env = append(os.Environ(), "CRASH_URL="+at.URL, "CRASH_REGION="+at.Region, "CRASH_KEY="+at.AccessKey,
					"CRASH_SECRET="+at.SecretKey, "CRASH_BUCKET="+at.bucket.Bucket(), "CRASH_FLAG="+strconv.Itoa(flag), "TMPDIR="+temp)
				out, err := cmd.CombinedOutput()
				if err == nil || len(out) > 0 {
					t.Fatalf("it did not die: %v\n%s", err, out)
				}
				at.has(t, "f=old")
				if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
					t.Errorf("%v are left in the directory for temporary files, %v", left, err)
				}
				// What it had sent is an upload that nobody sees; AbortStale is for those.
				if name != "work" {
					if n, err := at.client.AbortStale(t.Context(), at.bucket, 0); n != 1 || err != nil {
						t.Errorf("%d uploads, %v", n, err)
					}
				}
				at.noUploads(t)
			})
		}
		_, err = at.SDK.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(at.bucket.Bucket()), Key: aws.String("f")})
		if err != nil {
			t.Error(err)
		}
	})
}
