package session

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// What was lent is taken back when the rule no longer lends it: the operation ends. One
// that never asked for it goes on.
func TestLentIsTakenBack(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	with := func(r policy.Rule) {
		roles := slices.Clone(testRoles)
		roles[0].Rules = append(slices.Clone(roles[0].Rules), r)
		w.swap(t, nil, roles)
	}
	op := connectors.Operation{Action: policy.ActionShell, Text: "shell", Facts: policy.Facts{Class: policy.Unknown}, Borrows: connectors.Borrows{Agent: true, Display: true}}
	begun := func(op connectors.Operation) *asked {
		d, m, err := s.decide(op, 0)
		if err != nil || d.Effect != policy.Allow {
			t.Fatalf("%v, %v", d, err)
		}
		return &asked{op: op, masks: m.revision(), rules: w.gate.rules.Load(), lent: lent(op, d)}
	}
	with(policy.Rule{Name: "sh", Allow: []string{"shell"}, AgentForwarding: true})
	a := begun(op)
	if a.lent != (connectors.Borrows{Agent: true}) {
		t.Fatalf("lent %+v", a.lent)
	}
	plain := op
	plain.Borrows = connectors.Borrows{}
	b := begun(plain)
	if b.lent != (connectors.Borrows{}) {
		t.Errorf("what nobody asked for was lent: %+v", b.lent)
	}
	if got := s.mayLend(); !got.Agent || got.Display {
		t.Errorf("may lend %+v", got)
	}
	with(policy.Rule{Name: "sh", Allow: []string{"shell"}})
	if why := s.stopped(w.gate.rules.Load(), a); why == nil || !strings.Contains(why.Reason, "what is yours") {
		t.Errorf("it goes on: %v", why)
	}
	if why := s.stopped(w.gate.rules.Load(), b); why != nil {
		t.Errorf("it was ended: %v", why)
	}
	if got := w.visit(alice).MayLend(); got != (connectors.Borrows{}) {
		t.Errorf("may lend %+v", got)
	}
	sql := op
	sql.Action = policy.ActionSQL
	if got := lent(sql, policy.Decision{Effect: policy.Allow, AgentForwarding: true}); got != (connectors.Borrows{}) {
		t.Errorf("a statement was lent %+v", got)
	}
}

// An approval names what it lends, and lends nothing that it does not name: a yes to a
// shell without the agent is none to one with it, nor the reverse.
func TestApprovalNamesWhatItLends(t *testing.T) {
	w := newWorld(t)
	roles := slices.Clone(testRoles)
	roles[0].Rules = append(slices.Clone(roles[0].Rules), policy.Rule{Name: "sh", Approve: []string{"shell"}, By: []string{"dba"}, Wait: "1m", AgentForwarding: true})
	w.swap(t, nil, roles)
	s := w.open(t, alice)
	shell := func(b connectors.Borrows, ask *Ask) (connectors.Permit, error) {
		g := &guard{s: s, ask: ask, end: func(error) {}}
		return g.Check(t.Context(), connectors.Operation{Action: policy.ActionShell, Text: "shell", Facts: policy.Facts{Class: policy.Unknown}, Borrows: b})
	}
	agent := connectors.Borrows{Agent: true}
	var needed *policy.ApprovalNeeded
	if _, err := shell(connectors.Borrows{Agent: true, Display: true}, nil); !errors.As(err, &needed) || !slices.Equal(needed.Decision.Lent(), []string{"agent forwarding"}) {
		t.Errorf("the requester is told of %v, %v", needed, err)
	}
	if _, err := shell(connectors.Borrows{}, nil); !errors.As(err, &needed) || len(needed.Decision.Lent()) != 0 {
		t.Errorf("the requester who offers nothing is told of %v, %v", needed.Decision.Lent(), err)
	}
	// grant has a yes given, which nobody uses yet.
	grant := func(b connectors.Borrows) policy.Approval {
		var id string
		_, err := shell(b, &Ask{Reason: "r", Wait: -1, Waiting: func(a policy.Approval) { id = a.ID; w.vote(t, bob, true)(a) }})
		var refusal *policy.Refusal
		if !errors.As(err, &refusal) || id == "" {
			t.Fatalf("asking: %v", err)
		}
		a, err := w.visit(bob).Approval(t.Context(), id)
		if err != nil || a.State != policy.ApprovalGranted {
			t.Fatalf("%+v, %v", a, err)
		}
		return a
	}
	for _, c := range []struct{ asked, other connectors.Borrows }{{connectors.Borrows{}, agent}, {agent, connectors.Borrows{}}} {
		a := grant(c.asked)
		if a.AgentForwarding != c.asked.Agent || a.X11Forwarding {
			t.Errorf("asked with %+v, the approver sees %v", c.asked, a.Lent())
		}
		if p, err := shell(c.other, nil); !errors.As(err, &needed) {
			t.Errorf("a yes with %+v let one run with %+v: %v, %v", c.asked, c.other, p, err)
		}
		p, err := shell(c.asked, nil)
		if err != nil {
			t.Fatalf("with %+v: %v", c.asked, err)
		}
		if got := p.Terms().Borrows; got != c.asked {
			t.Errorf("a yes with %+v lends %+v", c.asked, got)
		}
		p.Done(connectors.Outcome{})
	}
	if got := strings.Join(w.evidence(t, s.ID(), recorder.KindDecision), "\n"); !strings.Contains(got, `"lent":["agent forwarding"]`) {
		t.Errorf("the record says nothing of it: %s", got)
	}
}
