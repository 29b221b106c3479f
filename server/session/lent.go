package session

import (
	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// lent is what an operation may use of the requester's: what it asks for and the
// decision grants. Shells and commands alone ask.
func lent(op connectors.Operation, d policy.Decision) connectors.Borrows {
	if d.Effect == policy.Deny || op.Action != policy.ActionShell && op.Action != policy.ActionExec {
		return connectors.Borrows{}
	}
	return connectors.Borrows{Agent: op.Borrows.Agent && d.AgentForwarding, Display: op.Borrows.Display && d.X11Forwarding}
}

// asksToLend is the decision with what it lends narrowed to what is asked for: what an
// approval is a yes to, what the requester is told, and what is on record, is what the
// target comes to use, not what a rule would let it.
func asksToLend(op connectors.Operation, d policy.Decision) policy.Decision {
	b := lent(op, d)
	d.AgentForwarding, d.X11Forwarding = b.Agent, b.Display
	return d
}

// mayLend is what of the visitor's may come to be used at the target.
func (s *Session) mayLend() connectors.Borrows {
	r := s.g.rules.Load()
	agent, display := r.Policy.For(*s.who.Load(), s.facts(0), s.g.o.Now()).Lends(&s.target.Resource)
	return connectors.Borrows{Agent: agent, Display: display}
}

// MayLend is what of this person's a host may come to use, anywhere.
func (v *Visit) MayLend() connectors.Borrows {
	agent, display := v.view(v.g.rules.Load()).Lends(nil)
	return connectors.Borrows{Agent: agent, Display: display}
}
