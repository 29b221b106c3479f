package connectortest

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
)

// terminal is a requester at a keyboard.
type terminal struct {
	out    screen
	keys   *io.PipeWriter
	resize chan connectors.Size
	done   chan error
	exit   connectors.Exit
}

// attach opens a shell in a goroutine.
func (s *suite) attach(ctx context.Context, conn connectors.Conn, g *Guard) *terminal {
	g.said = &s.said
	in, keys := io.Pipe()
	term := &terminal{keys: keys, resize: make(chan connectors.Size, 1), done: make(chan error, 1)}
	go func() {
		exit, err := conn.(connectors.Attacher).Attach(ctx, g, connectors.Terminal{
			Term: "xterm-256color", Size: connectors.Size{Width: 80, Height: 24},
			Stdio: connectors.Stdio{In: in, Out: &term.out}, Resize: term.resize,
		})
		// As a requester's channel is closed once its shell has ended.
		_ = in.Close()
		term.exit = exit
		if err != nil {
			s.said.add(err.Error())
		}
		s.said.add(term.out.String())
		term.done <- err
	}()
	return term
}

func (term *terminal) press(t testing.TB, keys string) {
	t.Helper()
	if _, err := io.WriteString(term.keys, keys); err != nil {
		t.Errorf("type %q: %v", keys, err)
	}
}

func (term *terminal) shows(t testing.TB, text string) {
	t.Helper()
	if !eventually(func() bool { return strings.Contains(term.out.String(), text) }) {
		t.Errorf("the screen never shows %q: %q", text, term.out.String())
	}
}

func (s *suite) testAttach(t *testing.T) {
	t.Run("resize", s.testResize)
	s.prove(t, ToAttach,
		proof{GateFirst, "", s.testShellFirst, false},
		proof{Denied, "", s.testShellDenied, false},
		proof{MasksHold, "", s.testShellMasks, false},
		proof{RecordedShown, "", s.testShell, false},
		proof{RecordedShown, "no record, no shell", s.testShellNoRecord, false})
	s.prove(t, ToAttach, s.general(s.attachWork())...)
}

// testShellFirst: nothing runs, and nothing is sent, before the guard has answered.
func (s *suite) testShellFirst(t *testing.T) {
	var asked, opened int64
	g := &Guard{OnCheck: func(connectors.Operation) {
		asked = s.wire.written.Load()
		if n := s.active(t); n != 0 {
			t.Errorf("%d operations run at the target before the guard answered", n)
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		opened = s.wire.written.Load()
		term := s.attach(s.context(t), conn, g)
		term.press(t, s.Host.Type)
		if err := s.ended(t, term.done); err != nil {
			t.Errorf("attach: %v", err)
		}
		if len(g.Operations()) != 1 || asked != opened || s.wire.written.Load() == asked && s.Endpoint.Address != "" {
			t.Errorf("asked %d times; %d bytes were sent before the first", len(g.Operations()), asked-opened)
		}
	})
}

// testShellMasks: what a program draws is masked though it comes in pieces.
func (s *suite) testShellMasks(t *testing.T) {
	g := &Guard{Seen: s.mailPlan(t), Kept: s.mailPlan(t)}
	s.with(t, g, func(conn connectors.Conn) {
		term := s.attach(s.context(t), conn, g)
		// Typed apart, so that the echo holds none.
		term.press(t, "for i in per son17 @sec ret.ex ample; do printf %s $i; sleep 0.02; done; printf '%s\\n' ' to them'\n")
		term.shows(t, "[email] to them")
		term.press(t, s.Host.Type)
		if err := s.ended(t, term.done); err != nil {
			t.Errorf("attach: %v", err)
		}
		_, kept, _ := only(t, g).Streams()
		for _, text := range []string{term.out.String(), kept} {
			if strings.Contains(text, plantedMail) || strings.Contains(text, "@secret") || !strings.Contains(text, "[email] to them") {
				t.Errorf("shown or on record: %q", text)
			}
		}
	})
}

func (s *suite) testShell(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		term := s.attach(s.context(t), conn, g)
		term.press(t, s.Host.Type)
		if err := s.ended(t, term.done); err != nil {
			t.Errorf("attach: %v", err)
		}
		term.shows(t, s.Host.Typed)
		if term.exit != s.Host.ShellExit {
			t.Errorf("exit %+v, want %+v", term.exit, s.Host.ShellExit)
		}
		p := only(t, g)
		if p.Op.Action != "shell" {
			t.Errorf("operation: %+v", p.Op)
		}
		in, out, _ := p.Streams()
		if in != s.Host.Type || out != term.out.String() {
			t.Errorf("recorded input %q and output %q, typed %q and shown %q", in, out, s.Host.Type, term.out.String())
		}
		if o := p.Outcomes(); len(o) != 1 || o[0].Exit == nil || *o[0].Exit != s.Host.ShellExit {
			t.Errorf("outcome: %+v", o)
		}
	})
}

func (s *suite) testResize(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		term := s.attach(s.context(t), conn, g)
		term.press(t, s.Host.ShowSize)
		term.shows(t, "24 80")
		term.resize <- connectors.Size{Width: 61, Height: 23}
		// The resize and the keys travel apart, so one asks until it has arrived.
		if !eventually(func() bool {
			if strings.Contains(term.out.String(), s.Host.SizeShown) {
				return true
			}
			term.press(t, s.Host.ShowSize)
			return false
		}) {
			t.Errorf("the screen never shows %q: %q", s.Host.SizeShown, term.out.String())
		}
		term.press(t, s.Host.Type)
		if err := s.ended(t, term.done); err != nil {
			t.Errorf("attach: %v", err)
		}
	})
}

func (s *suite) testShellDenied(t *testing.T) {
	refusal := errors.New("refused by rule no-shells")
	var written int64
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	s.with(t, g, func(conn connectors.Conn) {
		term := s.attach(s.context(t), conn, g)
		if err := s.ended(t, term.done); !errors.Is(err, refusal) {
			t.Errorf("attach: %v, want the guard's refusal as it is", err)
		}
		if n := s.wire.written.Load() - written; n != 0 {
			t.Errorf("%d bytes went to the target after it was denied", n)
		}
		if term.out.String() != "" {
			t.Errorf("a denied shell shows %q", term.out.String())
		}
	})
}

func (s *suite) testShellNoRecord(t *testing.T) {
	g := &Guard{ObserveErr: errors.New("recorder is full")}
	s.with(t, g, func(conn connectors.Conn) {
		term := s.attach(s.context(t), conn, g)
		_, _ = io.WriteString(term.keys, s.Host.ShowSize) // the shell may be gone already
		if err := s.ended(t, term.done); !errors.Is(err, g.ObserveErr) {
			t.Errorf("attach: %v, want what the recorder said", err)
		}
		if term.out.String() != "" {
			t.Errorf("shown unrecorded: %q", term.out.String())
		}
	})
}
