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

// codes are the words that errors of servers begin with. Another may be a script's, which
// can put a value there; it is a part of the text.
var codes = words(`ERR WRONGTYPE NOAUTH WRONGPASS NOPERM NOPROTO DENIED MOVED ASK TRYAGAIN CROSSSLOT CLUSTERDOWN BUSY NOTBUSY UNKILLABLE LOADING
		MASTERDOWN READONLY NOREPLICAS NOGOODSLAVE MISCONF OOM NOSCRIPT EXECABORT BUSYKEY BUSYGROUP NOGROUP IOERR UNBLOCKED INPROG NOMASTERLINK NONEXT REDIRECT`)

// refusal is what an error of the target says: a code in capitals, where it begins with
// one, and a text.
func refusal(it item) (*connectors.TargetError, bool) {
	if it.kind != isError {
		return nil, false
	}
	text := strings.ToValidUTF8(string(it.text), "?")
	code, rest, _ := strings.Cut(text, " ")
	if !codes[code] {
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
	errTime = errors.New("statement timeout")
	errLost = errors.New("the line to it was lost before")
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
	if errors.Is(context.Cause(run), errTime) {
		return &connectors.TargetError{Text: errTime.Error(), Late: true}
	}
	return connectors.Canceled(run)
}
