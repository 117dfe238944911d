package s3server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudpath-go/cloudpath/internal/s3server"
)

func filled(b *testing.B, n int, opts ...s3server.Option) *s3server.Server {
	b.Helper()
	srv := newServer(b, opts...)
	if err := srv.CreateBucket(bucket); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		serve(b, srv, "PUT", at(fmt.Sprintf("d%03d/f%06d", i%100, i)), "x")
	}
	return srv
}

func serve(b *testing.B, srv http.Handler, method, path, body string) *httptest.ResponseRecorder {
	b.Helper()
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	if w.Code != 200 {
		b.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w
}

func BenchmarkList(b *testing.B) {
	srv := filled(b, 100_000)
	for _, row := range []struct{ name, query string }{
		{"a page of keys", ""},
		{"a page in the middle", "&start-after=d050/"},
		{"a hundred directories", "&delimiter=/"},
		{"one directory", "&delimiter=/&prefix=d050/"},
		{"escaped", "&encoding-type=url"},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				serve(b, srv, "GET", "/bucket?list-type=2"+row.query, "")
			}
		})
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{1 << 10, 8 << 20} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			srv := filled(b, 0)
			body := strings.Repeat("x", size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				serve(b, srv, "PUT", at("k"), body)
			}
		})
	}
}
