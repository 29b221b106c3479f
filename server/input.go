package server

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// maxInput bounds what is read ahead of whoever has the terminal.
const maxInput = 64 << 10

// input is the one reader of a channel's input. It leases the bytes to one owner
// at a time: Lease ends the previous owner's Read at once, with io.EOF, and what
// that one has not read is the new owner's.
type input struct {
	mu    sync.Mutex
	cond  *sync.Cond
	buf   []byte
	err   error
	owner int
	// watched looks for the escape in what comes; nil for none. left: it came, and the
	// owner gets what stood before it.
	watched *escape
	left    bool
	// last is when the person last sent a byte, in Unix nanoseconds.
	last atomic.Int64
}

// newInput starts reading r. The reading goroutine ends with r.
func newInput(r io.Reader) *input {
	in := &input{}
	in.cond = sync.NewCond(&in.mu)
	in.last.Store(time.Now().UnixNano())
	go in.fill(r)
	return in
}

func (in *input) fill(r io.Reader) {
	b := make([]byte, 32<<10)
	for {
		n, err := r.Read(b)
		in.last.Store(time.Now().UnixNano())
		in.mu.Lock()
		// Before there is room: who is stuck in a target that reads nothing may leave.
		came := in.look(b[:n])
		for len(in.buf) > maxInput && in.err == nil {
			in.cond.Wait()
		}
		in.buf = append(in.buf, came...)
		if in.err == nil {
			in.err = err
		}
		stop := in.err != nil
		in.cond.Broadcast()
		in.mu.Unlock()
		if stop {
			return
		}
	}
}

// look is what comes, up to the escape. Called with mu held.
func (in *input) look(b []byte) []byte {
	if in.left {
		return nil // meant for whatever the person left
	}
	if in.watched == nil {
		return b
	}
	i := in.watched.find(b)
	if i < 0 {
		return b
	}
	in.left = true
	in.watched.leave()
	return b[:i]
}

// close ends the input for every owner.
func (in *input) close() {
	in.mu.Lock()
	if in.err == nil {
		in.err = io.EOF
	}
	in.cond.Broadcast()
	in.mu.Unlock()
}

// idle is how long the person has sent nothing.
func (in *input) idle(now time.Time) time.Duration {
	return now.Sub(time.Unix(0, in.last.Load()))
}

// Lease gives the input to a new owner.
func (in *input) Lease() io.Reader {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.lease()
}

// LeaseUntil gives the input to a new owner until the escape comes, which is looked for
// as bytes arrive, whether or not the owner reads; leave is called then, and must not
// block. What was not read by then, and what comes before the next lease, is nobody's.
func (in *input) LeaseUntil(leave func()) io.Reader {
	in.mu.Lock()
	defer in.mu.Unlock()
	l := in.lease()
	in.watched = &escape{leave: leave}
	in.buf = in.look(in.buf)
	return l
}

// lease is called with mu held.
func (in *input) lease() *lease {
	if in.left {
		in.buf = nil
	}
	in.left, in.watched = false, nil
	in.owner++
	in.cond.Broadcast()
	return &lease{in, in.owner}
}

type lease struct {
	in    *input
	owner int
}

// Read waits for a byte. It ends with io.EOF when the lease or the input has.
func (l *lease) Read(p []byte) (int, error) {
	in := l.in
	in.mu.Lock()
	defer in.mu.Unlock()
	for l.owner == in.owner && len(in.buf) == 0 && in.err == nil && !in.left {
		in.cond.Wait()
	}
	if l.owner != in.owner || in.left && len(in.buf) == 0 {
		return 0, io.EOF
	}
	if len(in.buf) == 0 {
		return 0, in.err
	}
	n := copy(p, in.buf)
	in.buf = in.buf[n:]
	in.cond.Broadcast()
	return n, nil
}
