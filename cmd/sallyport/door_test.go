package main

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// dial connects as a person with a client that asks for whatever a test wants.
func (b *testBastion) dial(t *testing.T, person, user string) *gossh.Client {
	t.Helper()
	pem, err := os.ReadFile(b.key(person))
	if err != nil {
		t.Fatal(err)
	}
	key, err := gossh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	c, err := gossh.Dial("tcp", "127.0.0.1:"+b.port, &gossh.ClientConfig{User: user, Auth: []gossh.AuthMethod{gossh.PublicKeys(key)},
		HostKeyCallback: gossh.InsecureIgnoreHostKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// A hostile client asks for everything that SSH has. It gets sessions, and words.
func TestDoorDeniesByDefault(t *testing.T) {
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	c := b.dial(t, "alice", "alice")
	for _, kind := range []string{"direct-tcpip", "forwarded-tcpip", "direct-streamlocal@openssh.com", "tun@openssh.com", "x11", "\x1b[31m"} {
		payload := gossh.Marshal(struct {
			Host string
			Port uint32
			From string
			Orig uint32
		}{"127.0.0.1", 22, "127.0.0.1", 1})
		_, _, err := c.OpenChannel(kind, payload)
		var open *gossh.OpenChannelError
		if !errors.As(err, &open) || open.Reason != gossh.Prohibited || !strings.Contains(open.Message, "refused") {
			t.Errorf("channel %q: %v, want a refusal in words", kind, err)
		}
		if strings.Contains(err.Error(), "\x1b") {
			t.Errorf("the refusal repeats what the client sent: %q", err)
		}
	}
	for _, kind := range []string{"tcpip-forward", "streamlocal-forward@openssh.com", "what@ever"} {
		if ok, _, err := c.SendRequest(kind, true, nil); ok || err != nil {
			t.Errorf("request %q: %v, %v", kind, ok, err)
		}
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	var words bytes.Buffer
	s.Stderr = &words
	for _, kind := range []string{"auth-agent-req@openssh.com", "x11-req", "break", "what@ever"} {
		if ok, err := s.SendRequest(kind, true, gossh.Marshal(struct{ Name string }{"sftp"})); ok || err != nil {
			t.Errorf("session request %q: %v, %v", kind, ok, err)
		}
	}
	if ok, err := s.SendRequest("subsystem", true, gossh.Marshal(struct{ Name string }{"sftp-server"})); ok || err != nil {
		t.Errorf("a subsystem that is not there: %v, %v", ok, err)
	}
	if err := s.Setenv("BASH_ENV", "/tmp/x"); err == nil {
		t.Error("BASH_ENV was taken")
	}
	if err := s.Run("whoami"); err != nil {
		t.Errorf("a session after all that: %v", err)
	}
	for _, want := range []string{"refused: tcpip-forward", "refused: auth-agent-req@openssh.com", "refused: x11-req", "BASH_ENV is not taken"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("no %q in %q", want, words.String())
		}
	}
}

// The key that was offered first is somebody else's, and was never proved: what
// counts is the key whose signature completed the handshake. The user name is a
// hint that decides nothing.
func TestOfferedKeyIsNoProof(t *testing.T) {
	b := startBastion(t, "--later", "orders-db,orders-maria")
	b.signIn("alice")
	alicePub, err := os.ReadFile(b.key("alice") + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	alice, _, _, _, err := gossh.ParseAuthorizedKey(alicePub)
	if err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(b.key("mallory"))
	if err != nil {
		t.Fatal(err)
	}
	mallory, err := gossh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	keys := gossh.PublicKeysCallback(func() ([]gossh.Signer, error) { return []gossh.Signer{offeredOnly{mallory, alice}, mallory}, nil })
	c, err := gossh.Dial("tcp", "127.0.0.1:"+b.port, &gossh.ClientConfig{User: "alice", Auth: []gossh.AuthMethod{keys},
		HostKeyCallback: gossh.InsecureIgnoreHostKey()})
	if err != nil {
		return // refused altogether: mallory is not alice either way
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.CombinedOutput("whoami")
	var exit *gossh.ExitError
	if !errors.As(err, &exit) || exit.ExitStatus() != 253 || strings.Contains(string(out), "engineering") {
		t.Errorf("mallory is taken for somebody: %v, %s", err, out)
	}
}

// offeredOnly offers alice's public key and signs with mallory's.
type offeredOnly struct {
	gossh.Signer
	pub gossh.PublicKey
}

func (o offeredOnly) PublicKey() gossh.PublicKey { return o.pub }
