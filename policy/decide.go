package policy

import (
	"slices"
	"time"
)

// Decide judges one operation.
//
// Of all rules that match it, in the roles of this person that cover the
// resource, the strongest decides: deny beats approve beats allow. Of several
// approve rules the one that demands the most people decides, then one that asks
// for a reason, and only its groups may say yes; of those that are still equal,
// and of several denies or allows, the one with the least id. So neither the
// order of roles and rules nor that of groups matters. Where no rule matches, the
// decision is DefaultDeny's.
//
// A condition that cannot be computed counts as true in a deny and an approve
// rule, which only take away, and as false in an allow rule.
//
// An operation that concerns several files is judged for each; the strictest
// decision counts, and the tightest limits.
func (p *Policy) Decide(r Request) Decision {
	if len(r.Facts.Files) > 0 {
		_, d := p.strictest(r.each())
		return d
	}
	return p.decideOne(r)
}

func (p *Policy) decideOne(r Request) Decision {
	v := p.judge(scopeOf(&r), wordsOf(r.Action, r.Facts.Class))
	d := v.decision()
	d.Reason = reason(&r, &v)
	return d
}

func scopeOf(r *Request) *scope {
	return &scope{identity: &r.Identity, resource: &r.Resource, session: &r.Session, now: r.Now, op: &judged{action: r.Action, facts: &r.Facts}}
}

// verdict is what the rules that were tried so far come to.
type verdict struct {
	rule *rule // nil for none
	err  error // why its condition could not be computed, if so
	// failed is an allow rule of which only a condition that could not be computed
	// was in the way, and why.
	failed *rule
	why    error
	// limits are the widest of the allow rules that match, if any does.
	limits Limits
	allows bool
	// full: a rule that matches keeps answers in full. binary: an allow rule that
	// matches lets output pass that is no text.
	full, binary bool
	lends        lends // what allow rules that match do
}

// judge tries every rule that speaks one of the words.
func (p *Policy) judge(s *scope, ws words) (v verdict) {
	if p == nil || ws == 0 {
		return v
	}
	var buf [16]uint64
	roles := p.among(p.covering(s.identity, buf[:0]), p.index.find(s.resource), s.resource, ws)
	for n := roles.next(0); n >= 0; n = roles.next(n + 1) {
		v.role(&p.roles[n], s, ws)
	}
	return v
}

// among are those of the roles that speak one of the words and cover the resource,
// which is in the area with this number, if that is known. They are in the memory
// of roles.
func (p *Policy) among(roles set, area int, res *Resource, ws words) set {
	if area >= 0 {
		roles = roles.and(p.index.areas[area].roles)
	}
	for n := roles.next(0); n >= 0; n = roles.next(n + 1) {
		if r := &p.roles[n]; r.says&ws == 0 || area < 0 && !r.where.matches(res) {
			roles = roles.without(n)
		}
	}
	return roles
}

// covering are the roles that speak for the identity, in buf's memory where it
// is large enough.
func (p *Policy) covering(id *Identity, buf set) set {
	roles := buf.or(p.anyone)
	for _, g := range id.Groups {
		roles = roles.or(p.byGroup[g])
	}
	for n := roles.next(0); n >= 0; n = roles.next(n + 1) {
		if r := &p.roles[n]; len(r.claims) > 0 && !r.hasClaims(id) {
			roles = roles.without(n)
		}
	}
	return roles
}

// role tries the rules of a role that covers person and resource.
func (v *verdict) role(r *role, s *scope, ws words) {
	var outer answer
	asked := false
	for j := range r.rules {
		u := &r.rules[j]
		if u.words&ws == 0 || v.settled(u) {
			continue
		}
		if !asked {
			outer, asked = r.when.ask(s), true
		}
		a := outer
		if a.is != no {
			a = a.and(u.when.ask(s))
		}
		v.take(u, a)
	}
}

// settled reports whether the rule can change nothing any more, so that its
// condition need not be computed: it is weaker than the one that decides, and
// neither its limits nor what it keeps and lets pass add to what others grant.
func (v *verdict) settled(u *rule) bool {
	switch {
	case v.rule == nil || stronger(v.rule, u) == u:
		return false
	case v.rule.effect == Deny:
		return true
	case u.effect == Allow && v.rule.effect == Allow && (!u.limits.within(v.limits) || u.binary && !v.binary || u.lends&^v.lends != 0):
		return false
	}
	return v.full || u.keep == KeepDigest
}

// take takes a rule in, by what its conditions say.
func (v *verdict) take(u *rule, a answer) {
	switch {
	case a.is == broken && u.effect == Allow:
		if v.failed == nil || u.id < v.failed.id {
			v.failed, v.why = u, a.err
		}
		return
	case a.is == no:
		return
	}
	if stronger(v.rule, u) == u {
		v.rule, v.err = u, a.err
	}
	if u.effect == Allow {
		v.grant(u.limits)
		v.binary = v.binary || u.binary
		v.lends |= u.lends
	}
	v.full = v.full || u.effect != Deny && u.keep == KeepFull
}

// grant widens the limits.
func (v *verdict) grant(l Limits) {
	if v.allows {
		l = v.limits.Widest(l)
	}
	v.limits, v.allows = l, true
}

// stronger is the one of two rules that decides; a may be nil.
func stronger(a, b *rule) *rule {
	switch {
	case a == nil || b.effect < a.effect:
		return b
	case b.effect > a.effect || b.need < a.need:
		return a
	case b.need > a.need || b.askReason && !a.askReason:
		return b
	case a.askReason && !b.askReason:
		return a
	case b.id < a.id:
		return b
	}
	return a
}

// decision is the verdict's, without a reason; that of no rule is DefaultDeny's.
func (v *verdict) decision() Decision {
	r := v.rule
	if r == nil {
		return Decision{Effect: Deny, Rule: DefaultDeny}
	}
	d := Decision{Effect: r.effect, Rule: r.id, Approvers: slices.Clone(r.by), Need: r.need, Wait: r.wait, Lasts: r.lasts, ReasonRequired: r.askReason}
	switch r.effect {
	case Allow:
		d.Limits, d.Binary = v.limits, v.binary
		d.AgentForwarding, d.X11Forwarding = v.lends&lendsAgent != 0, v.lends&lendsX11 != 0
	case Approve:
		d.Limits, d.Binary = r.limits, r.binary
		d.AgentForwarding, d.X11Forwarding = r.lends&lendsAgent != 0, r.lends&lendsX11 != 0
	}
	if r.effect != Deny && !v.full {
		d.Results = KeepDigest
	}
	return d
}

// MayOpen judges whether the resource may be opened at all: whether there is
// anything there that this person is allowed, or may ask approval for. Its
// effect is Allow or Deny, it names the rule that gives the most, and its limits
// are the widest of all that may be done. It is that of For with a session and a
// time that are not known.
func (p *Policy) MayOpen(id Identity, res Resource) Decision {
	return p.For(id, Session{}, time.Time{}).MayOpen(res)
}

// Rights explains, for everything that can be asked of the resource's kind, what
// this person gets there. It is that of For with a session and a time that are
// not known.
func (p *Policy) Rights(id Identity, res Resource) []Right {
	return slices.Clone(p.For(id, Session{}, time.Time{}).Rights(res))
}

// MasksFor returns the two plans for this person on this resource. It is Masks
// of For with a session and a time that are not known, for which no role with a
// condition about them reveals anything.
func (p *Policy) MasksFor(id Identity, res Resource) Masks {
	return p.For(id, Session{}, time.Time{}).masks(&res)
}

// SeesTranscript reports whether id may see a transcript of owner on the
// resource (zero for the bastion's own) and by which role. One's own are always
// seen, by no role: role is "" then.
func (p *Policy) SeesTranscript(id, owner Identity, res Resource) (role string, ok bool) {
	return p.For(id, Session{}, time.Time{}).SeesTranscript(owner, res)
}
