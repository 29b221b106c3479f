package mssql

import (
	"errors"
	"net"
	"sync"
)

// Bounds of what the line carries, in bytes.
const (
	valueMax   = 8 << 20 // of one value; TEXTSIZE cuts the rest off, which is noticed
	rowMax     = 64 << 20
	aheadMax   = 64 << 10 // read before anybody asks for it
	signInMax  = 1 << 20
	drainMax   = 64 << 20 // of what comes after a cancel
	catalogMax = 256 << 20
)

var (
	errTooMuch  = errors.New("it sends more at once than a row may have")
	errNoEnd    = errors.New("it makes the client send without end")
	writeAtOnce = int64(maxText * 8)
)

// line is the connection under the client library, which reads ahead on a goroutine
// of its own and believes what it is told of sizes. Here that ends: nothing beyond
// aheadMax is read until somebody asks, and then no more than was asked for.
type line struct {
	net.Conn

	mu      sync.Mutex
	turn    *sync.Cond
	left    int64 // what may be read
	asked   bool
	closed  bool
	failed  bool  // the other side, or the way to it, is gone
	over    error // why it was ended here
	written int64 // since ask
}

func newLine(c net.Conn) *line {
	l := &line{Conn: c}
	l.turn = sync.NewCond(&l.mu)
	return l
}

// ask lets n bytes be read, until enough is called.
func (l *line) ask(n int64) (enough func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.left, l.asked, l.written = n, true, 0
	l.turn.Broadcast()
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.left, l.asked = min(l.left, aheadMax), false
	}
}

// Read waits until it may.
func (l *line) Read(b []byte) (int, error) {
	l.mu.Lock()
	for l.left <= 0 && !l.asked && !l.closed && l.over == nil {
		l.turn.Wait()
	}
	switch {
	case l.closed:
		l.mu.Unlock()
		return 0, net.ErrClosed
	case l.over == nil && l.left <= 0:
		l.over = errTooMuch
	}
	if err := l.over; err != nil {
		l.mu.Unlock()
		_ = l.Conn.Close()
		return 0, err
	}
	b = b[:min(int64(len(b)), l.left)]
	l.mu.Unlock()
	n, err := l.Conn.Read(b)
	l.mu.Lock()
	l.left -= int64(n)
	l.failed = l.failed || err != nil && !l.closed
	l.mu.Unlock()
	return n, err
}

// Write refuses what no statement is: with packets of a size that a target chose the
// library would never come to an end.
func (l *line) Write(b []byte) (int, error) {
	l.mu.Lock()
	l.written += int64(len(b))
	if l.written > writeAtOnce && l.over == nil {
		l.over = errNoEnd
	}
	err := l.over
	l.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := l.Conn.Write(b)
	if err != nil {
		l.mu.Lock()
		l.failed = l.failed || !l.closed
		l.mu.Unlock()
	}
	return n, err
}

// cut reports whether the line ended by itself.
func (l *line) cut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// gone reports whether the line is: an answer that ends too early on one that is not
// breaks the protocol.
func (l *line) gone() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed || l.failed
}

// ended says why the line was ended here, nil if it was not.
func (l *line) ended() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.over
}

// Close wakes whoever waits to read.
func (l *line) Close() error {
	l.mu.Lock()
	l.closed = true
	l.turn.Broadcast()
	l.mu.Unlock()
	return l.Conn.Close()
}
