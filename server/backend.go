package server

import (
	"context"
	"strings"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/recorder/search"
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
	return b.v.Transcripts(ctx, tui.MaxListed)
}

func (b *backend) Replay(ctx context.Context, id recorder.ID, l tui.Look) (tui.Player, error) {
	a := session.Access{Reason: l.Reason}
	if l.Watch {
		a.Act = "watch"
	}
	p, err := b.v.Replay(ctx, id, a)
	if err != nil {
		return nil, err
	}
	return player{p}, nil
}

// player is a transcript that is looked at.
type player struct{ *session.Player }

var _ tui.Seeker = player{}

func (p player) Verify(ctx context.Context) (tui.Integrity, error) {
	in, err := p.Player.Verify(ctx)
	return tui.Integrity(in), err
}

func (b *backend) Search(ctx context.Context, q tui.Query) (tui.Found, error) {
	labels := map[string]string{}
	if k, v, ok := strings.Cut(q.Label, "="); ok {
		labels[k] = v
	} else if k != "" {
		labels[k] = "*"
	}
	found, err := b.v.Search(ctx, search.Query{Text: q.Text, Person: q.Person, Resource: q.Resource, Kind: q.Kind, What: q.What,
		From: q.From, To: q.To, Verdict: q.Verdict, Rule: q.Rule, Destructive: q.Destructive}, labels, q.Reason)
	out := tui.Found{Behind: found.Behind, Withheld: found.Withheld}
	for _, h := range found.Hits {
		out.Hits = append(out.Hits, tui.Hit{ID: h.ID, Event: h.Seq, At: h.At, Person: h.Person, Resource: h.Resource, What: h.What,
			Verdict: h.Verdict, Rule: h.Rule, Before: h.Before, Match: h.Match, After: h.After})
	}
	return out, err
}

func (b *backend) End(ctx context.Context, id recorder.ID, why string) error {
	return b.v.End(ctx, id, why)
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
		gate = &session.Ask{Reason: ask.Reason, Waiting: ask.Waiting, Unmask: ask.Unmask, Later: ask.Later}
	}
	r, err := w.Session.Run(ctx, text, gate)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (w *workspace) Unmasking(_ context.Context, pattern string) (tui.Unmasking, error) {
	return tui.Unmasking(w.Session.Unmasking(pattern)), nil
}
