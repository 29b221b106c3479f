package connectortest

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
)

// wire dials for a driver, counts what it writes, and can cut it off.
type wire struct {
	next    dialer
	written atomic.Int64
	live    atomic.Int64
	// onWrite is called before what the driver writes goes on, if it is not nil.
	onWrite atomic.Pointer[func()]

	mu    sync.Mutex
	conns map[*wireConn]struct{}
}

func newWire(e connectors.Endpoint) *wire {
	w := &wire{next: e.Dial, conns: make(map[*wireConn]struct{})}
	if w.next == nil {
		w.next = new(net.Dialer).DialContext
	}
	return w
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	return w.over(w.next)(ctx, network, address)
}

// over counts what is dialed in another way.
func (w *wire) over(next dialer) dialer {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := next(ctx, network, address)
		if err != nil {
			return nil, err
		}
		wc := &wireConn{Conn: c, w: w}
		w.mu.Lock()
		w.conns[wc] = struct{}{}
		w.mu.Unlock()
		w.live.Add(1)
		return wc, nil
	}
}

// cut closes the live connections under the driver, as a target does that dies.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		_ = c.Conn.Close()
	}
}

type wireConn struct {
	net.Conn
	w    *wire
	once sync.Once
}

func (c *wireConn) Write(b []byte) (int, error) {
	if f := c.w.onWrite.Load(); f != nil {
		(*f)()
	}
	n, err := c.Conn.Write(b)
	c.w.written.Add(int64(n))
	return n, err
}

func (c *wireConn) Close() error {
	c.once.Do(func() {
		c.w.mu.Lock()
		delete(c.w.conns, c)
		c.w.mu.Unlock()
		c.w.live.Add(-1)
	})
	return c.Conn.Close()
}

func unreachable(context.Context, string, string) (net.Conn, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

// leakless runs f and waits until goroutines, connections and the target's
// sessions are back to what they were before.
func (s *suite) leakless(t testing.TB, f func()) {
	t.Helper()
	goroutines, conns := runtime.NumGoroutine(), s.wire.live.Load()
	sessions := s.sessions(t)
	f()
	if !eventually(func() bool { return s.wire.live.Load() <= conns }) {
		t.Errorf("%d connections stay open, %d before", s.wire.live.Load(), conns)
	}
	if !eventually(func() bool { return s.sessions(t) <= sessions }) {
		t.Errorf("the target has %d sessions, %d before", s.sessions(t), sessions)
	}
	if !eventually(func() bool { return runtime.NumGoroutine() <= goroutines }) {
		b := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), goroutines, b[:runtime.Stack(b, true)])
	}
}

func (s *suite) sessions(t testing.TB) int {
	if s.Sessions == nil {
		return 0
	}
	return s.Sessions(t)
}

func (s *suite) active(t testing.TB) int {
	if s.Active == nil {
		return 0
	}
	return s.Active(t)
}

// idle waits until nothing runs at the target any more.
func (s *suite) idle(t testing.TB) {
	t.Helper()
	if !eventually(func() bool { return s.active(t) == 0 }) {
		t.Errorf("%d operations still run at the target", s.active(t))
	}
}

// eventually polls for what another process or goroutine must do by itself.
func eventually(ok func() bool) bool {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience / 2); time.Now().Before(end); <-tick.C {
		if ok() {
			return true
		}
	}
	return false
}

// said collects all texts that must not hold the secret.
type said struct {
	mu sync.Mutex
	b  strings.Builder
}

// saidMax keeps the large answers from filling the memory.
const saidMax = 8 << 20

func (s *said) add(texts ...string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range texts {
		if s.b.Len() < saidMax {
			s.b.WriteString(t)
			s.b.WriteByte('\n')
		}
	}
}

func (s *said) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Len()
}

func (s *said) check(t testing.TB, more, secret string) {
	t.Helper()
	s.add(more)
	s.mu.Lock()
	defer s.mu.Unlock()
	if secret != "" && strings.Contains(s.b.String(), secret) {
		t.Error("the secret appears in an error, chunk or outcome")
	}
}
