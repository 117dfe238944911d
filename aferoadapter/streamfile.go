package aferoadapter

import (
	"io"
	"os"
	"sync"
	"syscall"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// streamFile is a file that is only written, from its beginning to its end: what
// comes last waits in memory, where it can be changed, the rest was sent.
//
// Its content is what was sent, then what waits, then what was there when it was
// opened, as far as that is kept, then zeros.
type streamFile struct {
	file
	mu     sync.Mutex
	c      commit
	old    *original
	keep   int64 // how far old is in force
	size   int64
	off    int64
	w      *s3path.Writer // nil before anything is sent
	sent   int64
	wait   []byte // behind what was sent
	failed error  // what made the writing fail; nothing is committed then
}

func newStreamFile(h handle, c commit, old *original) *streamFile {
	return &streamFile{file: file{handle: h}, c: c, old: old, keep: old.size(), size: old.size()}
}

// end is where what waits ends.
func (s *streamFile) end() int64 { return s.sent + int64(len(s.wait)) }

func (s *streamFile) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	off := s.off
	if s.c.append {
		off = s.size
	}
	n, err := s.writeAt(b, off)
	if n > 0 {
		s.off = off + int64(n)
	}
	return n, s.fail("write", err)
}

// WriteString is Write of a string.
func (s *streamFile) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// WriteAt writes somewhere in what was not sent.
func (s *streamFile) WriteAt(b []byte, off int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.c.append && !s.closed.Load() {
		return 0, s.fail("write", syscall.EINVAL)
	}
	n, err := s.writeAt(b, off)
	return n, s.fail("write", err)
}

// piece is how much is put behind what waits before some of that is sent.
const piece = 1 << 20

func (s *streamFile) writeAt(b []byte, off int64) (n int, err error) {
	wrong := fits(off, int64(len(b)))
	switch {
	case s.closed.Load():
		return 0, os.ErrClosed
	case wrong != nil:
		return 0, wrong
	case len(b) == 0:
		return 0, nil
	case s.failed != nil:
		return 0, s.failed
	case off < s.sent:
		return 0, sentAlready(off)
	}
	for len(b) > 0 {
		part := b[:min(len(b), piece)]
		if err := s.put(part, off); err != nil {
			return n, err
		}
		n, off, b = n+len(part), off+int64(len(part)), b[len(part):]
	}
	if s.c.each {
		return n, s.commit()
	}
	return n, nil
}

// put writes a piece at a place that was not sent.
func (s *streamFile) put(b []byte, off int64) error {
	if err := s.fill(off); err != nil {
		return err
	}
	i := off - s.sent
	n := copy(s.wait[i:], b)
	s.wait = append(s.wait, b[n:]...)
	s.size = max(s.size, off+int64(len(b)))
	s.c.touch()
	return s.trim()
}

// trim sends the older half of what waits when that is too much.
func (s *streamFile) trim() error {
	if len(s.wait) <= inMemory {
		return nil
	}
	n := len(s.wait) - inMemory/2
	if err := s.send(s.wait[:n]); err != nil {
		return err
	}
	s.wait = s.wait[:copy(s.wait, s.wait[n:])]
	return nil
}

// send sends bytes behind those that were sent.
func (s *streamFile) send(b []byte) error {
	if s.w == nil {
		w, err := s.c.path.Create(s.fs.ctx, s.c.options()...)
		if err != nil {
			return s.fails(err)
		}
		s.w = w
	}
	n, err := s.w.Write(b)
	s.sent += int64(n)
	if err != nil {
		return s.fails(err)
	}
	return nil
}

// fails ends the writing.
func (s *streamFile) fails(err error) error {
	if s.failed == nil {
		s.failed = err
		if s.w != nil {
			_ = s.w.Abort() // err is the news
			s.w = nil
		}
	}
	return s.failed
}

// fill makes what waits reach up to a place: by what was there, then by zeros.
func (s *streamFile) fill(to int64) error {
	if from := s.end(); from < min(to, s.keep) {
		if err := s.carry(from, min(to, s.keep)); err != nil {
			return s.fails(err)
		}
	}
	for s.end() < to {
		n := min(to-s.end(), piece)
		s.wait = append(s.wait, make([]byte, n)...)
		if err := s.trim(); err != nil {
			return err
		}
	}
	return nil
}

// copyFrom is from which size on the server copies what was there: a part of an
// upload that is not the last has at least 5 MiB.
const copyFrom = 5 << 20

// carry carries over what was there.
func (s *streamFile) carry(from, to int64) error {
	if from == 0 && to == s.old.size() && to >= copyFrom && s.w == nil {
		w, err := s.c.path.Append(s.fs.ctx, s.c.options()...)
		if err != nil {
			return err
		}
		s.w, s.sent = w, to
		return nil
	}
	r := s.old.file.(io.ReadSeeker)
	if _, err := r.Seek(from, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(carried{s}, r, to-from)
	return err
}

// carried takes what was there.
type carried struct{ s *streamFile }

func (c carried) Write(b []byte) (int, error) {
	c.s.wait = append(c.s.wait, b...)
	return len(b), c.s.trim()
}

// Truncate cuts what was not sent, or adds zeros.
func (s *streamFile) Truncate(size int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fail("truncate", s.truncate(size))
}

func (s *streamFile) truncate(size int64) error {
	wrong := fits(size, 0)
	switch {
	case s.closed.Load():
		return os.ErrClosed
	case wrong != nil:
		return wrong
	case s.failed != nil:
		return s.failed
	case size < s.sent:
		return sentAlready(size)
	case size < s.end():
		s.wait = s.wait[:size-s.sent]
	}
	s.keep, s.size = min(s.keep, size), size
	s.c.touch()
	return nil
}

// Seek makes no request, wherever it leads.
func (s *streamFile) Seek(offset int64, whence int) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return 0, s.fail("seek", os.ErrClosed)
	}
	to, err := position(offset, whence, s.off, s.size)
	if err != nil {
		return 0, s.fail("seek", err)
	}
	s.off = to
	return to, nil
}

func (s *streamFile) Stat() (os.FileInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return nil, s.fail("stat", os.ErrClosed)
	}
	return fileInfo{s.t.base(), s.size, s.c.modTime}, nil
}

func (s *streamFile) Read(b []byte) (int, error) {
	return 0, s.refuse("read", unless(syscall.EBADF, b, 0))
}
func (s *streamFile) ReadAt(b []byte, off int64) (int, error) {
	return 0, s.refuse("read", unless(syscall.EBADF, b, off))
}

// Sync commits what was written. What is written then begins with a copy of that.
func (s *streamFile) Sync() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return s.fail("sync", os.ErrClosed)
	}
	return s.fail("sync", s.commit())
}

// Close commits what was written. An error says that it was not: then what was
// there before is still there.
func (s *streamFile) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed.Load() {
		return s.fail("close", os.ErrClosed)
	}
	err := s.finish(nil)
	s.wait = nil
	s.closed.Store(true)
	if s.old != nil {
		_ = s.old.close() // nothing more is wanted of it
	}
	return s.fail("close", err)
}

// finish writes the object, as far as there is anything new.
func (s *streamFile) finish(info *s3path.Info) error {
	switch {
	case s.failed != nil:
		return s.failed
	case !s.c.dirty:
		return nil
	}
	defer s.fs.memo.drop()
	if err := s.fill(s.size); err != nil {
		return err
	}
	if s.w == nil {
		options := s.c.options()
		if info != nil {
			options = append(options, s3path.WithInfo(info))
		}
		return s.c.path.WriteBytes(s.fs.ctx, s.wait, options...)
	}
	if len(s.wait) > 0 {
		if err := s.send(s.wait); err != nil {
			return err
		}
		s.wait = s.wait[:0]
	}
	w := s.w
	s.w = nil
	err := w.Close()
	if err == nil && info != nil {
		*info = w.Info()
	}
	return err
}

// commit is finish for a file that goes on. What was sent is the new old.
func (s *streamFile) commit() error {
	if !s.c.dirty && s.failed == nil {
		return nil
	}
	streamed := s.sent > 0 || s.w != nil || s.size > inMemory
	var info s3path.Info
	if err := s.finish(&info); err != nil {
		if s.sent > 0 || streamed {
			s.failed = err
		}
		return err
	}
	s.c.done(info)
	if s.sent == 0 {
		return nil // all of it still waits
	}
	return s.again(info)
}

// again goes on behind a commit of what was sent: it is what is there now.
func (s *streamFile) again(info s3path.Info) error {
	if s.old != nil {
		_ = s.old.close() // nothing more is wanted of it
		s.old = nil
	}
	f, err := s.fs.view.Open(s.t.rel)
	if err != nil {
		return s.fails(err)
	}
	st, err := f.Stat()
	if err != nil {
		return s.fails(err)
	}
	now, _ := st.Sys().(s3path.Info)
	if now.ETag() != info.ETag() || now.Size() != s.size {
		return s.fails(cloudpath.ErrChanged)
	}
	s.old = &original{file: f, info: now}
	s.c.etag = now.ETag()
	s.keep, s.sent, s.wait = s.size, 0, nil
	return nil
}
