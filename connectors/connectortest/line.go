package connectortest

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"

	"github.com/sallyport/sallyport/connectors"
)

type dialer func(ctx context.Context, network, address string) (net.Conn, error)

// trouble is what a line does once it has let some bytes of the target's pass.
type trouble int

const (
	none    trouble = iota
	cut             // the connection ends
	stall           // nothing passes any more, either way, on no connection
	corrupt         // what the target sends is zeros from here on
	inflate         // it is the byte 0x7f, so that every length in it is one that cannot be
)

// line is a way to the target with something in between that fails when it is told
// to. It is made of real sockets, so that deadlines and ends are those of the system.
type line struct {
	next dialer

	mu     sync.Mutex
	what   trouble
	failed bool  // it did
	left   int64 // bytes of the target's that still pass
	// to is where the target is: a driver that asks a connection whom it is with, to
	// cancel what runs, is told of the line.
	to [2]string
}

// fail makes the line do something after so many more bytes of the target's.
func (l *line) fail(what trouble, after int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.what, l.left = what, after
}

// pass says how many of n bytes pass untroubled, and what happens then.
func (l *line) pass(n int) (good int, what trouble) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.what == none {
		return n, none
	}
	good = int(min(int64(n), max(l.left, 0)))
	l.left -= int64(n)
	if good == n && l.left > 0 {
		return n, none
	}
	l.failed = true
	return good, l.what
}

func (l *line) stalled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.what == stall && l.left <= 0
}

// hasFailed reports whether that many bytes came.
func (l *line) hasFailed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

func (l *line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if l.stalled() {
		return peer(ctx, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	}
	l.mu.Lock()
	if l.to[0] == "" {
		l.to = [2]string{network, address}
	}
	to := l.to
	l.mu.Unlock()
	far, err := l.next(ctx, to[0], to[1])
	if err != nil {
		return nil, err
	}
	return peer(ctx, func(near net.Conn) {
		defer far.Close()
		var up sync.WaitGroup
		up.Go(func() { l.up(far, near) })
		l.down(near, far)
		up.Wait()
	})
}

// up is from the driver to the target.
func (l *line) up(far, near net.Conn) {
	defer far.Close() // whatever is stalled: who leaves is gone
	b := make([]byte, 32<<10)
	for {
		n, err := near.Read(b)
		if n > 0 && !l.stalled() {
			if _, err := far.Write(b[:n]); err != nil {
				_ = near.Close()
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// down is from the target to the driver.
func (l *line) down(near, far net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := far.Read(b)
		good, what := l.pass(n)
		if what == corrupt || what == inflate {
			spoil(b[good:n], what)
			good = n
		}
		if good > 0 {
			if _, err := near.Write(b[:good]); err != nil {
				break
			}
		}
		if what == stall {
			return // near is closed by whoever dialed
		}
		if err != nil || what == cut {
			break
		}
	}
	_ = near.Close()
	_ = far.Close()
}

func spoil(b []byte, what trouble) {
	for i := range b {
		b[i] = 0
		if what == inflate {
			b[i] = 0x7f
		}
	}
}

// peer is a connection to somebody who does as serve says, and then hangs up.
func peer(ctx context.Context, serve func(c net.Conn)) (net.Conn, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			c = nil
		}
		accepted <- c
	}()
	near, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	if err != nil {
		_ = l.Close()
		if c := <-accepted; c != nil {
			_ = c.Close()
		}
		return nil, err
	}
	far := <-accepted
	if far == nil {
		_ = near.Close()
		return nil, net.ErrClosed
	}
	go func() {
		defer far.Close()
		serve(far)
	}()
	return near, nil
}

// talker is a target that says what it likes from the first moment on.
func talker(serve func(c net.Conn)) dialer {
	return func(ctx context.Context, _, _ string) (net.Conn, error) { return peer(ctx, serve) }
}

// noise is bytes of no protocol, always the same.
func noise(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{42}).Read(b) // never fails
	for i := range b {                           // some protocols pass over lines that they do not know
		if i == 0 || b[i] == '\n' {
			b[i] = 0x93
		}
	}
	return b
}

// endless says first, and then the same byte for as long as anybody listens.
func endless(first []byte, b byte, sent *atomic.Int64) dialer {
	return talker(func(c net.Conn) {
		if _, err := c.Write(first); err != nil {
			return
		}
		more := make([]byte, 32<<10)
		for i := range more {
			more[i] = b
		}
		for sent.Load() < endlessMost {
			n, err := c.Write(more)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
}

// endlessMost is where a driver that takes everything is stopped.
const endlessMost = 256 << 20

// over is the target by way of a line.
func (s *suite) over() (*line, connectors.Endpoint) {
	l, e := &line{next: s.wire.next}, s.Endpoint
	e.Dial = s.wire.over(l.dial)
	return l, e
}
