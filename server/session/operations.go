package session

import (
	"context"
	"errors"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Catalog lists the tables that the login sees.
func (s *Session) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	d, ok := s.conn.(connectors.Describer)
	if !ok {
		return nil, nil
	}
	defer s.quiet()()
	done, err := s.alone(ctx)
	if err != nil {
		return nil, s.words(s.because(ctx, err))
	}
	defer done()
	rel, err := d.Catalog(ctx)
	return rel, s.words(err)
}

// Judge says what the gate would do with the statement, without running it. Of one
// that needs approval, on a resource that is no production, the target's planner
// is asked how many rows it touches; that is on record, the rest is not.
func (s *Session) Judge(ctx context.Context, text string) (policy.Decision, policy.Facts, error) {
	op, err := s.ahead(ctx, text)
	if err != nil {
		return policy.Decision{Rule: policy.DefaultDeny}, op.Facts, err
	}
	d, m, err := s.decide(op, s.ops.Load())
	if err == nil && !s.target.Production() { // planning costs the target, and people type a lot
		d, m, err = s.weighed(&op, s.ops.Load(), d, m, func() *int64 { return s.estimate(ctx, text) })
	}
	return unread(d, m, op), op.Facts, err
}

// Run runs one SQL statement. With ask nil, an operation that needs approval
// ends at once with *policy.ApprovalNeeded. Refusals are *policy.Refusal. The
// caller closes the Answer; a statement runs until then. The Answer before it is
// closed.
func (s *Session) Run(ctx context.Context, text string, ask *Ask) (*Answer, error) {
	q, ok := s.conn.(connectors.Querier)
	if !ok {
		return nil, &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q does not speak SQL", s.target.Name)}
	}
	s.mu.Lock()
	before := s.answer
	s.mu.Unlock()
	if before != nil {
		_ = before.Close()
	}
	defer s.lease.work()()
	defer s.quiet()()
	done, err := s.alone(ctx)
	if err != nil {
		return nil, s.words(s.because(ctx, err))
	}
	defer done()
	ctx, end := s.bound(ctx)
	g := &guard{s: s, ask: ask, end: end}
	r, err := q.Query(ctx, g, connectors.Statement{Text: text})
	if err != nil {
		err = s.words(g.terms.late(s.because(ctx, err)))
		end(context.Canceled)
		return nil, err
	}
	a := &Answer{s: s, r: r, terms: g.terms, why: func(err error) error { return g.terms.late(s.because(ctx, err)) }}
	s.mu.Lock()
	s.answer = a
	s.mu.Unlock()
	return a, nil
}

// Exec runs one command without a terminal.
func (s *Session) Exec(ctx context.Context, command string, ask *Ask, io connectors.Stdio) (connectors.Exit, error) {
	x, ok := s.conn.(connectors.Executor)
	if !ok {
		return connectors.Exit{}, &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q does not run commands", s.target.Name)}
	}
	defer s.lease.work()()
	ctx, end := s.bound(ctx)
	defer end(context.Canceled)
	e, err := x.Exec(ctx, &guard{s: s, ask: ask, end: end}, command, io)
	err = s.because(ctx, err)
	s.exited(e, err)
	return e, s.words(err)
}

// Request sends one request and hands its answer to w as it comes, masked and
// recorded. ask is as in Run. An answer that says no (a status of 400 and above) is
// no error. Where it leads elsewhere at the same target, that is asked for, as an
// operation of its own.
func (s *Session) Request(ctx context.Context, text string, ask *Ask, w connectors.ResponseWriter) error {
	r, ok := s.conn.(connectors.Requester)
	if !ok {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q takes no requests", s.target.Name)}
	}
	defer s.lease.work()()
	for range maxHops {
		ctx, end := s.bound(ctx)
		err := s.because(ctx, r.Request(ctx, &guard{s: s, ask: ask, end: end}, text, w))
		end(context.Canceled)
		var next *connectors.Elsewhere
		if !errors.As(err, &next) {
			return s.words(err)
		}
		text = next.Text
	}
	return s.words(fmt.Errorf("%w: it led elsewhere %d times", connectors.ErrProtocol, maxHops))
}

// maxHops bounds how often a request is led elsewhere.
const maxHops = 5

// Attach connects the terminal to a shell at the target.
func (s *Session) Attach(ctx context.Context, ask *Ask, t connectors.Terminal) (connectors.Exit, error) {
	a, ok := s.conn.(connectors.Attacher)
	if !ok {
		return connectors.Exit{}, &policy.Refusal{Rule: policy.DefaultDeny, Reason: fmt.Sprintf("%q has no shell", s.target.Name)}
	}
	s.screen.Resize(t.Size.Width, t.Size.Height)
	ctx, end := s.bound(ctx)
	defer end(context.Canceled)
	e, err := a.Attach(ctx, &guard{s: s, ask: ask, end: end}, t)
	err = s.because(ctx, err)
	s.exited(e, err)
	return e, s.words(err)
}

func (s *Session) exited(e connectors.Exit, err error) {
	if err == nil {
		s.exit.Store(&e.Code)
	}
}

// bound ties ctx to the session's life. What it returns ends it, with a cause.
func (s *Session) bound(ctx context.Context) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(context.Cause(s.ctx)) })
	return ctx, func(cause error) { stop(); cancel(cause) }
}

// cause prefers why the session ended over what that did to an operation.
func (s *Session) cause(err error) error {
	if err == nil || s.ctx.Err() == nil {
		return err
	}
	return context.Cause(s.ctx)
}

// because prefers why the operation under ctx, or the session, was ended over what
// that did to it.
func (s *Session) because(ctx context.Context, err error) error {
	var why *policy.Refusal
	if err != nil && errors.As(context.Cause(ctx), &why) {
		return why
	}
	return s.cause(err)
}

func (s *Session) words(err error) error { return s.g.words(s.target.Name, err) }
