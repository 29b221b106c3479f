package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/subtle"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/mask"
)

// Names of the host's files in its directory.
const (
	hostKeyFile  = "host_ed25519"
	passwordFile = "password"
	homeDir      = "home"
)

// hostUser is the login at the demo host. It is an account of the demo's, not of
// this machine.
const hostUser = "demo"

// Host is an SSH server in this process, reached through its Listener only: it
// has no port. Its methods are safe for concurrent use.
type Host struct {
	listener *Listener
	config   *gossh.ServerConfig
	keyLine  string
	dir      string
	password mask.Secret
	account  account
	home     string
	scratch  string // a directory to remove at the end, or ""

	running sync.WaitGroup
	live    atomic.Int64 // connections
	ctx     context.Context
	stop    context.CancelFunc
}

// StartHost starts a host whose files live in dir, which is made if it is
// missing: the host key (kept, mode 0600), the password (new at each start, mode
// 0600) and the home of its shells (kept). Where dir cannot be reached by the
// account of the shells (root's own directories, by nobody), the home is a
// temporary directory instead. The caller closes the Host.
func StartHost(dir string) (*Host, error) {
	h := &Host{dir: dir, listener: NewListener()}
	h.ctx, h.stop = context.WithCancel(context.Background())
	signer, err := h.prepare()
	if err != nil {
		return nil, fmt.Errorf("start demo host: %w", errors.Join(err, h.removeScratch()))
	}
	h.keyLine = strings.TrimSpace(string(gossh.MarshalAuthorizedKey(signer.PublicKey())))
	h.config = &gossh.ServerConfig{MaxAuthTries: 3, ServerVersion: "SSH-2.0-SallyportDemo", PasswordCallback: h.checkPassword}
	h.config.AddHostKey(signer)
	h.running.Go(h.serve)
	return h, nil
}

// User is the login.
func (h *Host) User() string { return hostUser }

// Password is the login's, made for this start.
func (h *Host) Password() mask.Secret { return h.password }

// PasswordFile is where the configuration finds it.
func (h *Host) PasswordFile() string { return filepath.Join(h.dir, passwordFile) }

// KeyLine is the host key in authorized_keys form, to pin it by.
func (h *Host) KeyLine() string { return h.keyLine }

// Home is the directory in which shells start.
func (h *Host) Home() string { return h.home }

// Dial connects to the host, whatever the network and address.
func (h *Host) Dial(ctx context.Context, _, _ string) (net.Conn, error) { return h.listener.Dial(ctx) }

// Close ends all shells and commands, and the host.
func (h *Host) Close() error {
	_ = h.listener.Close() // never fails
	h.stop()
	h.running.Wait()
	return h.removeScratch()
}

func (h *Host) removeScratch() error {
	if h.scratch == "" {
		return nil
	}
	return os.RemoveAll(h.scratch)
}

// prepare makes all that is in the directory.
func (h *Host) prepare() (signer gossh.Signer, err error) {
	if h.account, err = findAccount(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(h.dir, h.account.dirMode()); err != nil {
		return nil, err
	}
	if signer, err = h.hostKey(); err != nil {
		return nil, err
	}
	if err := h.newPassword(); err != nil {
		return nil, err
	}
	return signer, h.settle()
}

// hostKey reads the key, or makes it.
func (h *Host) hostKey() (gossh.Signer, error) {
	file := filepath.Join(h.dir, hostKeyFile)
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		_, private, kerr := ed25519.GenerateKey(rand.Reader)
		if kerr != nil {
			return nil, kerr
		}
		block, kerr := gossh.MarshalPrivateKey(private, "demo-host")
		if kerr != nil {
			return nil, kerr
		}
		b = pem.EncodeToMemory(block)
		err = os.WriteFile(file, b, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	}
	if info, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	} else if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("host key %q can be read by others: chmod 600 it, or delete it", file)
	}
	signer, err := gossh.ParsePrivateKey(b)
	if err != nil {
		return nil, fmt.Errorf("host key %q cannot be read: delete it, and a new one is made", file)
	}
	return signer, nil
}

func (h *Host) newPassword() error {
	text := rand.Text()
	h.password = mask.NewSecret([]byte(text))
	// A new file each time, so that its mode is the one given here.
	err := os.Remove(h.PasswordFile())
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = os.WriteFile(h.PasswordFile(), []byte(text), 0o600)
	}
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	return nil
}

func (h *Host) checkPassword(c gossh.ConnMetadata, password []byte) (*gossh.Permissions, error) {
	if subtle.ConstantTimeCompare(password, h.password.Reveal()) == 1 && c.User() == hostUser {
		return nil, nil
	}
	return nil, errors.New("wrong password")
}

func (h *Host) serve() {
	for {
		c, err := h.listener.Accept()
		if err != nil {
			return
		}
		h.running.Go(func() { h.connection(c) })
	}
}

// handshakeTime is how long a sign-in at the host may take.
const handshakeTime = 20 * time.Second

// connection serves one connection until it or the host ends.
func (h *Host) connection(c net.Conn) {
	h.live.Add(1)
	defer h.live.Add(-1)
	defer c.Close()
	defer context.AfterFunc(h.ctx, func() { _ = c.Close() })()
	_ = c.SetDeadline(time.Now().Add(handshakeTime)) // ours never fails
	conn, channels, requests, err := gossh.NewServerConn(c, h.config)
	if err != nil {
		return
	}
	_ = c.SetDeadline(time.Time{})
	var sessions sync.WaitGroup
	defer sessions.Wait()
	go gossh.DiscardRequests(requests)
	for nc := range channels {
		if nc.ChannelType() != "session" {
			_ = nc.Reject(gossh.UnknownChannelType, "the demo host has sessions only")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			break
		}
		sessions.Go(func() { h.session(ch, reqs) })
	}
	_ = conn.Close()
}
