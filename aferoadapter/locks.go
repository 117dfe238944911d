package aferoadapter

import (
	"hash/maphash"
	"sync"
)

// locks keeps those apart that change one name through one Fs. Names share them,
// which costs a wait now and then and no more.
type locks struct {
	seed  maphash.Seed
	names [64]sync.Mutex
	dirs  [64]sync.RWMutex
}

// name locks what is made or removed under a name, and returns what unlocks it.
func (l *locks) name(rel string) (unlock func()) {
	m := &l.names[l.slot(rel)]
	m.Lock()
	return m.Unlock
}

// two is name for two of them.
func (l *locks) two(a, b string) (unlock func()) {
	i, j := min(l.slot(a), l.slot(b)), max(l.slot(a), l.slot(b))
	l.names[i].Lock()
	if i == j {
		return l.names[i].Unlock
	}
	l.names[j].Lock()
	return func() { l.names[j].Unlock(); l.names[i].Unlock() }
}

// dir is held for reading by who may be removing the last child of a directory,
// and for writing by who wants to be sure that the directory is missing.
func (l *locks) dir(rel string) *sync.RWMutex { return &l.dirs[l.slot(rel)] }

func (l *locks) slot(rel string) int { return int(maphash.String(l.seed, rel) % 64) }
