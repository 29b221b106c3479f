package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/connectors/connectortest"
	"github.com/sallyport/sallyport/mask"
)

// fake is an SSH server whose ways are the test's.
type fake struct {
	config gossh.ServerConfig
	// session serves a channel; nil refuses it.
	session func(ch gossh.Channel, requests <-chan *gossh.Request)
	// conn is session with the connection; it goes before it.
	conn func(conn *gossh.ServerConn, ch gossh.Channel, requests <-chan *gossh.Request)
	// once ends the connection, without a word, after one session.
	once bool

	address string
	keys    []gossh.PublicKey

	mu       sync.Mutex
	attempts []string // authentication methods tried
	secrets  []string // what came with them
}

const goodPassword = "c0rrect-h0rse"

// start serves with the host keys until the test ends.
func (f *fake) start(t *testing.T, keys ...gossh.Signer) {
	t.Helper()
	if len(keys) == 0 {
		keys = []gossh.Signer{newSigner(t)}
	}
	f.config.AuthLogCallback = func(_ gossh.ConnMetadata, method string, _ error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.attempts = append(f.attempts, method)
	}
	for _, k := range keys {
		f.config.AddHostKey(k)
		f.keys = append(f.keys, k.PublicKey())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = l.Addr().String()
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
}

func (f *fake) serve(c net.Conn) {
	defer c.Close()
	conn, channels, requests, err := gossh.NewServerConn(c, &f.config)
	if err != nil {
		return
	}
	defer conn.Close()
	go gossh.DiscardRequests(requests)
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for nc := range channels {
		if f.session == nil && f.conn == nil {
			_ = nc.Reject(gossh.Prohibited, "not here")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		sessions.Go(func() {
			if f.conn != nil {
				f.conn(conn, ch, reqs)
			} else {
				f.session(ch, reqs)
			}
			if f.once {
				_ = c.Close()
			}
			_ = ch.Close()
		})
	}
}

// passwords makes the server take one password.
func (f *fake) passwords() {
	f.config.PasswordCallback = func(_ gossh.ConnMetadata, p []byte) (*gossh.Permissions, error) {
		return nil, f.judge(string(p))
	}
}

func (f *fake) judge(secret string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.secrets = append(f.secrets, secret)
	if secret != goodPassword {
		return fmt.Errorf("wrong: %s", secret)
	}
	return nil
}

func (f *fake) endpoint() connectors.Endpoint {
	return connectors.Endpoint{Name: "web-1", Address: f.address, User: "deploy", HostKeys: []string{line(f.keys[0])}}
}

// open signs in with the good password.
func (f *fake) open(t *testing.T, o Options) connectors.Conn {
	t.Helper()
	c, err := f.try(t, o, f.endpoint(), goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fake) try(t *testing.T, o Options, e connectors.Endpoint, secret string) (connectors.Conn, error) {
	t.Helper()
	c, err := New(o).Open(t.Context(), e, mask.NewSecret([]byte(secret)), &connectortest.Guard{})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
		return c, nil
	}
	if strings.Contains(err.Error(), secret) && secret != "" {
		t.Errorf("the error holds the secret: %v", err)
	}
	return nil, err
}

func line(k gossh.PublicKey) string { return strings.TrimSpace(string(gossh.MarshalAuthorizedKey(k))) }

func newSigner(t testing.TB) gossh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newRSASigner(t testing.TB) gossh.Signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	s, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// granting replies yes to requests until one starts a program.
func granting(requests <-chan *gossh.Request) {
	for r := range requests {
		_ = r.Reply(true, nil)
		if r.Type == "exec" || r.Type == "shell" {
			return
		}
	}
}
