package mssql

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unsafe"

	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/msdsn"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

const defaultPort = 1433

var (
	// errRouted is a target that names another one to go to.
	errRouted = errors.New("it sends the session on to another address, which is not gone to; declare that one")
	errNoTLS  = errors.New("it does not speak TLS, so it cannot prove who it is")
)

// errDomain is a login that the library would take for one of Windows.
var errDomain = errors.New("logins of a Windows domain are not used: give one of the server's own")

// dialer connects once, to the address that was declared: not where a target sends
// one, and not to its browser service, which would say another port.
type dialer struct {
	host string
	dial func(ctx context.Context) (net.Conn, error)
	line *line
	err  error // of dial, or errRouted
}

var _ mssql.HostDialer = (*dialer)(nil)

// HostName keeps the library from resolving names.
func (d *dialer) HostName() string { return d.host }

func (d *dialer) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	if d.line != nil {
		d.err = errRouted
		return nil, errRouted
	}
	c, err := d.dial(ctx)
	if err != nil {
		d.err = &dialError{err}
		return nil, d.err
	}
	d.line = newLine(c)
	d.line.ask(signInMax)
	return d.line, nil
}

type dialError struct{ error }

func (e *dialError) Unwrap() error { return e.error }

// signIn connects and signs in.
func signIn(ctx context.Context, e connectors.Endpoint, secret mask.Secret) (*mssql.Conn, *line, error) {
	host, port, err := place(e.Address)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	config, err := configuration(e, host, port)
	if err != nil {
		return nil, nil, err
	}
	// The library keeps what it was told for as long as the session is. So it is told of
	// a text whose bytes are ours, and wiped once it has signed in.
	password := slices.Clone(secret.Reveal())
	defer clear(password)
	config.Password = unsafe.String(unsafe.SliceData(password), len(password))
	connector := mssql.NewConnectorConfig(config)
	stop := func() bool { return true }
	d := &dialer{host: host}
	d.dial = func(ctx context.Context) (net.Conn, error) {
		dial := e.Dial
		if dial == nil {
			dial = new(net.Dialer).DialContext
		}
		c, err := dial(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(int(port))))
		if err == nil {
			stop = context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
		}
		return c, err
	}
	connector.Dialer = d
	var session *mssql.Conn
	err = guarded(func() error {
		c, err := connector.Connect(ctx)
		if err == nil {
			session = c.(*mssql.Conn)
		}
		return err
	})
	switch {
	case d.line != nil && d.line.ended() != nil:
		err = fmt.Errorf("%w: %w", connectors.ErrProtocol, d.line.ended())
	case d.err != nil:
		err = d.err
	case err != nil && ctx.Err() != nil:
		err = connectors.OpenEnded(ctx, err)
	case err != nil && d.line != nil && lost(err) && !d.line.cut():
		err = fmt.Errorf("%w: what it says cannot be read", connectors.ErrProtocol)
	case err != nil && d.line != nil && d.line.cut() && strings.HasPrefix(err.Error(), "TLS Handshake failed") && strings.HasSuffix(err.Error(), "EOF"):
		err = fmt.Errorf("%w: it closed the connection in the TLS handshake", connectors.ErrUnreachable)
	case err == nil && !stop():
		err = connectors.OpenEnded(ctx, context.Cause(ctx))
	}
	if err != nil {
		stop()
		if d.line != nil {
			_ = d.line.Close()
		}
		return nil, nil, err
	}
	return session, d.line, nil
}

// configuration is what the library is told. Nothing of it passes through the text of
// a connection string.
func configuration(e connectors.Endpoint, host string, port uint64) (msdsn.Config, error) {
	c := msdsn.Config{
		Host: host, Port: port, Database: e.Database, User: e.User,
		Protocols: []string{"tcp"}, DisableRetry: true, DialTimeout: -1, LogFlags: heeded, NoTraceID: true,
		AppName: "sallyport", Workstation: "sallyport", ReadOnlyIntent: e.ReadIntent, Parameters: map[string]string{},
		HostInCertificateProvided: true, Encryption: msdsn.EncryptionRequired,
	}
	if e.For != "" {
		c.AppName = clip("sallyport "+e.For, 128)
	}
	if e.User == "" || strings.Contains(e.User, `\`) {
		return c, fmt.Errorf("%w: %w", connectors.ErrCredential, errDomain)
	}
	if e.TLS == "strict" {
		c.Encryption = msdsn.EncryptionStrict
		e.TLS = "verify-full"
	}
	var err error
	if c.TLSConfig, err = connectors.TLSConfig(e, host); err != nil {
		return c, fmt.Errorf("%w: %w", connectors.ErrUnreachable, err)
	}
	if c.TLSConfig == nil {
		// Without TLS, said aloud, a server may yet hide the login in it, as it does for
		// every client that can: from those who listen, not from those who interfere.
		c.Encryption = msdsn.EncryptionOff
		c.TLSConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // see above
	}
	c.TLSConfig.DynamicRecordSizingDisabled = true // the server wants a packet in one record
	return c, nil
}

func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// place reads host:port or a host. An instance's name would be asked of the target's
// browser service, by UDP, which anybody may answer.
func place(s string) (host string, port uint64, err error) {
	switch {
	case s == "":
		return "", 0, errors.New("mssql address is empty: give host:port")
	case strings.ContainsAny(s, `\/`):
		return "", 0, errors.New(`mssql address is host:port; a named instance has a port of its own, give that`)
	}
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return s, defaultPort, nil //nolint:nilerr // a host alone
	}
	if port, err = strconv.ParseUint(p, 10, 16); err != nil || port == 0 {
		return "", 0, fmt.Errorf("mssql address has no port %q", p)
	}
	return host, port, nil
}

// guarded runs what calls the library: a target that breaks the protocol may make it
// panic on the caller's goroutine.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: what it says cannot be read", connectors.ErrProtocol)
		}
	}()
	return f()
}

// Numbers of errors of a sign-in.
var credentialErrors = map[int32]bool{18401: false, 18450: true, 18451: true, 18452: true, 18456: true, 18457: true, 18458: true, 18459: true, 18460: true, 18461: true, 18470: true, 18486: true, 18487: true, 18488: true, 40531: true}

// openError says why no session could be had, in one of the hub's sentinels.
func openError(name string, err error) error {
	wrap := func(sentinel error, why string) error { return fmt.Errorf("open %q: %w: %s", name, sentinel, why) }
	var said mssql.Error
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dial *dialError
	switch {
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnreachable), errors.Is(err, connectors.ErrCredential), errors.Is(err, connectors.ErrCanceled):
		return fmt.Errorf("open %q: %w", name, err)
	case errors.Is(err, errRouted):
		return wrap(connectors.ErrUnreachable, errRouted.Error())
	case errors.As(err, &dial):
		return wrap(connectors.ErrUnreachable, connectors.RootCause(dial.error))
	case errors.As(err, &said):
		text := fmt.Sprintf("%s (%d)", strings.ToValidUTF8(strings.TrimPrefix(said.Message, "login error: "), "?"), said.Number)
		if credentialErrors[said.Number] {
			return wrap(connectors.ErrCredential, text)
		}
		return wrap(connectors.ErrUnreachable, text)
	case errors.As(err, &cert), strings.Contains(err.Error(), "failed to verify certificate"), strings.Contains(err.Error(), "x509:"):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case strings.Contains(err.Error(), "does not support encryption"):
		return wrap(connectors.ErrHostKey, errNoTLS.Error())
	case errors.As(err, &record), strings.Contains(err.Error(), "first record does not look like a TLS handshake"):
		return wrap(connectors.ErrProtocol, "it does not speak TLS where it should")
	case lost(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
		return wrap(connectors.ErrUnreachable, connectors.RootCause(err))
	}
	return wrap(connectors.ErrProtocol, "it does not speak TDS")
}
