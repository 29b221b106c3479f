package session

import (
	"context"
	"sync"

	"github.com/sallyport/sallyport/connectors"
)

// Answer is a streaming result. Close may be called while Batch waits for the
// target; the other methods are for one goroutine.
type Answer struct {
	s  *Session
	mu sync.Mutex
	r  *connectors.Result
}

// Columns are the answer's columns; none for a statement without rows.
func (a *Answer) Columns() []connectors.Column { return a.r.Columns() }

// Batch returns up to n rows, recorded already, or io.EOF.
func (a *Answer) Batch(ctx context.Context, n int) ([]connectors.Row, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rows, err := a.r.Batch(ctx, n)
	return rows, a.s.batchError(err)
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
