package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

const (
	// cancelAgain is how long after a cancel request the next one is sent.
	cancelAgain = 500 * time.Millisecond
	// cancelLands is how long a request that the target has taken may be on its way to
	// the session: what is sent meanwhile could be hit by it.
	cancelLands = 100 * time.Millisecond
)

// canceller cancels at the target what runs when a context ends. A request that
// arrives before the statement has begun is lost, so that it is repeated until the
// statement has ended. pgconn's own handler sends one, and gives the session up
// where that came too early.
type canceller struct {
	conn  *pgconn.PgConn
	grace time.Duration

	stop context.CancelFunc
	done chan struct{}
}

var _ ctxwatch.Handler = (*canceller)(nil)

// HandleCancel implements ctxwatch.Handler: the context has ended.
func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(c.grace)
	_ = c.conn.Conn().SetDeadline(deadline) // one that is closed needs none
	ctx, stop := context.WithDeadline(context.Background(), deadline)
	c.stop, c.done = stop, make(chan struct{})
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			_ = c.conn.CancelRequest(ctx) // where it cannot be sent, the deadline ends the session
			time.Sleep(cancelLands)
			select {
			case <-ctx.Done():
			case <-time.After(cancelAgain - cancelLands):
			}
		}
	}()
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler: the statement has ended.
func (c *canceller) HandleUnwatchAfterCancel() {
	c.stop()
	<-c.done
	_ = c.conn.Conn().SetDeadline(time.Time{})
}
