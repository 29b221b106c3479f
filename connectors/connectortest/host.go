package connectortest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sallyport/sallyport/connectors"
)

// command runs one command to its end and compares all that came of it.
func (s *suite) command(t testing.TB, ex connectors.Executor, g *Guard, command, in, wantOut, wantErr string, want connectors.Exit) {
	t.Helper()
	g.said = &s.said
	var out, errs screen
	exit, err := ex.Exec(s.context(t), g, command, connectors.Stdio{In: strings.NewReader(in), Out: &out, Err: &errs})
	s.said.add(out.String(), errs.String())
	if err != nil {
		s.said.add(err.Error())
		t.Errorf("%q: %v", clip(command), err)
		return
	}
	if diff := cmp.Diff([]any{wantOut, wantErr, want}, []any{out.String(), errs.String(), exit}); diff != "" {
		t.Errorf("%q: output, errors, exit (-want +got):\n%s", clip(command), diff)
	}
}

// screen collects what a program writes, and can be watched meanwhile.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *suite) testExec(t *testing.T) {
	t.Run("runs", s.testCommand)
	t.Run("input", s.testInput)
	t.Run("the guard comes first", s.testExecFirst)
	t.Run("a denied one never arrives", s.testExecDenied)
	t.Run("cancel", s.testExecCancel)
	t.Run("no record, no output", s.testExecNoRecord)
	t.Run("large output", s.testFlood)
	if s.Endpoint.Address != "" {
		t.Run("vanished", s.testExecVanished)
	}
}

func (s *suite) testCommand(t *testing.T) {
	h, g := s.Host, &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		s.command(t, conn.(connectors.Executor), g, h.Command, "", h.Stdout, h.Stderr, h.Exit)
		p := only(t, g)
		op, text := p.Op, h.Command
		if h.Text != nil {
			text = h.Text(text)
		}
		if op.Action != "exec" || op.Text != text {
			t.Errorf("operation: %+v", op)
		}
		if o := p.outcome(t); o.Exit == nil || *o.Exit != h.Exit || o.Err != nil {
			t.Errorf("outcome: %+v", o)
		}
		if _, out, errs := p.Streams(); out != h.Stdout || errs != h.Stderr {
			t.Errorf("recorded %q and %q, shown %q and %q", out, errs, h.Stdout, h.Stderr)
		}
	})
}

func (s *suite) testInput(t *testing.T) {
	g := &Guard{}
	text := strings.Repeat("every byte \x00\xff\r\n", 20_000)
	s.with(t, g, func(conn connectors.Conn) {
		s.command(t, conn.(connectors.Executor), g, s.Host.Cat, text, text, "", connectors.Exit{})
		if in, out, _ := only(t, g).Streams(); in != text || out != text {
			t.Errorf("recorded %d bytes of input and %d of output, want %d of both", len(in), len(out), len(text))
		}
	})
}

func (s *suite) testExecFirst(t *testing.T) {
	before := s.Host.Observe(t)
	g := &Guard{OnCheck: func(connectors.Operation) {
		if now := s.Host.Observe(t); now != before {
			t.Errorf("the target changed before the guard was asked: %s, then %s", before, now)
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		if _, err := s.exec(s.context(t), conn, g, s.Host.Effect); err != nil {
			t.Errorf("exec: %v", err)
		}
	})
	if s.Host.Observe(t) == before {
		t.Error("the command had no effect once permitted")
	}
}

func (s *suite) exec(ctx context.Context, conn connectors.Conn, g *Guard, command string) (connectors.Exit, error) {
	g.said = &s.said
	exit, err := conn.(connectors.Executor).Exec(ctx, g, command, connectors.Stdio{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard})
	if err != nil {
		s.said.add(err.Error())
	}
	return exit, err
}

func (s *suite) testExecDenied(t *testing.T) {
	refusal := errors.New("refused by rule no-commands")
	var written int64
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	before := s.Host.Observe(t)
	s.with(t, g, func(conn connectors.Conn) {
		if _, err := s.exec(s.context(t), conn, g, s.Host.Effect); !errors.Is(err, refusal) {
			t.Errorf("exec: %v, want the guard's refusal as it is", err)
		}
		if n := s.wire.written.Load() - written; n != 0 {
			t.Errorf("%d bytes went to the target after it was denied", n)
		}
		if now := s.Host.Observe(t); now != before {
			t.Errorf("the target changed: %s, then %s", before, now)
		}
	})
}

// execStarted is as started, for commands.
func (s *suite) execStarted(ctx context.Context, t *testing.T, conn connectors.Conn, g *Guard) <-chan error {
	t.Helper()
	end := make(chan error, 1)
	go func() {
		_, err := s.exec(ctx, conn, g, s.Host.Slow)
		end <- err
	}()
	if !eventually(func() bool { return s.Active(t) > 0 }) {
		t.Fatalf("%q never ran at the target", s.Host.Slow)
	}
	return end
}

func (s *suite) testExecCancel(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		ctx, cancel := context.WithCancel(s.context(t))
		defer cancel()
		done := s.execStarted(ctx, t, conn, g)
		cancel()
		if err := s.ended(t, done); !errors.Is(err, connectors.ErrCanceled) {
			t.Errorf("cancelled: %v, want %v", err, connectors.ErrCanceled)
		}
		s.idle(t)
	})
}

func (s *suite) testExecNoRecord(t *testing.T) {
	g := &Guard{ObserveErr: errors.New("recorder is full"), said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		var out screen
		_, err := conn.(connectors.Executor).Exec(s.context(t), g, s.Host.Flood(1<<20),
			connectors.Stdio{In: strings.NewReader(""), Out: &out, Err: &out})
		if !errors.Is(err, g.ObserveErr) {
			t.Errorf("exec: %v, want what the recorder said", err)
		}
		if out.String() != "" {
			t.Errorf("%d bytes were shown unrecorded", len(out.String()))
		}
	})
}

func (s *suite) testFlood(t *testing.T) {
	const size, allowed = 64 << 20, 24 << 20
	g := &Guard{Discard: true, said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		m := &meter{base: heapInUse()}
		_, err := conn.(connectors.Executor).Exec(s.context(t), g, s.Host.Flood(size), connectors.Stdio{In: strings.NewReader(""), Out: m, Err: io.Discard})
		if err != nil {
			t.Errorf("exec: %v", err)
		}
		if m.n != size {
			t.Errorf("%d bytes came, want %d", m.n, size)
		}
		if m.worst > m.base+allowed {
			t.Errorf("the heap grew by %d MiB", (m.worst-m.base)>>20)
		}
	})
}

// meter counts bytes and looks at the heap every 8 MiB.
type meter struct {
	n, next     int
	base, worst uint64
}

func (m *meter) Write(b []byte) (int, error) {
	m.n += len(b)
	if m.n >= m.next {
		m.next += 8 << 20
		m.worst = max(m.worst, heapInUse())
	}
	return len(b), nil
}

func (s *suite) testExecVanished(t *testing.T) {
	g := &Guard{}
	s.leakless(t, func() {
		conn := s.open(t, g)
		done := s.execStarted(s.context(t), t, conn, g)
		s.wire.cut()
		if err := s.ended(t, done); !errors.Is(err, connectors.ErrVanished) {
			t.Errorf("the target vanished: %v, want %v", err, connectors.ErrVanished)
		}
		settled(t, g)
		if o := only(t, g).Outcomes(); len(o) == 1 && !o[0].Unknown {
			t.Errorf("outcome: %+v, want unknown", o[0])
		}
		_ = conn.Close()
		s.idle(t)
	})
}
