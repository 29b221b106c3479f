package connectors

import "context"

// Impersonation is as whom a target is to act for the requester, where its login
// may act for others.
type Impersonation struct {
	User   string
	Groups []string
}

// Commander does work in the words of the kind's own command line (kubectl's), as
// operations of which each asks the guard by itself.
type Commander interface {
	// Command runs a line without its first word. What it writes to t.Stdio has
	// been masked and recorded with the operation it comes from; what a terminal
	// could take for more than text is still in it. t.Term is "" where the requester
	// has no terminal; t.Stdio.Err is never nil unless t.Term is set. A line that cannot be read is a
	// *LineError, and nothing was sent. Other errors are those of Requester and
	// Executor.
	Command(ctx context.Context, g Guard, words []string, t Terminal) (Exit, error)
}

// LineError says what is wrong with a line that a Commander was given.
type LineError struct{ Text string }

func (e *LineError) Error() string { return e.Text }
