package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Big is whether the large answers are of 1 GiB, by SALLYPORT_BIG=1.
func Big() bool { return os.Getenv("SALLYPORT_BIG") == "1" }

func large() int64 {
	if Big() {
		return 1 << 30
	}
	return largeBytes
}

// general are the proofs that are the same for every power.
func (s *suite) general(w work) []proof {
	no := s.Endpoint.Address == ""
	slow, flood := true, true
	switch w.power {
	case ToQuery:
		slow, flood = s.SQL.Slow != "", s.SQL.Large != nil
	case ToExec, ToAttach:
		slow, flood = s.Host.Slow != "", s.Host.Flood != nil
	case ToRequest:
		slow, flood = s.Web.Slow != "", s.Web.Large != nil
	}
	proofs := []proof{
		{Refused, "", func(t *testing.T) { s.testRefusal(t, w) }, !flood},
		{CancelFrees, "", func(t *testing.T) { s.testCancel(t, w) }, !slow},
		{CancelFrees, "at every step", func(t *testing.T) { s.testCancelSteps(t, w) }, no || !slow || w.power == ToFiles || w.power == ToForward},
		{CancelFrees, "though it has stalled", func(t *testing.T) { s.testCancelStalled(t, w) }, no || !flood},
		{NothingLeaks, "closed while it runs", func(t *testing.T) { s.testCloseRunning(t, w) }, !slow},
		{BoundedMemory, "", func(t *testing.T) { s.testMemory(t, w) }, !flood},
		{Vanished, "while it runs", func(t *testing.T) { s.testVanished(t, w) }, no || !slow},
		{Vanished, "in the middle of an answer", func(t *testing.T) { s.testCut(t, w) }, no || !flood},
		{SlowOperation, "it stops in the middle of an answer", func(t *testing.T) { s.testStall(t, w) }, no || !flood},
		{Malformed, "broken in the middle of an answer", func(t *testing.T) { s.testCorrupt(t, w, corrupt) }, no || !flood},
		{Malformed, "lengths that cannot be in the middle of an answer", func(t *testing.T) { s.testCorrupt(t, w, inflate) }, no || !flood},
	}
	return proofs
}

// testRefusal: who refused, why, and what to do instead reach whoever asked, and no
// byte of an answer does.
func (s *suite) testRefusal(t *testing.T, w work) {
	refusal := &policy.Refusal{Rule: "nothing-at-night", Reason: "it is night", Hint: "ask in the morning"}
	g := &Guard{Judge: func(connectors.Operation) error { return refusal }, said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		var shown bytes.Buffer
		err := w.stream(s.context(t), conn, g, 1000, &shown)
		var got *policy.Refusal
		if !errors.As(err, &got) || got != refusal {
			t.Errorf("%v, want the guard's refusal as it is", err)
		}
		if shown.Len() > 0 {
			t.Errorf("a refused operation shows %q", clip(shown.String()))
		}
	})
}

func (s *suite) testCancel(t *testing.T, w work) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		ctx, cancel := context.WithCancel(s.context(t))
		defer cancel()
		done := s.begun(ctx, t, conn, g, w)
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

// steps is before how many of a driver's writes the suite cancels, and head is how
// much sooner than the write a request to cancel may arrive.
const (
	steps = 4
	head  = 20 * time.Millisecond
)

// testCancelSteps cancels before each thing that the driver says to the target, so
// that the request to cancel may come before what it is about.
func (s *suite) testCancelSteps(t *testing.T, w work) {
	for step := range int64(steps) {
		g := &Guard{said: &s.said}
		s.with(t, g, func(conn connectors.Conn) {
			ctx, cancel := context.WithCancel(s.context(t))
			defer cancel()
			var wrote atomic.Int64
			before := func() {
				if wrote.Add(1) == step+1 {
					cancel()
					time.Sleep(head)
				}
			}
			g.OnPermit = func(connectors.Operation) { s.wire.onWrite.Store(&before) }
			defer s.wire.onWrite.Store(nil)
			done := make(chan error, 1)
			go func() { done <- w.slow(ctx, conn, g, func() {}) }()
			if !eventually(func() bool { return ctx.Err() != nil || s.active(t) > 0 && wrote.Load() <= step }) {
				t.Errorf("step %d: it neither was cancelled nor ran", step)
			}
			cancel() // there are no more steps
			told(t, s.ended(t, done), connectors.ErrCanceled)
			s.wire.onWrite.Store(nil)
		})
	}
}

// testCloseRunning closes the connection under a running operation.
func (s *suite) testCloseRunning(t *testing.T, w work) {
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		// Only Close ends it: this context has no deadline.
		done := s.begun(t.Context(), t, conn, g, w)
		closed := make(chan error, 1)
		go func() {
			_ = conn.Close() // it may complain of what it interrupts
			closed <- nil
		}()
		_ = s.ended(t, closed)
		if err := s.ended(t, done); err == nil {
			t.Error("the operation succeeded although its connection was closed")
		}
		settled(t, g)
		s.idle(t)
		if err := w.stream(s.context(t), conn, &Guard{said: &s.said}, 1000, io.Discard); err == nil {
			t.Error("a closed connection answers")
		}
	})
}

// testVanished cuts the connection under a running operation.
func (s *suite) testVanished(t *testing.T, w work) {
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		done := s.begun(s.context(t), t, conn, g, w)
		s.wire.cut()
		told(t, s.ended(t, done), connectors.ErrVanished)
		settled(t, g)
		if o := only(t, g).Outcomes(); len(o) == 1 && !o[0].Unknown && o[0].Exit == nil && changes(w.power) {
			t.Errorf("outcome: %+v, want unknown", o[0])
		}
		_ = conn.Close()
		s.idle(t)
	})
}

// changes reports whether the slow operation of a power may have changed something.
func changes(w Power) bool { return w == ToQuery || w == ToExec || w == ToAttach }

// middle is how many bytes of a large answer pass before the line fails.
const middle = 300_000

// troubled does a large operation over a line that fails in its middle, and checks
// that nothing stays of it. The error is the requester's.
func (s *suite) troubled(t *testing.T, w work, what trouble, do func(conn connectors.Conn, g *Guard, stopped func() bool) error) {
	t.Helper()
	g := &Guard{Discard: true, said: &s.said}
	s.leakless(t, func() {
		l, e := s.over()
		d := s.Driver
		if what == stall { // elsewhere haste would give up a target that is merely busy
			d = s.impatient()
		}
		conn, err := d.Open(s.context(t), e, mask.NewSecret([]byte(s.Secret)), g)
		if err != nil {
			t.Fatalf("open: %v", err)
		}
		g.OnPermit = func(connectors.Operation) { l.fail(what, middle) }
		done := make(chan error, 1)
		go func() { done <- do(conn, g, l.stalled) }()
		if err := s.ended(t, done); err != nil {
			s.said.add(err.Error())
		}
		settled(t, g)
		closed := make(chan error, 1)
		go func() {
			_ = conn.Close() // it may complain of what happened
			closed <- nil
		}()
		_ = s.ended(t, closed)
		s.idle(t)
	})
}

// answered is what an answer in trouble is asked for: more than passes.
const answered = 16 << 20

func (s *suite) testCut(t *testing.T, w work) {
	s.troubled(t, w, cut, func(conn connectors.Conn, g *Guard, _ func() bool) error {
		err := w.stream(s.context(t), conn, g, answered, io.Discard)
		told(t, err, connectors.ErrVanished)
		return err
	})
}

// testCorrupt: what is no message of the protocol is told as that. A connection over
// which it came is not used any more, or works.
func (s *suite) testCorrupt(t *testing.T, w work, how trouble) {
	s.troubled(t, w, how, func(conn connectors.Conn, g *Guard, _ func() bool) error {
		base := heapInUse()
		err := w.stream(s.context(t), conn, g, answered, io.Discard)
		told(t, err, connectors.ErrProtocol)
		if n := grown(base, largeBytes); n > largeBytes {
			t.Errorf("the heap grew by %d MiB", n>>20)
		}
		return err
	})
}

// testStall: an operation with a limit ends by it, although nobody says so. One that
// has none ends when the driver finds that the target does not answer.
func (s *suite) testStall(t *testing.T, w work) {
	s.troubled(t, w, stall, func(conn connectors.Conn, g *Guard, _ func() bool) error {
		if !w.wordless {
			g.Terms = func(connectors.Operation) connectors.Terms {
				return connectors.Terms{ReadOnly: true, Timeout: brief}
			}
		}
		err := w.stream(t.Context(), conn, g, answered, io.Discard)
		if err == nil || !late.MatchString(err.Error()) || errors.Is(err, connectors.ErrProtocol) {
			t.Errorf("the error is %v, which does not say that it took too long", err)
		}
		return err
	})
}

func (s *suite) testCancelStalled(t *testing.T, w work) {
	s.troubled(t, w, stall, func(conn connectors.Conn, g *Guard, stalled func() bool) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		done := make(chan error, 1)
		go func() { done <- w.stream(ctx, conn, g, answered, io.Discard) }()
		if !eventually(stalled) {
			t.Error("the line never stalled")
		}
		cancel()
		err := s.ended(t, done)
		told(t, err, connectors.ErrCanceled)
		return err
	})
}

// meter counts bytes and looks at the heap every 8 MiB.
type meter struct {
	n, next              int64
	base, allowed, worst uint64 // worst is of what it grew by
}

func (m *meter) Write(b []byte) (int, error) {
	m.n += int64(len(b))
	if m.n >= m.next {
		m.next += 8 << 20
		m.worst = max(m.worst, grown(m.base, m.allowed))
	}
	return len(b), nil
}

// testMemory streams a large answer and looks at the heap on the way: no more than
// a part of it is there at any time.
func (s *suite) testMemory(t *testing.T, w work) {
	const allowed = 24 << 20
	size := large()
	if w.power == ToRequest && s.Web.LargeBytes != 0 && !Big() {
		size = int64(s.Web.LargeBytes)
	}
	g := &Guard{Discard: true, said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		m := &meter{base: heapInUse(), allowed: allowed}
		if err := w.stream(t.Context(), conn, g, size, m); err != nil {
			t.Errorf("%v", err)
		}
		if m.n < size-rowBytes {
			t.Errorf("%d bytes came, want %d", m.n, size)
		}
		if m.worst > allowed {
			t.Errorf("the heap grew by %d MiB", m.worst>>20)
		}
		if n := only(t, g).Count(); w.power == ToQuery && n != size/rowBytes {
			t.Errorf("%d rows recorded, want %d", n, size/rowBytes)
		}
	})
}
