package tuitest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// ServiceListing is an HTTP service, as alice sees it.
func ServiceListing() tui.Listing {
	return tui.Listing{Resource: policy.Resource{Name: "billing-api", Kind: "http", Labels: map[string]string{"env": "prod", "team": "shop"}}, Power: "http",
		Description: "Invoices.",
		Rights: []policy.Right{{What: "read", Decision: policy.Decision{Effect: policy.Allow, Rule: "billing/looks"}},
			{What: "write", Decision: policy.Decision{Effect: policy.Approve, Rule: "billing/changes", Approvers: []string{"dba"}}}},
		Masks: []policy.MaskRule{{Name: "people", Path: "$.**.phone", Method: "redact"}, {Name: "people", Path: "$.**.email", Method: "redact"}}, Detect: []string{"card"}}
}

var _ tui.Services = (*backend)(nil)

// OpenService opens the fake service.
func (b *backend) OpenService(_ context.Context, resource string) (tui.Service, error) {
	if err := b.Fail["open"]; err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	s := &Service{Workspace: Workspace{b: b, resource: resource, id: recorder.ID(fmt.Sprintf("20261123T1930-%04d", b.seq)), ended: make(chan struct{})}}
	b.services = append(b.services, s)
	return s, nil
}

// Service is a fake session on an HTTP service: a GET of /customers answers JSON
// with masked values, one of /events one line a second, one of /hostile what tries
// to drive a terminal.
type Service struct {
	Workspace
	more sync.Mutex
	sent []string
}

// Serving is the last service that was opened.
func (b *Bastion) Serving() *Service {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.services) == 0 {
		return nil
	}
	return b.services[len(b.services)-1]
}

// Sent are the requests that reached the service.
func (s *Service) Sent() []string {
	s.more.Lock()
	defer s.more.Unlock()
	return slices.Clone(s.sent)
}

func (s *Service) Warnings() []string { return nil }

func (s *Service) Requests() []connectors.SavedRequest {
	return []connectors.SavedRequest{
		{Name: "customers", Description: "all of them", Method: "GET", Path: "/customers"},
		{Name: "void an invoice", Method: "POST", Path: "/invoices/{invoice}/void", Fields: []connectors.Field{{Name: "Content-Type", Value: "application/json"}},
			Body: `{"reason": "{reason}"}`},
	}
}

func judgeRequest(text string) (policy.Decision, policy.Facts) {
	method, _, _ := strings.Cut(text, " ")
	switch method {
	case "GET", "HEAD":
		return policy.Decision{Effect: policy.Allow, Rule: "billing/looks"}, policy.Facts{Class: policy.Read, Verb: method}
	case "POST", "DELETE":
		return policy.Decision{Effect: policy.Approve, Rule: "billing/changes", Approvers: []string{"dba"}, Need: 1, Reason: "two people change invoices"},
			policy.Facts{Class: policy.Write, Verb: method, Why: method + " changes what is there"}
	}
	return policy.Decision{Rule: policy.DefaultDeny, Reason: "no rule allows it"}, policy.Facts{Class: policy.Unknown, Verb: method}
}

func (s *Service) Judge(_ context.Context, text string) (policy.Decision, policy.Facts, error) {
	d, f := judgeRequest(text)
	return d, f, nil
}

// Explain explains what judgeRequest says.
func (s *Service) Explain(_ context.Context, text string) (tui.Why, error) {
	d, f := judgeRequest(text)
	return tui.Why{Who: s.b.id, Resource: ServiceListing().Resource, Action: policy.ActionHTTP, Text: text, Facts: f,
		Explanation: policy.Explanation{Decision: d, Tried: []policy.Trial{{Rule: d.Rule, Effect: d.Effect, Matched: true, Place: "policy.yaml:12", Why: "engineering; billing-api; " + f.Class.String()}}},
		Masks:       ServiceListing().Masks}, nil
}

func (s *Service) Unmasking(context.Context, string) (tui.Unmasking, error) {
	return tui.Unmasking{Roles: []string{"billing-support (dba)"}}, nil
}

func (s *Service) Request(ctx context.Context, text string, ask *tui.Ask, w connectors.ResponseWriter) error {
	d, f := judgeRequest(text)
	switch {
	case d.Effect == policy.Deny:
		return &policy.Refusal{Rule: d.Rule, Reason: d.Reason}
	case d.Effect == policy.Approve && ask == nil:
		return &policy.ApprovalNeeded{Decision: d, Facts: f}
	case d.Effect == policy.Approve:
		if err := s.wait(ctx, text, d, f, ask); err != nil {
			return err
		}
	}
	s.more.Lock()
	s.sent = append(s.sent, text)
	s.more.Unlock()
	_, path, _ := strings.Cut(strings.SplitN(text, "\n", 2)[0], " ")
	return s.answer(ctx, path, w)
}

func (s *Service) answer(ctx context.Context, path string, w connectors.ResponseWriter) error {
	fields := []connectors.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Set-Cookie", Value: "[masked]", Masked: true}}
	switch path {
	case "/customers":
		_ = w.Head(200, fields)
		body := "{\"customers\":[\n"
		for i := range 40 {
			before := fmt.Sprintf(`{"id":%d,"name":"%s","email":`, i+1, names[i%len(names)])
			w.(connectors.Marker).Masked(connectors.Mark{At: int64(len(body) + len(before)), Len: len(`"[masked]"`), By: "people"})
			body += before + `"[masked]","vip":true,"score":1.50,"tags":["a","b"],"note":null,"empty":{}}` + map[bool]string{true: ",\n"}[i < 39]
		}
		body += "\n],\"total\":40}\n"
		_, _ = io.WriteString(w, body)
	case "/events":
		_ = w.Head(200, []connectors.Field{{Name: "Content-Type", Value: "text/event-stream"}})
		for i := range 100 {
			_, _ = fmt.Fprintf(w, "data: event %d\n\n", i+1)
			select {
			case <-time.After(time.Second):
			case <-ctx.Done():
				return connectors.ErrCanceled
			}
		}
	case "/hostile":
		_ = w.Head(200, []connectors.Field{{Name: "Content-Type", Value: "text/plain"}, {Name: "X-Title", Value: "\x1b]0;owned\x07"}})
		_, _ = io.WriteString(w, "\x1b]52;c;b3duZWQ=\x07first \u202eline\n"+strings.Repeat("long ", 60)+"\n")
	default:
		_ = w.Head(404, fields[:1])
		_, _ = io.WriteString(w, `{"error":"there is no such thing"}`)
	}
	return nil
}
