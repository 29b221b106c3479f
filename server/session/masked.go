package session

import (
	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

var _ connectors.Masker = (*guard)(nil)

// Masks are the two plans by the rules that hold now. They withhold everything
// where the resource is not what it was when it was opened.
func (g *guard) Masks() (seen, kept *mask.Plan, err error) {
	s := g.s
	r := s.g.rules.Load()
	now, ok := r.Targets[s.target.Name]
	if !ok || now.Revision != s.target.Revision {
		return nil, nil, nil
	}
	return r.Masking.plans(r.Policy.MasksFor(*s.who.Load(), now.Resource))
}

// Reach is the way to the target, with those to its credential where it is needed again,
// and to those of its second login and of the hosts on the way: a driver fetches them
// only where it needs them.
func (t Target) Reach() connectors.Endpoint {
	e := t.Endpoint
	if t.Secret != nil {
		e.Again = t.Secret.Get
	}
	e.Via = t.Via.on()
	if e.Masked != nil {
		login := connectors.Login{User: e.Masked.User}
		if t.Masked != nil {
			login.Secret = t.Masked.Get
		}
		e.Masked = &login
	}
	return e
}
