package server

import (
	"context"
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui"
)

var _ tui.Clusters = (*backend)(nil)

// OpenCluster opens a session on a cluster. It lives as long as the access.
func (b *backend) OpenCluster(ctx context.Context, resource string) (tui.Cluster, error) {
	a := b.a
	live, cancel := context.WithCancelCause(a.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	s, err := b.v.Open(live, resource, policy.ActionKubernetes, session.Screen{Term: a.term, Width: a.size.Width, Height: a.size.Height})
	stop()
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &cluster{Session: s, turn: make(chan struct{}, 1)}, nil
}

// cluster is a session on a cluster.
type cluster struct {
	*session.Session
	// turn has room for the one line that runs: a session runs one operation at a time.
	turn chan struct{}
}

// Do runs a line when the one before it has ended.
func (c *cluster) Do(ctx context.Context, line []string, ask *tui.Ask, out io.Writer) error {
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	var gate *session.Ask
	if ask != nil {
		gate = &session.Ask{Reason: ask.Reason, Waiting: ask.Waiting, Later: ask.Later}
	}
	_, err := c.Command(ctx, line, gate, connectors.Terminal{Stdio: connectors.Stdio{Out: out, Err: io.Discard}})
	return err
}
