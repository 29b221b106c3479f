package ssh

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
)

func exec(t *testing.T, c connectors.Conn, g *connectortest.Guard) (connectors.Exit, error) {
	t.Helper()
	return c.(connectors.Executor).Exec(t.Context(), g, "uptime", connectors.Stdio{Out: io.Discard, Err: io.Discard})
}

func status(code uint32) []byte { return gossh.Marshal(struct{ Code uint32 }{code}) }

// How a program ended, as targets may tell it.
func TestEnds(t *testing.T) {
	killed := gossh.Marshal(struct {
		Name       string
		Core       bool
		Text, Lang string
	}{"KILL", true, "", ""})
	type said struct {
		kind    string
		payload []byte
	}
	for name, tt := range map[string]struct {
		said []said
		exit connectors.Exit
		want error
	}{
		"code":      {[]said{{"exit-status", status(9)}}, connectors.Exit{Code: 9}, nil},
		"signal":    {[]said{{"exit-signal", killed}}, connectors.Exit{Signal: "KILL"}, nil},
		"the first": {[]said{{"exit-status", status(9)}, {"exit-status", status(0)}}, connectors.Exit{Code: 9}, nil},
		"others":    {[]said{{"keepalive@openssh.com", nil}, {"exit-status", status(1)}}, connectors.Exit{Code: 1}, nil},
		"nothing":   {nil, connectors.Exit{}, errNoStatus},
		"cut":       {[]said{{"exit-status", []byte{0}}}, connectors.Exit{}, connectors.ErrProtocol},
		"hostile":   {[]said{{"exit-signal", bytes.Replace(killed, []byte("KILL"), []byte("\x1b]2;"), 1)}}, connectors.Exit{}, connectors.ErrProtocol},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
				granting(requests)
				go gossh.DiscardRequests(requests)
				for _, s := range tt.said {
					_, _ = ch.SendRequest(s.kind, strings.HasPrefix(s.kind, "keepalive"), s.payload)
				}
			}}
			f.passwords()
			f.start(t)
			g := &connectortest.Guard{}
			exit, err := exec(t, f.open(t, Options{}), g)
			if exit != tt.exit || !errors.Is(err, tt.want) {
				t.Errorf("%+v, %v; want %+v, %v", exit, err, tt.exit, tt.want)
			}
			o := g.Permits()[0].Outcomes()
			if len(o) != 1 || !errors.Is(o[0].Err, tt.want) || o[0].Unknown != (tt.want == errNoStatus) || (o[0].Exit != nil) != (tt.want == nil) {
				t.Errorf("outcomes: %+v", o)
			}
		})
	}
}

// A program that said how it ended has ended, even if its host is gone then.
func TestEndsWithItsHost(t *testing.T) {
	f := &fake{once: true, session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		_, _ = io.Copy(io.Discard, ch) // what is left unread would reset the connection
		_, _ = ch.Write([]byte("bye"))
		_, _ = ch.SendRequest("exit-status", false, status(2))
	}}
	f.passwords()
	f.start(t)
	var out bytes.Buffer
	exit, err := f.open(t, Options{}).(connectors.Executor).Exec(t.Context(), &connectortest.Guard{}, "reboot", connectors.Stdio{Out: &out})
	if err != nil || exit.Code != 2 || out.String() != "bye" {
		t.Errorf("%+v, %v, %q", exit, err, out.String())
	}
}

// What a target refuses is told as its own words, and did not run.
func TestTargetRefuses(t *testing.T) {
	for name, session := range map[string]func(gossh.Channel, <-chan *gossh.Request){
		"a session": nil,
		"a command": func(_ gossh.Channel, requests <-chan *gossh.Request) {
			for r := range requests {
				_ = r.Reply(false, nil)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{session: session}
			f.passwords()
			f.start(t)
			g := &connectortest.Guard{}
			_, err := exec(t, f.open(t, Options{}), g)
			var te *connectors.TargetError
			if !errors.As(err, &te) {
				t.Errorf("%v, want a TargetError", err)
			}
			if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Unknown || o[0].Err == nil {
				t.Errorf("outcomes: %+v", o)
			}
		})
	}
}

// Nothing but these requests reaches a target, with sizes and names it can bear.
func TestRequestsOfAShell(t *testing.T) {
	type got struct {
		kind    string
		payload []byte
	}
	requested := make(chan got, 100)
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		for r := range requests {
			requested <- got{r.Type, r.Payload}
			_ = r.Reply(true, nil)
			if r.Type == "window-change" && binary.BigEndian.Uint32(r.Payload) == 7 {
				_, _ = ch.SendRequest("exit-status", false, status(0))
				return
			}
		}
	}}
	f.passwords()
	f.start(t)
	resize := make(chan connectors.Size)
	go func() {
		for i := range 1000 {
			resize <- connectors.Size{Width: 1 << 30, Height: -i}
		}
		resize <- connectors.Size{Width: 7, Height: 1}
	}()
	modes := []byte{53, 0, 0, 0, 1, 200, 1, 2, 3}
	_, err := f.open(t, Options{}).(connectors.Attacher).Attach(t.Context(), &connectortest.Guard{}, connectors.Terminal{
		Term: "../../etc/passwd", Modes: modes, Resize: resize, Stdio: connectors.Stdio{In: none{}, Out: io.Discard}})
	if err != nil {
		t.Fatal(err)
	}
	close(requested)
	var kinds []string
	for r := range requested {
		kinds = append(kinds, r.kind)
		switch r.kind {
		case "pty-req":
			want := gossh.Marshal(struct {
				Term               string
				Cols, Rows, PW, PH uint32
				Modes              string
			}{"dumb", 80, 24, 0, 0, "\x35\x00\x00\x00\x01\x00"})
			if !bytes.Equal(r.payload, want) {
				t.Errorf("pty-req %q, want %q", r.payload, want)
			}
		case "window-change":
			if w, h := binary.BigEndian.Uint32(r.payload), binary.BigEndian.Uint32(r.payload[4:]); w != maxSide && w != 7 || h != 1 {
				t.Errorf("window-change to %dx%d", w, h)
			}
		}
	}
	if all := strings.Join(kinds, " "); !strings.HasPrefix(all, "pty-req shell window-change") || strings.Contains(all, "env") {
		t.Errorf("requests: %s", all)
	}
	if len(kinds) > 5 { // equal sizes are one
		t.Errorf("%d requests for two sizes", len(kinds))
	}
}

// blocked is a requester who does not read.
type blocked struct {
	entered, free chan struct{}
	once          sync.Once
}

func (b *blocked) Write(p []byte) (int, error) {
	b.once.Do(func() { close(b.entered) })
	<-b.free
	return len(p), nil
}

// A requester who does not read, at a target that does not react, cannot hold up
// the end.
func TestCancelWhenAllIsStuck(t *testing.T) {
	released := make(chan struct{})
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		_, _ = ch.Write([]byte("hello"))
		<-released // and reads no request
	}}
	f.passwords()
	f.start(t)
	defer close(released)
	c := f.open(t, Options{Grace: 20 * time.Millisecond})
	ctx, cancel := context.WithCancelCause(t.Context())
	b := &blocked{entered: make(chan struct{}), free: make(chan struct{})}
	defer close(b.free)
	g := &connectortest.Guard{}
	end := make(chan error, 1)
	go func() {
		_, err := c.(connectors.Attacher).Attach(ctx, g, connectors.Terminal{Stdio: connectors.Stdio{In: none{}, Out: b}})
		end <- err
	}()
	<-b.entered
	why := errors.New("ended by carol")
	cancel(why)
	if err := <-end; !errors.Is(err, connectors.ErrCanceled) || !errors.Is(err, why) {
		t.Errorf("%v, want %v and why", err, connectors.ErrCanceled)
	}
	if o := g.Permits()[0].Outcomes(); len(o) != 1 {
		t.Errorf("outcomes: %+v", o)
	}
}

// A target that hangs while a session is opened loses its connection.
func TestCancelWhileStarting(t *testing.T) {
	asked, released := make(chan struct{}), make(chan struct{})
	f := &fake{session: func(_ gossh.Channel, requests <-chan *gossh.Request) {
		<-requests
		close(asked)
		<-released
	}}
	f.passwords()
	f.start(t)
	defer close(released)
	c := f.open(t, Options{Grace: 20 * time.Millisecond})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	g := &connectortest.Guard{}
	if _, err := c.(connectors.Executor).Exec(ctx, g, "uptime", connectors.Stdio{Out: io.Discard}); !errors.Is(err, connectors.ErrCanceled) {
		t.Errorf("%v, want %v", err, connectors.ErrCanceled)
	}
}

// The limit ends a command: the target is told by a signal.
func TestTimeout(t *testing.T) {
	signalled := make(chan string, 1)
	f := &fake{session: func(_ gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		r := <-requests
		if r == nil {
			r = &gossh.Request{Type: "nothing"}
		}
		signalled <- r.Type + string(r.Payload)
	}}
	f.passwords()
	f.start(t)
	g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms { return connectors.Terms{Timeout: 500 * time.Millisecond} }}
	if _, err := exec(t, f.open(t, Options{}), g); !errors.Is(err, connectors.ErrCanceled) || !strings.Contains(err.Error(), "500ms") {
		t.Errorf("%v, want %v and the limit", err, connectors.ErrCanceled)
	}
	if got := <-signalled; got != "signal\x00\x00\x00\x03HUP" {
		t.Errorf("the target was told %q", got)
	}
}

// gap is a connection through which nothing comes back once it is opened.
type gap struct {
	net.Conn
	open chan struct{}
}

func (g *gap) Read(b []byte) (int, error) {
	n, err := g.Conn.Read(b)
	select {
	case <-g.open:
		for err == nil {
			_, err = g.Conn.Read(b)
		}
		return 0, err
	default:
		return n, err
	}
}

// A network that swallows everything looks like silence; keepalives tell.
func TestKeepAlive(t *testing.T) {
	f := &fake{}
	g := &gap{open: make(chan struct{})}
	f.session = func(_ gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		close(g.open)
		gossh.DiscardRequests(requests)
	}
	f.passwords()
	f.start(t)
	e := f.endpoint()
	e.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		g.Conn = c
		return g, err
	}
	c, err := f.try(t, Options{KeepAlive: 20 * time.Millisecond}, e, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	guard := &connectortest.Guard{}
	if _, err := exec(t, c, guard); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("%v, want %v", err, connectors.ErrVanished)
	}
	if _, err := exec(t, c, &connectortest.Guard{}); !errors.Is(err, connectors.ErrVanished) {
		t.Errorf("on a lost connection: %v, want %v", err, connectors.ErrVanished)
	}
}

// Input that cannot be recorded ends the shell.
func TestInputFails(t *testing.T) {
	f := &fake{session: func(_ gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		for r := range requests {
			if r.Type == "signal" {
				return
			}
		}
	}}
	f.passwords()
	f.start(t)
	full := errors.New("recorder is full")
	_, err := f.open(t, Options{}).(connectors.Attacher).Attach(t.Context(), &connectortest.Guard{},
		connectors.Terminal{Stdio: connectors.Stdio{In: failing{full}, Out: io.Discard}})
	if !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// late is a keyboard on which a key is pressed too late.
type late struct{ waiting, pressed chan struct{} }

func (l *late) Read(b []byte) (int, error) {
	close(l.waiting) // a second Read panics
	<-l.pressed
	return copy(b, "q"), nil
}

// What is typed after a program has ended is neither sent nor recorded as sent.
func TestLateInput(t *testing.T) {
	l := &late{make(chan struct{}), make(chan struct{})}
	f := &fake{session: func(ch gossh.Channel, requests <-chan *gossh.Request) {
		granting(requests)
		<-l.waiting
		_, _ = ch.SendRequest("exit-status", false, status(0))
	}}
	f.passwords()
	f.start(t)
	g := &listening{read: make(chan int, 1)}
	if _, err := f.open(t, Options{}).(connectors.Attacher).Attach(t.Context(), g, connectors.Terminal{Stdio: connectors.Stdio{In: l, Out: io.Discard}}); err != nil {
		t.Fatal(err)
	}
	close(l.pressed)
	if n := <-g.read; n != 0 {
		t.Errorf("%d bytes are to be sent", n)
	}
	if typed, _, _ := g.Permits()[0].Streams(); typed != "" {
		t.Errorf("recorded as sent: %q", typed)
	}
}

// listening is a guard that tells what the driver reads of the guarded input.
type listening struct {
	connectortest.Guard
	read chan int
}

func (l *listening) Check(ctx context.Context, op connectors.Operation) (connectors.Permit, error) {
	p, err := l.Guard.Check(ctx, op)
	return &listenedTo{p, l.read}, err
}

type listenedTo struct {
	connectors.Permit
	read chan int
}

func (l *listenedTo) Stdio(raw connectors.Stdio) (connectors.Stdio, func() error) {
	guarded, flush := l.Permit.Stdio(raw)
	guarded.In = &reading{guarded.In, l.read}
	return guarded, flush
}

type reading struct {
	r    io.Reader
	read chan int
}

func (r *reading) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.read <- n
	return n, err
}
