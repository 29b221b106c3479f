package session

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// Command runs an operation for each word.
func (c *targetConn) Command(ctx context.Context, g connectors.Guard, words []string, _ connectors.Terminal) (connectors.Exit, error) {
	for _, w := range words {
		if w == "?" {
			return connectors.Exit{}, &connectors.LineError{Text: "what?"}
		}
		if err := g.Note(ctx, "before "+w); err != nil {
			return connectors.Exit{}, err
		}
		p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionSQL, Text: w, Facts: facts(w), Login: "app"})
		if err != nil {
			return connectors.Exit{}, err
		}
		c.d.mu.Lock()
		c.d.ran = append(c.d.ran, w)
		c.d.mu.Unlock()
		p.Done(connectors.Outcome{Affected: -1})
		if err := ctx.Err(); err != nil {
			return connectors.Exit{}, err
		}
	}
	return connectors.Exit{Code: 3}, nil
}

// TestCommand: a line is as many operations as it needs, one after the other; the
// first that is refused ends it, and what ran before stands.
func TestCommand(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	exit, err := s.Command(t.Context(), []string{"read", "read", "read"}, nil, connectors.Terminal{})
	if err != nil || exit.Code != 3 || len(w.target.reached()) != 3 {
		t.Fatalf("%+v %v %q", exit, err, w.target.reached())
	}
	_, err = s.Command(t.Context(), []string{"read", "ddl", "read"}, nil, connectors.Terminal{})
	var refusal *policy.Refusal
	if !errors.As(err, &refusal) || refusal.Rule != "engineer/no-schema" || len(w.target.reached()) != 4 {
		t.Fatalf("%v %q", err, w.target.reached())
	}
	_, err = s.Command(t.Context(), []string{"write"}, nil, connectors.Terminal{})
	var needed *policy.ApprovalNeeded
	if !errors.As(err, &needed) || len(w.target.reached()) != 4 {
		t.Fatalf("%v %q", err, w.target.reached())
	}
	_, err = s.Command(t.Context(), []string{"?"}, nil, connectors.Terminal{})
	var wrong *connectors.LineError
	if !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	// The session goes on.
	if _, err := s.Command(t.Context(), []string{"read"}, nil, connectors.Terminal{}); err != nil {
		t.Fatal(err)
	}
}

// TestCommandIsEnded: a change of the rules that forbids what runs ends the line.
func TestCommandIsEnded(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	ctx, end := s.bound(t.Context())
	defer end(context.Canceled)
	g := &lineGuard{s: s, end: end}
	p, err := g.Check(ctx, connectors.Operation{Action: policy.ActionSQL, Text: "read", Facts: facts("read"), Login: "app"})
	if err != nil {
		t.Fatal(err)
	}
	why := &policy.Refusal{Rule: "x", Reason: "the rules changed"}
	p.(*permit).g.end(why)
	p.Done(connectors.Outcome{Err: why})
	if !errors.Is(context.Cause(ctx), why) {
		t.Errorf("the line goes on: %v", context.Cause(ctx))
	}
}

// TestImpersonation: the target is told the person, with the prefix before every
// name, and nobody where the resource does not say so.
func TestImpersonation(t *testing.T) {
	s := &Session{v: Visitor{Identity: alice}}
	if s.impersonation() != nil {
		t.Error("somebody is impersonated")
	}
	s.target.Impersonate = &Impersonate{Prefix: "sp:"}
	as := s.impersonation()
	if as.User != "sp:alice@x.example" || strings.Join(as.Groups, " ") != "sp:engineering" {
		t.Errorf("%+v", as)
	}
	s.v.Identity.Email = ""
	if as := s.impersonation(); as.User != "sp:1" {
		t.Errorf("%+v", as)
	}
}

// TestLineAction: what a line of kubectl is when it runs.
func TestLineAction(t *testing.T) {
	c := Target{Resource: policy.Resource{Kind: kindKubernetes}}
	for text, want := range map[string]policy.Action{
		"get pods": policy.ActionKubernetes, "kubectl get pods": policy.ActionKubernetes, "GET /api/v1/pods": policy.ActionKubernetes,
		"exec web -- id": policy.ActionExec, "exec web -- ssh -t x": policy.ActionExec, "kubectl exec -it web -- sh": policy.ActionShell, "attach web": policy.ActionShell, "port-forward web 80": policy.ActionForward, "": policy.ActionShell,
	} {
		if got := c.DefaultAction(c.Spelled("", text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	if (Target{Resource: policy.Resource{Kind: "ssh"}}).Spelled("", "get x") != "get x" {
		t.Error("a host's command is no line of kubectl")
	}
}
