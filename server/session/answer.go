package session

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// Answer is a streaming result. Close may be called while Batch waits for the
// target; the other methods are for one goroutine.
type Answer struct {
	s     *Session
	mu    sync.Mutex
	r     *connectors.Result
	terms terms
	// why is the error to tell where the operation was ended from behind.
	why func(error) error
}

// CutBy says what ended the answer early, where Summary says that it is cut.
func (a *Answer) CutBy() string { return a.terms.cut(a.Summary().Rows) }

// Columns are the answer's columns; none for a statement without rows.
func (a *Answer) Columns() []connectors.Column { return a.r.Columns() }

// Batch returns up to n rows, recorded already, or io.EOF.
func (a *Answer) Batch(ctx context.Context, n int) ([]connectors.Row, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	defer a.s.lease.work()()
	rows, err := a.r.Batch(ctx, n)
	if err == nil || errors.Is(err, io.EOF) {
		return rows, err
	}
	return rows, a.s.words(a.why(err))
}

// Summary is what is known of the answer so far.
func (a *Answer) Summary() connectors.Summary {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.r.Summary()
}

// Notices returns and forgets the target's messages, masked.
func (a *Answer) Notices() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.r.Notices()
}

// Close ends the answer where it stands. It waits for a Batch that is under way:
// cancel that one's context, or close the session, to end it.
func (a *Answer) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.r.Close()
}
