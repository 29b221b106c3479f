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
