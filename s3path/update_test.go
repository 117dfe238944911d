package s3path_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cloudpath-go/cloudpath/cloudpath"
	"github.com/cloudpath-go/cloudpath/internal/s3matrix"
	"github.com/cloudpath-go/cloudpath/s3path"
)

// Update reads with the ETag, and writes if nobody was faster: 2 requests, also
// where there is nothing yet, and none but the read when fn fails.
func TestUpdate(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		ctx := t.Context()
		p := at.object("dir")
		if !at.Lacks(t, s3matrix.FileBesideDirectory) {
			at.put(t, "dir/below=x") // a directory of its name is no object
		}
		mark := at.Proxy.Mark()
		var info s3path.Info
		err := p.Update(ctx, func(old []byte) ([]byte, error) {
			if old != nil {
				t.Errorf("there was %q", old)
			}
			return []byte("one"), nil
		}, s3path.WithContentType("text/x-one"), s3path.WithInfo(&info))
		if err != nil || info.ETag() != at.etag(t, "dir") || info.ContentType() != "text/x-one" {
			t.Errorf("%v, %+v", err, info)
		}
		at.checkOperations(t, mark, "GetObject", "PutObject")
		if got := at.Proxy.Since(mark)[1].Header; got.Get("If-None-Match") != "*" {
			t.Errorf("asked %v", got)
		}
		mark = at.Proxy.Mark()
		err = p.Update(ctx, func(old []byte) ([]byte, error) { return append(old, "two"...), nil })
		if got := at.body(t, "dir"); err != nil || got != "onetwo" {
			t.Errorf("%q, %v", got, err)
		}
		at.checkOperations(t, mark, "GetObject", "PutObject")
		if got := at.Proxy.Since(mark)[1].Header; got.Get("If-Match") != `"`+info.ETag()+`"` {
			t.Errorf("asked %v", got)
		}
		// An empty object is not a missing one.
		at.put(t, "empty=")
		err = at.object("empty").Update(ctx, func(old []byte) ([]byte, error) {
			if old == nil || len(old) != 0 {
				t.Errorf("there was %v", old)
			}
			return nil, nil
		})
		if got := at.body(t, "empty"); err != nil || got != "" {
			t.Errorf("%q, %v", got, err)
		}
		// An error of fn ends it, whatever it is.
		for _, cause := range []error{errors.New("no"), fs.ErrExist, cloudpath.ErrPreconditionFailed, cloudpath.ErrChanged, fs.ErrNotExist} {
			mark = at.Proxy.Mark()
			if err := p.Update(ctx, func([]byte) ([]byte, error) { return []byte("x"), cause }); !errors.Is(err, cause) {
				t.Errorf("%v, want %v", err, cause)
			}
			at.checkOperations(t, mark, "GetObject")
		}
		if err := at.client.Object(at.bucket.Bucket()+"-no", "a").Update(ctx, func([]byte) ([]byte, error) { return nil, nil }); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("in a missing bucket: %v", err)
		}
	})
}

// Update begins again when somebody was faster: by a change, by making what was
// missing, by removing what was there, or by a collision.
func TestUpdateOvertaken(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		c := at.newClient(t, s3path.WithMaxAttempts(1))
		for _, row := range []struct {
			name   string
			before string
			meddle func(t *testing.T)
			want   string
		}{
			{"changed", "a=1", func(t *testing.T) { at.put(t, "a=2") }, "2+"},
			{"made", "", func(t *testing.T) { at.put(t, "a=2") }, "2+"},
			{"removed", "a=1", func(t *testing.T) { at.removeObject(t, "a") }, "+"},
			{"made and removed", "", func(t *testing.T) { at.put(t, "a=2"); at.removeObject(t, "a") }, "+"},
			{"a collision", "a=1", func(t *testing.T) {
				at.spoil("PutObject", 1, refusal(http.StatusConflict, "ConditionalRequestConflict"))
			}, "1+"},
		} {
			t.Run(row.name, func(t *testing.T) {
				at.Proxy.Intercept(nil)
				at.removeObject(t, "a")
				if row.before != "" {
					at.put(t, row.before)
				}
				calls := 0
				err := c.Object(at.bucket.Bucket(), "a").Update(t.Context(), func(old []byte) ([]byte, error) {
					if calls++; calls == 1 {
						row.meddle(t)
					}
					return append(old, '+'), nil
				})
				if got := at.body(t, "a"); err != nil || got != row.want {
					t.Errorf("%q, %v, want %q", got, err, row.want)
				}
				if want := map[bool]int{true: 1, false: 2}[row.name == "made and removed"]; calls != want {
					t.Errorf("%d calls, want %d", calls, want)
				}
			})
		}
	})
}

// Twenty that count together come to the exact sum.
func TestUpdateContention(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		const workers, rounds = 20, 5
		p := at.object("count")
		err := cloudpath.ForEach(t.Context(), workers, sequence(make([]struct{}, workers)), func(ctx context.Context, _ struct{}) error {
			for range rounds {
				if err := p.Update(ctx, increment); err != nil {
					return err
				}
			}
			return nil
		})
		if got := at.body(t, "count"); err != nil || got != strconv.Itoa(workers*rounds) {
			t.Errorf("counted to %s, %v", got, err)
		}
	})
}

func increment(old []byte) ([]byte, error) {
	n := 0
	if old != nil {
		var err error
		if n, err = strconv.Atoi(string(old)); err != nil {
			return nil, err
		}
	}
	return strconv.AppendInt(nil, int64(n+1), 10), nil
}

// An increment whose answer is lost is counted once.
func TestUpdateAnswerIsLost(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		p := at.eager(t).Object(at.bucket.Bucket(), "count")
		for want := 1; want <= 3; want++ {
			at.spoil("PutObject", 1, at.lostAnswer)
			err := p.Update(t.Context(), increment)
			if got := at.body(t, "count"); err != nil || got != strconv.Itoa(want) {
				t.Errorf("counted to %s, want %d (%v)", got, want, err)
			}
		}
	})
}

// A server that refuses every condition, although nobody changes the object, does
// not keep Update busy for ever; nor does a context that has ended.
func TestUpdateEnds(t *testing.T) {
	everywhere(t, func(t *testing.T, at *place) {
		at.put(t, "a=1")
		var n atomic.Int64
		at.spoil("PutObject", always, refusal(http.StatusPreconditionFailed, "PreconditionFailed"))
		ctx, cancel := newCancel(t)
		err := at.object("a").Update(ctx, func(old []byte) ([]byte, error) {
			if n.Add(1) == 3 {
				cancel()
			}
			return old, nil
		})
		if !isCanceled(err) || n.Load() != 3 {
			t.Errorf("cancelled: %v after %d rounds", err, n.Load())
		}
	})
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := fakeClient(t, func(r *http.Request) (*http.Response, error) {
			if r.Method == http.MethodGet {
				return fakeRange(r, "data"), nil
			}
			n++
			return fakeXML(r, http.StatusPreconditionFailed, "<Error><Code>PreconditionFailed</Code></Error>"), nil
		})
		err := c.Object("bucket", "a").Update(t.Context(), func(old []byte) ([]byte, error) { return old, nil })
		if !errors.Is(err, cloudpath.ErrPreconditionFailed) || n > 50 {
			t.Errorf("%v after %d rounds", err, n)
		}
	})
}
