package connectortest

import (
	"context"
	"errors"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// started runs text on conn in a goroutine and returns once it runs at the
// target, or, where that cannot be seen, once it is permitted. done yields the
// requester's error.
func (s *suite) started(ctx context.Context, t *testing.T, conn connectors.Conn, g *Guard, text string) (done <-chan error) {
	t.Helper()
	g.said = &s.said
	permitted := make(chan struct{})
	g.OnPermit = func(connectors.Operation) { close(permitted) }
	end := make(chan error, 1)
	go func() {
		_, err := s.run(ctx, conn, g, text, 16)
		end <- err
	}()
	select {
	case <-permitted:
	case err := <-end:
		t.Fatalf("%q ended before it was permitted: %v", clip(text), err)
	}
	if s.Active != nil && !eventually(func() bool { return s.Active(t) > 0 }) {
		t.Fatalf("%q never ran at the target", clip(text))
	}
	return end
}

func (s *suite) ended(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-s.context(t).Done():
		t.Fatal("the operation did not end")
		return nil
	}
}

func (s *suite) testCancel(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		ctx, cancel := context.WithCancel(s.context(t))
		defer cancel()
		done := s.started(ctx, t, conn, g, s.SQL.Slow)
		cancel()
		if err := s.ended(t, done); !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("cancelled: %v, want %v", err, connectors.ErrCanceled)
		}
		s.idle(t)
		if o := only(t, g).Outcomes(); len(o) != 1 || !errors.Is(o[0].Err, connectors.ErrCanceled) {
			t.Errorf("outcome: %+v", o)
		}
	})
}

// testCloseRunning closes the connection under a running statement.
func (s *suite) testCloseRunning(t *testing.T) {
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		// Only Close ends it: this context has no deadline.
		done := s.started(t.Context(), t, conn, g, s.SQL.Slow)
		closed := make(chan error, 1)
		go func() {
			_ = conn.Close() // it may complain of what it interrupts
			closed <- nil
		}()
		_ = s.ended(t, closed)
		if err := s.ended(t, done); err == nil {
			t.Error("the statement succeeded although its connection was closed")
		}
		settled(t, g)
		s.idle(t)
		if _, err := s.run(s.context(t), conn, &Guard{}, s.SQL.Read, 16); err == nil {
			t.Error("a closed connection answers")
		}
	})
}

// testAbandoned closes an answer after its first rows.
func (s *suite) testAbandoned(t *testing.T) {
	g := &Guard{Discard: true, said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		for range 3 {
			r, err := conn.(connectors.Querier).Query(s.context(t), g, connectors.Statement{Text: s.SQL.Large(100_000)})
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			if _, err := r.Batch(s.context(t), 3); err != nil {
				t.Errorf("batch: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Errorf("second close: %v", err)
			}
		}
	})
}

// testVanished cuts the connection under a running statement.
func (s *suite) testVanished(t *testing.T) {
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		done := s.started(s.context(t), t, conn, g, s.SQL.Slow)
		s.wire.cut()
		if err := s.ended(t, done); !errors.Is(err, connectors.ErrVanished) {
			t.Errorf("the target vanished: %v, want %v", err, connectors.ErrVanished)
		}
		settled(t, g)
		if o := only(t, g).Outcomes(); len(o) == 1 && !o[0].Unknown {
			t.Errorf("outcome: %+v, want unknown", o[0])
		}
		_ = conn.Close()
	})
}
