package localcache

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"strings"
	"testing"
)

// TestHostileSizes: nothing is reserved for a size that nobody can have.
func TestHostileSizes(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithMaxBytes(1000)}, {WithMaxBytes(math.MaxInt64)}} {
		c := newCache(t, opts...)
		s := newRemote(map[string]string{"small": "small"})
		if err := read(c, "small", Revalidate(), s, "small", false); err != nil {
			t.Error(err)
		}
		for _, size := range []int64{1 << 40, 1 << 62, math.MaxInt64, math.MaxInt64 - 3} {
			f, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(context.Context, Meta) (*Fetched, error) {
				return &Fetched{Meta{ETag: "e", Size: size}, io.NopCloser(strings.NewReader("short"))}, nil
			})
			if err == nil {
				_, err = io.ReadAll(f)
				f.Close()
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%d: %v", size, err)
			}
			if st := c.Stats(); st.Bytes != 5 || st.Files != 1 {
				t.Errorf("%d: %+v", size, st)
			}
			checkLedger(t, c)
		}
	}
}

// TestBodies: a body that is not what was said of it is an error, and nothing
// is kept of it.
func TestBodies(t *testing.T) {
	broken := errors.New("the connection broke")
	for name, row := range map[string]struct {
		size int64
		body string
		end  error
		want error
	}{
		"short":                   {10, "12345", nil, io.ErrUnexpectedEOF},
		"long":                    {4, "12345", nil, nil},
		"broken":                  {10, "12345", broken, broken},
		"broken, of unknown size": {-1, "12345", broken, broken},
		"broken at its very end":  {5, "12345", broken, broken},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(t)
			closed := 0
			_, err := c.Open(t.Context(), keyOf("k"), Revalidate(), func(context.Context, Meta) (*Fetched, error) {
				r := io.Reader(strings.NewReader(row.body))
				if row.end != nil {
					r = io.MultiReader(r, readerFunc(func([]byte) (int, error) { return 0, row.end }))
				}
				return &Fetched{Meta{ETag: "e", Size: row.size}, closer{r, &closed}}, nil
			})
			if err == nil || row.want != nil && !errors.Is(err, row.want) {
				t.Error(err)
			}
			if closed != 1 {
				t.Errorf("the body was closed %d times", closed)
			}
			if st := c.Stats(); st != (Stats{}) || c.users() != 0 {
				t.Errorf("%+v, %d uses", st, c.users())
			}
			if err := debris(c); err != nil {
				t.Error(err)
			}
			if _, err := c.Open(t.Context(), keyOf("k"), Offline(), nil); !errors.Is(err, fs.ErrNotExist) {
				t.Error(err)
			}
		})
	}
}

type closer struct {
	io.Reader
	closed *int
}

func (c closer) Close() error { *c.closed++; return nil }
