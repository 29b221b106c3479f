package connectors

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var (
	errBusy   = errors.New("another statement still runs on this connection")
	errClosed = errors.New("the connection was closed")
)

// Turn says whose turn it is on a connection that does one operation at a time, and ends
// it early. The zero value is of a connection on which nothing runs. It is safe for
// concurrent use.
type Turn struct {
	mu     sync.Mutex
	stop   context.CancelCauseFunc // of the operation that runs, or nil
	closed bool
}

// Begin makes the caller the one operation, until End. run ends with ctx, with Close and
// by stop, which ends this operation and none that follows, however late it is called.
// Errors: that of Gone, or that another operation runs.
func (t *Turn) Begin(ctx context.Context) (run context.Context, stop context.CancelCauseFunc, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.closed:
		return nil, nil, fmt.Errorf("%w: %w", ErrVanished, errClosed)
	case t.stop != nil:
		return nil, nil, errBusy
	}
	run, t.stop = context.WithCancelCause(ctx)
	return run, t.stop, nil
}

// End ends the operation; where none runs it does nothing.
func (t *Turn) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stop != nil {
		t.stop(nil)
		t.stop = nil
	}
}

// Gone is nil, or an error that wraps ErrVanished once Close was called.
func (t *Turn) Gone() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fmt.Errorf("%w: %w", ErrVanished, errClosed)
	}
	return nil
}

// Close cancels what runs, which still has to End, and lets nothing begin any more. It
// reports whether this is the first time.
func (t *Turn) Close() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	first := !t.closed
	t.closed = true
	if first && t.stop != nil {
		t.stop(errClosed)
	}
	return first
}

// Canceled says why an operation whose context ended has ended: ErrCanceled with the
// cause, where there is one.
func Canceled(run context.Context) error {
	cause := context.Cause(run)
	if cause == nil || errors.Is(cause, context.Canceled) {
		return ErrCanceled
	}
	return fmt.Errorf("%w: %w", ErrCanceled, cause)
}
