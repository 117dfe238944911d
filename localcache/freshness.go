package localcache

import "time"

// Freshness says when a copy may be used without asking the server whether it
// is current. The zero Freshness is Revalidate.
type Freshness struct {
	kind   freshness
	maxAge time.Duration
}

type freshness int

const (
	revalidate freshness = iota
	maxAge
	immutable
	offline
)

// Revalidate asks the server each time: one request, which brings no body while
// the copy is current.
func Revalidate() Freshness { return Freshness{kind: revalidate} }

// MaxAge asks when the server's last answer about the object is older than d.
func MaxAge(d time.Duration) Freshness { return Freshness{kind: maxAge, maxAge: d} }

// Immutable never asks again once there is a copy: for objects that do not
// change.
func Immutable() Freshness { return Freshness{kind: immutable} }

// Offline never asks at all. What there is no copy of is fs.ErrNotExist.
func Offline() Freshness { return Freshness{kind: offline} }

// IsOffline reports whether this is Offline.
func (f Freshness) IsOffline() bool { return f.kind == offline }

// allows reports whether a copy may be used that the server last spoke of at
// asked. A time in the future is no answer: the clock was set back.
func (f Freshness) allows(asked time.Time) bool {
	switch f.kind {
	case immutable, offline:
		return true
	case maxAge:
		age := time.Since(asked)
		return 0 <= age && age < f.maxAge
	default:
		return false
	}
}

// String is the Freshness as it is written in Go.
func (f Freshness) String() string {
	switch f.kind {
	case maxAge:
		return "MaxAge(" + f.maxAge.String() + ")"
	case immutable:
		return "Immutable()"
	case offline:
		return "Offline()"
	default:
		return "Revalidate()"
	}
}
