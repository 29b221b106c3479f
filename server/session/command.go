package session

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Command runs a line in the words of the kind's own command line: operations that
// are judged and recorded one by one, each with ask as in Run. A line that cannot
// be read is a *connectors.LineError.
func (s *Session) Command(ctx context.Context, words []string, ask *Ask, t connectors.Terminal) (connectors.Exit, error) {
	c, ok := s.conn.(connectors.Commander)
	if !ok {
		return connectors.Exit{}, &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q has no command line of its own", s.target.Name)}
	}
	defer s.lease.work()()
	s.screen.Resize(t.Size.Width, t.Size.Height)
	ctx, end := s.bound(ctx)
	defer end(context.Canceled)
	e, err := c.Command(ctx, &lineGuard{s: s, ask: ask, end: end}, words, t)
	err = s.because(ctx, err)
	s.exited(e, err)
	return e, s.words(err)
}

// lineGuard is the gate for the operations of one line, one after the other.
type lineGuard struct {
	s   *Session
	ask *Ask
	end context.CancelCauseFunc
}

var _ connectors.Guard = (*lineGuard)(nil)

// Note records a statement of the gate's own before it is sent.
func (g *lineGuard) Note(ctx context.Context, text string) error { return g.one().Note(ctx, text) }

// Check decides on one operation of the line.
func (g *lineGuard) Check(ctx context.Context, op connectors.Operation) (connectors.Permit, error) {
	return g.one().Check(ctx, op)
}

// one is the gate for one operation. That it is done does not end the line; why it
// was ended does.
func (g *lineGuard) one() *guard {
	return &guard{s: g.s, ask: g.ask, end: func(cause error) {
		if cause != context.Canceled {
			g.end(cause)
		}
	}}
}

// impersonation is as whom the target is to act: the visitor.
func (s *Session) impersonation() *connectors.Impersonation {
	i := s.target.Impersonate
	if i == nil {
		return nil
	}
	user := s.v.Identity.Email
	if user == "" {
		user = s.v.Identity.Subject
	}
	as := &connectors.Impersonation{User: i.Prefix + user}
	for _, g := range s.v.Identity.Groups {
		as.Groups = append(as.Groups, i.Prefix+g)
	}
	return as
}

// Impersonate says that a target acts as the person, under names with a prefix.
type Impersonate struct{ Prefix string }
