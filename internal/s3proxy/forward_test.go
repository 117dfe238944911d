package s3proxy_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudpath-go/cloudpath/internal/s3proxy"
)

// front is a listening proxy before next, closed when the test ends.
func front(t *testing.T, next http.Handler) (*s3proxy.Proxy, *s3proxy.Front) {
	t.Helper()
	p := s3proxy.New(next)
	f, err := p.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return p, f
}

// before is a listening proxy before another server.
func before(t *testing.T, target string) (*s3proxy.Proxy, *s3proxy.Front) {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	next := s3proxy.Forward(u)
	p, f := front(t, next)
	t.Cleanup(next.Close)
	return p, f
}

// wireServer accepts one request per connection, answers with fixed bytes and
// hands over what it received, head and body, as it came over the wire.
func wireServer(t *testing.T, answer string) (url string, received chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received = make(chan string, 16)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			received <- readWire(c)
			io.WriteString(c, answer)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return "http://" + l.Addr().String(), received
}

// readWire reads one request and says what its bytes were.
func readWire(c net.Conn) string {
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	var raw bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(c, &raw)))
	if err != nil {
		return "unreadable: " + err.Error() + ": " + raw.String()
	}
	io.Copy(io.Discard, r.Body)
	return raw.String()
}

// exchange sends raw bytes to a server and returns what it answers until it
// closes the connection.
func exchange(t *testing.T, to, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(to, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, request)
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return string(b)
}

const empty200 = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

func TestTargetPassesByteForByte(t *testing.T) {
	server, received := wireServer(t, empty200)
	p, f := before(t, server)
	for _, target := range []string{
		"/", "/b", "/b/", "/b/k",
		"/b/a//b", "/b//lead", "//b/k", "///", "/b/k//",
		"/b/../k", "/b/./k", "/b/a/../../k", "/..",
		"/b/a%2Fb", "/b/a%2fb", "/b/%2e%2e/k", "/b/%41", "/b/a%20b+c%25d%3Fe%23f/%C3%A9/x",
		"/b/\xc3\xa9", "/b/a\"b", "/b/a|b^c`{}", "/b/a;b=c,d&e:f@g!$'()*~",
		"/b?list-type=2&prefix=a+b%2Fc", "/b?a;b=1", "/b?x=%zz", "/b?", "/b/k?", "/b/k??a=?b", "/b?prefix=\xc3\xa9&delimiter=/",
		"/b?b=2&a=1&b=0", "/b/k?versionId=", "/b?uploads", "//lead?x",
		"/b/\xc3\xa9?", "*",
	} {
		method := "GET"
		if target == "*" {
			method = "OPTIONS"
		}
		answer := exchange(t, f.URL, method+" "+target+" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
			t.Errorf("%q: %q", target, answer)
			continue
		}
		line, _, _ := strings.Cut(<-received, "\r\n")
		if want := method + " " + target + " HTTP/1.1"; line != want {
			t.Errorf("the server got %q, want %q", line, want)
		}
		if log := p.Requests(); log[len(log)-1].Target != target {
			t.Errorf("recorded target %q, want %q", log[len(log)-1].Target, target)
		}
	}
}

// A target that cannot be passed on as it is must not be passed on otherwise.
func TestTargetThatCannotPassIsRefused(t *testing.T) {
	server, received := wireServer(t, empty200)
	_, f := before(t, server)
	answer := exchange(t, f.URL, "GET //a\"b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 502 ") || !strings.Contains(answer, `//a\"b`) {
		t.Errorf("answer %q", answer)
	}
	select {
	case got := <-received:
		t.Errorf("the server got %q", got)
	default:
	}
}

// sortedHead is a message's first line and its header lines in order, the
// connection's own left out.
func sortedHead(message string) []string {
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Connection:") })
	slices.Sort(lines[1:])
	return lines
}

func TestRequestPassesUnchanged(t *testing.T) {
	for _, row := range []struct{ name, request string }{
		{"bare", "GET /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"},
		{"user agent and encoding", "GET /b/k HTTP/1.1\r\nHost: h\r\nUser-Agent: mine\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n"},
		{"signed", "GET /b/k HTTP/1.1\r\nHost: bucket.example.org:81\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x\r\nX-Amz-Date: now\r\nX-Amz-Meta-A: 1\r\nX-Amz-Meta-A: 2\r\nX-Forwarded-For: me\r\nConnection: close\r\n\r\n"},
		{"range", "GET /b/k HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1\r\nIf-Match: \"e\"\r\nConnection: close\r\n\r\n"},
		{"body", "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nContent-Type: a/b\r\nConnection: close\r\n\r\nhello"},
		{"empty body", "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"},
		{"chunked with a trailer", "PUT /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"delete", "DELETE /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, received := wireServer(t, empty200)
			_, f := before(t, server)
			exchange(t, f.URL, row.request)
			got := <-received
			if !slices.Equal(sortedHead(got), sortedHead(row.request)) {
				t.Errorf("the server got\n%q\nwant\n%q", sortedHead(got), sortedHead(row.request))
			}
			_, body, _ := strings.Cut(got, "\r\n\r\n")
			_, want, _ := strings.Cut(row.request, "\r\n\r\n")
			if body != want {
				t.Errorf("the server got the body %q, want %q", body, want)
			}
		})
	}
}

func TestAnswerPassesUnchanged(t *testing.T) {
	for _, row := range []struct{ name, method, answer string }{
		{"no date, no type", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
		{"with both", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: a/b\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nEtag: \"e\"\r\n\r\nhello"},
		{"head", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 123456\r\nEtag: \"e\"\r\n\r\n"},
		{"head of a missing key", "HEAD", "HTTP/1.1 404 Not Found\r\nContent-Type: application/xml\r\n\r\n"},
		{"empty", "GET", empty200},
		{"chunked", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"},
		{"chunked and empty", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
		{"chunked with a trailer", "GET", "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"},
		{"said to be gzip", "GET", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"},
		{"no content", "DELETE", "HTTP/1.1 204 No Content\r\nX-Amz-Version-Id: v\r\n\r\n"},
		{"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nEtag: \"e\"\r\n\r\n"},
		{"partial", "GET", "HTTP/1.1 206 Partial Content\r\nContent-Length: 2\r\nContent-Range: bytes 0-1/9\r\n\r\nhe"},
		{"error", "PUT", "HTTP/1.1 412 Precondition Failed\r\nContent-Length: 8\r\nX-Amz-Request-Id: 1\r\n\r\n<Error/>"},
		{"repeated header", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1\r\nX-A: 2\r\n\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, _ := wireServer(t, row.answer)
			p, f := before(t, server)
			got := exchange(t, f.URL, row.method+" /b/k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
			if !slices.Equal(sortedHead(got), sortedHead(row.answer)) {
				t.Errorf("the client got\n%q\nwant\n%q", sortedHead(got), sortedHead(row.answer))
			}
			_, body, _ := strings.Cut(got, "\r\n\r\n")
			_, want, _ := strings.Cut(row.answer, "\r\n\r\n")
			if body != want {
				t.Errorf("the client got the body %q, want %q", body, want)
			}
			r := p.Requests()[0]
			if status := fmt.Sprintf("HTTP/1.1 %d ", r.Status); !strings.HasPrefix(row.answer, status) {
				t.Errorf("recorded status %d", r.Status)
			}
		})
	}
}

// What the server breaks off must not look complete.
func TestAnswerBrokenOff(t *testing.T) {
	for _, row := range []struct{ name, answer string }{
		{"in a body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
		{"in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello"},
		{"between chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			server, _ := wireServer(t, row.answer)
			_, f := before(t, server)
			resp, err := http.Get(f.URL + "/b/k")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			if string(b) != "hello" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
	t.Run("before it began", func(t *testing.T) {
		server, _ := wireServer(t, "")
		_, f := before(t, server)
		resp, err := http.Post(f.URL+"/b?delete", "", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusBadGateway {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
}

// What the server has flushed reaches the client before the rest exists.
func TestAnswerIsStreamed(t *testing.T) {
	more := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "6")
		io.WriteString(w, "one")
		http.NewResponseController(w).Flush()
		<-more
		io.WriteString(w, "two")
	}))
	defer server.Close()
	_, f := before(t, server.URL)
	resp, err := http.Get(f.URL + "/b/k")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 3)
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "one" {
		t.Fatalf("read %q, %v", first, err)
	}
	close(more)
	if rest, err := io.ReadAll(resp.Body); err != nil || string(rest) != "two" {
		t.Errorf("read %q, %v", rest, err)
	}
}

// The server sees a client that goes away.
func TestClientGone(t *testing.T) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	}))
	defer server.Close()
	_, f := before(t, server.URL)
	c, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n")
	<-arrived
	c.Close()
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the server was not told")
	}
}

// A client that asks before it sends a body is answered without the body.
func TestExpectContinue(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "100-continue" {
			t.Errorf("Expect: %q", r.Header.Get("Expect"))
		}
		if r.URL.Path == "/b/refused" {
			http.Error(w, "no", http.StatusPreconditionFailed)
			return
		}
		n, err := io.Copy(io.Discard, r.Body)
		if n != 1<<20 || err != nil {
			t.Errorf("the server read %d, %v", n, err)
		}
	}))
	defer server.Close()
	p, f := before(t, server.URL)
	client := &http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
	defer client.CloseIdleConnections()
	for _, row := range []struct {
		key    string
		status int
		sent   int64
	}{{"refused", 412, 0}, {"taken", 200, 1 << 20}} {
		p.Reset()
		r, err := http.NewRequest("PUT", f.URL+"/b/"+row.key, bytes.NewReader(make([]byte, 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Expect", "100-continue")
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		got := p.Requests()[0]
		if resp.StatusCode != row.status || got.Status != row.status || got.RequestBytes != row.sent {
			t.Errorf("%s: status %d, recorded %d and %d bytes", row.key, resp.StatusCode, got.Status, got.RequestBytes)
		}
	}
}
