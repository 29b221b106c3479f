package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"

	"github.com/sallyport/sallyport/connectors"
)

// codeNames are SQLite's names of its result codes.
var codeNames = map[sqlite3.ErrorCode]string{
	sqlite3.ERROR: "SQLITE_ERROR", sqlite3.INTERNAL: "SQLITE_INTERNAL", sqlite3.PERM: "SQLITE_PERM",
	sqlite3.ABORT: "SQLITE_ABORT", sqlite3.BUSY: "SQLITE_BUSY", sqlite3.LOCKED: "SQLITE_LOCKED",
	sqlite3.NOMEM: "SQLITE_NOMEM", sqlite3.READONLY: "SQLITE_READONLY", sqlite3.INTERRUPT: "SQLITE_INTERRUPT",
	sqlite3.IOERR: "SQLITE_IOERR", sqlite3.CORRUPT: "SQLITE_CORRUPT", sqlite3.NOTFOUND: "SQLITE_NOTFOUND",
	sqlite3.FULL: "SQLITE_FULL", sqlite3.CANTOPEN: "SQLITE_CANTOPEN", sqlite3.PROTOCOL: "SQLITE_PROTOCOL",
	sqlite3.EMPTY: "SQLITE_EMPTY", sqlite3.SCHEMA: "SQLITE_SCHEMA", sqlite3.TOOBIG: "SQLITE_TOOBIG",
	sqlite3.CONSTRAINT: "SQLITE_CONSTRAINT", sqlite3.MISMATCH: "SQLITE_MISMATCH", sqlite3.MISUSE: "SQLITE_MISUSE",
	sqlite3.NOLFS: "SQLITE_NOLFS", sqlite3.AUTH: "SQLITE_AUTH", sqlite3.FORMAT: "SQLITE_FORMAT",
	sqlite3.RANGE: "SQLITE_RANGE", sqlite3.NOTADB: "SQLITE_NOTADB",
}

func codeOf(err error) sqlite3.ErrorCode {
	var code sqlite3.ErrorCode
	_ = errors.As(err, &code) // 0 where it is no error of SQLite's
	return code
}

// errClosed is why an operation ends whose connection was closed.
var errClosed = fmt.Errorf("the connection was closed: %w", connectors.ErrCanceled)

// errTime is why an operation ends that ran longer than its terms allow.
var errTime = errors.New("statement timeout")

// errMemory is SQLite's answer to a value or a sorter beyond the connection's
// memory. The engine cannot go on after it.
var errMemory = &connectors.TargetError{Code: "SQLITE_NOMEM", Text: "out of memory"}

// errBroken is what an engine answers after errMemory.
var errBroken = fmt.Errorf("the database engine ran out of memory before; open the resource again: %w", connectors.ErrVanished)

// errRow is for an answer's row that is larger than rowMax.
var errRow = &connectors.TargetError{Code: "SQLITE_TOOBIG", Text: "a row of the answer is larger than 32 MiB"}

// targetError translates what SQLite said about a text.
func targetError(text string, err error) error {
	te := &connectors.TargetError{Code: codeNames[codeOf(err)], Text: message(err)}
	var e *sqlite3.Error
	if errors.As(err, &e) {
		if rest := e.SQL(); rest != "" && len(rest) <= len(text) && strings.HasSuffix(text, rest) {
			te.Position = utf8.RuneCountInString(text[:len(text)-len(rest)]) + 1
		}
	}
	return te
}

// message is an error's text without the engine's name.
func message(err error) string { return strings.TrimPrefix(err.Error(), "sqlite3: ") }

// ended tells why a statement that was interrupted ended, by the cause of its
// context; any other error is the target's.
func ended(ctx context.Context, text string, err error) error {
	cause := context.Cause(ctx)
	switch {
	case err == nil:
		return nil
	case cause == nil || codeOf(err) != sqlite3.INTERRUPT && codeOf(err) != sqlite3.BUSY:
		return targetError(text, err)
	case errors.Is(cause, errTime):
		return &connectors.TargetError{Code: "SQLITE_INTERRUPT", Text: errTime.Error(), Late: true}
	case errors.Is(cause, connectors.ErrCanceled):
		return cause
	}
	return fmt.Errorf("%w: %w", connectors.ErrCanceled, cause)
}

// openError gives an error of Open its sentinel.
func openError(name string, err error) error {
	sentinel := connectors.ErrUnreachable
	switch codeOf(err) {
	case sqlite3.NOTADB, sqlite3.CORRUPT, sqlite3.FORMAT:
		sentinel = connectors.ErrProtocol
	case sqlite3.INTERRUPT:
		sentinel = connectors.ErrCanceled
	}
	return fmt.Errorf("open %q: %w: %s", name, sentinel, message(err))
}

// guarded calls f. The engine panics when its memory is exhausted or its program
// fails; that ends a connection, not the process.
func guarded(f func() error) (err error, broken bool) {
	defer func() {
		if p := recover(); p != nil {
			err, broken = errMemory, true
		}
	}()
	return f(), false
}
