package session

import (
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// masks are the two plans of an operation and their names.
type masks struct {
	seen, kept *mask.Plan
	names      []string
	clear      []string // columns that seen shows although they are masked
}

// revision identifies both plans: an approval binds to it.
func (m masks) revision() string {
	if m.seen == nil {
		return ""
	}
	return m.seen.Revision() + "/" + m.kept.Revision()
}

// changed refuses what was begun on another configuration of the resource.
var changed = policy.Decision{Rule: policy.DefaultDeny, Reason: "the resource's configuration changed: open it again"}

// present is the resource as the rules have it now; not ok where it is gone or
// leads elsewhere than when the session was opened.
func (s *Session) present(r *Rules) (policy.Resource, bool) {
	now, ok := r.Targets[s.target.Name]
	return now.Resource, ok && now.Revision == s.target.Revision
}

// facts are what policy may know of the session.
func (s *Session) facts(before int64) policy.Session {
	return policy.Session{From: Address(s.v.From), Opened: s.opened, Operations: before}
}

// decide judges by the rules that hold now.
func (s *Session) decide(op connectors.Operation, before int64) (policy.Decision, masks, error) {
	return s.decideBy(s.g.rules.Load(), op, before)
}

func (s *Session) decideBy(r *Rules, op connectors.Operation, before int64) (policy.Decision, masks, error) {
	res, ok := s.present(r)
	if !ok {
		return changed, masks{}, nil
	}
	return judge(r, s.request(res, op, before), op)
}

// request is what policy is asked about an operation of this session.
func (s *Session) request(res policy.Resource, op connectors.Operation, before int64) policy.Request {
	return policy.Request{Identity: *s.who.Load(), Resource: res, Action: op.Action, Facts: op.Facts, Session: s.facts(before), Now: s.g.o.Now()}
}

// judge is the whole of the second decision: policy's, and what masks forbid. A
// form whose rows go elsewhere than into the result, over a table on which the
// transcript keeps a mask, is denied: what it copies could be read back without
// its origin; and so is a change that reads a masked column.
func judge(r *Rules, q policy.Request, op connectors.Operation) (policy.Decision, masks, error) {
	p := r.Policy
	pm := p.For(q.Identity, q.Session, q.Now).Masks(q.Resource)
	seen, kept, err := r.Masking.plans(pm)
	if err != nil {
		return policy.Decision{Rule: policy.DefaultDeny}, masks{}, fmt.Errorf("compile masks of %q: %w", q.Resource.Name, err)
	}
	m := masks{seen: seen, kept: kept}
	for _, k := range pm.Kept {
		if !slices.Contains(m.names, k.Name) {
			m.names = append(m.names, k.Name)
		}
	}
	d := underMasks(p.Decide(q), m, op)
	if len(op.Cleartext) > 0 && d.Effect != policy.Deny {
		return cleared(r, q, op, pm, d, m)
	}
	return d, m, nil
}

// underMasks is a decision, or the denial of an operation that would carry masked
// values past their mask.
func underMasks(d policy.Decision, m masks, op connectors.Operation) policy.Decision {
	if d.Effect == policy.Deny {
		return d
	}
	if why := carries(m.kept, op); why != "" {
		return policy.Decision{Rule: maskRule(m.names), Reason: why}
	}
	// What is not understood is left to the target first: it may be a slip.
	if op.Trace.Understood() {
		if no := op.Trace.Refusal(m.seen, m.kept, op.Facts); no != nil {
			return policy.Decision{Rule: no.Rule, Reason: no.Reason}
		}
	}
	return d
}

// carries says how an operation would take masked values past the mask, "" if it
// would not. It goes by what the transcript keeps masked: what one person may
// see must not become readable for all.
func carries(kept *mask.Plan, op connectors.Operation) string {
	if op.Action != policy.ActionSQL {
		return ""
	}
	f := op.Facts
	if f.Copies && connectors.Touches(kept, f) {
		return f.Form + " over a table with masked columns would carry them past the mask"
	}
	if !op.Trace.Understood() && f.Opaque && f.Class.Severity() >= policy.Write.Severity() && connectors.Touches(kept, f) {
		why := "it cannot be told what this change reads, so it could carry masked columns past the mask"
		if op.Trace != nil && op.Trace.Why != "" {
			why += ": " + op.Trace.Why
		}
		return why
	}
	if c, ok := connectors.MaskedRead(kept, op.Reads); ok {
		return "the change reads the masked column " + c.Table + "." + c.Name + ", which would carry it past the mask"
	}
	return ""
}

func maskRule(names []string) string {
	if len(names) == 0 {
		return "masks"
	}
	return "masks/" + names[0]
}

// mayOpen is the first decision: may this person open the resource at all. With
// it come the limits of the session: the widest of what this person has there,
// since nobody knows yet what will be asked; each operation tightens them.
func mayOpen(v *policy.View, res policy.Resource) (policy.Decision, []policy.Decision) {
	d := v.MayOpen(res)
	if d.Effect == policy.Deny {
		return d, nil
	}
	return d, named(d, v.Rights(res))
}

// named are the limits of a session, each by itself, with the rule that sets it.
func named(d policy.Decision, rights []policy.Right) []policy.Decision {
	var out []policy.Decision
	for _, l := range []policy.Limits{{Session: d.Limits.Session}, {Idle: d.Limits.Idle}, {Sessions: d.Limits.Sessions}} {
		if l == (policy.Limits{}) {
			continue
		}
		one := policy.Decision{Rule: d.Rule, Limits: l}
		for _, r := range rights {
			if r.Effect != policy.Deny && sets(r.Limits, l) {
				one.Rule = r.Rule
				break
			}
		}
		out = append(out, one)
	}
	return out
}

// sets reports whether the one limit that l has is that of the limits, too.
func sets(limits, l policy.Limits) bool {
	return l.Session > 0 && limits.Session == l.Session || l.Idle > 0 && limits.Idle == l.Idle || l.Sessions > 0 && limits.Sessions == l.Sessions
}
