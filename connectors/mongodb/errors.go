package mongodb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/sallyport/sallyport/connectors"
)

// Codes of MongoDB's errors that say more than that something failed.
const (
	codeUnauthorized    = 13
	codeMaxTime         = 50
	codeCommandNotFound = 59
	codeInterrupted     = 11601
	codeCursorKilled    = 237
	codeShutdown        = 11600
	codeShutdownPlanned = 91
)

// serverError is what the target answers in place of what was asked.
type serverError struct {
	code int64
	*connectors.TargetError
}

func (e *serverError) Unwrap() error { return e.TargetError }

// failed is the error that an answer tells of, nil if none.
func failed(d bsoncore.Document) error {
	if ok, _ := number(d, "ok"); ok == 1 {
		return nil
	}
	return refusal(d)
}

// refusal reads code and text where an answer, or a part of it, has them.
func refusal(d bsoncore.Document) error {
	code, _ := number(d, "code")
	name, _ := d.Lookup("codeName").StringValueOK()
	text, _ := d.Lookup("errmsg").StringValueOK()
	if name == "" {
		if name = names[code]; name == "" {
			name = fmt.Sprintf("error %d", code)
		}
	}
	if text == "" {
		text = "the target failed and does not say why"
	}
	return &serverError{code, &connectors.TargetError{Code: clean(name), Text: strings.ToValidUTF8(text, "?")}}
}

// names are those of codes that come without one, in lists of what was not written.
var names = map[int64]string{11000: "DuplicateKey", 121: "DocumentValidationFailure", 13: "Unauthorized", 50: "MaxTimeMSExpired", 2: "BadValue", 9: "FailedToParse"}

// clean keeps what names of errors are made of.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == ' ' || r == '_' {
			return r
		}
		return -1
	}, s)
	return s[:min(len(s), 64)]
}

// codeOf is the name of the error that the target answered with.
func codeOf(err error) string {
	var s *serverError
	if errors.As(err, &s) {
		return s.Code
	}
	return "no code"
}

func hasCode(err error, codes ...int64) bool {
	var s *serverError
	if !errors.As(err, &s) {
		return false
	}
	for _, c := range codes {
		if s.code == c {
			return true
		}
	}
	return false
}

// failure maps an error that came over a line.
func (c *Conn) failure(run context.Context, err error) error {
	var s *serverError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &s):
		switch {
		case run.Err() != nil && hasCode(err, codeInterrupted, codeCursorKilled, codeMaxTime):
			return canceled(run)
		case hasCode(err, codeMaxTime):
			return &connectors.TargetError{Code: s.Code, Text: errTime.Error(), Late: true}
		case hasCode(err, codeShutdown, codeShutdownPlanned):
			return fmt.Errorf("%w: it shuts down", connectors.ErrVanished)
		}
		return s.TargetError
	case errors.Is(err, connectors.ErrProtocol), errors.Is(err, connectors.ErrUnsupported):
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
		return &connectors.TargetError{Code: "MaxTimeMSExpired", Text: errTime.Error(), Late: true}
	}
	return connectors.Canceled(run)
}

// number is a field that is a number of any size.
func number(d bsoncore.Document, key string) (int64, bool) {
	v, err := d.LookupErr(key)
	if err != nil {
		return 0, false
	}
	return v.AsInt64OK()
}
