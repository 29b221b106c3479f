package session

import (
	"slices"
	"strings"
	"testing"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
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
