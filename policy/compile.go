package policy

import (
	"cmp"
	"slices"
	"time"
)

// Policy is a compiled policy: immutable, safe for concurrent use. Only Compile
// makes one; a nil Policy denies everything.
type Policy struct {
	roles   []role
	byGroup map[string][]int // group → indices of roles
	masks   []maskSet
	kinds   map[string]words
}

type role struct {
	name    string
	where   selector
	says    words  // of all rules together, to pass by quickly
	rules   []rule // by id
	columns []string
	detects []string
	// allTranscripts: may see everybody's.
	allTranscripts bool
}

type rule struct {
	id     string
	effect Effect
	words  words
	by     []string
	need   int
	wait   time.Duration
	reason string
}

// Compile checks roles and masks by the default Vocabulary. Its error is Faults:
// everything that is wrong, each with its path (roles[1].rules[0].allow[2]).
func Compile(roles Roles, masks Masking) (*Policy, error) {
	return Vocabulary{}.Compile(roles, masks)
}

// Compile checks roles and masks by this vocabulary. Its error is Faults:
// everything that is wrong, each with its path (roles[1].rules[0].allow[2]).
func (v Vocabulary) Compile(roles Roles, masks Masking) (*Policy, error) {
	c := &checker{vocabulary: v.fill()}
	c.masks(masks)
	c.roles(roles, masks)
	if len(c.faults) > 0 {
		return nil, c.faults
	}
	p := &Policy{byGroup: map[string][]int{}, kinds: map[string]words{}}
	for kind, actions := range c.vocabulary.Kinds {
		p.kinds[kind] = wordsOf(actions)
	}
	for _, m := range masks {
		p.masks = append(p.masks, newMaskSet(m))
	}
	for i, r := range roles {
		p.roles = append(p.roles, newRole(r, c.vocabulary))
		for _, g := range r.Groups {
			p.byGroup[g] = append(p.byGroup[g], i)
		}
	}
	return p, nil
}

func newRole(src Role, v Vocabulary) role {
	r := role{name: src.Name, where: newSelector(src.Resources), allTranscripts: src.Transcripts == transcriptsAll}
	for _, s := range src.Reveal {
		if slices.Contains(v.Detectors, s) {
			r.detects = append(r.detects, s)
		} else {
			r.columns = append(r.columns, qualified(s))
		}
	}
	for _, s := range src.Rules {
		c := newRule(src.Name, s)
		r.says |= c.words
		r.rules = append(r.rules, c)
	}
	slices.SortFunc(r.rules, func(a, b rule) int { return cmp.Compare(a.id, b.id) })
	return r
}

func newRule(role string, src Rule) rule {
	e, _, texts := src.effect()
	r := rule{id: role + "/" + src.Name, effect: e, reason: src.Reason}
	for _, s := range texts {
		r.words |= parseWord(s)
	}
	if e == Approve {
		r.by, r.need, r.wait = slices.Clone(src.By), max(src.Need, 1), defaultWait
		if src.Wait != "" {
			// Checked before; what cannot be read waits for nothing.
			r.wait, _ = time.ParseDuration(src.Wait)
		}
	}
	return r
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
