package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/sallyport/sallyport/connectors"
)

// openError says why no connection could be made, in one of the hub's
// sentinels. pgconn's own texts name user and database but never a secret; still
// only what is needed is taken from them.
func openError(ctx context.Context, e connectors.Endpoint, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("open %q: %w", e.Name, connectors.OpenEnded(ctx, err))
	}
	wrap := func(sentinel error, why string) error {
		return fmt.Errorf("open %q: %w: %s", e.Name, sentinel, why)
	}
	var pe *pgconn.PgError
	var cert *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &pe):
		switch pe.Code {
		case "28P01", "28000":
			return wrap(connectors.ErrCredential, pe.Message+" ("+pe.Code+")")
		}
		return wrap(connectors.ErrUnreachable, pe.Message+" ("+pe.Code+")")
	case errors.As(err, &cert), errors.As(err, &unknown), errors.As(err, &name), errors.As(err, &invalid):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case strings.Contains(err.Error(), "server refused TLS connection"):
		return wrap(connectors.ErrHostKey, "it does not speak TLS, so it cannot prove who it is")
	case errors.As(err, &record):
		return wrap(connectors.ErrProtocol, "it does not speak PostgreSQL")
	case strings.Contains(err.Error(), "SCRAM"), strings.Contains(err.Error(), "scram"):
		return wrap(connectors.ErrCredential, "the sign-in exchange failed")
	case strings.Contains(err.Error(), "authentication method"):
		return wrap(connectors.ErrCredential, "it asks for a way to sign in that is not used over this connection")
	}
	if !isNetwork(err) && unspoken.MatchString(err.Error()) {
		return wrap(connectors.ErrProtocol, "it does not speak PostgreSQL")
	}
	return wrap(connectors.ErrUnreachable, connectors.RootCause(err))
}

// unspoken is what pgconn says of an answer that is no message, or not one that may
// come then. It has no types for it.
var unspoken = regexp.MustCompile(`failed to receive message|received unexpected message|protocol error|protocol version too low`)

// queryCanceled is the code of a statement that ran into its time limit, or that
// was cancelled.
const queryCanceled = "57014"

// failure maps an error that came while a statement ran. unknown is set where
// the target may have run it without our learning.
func (c *Conn) failure(run context.Context, err error) (mapped error, unknown bool) {
	if err == nil {
		return nil, false
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		switch {
		case pe.Severity == "FATAL" || pe.Severity == "PANIC" || pe.SeverityUnlocalized == "FATAL":
			return fmt.Errorf("%w: %s (%s)", connectors.ErrVanished, "it ended the session", pe.Code), true
		case pe.Code == queryCanceled && run.Err() != nil:
			return canceled(run), false
		}
		return &connectors.TargetError{Code: pe.Code, Text: pe.Message, Position: int(pe.Position)}, false
	}
	var long *pgproto3.ExceededMaxBodyLenErr
	switch {
	case errors.As(err, &long): // by how much too large tells of what is in it
		return fmt.Errorf("%w: a row is larger than %d bytes", connectors.ErrProtocol, long.MaxExpectedBodyLen), true
	case run.Err() != nil:
		return canceled(run), c.pg.IsClosed()
	case isNetwork(err) || strings.Contains(err.Error(), "conn closed"): // before, by whatever came then
		return fmt.Errorf("%w: %s", connectors.ErrVanished, connectors.RootCause(err)), true
	}
	return fmt.Errorf("%w: %s", connectors.ErrProtocol, connectors.RootCause(err)), true
}

func isNetwork(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

// errTime is why a statement ended that the target did not end in time.
var errTime = errors.New("statement timeout: the target did not answer in time")

// canceled is ErrCanceled with the cause, where there is one beside the fact, or
// that its time was over.
func canceled(run context.Context) error {
	cause := context.Cause(run)
	switch {
	case errors.Is(cause, errTime):
		return &connectors.TargetError{Code: queryCanceled, Text: errTime.Error()}
	case cause == nil || errors.Is(cause, context.Canceled):
		return connectors.ErrCanceled
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}
