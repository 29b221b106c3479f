package connectortest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Forwarding is what the suite asks of a Forwarder.
type Forwarding struct {
	// Listen opens the service that is forwarded to, where the target reaches it; nil
	// is a loopback port, for a target on this machine.
	Listen func(t testing.TB) net.Listener
}

// farSide is the service that is forwarded to. A line says what it does: "echo",
// "hold", which says "held" and then nothing, or "send" and how many bytes.
type farSide struct {
	address  string
	accepted atomic.Int64
	live     atomic.Int64
}

// listen starts the far side and declares it.
func (s *suite) listen(t *testing.T) {
	if s.Forward == nil {
		return
	}
	listen := s.Forward.Listen
	if listen == nil {
		listen = func(t testing.TB) net.Listener {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	l := listen(t)
	s.far = &farSide{address: l.Addr().String()}
	s.Endpoint.Forwards = append([]string{s.far.address}, s.Endpoint.Forwards...)
	var all sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.far.accepted.Add(1)
			s.far.live.Add(1)
			all.Go(func() {
				defer s.far.live.Add(-1)
				defer c.Close()
				serveFar(c)
			})
		}
	})
}

func serveFar(c net.Conn) {
	r := bufio.NewReader(c)
	word, err := r.ReadString('\n')
	if err != nil {
		return
	}
	var n int64
	switch word = strings.TrimSpace(word); {
	case word == "echo":
		_, _ = io.Copy(c, r)
	case word == "hold":
		_, _ = io.WriteString(c, "held\n")
		_, _ = io.Copy(io.Discard, r)
	default:
		if _, err := fmt.Sscanf(word, "send %d", &n); err == nil {
			_, _ = io.CopyN(c, zeros{}, n)
		}
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// stream is a requester's side of a forwarded connection.
type stream struct {
	in   io.Reader
	out  io.Writer
	hold bool // after in, nothing is sent, and nothing ended, until Close
	once sync.Once
	shut chan struct{}
}

func (s *suite) stream(in io.Reader, out io.Writer, hold bool) *stream {
	return &stream{in: in, out: out, hold: hold, shut: make(chan struct{})}
}

func (f *stream) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	if n == 0 && errors.Is(err, io.EOF) && f.hold {
		<-f.shut
	}
	return n, err
}

func (f *stream) Write(b []byte) (int, error) { return f.out.Write(b) }
func (f *stream) CloseWrite() error           { return nil }
func (f *stream) Close() error {
	f.once.Do(func() { close(f.shut) })
	return nil
}

func (s *suite) forward(ctx context.Context, conn connectors.Conn, g *Guard, f *stream) error {
	g.said = &s.said
	err := conn.(connectors.Forwarder).Forward(ctx, g, s.far.address, f)
	if err != nil {
		s.said.add(err.Error())
	}
	return err
}

func (s *suite) forwardWork() work {
	return work{
		power: ToForward, wordless: true,
		stream: func(ctx context.Context, conn connectors.Conn, g *Guard, bytes int64, w io.Writer) error {
			return s.forward(ctx, conn, g, s.stream(strings.NewReader(fmt.Sprintf("send %d\n", bytes)), w, false))
		},
		slow: func(ctx context.Context, conn connectors.Conn, g *Guard, running func()) error {
			return s.forward(ctx, conn, g, s.stream(strings.NewReader("hold\n"), held(running), true))
		},
	}
}

// held calls itself when something comes.
type held func()

func (h held) Write(b []byte) (int, error) { h(); return len(b), nil }

func (s *suite) testForward(t *testing.T) {
	t.Run("not declared", s.testUndeclared)
	s.prove(t, ToForward,
		proof{GateFirst, "", s.testForwardFirst, false},
		proof{Denied, "", s.testForwardDenied, false},
		proof{RecordedShown, "", s.testForwardEcho, false})
	s.prove(t, ToForward, s.general(s.forwardWork())...)
	if !eventually(func() bool { return s.far.live.Load() == 0 }) {
		t.Errorf("%d connections to the far side stay open", s.far.live.Load())
	}
}

func (s *suite) testForwardFirst(t *testing.T) {
	before := s.far.accepted.Load()
	g := &Guard{OnCheck: func(connectors.Operation) {
		if s.far.accepted.Load() != before {
			t.Error("the far side was reached before the guard was asked")
		}
	}}
	s.with(t, g, func(conn connectors.Conn) {
		if err := s.forward(s.context(t), conn, g, s.stream(strings.NewReader("send 10\n"), io.Discard, false)); err != nil {
			t.Errorf("forward: %v", err)
		}
		if n := len(g.Operations()); n != 1 || s.far.accepted.Load() != before+1 {
			t.Errorf("the guard was asked %d times, the far side reached %d times", n, s.far.accepted.Load()-before)
		}
	})
}

func (s *suite) testForwardDenied(t *testing.T) {
	refusal := errors.New("refused by rule no-forwards")
	before, written := s.far.accepted.Load(), int64(0)
	g := &Guard{
		OnCheck: func(connectors.Operation) { written = s.wire.written.Load() },
		Judge:   func(connectors.Operation) error { return refusal },
	}
	s.with(t, g, func(conn connectors.Conn) {
		f := s.stream(strings.NewReader("send 10\n"), io.Discard, true)
		if err := s.forward(s.context(t), conn, g, f); !errors.Is(err, refusal) {
			t.Errorf("forward: %v, want the guard's refusal as it is", err)
		}
		select {
		case <-f.shut:
		default:
			t.Error("the requester's side of a denied connection stays open")
		}
		if n := s.wire.written.Load() - written; n != 0 || s.far.accepted.Load() != before {
			t.Errorf("%d bytes went to the target after it was denied, the far side was reached %d times", n, s.far.accepted.Load()-before)
		}
	})
}

// testUndeclared: what the target does not declare is refused without a question.
func (s *suite) testUndeclared(t *testing.T) {
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		err := conn.(connectors.Forwarder).Forward(s.context(t), g, "127.0.0.1:1", s.stream(strings.NewReader(""), io.Discard, false))
		if !errors.As(err, new(*policy.Refusal)) {
			t.Errorf("forward: %v, want a refusal", err)
		}
		if n := len(g.Permits()); n != 0 {
			t.Errorf("%d permits were asked for", n)
		}
	})
}

// testForwardEcho: every byte arrives as it is, and on record are the numbers and
// hashes of exactly these.
func (s *suite) testForwardEcho(t *testing.T) {
	data := sample(3<<20+77, 9)
	g := &Guard{}
	s.with(t, g, func(conn connectors.Conn) {
		var out screen
		sent := append([]byte("echo\n"), data...)
		if err := s.forward(s.context(t), conn, g, s.stream(bytes.NewReader(sent), &out, false)); err != nil {
			t.Errorf("forward: %v", err)
		}
		if out.String() != string(data) {
			t.Errorf("%d bytes came back, or others, of %d", len(out.String()), len(data))
		}
		o := only(t, g).outcome(t)
		for _, want := range []string{hashOf(sent), hashOf(data), fmt.Sprint(len(sent)), fmt.Sprint(len(data))} {
			if !strings.Contains(o.Tag, want) {
				t.Errorf("on record is %q, which lacks %s", o.Tag, want)
			}
		}
	})
}
