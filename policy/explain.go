package policy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Explanation is a Decision with how it came about.
type Explanation struct {
	Decision Decision `json:"decision"`
	// Tried are the rules of every role that covers the person or the resource, by
	// id: those that decided, and those that did not with the reason.
	Tried []Trial `json:"tried"`
	// Grant is, for a denial that more rights could lift, the smallest role that
	// would allow it, as YAML for the roles list; "" where none would: a deny rule
	// decides, or nothing that a role can name sets this person apart.
	Grant string `json:"grant,omitempty"`
}

// Trial is one rule that was tried.
type Trial struct {
	Rule    string `json:"rule"`
	Effect  Effect `json:"-"`
	Place   string `json:"place,omitempty"` // file:line of the rule, where known
	Matched bool   `json:"matched"`
	// Why says what made it match or not: the group, the selector, the word, the
	// condition with its result or error.
	Why string `json:"why"`
}

// MarshalJSON writes the effect by its name.
func (t Trial) MarshalJSON() ([]byte, error) {
	type plainTrial Trial
	return json.Marshal(struct {
		Effect string `json:"effect"`
		plainTrial
	}{t.Effect.String(), plainTrial(t)})
}

// Explain is Decide with the chain of rules that were tried.
func (p *Policy) Explain(r Request) Explanation {
	asked := r
	r, d := p.strictest(r.each())
	e := Explanation{Decision: d}
	if p == nil {
		return e
	}
	s := scopeOf(&r)
	ws := wordsOf(r.Action, r.Facts.Class)
	var buf [16]uint64
	mine := p.covering(&r.Identity, buf[:0])
	for n := range p.roles {
		o := &p.roles[n]
		here := o.where.matches(&r.Resource)
		if !mine.has(n) && !here {
			continue
		}
		for j := range o.rules {
			e.Tried = append(e.Tried, trial(o, &o.rules[j], s, ws, mine.has(n), here))
		}
	}
	slices.SortFunc(e.Tried, func(a, b Trial) int { return cmp.Compare(a.Rule, b.Rule) })
	if e.Decision.Rule == DefaultDeny {
		e.Grant = p.grant(&asked, ws)
	}
	return e
}

// trial says of one rule what made it match, or the first thing that did not.
func trial(o *role, u *rule, s *scope, ws words, mine, here bool) Trial {
	t := Trial{Rule: u.id, Effect: u.effect, Place: cmp.Or(u.place, o.place)}
	switch {
	case !mine:
		t.Why = notMine(o, s.identity)
		return t
	case !here:
		t.Why = plain(s.resource.Name) + " is not among its resources (" + o.where.String() + ")"
		return t
	case u.words&ws == 0:
		t.Why = "it speaks of " + strings.Join(u.words.texts(), ", ") + ", not of " + cmp.Or(strings.Join(ws.texts(), " or "), "this action")
		return t
	}
	conditions, a := "", answer{is: yes}
	for _, c := range []*condition{o.when, u.when} {
		if c == nil || a.is == no {
			continue
		}
		says := c.ask(s)
		conditions += ", " + says.words(c, u.effect)
		a = a.and(says)
	}
	t.Matched = a.is == yes || a.is == broken && u.effect != Allow
	t.Why = whyMine(o, s.identity) + ", " + o.where.String() + ", " + strings.Join((u.words&ws).texts(), " and ") + conditions
	return t
}

// words tell what a condition said.
func (a answer) words(c *condition, e Effect) string {
	text := strings.Join(strings.Fields(c.text), " ")
	switch {
	case a.is == broken && e == Allow:
		return "its condition cannot be computed (" + a.err.Error() + ") and so it does not match: " + text
	case a.is == broken:
		return "its condition cannot be computed (" + a.err.Error() + ") and so it matches: " + text
	case a.is == yes:
		return "its condition holds: " + text
	}
	return "its condition does not hold: " + text
}

// notMine says why a role is not for this person.
func notMine(o *role, id *Identity) string {
	if len(o.groups) > 0 && !id.InAny(o.groups) {
		return "it is for " + upTo3(o.groups) + ", and the person is in none of these groups"
	}
	for i := range o.claims {
		if c := &o.claims[i]; !c.has(id) {
			return "it is for the claim " + c.name + " with " + upTo3(c.values) + ", which the person does not have"
		}
	}
	return "it is not for this person"
}

// whyMine says by what a role is for this person.
func whyMine(o *role, id *Identity) string {
	var by []string
	for _, g := range o.groups {
		if slices.Contains(id.Groups, g) {
			by = append(by, "group "+g)
			break
		}
	}
	for _, c := range o.claims {
		by = append(by, "claim "+c.name)
	}
	return strings.Join(by, " and ")
}

// String is the selector in words.
func (s *selector) String() string {
	var all []string
	if len(s.names) > 0 {
		all = append(all, "names "+upTo3(s.names))
	}
	if len(s.kinds) > 0 {
		all = append(all, "kinds "+strings.Join(s.kinds, ", "))
	}
	for _, l := range s.labels {
		all = append(all, "label "+l.key+"="+l.value)
	}
	return strings.Join(all, ", ")
}

// grant is the smallest role that allows what was denied: for one group of the
// person, on this one resource, for this class alone. Of the groups it takes the
// one that the policy gives the least to, since that is most likely the most
// particular; of a person without groups, a claim.
func (p *Policy) grant(r *Request, ws words) string {
	if ws == 0 || r.Resource.Name == "" || strings.ContainsRune(r.Resource.Name, '*') {
		return ""
	}
	who := p.particular(&r.Identity)
	if who == "" {
		return ""
	}
	word := ws.texts()[0] // the class, or shell
	what := fmt.Sprintf("- name: %s\n      allow: [%s]\n", word, word)
	if len(r.Facts.Files) > 0 {
		if word, what = "files", grantFiles(r.Facts.Files); what == "" {
			return ""
		}
	}
	return fmt.Sprintf("- name: %s\n  %s\n  resources: {names: [%s]}\n  rules:\n    %s", p.freeName("may-"+word), who, quoted(r.Resource.Name), what)
}

// particular is what sets a person apart, as YAML.
func (p *Policy) particular(id *Identity) string {
	best, least := "", 0
	for _, g := range slices.Sorted(slices.Values(id.Groups)) {
		n := 0
		for i := p.byGroup[g].next(0); i >= 0; i = p.byGroup[g].next(i + 1) {
			n++
		}
		if groupFault(g) == "" && knows(p.known.groups, g) && (best == "" || n < least) {
			best, least = g, n
		}
	}
	if best != "" {
		return "groups: [" + quoted(best) + "]"
	}
	var names []string
	for name, values := range id.Claims {
		if name != "" && printable(name) && knows(p.known.claims, name) && len(values) > 0 && values[0] != "" && values[0] != "*" && printable(values[0]) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	name := slices.Min(names)
	return "claims: {" + quoted(name) + ": [" + quoted(id.Claims[name][0]) + "]}"
}

// knows reports whether there may be such a word.
func knows(known []string, word string) bool { return known == nil || slices.Contains(known, word) }

// freeName is a name that no role has.
func (p *Policy) freeName(name string) string {
	free := name
	for n := 2; slices.ContainsFunc(p.roles, func(r role) bool { return r.name == free }); n++ {
		free = name + "-" + strconv.Itoa(n)
	}
	return free
}

// quoted is a text for YAML: as it is where that is sure to be read as a text.
func quoted(s string) string {
	bare := s != "" && strings.IndexFunc(s, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r == '-' || r == '_') }) < 0 && s[0] != '-'
	switch s {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		bare = false
	}
	if bare {
		return s
	}
	return strconv.Quote(s)
}
