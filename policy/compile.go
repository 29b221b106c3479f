package policy

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Policy is a compiled policy: immutable, safe for concurrent use. Only Compile
// makes one; a nil Policy denies everything.
type Policy struct {
	roles   []role
	byGroup map[string]set // group → roles
	anyone  set            // roles that ask for no group
	masks   []maskSet
	kinds   map[string][]operation
	index   *index
	// known are the groups and claims that there are; nil where that is not known.
	known struct{ groups, claims []string }
	// warnings are what is odd and no fault.
	warnings Faults
}

type role struct {
	name, place string
	groups      []string
	claims      []claim
	where       selector
	when        *condition
	can         operations // of the kinds that it is about
	says        words      // of all rules together, to pass by quickly
	rules       []rule     // by id
	columns     []string
	paths       []string
	detects     []string
	// allTranscripts: may see everybody's.
	allTranscripts bool
	// asksReason: not without a reason. mayEnd: may end live sessions.
	asksReason, mayEnd bool
	// aboutResource: some condition asks so much about the resource that two of the
	// same area are not alike.
	aboutResource bool
}

// claim is a claim that a role asks for: one of the values.
type claim struct {
	name   string
	values []string
}

type rule struct {
	id, place string
	number    int // in the text of its role
	effect    Effect
	words     words
	when      *condition
	by        []string
	need      int
	wait      time.Duration
	lasts     time.Duration
	askReason bool
	reason    string
	limits    Limits
	keep      Keep
	binary    bool
	lends     lends
}

// Compile checks roles and masks by the default Vocabulary. Its error is Faults:
// everything that is wrong, each with its path (roles[1].rules[0].allow[2]).
func Compile(roles Roles, masks Masking) (*Policy, error) {
	return Vocabulary{}.Compile(roles, masks)
}

// Compile checks roles and masks by this vocabulary. Its error is Faults:
// everything that is wrong, each with its path (roles[1].rules[0].allow[2]).
func (v Vocabulary) Compile(roles Roles, masks Masking) (*Policy, error) {
	c := &checker{vocabulary: v.fill(), conditions: map[string]*condition{}}
	c.labels = c.vocabulary.labelKeys()
	c.masks(masks)
	c.roles(roles, masks)
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	p := &Policy{byGroup: map[string]set{}, kinds: map[string][]operation{}}
	p.known.groups, p.known.claims = c.vocabulary.Groups, c.vocabulary.Claims
	for kind, actions := range c.vocabulary.Kinds {
		p.kinds[kind] = operationsOf(actions)
	}
	for _, m := range masks {
		p.masks = append(p.masks, newMaskSet(m))
	}
	for i, r := range roles {
		p.roles = append(p.roles, c.newRole(r))
		if len(r.Groups) == 0 {
			p.anyone = p.anyone.with(i)
		}
		for _, g := range r.Groups {
			p.byGroup[g] = p.byGroup[g].with(i)
		}
	}
	p.index = newIndex(p, c.vocabulary.Resources, c.labelsAsked())
	p.warnings = p.unmatched(c.vocabulary.Kinds)
	p.warnings = append(p.warnings, overlaps(p.roles)...)
	return p, nil
}

// Warnings are what is odd about the policy and yet no fault: rules that another
// role's rules leave nothing to decide, words that no resource has.
func (p *Policy) Warnings() Faults {
	if p == nil {
		return nil
	}
	return slices.Clone(p.warnings)
}

// labelsAsked are the labels that conditions ask for by name.
func (c *checker) labelsAsked() []string {
	var all []string
	for _, when := range c.conditions {
		all = append(all, when.labels...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (c *checker) newRole(src Role) role {
	r := role{name: src.Name, place: src.Place, groups: slices.Clone(src.Groups), where: newSelector(src.Resources),
		when: c.conditions[src.When], allTranscripts: src.Transcripts == transcriptsAll,
		asksReason: src.ReplayReason, mayEnd: src.EndSessions}
	for _, name := range slices.Sorted(maps.Keys(src.Claims)) {
		r.claims = append(r.claims, claim{name, slices.Clone(src.Claims[name])})
	}
	for _, s := range src.Reveal {
		switch {
		case slices.Contains(c.vocabulary.Detectors, s):
			r.detects = append(r.detects, s)
		case strings.HasPrefix(s, pathRoot):
			r.paths = append(r.paths, s)
		default:
			r.columns = append(r.columns, qualified(s))
		}
	}
	r.can, _ = c.ofKinds(src.Resources.Kinds)
	r.aboutResource = r.when.speaksOf(usesWholeResource)
	for i, s := range src.Rules {
		n := newRule(src, s)
		n.number = i
		src, _ := s.condition()
		n.when = c.conditions[src]
		r.says |= n.words
		r.rules = append(r.rules, n)
		r.aboutResource = r.aboutResource || n.when.speaksOf(usesWholeResource)
	}
	slices.SortFunc(r.rules, func(a, b rule) int { return cmp.Compare(a.id, b.id) })
	return r
}

// newRule is a rule without its condition.
func newRule(role Role, src Rule) rule {
	e, _, texts := src.effect()
	r := rule{id: role.Name + "/" + src.Name, place: src.Place, effect: e, reason: src.Reason}
	for _, s := range texts {
		r.words |= parseWord(s)
	}
	if e == Approve {
		r.by, r.need, r.wait, r.askReason = slices.Clone(src.By), max(src.Need, 1), defaultWait, src.AskReason
		if src.Wait != "" {
			r.wait = span(src.Wait) // checked before; what cannot be read waits for nothing
		}
		r.lasts = span(src.Lasts)
	}
	if e != Deny {
		r.limits, r.binary, r.lends = src.Limits.over(role.Limits), src.Binary, src.lends()
		if cmp.Or(src.Results, role.Results) == KeepDigest.String() {
			r.keep = KeepDigest
		}
	}
	return r
}

// lends is what of the requester's a rule lets shells and commands use.
type lends uint8

const (
	lendsAgent lends = 1 << iota
	lendsX11
)

func (r Rule) lends() (l lends) {
	if r.AgentForwarding {
		l |= lendsAgent
	}
	if r.X11Forwarding {
		l |= lendsX11
	}
	return l
}

// effect is the rule's effect, the key it is written under, and its words. A
// rule without effect, or with two, has none and denies.
func (r Rule) effect() (e Effect, key string, texts []string) {
	switch {
	case r.Deny != nil:
		return Deny, "deny", r.Deny
	case r.Approve != nil:
		return Approve, "approve", r.Approve
	case r.Allow != nil:
		return Allow, "allow", r.Allow
	}
	return Deny, "", nil
}

// speaksOf reports whether the condition speaks of one of them; nil does not.
func (c *condition) speaksOf(v variables) bool { return c != nil && c.uses&v != 0 }

// has reports whether the identity has one of the claim's values.
func (c *claim) has(id *Identity) bool {
	return slices.ContainsFunc(id.Claims[c.name], func(v string) bool { return slices.Contains(c.values, v) })
}

// hasClaims reports whether the identity has all claims that the role asks for.
func (r *role) hasClaims(id *Identity) bool {
	for i := range r.claims {
		if !r.claims[i].has(id) {
			return false
		}
	}
	return true
}
