package http

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
	"syscall"

	"github.com/sallyport/sallyport/connectors"
)

var (
	errSlow   = errors.New("it did not answer in time")
	errClosed = errors.New("the connection was closed")
)

// ended is err unless ctx ended first: then why it did.
func ended(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case cause == nil || err == nil:
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

// dialError tells why there is no connection. Texts of errors are made here: a
// library's may hold what the target said.
func dialError(err error) error {
	var blocked *blockedAddress
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &blocked):
		return fmt.Errorf("%w: %w", connectors.ErrUnreachable, blocked)
	case errors.As(err, &dns):
		return fmt.Errorf("%w: its name cannot be resolved", connectors.ErrUnreachable)
	case errors.As(err, &op) && op.Timeout():
		return fmt.Errorf("%w: no answer to the connection", connectors.ErrUnreachable)
	case errors.As(err, &op) && op.Err != nil:
		return fmt.Errorf("%w: %w", connectors.ErrUnreachable, op.Err)
	}
	return connectors.ErrUnreachable
}

// tlsError tells why a handshake failed.
func tlsError(err error) error {
	var verify *tls.CertificateVerificationError
	var host x509.HostnameError
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &host):
		return fmt.Errorf("%w: its certificate is for another name. Nothing was sent", connectors.ErrHostKey)
	case errors.As(err, &verify):
		return fmt.Errorf("%w: its certificate cannot be verified (%w). Nothing was sent", connectors.ErrHostKey, plainVerify(verify.Err))
	case errors.As(err, &record):
		return fmt.Errorf("%w: it does not speak TLS", connectors.ErrProtocol)
	case errors.As(err, &alert):
		return fmt.Errorf("%w: it ended the handshake: %w", connectors.ErrCredential, alert)
	case lost(err):
		return fmt.Errorf("%w during the handshake", connectors.ErrVanished)
	}
	return fmt.Errorf("%w: the TLS handshake failed", connectors.ErrProtocol)
}

// plainVerify is a reason of the library without a stranger's names in it.
func plainVerify(err error) error {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &unknown):
		return errors.New("it is signed by an authority that is not known here")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return errors.New("it has expired or is not valid yet")
	}
	return errors.New("it is not valid")
}

// lost reports whether a connection ended in the middle.
func lost(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// begun is the library's word for a first line that ended in its beginning, which
// is all that came.
var begun = regexp.MustCompile(`malformed HTTP (response "(H|HT|HTT|HTTP|HTTP/|HTTP/1|HTTP/1\.|HTTP/1\.[01] ?)"|status code "[0-9]{0,2}")`)

// exchangeError tells why a request had no answer, or not a whole one.
func exchangeError(err error) error {
	var op *net.OpError
	var blocked *blockedAddress
	var verify *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	text := err.Error()
	switch {
	case errors.As(err, &blocked):
		return fmt.Errorf("%w: %w", connectors.ErrUnreachable, blocked)
	case errors.As(err, &op) && op.Op == "dial":
		return dialError(err)
	case errors.As(err, &verify), errors.As(err, &record), errors.As(err, &alert):
		return tlsError(err)
	case strings.Contains(text, "server response headers exceeded"), strings.Contains(text, "header list too large"), strings.Contains(text, "header list larger"):
		return fmt.Errorf("%w: the head of its answer is longer than %d KiB", connectors.ErrProtocol, maxHeader>>10)
	case begun.MatchString(text):
		return connectors.ErrVanished
	case strings.Contains(text, "malformed HTTP"), strings.Contains(text, "malformed MIME"), strings.Contains(text, "transfer encoding"),
		strings.Contains(text, "Content-Length"), strings.Contains(text, "chunk"), strings.Contains(text, "PROTOCOL_ERROR"), strings.Contains(text, "invalid header"):
		return fmt.Errorf("%w: what it answered is no HTTP", connectors.ErrProtocol)
	case strings.Contains(text, "gzip") || strings.Contains(text, "flate"):
		return fmt.Errorf("%w: its answer is not compressed as it says", connectors.ErrProtocol)
	case errors.As(err, &op) && op.Op == "local error":
		return fmt.Errorf("%w: what it sent over TLS is broken", connectors.ErrProtocol)
	case lost(err), strings.Contains(text, "server closed"), strings.Contains(text, "connection lost"), strings.Contains(text, "GOAWAY"), strings.Contains(text, "stream error"), errors.As(err, &op):
		return connectors.ErrVanished
	}
	return fmt.Errorf("%w: the exchange failed", connectors.ErrProtocol)
}
