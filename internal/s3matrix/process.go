package s3matrix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// process is a server that runs as a child of the test, in a directory of its own.
type process struct {
	dir    string
	addr   string
	pid    int
	output *output
	kill   func() error
	exited chan struct{} // closed when it has ended
	err    error         // why, once exited
}

// ready says nil when the server at addr answers as the one that was started.
type ready func(ctx context.Context, addr string) error

// program is how to start a server.
type program struct {
	name    string
	path    string
	args    func(addr, dir string) []string
	env     []string
	subdirs []string
	prepare func(dir string) error // further files, before it starts
	health  string                 // path that answers 200 once all of it is ready; "" when its API says so
}

const (
	startTimeout = 60 * time.Second // generous: the machine may be busy with other tests
	stopTimeout  = 10 * time.Second
)

// start runs the program on a free port and waits until it is ready. Somebody else
// may take the port between its choice and its use, so it tries a few.
func (p program) start(ctx context.Context, isReady ready) (*process, error) {
	var err error
	for range 5 {
		var proc *process
		if proc, err = p.startOnce(ctx, isReady); err == nil {
			return proc, nil
		}
		if !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	return nil, err
}

func (p program) startOnce(ctx context.Context, isReady ready) (*process, error) {
	dir, err := os.MkdirTemp("", "s3matrix-")
	if err != nil {
		return nil, err
	}
	for _, sub := range append([]string{"home"}, p.subdirs...) {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	if p.prepare != nil {
		if err := p.prepare(dir); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	proc := &process{dir: dir, addr: addr, output: &output{}, exited: make(chan struct{})}
	cmd := exec.Command(p.path, p.args(addr, dir)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = proc.output, proc.output
	// Nothing of the environment: it may hold somebody's credentials and settings.
	cmd.Env = append([]string{"HOME=" + filepath.Join(dir, "home"), "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}, p.env...)
	cmd.WaitDelay = stopTimeout
	dieWithParent(cmd)
	if err := proc.run(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("s3matrix: %s: %w", p.name, err), os.RemoveAll(dir))
	}
	if err := proc.wait(ctx, isReady); err != nil {
		err = fmt.Errorf("s3matrix: %s (%s): %w; its output:\n%s", p.name, p.path, err, proc.output)
		return nil, errors.Join(err, proc.stop())
	}
	return proc, nil
}

// run starts the command from a thread that lives as long as the child: on Linux
// "the parent died" means the thread that started it.
func (p *process) run(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	p.pid, p.kill = cmd.Process.Pid, cmd.Process.Kill
	return nil
}

// wait returns nil when the server is ready, and an error when it ended or took
// too long.
func (p *process) wait(ctx context.Context, isReady ready) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := isReady(ctx, p.addr)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("ended at once: %w", p.reason())
		case <-ctx.Done():
			return fmt.Errorf("not ready: %w", errors.Join(ctx.Err(), err))
		case <-tick.C:
		}
	}
}

// reason is why the server ended, once it has.
func (p *process) reason() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("exit status 0")
}

// stop kills the server and removes its files. A server that had ended by itself
// before is an error: tests ran without it.
func (p *process) stop() error {
	var errs []error
	select {
	case <-p.exited:
		errs = append(errs, fmt.Errorf("s3matrix: the server ended by itself: %w; its output:\n%s", p.reason(), p.output))
	default:
		if err := p.kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		<-p.exited
	}
	return errors.Join(append(errs, os.RemoveAll(p.dir))...)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// output keeps what a server says, the last of it when it says too much.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const keptOutput = 64 << 10

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.buf.Write(b)
	if over := o.buf.Len() - keptOutput; over > 0 {
		o.buf.Next(over)
	}
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
