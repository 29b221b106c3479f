package main

// Wording of this program's errors: what failed and on what, in lower case,
// without a full stop; then, where there is one, a hint that says what to do.
// stdout is data, stderr is talk.

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/sallyport/sallyport/tui/widget"
)

// Exit codes.
const (
	exitOK      = 0
	exitTrouble = 1
	exitUsage   = 2
)

// usageError is a wrong command line.
type usageError struct{ text, hint string }

func (e *usageError) Error() string { return e.text }

// hinted is an error with what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// errFound ends a subcommand that has reported faults itself.
var errFound = errors.New("faults found")

// report prints err and returns the exit code.
func report(io stdio, err error) int {
	var usage *usageError
	var hint *hinted
	switch {
	case err == nil, errors.Is(err, pflag.ErrHelp):
		return exitOK
	case errors.Is(err, errFound):
		return exitTrouble
	case errors.As(err, &usage):
		complain(io, usage.text, usage.hint)
		return exitUsage
	case errors.As(err, &hint):
		complain(io, err.Error(), hint.hint)
	default:
		complain(io, err.Error(), "")
	}
	return exitTrouble
}

func complain(io stdio, text, hint string) {
	fmt.Fprintln(io.err, "error: "+widget.EscapeLines(text))
	if hint != "" {
		fmt.Fprintln(io.err, "hint: "+widget.EscapeLines(hint))
	}
}
