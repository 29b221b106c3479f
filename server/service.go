package server

import (
	"context"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/server/session"
	"github.com/sallyport/sallyport/tui"
)

// service is a session on an HTTP service.
type service struct {
	*session.Session
	who policy.Identity
}

var (
	_ tui.Service  = (*service)(nil)
	_ tui.Services = (*backend)(nil)
)

// OpenService is Open for HTTP services.
func (b *backend) OpenService(ctx context.Context, resource string) (tui.Service, error) {
	a := b.a
	live, cancel := context.WithCancelCause(a.ctx)
	stop := context.AfterFunc(ctx, func() { cancel(context.Cause(ctx)) })
	s, err := b.v.Open(live, resource, policy.ActionHTTP, session.Screen{Term: a.term, Width: a.size.Width, Height: a.size.Height})
	stop()
	if err != nil {
		cancel(err)
		return nil, err
	}
	return &service{s, b.v.Identity()}, nil
}

// Requests are those of the configuration.
func (s *service) Requests() []connectors.SavedRequest {
	if t := s.Target().Endpoint.HTTP; t != nil {
		return t.Requests
	}
	return nil
}

// Explain says what the gate would do with the request, and why.
func (s *service) Explain(ctx context.Context, text string) (tui.Why, error) {
	y, err := s.Session.Explain(ctx, text)
	return whyOf(s.who, y), err
}

// Request sends one request.
func (s *service) Request(ctx context.Context, text string, ask *tui.Ask, w connectors.ResponseWriter) error {
	var gate *session.Ask
	if ask != nil {
		gate = &session.Ask{Reason: ask.Reason, Waiting: ask.Waiting, Later: ask.Later}
	}
	return s.Session.Request(ctx, text, gate, w)
}

func (s *service) Unmasking(_ context.Context, path string) (tui.Unmasking, error) {
	return tui.Unmasking(s.Session.Unmasking(path)), nil
}
