package s3matrix

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

// EnvReports names a directory that each test binary leaves its report in: go test
// shows a passing package's output to nobody.
const EnvReports = "CLOUDPATH_REPORTS"

// Main is a TestMain: it starts the servers, hands them to set, runs the tests,
// prints the report and stops everything. It returns the exit code, which is not 0
// when a test failed, a server did, or a goroutine was left behind.
func Main(m *testing.M, set func(*Matrix)) int {
	flag.Parse()
	if !runsTests() {
		return m.Run()
	}
	for _, name := range []string{"CLOUDPATH_CACHE_DIR", "CLOUDPATH_CACHE_MODE"} { // the developer's own
		if err := os.Unsetenv(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	matrix, err := Start(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	set(matrix)
	code := m.Run()
	if err := publish(matrix.Report()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := matrix.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		code = leaks()
	}
	return code
}

// runsTests is false for the workers of a fuzz run, for a run of fuzz targets
// alone, and for a list: they need no servers.
func runsTests() bool {
	value := func(name string) string {
		if f := flag.Lookup("test." + name); f != nil {
			return f.Value.String()
		}
		return ""
	}
	return value("fuzzworker") != "true" && value("list") == "" && value("run") != "^$"
}

// publish prints a report and leaves it where it was asked for.
func publish(report string) error {
	fmt.Print(report)
	dir := os.Getenv(EnvReports)
	if dir == "" {
		return nil
	}
	where, err := os.Getwd() // go test runs a package's tests in its directory
	if err != nil {
		return err
	}
	name := strings.Map(func(r rune) rune {
		if r == filepath.Separator || r == ':' {
			return '-'
		}
		return r
	}, strings.TrimPrefix(where, string(filepath.Separator)))
	text := filepath.Base(filepath.Dir(where)) + "/" + filepath.Base(where) + "\n" + report
	if err := os.WriteFile(filepath.Join(dir, name+".txt"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("s3matrix: leaving the report: %w", err)
	}
	return nil
}

// leaks is 1 when a goroutine outlived its test. Idle connections of the default
// transport are nobody's leak: they are meant to be kept.
func leaks() int {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, errors.Join(errors.New("s3matrix: goroutines left behind"), err))
		return 1
	}
	return 0
}
