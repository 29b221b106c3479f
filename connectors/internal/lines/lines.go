// Package lines answers: which connections of a target are open, so that none stays once
// it is closed?
package lines

import (
	"context"
	"net"
	"sync"
)

// Set is the connections that are open. An HTTP transport closes those that are idle,
// and one whose request was just given up is not yet: it would stay for as long as
// the target lets it. The zero value is ready; it is safe for concurrent use.
type Set struct {
	mu     sync.Mutex
	open   map[*wire]struct{}
	closed bool
}

// Dial keeps what next dials.
func (l *Set) Dial(next func(ctx context.Context, network, address string) (net.Conn, error)) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		w := &wire{nc, l}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.closed {
			_ = nc.Close()
			return nil, net.ErrClosed
		}
		if l.open == nil {
			l.open = make(map[*wire]struct{})
		}
		l.open[w] = struct{}{}
		return w, nil
	}
}

// Close ends all of them, and those to come.
func (l *Set) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for w := range l.open {
		_ = w.Conn.Close()
	}
}

type wire struct {
	net.Conn
	l *Set
}

func (w *wire) Close() error {
	w.l.mu.Lock()
	delete(w.l.open, w)
	w.l.mu.Unlock()
	return w.Conn.Close()
}
