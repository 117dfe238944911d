package s3matrix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// The environment variables that name the programs of the real servers.
const (
	EnvVersityGW = "CLOUDPATH_VERSITYGW"
	EnvMinIO     = "CLOUDPATH_MINIO"
)

// Matrix is the servers of one test binary.
type Matrix struct {
	servers []*Server
	absent  []string // why a server is not among them

	secureOnce sync.Once
	secure     *Server
	secureErr  error
}

// Start starts the in-process server, those that the environment names, and a
// proxy before each, and finds out what each of them lacks. It fails when that is
// not exactly what is expected.
func Start(ctx context.Context) (*Matrix, error) {
	launches := []func() (*Server, error){func() (*Server, error) { return startInProcess() }}
	m := &Matrix{}
	for _, real := range []struct {
		name, env string
		start     func(path string) (*Server, error)
	}{
		{VersityGW, EnvVersityGW, func(path string) (*Server, error) { return startVersityGW(ctx, path) }},
		{MinIO, EnvMinIO, func(path string) (*Server, error) { return startMinIO(ctx, path, nil) }},
	} {
		path := os.Getenv(real.env)
		if path == "" {
			m.absent = append(m.absent, fmt.Sprintf("%s: not started, %s is not set", real.name, real.env))
			continue
		}
		launches = append(launches, func() (*Server, error) { return real.start(path) })
	}

	m.servers = make([]*Server, len(launches))
	errs := make([]error, len(launches))
	var wg sync.WaitGroup
	for i, launch := range launches {
		wg.Go(func() {
			if m.servers[i], errs[i] = launch(); errs[i] == nil {
				errs[i] = m.servers[i].probe(ctx)
			}
		})
	}
	wg.Wait()
	m.servers = slices.DeleteFunc(m.servers, func(s *Server) bool { return s == nil })
	if err := errors.Join(errs...); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// Servers is the servers that run, the in-process one first.
func (m *Matrix) Servers() []*Server { return slices.Clone(m.servers) }

// Run runs a test on every server, as a subtest with the server's name.
func (m *Matrix) Run(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	for _, s := range m.servers {
		t.Run(s.Name, func(t *testing.T) { test(t, s) })
	}
}

// Secure is a server with TLS that performs customer keys and has a KMS. It starts
// with the first test that asks for it. Where there is none the test is skipped,
// and counted.
func (m *Matrix) Secure(t testing.TB) *Server {
	t.Helper()
	path := os.Getenv(EnvMinIO)
	if path == "" {
		m.servers[0].skips.add(TLS)
		t.Skipf("skipped: %s %s", m.servers[0].Name, TLS)
	}
	m.secureOnce.Do(func() {
		certs, err := newCertificate()
		if err != nil {
			m.secureErr = err
			return
		}
		// Not the test's context: the server outlives it.
		if m.secure, m.secureErr = startMinIO(context.Background(), path, certs); m.secureErr == nil {
			m.secureErr = m.secure.probe(context.Background())
		}
	})
	if m.secureErr != nil {
		t.Fatal(m.secureErr)
	}
	return m.secure
}

// Report says, per server, how many tests were skipped for which gap.
func (m *Matrix) Report() string {
	var b strings.Builder
	servers := m.servers
	if m.secure != nil {
		servers = append(slices.Clone(servers), m.secure)
	}
	total := 0
	for _, s := range servers {
		total += report(&b, s.Name, s.skips.snapshot())
	}
	for _, why := range m.absent {
		fmt.Fprintf(&b, "s3matrix: %s\n", why)
	}
	fmt.Fprintf(&b, "s3matrix: %d skipped in all\n", total)
	return b.String()
}

func report(b *strings.Builder, name string, counts map[Gap]int) int {
	total := 0
	for _, n := range counts {
		total += n
	}
	fmt.Fprintf(b, "s3matrix: %s: %d skipped\n", name, total)
	for _, g := range sortedGaps(counts) {
		fmt.Fprintf(b, "s3matrix:   %4d  %s %s\n", counts[g], name, g)
	}
	return total
}

// sortedGaps is the gaps, the most frequent first.
func sortedGaps(counts map[Gap]int) []Gap {
	var gaps []Gap
	for g := range counts {
		gaps = append(gaps, g)
	}
	slices.SortFunc(gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return gaps
}

// Close stops the servers and the proxies. It is an error when one of them had
// ended before.
func (m *Matrix) Close() error {
	var errs []error
	for _, s := range append(slices.Clone(m.servers), m.secure) {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}
