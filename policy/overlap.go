package policy

import (
	"fmt"
	"slices"
	"strings"
)

// overlaps finds rules that rules of other roles leave nothing to decide. They
// are no faults: a rule that takes all away for a while (a freeze, an incident)
// is written just so.
func overlaps(roles []role) Faults {
	var all Faults
	for i := range roles {
		r := &roles[i]
		wider := widerRoles(roles, i)
		for j := range r.rules {
			u := &r.rules[j]
			path := fmt.Sprintf("roles[%d].rules[%d]", i, u.number)
			if by := outweighed(u, r.can, wider); len(by) > 0 {
				all = append(all, Fault{Path: path, Message: fmt.Sprintf("the rule can never decide: %s, which is stronger, speaks of all that it speaks of, "+
					"for the same people and on the same resources, or more", strings.Join(by, " and "))})
			} else if by := redundant(u, r, append(wider, r)); by != "" {
				all = append(all, Fault{Path: path, Message: "the rule adds nothing: " + by + " says the same, for the same people and on the same resources, or more"})
			}
		}
	}
	return all
}

// unmatched finds words that none of the resources which a role is about has. They
// are no faults: resources come and go. On the way it notes what can be asked where
// each role is.
func (p *Policy) unmatched(kinds map[string][]Action) Faults {
	can := make([]words, len(p.roles))
	ops := make([]operations, len(p.roles))
	for _, a := range p.index.areas {
		o, ws := possible(kinds[a.kind])
		for n := a.roles.next(0); n >= 0; n = a.roles.next(n + 1) {
			can[n] |= ws
			ops[n] |= o
		}
	}
	var all Faults
	for i := range p.roles {
		r := &p.roles[i]
		if ops[i] == 0 {
			continue // no resources are known, or none of them is the role's
		}
		r.can = ops[i]
		for j := range r.rules {
			u := &r.rules[j]
			if not := u.words &^ can[i]; not != 0 {
				all = append(all, Fault{Path: fmt.Sprintf("roles[%d].rules[%d]", i, u.number),
					Message: "none of the resources that the role is about has " + strings.Join(not.texts(), ", ") + ", so this matches nothing yet"})
			}
		}
	}
	return all
}

// widerRoles are the other roles that speak whenever role i does. Of two that are
// equally wide, each is wider than the other.
func widerRoles(roles []role, i int) []*role {
	var all []*role
	for j := range roles {
		if j != i && roles[j].when == nil && wide(&roles[j], &roles[i]) {
			all = append(all, &roles[j])
		}
	}
	return all
}

// wide reports whether a covers all people and resources that b does.
func wide(a, b *role) bool {
	if len(a.groups) > 0 && (len(b.groups) == 0 || slices.ContainsFunc(b.groups, func(g string) bool { return !slices.Contains(a.groups, g) })) {
		return false
	}
	for _, c := range a.claims {
		if !slices.ContainsFunc(b.claims, func(d claim) bool {
			return d.name == c.name && !slices.ContainsFunc(d.values, func(v string) bool { return !slices.Contains(c.values, v) })
		}) {
			return false
		}
	}
	return a.where.covers(&b.where)
}

// outweighed are the rules that together, being stronger, speak of all that u
// does.
func outweighed(u *rule, can operations, wider []*role) (by []string) {
	left := u.words.operations() & can
	for _, r := range wider {
		for j := range r.rules {
			if o := &r.rules[j]; o.when == nil && o.effect < u.effect && o.words.operations()&left != 0 {
				left &^= o.words.operations()
				by = append(by, o.id)
			}
		}
	}
	if left != 0 {
		return nil
	}
	return by
}

// redundant is a rule that makes u, of role r, one too many.
func redundant(u *rule, r *role, among []*role) string {
	for _, other := range among {
		for j := range other.rules {
			o := &other.rules[j]
			// Of two that say the same, one is to stay.
			if o != u && o.spares(u, r.can) && !(u.id < o.id && u.spares(o, other.can) && r.when == nil && wide(r, other)) {
				return o.id
			}
		}
	}
	return ""
}

// spares reports whether o decides as u would wherever both speak, and speaks
// wherever u does, of what can be asked where u's role is.
func (o *rule) spares(u *rule, can operations) bool {
	if o.when != nil || o.effect != u.effect || u.words.operations()&can&^o.words.operations() != 0 {
		return false
	}
	switch u.effect {
	case Allow:
		return u.limits.within(o.limits) && (o.binary || !u.binary) && u.lends&^o.lends == 0 && (o.keep == KeepFull || u.keep == KeepDigest)
	case Approve:
		return stronger(u, o) == o && o.binary == u.binary && o.lends == u.lends && (o.keep == KeepFull || u.keep == KeepDigest)
	}
	return true
}
