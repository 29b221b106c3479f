package policy

import (
	"slices"
	"strings"
	"time"
)

// View is a policy as it is for one person at one time: what they may open, and
// what they may do there. It remembers what it found, so that thousands of
// resources cost little. It is not safe for concurrent use. What its methods
// return is shared: it must not be written to.
type View struct {
	p     *Policy
	id    Identity
	ses   Session
	now   time.Time
	roles set
	seen  []*access // by area
	who   string    // whom policy cannot tell from this person
}

// Access is what a person may do on a resource.
type Access struct {
	// Open says whether it may be opened, as MayOpen does.
	Open bool
	// Rule is the rule that gives the most; DefaultDeny, or the one that denies all.
	Rule   string
	Rights []Right
	Masks  Masks
	// Limits are the widest of all that may be done there: those of a session in
	// which nothing was asked yet.
	Limits Limits
	// Results is digest only if it is for all that may be done there.
	Results Keep
}

type access struct {
	Access
	best *rule
}

// Right is what a person gets for one sort of operation on a resource.
type Right struct {
	// What names the sort: a class (read, write, ddl, privilege, dangerous, unknown)
	// of the first action of the resource's kind, or an action and a class (exec
	// read), or an action alone where all its classes but unknown get the same.
	What string `json:"what"`
	// Decision is what Decide says of such an operation unless one of Except
	// matches; where Conditional, only if its rule's condition, When, holds, and
	// otherwise a denial.
	Decision
	Conditional bool   `json:"conditional,omitempty"`
	When        string `json:"when,omitempty"`
	// Except are stronger rules whose conditions depend on the operation.
	Except []Exception `json:"except,omitempty"`
}

// Exception is a rule that decides otherwise when its condition holds.
type Exception struct {
	Effect Effect `json:"-"`
	Rule   string `json:"rule"`
	When   string `json:"when"`
}

// For is the policy as it is for this person, in this session, at this time. A
// zero now, or a session without address, is not known: conditions that ask for
// it cannot be computed.
func (p *Policy) For(id Identity, ses Session, now time.Time) *View {
	v := &View{p: p, id: id, ses: ses, now: now, who: people(&id)}
	if p != nil {
		v.roles, v.seen = p.covering(&id, nil), make([]*access, len(p.index.areas))
	}
	return v
}

// MayOpen is Policy.MayOpen.
func (v *View) MayOpen(res Resource) Decision {
	a := v.access(&res)
	where := plain(res.Name)
	switch {
	case a.Open:
		return Decision{Effect: Allow, Rule: a.Rule, Reason: withWords("opening "+where+" is allowed", a.best.reason), Limits: a.Limits, Results: a.Results}
	case a.best != nil:
		return Decision{Effect: Deny, Rule: a.Rule, Reason: withWords("all there is on "+where+" is denied", a.best.reason)}
	}
	return Decision{Effect: Deny, Rule: DefaultDeny, Reason: unreached(&v.id, &res)}
}

// Rights is Policy.Rights.
func (v *View) Rights(res Resource) []Right { return v.access(&res).Rights }

// Access is all of it at once: what a listing needs of each resource.
func (v *View) Access(res Resource) Access { return v.access(&res).Access }

// access finds or remembers what is true of the resource's area.
func (v *View) access(res *Resource) *access {
	if v.p == nil {
		return v.find(res, -1)
	}
	n := v.p.index.find(res)
	if n < 0 {
		return v.find(res, n)
	}
	if a := v.seen[n]; a != nil {
		return a
	}
	a := v.find(res, n)
	if !v.aboutResource(n) {
		v.seen[n] = a
	}
	return a
}

// aboutResource reports whether a role there asks about the resource itself.
func (v *View) aboutResource(n int) bool {
	for i := v.roles.next(0); i >= 0; i = v.roles.next(i + 1) {
		if v.p.roles[i].aboutResource && v.p.index.areas[n].roles.has(i) {
			return true
		}
	}
	return false
}

// find tries every sort of operation there.
func (v *View) find(res *Resource, area int) *access {
	a := &access{Access: Access{Rule: DefaultDeny, Masks: v.masksIn(res, area)}}
	var opens, shuts *rule
	var terms verdict
	roles := set(nil)
	if v.p != nil {
		roles = v.p.among(slices.Clone(v.roles), area, res, everyWord)
	}
	ops := v.p.operations(res.Kind)
	a.Rights = make([]Right, 0, len(ops))
	s := &scope{identity: &v.id, resource: res, session: &v.ses, now: v.now, op: &judged{facts: &Facts{}}, early: true}
	for _, o := range ops {
		s.op.action, s.op.facts.Class = o.action, o.class
		e := v.early(s, roles, o)
		r, base := e.right(v.who, o)
		a.Rights = append(a.Rights, r)
		e.grants(&terms)
		switch {
		case base == nil:
		case r.Effect == Deny:
			shuts = least(shuts, base)
		case opens == nil || base.effect > opens.effect || base.effect == opens.effect && base.id < opens.id:
			opens = base
		}
	}
	a.Rights = alike(a.Rights, ops)
	if r, ok := v.unmasks(s, roles, ops, a.Masks); ok {
		a.Rights = append(a.Rights, r)
	}
	switch {
	case opens != nil:
		a.Open, a.Rule, a.best, a.Limits = true, opens.id, opens, terms.limits
		if !terms.full {
			a.Results = KeepDigest
		}
	case shuts != nil:
		a.Rule, a.best = shuts.id, shuts
	}
	return a
}

// unmasks is the right to ask for cleartext, where something is masked and a rule
// speaks of it. It opens nothing, and limits of a session do not come of it.
func (v *View) unmasks(s *scope, roles set, ops []operation, m Masks) (Right, bool) {
	if len(ops) == 0 || ops[0].action != ActionSQL || len(m.Seen) == 0 {
		return Right{}, false
	}
	o := operation{ActionUnmask, Read, wordUnmask, string(ActionUnmask), actions[ActionUnmask].many}
	s.op.action, s.op.facts.Class = o.action, o.class
	e := v.early(s, roles, o)
	r, base := e.right(v.who, o)
	return r, base != nil && r.Effect != Deny
}

func least(a, b *rule) *rule {
	if a == nil || b.id < a.id {
		return b
	}
	return a
}

// operations are what can be asked of a kind; everything of an unknown kind.
func (p *Policy) operations(kind string) []operation {
	if p != nil {
		if all, ok := p.kinds[kind]; ok {
			return all
		}
	}
	return operationsOf([]Action{ActionSQL, ActionExec, ActionHTTP, ActionKubernetes, ActionFile, ActionShell, ActionForward})
}

// early is what the rules come to before an operation is there: those that match
// any of its sort, and those that may.
type early struct {
	verdict
	open []opening
}

type opening struct {
	rule *rule
	when string
}

func (v *View) early(s *scope, roles set, o operation) (e early) {
	for n := roles.next(0); n >= 0; n = roles.next(n + 1) {
		r := &v.p.roles[n]
		for j := range r.rules {
			u := &r.rules[j]
			if u.words&o.words == 0 || e.settled(u) {
				continue
			}
			a := r.when.ask(s).and(u.when.ask(s))
			switch {
			case a.is != open:
				e.take(u, a)
			case a.err == nil || u.effect != Allow:
				e.open = append(e.open, opening{u, conditionsOf(r, u)})
			}
		}
	}
	if len(e.open) < 2 {
		return e
	}
	slices.SortFunc(e.open, func(a, b opening) int {
		if stronger(a.rule, b.rule) == a.rule {
			return -1
		}
		return 1
	})
	return e
}

// conditionsOf is the text of a rule's conditions that depend on the operation.
func conditionsOf(r *role, u *rule) string {
	var all []string
	for _, c := range []*condition{r.when, u.when} {
		if c.speaksOf(usesOperation) {
			all = append(all, strings.Join(strings.Fields(c.text), " "))
		}
	}
	if len(all) == 2 {
		return "(" + all[0] + ") && (" + all[1] + ")"
	}
	return strings.Join(all, "")
}

// right is what a sort of operation gets, and the rule that gives it.
func (e *early) right(who string, o operation) (Right, *rule) {
	r := Right{What: o.what}
	base := e.verdict
	if base.rule == nil {
		// Nothing matches for certain: what may match gives the most it can.
		var most *opening
		for i := range e.open {
			if u := &e.open[i]; u.rule.effect != Deny && (most == nil || u.rule.effect > most.rule.effect) {
				most = u
			}
		}
		if most != nil {
			base.take(most.rule, answer{is: yes})
			r.Conditional, r.When = true, most.when
			for _, u := range e.open { // others of the same effect open it, too
				if u.rule != most.rule && u.rule.effect == most.rule.effect && u.when != most.when {
					r.When += "; or " + u.when
				}
			}
		}
	}
	for _, u := range e.open {
		if base.rule != nil && u.rule != base.rule && stronger(base.rule, u.rule) == u.rule && u.rule.effect < base.rule.effect {
			r.Except = append(r.Except, Exception{u.rule.effect, u.rule.id, u.when})
		}
	}
	r.Decision = base.decision()
	r.Reason = rightReason(o.many, who, base.rule, &r)
	return r, base.rule
}

// grants adds the terms of whatever may be granted.
func (e *early) grants(terms *verdict) {
	if e.rule != nil && e.rule.effect != Deny {
		d := e.decision()
		terms.grant(d.Limits)
		terms.full = terms.full || d.Results == KeepFull
	}
	for _, u := range e.open {
		if u.rule.effect != Deny && (e.rule == nil || e.rule.effect != Deny) {
			terms.grant(u.rule.limits)
			terms.full = terms.full || u.rule.keep == KeepFull
		}
	}
}

// alike puts one right for the classes of an action, unknown apart, where all get
// the same. What it returns is in the memory of rights.
func alike(rights []Right, ops []operation) []Right {
	out := rights[:0]
	for i := 0; i < len(rights); i++ {
		n := 1
		if ops[i].class == Read {
			for n < len(severity) && same(rights[i], rights[i+n]) {
				n++
			}
		}
		r := rights[i] // before out reaches it
		if n == len(severity) {
			r.What = string(ops[i].action)
			r.Reason = strings.Replace(r.Reason, ops[i].many, actions[ops[i].action].many, 1)
			i += n - 1
		}
		out = append(out, r)
	}
	return out
}

func same(a, b Right) bool {
	return a.Effect == b.Effect && a.Rule == b.Rule && a.Conditional == b.Conditional && a.When == b.When && a.Limits == b.Limits &&
		a.Results == b.Results && a.Binary == b.Binary && a.AgentForwarding == b.AgentForwarding && a.X11Forwarding == b.X11Forwarding && slices.Equal(a.Except, b.Except)
}

// Lends says what of this person's a shell or command may come to use on the resource,
// or, with nil, on any at all: conditions are not asked, and what a denial takes away is
// not taken away here.
func (v *View) Lends(res *Resource) (agent, x11 bool) {
	var all lends
	for n := v.roles.next(0); n >= 0; n = v.roles.next(n + 1) {
		r := &v.p.roles[n]
		if res != nil && !r.where.matches(res) {
			continue
		}
		for i := range r.rules {
			all |= r.rules[i].lends
		}
	}
	return all&lendsAgent != 0, all&lendsX11 != 0
}

// SeesTranscript is Policy.SeesTranscript.
func (v *View) SeesTranscript(owner Identity, res Resource) (role string, ok bool) {
	o, ok := v.Oversees(owner, res)
	return o.Role, ok
}

// Oversight is what somebody may do with a session that they may see.
type Oversight struct {
	// Role shows it; "" where it is one's own.
	Role string
	// Reason: not without saying why.
	Reason bool
	// End: it may be ended while it is live.
	End bool
}

// Oversees says whether this person may see a session of owner on the resource
// (zero for the bastion's own transcripts), and on what terms.
func (v *View) Oversees(owner Identity, res Resource) (o Oversight, ok bool) {
	if v.id.Same(owner) {
		return Oversight{End: true}, true
	}
	s := &scope{identity: &v.id, resource: &res, session: &v.ses, now: v.now}
	for n := v.roles.next(0); n >= 0; n = v.roles.next(n + 1) {
		r := &v.p.roles[n]
		if !r.allTranscripts || res.Name == "" && !r.where.everything() || res.Name != "" && !r.where.matches(&res) {
			continue
		}
		switch r.when.ask(s).is {
		case yes:
		case no:
			continue
		default: // cannot be computed: it does not show, but it asks
			o.Reason = o.Reason || r.asksReason
			continue
		}
		o.Reason, o.End = o.Reason || r.asksReason, o.End || r.mayEnd
		if !ok || r.name < o.Role {
			o.Role, ok = r.name, true
		}
	}
	if !ok {
		return Oversight{}, false
	}
	return o, true
}
