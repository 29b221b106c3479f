package session

import (
	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
)

var _ connectors.Masker = (*guard)(nil)

// Masks is what the transcript keeps masked of the resource by the rules that
// hold now, whoever looks: the strictest plan. It withholds everything where the
// resource is not what it was when it was opened.
func (g *guard) Masks() (*mask.Plan, error) {
	s := g.s
	r := s.g.rules.Load()
	now, ok := r.Targets[s.target.Name]
	if !ok || now.Revision != s.target.Revision {
		return nil, nil
	}
	_, kept, err := plans(r.Policy.MasksFor(s.v.Identity, now.Resource))
	return kept, err
}

// endpoint is the way to the target, with that to the credential of its second
// login: a driver fetches it only where it needs it.
func (t Target) endpoint() connectors.Endpoint {
	e := t.Endpoint
	if e.Masked != nil {
		login := connectors.Login{User: e.Masked.User}
		if t.Masked != nil {
			login.Secret = t.Masked.Get
		}
		e.Masked = &login
	}
	return e
}
