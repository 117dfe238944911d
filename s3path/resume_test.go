package s3path_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// readings are the ways to read an object to its end.
var readings = map[string]func(t *testing.T, p s3path.S3Path) ([]byte, error){
	"ReadBytes": func(t *testing.T, p s3path.S3Path) ([]byte, error) { return p.ReadBytes(t.Context()) },
	"ReadRange": func(t *testing.T, p s3path.S3Path) ([]byte, error) { return p.ReadRange(t.Context(), 0, -1) },
	"Read": func(t *testing.T, p s3path.S3Path) ([]byte, error) {
		r, err := p.Open(t.Context())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(struct{ io.Reader }{r})
	},
	"WriteTo": func(t *testing.T, p s3path.S3Path) ([]byte, error) {
		r, err := p.Open(t.Context())
		if err != nil {
			return nil, err
		}
		defer r.Close()
		var b bytes.Buffer
		_, err = r.WriteTo(&b)
		return b.Bytes(), err
	},
	"DownloadTo": func(t *testing.T, p s3path.S3Path) ([]byte, error) {
		name := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			return nil, err
		}
		err := p.DownloadTo(t.Context(), name)
		data, rerr := os.ReadFile(name)
		if err != nil {
			sameFiles(t, "after the failure", filepath.Dir(name), map[string]string{"x": "old"})
			return nil, err
		}
		return data, rerr
	},
}

// A body that breaks is resumed with a range from where it stopped, pinned to the
// same ETag.
func TestResume(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(100_000)
		at.putBody(t, "a", body)
		p := at.object("a")
		for how, read := range readings {
			for _, cut := range cuttings {
				for _, n := range []int{50_001, 0, 1, 99_999} {
					if how != "ReadBytes" && n != 50_001 {
						break // every cut in one way, every way in one place
					}
					t.Run(fmt.Sprintf("%s, %s after %d", how, cut.name, n), func(t *testing.T) {
						at.spoil("GetObject", 1, func(w http.ResponseWriter, r *http.Request) { cut.do(w, at.recorded(r), n) })
						mark := at.Proxy.Mark()
						got, err := read(t, p)
						if err != nil || !bytes.Equal(got, body) {
							t.Fatalf("read %d bytes, %v", len(got), err)
						}
						log := at.Proxy.Since(mark)
						want := []string{"GetObject", "GetObject"}
						if !cut.length && how != "ReadRange" { // a range's answer says the size in any case
							want = []string{"GetObject", "HeadObject", "GetObject"}
						}
						at.checkOperations(t, mark, want...)
						again := log[len(log)-1]
						if wanted := fmt.Sprintf("bytes=%d-99999", n); again.Header.Get("Range") != wanted && cut.name != "reset" { // a reset may take bytes back
							t.Errorf("asked again for %q, want %q", again.Header.Get("Range"), wanted)
						}
						if again.Header.Get("If-Match") == "" {
							t.Error("what was asked for again is not pinned")
						}
					})
				}
			}
		}
	})
}

// A later range that breaks is resumed as well.
func TestResumeRange(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(10_000)
		at.putBody(t, "a", body)
		r := mustOpen(t, at.object("a"))
		for _, cut := range cuttings {
			at.spoil("GetObject", 1, func(w http.ResponseWriter, rq *http.Request) { cut.do(w, at.recorded(rq), 700) })
			b := make([]byte, 2000)
			if n, err := r.ReadAt(b, 3000); err != nil || !bytes.Equal(b[:n], body[3000:5000]) {
				t.Errorf("%s: read %d bytes, %v", cut.name, n, err)
			}
		}
	})
}

// Where ranges are ignored, a body that breaks before the byte that is wanted is
// asked for again.
func TestResumeWithoutRanges(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(10_000)
		at.putBody(t, "a", body)
		r := mustOpen(t, at.object("a"))
		var n atomic.Int64
		at.spoil("GetObject", always, func(w http.ResponseWriter, rq *http.Request) {
			rec := httptest.NewRecorder()
			plain{}.answer(t, at)(rec, rq)
			rawAnswer(w, rec, []int{500, 3500, 10_000}[min(n.Add(1)-1, 2)], "", false)
		})
		b := make([]byte, 2000)
		if n, err := r.ReadAt(b, 3000); err != nil || !bytes.Equal(b[:n], body[3000:5000]) {
			t.Errorf("read %d bytes, %v", n, err)
		}
		if n.Load() != 3 {
			t.Errorf("%d requests", n.Load())
		}
	})
}

// It is resumed as often as the retry budget allows: attempts in a row that bring
// nothing end it, attempts that bring a byte do not.
func TestResumeBudget(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(64)
		at.putBody(t, "a", body)
		at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			rawAnswer(w, rec, min(8, rec.Body.Len()), "", false)
		})
		n := at.count(func() {
			if got, err := at.object("a").ReadBytes(t.Context()); err != nil || !bytes.Equal(got, body) {
				t.Errorf("eight bytes at a time: %d bytes, %v", len(got), err)
			}
		})
		if n != 8 {
			t.Errorf("eight bytes at a time: %d requests", n)
		}
		at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) { rawAnswer(w, at.recorded(r), 0, "", false) })
		for _, tries := range []int{1, 2, 5} {
			c := at.newClient(t, s3path.WithMaxAttempts(tries))
			n := at.count(func() {
				got, err := c.Object(at.bucket.Bucket(), "a").ReadBytes(t.Context())
				if len(got) != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("%d attempts: %d bytes, %v", tries, len(got), err)
				}
			})
			if n != tries {
				t.Errorf("%d attempts: %d requests", tries, n)
			}
		}
	})
}

// Content-Length that lies is io.ErrUnexpectedEOF: once, or every time.
func TestContentLengthLies(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.putBody(t, "a", pattern(10_000))
		p := at.object("a")
		longer := func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			if rec.Code == http.StatusRequestedRangeNotSatisfiable { // no byte, and no doubt either
				from, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Range"), "bytes="), "-")
				rec = httptest.NewRecorder()
				rec.Header().Set("ETag", r.Header.Get("If-Match"))
				rec.Header().Set("Content-Range", "bytes "+from+"-10019/10020")
				rec.WriteHeader(http.StatusPartialContent)
			}
			if got := rec.Header().Get("Content-Range"); got != "" {
				rec.Header().Set("Content-Range", strings.Replace(got, "/10000", "/10020", 1))
			}
			rawAnswer(w, rec, rec.Body.Len(), "Content-Length: "+strconv.Itoa(rec.Body.Len()+20), false)
		}
		for how, read := range readings {
			for _, times := range []int{1, always} {
				t.Run(fmt.Sprintf("%s, %d times", how, times), func(t *testing.T) {
					at.spoil("GetObject", times, longer)
					got, err := read(t, p)
					if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, cloudpath.ErrChanged) {
						t.Errorf("read %d bytes, %v", len(got), err)
					}
				})
			}
		}
	})
}

// A size that no object has is no size; one that the body does not fill claims no
// memory.
func TestHostileSize(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=small")
		for _, row := range []struct {
			size string
			want error
		}{
			{"4611686018427387904", cloudpath.ErrProtocol},
			{"9223372036854775807", cloudpath.ErrProtocol},
			{"1099511627776", io.ErrUnexpectedEOF}, // 1 TiB; the ranges say the truth
		} {
			for how, read := range readings {
				if how == "ReadRange" {
					continue // its size is in Content-Range, which is not spoiled
				}
				t.Run(how+" "+row.size, func(t *testing.T) {
					at.spoil("GetObject", 1, func(w http.ResponseWriter, r *http.Request) {
						rec := at.recorded(r)
						rawAnswer(w, rec, rec.Body.Len(), "Content-Length: "+row.size, false)
					})
					if got, err := read(t, at.object("a")); len(got) > 5 || !errors.Is(err, row.want) {
						t.Errorf("read %d bytes, %v", len(got), err)
					}
				})
			}
		}
		at.spoil("GetObject", 1, func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			rec.Header().Set("Content-Range", "bytes 0-4/4611686018427387904")
			rawAnswer(w, rec, rec.Body.Len(), "", false)
		})
		if _, err := at.object("a").ReadRange(t.Context(), 0, -1); !errors.Is(err, cloudpath.ErrProtocol) {
			t.Errorf("ReadRange: %v", err)
		}
	})
}

// Where nobody says how long the object is, the end of a body proves nothing.
func TestNoSize(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(10_000)
		at.putBody(t, "a", body)
		p := at.object("a")
		whole := func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			rawAnswer(w, rec, rec.Body.Len(), "Connection: close", false)
		}
		at.spoil("GetObject", always, whole)
		for how, read := range readings {
			if got, err := read(t, p); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: %d bytes, %v", how, len(got), err)
			}
		}
		// HEAD does not know it either, or knows another object.
		for name, row := range map[string]struct {
			head func(h http.Header)
			want error
		}{
			"no length":    {func(h http.Header) { h.Del("Content-Length") }, cloudpath.ErrProtocol},
			"another ETag": {func(h http.Header) { h.Set("ETag", `"00000000000000000000000000000000"`) }, cloudpath.ErrChanged},
		} {
			at.Proxy.Intercept(func(r *http.Request) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch s3proxy.Operation(r) {
					case "GetObject":
						whole(w, r)
					case "HeadObject":
						rec := at.recorded(r)
						row.head(rec.Header())
						for k, v := range rec.Header() {
							w.Header()[k] = v
						}
						w.WriteHeader(rec.Code)
					default:
						at.Proxy.Next().ServeHTTP(w, r)
					}
				})
			})
			if _, err := p.ReadBytes(t.Context()); !errors.Is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
		}
	})
}

// A body that goes on behind the object's end is not the object's.
func TestBodyTooLong(t *testing.T) {
	data := "0123456789"
	c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodHead {
			return fakeAnswer(r, http.StatusOK, int64(len(data)), strings.NewReader("")), nil
		}
		return fakeAnswer(r, http.StatusOK, -1, strings.NewReader(data+"and more")), nil
	})
	if got, err := c.Object("bucket", "a").ReadBytes(t.Context()); !errors.Is(err, cloudpath.ErrProtocol) {
		t.Errorf("read %q, %v", got, err)
	}
	// More than the range that was asked for is only a server without manners.
	c = fakeClient(t, func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Range") == "" {
			return fakeRange(r, data), nil
		}
		return fakeAnswer(r, http.StatusPartialContent, 8, strings.NewReader(data[2:]), "Content-Range", "bytes 2-9/10"), nil
	})
	if got, err := c.Object("bucket", "a").ReadRange(t.Context(), 2, 3); err != nil || string(got) != "234" {
		t.Errorf("read %q, %v", got, err)
	}
	b := make([]byte, 3)
	if n, err := mustOpen(t, c.Object("bucket", "a")).ReadAt(b, 2); err != nil || string(b[:n]) != "234" {
		t.Errorf("read %q, %v", b[:n], err)
	}
}

// A body replaced while it is resumed is ErrChanged for a reader; DownloadTo
// begins again.
func TestReplacedWhileResuming(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		now := pattern(9000)
		for how, read := range readings {
			at.Proxy.Intercept(nil)
			at.putBody(t, "a", bytes.Repeat([]byte("o"), 10_000))
			at.spoil("GetObject", 1, func(w http.ResponseWriter, r *http.Request) {
				rec := at.recorded(r)
				at.putBody(t, "a", now)
				rawAnswer(w, rec, 5000, "", false)
			})
			got, err := read(t, at.object("a"))
			switch {
			case how == "DownloadTo" && (err != nil || !bytes.Equal(got, now)):
				t.Errorf("%s: %d bytes, %v", how, len(got), err)
			case how != "DownloadTo" && !errors.Is(err, cloudpath.ErrChanged):
				t.Errorf("%s: %d bytes, %v", how, len(got), err)
			}
		}
	})
}

// Bytes that do not fit the checksum that the server sends are no success.
func TestChecksumDoesNotFit(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		body := pattern(10_000)
		at.putBody(t, "a", body)
		sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
		c := at.checksumming(t)
		flip := false
		at.spoil("GetObject", always, func(w http.ResponseWriter, r *http.Request) {
			rec := at.recorded(r)
			if r.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" {
				t.Error("checksums were not asked for")
			}
			rec.Header().Set("X-Amz-Checksum-Crc32", sum)
			if flip {
				rec.Body.Bytes()[4000] ^= 1
			}
			rawAnswer(w, rec, rec.Body.Len(), "", false)
		})
		for how, read := range readings {
			if how == "ReadRange" {
				continue // no server sends the checksum of the whole with a part
			}
			flip = false
			if got, err := read(t, c.Object(at.bucket.Bucket(), "a")); err != nil || !bytes.Equal(got, body) {
				t.Errorf("%s: %d bytes, %v", how, len(got), err)
			}
			flip = true
			if _, err := read(t, c.Object(at.bucket.Bucket(), "a")); !errors.Is(err, cloudpath.ErrProtocol) {
				t.Errorf("%s with a flipped bit: %v", how, err)
			}
		}
	})
}

// checksumming is a client that calculates and validates checksums wherever S3
// does.
func (at *place) checksumming(t *testing.T, opts ...s3path.ClientOption) *s3path.Client {
	t.Helper()
	return openClient(t, append([]s3path.ClientOption{
		s3path.WithAWSConfig(aws.Config{
			Region: at.Region, BaseEndpoint: aws.String(at.URL),
			Credentials:                credentials.NewStaticCredentialsProvider(at.AccessKey, at.SecretKey, ""),
			RequestChecksumCalculation: aws.RequestChecksumCalculationWhenSupported,
			ResponseChecksumValidation: aws.ResponseChecksumValidationWhenSupported,
		}),
		s3path.WithAddressing(s3path.AddressingPath),
	}, opts...)...)
}
