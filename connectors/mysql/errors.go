package mysql

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
)

// Numbers of errors that say how a statement ended.
const (
	errSyntax      = 1064
	errInterrupted = 1317 // KILL QUERY
	errOverTime    = 1969 // MariaDB's max_statement_time
	errOverTimeMy  = 3024 // MySQL's max_execution_time
	errKilled      = 1927
	errShutdown    = 1053
)

// failure maps an error that came over a line.
func (c *Conn) failure(run context.Context, err error) error {
	if err == nil {
		return nil
	}
	var r *refusal
	if errors.As(err, &r) {
		switch {
		case r.code == errKilled || r.code == errShutdown:
			return fmt.Errorf("%w: it ended the session (%d)", connectors.ErrVanished, r.code)
		case r.code == errInterrupted && run.Err() != nil:
			return canceled(run)
		}
		return &connectors.TargetError{Code: r.state, Text: fmt.Sprintf("%s (error %d)", r.text, r.code), Late: r.code == errOverTime || r.code == errOverTimeMy}
	}
	switch {
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnsupported):
		return err
	case run.Err() != nil:
		return canceled(run)
	case lost(err):
		return fmt.Errorf("%w: %s", connectors.ErrVanished, root(err))
	}
	return fmt.Errorf("%w: %s", connectors.ErrProtocol, root(err))
}

func lost(err error) bool {
	var ne net.Error
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errLost)
}

// canceled says why an operation ended early: ErrCanceled with the cause, where
// there is one beside the fact, or that its time was over.
func canceled(run context.Context) error {
	if errors.Is(context.Cause(run), errTime) {
		return &connectors.TargetError{Code: "70100", Text: errTime.Error(), Late: true}
	}
	return connectors.Canceled(run)
}

// near is where a syntax error points: the rest of the text, cut, and its line.
var near = regexp.MustCompile(`(?s)near '(.+)' at line ([0-9]+)`)

// pointed adds the place that a syntax error names to it.
func pointed(err error, text string) error {
	var te *connectors.TargetError
	if !errors.As(err, &te) || te.Code != "42000" {
		return err
	}
	m := near.FindStringSubmatch(te.Text)
	if m == nil {
		return err
	}
	from := 0
	line, _ := strconv.Atoi(m[2])
	for range line - 1 {
		i := strings.IndexByte(text[from:], '\n')
		if i < 0 {
			return err
		}
		from += i + 1
	}
	if i := strings.Index(text[from:], m[1]); i >= 0 {
		return &connectors.TargetError{Code: te.Code, Text: te.Text, Position: utf8.RuneCountInString(text[:from+i]) + 1}
	}
	return err
}
