package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/cloudpath-go/cloudpath/s3path"
)

func mustOpen(t *testing.T, p s3path.S3Path, opts ...s3path.ReadOption) *s3path.Reader {
	t.Helper()
	r, err := p.Open(t.Context(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
			t.Error(err)
		}
	})
	return r
}

// The Reader is what io's interfaces want of one, with and without reading ahead.
func TestReaderContract(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		for _, size := range []int{0, 1, 200} {
			body := pattern(size)
			at.putBody(t, "a", body)
			for _, ahead := range []int64{0, 70, 1 << 20} {
				r := mustOpen(t, at.object("a"), s3path.WithReadAhead(ahead))
				if err := iotest.TestReader(r, body); err != nil {
					t.Errorf("%d bytes, reading ahead %d: %v", size, ahead, err)
				}
			}
		}
	})
}

// Seek makes no request until the next Read.
func TestSeek(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789")
		r := mustOpen(t, at.object("ten"))
		mark := at.Proxy.Mark()
		for _, row := range []struct {
			off    int64
			whence int
			want   int64
			err    error
		}{
			{5, io.SeekStart, 5, nil},
			{2, io.SeekCurrent, 7, nil},
			{-3, io.SeekCurrent, 4, nil},
			{-1, io.SeekEnd, 9, nil},
			{0, io.SeekEnd, 10, nil},
			{5, io.SeekEnd, 15, nil},
			{-1, io.SeekStart, 0, fs.ErrInvalid},
			{-11, io.SeekEnd, 0, fs.ErrInvalid},
			{1<<63 - 1, io.SeekCurrent, 0, fs.ErrInvalid},
			{0, 3, 0, fs.ErrInvalid},
			{0, io.SeekCurrent, 15, nil}, // a Seek that failed moved nothing
		} {
			if got, err := r.Seek(row.off, row.whence); got != row.want || !errors.Is(err, row.err) {
				t.Errorf("Seek(%d, %d) = %d, %v, want %d, %v", row.off, row.whence, got, err, row.want, row.err)
			}
		}
		b := make([]byte, 4)
		if n, err := r.Read(b); n != 0 || err != io.EOF {
			t.Errorf("behind the end: %d, %v", n, err)
		}
		at.checkOperations(t, mark)
		if _, err := r.Seek(6, io.SeekStart); err != nil {
			t.Error(err)
		}
		if n, err := io.ReadFull(r, b); err != nil || string(b[:n]) != "6789" {
			t.Errorf("read %q, %v", b[:n], err)
		}
		at.checkOperations(t, mark, "GetObject")
		if got := at.Proxy.Since(mark)[0].Header; got.Get("Range") != "bytes=6-9" || got.Get("If-Match") != `"`+r.Info().ETag()+`"` {
			t.Errorf("asked for %q if it matches %q", got.Get("Range"), got.Get("If-Match"))
		}
		if n, err := r.Read(b); n != 0 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

// A Seek to where the Reader is leaves its connection alone: http.ServeContent
// and archive readers do it all the time.
func TestSeekToSamePlace(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789")
		n := at.count(func() {
			r := mustOpen(t, at.object("ten"))
			b := make([]byte, 4)
			for range 2 {
				if _, err := r.Seek(0, io.SeekCurrent); err != nil {
					t.Error(err)
				}
				if _, err := io.ReadFull(r, b); err != nil {
					t.Error(err)
				}
			}
			if string(b) != "4567" {
				t.Errorf("read %q", b)
			}
		})
		if n != 1 {
			t.Errorf("%d requests", n)
		}
	})
}

// ReadAt is one ranged GET, does not move the offset, and follows io.ReaderAt to
// the letter.
func TestReadAt(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789", "empty=")
		r := mustOpen(t, at.object("ten"))
		empty := mustOpen(t, at.object("empty"))
		for _, row := range []struct {
			r        *s3path.Reader
			off      int64
			n        int
			want     string
			err      error
			requests int
		}{
			{r, 0, 10, "0123456789", nil, 1},
			{r, 3, 4, "3456", nil, 1},
			{r, 9, 1, "9", nil, 1},
			{r, 7, 4, "789", io.EOF, 1},
			{r, 0, 11, "0123456789", io.EOF, 1},
			{r, 10, 1, "", io.EOF, 0},
			{r, 1 << 62, 1, "", io.EOF, 0},
			{r, 4, 0, "", nil, 0},
			{r, -1, 1, "", fs.ErrInvalid, 0},
			{r, -1, 0, "", fs.ErrInvalid, 0},
			{empty, 0, 1, "", io.EOF, 0},
			{empty, 0, 0, "", nil, 0},
		} {
			b := make([]byte, row.n)
			n := 0
			var err error
			asked := at.count(func() { n, err = row.r.ReadAt(b, row.off) })
			if string(b[:n]) != row.want || !errors.Is(err, row.err) || n < row.n && err == nil || asked != row.requests {
				t.Errorf("ReadAt(%d bytes, %d) = %q, %v in %d requests, want %q, %v in %d", row.n, row.off, b[:n], err, asked, row.want, row.err, row.requests)
			}
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "0123456789" {
			t.Errorf("the offset moved: read %q, %v", got, err)
		}
	})
}

// ReadAt is safe from many goroutines, beside a Read.
func TestReadAtTogether(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(256 << 10)
		at.putBody(t, "a", body)
		for _, ahead := range []int64{0, 8 << 10} {
			r := mustOpen(t, at.object("a"), s3path.WithReadAhead(ahead))
			var wg sync.WaitGroup
			for i := range 32 {
				wg.Go(func() {
					random := rand.New(rand.NewPCG(uint64(i), 1))
					for range 4 {
						b := make([]byte, 1+random.IntN(10000))
						off := random.IntN(len(body))
						n, err := r.ReadAt(b, int64(off))
						if want := body[off:min(off+len(b), len(body))]; !bytes.Equal(b[:n], want) || err != nil && err != io.EOF || n < len(b) && err == nil {
							t.Errorf("ReadAt(%d, %d) = %d, %v", len(b), off, n, err)
						}
					}
				})
			}
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, body) {
				t.Errorf("Read beside them: %d bytes, %v", len(got), err)
			}
			wg.Wait()
		}
	})
}

// 10 ReadAt go over one connection that is kept, and so do 10 ReadRange; reading
// to the end, WriteTo and Close give it back for the next.
func TestConnectionsAreKept(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "a", pattern(1<<20))
		p, ctx := at.object("a"), t.Context()
		t.Run("ReadAt", func(t *testing.T) {
			r := mustOpen(t, p)
			mark := at.Proxy.Mark()
			b := make([]byte, 4<<10)
			for i := range 10 {
				if _, err := r.ReadAt(b, int64(i)*100_000); err != nil {
					t.Error(err)
				}
			}
			if log := at.Proxy.Since(mark); len(log) != 10 || log.Conns() != 1 {
				t.Errorf("%d requests over %d connections", len(log), log.Conns())
			}
		})
		t.Run("ReadRange", func(t *testing.T) {
			mark := at.Proxy.Mark()
			for i := range 10 {
				if _, err := p.ReadRange(ctx, int64(i)*100_000, 4<<10); err != nil {
					t.Error(err)
				}
			}
			if log := at.Proxy.Since(mark); len(log) != 10 || log.Conns() != 1 {
				t.Errorf("%d requests over %d connections", len(log), log.Conns())
			}
		})
		for name, read := range map[string]func(t *testing.T, r *s3path.Reader) error{
			"reading to the end": func(t *testing.T, r *s3path.Reader) error {
				_, err := io.Copy(io.Discard, struct{ io.Reader }{r})
				return err
			},
			"reading all bytes": func(t *testing.T, r *s3path.Reader) error { _, err := io.CopyN(io.Discard, r, 1<<20); return err },
			"WriteTo":           func(t *testing.T, r *s3path.Reader) error { _, err := r.WriteTo(io.Discard); return err },
		} {
			t.Run(name, func(t *testing.T) {
				mark := at.Proxy.Mark()
				for range 5 {
					if err := read(t, mustOpen(t, p)); err != nil { // closed at the end of the test only
						t.Error(err)
					}
				}
				if log := at.Proxy.Since(mark); len(log) != 5 || log.Conns() != 1 {
					t.Errorf("%d requests over %d connections", len(log), log.Conns())
				}
			})
		}
	})
}

// WithReadAhead asks for at least so many bytes at once and serves what follows
// from them.
func TestReadAhead(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(10_000)
		at.putBody(t, "a", body)
		r := mustOpen(t, at.object("a"), s3path.WithReadAhead(4000))
		for _, row := range []struct {
			off  int64
			n    int
			want []string // the ranges asked for
		}{
			{1000, 100, []string{"bytes=1000-4999"}},
			{1100, 100, nil},
			{4900, 100, nil},
			{4950, 100, []string{"bytes=4950-8949"}},
			{100, 10, []string{"bytes=100-4099"}},
			{5000, 4500, []string{"bytes=5000-9499"}},
			{9000, 1000, []string{"bytes=9000-9999"}},
			{9900, 500, nil},
		} {
			mark := at.Proxy.Mark()
			b := make([]byte, row.n)
			n, err := r.ReadAt(b, row.off)
			if want := body[row.off:min(row.off+int64(row.n), 10_000)]; !bytes.Equal(b[:n], want) || (err == io.EOF) != (n < row.n) || err != nil && err != io.EOF {
				t.Errorf("ReadAt(%d, %d) = %d, %v", row.n, row.off, n, err)
			}
			var asked []string
			for _, rq := range at.Proxy.Since(mark) {
				asked = append(asked, rq.Header.Get("Range"))
			}
			same(t, fmt.Sprintf("ranges for %d from %d", row.n, row.off), asked, row.want)
		}
		// Read after a Seek is served from there, too.
		mark := at.Proxy.Mark()
		if _, err := r.Seek(1, io.SeekStart); err != nil {
			t.Error(err)
		}
		got, err := io.ReadAll(iotest.OneByteReader(r))
		if err != nil || !bytes.Equal(got, body[1:]) {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if n := len(at.Proxy.Since(mark)); n != 3 {
			t.Errorf("%d requests for 9,999 bytes, 4,000 at once", n)
		}
	})
}

// Close is once; nothing works behind it, and no request is made.
func TestReaderClosed(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "ten=0123456789")
		r, err := at.object("ten").Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		mark := at.Proxy.Mark()
		b := make([]byte, 1)
		for name, err := range map[string]error{
			"Close":   r.Close(),
			"Read":    second(r.Read(b)),
			"ReadAt":  second(r.ReadAt(b, 0)),
			"Seek":    second(r.Seek(0, io.SeekStart)),
			"WriteTo": second(r.WriteTo(io.Discard)),
		} {
			if pe := (*fs.PathError)(nil); !errors.Is(err, fs.ErrClosed) || !errors.As(err, &pe) || pe.Path != at.object("ten").String() {
				t.Errorf("%s after Close: %v", name, err)
			}
		}
		at.checkOperations(t, mark)
		if r.Info().Size() != 10 {
			t.Errorf("Info after Close: %+v", r.Info())
		}
	})
}

// WriteTo hands over what is left, and what the writer did not take is read again.
func TestWriteTo(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(3 << 20)
		at.putBody(t, "a", body)
		r := mustOpen(t, at.object("a"))
		head := make([]byte, 1000)
		if _, err := io.ReadFull(r, head); err != nil {
			t.Fatal(err)
		}
		full := errors.New("full")
		small := &limited{left: 5000, err: full}
		n, err := r.WriteTo(small)
		if n != 5000 || err != full {
			t.Errorf("WriteTo a writer that takes 5000: %d, %v", n, err)
		}
		var rest bytes.Buffer
		if n, err := r.WriteTo(&rest); n != int64(len(body)-6000) || err != nil {
			t.Errorf("WriteTo the rest: %d, %v", n, err)
		}
		if got := append(append(head, small.b.Bytes()...), rest.Bytes()...); !bytes.Equal(got, body) {
			t.Error("the three together are not the object")
		}
		if n, err := r.WriteTo(&rest); n != 0 || err != nil {
			t.Errorf("WriteTo at the end: %d, %v", n, err)
		}
		if n, err := r.Seek(0, io.SeekCurrent); n != int64(len(body)) || err != nil {
			t.Errorf("the offset is %d, %v", n, err)
		}
	})
}

// limited takes so many bytes and then fails.
type limited struct {
	b    bytes.Buffer
	left int
	err  error
}

func (w *limited) Write(b []byte) (int, error) {
	n := min(len(b), w.left)
	w.b.Write(b[:n])
	if w.left -= n; n < len(b) {
		return n, w.err
	}
	return n, nil
}

// The context of Open is in force until Close.
func TestReaderContext(t *testing.T) {
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Range") != "" {
			t.Error("a request was made after the context had ended")
		}
		body := io.MultiReader(strings.NewReader("0123"), waiting{r})
		return fakeAnswer(r, http.StatusOK, 10, body), nil
	})
	ctx, cancel := newCancel(t)
	r, err := c.Object("bucket", "a").Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	cancel()
	if n, err := r.Read(b); n != 0 || !isCanceled(err) {
		t.Errorf("Read: %d, %v", n, err)
	}
	if n, err := r.ReadAt(b, 5); n != 0 || !isCanceled(err) {
		t.Errorf("ReadAt: %d, %v", n, err)
	}
}
