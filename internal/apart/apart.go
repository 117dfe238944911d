// Package apart lets s3pathtest tell s3path that a client is of a test's own
// server, and that the environment it runs in does not matter to it.
package apart

import "context"

type key struct{}

// Context marks what is made with it.
func Context(ctx context.Context) context.Context { return context.WithValue(ctx, key{}, true) }

// Is reports whether ctx is marked.
func Is(ctx context.Context) bool { return ctx.Value(key{}) != nil }
