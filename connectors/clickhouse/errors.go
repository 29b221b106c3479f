package clickhouse

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

// Numbers of the server's errors that say how a statement ended, or that it never
// began.
const (
	codeSyntax    = 62
	codeDatabase  = 81
	codeTimeout   = 159
	codeReadonly  = 164
	codeCancelled = 394
)

// credentials are the numbers of errors about who signs in.
var credentials = map[int]bool{192: true, 193: true, 194: true, 195: true, 516: true}

// public are the numbers of errors that depend on the statement's text, on rights or
// on time, and not on values. Another's would tell of the value that it came of.
var public = map[int]bool{codeSyntax: true, codeDatabase: true, codeTimeout: true, codeReadonly: true, 46: true, 47: true, 48: true, 60: true, 63: true, 291: true, 497: true}

// refusal is an error that the server reports.
type refusal struct {
	code, status int
	text         string
}

func (r *refusal) Error() string { return fmt.Sprintf("%s (code %d)", r.text, r.code) }

var (
	said    = regexp.MustCompile(`(?s)Code: (\d+)[.,]\s*(.*)`)
	trailer = regexp.MustCompile(`(?s)(, e\.what\(\) = DB::Exception.*|\s*\(version [0-9].*\)|, Stack trace.*|Stack trace:.*)$`)
	pointed = regexp.MustCompile(`failed at position (\d+)`)
)

// refusedBy reads "Code: 62, e.displayText() = DB::Exception: text, e.what() = …" and
// the newer "Code: 62. DB::Exception: text. (NAME) (version …)". A text in neither form has
// code 0.
func refusedBy(s string) *refusal {
	m := said.FindStringSubmatch(s)
	if m == nil {
		return &refusal{text: "the target reports an error that cannot be read"}
	}
	code, err := strconv.Atoi(m[1])
	if err != nil {
		code = 0
	}
	text := strings.TrimSpace(m[2])
	text = strings.TrimPrefix(text, "e.displayText() = ")
	text = strings.TrimPrefix(text, "DB::Exception: ")
	for range 3 {
		text = strings.TrimSpace(trailer.ReplaceAllString(text, ""))
	}
	return &refusal{code: code, text: strings.ToValidUTF8(text, "?")}
}

// position is the character of the statement at which a syntax error points, 0 for
// none. The server counts bytes from 1.
func (r *refusal) position(text string) int {
	m := pointed.FindStringSubmatch(r.text)
	if r.code != codeSyntax || m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n < 1 || n > len(text)+1 {
		return 0
	}
	return utf8.RuneCountInString(text[:n-1]) + 1
}

// failure maps an error that came over the line, of a statement with this text.
func failure(run context.Context, err error, text string) error {
	var r *refusal
	var te *connectors.TargetError
	switch {
	case err == nil:
		return nil
	case run.Err() != nil:
		return canceled(run)
	case errors.As(err, &te):
		return err
	case errors.As(err, &r) && credentials[r.code]:
		return fmt.Errorf("%w: %s", connectors.ErrVanished, "it does not take the login any more")
	case errors.As(err, &r):
		return &connectors.TargetError{Code: strconv.Itoa(r.code), Text: r.text, Position: r.position(text), Late: r.code == codeTimeout}
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnsupported):
		return err
	case notHTTP(err):
		return malformed("it does not speak HTTP as ClickHouse does")
	}
	return fmt.Errorf("%w: %s", connectors.ErrVanished, root(err))
}

// canceled says why an operation ended early: ErrCanceled with the cause, where there
// is one beside the fact, or that its time was over.
func canceled(run context.Context) error {
	if errors.Is(context.Cause(run), errTime) {
		return &connectors.TargetError{Code: strconv.Itoa(codeTimeout), Text: errTime.Error(), Late: true}
	}
	return connectors.Canceled(run)
}

// begun is the first line of an answer of which no more came.
var begun = regexp.MustCompile(`malformed HTTP (?:response|version|status code) "([^"]*)"`)

func notHTTP(err error) bool {
	s := err.Error()
	if m := begun.FindStringSubmatch(s); m != nil && m[1] != "" && strings.HasPrefix("HTTP/1.1 ", m[1]) {
		return false // it was about to
	}
	return strings.Contains(s, "malformed HTTP") || strings.Contains(s, "readLoopPeekFailLocked: %!w(<nil>)") || // it spoke before it was asked
		strings.Contains(s, "transfer encoding") || strings.Contains(s, "malformed MIME") || strings.Contains(s, "response headers exceeded") || strings.Contains(s, "malformed chunked") || strings.Contains(s, "invalid byte in chunk")
}

// openError says why nothing could be had of a target, in one of the hub's sentinels.
func openError(name string, err error) error {
	wrap := func(sentinel error, why string) error { return fmt.Errorf("open %q: %w: %s", name, sentinel, why) }
	var r *refusal
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var dial *dialError
	switch {
	case errors.As(err, &dial):
		return wrap(connectors.ErrUnreachable, root(dial.error))
	case errors.As(err, &r) && credentials[r.code]:
		return wrap(connectors.ErrCredential, r.Error())
	case errors.As(err, &r):
		return wrap(connectors.ErrUnreachable, r.Error())
	case errors.As(err, &cert):
		return wrap(connectors.ErrHostKey, "its TLS certificate is not trusted; check tls and the root certificate")
	case errors.As(err, &record):
		return wrap(connectors.ErrProtocol, "it does not speak TLS where it should")
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnreachable), errors.Is(err, connectors.ErrCredential), errors.Is(err, connectors.ErrUnsupported):
		return fmt.Errorf("open %q: %w", name, err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return wrap(connectors.ErrProtocol, "it does not speak TLS where it should")
	case notHTTP(err):
		return wrap(connectors.ErrProtocol, "it does not speak HTTP as ClickHouse does")
	}
	return wrap(connectors.ErrUnreachable, root(err))
}

// root is connectors.RootCause, for what the client says in its own words, too.
func root(err error) string {
	if s := err.Error(); begun.MatchString(s) || strings.Contains(s, "server closed idle connection") {
		return "it closed the connection"
	}
	return connectors.RootCause(err)
}
