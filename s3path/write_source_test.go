package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/cloudpath-go/cloudpath/s3path"
)

// WriteFrom takes what is left of a reader, whatever it is, and leaves it at its end.
func TestWriteFromReaders(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		data := string(pattern(20_000))
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, []byte("skip"+data), 0o600); err != nil {
			t.Fatal(err)
		}
		at.put(t, "source=skip"+data)
		readers := map[string]func(t *testing.T) io.Reader{
			"bytes.Reader":   func(*testing.T) io.Reader { return bytes.NewReader([]byte("skip" + data)) },
			"strings.Reader": func(*testing.T) io.Reader { return strings.NewReader("skip" + data) },
			"bytes.Buffer":   func(*testing.T) io.Reader { return bytes.NewBufferString("skip" + data) },
			"section": func(*testing.T) io.Reader {
				return io.NewSectionReader(strings.NewReader(data+"skip"+data), int64(len(data)), 1<<30)
			},
			"one byte a time":   func(*testing.T) io.Reader { return iotest.OneByteReader(strings.NewReader("skip" + data)) },
			"data with EOF":     func(*testing.T) io.Reader { return iotest.DataErrReader(strings.NewReader("skip" + data)) },
			"file":              func(t *testing.T) io.Reader { return openFile(t, name) },
			"file, append mode": func(t *testing.T) io.Reader { return openFlags(t, name, os.O_RDWR|os.O_APPEND) },
			"pipe": func(t *testing.T) io.Reader {
				r, w, err := os.Pipe()
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { r.Close() })
				go func() { defer w.Close(); io.WriteString(w, "skip"+data) }()
				return r
			},
			"object": func(t *testing.T) io.Reader { return mustOpen(t, at.object("source")) },
		}
		for kind, open := range readers {
			t.Run(kind, func(t *testing.T) {
				r := open(t)
				if _, err := io.ReadFull(r, make([]byte, 4)); err != nil {
					t.Fatal(err)
				}
				mark := at.Proxy.Mark()
				n, err := at.object("copy").WriteFrom(t.Context(), r)
				if n != int64(len(data)) || err != nil {
					t.Errorf("WriteFrom = %d, %v", n, err)
				}
				at.checkOperations(t, mark, "PutObject")
				if got := at.body(t, "copy"); got != data {
					t.Errorf("stored %s", brief(got))
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
					t.Errorf("something is left: %d, %v", n, err)
				}
			})
		}
		t.Run("a reader beyond its end", func(t *testing.T) {
			r := strings.NewReader("abc")
			if _, err := r.Seek(10, io.SeekStart); err != nil {
				t.Fatal(err)
			}
			if n, err := at.object("copy").WriteFrom(t.Context(), r); n != 0 || err != nil || at.body(t, "copy") != "" {
				t.Errorf("WriteFrom = %d, %v", n, err)
			}
		})
	})
}

func openFile(t *testing.T, name string) *os.File { return openFlags(t, name, os.O_RDONLY) }

func openFlags(t *testing.T, name string, flags int) *os.File {
	t.Helper()
	f, err := os.OpenFile(name, flags, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A source that fails, at any point, ends in its error, without an object and
// without parts; the old object stays.
func TestWriteFromFailingSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithPartSize(part))
		p := c.Object(at.bucket.Bucket(), "a")
		cause := errors.New("the source fails")
		for _, size := range []int{0, 5, part, part + 1, 2*part + 5} {
			for name, write := range map[string]func(r io.Reader) error{
				"WriteFrom": func(r io.Reader) error { _, err := p.WriteFrom(t.Context(), r); return err },
				"ReadFrom": func(r io.Reader) error {
					w, err := p.Create(t.Context())
					if err != nil {
						return err
					}
					n, err := w.ReadFrom(r)
					if n != int64(size) || !errors.Is(err, cause) {
						t.Errorf("ReadFrom = %d, %v", n, err)
					}
					if _, err := w.Write([]byte("more")); !errors.Is(err, cause) {
						t.Errorf("Write after it: %v", err)
					}
					return w.Close()
				},
				"WriteFunc": func(r io.Reader) error {
					return p.WriteFunc(t.Context(), func(w io.Writer) error { _, err := io.Copy(w, r); return err })
				},
				"WriteFunc that swallows it": func(r io.Reader) error {
					return p.WriteFunc(t.Context(), func(w io.Writer) error { _, _ = io.Copy(w, r); return nil })
				},
			} {
				t.Run(fmt.Sprintf("%s after %d", name, size), func(t *testing.T) {
					at.put(t, "a=old")
					err := write(io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(cause)))
					if pe := (*fs.PathError)(nil); !errors.Is(err, cause) || !errors.As(err, &pe) || pe.Path != p.String() {
						t.Errorf("%v", err)
					}
					if got := at.body(t, "a"); got != "old" {
						t.Errorf("there is %s", brief(got))
					}
					at.noUploads(t)
				})
			}
		}
	})
}

// A source that panics is the caller's panic; nothing is left behind.
func TestWriteFromPanickingSource(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		at.put(t, "a=old")
		for _, size := range []int{5, 2*part + 5} {
			func() {
				defer func() {
					if got := recover(); got != "the source panics" {
						t.Errorf("recovered %v", got)
					}
				}()
				_, err := p.WriteFrom(t.Context(), io.MultiReader(bytes.NewReader(make([]byte, size)), panicking{}))
				t.Errorf("WriteFrom returned %v", err)
			}()
			at.noUploads(t)
			if got := at.body(t, "a"); got != "old" {
				t.Errorf("there is %s", brief(got))
			}
		}
	})
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("the source panics") }

// A file that becomes shorter while it is sent is an error, and no object.
func TestUploadFromShrinkingFile(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.newClient(t, s3path.WithPartSize(part), s3path.WithMaxAttempts(1)).Object(at.bucket.Bucket(), "a")
		for _, size := range []int{part, 3 * part} {
			at.put(t, "a=old")
			name := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(name, pattern(size), 0o600); err != nil {
				t.Fatal(err)
			}
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if r.Method == http.MethodPut {
					if err := os.Truncate(name, 100); err != nil {
						t.Error(err)
					}
				}
				return nil
			})
			if err := p.UploadFrom(t.Context(), name); err == nil {
				t.Errorf("%d bytes: no error", size)
			}
			at.Proxy.Intercept(nil)
			if got := at.body(t, "a"); got != "old" {
				t.Errorf("%d bytes: there is %s", size, brief(got))
			}
			at.noUploads(t)
		}
	})
}

// A file that does not know its size, as those of /proc, is read to its end.
func TestUploadFromFileWithoutSize(t *testing.T) {
	const name = "/proc/self/cmdline"
	want, err := os.ReadFile(name)
	if err != nil {
		t.Logf("%v: this system has none", err)
		return
	}
	everywhere(t, func(t *testing.T, at *place) {
		if err := at.object("a").UploadFrom(t.Context(), name); err != nil {
			t.Error(err)
		}
		if n, err := at.object("b").WriteFrom(t.Context(), openFile(t, name)); err != nil || n != int64(len(want)) {
			t.Errorf("WriteFrom = %d, %v", n, err)
		}
		for _, key := range []string{"a", "b"} {
			if got := at.body(t, key); got != string(want) {
				t.Errorf("%s: stored %q, want %q", key, got, want)
			}
		}
	})
}

// A file that becomes shorter while it is sent is no shorter object, and the error
// says so.
func TestUploadOfAFileThatShrinks(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=old")
		p := at.newClient(t, s3path.WithPartSize(part)).Object(at.bucket.Bucket(), "a")
		for _, size := range []int{part, 3 * part} {
			name := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(name, pattern(size), 0o600); err != nil {
				t.Fatal(err)
			}
			var once sync.Once
			shrink := s3path.WithProgress(func(s3path.Progress) {
				once.Do(func() {
					if err := os.Truncate(name, 1000); err != nil {
						t.Error(err)
					}
				})
			})
			if err := p.UploadFrom(t.Context(), name, shrink); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "shorter") {
				t.Errorf("%d bytes: %v", size, err)
			}
			at.wantBody(t, "a", "old")
			at.noUploads(t)
		}
	})
}
