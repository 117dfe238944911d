package localcache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"
)

// ledger is what the whole directory holds, for all processes: who has it
// locked may add and remove copies. It is locked for moments only, never while
// a server is waited for.
//
// It is the sum of what the records list and of what is in the directories of
// downloads. While that changes the file says so instead of a number: who is
// killed then leaves it to the next one to count anew.
type ledger struct {
	s     *state
	r     *room
	f     *os.File
	bytes int64 // of copies, and of what is being downloaded, at its full size
	files int64 // copies
	state ledgerState
	done  func()
}

type ledgerState int

const (
	unchanged ledgerState = iota
	changing              // the file holds no number
	lost                  // and shall hold none: it is not known any more
)

const (
	ledgerMagic    = "cpath001"
	ledgerChanging = "changing"
	ledgerSize     = len(ledgerMagic) + 16
)

// lockLedger waits for its turn, but not for a process that has stopped in the
// middle of its own: after one has waited in vain the next ones only try.
func (s *state) lockLedger(ctx context.Context, r *room) (*ledger, error) {
	select {
	case s.ledger <- struct{}{}: // among goroutines
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	l := &ledger{s: s, r: r, done: func() {}}
	if err := l.wait(ctx); err != nil {
		l.release()
		return nil, err
	}
	l.read()
	return l, nil
}

func (l *ledger) wait(ctx context.Context) error {
	begin, pause, exchanged := time.Now(), pollFirst, 0
	for {
		ok, err := l.lock()
		if errors.Is(err, errExchanged) && exchanged < 3 { // somebody has taken the file away
			exchanged++
			continue
		}
		if err != nil {
			return err
		}
		if ok {
			l.s.waited = time.Time{}
			return nil
		}
		vain := time.Since(begin) > l.s.patience
		if vain {
			l.s.waited = time.Now()
		}
		if vain || time.Since(l.s.waited) < l.s.patience {
			return fmt.Errorf("another process has had %s locked for %v", l.r.dir, l.s.patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, 8*pollFirst)
		}
	}
}

func (l *ledger) lock() (ok bool, err error) {
	f, st, err := l.r.lockFile(ledgerName)
	if err != nil {
		return false, err
	}
	done, ok, err := l.s.lock(l.r, ledgerName, st, true)
	if err != nil || !ok {
		return false, errors.Join(err, f.Close())
	}
	l.f, l.done = f, done
	return true, nil
}

func (l *ledger) read() {
	var data [ledgerSize]byte
	if _, err := l.f.ReadAt(data[:], 0); err == nil && string(data[:len(ledgerMagic)]) == ledgerMagic {
		l.bytes = int64(binary.LittleEndian.Uint64(data[len(ledgerMagic):]))
		l.files = int64(binary.LittleEndian.Uint64(data[len(ledgerMagic)+8:]))
		if l.bytes >= 0 && l.files >= 0 {
			return
		}
	}
	l.recount()
}

// change must come before what changes the directory.
func (l *ledger) change() error {
	if l.state != unchanged {
		return nil
	}
	if _, err := l.f.WriteAt([]byte(ledgerChanging), 0); err != nil {
		return err
	}
	l.state = changing
	return nil
}

func (l *ledger) add(bytes, files int64) {
	l.bytes, l.files = max(0, l.bytes+bytes), max(0, l.files+files)
}

// release writes the number, and ends the lock.
func (l *ledger) release() {
	if l.f != nil {
		if l.state == changing {
			data := make([]byte, 0, ledgerSize)
			data = append(data, ledgerMagic...)
			data = binary.LittleEndian.AppendUint64(data, uint64(l.bytes))
			data = binary.LittleEndian.AppendUint64(data, uint64(l.files))
			_, _ = l.f.WriteAt(data, 0) // else the next one counts
		}
		_ = l.f.Close() // what was written has been written
	}
	l.done()
	<-l.s.ledger
}

// recount counts what is there: where the number is not to be trusted.
func (l *ledger) recount() {
	l.bytes, l.files = 0, 0
	for meta := range l.r.metas() {
		rec, err := l.r.readRecord(meta.name)
		if err != nil {
			continue // nothing is known of what it stood for
		}
		for _, c := range rec.Copies {
			l.add(c.Size, 1)
		}
	}
	for _, scope := range l.r.scopes() {
		for _, name := range l.r.names(scope + "/tmp") {
			if st, err := l.r.root.Lstat(scope + "/tmp/" + name); err == nil && isDownload(name, st) {
				l.add(st.Size(), 0)
			}
		}
	}
	if l.change() == nil { // else the next one counts, too
		l.state = changing
	}
}

// scopes are the directories of the origins.
func (r *room) scopes() []string {
	var scopes []string
	for _, name := range r.names(format) {
		if len(name) != 16 || strings.Trim(name, "0123456789abcdef") != "" {
			continue
		}
		if st, err := r.root.Lstat(format + "/" + name); err == nil && st.IsDir() {
			scopes = append(scopes, format+"/"+name)
		}
	}
	return scopes
}

// names lists a directory; one that cannot be listed has nothing for us.
func (r *room) names(dir string) []string {
	d, err := r.root.OpenFile(dir, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return nil
	}
	defer func() { _ = d.Close() }() // only read
	names, _ := d.Readdirnames(-1)   // as many as there are to be had
	return names
}

// meta is the file of a record.
type meta struct {
	scope string
	name  string
	sum   string
}

func (m meta) ident(rec *record) ident { return ident{key: rec.of(), scope: m.scope, sum: m.sum} }

// metas are the files of all records, in no order.
func (r *room) metas() func(yield func(meta) bool) { return r.metasOf(recordSuffix) }

// metasOf are those of the records' files whose names end so.
func (r *room) metasOf(suffix string) func(yield func(meta) bool) {
	return func(yield func(meta) bool) {
		for _, scope := range r.scopes() {
			for _, fan := range r.names(scope + "/meta") {
				dir := scope + "/meta/" + fan
				for _, name := range r.names(dir) {
					sum, ok := strings.CutSuffix(name, suffix)
					if ok && len(sum) == 64 && strings.HasPrefix(sum, fan) && !yield(meta{scope, path.Join(dir, name), sum}) {
						return
					}
				}
			}
		}
	}
}
