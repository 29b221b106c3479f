package postgres

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
)

// turn is who has a connection: one operation at a time.
type turn struct {
	cancel context.CancelCauseFunc // of what runs, nil for nothing
	// own is set where that is of the gate's own, which ends soon; over is closed
	// when it does.
	own  bool
	over chan struct{}
}

// begin makes the caller the one operation of the connection. end ends it. It
// waits for what the gate itself does there, a catalog that loads say, as long as
// ctx lives; where another statement's answer is still open, it is errBusy.
func (c *Conn) begin(ctx context.Context) (context.Context, error) { return c.beginAs(ctx, false) }

// beginOwn is begin for what the gate does by itself.
func (c *Conn) beginOwn(ctx context.Context) (context.Context, error) { return c.beginAs(ctx, true) }

func (c *Conn) beginAs(ctx context.Context, own bool) (context.Context, error) {
	for {
		run, wait, err := c.tryBegin(ctx, own)
		if wait == nil {
			return run, err
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return nil, canceled(ctx)
		}
	}
}

// tryBegin begins, or says what must be over before.
func (c *Conn) tryBegin(ctx context.Context, own bool) (run context.Context, wait <-chan struct{}, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return nil, nil, fmt.Errorf("%w: %w", connectors.ErrVanished, errConnClosed)
	case c.turn.cancel != nil && c.turn.own:
		return nil, c.turn.over, nil
	case c.turn.cancel != nil:
		return nil, nil, errBusy
	}
	run, cancel := context.WithCancelCause(ctx)
	c.turn = turn{cancel: cancel, own: own, over: make(chan struct{})}
	c.notices, c.dropped = nil, 0
	return run, nil, nil
}

func (c *Conn) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn.cancel != nil {
		c.turn.cancel(nil)
		close(c.turn.over)
		c.turn = turn{}
	}
	if c.of != nil { // the operation is one of both
		c.of.end()
	}
}

// stop cancels the operation that runs.
func (c *Conn) stop(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.turn.cancel != nil {
		c.turn.cancel(cause)
	}
}
