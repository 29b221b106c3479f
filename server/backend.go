package server

import (
	"context"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui"
)

// backend is the gate as the screens need it. It changes forms, nothing else.
type backend struct {
	a *access
	v *session.Visit
}

var _ tui.Backend = (*backend)(nil)

// backend returns the signed-in person's, nil (untyped) for a stranger.
func (a *access) backend() tui.Backend {
	v := a.visitor()
	if v == nil {
		return nil
	}
	return &backend{a, v}
}

func (b *backend) Identity() policy.Identity { return b.v.Identity() }

func (b *backend) Resources(ctx context.Context) ([]tui.Listing, error) {
	list, err := b.v.Resources(ctx)
	out := make([]tui.Listing, len(list))
	for i, l := range list {
		out[i] = tui.Listing{Resource: l.Resource, Description: l.Description, Power: l.Power(), Unavailable: l.Unavailable,
			Rights: l.Rights, Masks: l.Masks.Seen, Detect: l.Masks.SeenDetect, Sessions: l.Sessions}
	}
	return out, err
}

// Open opens a workspace. It lives as long as the access, not as long as the
// command that opened it.
func (b *backend) Open(ctx context.Context, resource string) (tui.Workspace, error) {
	a := b.a
	live, cancel := context.WithCancelCause(a.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	s, err := b.v.Open(live, resource, policy.ActionSQL, session.Screen{Term: a.term, Width: a.size.Width, Height: a.size.Height})
	stop()
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &workspace{s, b.v.Identity()}, nil
}

func (b *backend) Approvals(ctx context.Context) ([]policy.Approval, error) {
	return b.v.Approvals(ctx)
}

func (b *backend) Vote(ctx context.Context, id, hash string, yes bool, comment string) error {
	_, err := b.v.Vote(ctx, id, hash, yes, comment)
	return err
}

func (b *backend) Changed(ctx context.Context) <-chan struct{} { return b.v.ApprovalsChanged(ctx) }

func (b *backend) Transcripts(ctx context.Context) ([]recorder.Head, error) {
	return b.v.Transcripts(ctx)
}

func (b *backend) Replay(ctx context.Context, id recorder.ID) (tui.Player, error) {
	p, err := b.v.Replay(ctx, id, session.Access{})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// workspace is a session on a database.
type workspace struct {
	*session.Session
	who policy.Identity
}

// Explain says what the gate would do with the text, and why.
func (w *workspace) Explain(ctx context.Context, text string) (tui.Why, error) {
	y, err := w.Session.Explain(ctx, text)
	return whyOf(w.who, y), err
}

var _ tui.Workspace = (*workspace)(nil)

func (w *workspace) Run(ctx context.Context, text string, ask *tui.Ask) (tui.Answer, error) {
	var gate *session.Ask
	if ask != nil {
		gate = &session.Ask{Reason: ask.Reason, Waiting: ask.Waiting}
	}
	r, err := w.Session.Run(ctx, text, gate)
	if err != nil {
		return nil, err
	}
	return r, nil
}
