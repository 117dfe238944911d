package aferoadapter

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// inMemory is how much of a file waits in memory: of one that is worked on before it
// goes to the local disk, of one that streams before it is sent.
const inMemory = 8 << 20

// scratch is a file's bytes on this machine: in memory, and in a temporary file
// once they have outgrown that. The zero scratch is empty.
type scratch struct {
	buf  []byte
	disk *os.File
	size int64
}

// need makes room for size bytes.
func (s *scratch) need(size int64) error {
	if s.disk != nil {
		return nil
	}
	if size <= inMemory {
		if n := int(size); n > cap(s.buf) {
			grown := make([]byte, len(s.buf), min(max(n, 2*cap(s.buf)), inMemory))
			copy(grown, s.buf)
			s.buf = grown
		}
		return nil
	}
	disk, err := os.CreateTemp("", "cloudpath-*")
	if err != nil {
		return err
	}
	_ = os.Remove(disk.Name()) // gone with the process; systems that refuse have it removed by close
	if _, err := disk.Write(s.buf); err != nil {
		return errors.Join(err, drop(disk))
	}
	s.disk, s.buf = disk, nil
	return nil
}

func drop(disk *os.File) error {
	err := disk.Close()
	_ = os.Remove(disk.Name()) // gone already, nearly everywhere
	return err
}

// Write appends.
func (s *scratch) Write(b []byte) (int, error) { return s.WriteAt(b, s.size) }

func (s *scratch) WriteAt(b []byte, off int64) (int, error) {
	end := off + int64(len(b))
	if err := s.need(max(end, s.size)); err != nil {
		return 0, err
	}
	if s.disk != nil {
		n, err := s.disk.WriteAt(b, off)
		s.size = max(s.size, off+int64(n))
		return n, err
	}
	if end > s.size {
		s.grow(end)
	}
	return copy(s.buf[off:], b), nil
}

// grow makes the bytes in memory longer, by zeros.
func (s *scratch) grow(size int64) {
	n := len(s.buf)
	s.buf = s.buf[:size]
	clear(s.buf[n:])
	s.size = size
}

func (s *scratch) ReadAt(b []byte, off int64) (int, error) {
	if s.disk != nil {
		return s.disk.ReadAt(b, off)
	}
	if off >= s.size {
		return 0, io.EOF
	}
	n := copy(b, s.buf[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// Truncate cuts, or adds zeros.
func (s *scratch) Truncate(size int64) error {
	if err := s.need(size); err != nil {
		return err
	}
	switch {
	case s.disk != nil:
		if err := s.disk.Truncate(size); err != nil {
			return err
		}
	case size > s.size:
		s.grow(size)
	default:
		s.buf = s.buf[:size]
	}
	s.size = size
	return nil
}

// truncated empties it, as far as possible, after a failure.
func (s *scratch) truncated() {
	s.buf, s.size = s.buf[:0], 0
	if s.disk != nil {
		_ = s.disk.Truncate(0) // what is left is written over
	}
}

// reader is all of it. Nothing may be written while it is read.
func (s *scratch) reader() (io.Reader, error) {
	if s.disk == nil {
		return bytes.NewReader(s.buf), nil
	}
	_, err := s.disk.Seek(0, io.SeekStart)
	return s.disk, err
}

func (s *scratch) close() error {
	s.buf = nil
	if s.disk == nil {
		return nil
	}
	err := drop(s.disk)
	s.disk = nil
	return err
}
