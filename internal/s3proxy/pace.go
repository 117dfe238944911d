package s3proxy

import (
	"context"
	"sync"
	"time"
)

// pace spreads bytes over time: at a given rate, in one direction of one
// connection.
type pace struct {
	mu   sync.Mutex
	next time.Time // when the bytes let through so far are due
}

// credit is how much a sleeper that woke late may catch up.
const credit = 5 * time.Millisecond

// wait lets n bytes through, in their time.
func (p *pace) wait(ctx context.Context, n int, bytesPerSecond int64) error {
	if bytesPerSecond <= 0 || n == 0 {
		return nil
	}
	cost := time.Duration(float64(n) / float64(bytesPerSecond) * float64(time.Second))
	p.mu.Lock()
	now := time.Now()
	if p.next.Before(now.Add(-credit)) {
		p.next = now // idle until now: nothing was saved up
	}
	p.next = p.next.Add(cost)
	delay := p.next.Sub(now)
	p.mu.Unlock()
	return sleep(ctx, delay)
}

// sleep waits for d, or less when ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
