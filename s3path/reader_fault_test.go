package s3path_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// An object that is replaced meanwhile gives ErrChanged, never a mix of old and
// new bytes; also where the server ignores If-Match, and where the new object is
// shorter or gone.
func TestReplacedWhileReading(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ways := map[string]func(r *s3path.Reader) ([]byte, error){
			"Seek and Read": func(r *s3path.Reader) ([]byte, error) {
				b := make([]byte, 100)
				if _, err := r.Seek(1000, io.SeekStart); err != nil {
					return nil, err
				}
				n, err := r.Read(b)
				return b[:n], err
			},
			"Seek and WriteTo": func(r *s3path.Reader) ([]byte, error) {
				var b bytes.Buffer
				if _, err := r.Seek(1000, io.SeekStart); err != nil {
					return nil, err
				}
				_, err := r.WriteTo(&b)
				return b.Bytes(), err
			},
			"ReadAt": func(r *s3path.Reader) ([]byte, error) {
				b := make([]byte, 100)
				n, err := r.ReadAt(b, 1000)
				return b[:n], err
			},
		}
		for name, read := range ways {
			for _, row := range []struct {
				name string
				body string // the new one; "" when it is deleted
				want error
			}{
				{"by one as long", strings.Repeat("n", 4000), cloudpath.ErrChanged},
				{"by a longer one", strings.Repeat("n", 5000), cloudpath.ErrChanged},
				{"by a shorter one", "n", cloudpath.ErrChanged},
				{"by nothing", "", fs.ErrNotExist},
			} {
				for _, ignores := range []bool{false, true} {
					if ignores && row.body == "" {
						continue
					}
					t.Run(fmt.Sprintf("%s, replaced %s, conditions ignored %v", name, row.name, ignores), func(t *testing.T) {
						for _, opts := range [][]s3path.ReadOption{nil, {s3path.WithReadAhead(500)}} {
							at.Proxy.Intercept(nil)
							at.putBody(t, "a", pattern(4000))
							r := mustOpen(t, at.object("a"), opts...)
							if row.body == "" {
								at.removeObject(t, "a")
							} else {
								at.putBody(t, "a", []byte(row.body))
							}
							if ignores {
								at.spoil("GetObject", always, plain{ranges: true}.answer(t, at))
							}
							got, err := read(r)
							if len(got) != 0 || !errors.Is(err, row.want) {
								t.Errorf("read %q, %v, want %v", got, err, row.want)
							}
							if at.Proxy.Intercept(nil); r.Info().Size() != 4000 {
								t.Errorf("Info changed to %+v", r.Info())
							}
						}
					})
				}
			}
		}
	})
}

// Without an ETag nothing pins a later range: it is refused, whoever would serve it.
func TestNoETag(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(4000)
		at.putBody(t, "a", body)
		at.spoil("GetObject", always, plain{ranges: true, noETag: true}.answer(t, at))
		ctx, p := t.Context(), at.object("a")
		if got, err := p.ReadBytes(ctx); err != nil || !bytes.Equal(got, body) {
			t.Errorf("ReadBytes: %d bytes, %v", len(got), err)
		}
		if n, err := mustOpen(t, p).ReadAt(make([]byte, 8), 8); n != 0 || !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("ReadAt: %d bytes, %v", n, err)
		}
		if err := p.Update(ctx, func(old []byte) ([]byte, error) { return []byte("x"), nil }); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("Update: %v", err)
		}
	})
}

// A server that ignores ranges, and answers that begin elsewhere: bytes are never
// shifted.
func TestRangesIgnored(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(40_000)
		at.putBody(t, "a", body)
		p := at.object("a")
		ways := map[string]func() ([]byte, error){
			"ReadRange": func() ([]byte, error) { return p.ReadRange(t.Context(), 10_000, 100) },
			"ReadAt": func() ([]byte, error) {
				b := make([]byte, 100)
				n, err := mustOpen(t, p).ReadAt(b, 10_000)
				return b[:n], err
			},
			"Seek": func() ([]byte, error) {
				r, b := mustOpen(t, p), make([]byte, 100)
				if _, err := r.Seek(10_000, io.SeekStart); err != nil {
					return nil, err
				}
				n, err := io.ReadFull(r, b)
				return b[:n], err
			},
		}
		for name, read := range ways {
			for _, row := range []struct {
				name string
				how  plain
				want error
			}{
				{"everything instead", plain{}, nil},
				{"a range that begins before", plain{ranges: true, contentRange: "bytes 9999-10098/40000"}, cloudpath.ErrProtocol},
				{"a range that begins behind", plain{ranges: true, contentRange: "bytes 10001-10100/40000"}, cloudpath.ErrProtocol},
				{"the first bytes", plain{ranges: true, contentRange: "bytes 0-99/40000"}, cloudpath.ErrProtocol},
				{"no range at all", plain{ranges: true, contentRange: "rows 1-2/3"}, cloudpath.ErrProtocol},
				{"a part that does not say which", plain{ranges: true, contentRange: "none"}, cloudpath.ErrProtocol},
			} {
				t.Run(name+": "+row.name, func(t *testing.T) {
					at.spoil("GetObject", always, row.how.answer(t, at))
					got, err := read()
					switch {
					case !errors.Is(err, row.want):
						t.Errorf("%v, want %v", err, row.want)
					case err == nil && !bytes.Equal(got, body[10_000:10_100]):
						t.Errorf("read %q", got)
					case err != nil && len(got) > 0:
						t.Errorf("read %q beside %v", got, err)
					}
				})
			}
		}
		// Where ranges are ignored, what is behind the end is known all the same.
		at.spoil("GetObject", always, plain{}.answer(t, at))
		if got, err := p.ReadRange(t.Context(), 40_000, 5); len(got) != 0 || err != io.EOF {
			t.Errorf("at the end: %q, %v", got, err)
		}
		if got, err := p.ReadRange(t.Context(), 39_990, 50); !bytes.Equal(got, body[39_990:]) || err != nil {
			t.Errorf("over the end: %q, %v", got, err)
		}
	})
}

// A part of the object that nobody asked for is not its beginning.
func TestPartUnasked(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "a", pattern(10))
		etag := at.etag(t, "a")
		for how, read := range readings {
			if how == "ReadRange" {
				continue // asks for a part
			}
			for _, row := range []struct {
				contentRange string
				want         error
			}{
				{"bytes 5-9/10", cloudpath.ErrProtocol},
				{"", cloudpath.ErrProtocol},
				{"bytes 0-4/10", nil}, // and the rest is asked for
			} {
				at.spoil("GetObject", 1, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("ETag", `"`+etag+`"`)
					if row.contentRange != "" {
						w.Header().Set("Content-Range", row.contentRange)
					}
					w.WriteHeader(http.StatusPartialContent)
					_, _ = w.Write(pattern(10)[:5]) // a client that refuses it has gone
				})
				got, err := read(t, at.object("a"))
				if !errors.Is(err, row.want) || err == nil && !bytes.Equal(got, pattern(10)) {
					t.Errorf("%s of %q: %q, %v", how, row.contentRange, got, err)
				}
			}
		}
	})
}
