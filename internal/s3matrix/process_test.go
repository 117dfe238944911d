package s3matrix

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// roleVariable makes a child of the test binary play a server.
const roleVariable = "S3MATRIX_TEST_ROLE"

func play(role string) {
	switch role {
	case "fails":
		fmt.Println("no space for objects")
		os.Exit(3)
	case "in use":
		fmt.Fprintln(os.Stderr, "listen: address already in use")
		os.Exit(1)
	case "ends":
		time.Sleep(time.Second / 2)
		fmt.Println("out of memory")
		os.Exit(4)
	case "lives":
		select {}
	case "parent":
		p, err := fake("lives").start(context.Background(), always)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(filepath.Base(p.dir), p.pid)
		select {}
	}
	os.Exit(9)
}

func fake(role string) program {
	return program{
		name: "fake",
		path: os.Args[0],
		env:  []string{roleVariable + "=" + role},
		args: func(addr, dir string) []string { return nil },
	}
}

func always(context.Context, string) error { return nil }

func never(context.Context, string) error { return errors.New("nobody answers") }

func TestProgramFails(t *testing.T) {
	for _, row := range []struct {
		name string
		program
		want []string
	}{
		{"exit", fake("fails"), []string{"fake", "exit status 3", "no space for objects"}},
		{"port taken each time", fake("in use"), []string{"address already in use"}},
		{"no such program", program{name: "fake", path: "/does/not/exist", args: func(addr, dir string) []string { return nil }}, []string{"fake", "/does/not/exist"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			_, err := row.start(t.Context(), never)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is not in %q", want, err)
				}
			}
			left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "s3matrix-*"))
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
}

func TestProgramNeverReady(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := fake("lives").start(ctx, never)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "nobody answers") {
		t.Errorf("error %v", err)
	}
}

func TestProgramStops(t *testing.T) {
	p, err := fake("lives").start(t.Context(), always)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(p.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory: %v", err)
	}
}

// A server that ended while the tests ran is an error at the end.
func TestProgramEndsEarly(t *testing.T) {
	p, err := fake("ends").start(t.Context(), always)
	if err != nil {
		t.Fatal(err)
	}
	<-p.exited
	err = p.stop()
	if err == nil || !strings.Contains(err.Error(), "exit status 4") || !strings.Contains(err.Error(), "out of memory") {
		t.Errorf("error %v", err)
	}
}

func TestOutputIsBounded(t *testing.T) {
	var o output
	for range 100 {
		fmt.Fprint(&o, strings.Repeat("x", keptOutput/10))
	}
	fmt.Fprint(&o, "the end")
	if got := o.String(); len(got) != keptOutput || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes are kept", len(got))
	}
}

func TestFreeAddress(t *testing.T) {
	addr, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("address %q, %v", addr, err)
	}
}
