package mssql

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"unicode/utf8"

	mssql "github.com/microsoft/go-mssqldb"

	"github.com/sallyport/sallyport/connectors"
)

var (
	errTime = errors.New("statement timeout")
	errLost = errors.New("the line to it was lost before")
)

// maxErrors bounds how many messages of one failure are told.
const maxErrors = 5

// failure maps an error that came over the line.
func (c *Conn) failure(run context.Context, err error) error {
	if err == nil {
		return nil
	}
	var said mssql.Error
	var stream mssql.StreamError
	var ours *connectors.TargetError
	switch over := c.line.ended(); {
	case over != nil:
		return fmt.Errorf("%w: %w", connectors.ErrProtocol, over)
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnsupported), errors.As(err, &ours):
		return err
	case errors.As(err, &said):
		return targetError(said)
	case run.Err() != nil:
		return canceled(run)
	case lost(err) && c.line.gone():
		return fmt.Errorf("%w: %s", connectors.ErrVanished, connectors.RootCause(err))
	case errors.As(err, &stream):
		return fmt.Errorf("%w: what it says cannot be read", connectors.ErrProtocol)
	case c.line.cut(): // the library tells of a write that failed in words alone
		return fmt.Errorf("%w: it closed the connection", connectors.ErrVanished)
	}
	return fmt.Errorf("%w: what it says cannot be read (%T)", connectors.ErrProtocol, err)
}

// targetError is what the target said: its last error has the number.
func targetError(said mssql.Error) *connectors.TargetError {
	all := said.All
	if len(all) == 0 {
		all = []mssql.Error{said}
	}
	var texts []string
	for _, e := range all[max(0, len(all)-maxErrors):] {
		texts = append(texts, strings.ToValidUTF8(e.Message, "?"))
	}
	return &connectors.TargetError{Code: strconv.Itoa(int(said.Number)), Text: strings.Join(texts, "\n")}
}

// plain are numbers of errors that come of a statement's text, of names and of
// rights, whatever values there are.
var plain = map[string]bool{
	"102": true, "105": true, "113": true, "137": true, "156": true, "170": true, "201": true, "207": true, "208": true, "209": true, "229": true, "230": true,
	"262": true, "319": true, "1222": true, "1205": true, "1934": true, "2812": true, "3902": true, "3903": true, "4104": true, "4145": true, "8155": true,
}

// blunted is an error without its number, where that may tell what a value was taken
// for.
func blunted(err error) error {
	var te *connectors.TargetError
	if !errors.As(err, &te) || plain[te.Code] {
		return err
	}
	return &connectors.TargetError{Text: te.Text, Late: te.Late}
}

func lost(err error) bool {
	var ne net.Error
	var inner mssql.StreamError
	if errors.As(err, &inner) && inner.InnerError != nil {
		return lost(inner.InnerError)
	}
	return errors.As(err, &ne) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, errLost) || errors.Is(err, driver.ErrBadConn)
}

// canceled says why an operation ended early: ErrCanceled with the cause, where
// there is one beside the fact, or that its time was over.
func canceled(run context.Context) error {
	if errors.Is(context.Cause(run), errTime) {
		return &connectors.TargetError{Code: "timeout", Text: errTime.Error(), Late: true}
	}
	return connectors.Canceled(run)
}

// pointed adds the place that a syntax error names to it.
func pointed(err error, text string) error {
	var te *connectors.TargetError
	if !errors.As(err, &te) || te.Code != "102" && te.Code != "156" {
		return err
	}
	_, rest, ok := strings.Cut(te.Text, "'")
	word, _, closed := strings.Cut(rest, "'")
	if i := strings.Index(text, word); ok && closed && word != "" && i >= 0 && strings.Count(text, word) == 1 {
		return &connectors.TargetError{Code: te.Code, Text: te.Text, Position: utf8.RuneCountInString(text[:i]) + 1}
	}
	return err
}
