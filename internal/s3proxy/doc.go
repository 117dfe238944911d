// Package s3proxy stands between an S3 client and an S3 server and writes down
// every request that passes.
//
// Requests are what decides the bill and the latency, so tests count them here,
// where no client can hide one. For that the proxy must be invisible: the
// request target reaches the server byte for byte, the Host header stays the
// client's, no header is added and none is taken away but the hop-by-hop ones,
// so that signatures stay valid; bodies are streamed, never collected.
//
//	target, _ := url.Parse("http://127.0.0.1:9000")
//	next := s3proxy.Forward(target)
//	proxy := s3proxy.New(next)
//	front, err := proxy.Listen()
//
// A handler in the same process needs no Forward and no second hop:
//
//	proxy := s3proxy.New(server)
//
// Every proxy can slow down its requests, its connections and their bytes, and
// can answer requests itself, see [Proxy.Intercept].
package s3proxy
