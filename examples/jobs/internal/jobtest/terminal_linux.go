package jobtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// Terminal is a terminal of 100 columns for a program to write to, and what it
// has written.
type Terminal struct {
	File *os.File // give this to the program

	done chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

// NewTerminal opens a terminal.
func NewTerminal(t testing.TB) *Terminal {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	err = errors.Join(err,
		unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(int(screen.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 25, Col: 100}))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	term := &Terminal{File: file, done: make(chan struct{})}
	go func() {
		defer close(term.done)
		buf := make([]byte, 4096)
		for {
			n, err := screen.Read(buf)
			term.mu.Lock()
			term.buf.Write(buf[:n])
			term.mu.Unlock()
			if err != nil { // the last program has closed it
				_ = screen.Close()
				return
			}
		}
	}()
	return term
}

// Text is what was written, when all programs that write to it have ended.
func (term *Terminal) Text(t testing.TB) string {
	t.Helper()
	if err := term.File.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	<-term.done
	return term.buf.String()
}
