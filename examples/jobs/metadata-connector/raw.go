package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"mime"
	"net"
	"net/http"
	"strings"
	"time"
)

// serve answers GET /raw/{id} at an address until stop is called.
func (c *connector) serve(ctx context.Context, addr string, out *json.Encoder) (url string, stop func() error, err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /raw/{id}", c.raw)
	server := &http.Server{
		Handler: routes, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	stop = func() error {
		err := server.Close() // what is still read is of no use to a program that ends
		if end := <-ended; !errors.Is(end, http.ErrServerClosed) {
			err = errors.Join(err, end)
		}
		return err
	}
	url = "http://" + l.Addr().String() + "/raw/"
	return url, stop, out.Encode(event{Event: "serving", URL: url})
}

// raw serves the object of a document as it is now. Ranges and conditions are
// net/http's work: an open Reader seeks.
func (c *connector) raw(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	doc := c.docs.byID[r.PathValue("id")]
	c.mu.Unlock()
	if doc.Type != "file" {
		http.NotFound(w, r)
		return
	}
	p, err := c.client.PathFromURL(doc.URL)
	if err != nil {
		http.Error(w, "the document has a URL of another server", http.StatusInternalServerError)
		return
	}
	body, err := p.Open(r.Context())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.NotFound(w, r) // gone since the last round
		return
	case err != nil:
		http.Error(w, "the object cannot be read", http.StatusBadGateway)
		return
	}
	defer body.Close()

	info := body.Info()
	contentType := cmp.Or(info.ContentType(), "application/octet-stream")
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("Content-Disposition", mime.FormatMediaType(disposition(contentType), map[string]string{"filename": info.Name()}))
	header.Set("X-Content-Type-Options", "nosniff")
	if strings.HasPrefix(contentType, "image/") {
		header.Set("Content-Security-Policy", "sandbox") // an SVG may hold a script of whoever wrote it
	}
	if info.ContentEncoding() != "" {
		header.Set("Content-Encoding", info.ContentEncoding())
	}
	if info.ETag() != "" {
		header.Set("ETag", `"`+info.ETag()+`"`)
	}
	http.ServeContent(w, r, info.Name(), info.ModTime(), body)
}

// disposition shows in the browser what a browser shows.
func disposition(contentType string) string {
	kind, _, err := mime.ParseMediaType(contentType)
	media, _, _ := strings.Cut(kind, "/")
	if err == nil && (media == "image" || media == "audio" || media == "video" || kind == "application/pdf") {
		return "inline"
	}
	return "attachment"
}
