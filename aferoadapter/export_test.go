package aferoadapter

import "time"

// SetClock is the time by which listings become old.
func (f *Fs) SetClock(now func() time.Time) { f.memo.now = now }

// InMemory is how much of a file waits in memory.
const InMemory = inMemory
