package aferoadapter

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// memo remembers what Readdir has just listed, so that who lists a directory and
// then looks at each entry, as afero.Walk does, asks no more than that. An entry
// answers one Lstat and one Open; a second time the caller wants to know anew.
type memo struct {
	now func() time.Time

	mu       sync.Mutex
	writes   int // how often it was dropped
	listings []*listing
	entries  int // of all listings
}

// listing is a directory as it was listed.
type listing struct {
	dir   string
	at    time.Time
	infos []fs.FileInfo // sorted by name
	asked []question    // beside infos: what was asked of each
}

type question uint8

const (
	lstatted question = 1 << iota
	opened
)

const (
	memoAge     = time.Second
	memoEntries = 100_000
)

// state is what add wants to know of the time before a directory was listed.
func (m *memo) state() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// add remembers a listing, unless something was written since it began.
func (m *memo) add(dir string, infos []fs.FileInfo, state int, began time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.writes != state || len(infos) > memoEntries {
		return
	}
	m.expire(dir)
	for m.entries+len(infos) > memoEntries {
		m.entries -= len(m.listings[0].infos)
		m.listings = m.listings[1:]
	}
	m.listings = append(m.listings, &listing{dir: dir, at: began, infos: infos, asked: make([]question, len(infos))})
	m.entries += len(infos)
}

// expire forgets what is too old, and the listing of dir.
func (m *memo) expire(dir string) {
	m.listings = slices.DeleteFunc(m.listings, func(l *listing) bool {
		old := l.dir == dir || m.now().Sub(l.at) > memoAge
		if old {
			m.entries -= len(l.infos)
		}
		return old
	})
}

// drop forgets everything: something was written.
func (m *memo) drop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	m.listings, m.entries = nil, 0
}

// lstat is what a listing said of a target, nil where there is none to say it.
func (m *memo) lstat(t target) fs.FileInfo {
	info := m.ask(t, lstatted)
	if info == nil || t.dir && !info.IsDir() {
		return nil
	}
	return info
}

// isDir reports whether a listing showed the target to be a directory.
func (m *memo) isDir(t target) bool {
	info := m.ask(t, opened)
	return info != nil && info.IsDir()
}

func (m *memo) ask(t target, q question) fs.FileInfo {
	if t.root() {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	dir, name := path.Dir(t.rel), path.Base(t.rel)
	for _, l := range m.listings {
		if l.dir != dir || m.now().Sub(l.at) > memoAge {
			continue
		}
		i, ok := slices.BinarySearchFunc(l.infos, name, func(info fs.FileInfo, name string) int { return strings.Compare(info.Name(), name) })
		if !ok || l.asked[i]&q != 0 {
			return nil
		}
		l.asked[i] |= q
		return l.infos[i]
	}
	return nil
}
