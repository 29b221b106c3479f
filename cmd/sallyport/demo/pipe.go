package demo

import (
	"context"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Listener is a net.Listener without a port: Dial gives a connection to Accept.
// New it with NewListener. It is safe for concurrent use.
type Listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

var _ net.Listener = (*Listener)(nil)

// NewListener returns a listener.
func NewListener() *Listener {
	return &Listener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial connects. It waits until the connection is accepted, and fails when ctx
// ends or the listener is closed.
func (l *Listener) Dial(ctx context.Context) (net.Conn, error) {
	near, far := pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "dial", Net: "memory", Addr: address{}, Err: net.ErrClosed}
	case <-ctx.Done():
		return nil, &net.OpError{Op: "dial", Net: "memory", Addr: address{}, Err: context.Cause(ctx)}
	}
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and Dial; connections go on.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is a name only.
func (l *Listener) Addr() net.Addr { return address{} }

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "demo-host" }

// pipeSize is how much each direction of a pipe holds. net.Pipe holds nothing,
// so that two sides that both write first, as SSH does, would wait for ever.
const pipeSize = 64 << 10

// pipe returns two ends of a connection in memory.
func pipe() (net.Conn, net.Conn) {
	a, b := newStream(), newStream()
	return &conn{in: a, out: b}, &conn{in: b, out: a}
}

// conn is one end. What its peer wrote before closing can still be read.
type conn struct{ in, out *stream }

func (c *conn) Read(b []byte) (int, error)  { return c.in.read(b) }
func (c *conn) Write(b []byte) (int, error) { return c.out.write(b) }

func (c *conn) Close() error {
	c.in.closeReader()
	c.out.closeWriter()
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return address{} }
func (c *conn) RemoteAddr() net.Addr { return address{} }

func (c *conn) SetDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// stream is one direction.
type stream struct {
	mu              sync.Mutex
	changed         sync.Cond // of anything below
	buf             []byte    // at most pipeSize
	noReader        bool
	noWriter        bool
	readBy, writeBy limit
}

// limit is a deadline and what wakes those who wait for it.
type limit struct {
	at    time.Time
	timer *time.Timer
}

func (l *limit) passed() bool { return !l.at.IsZero() && !time.Now().Before(l.at) }

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.noReader:
			return 0, net.ErrClosed
		case s.readBy.passed():
			return 0, os.ErrDeadlineExceeded
		case len(s.buf) > 0:
			n := copy(b, s.buf)
			s.buf = append(s.buf[:0], s.buf[n:]...)
			s.changed.Broadcast()
			return n, nil
		case s.noWriter:
			return 0, io.EOF
		case len(b) == 0:
			return 0, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) write(b []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.noWriter:
			return n, net.ErrClosed
		case s.noReader:
			return n, io.ErrClosedPipe
		case s.writeBy.passed():
			return n, os.ErrDeadlineExceeded
		}
		room := min(pipeSize-len(s.buf), len(b)-n)
		s.buf = append(s.buf, b[n:n+room]...)
		n += room
		s.changed.Broadcast()
		if n == len(b) {
			return n, nil
		}
		s.changed.Wait()
	}
}

func (s *stream) closeReader() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noReader, s.buf = true, nil
	s.readBy.set(time.Time{}, nil)
	s.changed.Broadcast()
}

func (s *stream) closeWriter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noWriter = true
	s.writeBy.set(time.Time{}, nil)
	s.changed.Broadcast()
}

func (s *stream) setDeadline(l *limit, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.set(t, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.changed.Broadcast()
	})
	s.changed.Broadcast()
}

// set replaces the deadline; a zero time is none.
func (l *limit) set(t time.Time, wake func()) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	l.at = t
	if !t.IsZero() {
		l.timer = time.AfterFunc(time.Until(t), wake)
	}
}
