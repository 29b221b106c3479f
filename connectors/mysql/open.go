package mysql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	gomysql "github.com/go-mysql-org/go-mysql/mysql"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

// errKey is why a way to sign in is not gone: the secret would be locked with a key
// that anybody on the line may have sent.
var errKey = errors.New("it asks for the password over a line without TLS")

// errNoTLS is a target that has none where it is asked for.
var errNoTLS = errors.New("it does not speak TLS, so it cannot prove who it is")

// capabilities are what the line can do: one statement at a time, and no file of ours.
// With FOUND_ROWS a count of changed rows is one of found rows: whether a row was
// equal already would tell of its values.
func capabilities(secure *tls.Config) client.Option {
	return func(c *client.Conn) error {
		c.SetCapability(gomysql.CLIENT_FOUND_ROWS)
		c.UnsetCapability(gomysql.CLIENT_MULTI_STATEMENTS | gomysql.CLIENT_MULTI_RESULTS | gomysql.CLIENT_LOCAL_FILES | gomysql.CLIENT_QUERY_ATTRIBUTES)
		if secure != nil {
			c.SetTLSConfig(secure)
		}
		return nil
	}
}

// signIn connects and signs in. Of the library that does it only the line remains.
func signIn(ctx context.Context, e connectors.Endpoint, secret mask.Secret) (w *wire, id uint32, version string, err error) {
	network, address, host, err := place(e.Address)
	if err != nil {
		return nil, 0, "", fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	secure, err := tlsConfig(e, host, network)
	if err != nil {
		return nil, 0, "", fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	var line *doorway
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		d := e.Dial
		if d == nil {
			d = new(net.Dialer).DialContext
		}
		nc, err := d(ctx, network, address)
		if err != nil {
			return nil, &dialError{err}
		}
		line = &doorway{Conn: nc, bare: secure == nil && network != "unix"}
		return line, nil
	}
	// The library knows of ctx while it dials alone.
	stop := func() bool { return true }
	defer func() { stop() }()
	defer func() {
		if v := recover(); v != nil { // of a target that breaks the protocol
			err = malformed("its greeting cannot be read")
		}
		if err != nil && line != nil {
			_ = line.Close()
		}
	}()
	c, err := client.ConnectWithDialer(ctx, network, address, e.User, string(secret.Reveal()), e.Database, func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := dial(ctx, network, address)
		if err == nil {
			stop = context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
		}
		return nc, err
	}, capabilities(secure))
	if err != nil {
		if line != nil && line.refused {
			err = errKey
		}
		return nil, 0, "", err
	}
	if secure != nil {
		if _, ok := c.Conn.Conn.(*tls.Conn); !ok {
			return nil, 0, "", errNoTLS
		}
	}
	if !stop() {
		return nil, 0, "", context.Cause(ctx)
	}
	line.open, line.first = true, nil
	return newWire(c.Conn.Conn), c.GetConnectionID(), strings.TrimRight(c.GetServerVersion(), "\x00"), nil
}

type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// doorway is the line while one signs in, and afterwards the line itself. One that
// is bare lets pass, after the greeting's answer, what has the length of a hash and
// nothing else: not the request for a key, nor what was locked with one.
type doorway struct {
	net.Conn
	bare, open, refused bool
	written             int
	first               []byte
}

// packetHead is the length of a packet's head, greetingMax of what is looked at of
// a greeting.
const (
	packetHead  = 4
	greetingMax = 64 << 10
)

// Read keeps what the target sends first, which says how one is to sign in.
func (d *doorway) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.bare && !d.open && d.written == 0 && len(d.first) < greetingMax {
		d.first = append(d.first, b[:n]...)
	}
	return n, err
}

func (d *doorway) Write(b []byte) (int, error) {
	if d.bare && !d.open {
		d.written++
		switch n := len(b) - packetHead; {
		case d.written == 1 && strings.Contains(string(d.first), "sha256_password\x00") && !strings.Contains(string(d.first), "caching_sha2_password\x00"):
			d.refused = true
		case d.written > 1 && n != 0 && n != 20 && n != 32 && n != 64:
			d.refused = true
		}
		if d.refused {
			return 0, errKey
		}
	}
	return d.Conn.Write(b)
}

// place reads host:port, a host, or the path of a Unix socket.
func place(s string) (network, address, host string, err error) {
	switch {
	case strings.HasPrefix(s, "/"):
		return "unix", s, "", nil
	case s == "":
		return "", "", "", errors.New("mysql address is empty: give host:port or the path of a socket")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return "tcp", net.JoinHostPort(s, "3306"), s, nil
	}
	return "tcp", net.JoinHostPort(host, port), host, nil
}

// tlsConfig is TLS's over TCP: a Unix socket has none.
func tlsConfig(e connectors.Endpoint, host, network string) (*tls.Config, error) {
	if network == "unix" {
		return nil, nil
	}
	return connectors.TLSConfig(e, host)
}

// openError says why no session could be had, in one of the hub's sentinels.
func openError(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("open %q: %w", name, connectors.OpenEnded(ctx, err))
	}
	wrap := func(sentinel error, why string) error { return fmt.Errorf("open %q: %w: %s", name, sentinel, why) }
	var me *gomysql.MyError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dial *dialError
	switch {
	case errors.As(err, &dial):
		return wrap(connectors.ErrUnreachable, root(dial.error))
	case errors.As(err, &me):
		text := fmt.Sprintf("%s (%d)", strings.ToValidUTF8(me.Message, "?"), me.Code)
		switch me.Code {
		case 1045, 1698, 1251, 1275, 1524, 1820, 1862, 3118, 4151:
			return wrap(connectors.ErrCredential, text)
		}
		return wrap(connectors.ErrUnreachable, text)
	case errors.Is(err, errKey):
		return wrap(connectors.ErrCredential, errKey.Error())
	case errors.Is(err, errNoTLS), strings.Contains(err.Error(), "does not support TLS"):
		return wrap(connectors.ErrHostKey, errNoTLS.Error())
	case errors.As(err, &cert):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case errors.As(err, &record):
		return wrap(connectors.ErrProtocol, "it does not speak TLS where it should")
	case strings.Contains(err.Error(), "auth plugin"):
		return wrap(connectors.ErrCredential, "it asks for a way to sign in that is not used")
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnreachable):
		return fmt.Errorf("open %q: %w", name, err)
	case strings.Contains(err.Error(), "invalid protocol version"), strings.Contains(err.Error(), "invalid sequence"), strings.Contains(err.Error(), "malform"):
		return wrap(connectors.ErrProtocol, "it does not speak MySQL")
	}
	return wrap(connectors.ErrUnreachable, root(err))
}

// root is connectors.RootCause, for what the client says in its own words, too.
func root(err error) string {
	if strings.Contains(err.Error(), "connection was bad") {
		return "it closed the connection"
	}
	return connectors.RootCause(err)
}
