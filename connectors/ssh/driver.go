package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Options of a Driver. The zero value is right.
type Options struct {
	// Handshake bounds Open from the dial to the end of sign-in; 0 is 20 seconds.
	Handshake time.Duration
	// KeepAlive is how often a target is asked whether it is alive, and how long
	// it may take to answer; 0 is 15 seconds.
	KeepAlive time.Duration
	// Grace is how long a target, or a requester's stream, may hold up the end of
	// an operation that was cancelled; 0 is 3 seconds.
	Grace time.Duration
}

// Driver opens connections to SSH hosts. It is safe for concurrent use.
type Driver struct{ options Options }

var _ connectors.Driver = (*Driver)(nil)

// New returns a driver.
func New(o Options) *Driver {
	if o.Handshake <= 0 {
		o.Handshake = 20 * time.Second
	}
	if o.KeepAlive <= 0 {
		o.KeepAlive = 15 * time.Second
	}
	if o.Grace <= 0 {
		o.Grace = 3 * time.Second
	}
	return &Driver{o}
}

// Kind is "ssh".
func (*Driver) Kind() string { return "ssh" }

// Open connects to e.Address and signs in as e.User with the secret: a private
// key (PEM or OpenSSH form, not encrypted), else a password, which also answers
// one keyboard-interactive prompt. It sends no statement of its own, so that the
// guard notes nothing. Errors wrap connectors.ErrUnreachable, ErrHostKey,
// ErrCredential, ErrProtocol, ErrVanished or ErrCanceled.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	c, err := d.open(ctx, e, secret, g)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", e.Name, err)
	}
	return c, nil
}

func (d *Driver) open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (*Conn, error) {
	trust, err := newTrust(e)
	if err != nil {
		return nil, err
	}
	sign, err := newSignIn(e, secret)
	if err != nil {
		return nil, err
	}
	// Open may not outlast ctx, and a target that says nothing may not hold it.
	limited, cancel := context.WithTimeoutCause(ctx, d.options.Handshake, errSlow)
	defer cancel()
	if e.Certify != nil && e.Certify.Vault != nil {
		if sign.signer, err = vaultCertified(limited, e, secret, g); err != nil {
			return nil, err
		}
	}
	nc, err := d.dial(limited, e, g)
	if err != nil {
		return nil, ended(limited, err)
	}
	stop := context.AfterFunc(limited, func() { _ = nc.Close() })
	conn, channels, requests, err := gossh.NewClientConn(nc, e.Address, &gossh.ClientConfig{
		Config: algorithms(e.Legacy), User: e.User, ClientVersion: clientVersion,
		HostKeyAlgorithms: trust.algorithms(),
		HostKeyCallback: func(_ string, _ net.Addr, key gossh.PublicKey) error {
			err := trust.check(key)
			sign.proved = sign.proved || err == nil
			return err
		},
		AuthCallback:   sign.next,
		BannerCallback: func(string) error { return nil }, // a stranger's text, nobody asked for it
	})
	if !stop() && err == nil {
		_ = conn.Close()
		err = context.Cause(limited)
	}
	if err != nil {
		_ = nc.Close()
		return nil, ended(limited, handshakeError(err, sign, trust))
	}
	c := newConn(conn, channels, requests, e.User, d.options)
	c.forwards = e.Forwards
	return c, nil
}

// clientVersion is RFC 4253 section 4.2's; the target's log shows who came.
const clientVersion = "SSH-2.0-Sallyport"

var errSlow = errors.New("it did not answer in time")

// dial reaches the target, through another host where the endpoint says so.
func (d *Driver) dial(ctx context.Context, e connectors.Endpoint, g connectors.Guard) (net.Conn, error) {
	if e.Via != nil {
		return d.through(ctx, *e.Via, e.Address, g)
	}
	dial := e.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, "tcp", e.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	return nc, nil
}

// algorithms are those of the library that have no known weakness, less SHA-1;
// all of them where the target is a device that has no other.
func algorithms(legacy bool) gossh.Config {
	a := gossh.SupportedAlgorithms()
	c := gossh.Config{
		KeyExchanges: withoutSHA1(a.KeyExchanges),
		Ciphers:      a.Ciphers,
		MACs:         withoutSHA1(a.MACs),
	}
	if legacy {
		old := gossh.InsecureAlgorithms()
		c.KeyExchanges = slices.Concat(c.KeyExchanges, a.KeyExchanges, old.KeyExchanges)
		c.Ciphers = slices.Concat(c.Ciphers, old.Ciphers)
		c.MACs = slices.Concat(c.MACs, a.MACs, old.MACs)
	}
	return c
}

func withoutSHA1(names []string) []string {
	var out []string
	for _, n := range names {
		if !strings.HasSuffix(n, "-sha1") && !strings.Contains(n, "-sha1-") {
			out = append(out, n)
		}
	}
	return out
}

// ended is err unless ctx ended first: then why it did.
func ended(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil:
		return err
	case errors.Is(cause, errSlow), errors.Is(cause, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", connectors.ErrUnreachable, errSlow)
	default:
		return canceled(cause)
	}
}

// canceled is connectors.ErrCanceled with the cause, where it says more.
func canceled(cause error) error {
	if cause == nil || errors.Is(cause, context.Canceled) || errors.Is(cause, connectors.ErrCanceled) {
		return connectors.ErrCanceled
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}

// handshakeError tells what a failed handshake means. Once the credential may
// have been sent, nothing that the target said goes into the text: it might hold
// the credential.
func handshakeError(err error, sign *signIn, trust *trust) error {
	var differ *gossh.AlgorithmNegotiationError
	var network net.Error
	switch {
	case errors.Is(err, connectors.ErrHostKey):
		return errors.Unwrap(err) // the library's words around ours add nothing
	case errors.As(err, &differ) && differ.What == "host key":
		return fmt.Errorf("%w: pinned is %s, but it has only keys of other types (%q): nothing was sent",
			connectors.ErrHostKey, trust, differ.RequestedAlgorithms)
	case errors.As(err, &differ):
		return fmt.Errorf("%w: it offers no %s that is accepted (%q)", connectors.ErrProtocol, differ.What, differ.RequestedAlgorithms)
	case sign.refused != nil:
		return sign.refused
	case lost(err) || errors.As(err, &network):
		return fmt.Errorf("%w during the handshake", connectors.ErrVanished)
	case sign.sent:
		return fmt.Errorf("%w: it ended the sign-in", connectors.ErrCredential)
	}
	return fmt.Errorf("%w: %.200q", connectors.ErrProtocol, strings.TrimPrefix(err.Error(), "ssh: handshake failed: "))
}
