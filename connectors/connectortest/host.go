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
	"github.com/sallyport/sallyport/mask"
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
	t.Run("input", s.testInput)
	s.prove(t, ToExec,
		proof{GateFirst, "", s.testExecFirst, false},
		proof{Denied, "", s.testExecDenied, false},
		proof{MasksHold, "", s.testExecMasks, s.Host.Cat == ""},
		proof{RecordedShown, "", s.testCommand, false},
		proof{RecordedShown, "no record, no output", s.testExecNoRecord, false},
		proof{SlowOperation, "over its time", s.testExecTimeout, false})
	s.prove(t, ToExec, s.general(s.execWork())...)
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

// plantedMail is what the masks of programs' output look for.
const plantedMail = "person17@secret.example"

func (s *suite) mailPlan(t testing.TB) *mask.Plan {
	t.Helper()
	p, err := mask.New(mask.Options{Detect: []string{"email"}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testExecMasks sends a program its own output in pieces of every size.
func (s *suite) testExecMasks(t *testing.T) {
	text := "first line\nmail " + plantedMail + " to them\nlast line\n"
	want := strings.Replace(text, plantedMail, "[email]", 1)
	g := &Guard{Seen: s.mailPlan(t), Kept: s.mailPlan(t), said: &s.said}
	s.with(t, g, func(conn connectors.Conn) {
		for _, piece := range []int{1, 2, 3, 5, 8, 13, 21, len(text)} {
			var out screen
			in := &inPieces{text, piece}
			if _, err := conn.(connectors.Executor).Exec(s.context(t), g, s.Host.Cat, connectors.Stdio{In: in, Out: &out, Err: &out}); err != nil {
				t.Fatalf("pieces of %d: %v", piece, err)
			}
			permits := g.Permits()
			if _, kept, _ := permits[len(permits)-1].Streams(); out.String() != want || kept != want {
				t.Errorf("pieces of %d: shown %q, recorded %q, want %q", piece, out.String(), kept, want)
			}
		}
	})
}

// inPieces yields a text in pieces.
type inPieces struct {
	left  string
	piece int
}

func (p *inPieces) Read(b []byte) (int, error) {
	if p.left == "" {
		return 0, io.EOF
	}
	n := copy(b, p.left[:min(p.piece, len(p.left))])
	p.left = p.left[n:]
	return n, nil
}

func (s *suite) testExecTimeout(t *testing.T) {
	g := &Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{Timeout: brief} }}
	s.with(t, g, func(conn connectors.Conn) {
		_, err := s.exec(s.context(t), conn, g, s.Host.Slow)
		if err == nil || !late.MatchString(err.Error()) || errors.Is(err, connectors.ErrVanished) {
			t.Errorf("a command over its time: %v, which does not say so", err)
		}
		s.idle(t)
	})
}
