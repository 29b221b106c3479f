package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// Driver opens connections to Redis and Valkey. The zero value works. It is safe for
// concurrent use.
type Driver struct {
	old bool // speaks RESP2, for tests of it
}

var _ connectors.Driver = (*Driver)(nil)

// New makes a driver.
func New() *Driver { return &Driver{} }

// Kind returns "redis".
func (*Driver) Kind() string { return "redis" }

// defaultUser is whom a session is that does not say who it is.
const defaultUser = "default"

// Open signs in twice, the second time for what ends the first one's work. The secret is
// not kept: a line that was lost is made anew with that of Endpoint.Again. Its errors wrap
// ErrUnreachable, ErrCredential, ErrHostKey or ErrProtocol, or are those of g.Note.
func (d *Driver) Open(ctx context.Context, e connectors.Endpoint, secret mask.Secret, g connectors.Guard) (connectors.Conn, error) {
	if e.User == "" {
		e.User = defaultUser
	}
	c := &Conn{endpoint: e, guard: g, io: make(chan struct{}, 1), side: make(chan struct{}, 1), database: e.Database, driver: d, keyless: secret.Empty()}
	if c.database == "" {
		c.database = "0"
	}
	var err error
	if c.main, err = d.signIn(ctx, e, secret); err != nil {
		return nil, openError(e.Name, err)
	}
	if c.second, err = d.signIn(ctx, e, secret); err != nil {
		_ = c.Close()
		return nil, openError(e.Name, err)
	}
	if err := c.takeOver(ctx, g); err != nil {
		_ = c.Close()
		return nil, openError(e.Name, err)
	}
	return c, nil
}

// signIn connects and signs in, over RESP3 where the server has it.
func (d *Driver) signIn(ctx context.Context, e connectors.Endpoint, secret mask.Secret) (*wire, error) {
	nc, err := connect(ctx, e)
	if err != nil {
		return nil, err
	}
	w := newWire(nc)
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	err = d.authenticate(w, e.User, secret)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return w, nil
}

func connect(ctx context.Context, e connectors.Endpoint) (net.Conn, error) {
	network, address, host, err := place(e.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	var secure *tls.Config
	if network != "unix" { // a Unix socket has no TLS
		if secure, err = connectors.TLSConfig(e, host); err != nil {
			return nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
		}
	}
	dial := e.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	nc, err := dial(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", connectors.ErrUnreachable, connectors.RootCause(err))
	}
	if secure == nil {
		return nc, nil
	}
	line := tls.Client(nc, secure)
	if err := line.HandshakeContext(ctx); err != nil {
		_ = nc.Close()
		return nil, err
	}
	return line, nil
}

// place reads host:port, a host, or the path of a Unix socket.
func place(s string) (network, address, host string, err error) {
	switch {
	case strings.HasPrefix(s, "/"):
		return "unix", s, "", nil
	case s == "":
		return "", "", "", errors.New("redis address is empty: give host:port or the path of a socket")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "tcp", net.JoinHostPort(s, "6379"), s, nil
	}
	return "tcp", net.JoinHostPort(host, port), host, nil
}

// authenticate signs in with HELLO 3, and where the server has no RESP3 with AUTH. With
// no secret there is nothing to present.
func (d *Driver) authenticate(w *wire, user string, secret mask.Secret) error {
	password := string(secret.Reveal())
	hello := []string{"HELLO", "3"}
	if d.old {
		hello[1] = "9"
	}
	if password != "" {
		hello = append(hello, "AUTH", user, password)
	}
	it, err := w.ask(hello)
	if err != nil {
		return err
	}
	if it.kind == isMap || it.kind == isArray {
		return w.skip(it.n, 1)
	}
	said, ok := refusal(it)
	if !ok {
		return malformed("it does not answer a greeting as Redis does")
	}
	if said.Code != "NOPROTO" && !strings.HasPrefix(strings.ToLower(said.Text), "unknown command") {
		discreet(said, password)
		return said
	}
	if password == "" {
		return nil
	}
	auth := []string{"AUTH", user, password}
	if user == defaultUser {
		auth = []string{"AUTH", password} // servers before 6 know no users
	}
	if it, err = w.ask(auth); err != nil {
		return err
	}
	if said, ok := refusal(it); ok {
		discreet(said, password)
		return said
	}
	return expectOK(it)
}

// discreet keeps a secret out of the target's words: of a command that they do not know
// servers and proxies say again with what arguments it came.
func discreet(said *connectors.TargetError, secret string) {
	lower := strings.ToLower(said.Text)
	begins := secret // it may be said in part, or quoted
	if len(begins) > 8 {
		begins = begins[:8]
	}
	if secret != "" && (strings.Contains(lower, strings.ToLower(begins)) || strings.Contains(lower, "args")) {
		said.Text = "it refused the sign-in, in words that may hold the secret"
	}
}

// ask sends a command and reads the first item of its answer.
func (w *wire) ask(args []string) (item, error) {
	if err := w.send(args); err != nil {
		return item{}, err
	}
	return w.begin()
}

func expectOK(it item) error {
	if said, ok := refusal(it); ok {
		return said
	}
	if it.kind != isStatus || string(it.text) != "OK" {
		return malformed("it answers with something else than OK")
	}
	return nil
}

// openError says why no session could be had, in one of the hub's sentinels.
func openError(name string, err error) error {
	wrap := func(sentinel error, why string) error { return fmt.Errorf("open %q: %w: %s", name, sentinel, why) }
	var te *connectors.TargetError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &te):
		text := strings.ToValidUTF8(te.Error(), "?")
		switch {
		case te.Code == "WRONGPASS", te.Code == "NOAUTH", te.Code == "NOPERM", strings.Contains(te.Text, "AUTH"), strings.Contains(te.Text, "password"):
			return wrap(connectors.ErrCredential, text)
		}
		return wrap(connectors.ErrUnreachable, text)
	case errors.As(err, &cert):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case errors.As(err, &record):
		return wrap(connectors.ErrProtocol, "it does not speak TLS where it should")
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnreachable):
		return fmt.Errorf("open %q: %w", name, err)
	case lost(err):
		return wrap(connectors.ErrUnreachable, connectors.RootCause(err))
	}
	return fmt.Errorf("open %q: %w", name, err)
}

// databaseNumber checks the name of a database.
func databaseNumber(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= 0 && strconv.Itoa(n) == s
}
