package server

import (
	"context"
	"io"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui"
)

// runbook is a session on a declared command.
type runbook struct {
	*session.Session
	who policy.Identity
}

var (
	_ tui.Runbook  = (*runbook)(nil)
	_ tui.Runbooks = (*backend)(nil)
)

// OpenRunbook is Open for declared commands.
func (b *backend) OpenRunbook(ctx context.Context, resource string) (tui.Runbook, error) {
	a := b.a
	live, cancel := context.WithCancelCause(a.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	s, err := b.v.Open(live, resource, policy.ActionExec, session.Screen{Term: a.term, Width: a.size.Width, Height: a.size.Height})
	stop()
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &runbook{s, b.v.Identity()}, nil
}

// Declared is the configuration's.
func (r *runbook) Declared() connectors.Command {
	if c := r.Target().Endpoint.Command; c != nil {
		return *c
	}
	return connectors.Command{}
}

// Explain says what the gate would do with the command, and why.
func (r *runbook) Explain(ctx context.Context, text string) (tui.Why, error) {
	y, err := r.Session.Explain(ctx, text)
	return whyOf(r.who, y), err
}

// Exec runs the command with its outputs mixed.
func (r *runbook) Exec(ctx context.Context, text string, ask *tui.Ask, out io.Writer) (connectors.Exit, error) {
	var gate *session.Ask
	if ask != nil {
		gate = &session.Ask{Reason: ask.Reason, Waiting: ask.Waiting, Later: ask.Later}
	}
	return r.Session.Exec(ctx, text, gate, connectors.Stdio{Out: out, Err: out})
}
