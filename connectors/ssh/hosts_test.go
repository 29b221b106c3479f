package ssh

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/connectors/ssh/sshdtest"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

type ctx = context.Context

// authority is a key that certifies people: as a secret, and as a line.
type authority struct{ private, line string }

func newAuthority(t testing.TB) authority {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	key, err := gossh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return authority{string(pem.EncodeToMemory(block)), line(key)}
}

func write(t testing.TB, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func secretOf(s string) mask.Secret { return mask.NewSecret([]byte(s)) }

func always(s string) func(context.Context) (mask.Secret, error) {
	return func(context.Context) (mask.Secret, error) { return secretOf(s), nil }
}

func allow() *connectortest.Guard {
	return &connectortest.Guard{Judge: func(connectors.Operation) error { return nil }}
}

func viaOf(s *sshdtest.Server) *connectors.Via {
	return &connectors.Via{Secret: always(s.PrivateKey),
		Endpoint: connectors.Endpoint{Name: "jump-1", Address: s.Address, User: s.User, HostKeys: []string{s.HostKey}}}
}

// eventually waits for what another process brings about.
func eventually(t testing.TB, done func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !done() {
		select {
		case <-deadline:
			t.Fatal("it did not come about")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// far is a program behind a host: it answers what it got, in capitals, once the
// other side has ended.
func far(t *testing.T) (address string, got func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	conns := 0
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns++
			mu.Unlock()
			all.Go(func() {
				defer c.Close()
				b, err := io.ReadAll(c)
				if err == nil {
					_, _ = c.Write(bytes.ToUpper(b))
				}
			})
		}
	})
	t.Cleanup(func() { _ = l.Close(); all.Wait() })
	return l.Addr().String(), func() int { mu.Lock(); defer mu.Unlock(); return conns }
}

// near is a requester's side of a forward: a pipe each way.
type near struct {
	io.Reader
	io.WriteCloser
	once   sync.Once
	closed chan struct{}
}

func (n *near) CloseWrite() error { return n.WriteCloser.Close() }
func (n *near) Close() error {
	n.once.Do(func() { close(n.closed) })
	if c, ok := n.Reader.(io.Closer); ok {
		_ = c.Close()
	}
	return n.WriteCloser.Close()
}

func forwarding(t *testing.T, forwards ...string) (connectors.Forwarder, *sshdtest.Server) {
	t.Helper()
	s := sshdtest.Start(t)
	e := connectors.Endpoint{Name: "web-1", Address: s.Address, User: s.User, HostKeys: []string{s.HostKey}, Forwards: forwards}
	c, err := New(Options{}).Open(t.Context(), e, secretOf(s.PrivateKey), allow())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(connectors.Forwarder), s
}

func TestForward(t *testing.T) {
	address, conns := far(t)
	f, _ := forwarding(t, address)
	sent := strings.Repeat("request ", 100_000)
	back, w := io.Pipe()
	g := allow()
	got := make(chan string, 1)
	go func() { b, _ := io.ReadAll(back); got <- string(b) }()
	err := f.Forward(t.Context(), g, address, &near{Reader: strings.NewReader(sent), WriteCloser: w, closed: make(chan struct{})})
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ToUpper(sent)
	if answer := <-got; answer != want {
		t.Errorf("%d bytes came back, want %d", len(answer), len(want))
	}
	o := g.Permits()[0].Outcomes()
	tag := fmt.Sprintf("FORWARD sent %d bytes (sha256 %x), received %d bytes (sha256 %x)", len(sent), sha256.Sum256([]byte(sent)), len(want), sha256.Sum256([]byte(want)))
	if len(o) != 1 || o[0].Tag != tag || o[0].Err != nil {
		t.Errorf("recorded %+v, want %s", o, tag)
	}
	if op := g.Operations()[0]; op.Action != policy.ActionForward || op.Text != "forward to "+address {
		t.Errorf("asked %+v", op)
	}
	if conns() != 1 {
		t.Errorf("%d connections", conns())
	}
}

func TestForwardRefused(t *testing.T) {
	address, conns := far(t)
	f, _ := forwarding(t, address, "127.0.0.1:1")
	end := func() *near {
		r, w := io.Pipe()
		return &near{Reader: r, WriteCloser: w, closed: make(chan struct{})}
	}
	denied := errors.New("no")
	n := end()
	if err := f.Forward(t.Context(), &connectortest.Guard{Judge: func(connectors.Operation) error { return denied }}, address, n); !errors.Is(err, denied) {
		t.Errorf("denied: %v", err)
	}
	<-n.closed
	other := strings.Replace(address, "127.0.0.1", "localhost", 1)
	var refusal *policy.Refusal
	if err := f.Forward(t.Context(), allow(), other, end()); !errors.As(err, &refusal) {
		t.Errorf("not declared: %v", err)
	}
	if conns() != 0 {
		t.Errorf("the far side saw %d connections", conns())
	}
	var said *connectors.TargetError
	if err := f.Forward(t.Context(), allow(), "127.0.0.1:1", end()); !errors.As(err, &said) {
		t.Errorf("nobody listens: %v", err)
	}
}

// What ends a forward from outside ends both sides.
func TestForwardEnds(t *testing.T) {
	for name, how := range map[string]func(stop context.CancelFunc, s *sshdtest.Server){
		"cancel": func(stop context.CancelFunc, _ *sshdtest.Server) { stop() },
		"cut":    func(_ context.CancelFunc, s *sshdtest.Server) { s.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			address, conns := far(t)
			f, s := forwarding(t, address)
			r, w := io.Pipe()
			n := &near{Reader: r, WriteCloser: w, closed: make(chan struct{})}
			life, stop := context.WithCancel(t.Context())
			defer stop()
			ended := make(chan error, 1)
			g := allow()
			go func() { ended <- f.Forward(life, g, address, n) }()
			eventually(t, func() bool { return conns() == 1 })
			how(stop, s)
			<-n.closed
			if err := <-ended; !errors.Is(err, connectors.ErrCanceled) && !errors.Is(err, connectors.ErrVanished) {
				t.Errorf("%v", err)
			}
			if o := g.Permits()[0].Outcomes(); len(o) != 1 || o[0].Err == nil {
				t.Errorf("recorded %+v", o)
			}
		})
	}
}

func TestForwardLimit(t *testing.T) {
	address, _ := far(t)
	f, _ := forwarding(t, address)
	g := allow()
	g.Terms = func(connectors.Operation) connectors.Terms { return connectors.Terms{MaxStream: 10} }
	back, w := io.Pipe()
	got := make(chan string, 1)
	go func() { b, _ := io.ReadAll(back); got <- string(b) }()
	err := f.Forward(t.Context(), g, address, &near{Reader: strings.NewReader("more than ten"), WriteCloser: w, closed: make(chan struct{})})
	if !errors.Is(err, connectors.ErrForwardLimit) {
		t.Errorf("%v", err)
	}
	if s := <-got; len(s) > 10 {
		t.Errorf("%q came back", s)
	}
}
