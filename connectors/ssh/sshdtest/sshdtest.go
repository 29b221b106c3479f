// Package sshdtest answers: where do tests get a real SSH host?
//
// It runs OpenSSH's sshd, one process per connection (sshd -i), behind a listener
// of its own on a free port of loopback. The login is the account that runs the
// tests, by a key made for the run; nothing outside a temporary directory is
// written, except the directory /run/sshd, which sshd wants of root.
package sshdtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	gossh "golang.org/x/crypto/ssh"
)

// Server is a running SSH host. Its methods are safe for concurrent use.
type Server struct {
	// Address is host:port, User the login, HostKey the line for
	// Endpoint.HostKeys, PrivateKey what signs in (OpenSSH form).
	Address, User, HostKey string
	PrivateKey             string
	// Dir is a directory that lives as long as the test.
	Dir string

	program string
	log     lockedBuffer
	conns   sync.WaitGroup

	mu    sync.Mutex
	live  map[*exec.Cmd]struct{}
	ended bool
}

// Start starts a server that ends with the test. Where sshd is not installed the
// test is skipped, or, in CI, fails.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, nil)
}

// StartWith is Start with more lines of sshd_config(5), which more makes: it may put
// files into the server's directory, beside host_key, and is asked once that is
// there.
func StartWith(t testing.TB, more func(dir string) string) *Server {
	t.Helper()
	program := find()
	if program == "" {
		const text = "sshd is not installed (package openssh-server): it is the real SSH host of this test"
		if os.Getenv("CI") != "" {
			t.Fatal(text)
		}
		t.Skip(text)
	}
	s := &Server{program: program, Dir: t.TempDir(), live: make(map[*exec.Cmd]struct{})}
	if err := s.configure(more); err != nil {
		t.Fatalf("configure sshd: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.Address = l.Addr().String()
	s.conns.Go(func() { s.serve(l) })
	t.Cleanup(func() {
		_ = l.Close()
		s.Cut()
		s.conns.Wait()
		if t.Failed() {
			t.Logf("sshd says:\n%s", s.log.String())
		}
	})
	return s
}

// Sessions is how many connections the server has.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.live)
}

// Log is what sshd has said so far.
func (s *Server) Log() string { return s.log.String() }

// Cut ends all connections, and the server takes no new ones.
func (s *Server) Cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for cmd := range s.live {
		_ = cmd.Process.Kill()
	}
}

func find() string {
	for _, p := range []string{"sshd", "/usr/sbin/sshd", "/usr/local/sbin/sshd"} {
		if found, err := exec.LookPath(p); err == nil {
			if abs, err := filepath.Abs(found); err == nil {
				return abs // sshd insists on being called by its whole path
			}
		}
	}
	return ""
}

func (s *Server) configure(more func(dir string) string) error {
	u, err := user.Current()
	if err != nil {
		return err
	}
	s.User = u.Username
	if u.Uid == "0" {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	hostKey, hostLine, err1 := newKey()
	loginKey, loginLine, err2 := newKey()
	s.HostKey, s.PrivateKey = hostLine, loginKey
	config := fmt.Sprintf(`
HostKey %[1]s/host_key
AuthorizedKeysFile %[1]s/authorized_keys
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PrintMotd no
PrintLastLog no
PidFile none
Subsystem sftp internal-sftp
LogLevel VERBOSE
`, s.Dir)
	if err := errors.Join(err1, err2, os.WriteFile(filepath.Join(s.Dir, "host_key"), []byte(hostKey), 0o600)); err != nil {
		return err
	}
	if more != nil {
		config += more(s.Dir)
	}
	return errors.Join(
		os.WriteFile(filepath.Join(s.Dir, "authorized_keys"), []byte(loginLine+"\n"), 0o600),
		os.WriteFile(filepath.Join(s.Dir, "config"), []byte(config), 0o600))
}

// newKey makes a key: private in OpenSSH form, public as a line.
func newKey() (private, line string, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", "", err
	}
	block, err := gossh.MarshalPrivateKey(priv, "")
	if err != nil {
		return "", "", err
	}
	key, err := gossh.NewPublicKey(pub)
	if err != nil {
		return "", "", err
	}
	return string(pem.EncodeToMemory(block)), strings.TrimSpace(string(gossh.MarshalAuthorizedKey(key))), nil
}

func (s *Server) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		s.conns.Go(func() { s.connection(c.(*net.TCPConn)) })
	}
}

// connection hands one connection to a process of sshd.
func (s *Server) connection(c *net.TCPConn) {
	f, err := c.File()
	_ = c.Close() // the process has its own copy
	if err != nil {
		fmt.Fprintf(&s.log, "sshdtest: %v\n", err)
		return
	}
	cmd := exec.Command(s.program, "-i", "-e", "-f", filepath.Join(s.Dir, "config"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = f, f, &s.log
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		_ = f.Close()
		return
	}
	err = cmd.Start()
	if err == nil {
		s.live[cmd] = struct{}{}
	}
	s.mu.Unlock()
	_ = f.Close()
	if err != nil {
		fmt.Fprintf(&s.log, "sshdtest: %v\n", err)
		return
	}
	_ = cmd.Wait() // how it ended is in the log
	s.mu.Lock()
	delete(s.live, cmd)
	s.mu.Unlock()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
