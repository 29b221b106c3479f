package tui

import (
	"context"
	"errors"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Services is a Backend that opens HTTP services (kinds with the power "http").
type Services interface {
	OpenService(ctx context.Context, resource string) (Service, error)
}

// Service is one open session on an HTTP service. Its methods are as those of
// Workspace.
type Service interface {
	ID() recorder.ID
	// Requests are saved for everybody.
	Requests() []connectors.SavedRequest
	Judge(ctx context.Context, text string) (policy.Decision, policy.Facts, error)
	Explain(ctx context.Context, text string) (Why, error)
	// Unmasking tells who may see what a mask of this path hides.
	Unmasking(ctx context.Context, path string) (Unmasking, error)
	// Request sends one request, "METHOD target", header fields, an empty line and a
	// body, and hands its answer to w as it comes. ask is as in Workspace.Run.
	Request(ctx context.Context, text string, ask *Ask, w connectors.ResponseWriter) error
	Warnings() []string
	Key(k string) error
	Ended() <-chan struct{}
	Err() error
	Close() error
}

var errNoPage = errors.New("there is no screen for it here: its verbs work")

// opens is how a resource with that power is opened.
func opens(be Backend, power string) func(ctx context.Context, resource string) (opened, error) {
	if power == "command" {
		r, ok := be.(Runbooks)
		return func(ctx context.Context, resource string) (opened, error) {
			if !ok {
				return nil, errNoPage
			}
			rb, err := r.OpenRunbook(ctx, resource)
			if err != nil {
				return nil, err
			}
			return rb, nil
		}
	}
	if power != "http" {
		return func(ctx context.Context, resource string) (opened, error) {
			ws, err := be.Open(ctx, resource)
			if err != nil {
				return nil, err
			}
			return ws, nil
		}
	}
	s, ok := be.(Services)
	return func(ctx context.Context, resource string) (opened, error) {
		if !ok {
			return nil, errNoPage
		}
		svc, err := s.OpenService(ctx, resource)
		if err != nil {
			return nil, err
		}
		return svc, nil
	}
}

// pageOf is the page for what was opened.
func (e *env) pageOf(l Listing, h opened) page {
	switch s := h.(type) {
	case Service:
		return newHTTPPage(e, l, s)
	case Runbook:
		return newRunbook(e, l, s)
	}
	return newWorkspace(e, l, h.(Workspace))
}
