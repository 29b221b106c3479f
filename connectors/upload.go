package connectors

import (
	"context"
	"io"
	"sync"
)

// Upload is a file's content on its way to the target: it counts and hashes what
// the target has taken. It is safe for concurrent use.
type Upload struct {
	to   io.WriterAt
	room *Room

	mu      sync.Mutex
	written int64
	order   *ordered
	closed  bool
	under   int           // writes that are under way
	idle    chan struct{} // closed when there are none after Close
}

// NewUpload returns the way to a file. Where content is put behind what the file
// holds by the target itself (appending), its place is not known, and so there is
// no order. What waits for a gap takes of the room.
func NewUpload(to io.WriterAt, appending bool, room *Room) *Upload {
	u := &Upload{to: to, room: room, idle: make(chan struct{})}
	if appending {
		u.order = newOrdered(0, room)
		u.order.fail()
	}
	return u
}

// WriteAt writes to the target, and returns when it has the bytes.
func (u *Upload) WriteAt(b []byte, at int64) (int, error) {
	if !u.begin(at) {
		return 0, errStopped
	}
	n, err := u.to.WriteAt(b, at)
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.under--; u.closed && u.under == 0 {
		close(u.idle)
	}
	u.written += int64(n)
	u.order.add(at, b[:n])
	if err != nil {
		u.order.fail()
	}
	return n, err
}

// Resized says that the file was given this size, or may have been: what was written
// behind it is gone, and does not come back with a larger one.
func (u *Upload) Resized(size int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.order != nil && (u.under > 0 || size < u.order.end()) {
		u.order.fail()
	}
}

// near is how far into a file its first piece may begin for the order to be that of
// a whole file: pieces that are under way at the same time come in any order.
const near = 4 << 20

// begin takes the place of the first piece for that of the content, unless it is
// near the file's own beginning. It reports false once nothing more is taken.
func (u *Upload) begin(at int64) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return false
	}
	u.under++
	if u.order == nil {
		u.order = newOrdered(start(at), u.room)
	}
	return true
}

// Close takes nothing more, and waits for the writes that are under way, or until
// ctx ends: what the target then still takes is not counted.
func (u *Upload) Close(ctx context.Context) {
	u.mu.Lock()
	first := !u.closed
	u.closed = true
	if first && u.under == 0 {
		close(u.idle)
	}
	u.mu.Unlock()
	over := false
	select {
	case <-u.idle:
		over = true
	case <-ctx.Done():
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.order != nil && (!over || u.order.gap()) {
		u.order.fail() // no gap is filled any more
	}
}

func start(at int64) int64 {
	if at <= near {
		return 0
	}
	return at
}

// Transfer is what was moved so far. size is the file's, -1 where it is not known.
func (u *Upload) Transfer(path string, size int64) Transfer {
	u.mu.Lock()
	defer u.mu.Unlock()
	t := Transfer{Path: path, Written: u.written, Size: size}
	if u.order == nil {
		if size == 0 {
			t.SHA256, t.Whole = emptySHA256(), true
		}
		return t
	}
	u.order.tell(&t)
	t.Whole = t.SHA256 != "" && u.order.from == 0 && u.order.next == size
	return t
}
