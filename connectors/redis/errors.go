package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/sallyport/sallyport/connectors"
)

// maxCode bounds the word that an error begins with.
const maxCode = 24

// refusal is what an error of the target says: a code in capitals, where it begins with
// one, and a text.
func refusal(it item) (*connectors.TargetError, bool) {
	if it.kind != isError {
		return nil, false
	}
	text := strings.ToValidUTF8(string(it.text), "?")
	code, rest, _ := strings.Cut(text, " ")
	if code == "" || len(code) > maxCode || strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return &connectors.TargetError{Text: text}, true
	}
	switch code {
	case "MOVED", "ASK":
		// The address is the target's word: where one may go is the configuration's.
		rest = "the key is on another node of the cluster (" + rest + "), and redirections are not followed: declare that node as a resource"
	}
	if rest == "" {
		rest = "the command was refused"
	}
	return &connectors.TargetError{Code: code, Text: rest}, true
}

var (
	errBusy       = errors.New("another statement still runs on this connection")
	errConnClosed = errors.New("the connection was closed")
	errTime       = errors.New("statement timeout")
	errLost       = errors.New("the line to it was lost before")
)

// failure is an error that came over a line in the hub's words.
func failure(run context.Context, err error) error {
	var te *connectors.TargetError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &te), errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnsupported):
		return err
	case run.Err() != nil:
		return canceled(run)
	case lost(err):
		return fmt.Errorf("%w: %s", connectors.ErrVanished, connectors.RootCause(err))
	}
	return fmt.Errorf("%w: %s", connectors.ErrProtocol, connectors.RootCause(err))
}

func lost(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errLost)
}

// canceled says why an operation ended early: ErrCanceled with the cause, where
// there is one beside the fact, or that its time was over.
func canceled(run context.Context) error {
	cause := context.Cause(run)
	switch {
	case errors.Is(cause, errTime):
		return &connectors.TargetError{Text: errTime.Error(), Late: true}
	case cause == nil || errors.Is(cause, context.Canceled):
		return connectors.ErrCanceled
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}
