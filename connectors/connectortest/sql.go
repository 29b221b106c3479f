package connectortest

import (
	"context"
	"errors"
	"io"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
)

// answer is all that a requester got of one statement.
type answer struct {
	columns []connectors.Column
	rows    []connectors.Row
	notices []string
	sum     connectors.Summary
}

// text is everything a requester could read in it.
func (a answer) text() string {
	var b strings.Builder
	for _, c := range a.columns {
		b.WriteString(c.Name + "\n")
	}
	for _, r := range a.rows {
		for _, c := range r {
			b.WriteString(c.Text + "\n")
		}
	}
	for _, n := range a.notices {
		b.WriteString(n + "\n")
	}
	return b.String() + a.sum.Tag
}

// run runs one statement to its end, or to the error that the requester gets.
func (s *suite) run(ctx context.Context, conn connectors.Conn, g *Guard, text string, batch int) (a answer, err error) {
	g.said = &s.said
	defer func() {
		s.said.add(a.text())
		if err != nil {
			s.said.add(err.Error())
		}
	}()
	r, err := conn.(connectors.Querier).Query(ctx, g, connectors.Statement{Text: text})
	if err != nil {
		return a, err
	}
	defer r.Close()
	a.columns = r.Columns()
	for {
		rows, err := r.Batch(ctx, batch)
		a.rows = append(a.rows, rows...)
		a.notices = append(a.notices, r.Notices()...)
		a.sum = r.Summary()
		switch {
		case errors.Is(err, io.EOF):
			return a, nil
		case err != nil:
			return a, err
		}
	}
}

// with opens a connection for f, and checks that afterwards the connection
// still works, each permit was settled once, and nothing is left over.
func (s *suite) with(t *testing.T, g *Guard, f func(conn connectors.Conn)) {
	t.Helper()
	s.leakless(t, func() {
		conn := s.open(t, g)
		defer s.close(t, conn)
		f(conn)
		settled(t, g)
		s.alive(t, conn)
		s.idle(t)
	})
}

// alive checks that the connection still works.
func (s *suite) alive(t testing.TB, conn connectors.Conn) {
	t.Helper()
	if s.SQL != nil {
		a, err := s.run(s.context(t), conn, &Guard{}, s.SQL.Read, 16)
		if err != nil {
			t.Errorf("the connection does not live on: %v", err)
		} else if diff := cmp.Diff(s.SQL.ReadWant, cells(a.rows)); diff != "" {
			t.Errorf("the connection lives on, but answers wrongly (-want +got):\n%s", diff)
		}
	}
	if ex, ok := conn.(connectors.Executor); ok && s.Host != nil {
		s.command(t, ex, &Guard{}, s.Host.Command, "", s.Host.Stdout, s.Host.Stderr, s.Host.Exit)
	}
}

func settled(t testing.TB, g *Guard) {
	t.Helper()
	for _, p := range g.Permits() {
		if n := len(p.Outcomes()); n != 1 {
			t.Errorf("%q: Permit.Done was called %d times", clip(p.Op.Text), n)
		}
	}
}

// only is the first permit that the guard gave.
func only(t testing.TB, g *Guard) *Permit {
	t.Helper()
	if len(g.Permits()) == 0 {
		t.Fatal("the guard was not asked, or gave no permit")
	}
	return g.Permits()[0]
}

// outcome is how the operation ended.
func (p *Permit) outcome(t testing.TB) connectors.Outcome {
	t.Helper()
	o := p.Outcomes()
	if len(o) == 0 {
		t.Fatalf("%q: Permit.Done was never called", clip(p.Op.Text))
	}
	return o[0]
}

func clip(s string) string { return s[:min(len(s), 120)] }

func cells(rows []connectors.Row) [][]string {
	var out [][]string
	for _, r := range rows {
		var line []string
		for _, c := range r {
			if c.Null {
				c.Text = "NULL"
			}
			line = append(line, c.Text)
		}
		out = append(out, line)
	}
	return out
}

func (s *suite) testQuery(t *testing.T) {
	t.Run("writes", s.testWrite)
	t.Run("a wrong judgement meets the belt", s.testBelt)
	t.Run("row limit", s.testLimit)
	s.prove(t, ToQuery,
		proof{GateFirst, "", s.testFirst, false},
		proof{Denied, "", s.testDenied, false},
		proof{Refused, "errors of the target", s.testTargetError, false},
		proof{MasksHold, "", s.testMasks, false},
		proof{MasksHold, "two plans", s.testTwoPlans, false},
		proof{MasksHold, "evasions", s.testEvasions, false},
		proof{RecordedShown, "", s.testRead, false},
		proof{RecordedShown, "no record, no answer", s.testNoRecord, false},
		proof{NothingLeaks, "abandoned", s.testAbandoned, false},
		proof{SlowOperation, "over its time", s.testTimeout, false},
		proof{Oversized, "", s.testOversized, s.SQL.Oversized == ""})
	s.prove(t, ToQuery, s.general(s.queryWork())...)
}

func (s *suite) testRead(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		a, err := s.run(s.context(t), conn, g, s.SQL.Read, 16)
		if err != nil {
			t.Fatalf("query: %v", err)
		}
		if diff := cmp.Diff(s.SQL.ReadWant, cells(a.rows)); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		p := only(t, g)
		op, o := p.Op, p.outcome(t)
		if op.Text != s.SQL.Read || op.Action != "sql" || op.Facts.Class.String() != "read" || op.Facts.Destructive {
			t.Errorf("operation: %+v", op)
		}
		if o.Err != nil || o.Unknown || o.Tag == "" || o.Rows != int64(len(s.SQL.ReadWant)) {
			t.Errorf("outcome: %+v", o)
		}
		if got := cells(only(t, g).Rows()); !cmp.Equal(got, s.SQL.ReadWant) {
			t.Errorf("recorded: %v", got)
		}
	})
}

func (s *suite) testWrite(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		for range 2 { // the first one's effect stays, and the second follows it
			before := s.SQL.Observe(t)
			a, err := s.run(s.context(t), conn, g, s.SQL.Write, 16)
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			if s.SQL.Observe(t) == before {
				t.Error("the write had no effect")
			}
			if a.sum.Affected != s.SQL.Affected || a.sum.Tag == "" {
				t.Errorf("summary: %+v, want %d affected", a.sum, s.SQL.Affected)
			}
		}
		p := only(t, g)
		if o := p.outcome(t); o.Affected != s.SQL.Affected || o.Err != nil || o.Tag == "" {
			t.Errorf("outcome: %+v", o)
		}
		if c := p.Op.Facts.Class.String(); c != "write" {
			t.Errorf("class %s, want write", c)
		}
	})
}

// testFirst looks at the target from within the guard's question.
func (s *suite) testFirst(t *testing.T) {
	before := s.SQL.Observe(t)
	g := &Guard{OnCheck: func(connectors.Operation) {
		if now := s.SQL.Observe(t); now != before {
			t.Errorf("the target changed before the guard was asked: %s, then %s", before, now)
		}
		if n := s.active(t); n != 0 {
			t.Errorf("%d operations run at the target before the guard answered", n)
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		if _, err := s.run(s.context(t), conn, g, s.SQL.Write, 16); err != nil {
			t.Fatalf("query: %v", err)
		}
		if n := len(g.Operations()); n != 1 {
			t.Errorf("the guard was asked %d times", n)
		}
	})
	if s.SQL.Observe(t) == before {
		t.Error("the write had no effect once permitted")
	}
}

func (s *suite) testDenied(t *testing.T) {
	refusal := errors.New("refused by rule no-writes")
	var written int64
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	before := s.SQL.Observe(t)
	s.with(t, g, func(conn connectors.Conn) {
		for _, text := range slices.Concat([]string{s.SQL.Write, s.SQL.Read, s.SQL.SyntaxError}, s.SQL.Unknown, s.SQL.Destructive) {
			_, err := s.run(s.context(t), conn, g, text, 16)
			if !errors.Is(err, refusal) {
				t.Errorf("%q: %v, want the guard's refusal as it is", clip(text), err)
			}
			if n := s.wire.written.Load() - written; n != 0 {
				t.Errorf("%q: %d bytes went to the target after it was denied", clip(text), n)
			}
		}
		if now := s.SQL.Observe(t); now != before {
			t.Errorf("the target changed: %s, then %s", before, now)
		}
	})
}

// testBelt judges wrongly on purpose: what runs read-only cannot write.
func (s *suite) testBelt(t *testing.T) {
	g := &Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{ReadOnly: true} }}
	before := s.SQL.Observe(t)
	s.with(t, g, func(conn connectors.Conn) {
		_, err := s.run(s.context(t), conn, g, s.SQL.Write, 16)
		var te *connectors.TargetError
		switch {
		case s.SQL.NoBelt != "" && !errors.Is(err, connectors.ErrUnsupported):
			t.Errorf("a write on read-only terms: %v, want the driver's refusal: %s", err, s.SQL.NoBelt)
		case s.SQL.NoBelt == "" && !errors.As(err, &te):
			t.Errorf("a write on read-only terms: %v, want the target's refusal", err)
		}
		if now := s.SQL.Observe(t); now != before {
			t.Errorf("the target changed: %s, then %s", before, now)
		}
	})
}

func (s *suite) testTargetError(t *testing.T) {
	g := &Guard{Judge: func(connectors.Operation) error { return nil }}
	s.with(t, g, func(conn connectors.Conn) {
		_, err := s.run(s.context(t), conn, g, s.SQL.SyntaxError, 16)
		var te *connectors.TargetError
		if !errors.As(err, &te) || te.Code != s.SQL.ErrorCode || te.Text == "" {
			t.Errorf("%q: %v, want a *TargetError with code %s", s.SQL.SyntaxError, err, s.SQL.ErrorCode)
		}
		if o := only(t, g).Outcomes(); len(o) != 1 || o[0].Err == nil || o[0].Unknown {
			t.Errorf("outcome: %+v", o)
		}
	})
}

func (s *suite) testTimeout(t *testing.T) {
	g := &Guard{Terms: func(op connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, Timeout: 50 * time.Millisecond}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		_, err := s.run(s.context(t), conn, g, s.SQL.Slow, 16)
		var te *connectors.TargetError
		if !errors.As(err, &te) || errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("a statement over its time: %v, want a *TargetError", err)
		}
	})
}

func (s *suite) testLimit(t *testing.T) {
	g := &Guard{Terms: func(connectors.Operation) connectors.Terms {
		return connectors.Terms{ReadOnly: true, MaxRows: 10}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		a, err := s.run(s.context(t), conn, g, s.SQL.Large(100_000), 7)
		if err != nil {
			t.Fatalf("query: %v", err)
		}
		if len(a.rows) != 10 || !a.sum.Cut {
			t.Errorf("%d rows, cut: %v; want 10 and a word of it", len(a.rows), a.sum.Cut)
		}
	})
}

func (s *suite) testNoRecord(t *testing.T) {
	g := &Guard{ObserveErr: errors.New("recorder is full")}
	s.with(t, g, func(conn connectors.Conn) {
		a, err := s.run(s.context(t), conn, g, s.SQL.Masked, 7)
		if !errors.Is(err, g.ObserveErr) {
			t.Errorf("query: %v, want what Observe returned", err)
		}
		if len(a.rows) != 0 {
			t.Errorf("%d rows were handed on unrecorded", len(a.rows))
		}
	})
}

// testOversized: one value that is larger than the driver takes is told as that, and
// not held.
func (s *suite) testOversized(t *testing.T) {
	const allowed = 192 << 20 // the bound of drivers is 64 MiB, which may be copied once
	g := &Guard{Discard: true}
	s.leakless(t, func() {
		conn := s.open(t, g)
		base := heapInUse()
		_, err := s.run(s.context(t), conn, g, s.SQL.Oversized, 16)
		var te *connectors.TargetError
		if !errors.As(err, &te) {
			told(t, err, connectors.ErrProtocol, connectors.ErrUnsupported) // where the connection lives on
		}
		if err != nil && !tooLarge.MatchString(err.Error()) {
			t.Errorf("%q does not say that something is too large", err)
		}
		settled(t, g)
		if n := grown(base, allowed); n > allowed {
			t.Errorf("the heap grew by %d MiB", n>>20)
		}
		_ = conn.Close()
		s.idle(t)
	})
}

// tooLarge is what an error says of what is.
var tooLarge = regexp.MustCompile(`(more|larger|longer|bigger) than|too (big|large|long)`)

// grown is by how much the heap has grown since base. Where that is more than allowed it
// looks again: what is allocated and let go while a collection runs, which takes long on
// a busy machine, is in use until the next.
func grown(base, allowed uint64) uint64 {
	now := heapInUse()
	for range 3 {
		if now <= base+allowed {
			break
		}
		now = min(now, heapInUse())
	}
	return max(now, base) - base
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
