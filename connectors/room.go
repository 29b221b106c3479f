package connectors

import "sync"

// Room bounds what the open files of one connection hold in memory, together: windows
// that are read ahead, and pieces that wait for a gap to be filled. It is safe for
// concurrent use; nil has no bound.
type Room struct {
	mu   sync.Mutex
	left int64
}

// forFiles is how much there is for a connection, in bytes: for sixteen files that are
// read with full windows, or four that are written with the longest gaps.
const forFiles = 64 << 20

// NewRoom returns room for one connection.
func NewRoom() *Room { return &Room{left: forFiles} }

// take reports whether there is room.
func (r *Room) take(n int64) bool {
	if r == nil {
		return true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n > r.left {
		return false
	}
	r.left -= n
	return true
}

// give gives back what was taken.
func (r *Room) give(n int64) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
}
