package policy

import "slices"

// Decide judges one operation.
//
// Of all rules that speak of it, in the roles of this person that cover the
// resource, the strongest decides: deny beats approve beats allow. Of several
// approve rules the one that demands the most people decides, and only its
// groups may say yes; of those that are still equal, and of several denies or
// allows, the one with the least id. So neither the order of roles and rules nor
// that of groups matters. Where no rule speaks, the decision is DefaultDeny's.
func (p *Policy) Decide(r Request) Decision {
	best := p.strongest(&r.Identity, &r.Resource, wordOf(r.Action, r.Facts.Class))
	d := best.decision()
	d.Reason = reason(&r, best)
	return d
}

// MayOpen judges whether the resource may be opened at all: whether there is
// anything there that this person is allowed, or may ask approval for. Its
// effect is Allow or Deny, and it names the rule that gives the most.
func (p *Policy) MayOpen(id Identity, res Resource) Decision {
	var opens, shuts *rule
	for _, best := range p.strongestOfEach(&id, &res) {
		switch {
		case best == nil:
		case best.effect == Deny:
			shuts = first(shuts, best)
		case opens == nil || best.effect > opens.effect || best.effect == opens.effect && best.id < opens.id:
			opens = best
		}
	}
	switch {
	case opens != nil:
		return Decision{Effect: Allow, Rule: opens.id, Reason: withWords("opening "+plain(res.Name)+" is allowed", opens.reason)}
	case shuts != nil:
		return Decision{Effect: Deny, Rule: shuts.id, Reason: withWords("all there is on "+plain(res.Name)+" is denied", shuts.reason)}
	}
	return Decision{Effect: Deny, Rule: DefaultDeny, Reason: unreached(&id, &res)}
}

func first(a, b *rule) *rule {
	if a == nil || b.id < a.id {
		return b
	}
	return a
}

// eachRole calls do with every role that speaks for id on res, some twice if
// several groups lead to it.
func (p *Policy) eachRole(id *Identity, res *Resource, do func(*role)) {
	if p == nil {
		return
	}
	for _, g := range id.Groups {
		for _, i := range p.byGroup[g] {
			if r := &p.roles[i]; r.where.matches(res) {
				do(r)
			}
		}
	}
}

// strongest is the rule that decides on a word, nil for none.
func (p *Policy) strongest(id *Identity, res *Resource, word words) *rule {
	if p == nil || word == 0 {
		return nil
	}
	var best *rule
	for _, g := range id.Groups {
		for _, i := range p.byGroup[g] {
			r := &p.roles[i]
			if r.says&word == 0 || !r.where.matches(res) {
				continue
			}
			for j := range r.rules {
				if r.rules[j].words&word != 0 {
					best = stronger(best, &r.rules[j])
				}
			}
		}
	}
	return best
}

// strongestOfEach is the rule that decides on each word of wordList, nil where
// there is none or the resource's kind has no such word.
func (p *Policy) strongestOfEach(id *Identity, res *Resource) (best [8]*rule) {
	has := p.wordsOfKind(res.Kind)
	p.eachRole(id, res, func(r *role) {
		for j := range r.rules {
			for k, w := range wordList {
				if r.rules[j].words&w.bit&has != 0 {
					best[k] = stronger(best[k], &r.rules[j])
				}
			}
		}
	})
	return best
}

// wordsOfKind are the words that can speak of a resource; all for an unknown kind.
func (p *Policy) wordsOfKind(kind string) words {
	if p != nil {
		if ws, ok := p.kinds[kind]; ok {
			return ws
		}
	}
	return everyWord
}

// stronger is the one of two rules that decides; a may be nil.
func stronger(a, b *rule) *rule {
	switch {
	case a == nil || b.effect < a.effect:
		return b
	case b.effect > a.effect || b.need < a.need:
		return a
	case b.need > a.need || b.id < a.id:
		return b
	}
	return a
}

// decision is what a rule decides, without a reason; that of no rule is
// DefaultDeny's.
func (r *rule) decision() Decision {
	if r == nil {
		return Decision{Effect: Deny, Rule: DefaultDeny}
	}
	return Decision{Effect: r.effect, Rule: r.id, Approvers: slices.Clone(r.by), Need: r.need, Wait: r.wait}
}

// Right is what a person gets for one word of the language on a resource.
type Right struct {
	// What is the word: read, write, ddl, privilege, dangerous, unknown, exec, shell.
	What string `json:"what"`
	Decision
}

// Rights explains, for every class and action that the resource's kind has, what
// this person gets there, in the order of severity. Each is what Decide says of
// such an operation; the reason speaks of all of them.
func (p *Policy) Rights(id Identity, res Resource) []Right {
	has := p.wordsOfKind(res.Kind)
	var rights []Right
	for k, best := range p.strongestOfEach(&id, &res) {
		w := wordList[k]
		if w.bit&has == 0 {
			continue
		}
		d := best.decision()
		d.Reason = rightReason(w.many, &id, &res, best)
		rights = append(rights, Right{What: w.text, Decision: d})
	}
	return rights
}

// SeesTranscript reports whether id may see a transcript of owner on the
// resource (zero for the bastion's own) and by which role. One's own are always
// seen, by no role: role is "" then.
func (p *Policy) SeesTranscript(id, owner Identity, res Resource) (role string, ok bool) {
	if id.Same(owner) {
		return "", true
	}
	if p == nil {
		return "", false
	}
	for _, g := range id.Groups {
		for _, i := range p.byGroup[g] {
			r := &p.roles[i]
			if !r.allTranscripts {
				continue
			}
			if res.Name == "" && r.where.everything() || r.where.matches(&res) {
				if !ok || r.name < role {
					role, ok = r.name, true
				}
			}
		}
	}
	return role, ok
}
