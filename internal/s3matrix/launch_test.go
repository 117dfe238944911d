package s3matrix

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A server that answers before it has read its configuration is not ready.
func TestServesOnceHealthy(t *testing.T) {
	status := http.StatusServiceUnavailable
	handler := http.NewServeMux()
	handler.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		if _, err := w.Write([]byte("<ListAllMyBucketsResult/>")); err != nil {
			t.Error(err)
		}
	})
	handler.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status) })
	server := httptest.NewServer(handler)
	defer server.Close()

	p, keys := program{health: "/health"}, newAccess()
	if err := p.serves(t.Context(), server.URL, keys, nil); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("unhealthy: error %v", err)
	}
	status = http.StatusOK
	if err := p.serves(t.Context(), server.URL, keys, nil); err != nil {
		t.Errorf("healthy: %v", err)
	}
	status = http.StatusServiceUnavailable
	p.health = ""
	if err := p.serves(t.Context(), server.URL, keys, nil); err != nil {
		t.Errorf("without a health path: %v", err)
	}
}
