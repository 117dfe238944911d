package s3proxy_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with the request's body, or "ok".
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	if len(b) == 0 {
		b = []byte("ok")
	}
	w.Write(b)
})

// send makes one request and reads the whole answer.
func send(t *testing.T, client *http.Client, method, url, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
}

// newClient is a client with connections of its own.
func newClient(t *testing.T) *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestRecord(t *testing.T) {
	p, f := front(t, echo)
	client := newClient(t)
	send(t, client, "PUT", f.URL+"/b/a%2Fb?x-id=PutObject", "12345")
	send(t, client, "POST", f.URL+"/b?delete", "<Delete/>")
	send(t, client, "HEAD", f.URL+"/b/k", "")
	log := p.Requests()
	for i, want := range []s3proxy.Request{
		{Operation: "PutObject", Method: "PUT", Target: "/b/a%2Fb?x-id=PutObject", Bucket: "b", Key: "a/b", RequestBytes: 5, ResponseBytes: 5},
		{Operation: "DeleteObjects", Method: "POST", Target: "/b?delete", Bucket: "b", RequestBytes: 9, ResponseBytes: 9, Body: []byte("<Delete/>")},
		{Operation: "HeadObject", Method: "HEAD", Target: "/b/k", Bucket: "b", Key: "k"},
	} {
		got := log[i]
		if got.Operation != want.Operation || got.Method != want.Method || got.Target != want.Target || got.Bucket != want.Bucket ||
			got.Key != want.Key || got.RequestBytes != want.RequestBytes || got.ResponseBytes != want.ResponseBytes ||
			!bytes.Equal(got.Body, want.Body) || got.Status != 200 || got.Seq != i+1 || got.Conn != 1 ||
			got.Host != strings.TrimPrefix(f.URL, "http://") || got.Start.IsZero() {
			t.Errorf("recorded %+v\nwant %+v", got, want)
		}
	}
	if got := log[0].Query.Get("x-id"); got != "PutObject" {
		t.Errorf("query x-id = %q", got)
	}
	if got := log[0].Header.Get("User-Agent"); got != "Go-http-client/1.1" {
		t.Errorf("header User-Agent = %q", got)
	}
}

func TestCounts(t *testing.T) {
	p, f := front(t, echo)
	client := newClient(t)
	send(t, client, "GET", f.URL+"/b/k", "")
	mark := p.Mark()
	send(t, client, "GET", f.URL+"/b/k", "")
	send(t, client, "GET", f.URL+"/other?list-type=2", "")
	if p.Count() != 3 || !maps.Equal(p.Counts(), map[string]int{"GetObject": 2, "ListObjectsV2": 1}) {
		t.Errorf("Count = %d, Counts = %v", p.Count(), p.Counts())
	}
	since := p.Since(mark)
	if !slices.Equal(since.Operations(), []string{"GetObject", "ListObjectsV2"}) {
		t.Errorf("Since = %v", since.Operations())
	}
	if got := since.Bucket("other").Operations(); !slices.Equal(got, []string{"ListObjectsV2"}) {
		t.Errorf("Bucket = %v", got)
	}
	if got := len(p.Requests().Operation("GetObject")); got != 2 {
		t.Errorf("Operation = %d", got)
	}
	p.Reset()
	if p.Count() != 0 || len(p.Requests()) != 0 || p.Conns() != 0 || p.Peak() != 0 {
		t.Errorf("after Reset: %d, %v, %d, %d", p.Count(), p.Requests(), p.Conns(), p.Peak())
	}
	send(t, client, "GET", f.URL+"/b/k", "")
	if got := p.Since(mark); len(got) != 1 || got[0].Seq != 4 {
		t.Errorf("a mark from before Reset gives %+v", got)
	}
}

func TestConns(t *testing.T) {
	p, f := front(t, echo)
	kept := newClient(t)
	for range 3 {
		send(t, kept, "GET", f.URL+"/b/k", "")
	}
	if p.Conns() != 1 {
		t.Errorf("a kept connection counts as %d", p.Conns())
	}
	cut := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 2 {
		send(t, cut, "GET", f.URL+"/b/k", "")
	}
	if p.Conns() != 3 {
		t.Errorf("two more connections make %d", p.Conns())
	}
}

// A server that lets go of its client does so through the proxy too.
func TestConnectionClosedByServer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		io.WriteString(w, "bye")
	}))
	defer server.Close()
	p, f := before(t, server.URL)
	client := newClient(t)
	send(t, client, "GET", f.URL+"/b/k", "")
	send(t, client, "GET", f.URL+"/b/k", "")
	if p.Conns() != 2 {
		t.Errorf("Conns = %d, want 2", p.Conns())
	}
}

func TestListenTLS(t *testing.T) {
	server := httptest.NewTLSServer(echo)
	defer server.Close()
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	trust := server.Client().Transport.(*http.Transport).TLSClientConfig
	next := s3proxy.Forward(u)
	next.Trust(trust.RootCAs)
	defer next.Close()
	p := s3proxy.New(next)
	f, err := p.ListenTLS(server.TLS)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}()
	transport := &http.Transport{TLSClientConfig: trust, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	send(t, client, "GET", f.URL+"/b/k", "")
	send(t, client, "PUT", f.URL+"/b/k", "body")
	log := p.Requests()
	if !strings.HasPrefix(f.URL, "https://127.0.0.1:") || len(log) != 2 || log.Conns() != 1 || log[1].RequestBytes != 4 || log[1].Status != 200 {
		t.Errorf("%s: recorded %+v", f.URL, log)
	}
}

// Below another server's http.Server the remote address is the identity.
func TestConnsWithoutListen(t *testing.T) {
	p := s3proxy.New(echo)
	server := httptest.NewServer(p)
	defer server.Close()
	send(t, server.Client(), "GET", server.URL+"/b/k", "")
	send(t, server.Client(), "GET", server.URL+"/b/k", "")
	send(t, newClient(t), "GET", server.URL+"/b/k", "")
	if p.Conns() != 2 {
		t.Errorf("Conns = %d, want 2", p.Conns())
	}
}

func TestParallel(t *testing.T) {
	const clients, each = 8, 20
	p, f := front(t, echo)
	var wg sync.WaitGroup
	for i := range clients {
		client := newClient(t)
		wg.Go(func() {
			bucket := fmt.Sprintf("b%d", i)
			for n := range each {
				send(t, client, "PUT", f.URL+"/"+bucket+"/k", "body")
				if got := len(p.Requests().Bucket(bucket)); got != n+1 {
					t.Errorf("%s: %d requests after %d", bucket, got, n+1)
				}
			}
		})
	}
	wg.Wait()
	if p.Count() != clients*each {
		t.Errorf("Count = %d", p.Count())
	}
	for i, r := range p.Requests() {
		if r.Seq != i+1 || r.RequestBytes != 4 || r.ResponseBytes != 4 || r.Status != 200 {
			t.Errorf("request %d: %+v", i, r)
		}
	}
}

func TestPeak(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(3)
	p, f := front(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived.Done()
		arrived.Wait()
	}))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { send(t, newClient(t), "GET", f.URL+"/b/k", "") })
	}
	wg.Wait()
	if p.Peak() != 3 {
		t.Errorf("Peak = %d, want 3", p.Peak())
	}
}

func TestIntercept(t *testing.T) {
	p, f := front(t, echo)
	client := newClient(t)
	get := func(key string) (int, string, error) {
		resp, err := client.Get(f.URL + "/b/" + key)
		if err != nil {
			return 0, "", err
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b), err
	}
	p.Intercept(func(r *http.Request) http.Handler {
		_, key := s3proxy.Address(r)
		switch key {
		case "slow":
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) })
		case "cut":
			return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		case "half":
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Length", "3")
				p.Next().ServeHTTP(w, r)
			})
		case "raw":
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				c, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nraw")
				c.Close()
			})
		}
		return nil
	})
	if status, body, err := get("other"); status != 200 || body != "ok" || err != nil {
		t.Errorf("other: %d %q %v", status, body, err)
	}
	if status, _, err := get("slow"); status != 503 || err != nil {
		t.Errorf("slow: %d %v", status, err)
	}
	if _, _, err := get("cut"); err == nil {
		t.Error("cut: no error")
	}
	if _, body, err := get("half"); body != "ok" || err == nil {
		t.Errorf("half: %q %v", body, err)
	}
	if status, body, err := get("raw"); status != 200 || body != "raw" || err != nil {
		t.Errorf("raw: %d %q %v", status, body, err)
	}
	status := map[string]int{}
	for _, r := range p.Requests() { // those that were cut may have been tried again
		status[r.Key] = r.Status
	}
	if want := map[string]int{"other": 200, "slow": 503, "cut": 0, "half": 200, "raw": 0}; !maps.Equal(status, want) {
		t.Errorf("recorded %v, want %v", status, want)
	}
	p.Intercept(nil)
	if status, _, err := get("slow"); status != 200 || err != nil {
		t.Errorf("after Intercept(nil): %d %v", status, err)
	}
}

// onConn is a request as it would come over connection c.
func onConn(p *s3proxy.Proxy, c context.Context, method, body string) *http.Request {
	r := httptest.NewRequest(method, "/b/k", strings.NewReader(body))
	return r.WithContext(c)
}

// With the clock of a bubble the delays are exact.
func TestDelays(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name          string
		latency, conn time.Duration
		rate          int64
		up, down      int
		took          []time.Duration // of requests on one connection, one after the other
	}{
		{"none", 0, 0, 0, 1000, 1000, []time.Duration{0, 0}},
		{"per request", 20 * ms, 0, 0, 0, 10, []time.Duration{20 * ms, 20 * ms}},
		{"per connection", 0, 40 * ms, 0, 0, 10, []time.Duration{40 * ms, 0}},
		{"both", 20 * ms, 40 * ms, 0, 0, 10, []time.Duration{60 * ms, 20 * ms}},
		{"answer at 1 MB/s", 0, 0, 1e6, 0, 500_000, []time.Duration{500 * ms, 500 * ms}},
		{"body at 1 MB/s", 0, 0, 1e6, 250_000, 0, []time.Duration{250 * ms, 250 * ms}},
		{"one after the other", 20 * ms, 0, 1e6, 250_000, 500_000, []time.Duration{770 * ms, 770 * ms}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := s3proxy.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.Copy(io.Discard, r.Body)
					w.Write(make([]byte, row.down))
				}))
				p.SetLatency(row.latency)
				p.SetConnLatency(row.conn)
				p.SetRate(row.rate)
				c := p.ConnContext(t.Context(), nil)
				for i, want := range row.took {
					start := time.Now()
					p.ServeHTTP(httptest.NewRecorder(), onConn(p, c, "PUT", strings.Repeat("x", row.up)))
					if took := time.Since(start); (took - want).Abs() > ms {
						t.Errorf("request %d took %v, want %v", i, took, want)
					}
				}
			})
		})
	}
}

// Each connection has a rate of its own; requests on different ones do not wait
// for each other.
func TestRateIsPerConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := s3proxy.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1e6)) }))
		p.SetRate(1e6)
		start := time.Now()
		var wg sync.WaitGroup
		for range 8 {
			c := p.ConnContext(t.Context(), nil)
			wg.Go(func() { p.ServeHTTP(httptest.NewRecorder(), onConn(p, c, "GET", "")) })
		}
		wg.Wait()
		if took := time.Since(start); took < 990*time.Millisecond || took > 1010*time.Millisecond {
			t.Errorf("8 at once took %v, want 1s", took)
		}
		p.SetRate(0)
		start = time.Now()
		p.ServeHTTP(httptest.NewRecorder(), onConn(p, p.ConnContext(t.Context(), nil), "GET", ""))
		if took := time.Since(start); took != 0 {
			t.Errorf("without a rate it took %v", took)
		}
	})
}

// A client that does not wait for a delayed request never reaches the server.
func TestDelayEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := s3proxy.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the server was asked") }))
		p.SetLatency(time.Hour)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("recovered %v", err)
				}
			}()
			p.ServeHTTP(httptest.NewRecorder(), onConn(p, ctx, "GET", ""))
		}()
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// Close waits for the handlers whose clients it cut off.
func TestClose(t *testing.T) {
	arrived := make(chan struct{})
	var ended bool
	p := s3proxy.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		time.Sleep(20 * time.Millisecond)
		ended = true
	}))
	f, err := p.Listen()
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if !ended {
		t.Error("Close came back before the handler ended")
	}
}
