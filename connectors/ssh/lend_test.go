package ssh

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// script is one side of a way: what it says, and where what it hears goes.
type script struct {
	io.Reader
	io.Writer
}

// FuzzAgent checks that of whatever a target says, an agent sees lists, signatures that
// are on record, and bindings, and nothing else.
func FuzzAgent(f *testing.F) {
	message := func(b ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	bind := append([]byte{agentExtension}, gossh.Marshal(struct{ Name string }{sessionBind})...)
	blob := newSigner(f).PublicKey().Marshal()
	sign := append([]byte{agentSign}, gossh.Marshal(struct {
		Blob, Data []byte
		Flags      uint32
	}{blob, []byte("data"), 0})...)
	f.Add(message(agentList), byte(agentKeys))
	f.Add(append(message(sign...), message(19)...), byte(agentSignature))
	f.Add(append(message(bind...), message(17, 0)...), byte(agentSuccess))
	f.Add([]byte{0, 0, 0, 0}, byte(0))
	f.Add([]byte{255, 255, 255, 255, 1}, byte(0))
	f.Fuzz(func(t *testing.T, said []byte, kind byte) {
		var out bytes.Buffer
		notes, signatures := 0, 0
		fake := &answering{kind: kind, see: func(m []byte) {
			switch {
			case m[0] == agentList && len(m) == 1:
			case m[0] == agentSign:
				if signatures++; signatures > notes {
					t.Fatal("asked to sign before it was on record")
				}
			case m[0] == agentExtension && extension(m) == sessionBind:
			default:
				t.Fatalf("the agent was asked %q", m)
			}
		}}
		w := &agentWay{target: script{bytes.NewReader(said), &out}, agent: fake, names: map[string]string{}, did: func(byte) {},
			note: func(text string) error {
				if strings.Contains(text, "asked to sign") {
					notes++
				}
				return nil
			}}
		if err := w.serve(); err == nil {
			t.Fatal("it never ends")
		}
		for r := bytes.NewReader(out.Bytes()); r.Len() > 0; {
			if _, err := readAgent(r); err != nil {
				t.Fatalf("what the target got is no message: %q", out.Bytes())
			}
		}
	})
}

// answering is an agent that answers everything with an empty message of one kind.
type answering struct {
	kind byte
	see  func([]byte)
	out  bytes.Buffer
}

func (a *answering) Write(b []byte) (int, error) {
	m, err := readAgent(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	a.see(m)
	return len(b), writeAgent(&a.out, []byte{a.kind, 0, 0, 0, 0})
}

func (a *answering) Read(b []byte) (int, error) { return a.out.Read(b) }

// A signature that cannot be recorded is not asked for.
func TestAgentNotRecorded(t *testing.T) {
	full := errors.New("the disk is full")
	fake := &answering{kind: agentKeys, see: func([]byte) { t.Error("the agent was asked") }}
	w := &agentWay{target: script{bytes.NewReader([]byte{0, 0, 0, 1, agentList}), io.Discard}, agent: fake, note: func(string) error { return full }, did: func(byte) {}}
	if err := w.serve(); !errors.Is(err, full) {
		t.Errorf("it ended with %v", err)
	}
}

func setUp(order binary.AppendByteOrder, first byte, name string, cookie []byte) []byte {
	b := []byte{first, 0}
	for _, n := range []int{11, 0, len(name), len(cookie), 0} {
		b = order.AppendUint16(b, uint16(n))
	}
	b = append(b, name...)
	b = append(b, make([]byte, padded(len(name))-len(name))...)
	b = append(b, cookie...)
	return append(b, make([]byte, padded(len(cookie))-len(cookie))...)
}

// FuzzSetUp checks that what begins with the session's cookie reaches the display with
// the display's, of the same length, and nothing else reaches it.
func FuzzSetUp(f *testing.F) {
	ours, theirs := []byte("0123456789abcdef"), []byte("fedcba9876543210")
	f.Add(setUp(binary.BigEndian, 'B', magicCookie, ours))
	f.Add(setUp(binary.LittleEndian, 'l', magicCookie, ours))
	f.Add(setUp(binary.LittleEndian, 'l', magicCookie, theirs))
	f.Add(setUp(binary.LittleEndian, 'l', "XDM-AUTHORIZATION-", ours))
	f.Add(setUp(binary.LittleEndian, 'x', magicCookie, ours))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := &lender{cookie: ours, lent: &connectors.Lent{Display: &connectors.Display{Cookie: mask.NewSecret(bytes.Clone(theirs))}}}
		got, err := l.setUp(bytes.NewReader(b))
		if err != nil {
			if got != nil {
				t.Fatal("it was refused, and passed")
			}
			return
		}
		if !bytes.Contains(b, ours) || bytes.Contains(got, ours) && bytes.Count(b, ours) == 1 || !bytes.Contains(got, theirs) {
			t.Fatalf("%q became %q", b, got)
		}
		if want := bytes.Replace(b[:len(got)], ours, theirs, 1); bytes.Count(b, ours) == 1 && !bytes.Equal(got, want) {
			t.Fatalf("%q became %q", b, got)
		}
	})
}

// openingTarget is a target that opens ways back as the test says, in its shell.
func openingTarget(t *testing.T, open func(conn *gossh.ServerConn, asked map[string][]byte)) *fake {
	f := &fake{}
	f.passwords()
	f.conn = func(conn *gossh.ServerConn, ch gossh.Channel, requests <-chan *gossh.Request) {
		asked := map[string][]byte{}
		for r := range requests {
			asked[r.Type] = r.Payload
			_ = r.Reply(true, nil)
			if r.Type == "exec" {
				break
			}
		}
		open(conn, asked)
		_, _ = ch.SendRequest("exit-status", false, []byte{0, 0, 0, 0})
	}
	f.start(t)
	return f
}

// Ways back are opened only for what was asked for and permitted, and end with the
// operation.
func TestLender(t *testing.T) {
	keyring := agent.NewKeyring()
	open := func() (io.ReadWriteCloser, error) {
		ours, theirs := net.Pipe()
		go func() { _ = agent.ServeAgent(keyring, theirs) }()
		return ours, nil
	}
	for _, c := range []struct {
		name   string
		lent   *connectors.Lent
		may    connectors.Borrows
		agent  bool
		second bool
		says   string
	}{
		{"nothing is offered", nil, connectors.Borrows{Agent: true, Display: true}, false, false, ""},
		{"nothing is permitted", &connectors.Lent{Agent: open}, connectors.Borrows{Display: true}, false, false, "rule shells/all does not say agent_forwarding: true"},
		{"an agent", &connectors.Lent{Agent: open}, connectors.Borrows{Agent: true}, true, false, ""},
		{"a display", &connectors.Lent{Display: display(false)}, connectors.Borrows{Agent: true, Display: true}, false, true, ""},
		{"a display for one", &connectors.Lent{Display: display(true)}, connectors.Borrows{Agent: true, Display: true}, false, false, ""},
	} {
		var said string
		if c.lent != nil {
			c.lent.Say = func(text string) { said += text }
		}
		shows := c.lent != nil && c.lent.Display != nil
		f := openingTarget(t, func(conn *gossh.ServerConn, asked map[string][]byte) {
			if _, ok := asked["auth-agent-req@openssh.com"]; ok != c.agent {
				t.Errorf("%s: the target was asked for %v", c.name, asked)
			}
			ch, requests, err := conn.OpenChannel(agentChannel, nil)
			if (err == nil) != c.agent {
				t.Errorf("%s: a way to the agent: %v", c.name, err)
			}
			if err == nil {
				go gossh.DiscardRequests(requests)
				client := agent.NewClient(ch)
				if keys, err := client.List(); err != nil || len(keys) != 0 {
					t.Errorf("%s: keys %v, %v", c.name, keys, err)
				}
				if err := client.RemoveAll(); err == nil {
					t.Errorf("%s: keys were removed", c.name)
				}
			}
			for i := range 2 {
				_, requests, err := conn.OpenChannel(x11Channel, gossh.Marshal(struct {
					A string
					P uint32
				}{"127.0.0.1", 1}))
				if (err == nil) != (shows && (i == 0 || c.second)) {
					t.Errorf("%s: way %d to the display: %v", c.name, i, err)
				}
				if err == nil {
					go gossh.DiscardRequests(requests)
				}
			}
			if _, _, err := conn.OpenChannel("forwarded-tcpip", nil); err == nil {
				t.Errorf("%s: another channel was taken", c.name)
			}
		})
		g := &connectortest.Guard{Terms: func(connectors.Operation) connectors.Terms {
			return connectors.Terms{Borrows: c.may, Rule: "shells/all"}
		}}
		conn := f.open(t, Options{})
		if _, err := conn.(connectors.Executor).Exec(context.Background(), g, "true", connectors.Stdio{Out: io.Discard, Err: io.Discard, Lent: c.lent}); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.Contains(said, c.says) || c.says == "" && said != "" {
			t.Errorf("%s: said %q", c.name, said)
		}
		if l := conn.(*Conn).lender.Load(); l != nil {
			t.Errorf("%s: what was lent is not given back", c.name)
		}
		_ = conn.Close()
	}
}

func display(single bool) *connectors.Display {
	return &connectors.Display{Cookie: mask.NewSecret([]byte("fedcba9876543210")), Single: single,
		Open: func(string, uint32) (io.ReadWriteCloser, error) { return nil, errors.New("not asked for") }}
}
