package aferoadapter_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/afero"

	"github.com/cloudpath-go/cloudpath/aferoadapter"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

const mib = 1 << 20

// pattern is bytes of which no two MiB are the same.
func pattern(size int) []byte {
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(b)
	return b
}

// sent reports whether a streaming handle says that it cannot go back, with advice.
func sentAlready(err error) bool {
	_, ok := err.(*os.PathError)
	return ok && errors.Is(err, errors.ErrUnsupported) && strings.Contains(err.Error(), "os.O_RDWR")
}

// What waits in memory can be rewritten, what was sent cannot, and either way the
// object is what the calls that succeeded say.
func TestStreamRewrites(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		data := pattern(20 * mib)
		f := open(t, fs, "f", os.O_WRONLY|os.O_CREATE)
		if _, err := f.Write(data[:5*mib]); err != nil {
			t.Fatal(err)
		}
		if n := at.Proxy.Requests().Counts()["CreateMultipartUpload"]; n > 0 {
			t.Error("5 MiB were sent")
		}
		if _, err := f.WriteAt([]byte("head"), 0); err != nil { // a header that is known last
			t.Error(err)
		}
		copy(data, "head")
		if err := f.Truncate(4 * mib); err != nil {
			t.Error(err)
		}
		if _, err := f.Seek(4*mib, io.SeekStart); err != nil {
			t.Error(err)
		}
		if n, err := io.Copy(f, bytes.NewReader(data[4*mib:])); n != 16*mib || err != nil {
			t.Fatal(n, err)
		}
		for what, err := range map[string]error{
			"WriteAt 0": second(f.WriteAt([]byte("late"), 0)),
			"Truncate":  f.Truncate(mib),
			"Write": func() error {
				defer f.Seek(0, io.SeekEnd)
				f.Seek(10, io.SeekStart)
				return second(f.Write([]byte("late")))
			}(),
		} {
			if !sentAlready(err) {
				t.Errorf("%s in what was sent: %v", what, err)
			}
		}
		if _, err := f.WriteAt([]byte("tail"), 20*mib-4); err != nil {
			t.Errorf("what waits cannot be rewritten: %v", err)
		}
		copy(data[20*mib-4:], "tail")
		if info, err := f.Stat(); err != nil || info.Size() != 20*mib {
			t.Errorf("%v, %v", info, err)
		}
		if _, err := fs.Stat("f"); !os.IsNotExist(err) {
			t.Errorf("it is there before it is closed: %v", err)
		}
		closed(t, f)
		refusesAll(t, f)
		if got, err := afero.ReadFile(fs, "f"); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		at.noUploads(t)
	})
}

// Streams over an object, in all the ways that keep some of it.
func TestStreamKeeps(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		for _, size := range []int{100, 12 * mib} {
			if slowly && size > mib && at.Name != s3matrix.InProcess {
				continue // without the race detector they do that too
			}
			old := pattern(size)
			for what, row := range map[string]struct {
				flag int
				do   func(f afero.File) error
				then func() []byte
			}{
				"nothing done": {os.O_WRONLY, func(afero.File) error { return nil }, func() []byte { return old }},
				"the beginning": {os.O_WRONLY, func(f afero.File) error { return second(f.Write([]byte("NEW"))) },
					func() []byte { return slices.Concat([]byte("NEW"), old[3:]) }},
				"the middle": {os.O_WRONLY, func(f afero.File) error { return second(f.WriteAt([]byte("NEW"), int64(size/2))) },
					func() []byte { return slices.Concat(old[:size/2], []byte("NEW"), old[size/2+3:]) }},
				"behind the end": {os.O_WRONLY, func(f afero.File) error { f.Seek(5, io.SeekEnd); return second(f.Write([]byte("NEW"))) },
					func() []byte { return slices.Concat(old, make([]byte, 5), []byte("NEW")) }},
				"cut and grown": {os.O_WRONLY, func(f afero.File) error { return errors.Join(f.Truncate(10), f.Truncate(20)) },
					func() []byte { return slices.Concat(old[:10], make([]byte, 10)) }},
				"grown": {os.O_WRONLY, func(f afero.File) error { return f.Truncate(int64(size + 7)) },
					func() []byte { return slices.Concat(old, make([]byte, 7)) }},
				"cut and appended": {os.O_WRONLY | os.O_APPEND, func(f afero.File) error { return errors.Join(f.Truncate(10), second(f.Write([]byte("NEW")))) },
					func() []byte { return slices.Concat(old[:10], []byte("NEW")) }},
				"appended, and synced": {os.O_WRONLY | os.O_APPEND, func(f afero.File) error {
					return errors.Join(second(f.Write([]byte("A"))), f.Sync(), second(f.WriteString("B")), f.Sync(), f.Sync(), second(f.WriteString("C")))
				}, func() []byte { return slices.Concat(old, []byte("ABC")) }},
				"streamed, and synced": {os.O_WRONLY | os.O_TRUNC, func(f afero.File) error {
					return errors.Join(second(f.Write(old)), f.Sync(), second(f.Write(old)), f.Sync())
				}, func() []byte { return slices.Concat(old, old) }},
			} {
				t.Run(fmt.Sprintf("%s of %d", what, size), func(t *testing.T) {
					if err := at.bucket.Join("f").WriteBytes(t.Context(), old, s3path.WithContentType("x/y")); err != nil {
						t.Fatal(err)
					}
					f := open(t, fs, "f", row.flag)
					if err := row.do(f); err != nil {
						t.Error(err)
					}
					closed(t, f)
					if got, err := afero.ReadFile(fs, "f"); err != nil || !bytes.Equal(got, row.then()) {
						t.Errorf("%d bytes, %v, want %d", len(got), err, len(row.then()))
					}
				})
			}
		}
		at.noUploads(t)
	})
}

// An append to a large object has the server copy it.
func TestAppendIsCopied(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		if err := at.bucket.Join("log").WriteBytes(t.Context(), pattern(6*mib)); err != nil {
			t.Fatal(err)
		}
		mark := at.Proxy.Mark()
		f := open(t, fs, "log", os.O_WRONLY|os.O_APPEND)
		if at.Proxy.Since(mark).Counts()["HeadObject"] != len(at.Proxy.Since(mark)) {
			t.Error("opened by more than a HEAD")
		}
		if _, err := f.WriteString("line"); err != nil {
			t.Fatal(err)
		}
		closed(t, f)
		log := at.Proxy.Since(mark)
		var up, down int64
		for _, r := range log {
			up, down = up+r.RequestBytes, down+r.ResponseBytes
		}
		if log.Counts()["UploadPartCopy"] != 1 || log.Counts()["GetObject"] != 0 || up > 64<<10 || down > 64<<10 {
			t.Errorf("%v, %d bytes up, %d bytes down", log.Counts(), up, down)
		}
		info, err := fs.Stat("log")
		if err != nil || info.Size() != 6*mib+4 {
			t.Errorf("%v, %v", info, err)
		}
		// Nothing written, nothing asked.
		at.costs(t, "an append of nothing", func() { closed(t, open(t, fs, "log", os.O_WRONLY|os.O_APPEND)) }, "HeadObject")
	})
}

var streamed = flag.Int("stream-mib", 96, "how many MiB are streamed through a handle, and how many the disk would have to hold")

// A stream of any length takes no disk and bounded memory.
func TestStreamIsBounded(t *testing.T) {
	at := inProcess(t)
	nowhere := filepath.Join(t.TempDir(), "none") // there is no room for a single temporary byte
	t.Setenv("TMPDIR", nowhere)
	if _, err := os.CreateTemp("", ""); err == nil {
		t.Fatal("temporary files can be made")
	}
	// The server's own memory must not count: it takes the parts and forgets them.
	var took atomic.Int64
	at.Proxy.Intercept(func(r *http.Request) http.Handler {
		if s3proxy.Operation(r) != "UploadPart" && s3proxy.Operation(r) != "CompleteMultipartUpload" {
			return nil
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			if s3proxy.Operation(r) == "UploadPart" {
				took.Add(n)
				w.Header().Set("ETag", fmt.Sprintf("%q", strings.Repeat("0", 32)))
				return
			}
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprintf(w, `<CompleteMultipartUploadResult><ETag>"done"</ETag></CompleteMultipartUploadResult>`)
		})
	})
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before, peak := heap(), uint64(0)
	f := open(t, at.fs(), "big", os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	block := pattern(mib)
	for i := range *streamed {
		if _, err := f.Write(block); err != nil {
			t.Fatal(err)
		}
		if i%8 == 0 {
			runtime.GC()
			peak = max(peak, heap())
		}
	}
	closed(t, f)
	if took.Load() != int64(*streamed)*mib {
		t.Errorf("the server took %d bytes", took.Load())
	}
	if grown := (int64(peak) - int64(before)) / mib; grown > 120 {
		t.Errorf("%d MiB of memory for a stream of %d MiB", grown, *streamed)
	} else {
		t.Logf("%d MiB of memory for a stream of %d MiB", grown, *streamed)
	}
	// Random access is what takes a disk, and says so when there is none.
	w := must[afero.File](t)(at.fs().Create("w"))
	if _, err := w.Write(block); err != nil {
		t.Error(err)
	}
	want(t, "a file beyond memory", second(w.WriteAt(block, aferoadapter.InMemory)), os.ErrNotExist)
	want(t, "its Close", w.Close(), os.ErrNotExist)
}

// What this machine has no room for is not committed without it.
func TestNoRoom(t *testing.T) {
	at := inProcess(t)
	room := t.TempDir()
	t.Setenv("TMPDIR", filepath.Join(room, "none"))
	at.put(t, "f=before")
	f := must[afero.File](t)(at.fs().Create("f"))
	n, err := io.Copy(f, struct{ io.Reader }{bytes.NewReader(pattern(9 * mib))}) // without WriteTo: in pieces
	want(t, "Copy", err, os.ErrNotExist)
	if n != aferoadapter.InMemory {
		t.Errorf("%d bytes were taken", n)
	}
	want(t, "Write", second(f.Write([]byte("more"))), os.ErrNotExist)
	want(t, "Sync", f.Sync(), os.ErrNotExist)
	want(t, "Close", f.Close(), os.ErrNotExist)
	holds(t, at.fs(), "f", "before")

	// What was there is fetched again, from its beginning.
	data := pattern(9 * mib)
	if err := at.bucket.Join("f").WriteBytes(t.Context(), data); err != nil {
		t.Fatal(err)
	}
	f = open(t, at.fs(), "f", os.O_RDWR)
	want(t, "Read", second(f.Read(make([]byte, 1))), os.ErrNotExist)
	t.Setenv("TMPDIR", room)
	if _, err := f.WriteAt([]byte("head"), 0); err != nil {
		t.Error(err)
	}
	closed(t, f)
	copy(data, "head")
	if got, err := afero.ReadFile(at.fs(), "f"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v, want %d", len(got), err, len(data))
	}
}

// No object is that long: it is said at once, not after terabytes of zeros.
func TestTooLarge(t *testing.T) {
	at := inProcess(t)
	at.put(t, "f=before")
	for _, flag := range []int{os.O_WRONLY, os.O_RDWR} {
		f := open(t, at.fs(), "f", flag)
		want(t, "WriteAt", second(f.WriteAt([]byte("x"), 5<<40)), syscall.EFBIG)
		want(t, "WriteAt", second(f.WriteAt([]byte("x"), 1<<63-2)), syscall.EFBIG)
		want(t, "WriteAt", second(f.WriteAt([]byte("x"), 1<<63-1)), syscall.EINVAL)
		want(t, "Truncate", f.Truncate(5<<40+1), syscall.EFBIG)
		if _, err := f.WriteAt([]byte("B"), 0); err != nil {
			t.Error(err)
		}
		closed(t, f)
		holds(t, at.fs(), "f", "Before")
		at.put(t, "f=before")
	}
}

// Whatever goes wrong before it is committed leaves what was there before, and the
// error is Close's too.
func TestFailedWrites(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		forbid := func(operations ...string) {
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if !slices.Contains(operations, s3proxy.Operation(r)) {
					return nil
				}
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					w.WriteHeader(http.StatusForbidden)
				})
			})
		}
		write(t, at.fs(), "f", "before")
		for what, row := range map[string]struct {
			flag, size int
			forbidden  string
		}{
			"a stream, at Close":   {os.O_WRONLY | os.O_TRUNC, 10, "PutObject"},
			"a stream, in a part":  {os.O_WRONLY | os.O_TRUNC, 20 * mib, "UploadPart"},
			"a stream, at its end": {os.O_WRONLY | os.O_TRUNC, 20 * mib, "CompleteMultipartUpload"},
			"in memory":            {os.O_RDWR, 10, "PutObject"},
			"on the disk":          {os.O_RDWR, 20 * mib, "UploadPart"},
		} {
			t.Run(what, func(t *testing.T) {
				forbid(row.forbidden)
				f := open(t, at.fs(), "f", row.flag)
				_, werr := f.Write(pattern(row.size))
				if werr != nil {
					want(t, "Write", werr, os.ErrPermission)
				}
				want(t, "Close", f.Close(), os.ErrPermission)
				want(t, "a second Close", f.Close(), os.ErrClosed)
				at.Proxy.Intercept(nil)
				holds(t, at.fs(), "f", "before")
				at.noUploads(t)
			})
		}
		t.Run("a context that ends", func(t *testing.T) {
			for _, flag := range []int{os.O_WRONLY, os.O_RDWR | os.O_TRUNC} {
				for _, size := range []int{10, 20 * mib} {
					ctx, cancel := context.WithCancel(t.Context())
					f := open(t, at.fs().WithContext(ctx), "f", flag)
					if _, err := f.Write(pattern(size)); err != nil {
						t.Error(err)
					}
					cancel()
					if err := f.Close(); !errors.Is(err, context.Canceled) {
						t.Errorf("Close: %v", err)
					}
					holds(t, at.fs(), "f", "before")
					at.noUploads(t)
				}
			}
		})
		t.Run("the first Read", func(t *testing.T) {
			f := open(t, at.fs(), "f", os.O_RDWR)
			forbid("GetObject")
			want(t, "Read", second(f.Read(make([]byte, 1))), os.ErrPermission)
			want(t, "Write", second(f.Write(make([]byte, 1))), os.ErrPermission)
			at.Proxy.Intercept(nil)
			if got := readAll(t, f); got != "before" {
				t.Errorf("%q", got)
			}
			closed(t, f)
		})
		t.Run("the first Read, halfway", func(t *testing.T) {
			data := pattern(2 * mib)
			path := at.bucket.Join("halfway")
			var info s3path.Info
			if err := path.WriteBytes(t.Context(), data, s3path.WithInfo(&info)); err != nil {
				t.Fatal(err)
			}
			f := open(t, at.fs(), "halfway", os.O_RDWR)
			var broken atomic.Bool
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				if s3proxy.Operation(r) != "GetObject" {
					return nil
				}
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if broken.Swap(true) {
						w.WriteHeader(http.StatusForbidden)
						return
					}
					w.Header().Set("ETag", fmt.Sprintf("%q", info.ETag()))
					w.Header().Set("Content-Length", fmt.Sprint(len(data)))
					w.Write(data[:mib])
				})
			})
			want(t, "Read", second(f.Read(make([]byte, 1))), os.ErrPermission)
			at.Proxy.Intercept(nil)
			if got := readAll(t, f); got != string(data) {
				t.Errorf("%d bytes, want %d", len(got), len(data))
			}
			closed(t, f)
		})
	})
}

// A handle that works on a copy asks for nothing that it does not need.
func TestWriteRequests(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		fs := at.fs()
		at.put(t, "d/f=before")
		for _, row := range []struct {
			what string
			fn   func()
			want []string
		}{
			{"Create of a new file", func() { closed(t, must[afero.File](t)(fs.Create("d/new"))) }, []string{"HeadObject", "ListObjectsV2", "PutObject"}},
			{"WriteFile over a file", func() { write(t, fs, "d/f", "after") }, []string{"HeadObject", "PutObject"}},
			{"O_RDWR, and nothing done", func() { closed(t, open(t, fs, "d/f", os.O_RDWR)) }, []string{"HeadObject"}},
			{"O_RDWR, read", func() { f := open(t, fs, "d/f", os.O_RDWR); readAll(t, f); closed(t, f) }, []string{"HeadObject", "GetObject"}},
			{"O_RDWR, written", func() { f := open(t, fs, "d/f", os.O_RDWR); f.WriteString("x"); closed(t, f) }, []string{"HeadObject", "GetObject", "PutObject"}},
			{"O_RDWR, emptied", func() { f := open(t, fs, "d/f", os.O_RDWR); f.Truncate(0); closed(t, f) }, []string{"HeadObject", "PutObject"}},
			{"O_SYNC", func() {
				f := open(t, fs, "d/f", os.O_WRONLY|os.O_SYNC)
				f.WriteString("x")
				f.WriteString("y")
				closed(t, f)
			}, []string{"HeadObject", "PutObject", "PutObject"}},
			{"Append to a small file", func() {
				f := open(t, fs, "d/f", os.O_WRONLY|os.O_APPEND)
				f.WriteString("x")
				closed(t, f)
			}, []string{"HeadObject", "GetObject", "PutObject"}},
			{"Chtimes", func() { want(t, "Chtimes", fs.Chtimes("d/f", time.Now(), time.Now()), nil) }, []string{"HeadObject"}},
			{"Mkdir", func() { want(t, "Mkdir", fs.Mkdir("d/k", 0), nil) }, []string{"HeadObject", "ListObjectsV2", "ListObjectsV2", "HeadObject", "PutObject"}},
			{"Mkdir of what exists", func() { want(t, "Mkdir", fs.Mkdir("d/k", 0), os.ErrExist) }, []string{"HeadObject", "ListObjectsV2"}},
			{"MkdirAll of two levels", func() { want(t, "MkdirAll", fs.MkdirAll("d/m/n", 0), nil) },
				[]string{"ListObjectsV2", "HeadObject", "ListObjectsV2", "HeadObject", "ListObjectsV2", "ListObjectsV2", "HeadObject", "PutObject"}},
			{"Rename", func() { want(t, "Rename", fs.Rename("d/f", "d/g"), nil) }, []string{"HeadObject", "HeadObject", "ListObjectsV2", "CopyObject", "DeleteObject", "ListObjectsV2"}},
			{"Rename over a file", func() { at.put(t, "d/f"); want(t, "Rename", fs.Rename("d/g", "d/f"), nil) }, []string{"HeadObject", "HeadObject", "CopyObject", "DeleteObject", "ListObjectsV2"}},
			{"RemoveAll", func() { want(t, "RemoveAll", fs.RemoveAll("d/m"), nil) }, []string{"ListObjectsV2", "ListObjectsV2", "DeleteObjects", "ListObjectsV2"}},
			{"Remove of a directory", func() { want(t, "Remove", fs.Remove("d/k"), nil) }, []string{"HeadObject", "ListObjectsV2", "DeleteObject", "ListObjectsV2"}},
			{"Remove", func() { want(t, "Remove", fs.Remove("d/f"), nil) }, []string{"HeadObject", "DeleteObject", "ListObjectsV2"}},
			{"Remove of the last", func() { want(t, "Remove", fs.Remove("d/new"), nil) }, []string{"HeadObject", "DeleteObject", "ListObjectsV2", "HeadObject", "PutObject"}},
			{"MkdirAll of what exists", func() { want(t, "MkdirAll", fs.MkdirAll("d", 0o755), nil) }, []string{"ListObjectsV2"}},
		} {
			at.costs(t, row.what, row.fn, row.want...)
		}
		at.has(t, "d/")
	})
}
