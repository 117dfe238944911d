// Package jobtest runs a program as a user has it: built once, started as a child
// process with nothing but the arguments and the AWS variables that a test gives
// it, against each server of the matrix.
//
//	var suite jobtest.Suite
//
//	func TestMain(m *testing.M) { os.Exit(suite.Main(m)) }
//
//	func TestOnServers(t *testing.T) {
//		suite.Everywhere(t, func(t *testing.T, at *jobtest.Place) {
//			at.Seed(t, map[string]string{"data/a.txt": "hello"})
//			got := suite.Run(t, at.Env(), at.URI("data"))
//			jobtest.Golden(t, "testdata/list.golden", got.Text(), at.Bucket, "BUCKET")
//		})
//	}
package jobtest

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
)

// Suite is the tests of the program in the current directory.
type Suite struct {
	Servers *s3matrix.Matrix
	Name    string // of the program: its directory
	program string
}

// Main is a TestMain: it builds the program, starts the servers and runs the
// tests.
func (s *Suite) Main(m *testing.M) int {
	flag.Parse()
	here, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Name = filepath.Base(here)
	dir, err := os.MkdirTemp("", s.Name+"-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	s.program = filepath.Join(dir, s.Name+".exe")
	if out, err := exec.Command("go", "build", "-o", s.program, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building %s: %v\n%s", s.Name, err, out)
		return 1
	}
	return s3matrix.Main(m, func(started *s3matrix.Matrix) { s.Servers = started })
}

// Everywhere runs a test on every server, each time with an empty bucket and a
// proxy of its own.
func (s *Suite) Everywhere(t *testing.T, test func(t *testing.T, at *Place)) {
	t.Helper()
	s.Servers.Run(t, func(t *testing.T, server *s3matrix.Server) { test(t, NewPlace(t, server)) })
}

// limit is how long a program may take.
const limit = 2 * time.Minute

// Command is the program, not yet started: without any AWS configuration but env,
// in a directory of its own, which it must leave nothing in that cmd.Dir did not
// ask for. Its directory for temporary files has to be empty in the end.
func (s *Suite) Command(t testing.TB, env []string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, s.program, args...)
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
			t.Errorf("%s left %v in the directory for temporary files, %v", s.Name, left, err)
		}
	})
	return cmd
}

// Result is how a program ended.
type Result struct {
	Stdout, Stderr string
	Status         int
}

// Text is the standard output followed by what was said on standard error.
func (r Result) Text() string { return r.Stdout + r.Stderr }

// Run runs the program to its end, which has to be a success.
func (s *Suite) Run(t testing.TB, env []string, args ...string) Result {
	t.Helper()
	return s.Succeeds(t, s.Command(t, env, args...))
}

// Succeeds runs a command to its end, which has to be a success.
func (s *Suite) Succeeds(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	got := Start(t, cmd).Wait()
	if got.Status != 0 {
		t.Fatalf("%s %q ended with status %d:\n%s", s.Name, cmd.Args[1:], got.Status, got.Text())
	}
	return got
}

// Fails runs a command that has to end as Failed says.
func (s *Suite) Fails(t testing.TB, cmd *exec.Cmd, want string) Result {
	t.Helper()
	got := Start(t, cmd).Wait()
	s.Failed(t, got, want)
	return got
}

// Failed fails the test unless a program has ended with status 1 and one line on
// standard error, which begins with its name and has want in it. (What it says of
// its progress goes to standard output, or to a terminal.)
func (s *Suite) Failed(t testing.TB, got Result, want string) {
	t.Helper()
	if got.Status != 1 {
		t.Errorf("ended with status %d, want 1", got.Status)
	}
	line, rest, _ := strings.Cut(got.Stderr, "\n")
	if rest != "" || !strings.HasPrefix(line, s.Name+": ") || !strings.Contains(line, want) {
		t.Errorf("said %q, want one line that begins with %q and has %q", got.Stderr, s.Name+": ", want)
	}
}

// Process is a program that runs.
type Process struct {
	t              testing.TB
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
}

// Start starts a command. Where its outputs go elsewhere already, they are not in
// the Result.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{t: t, cmd: cmd}
	redirect := func(at *io.Writer, to *bytes.Buffer) {
		if *at == nil {
			*at = to
		}
	}
	redirect(&cmd.Stdout, &p.stdout)
	redirect(&cmd.Stderr, &p.stderr)
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Signal sends the program a signal.
func (p *Process) Signal(sig os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Error(err)
	}
}

// Wait waits for the end of the program. It is an error of the test when a signal
// ended it, or the time that it may take.
func (p *Process) Wait() Result {
	p.t.Helper()
	err := p.cmd.Wait()
	got := Result{Stdout: p.stdout.String(), Stderr: p.stderr.String()}
	if err == nil {
		return got
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() < 0 {
		p.t.Fatalf("%s ended with %v:\n%s", filepath.Base(p.cmd.Path), err, got.Text())
	}
	got.Status = exit.ExitCode()
	return got
}
