package s3path

import (
	"context"
	"fmt"
	"time"
)

// pollEvery is how often the waits ask.
const pollEvery = 2 * time.Second

// WaitExists waits until the object, the directory or the bucket exists. It
// asks at once and then every 2 seconds until the context ends, which is the
// error then. Each time costs what Exists costs. A refusal or a broken
// connection ends it with that error.
func (p S3Path) WaitExists(ctx context.Context) error { return p.wait(ctx, true) }

// WaitNotExists waits until there is no object, directory or bucket of this
// name, as WaitExists waits for one.
func (p S3Path) WaitNotExists(ctx context.Context) error { return p.wait(ctx, false) }

func (p S3Path) wait(ctx context.Context, want bool) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		there, err := p.Exists(ctx)
		if err != nil || there == want {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			state := "it is still missing"
			if there {
				state = "it is still there"
			}
			return failure("wait", p, &cause{text: fmt.Sprintf("%s (%v)", state, ctx.Err()), is: []error{ctx.Err()}})
		}
	}
}
