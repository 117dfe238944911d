package aferoadapter

import (
	"hash/maphash"
	"path"
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

// leaving is held by who takes a name out of its directory, which stays: for reading
// of each directory above and, where all below the name goes too, for writing of that.
func (l *locks) leaving(rel string, whole bool) (unlock func()) {
	var above, below [len(l.dirs)]bool
	for up := path.Dir(rel); up != "."; up = path.Dir(up) {
		above[l.slot(up)] = true
	}
	below[l.slot(rel)] = whole
	for i := range l.dirs { // in one order, whatever the names
		switch {
		case below[i]:
			l.dirs[i].Lock()
		case above[i]:
			l.dirs[i].RLock()
		}
	}
	return func() {
		for i := range l.dirs {
			switch {
			case below[i]:
				l.dirs[i].Unlock()
			case above[i]:
				l.dirs[i].RUnlock()
			}
		}
	}
}

func (l *locks) slot(rel string) int { return int(maphash.String(l.seed, rel) % 64) }
