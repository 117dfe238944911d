package s3path

import "testing"

// ForgetDefaultClient makes the default client one that was never used, now and
// when the test has ended.
func ForgetDefaultClient(t *testing.T) {
	forget := func() {
		SetDefaultClient(nil)
		_ = lazyDefault.Close() // gives its connections back
		lazyDefault.mu.Lock()
		defer lazyDefault.mu.Unlock()
		lazyDefault.core, lazyDefault.closed = nil, false
	}
	forget()
	t.Cleanup(forget)
}
