package localcache

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Other processes are this test binary, started again. A child either does one
// thing (oneShot), or takes commands on its standard input and answers each with
// one line of JSON.

const (
	childEnv = "LOCALCACHE_TEST_CHILD"
	argsEnv  = "LOCALCACHE_TEST_ARGS"
)

func runChild(name string) int {
	var args childArgs
	err := json.Unmarshal([]byte(os.Getenv(argsEnv)), &args)
	if err == nil {
		if do, ok := oneShots[name]; ok {
			err = do(args)
		} else {
			err = serveCommands(args)
		}
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

type childArgs struct {
	Dir      string
	URL      string
	MaxBytes int64
	Step     string        // to stop at for ever
	Patience time.Duration // 0 is the usual
}

func (a childArgs) open() (*Cache, error) {
	var opts []Option
	if a.MaxBytes > 0 {
		opts = append(opts, WithMaxBytes(a.MaxBytes))
	}
	c, err := Open(a.Dir, opts...)
	if err != nil {
		return nil, err
	}
	if a.Patience > 0 {
		c.patience = a.Patience
	}
	if a.Step != "" {
		c.step = func(name string) {
			if name == a.Step {
				fmt.Println("at " + name)
				select {}
			}
		}
	}
	return c, nil
}

// command is what a child is told; answer is what it says.
type command struct {
	Do    string // open, many, close, drop, prune, clear, stats, entries
	Key   string
	Fresh string // revalidate, immutable, offline
	Many  int
}

type answer struct {
	Err     string
	Absent  bool // Err is fs.ErrNotExist
	Name    string
	Sum     string
	Sums    map[string]int
	Stats   Stats
	Entries []string
	Stream  string
}

func serveCommands(args childArgs) error {
	c, err := args.open()
	if err != nil {
		return err
	}
	fmt.Println("ready")
	files := map[string]*File{}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var cmd command
		if err := json.Unmarshal(in.Bytes(), &cmd); err != nil {
			return err
		}
		var a answer
		err := func() error {
			switch cmd.Do {
			case "open":
				f, err := c.Open(context.Background(), keyOf(cmd.Key), freshOf(cmd.Fresh), httpFetch(args.URL, cmd.Key))
				if err != nil {
					return err
				}
				if why := f.Streamed(); why != nil {
					a.Stream = why.Error()
				}
				files[cmd.Key] = f
				a.Name = f.Name()
				a.Sum, err = sumOf(f)
				return err
			case "close":
				f := files[cmd.Key]
				delete(files, cmd.Key)
				return f.Close()
			case "many":
				a.Sums = map[string]int{}
				var mu sync.Mutex
				var wg sync.WaitGroup
				var failed error
				for range cmd.Many {
					wg.Go(func() {
						f, err := c.Open(context.Background(), keyOf(cmd.Key), freshOf(cmd.Fresh), httpFetch(args.URL, cmd.Key))
						var sum string
						if err == nil {
							sum, err = sumOf(f)
							err = errors.Join(err, f.Close())
						}
						mu.Lock()
						a.Sums[sum]++
						failed = errors.Join(failed, err)
						mu.Unlock()
					})
				}
				wg.Wait()
				return failed
			case "drop":
				return c.Drop(keyOf(cmd.Key))
			case "prune":
				return c.Prune(context.Background())
			case "clear":
				return c.Clear()
			case "entries":
				entries, err := c.Entries(context.Background(), keyOf("").Origin, keyOf("").Bucket)
				for _, e := range entries {
					a.Entries = append(a.Entries, e.Key.Key)
				}
				return err
			}
			return nil
		}()
		if err != nil {
			a.Err, a.Absent = err.Error(), errors.Is(err, fs.ErrNotExist)
		}
		a.Stats = c.Stats()
		line, err := json.Marshal(a)
		if err != nil {
			return err
		}
		fmt.Println(string(line))
	}
	return c.Close()
}

func freshOf(name string) Freshness {
	switch name {
	case "immutable":
		return Immutable()
	case "offline":
		return Offline()
	default:
		return Revalidate()
	}
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	_, err := io.Copy(h, r)
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func sumString(s string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(s))) }

// httpRemote is a remote for several processes.
type httpRemote struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string]string
	asked   atomic.Int64
	bodies  atomic.Int64
	delay   atomic.Int64
}

func newHTTPRemote(t *testing.T, objects map[string]string) *httpRemote {
	s := &httpRemote{objects: objects}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *httpRemote) put(key, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = body
}

func (s *httpRemote) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	time.Sleep(time.Duration(s.delay.Load()))
	s.mu.Lock()
	body, ok := s.objects[r.URL.Query().Get("key")]
	s.mu.Unlock()
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("ETag", etagOf(body))
	if r.Header.Get("If-None-Match") == etagOf(body) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	s.bodies.Add(1)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	half := len(body) / 2
	io.WriteString(w, body[:half])
	w.(http.Flusher).Flush()
	io.WriteString(w, body[half:])
}

func httpFetch(base, key string) fetcher {
	return func(ctx context.Context, have Meta) (*Fetched, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"?key="+url.QueryEscape(key), http.NoBody)
		if err != nil {
			return nil, err
		}
		if have.ETag != "" {
			r.Header.Set("If-None-Match", have.ETag)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		m := Meta{ETag: answer.Header.Get("ETag"), Size: answer.ContentLength, ModTime: time.Unix(1e9, 0)}
		switch answer.StatusCode {
		case http.StatusOK:
			return &Fetched{Meta: m, Body: answer.Body}, nil
		case http.StatusNotModified:
			return &Fetched{Meta: m}, answer.Body.Close()
		case http.StatusNotFound:
			return nil, errors.Join(fs.ErrNotExist, answer.Body.Close())
		}
		return nil, errors.Join(fmt.Errorf("status %s", answer.Status), answer.Body.Close())
	}
}

// process is a child that takes commands.
type process struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startProcess(t *testing.T, args childArgs) *process {
	t.Helper()
	p := &process{t: t, cmd: childCommand(t, "serve", args)}
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in, p.out = in, bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<24)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	if line := p.line(); line != "ready" {
		t.Fatalf("a child said %q", line)
	}
	return p
}

func childCommand(t *testing.T, name string, args childArgs) *exec.Cmd {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+name, argsEnv+"="+string(text))
	cmd.Stderr = os.Stderr
	return cmd
}

func (p *process) line() string {
	if !p.out.Scan() {
		return fmt.Sprint("end of output: ", p.out.Err())
	}
	return p.out.Text()
}

// send tells the child to do something, without waiting for it.
func (p *process) send(cmd command) {
	p.t.Helper()
	line, err := json.Marshal(cmd)
	if err == nil {
		_, err = p.in.Write(append(line, '\n'))
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) receive() answer {
	p.t.Helper()
	var a answer
	line := p.line()
	if err := json.Unmarshal([]byte(line), &a); err != nil {
		p.t.Fatalf("a child said %q: %v", line, err)
	}
	return a
}

// do tells the child to do something that must succeed.
func (p *process) do(cmd command) answer {
	p.t.Helper()
	p.send(cmd)
	a := p.receive()
	if a.Err != "" {
		p.t.Fatalf("%+v: %s", cmd, a.Err)
	}
	return a
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.cmd.Wait()
}

// oneShot runs a child that does one thing, which must succeed.
func oneShot(t *testing.T, name string, args childArgs) {
	t.Helper()
	out, err := childCommand(t, name, args).Output()
	if err != nil {
		t.Errorf("%s: %v: %s", name, err, strings.TrimSpace(string(out)))
	}
}

// oneShots are what a child may be started for.
var oneShots = map[string]func(childArgs) error{}

// read opens a key and checks what it holds, and whether it was streamed.
func read(c *Cache, key string, f Freshness, s *remote, want string, streamed bool) error {
	file, err := c.Open(context.Background(), keyOf(key), f, s.fetch(key))
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	data, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if string(data) != want {
		return fmt.Errorf("%s: %d bytes, which are not the right ones", key, len(data))
	}
	if (file.Streamed() != nil) != streamed {
		return fmt.Errorf("%s: streamed because %w", key, file.Streamed())
	}
	if n := c.users(); n != 0 {
		return fmt.Errorf("%s: %d uses are not ended", key, n)
	}
	return nil
}

func debris(c *Cache) error {
	for _, scope := range c.room.scopes() {
		if names := c.room.names(scope + "/tmp"); len(names) > 0 {
			return fmt.Errorf("left in %s: %v", scope, names)
		}
	}
	for m := range c.room.metasOf(recordSuffix + newSuffix) {
		return fmt.Errorf("left: %s", m.name)
	}
	return nil
}
