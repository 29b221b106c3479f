package policy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	transcriptsOwn = "own"
	transcriptsAll = "all"
)

// checker collects what is wrong with a policy.
type checker struct {
	vocabulary Vocabulary
	faults     Faults
	// conditions are those that compile, by their text.
	conditions map[string]*condition
	// labels are the keys of the resources' labels; nil where none are known.
	labels []string
}

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) roles(roles Roles, masks Masking) {
	seen := map[string]int{}
	for i, r := range roles {
		path := fmt.Sprintf("roles[%d]", i)
		c.name(path, r.Name, "role", "roles", seen, i)
		c.people(path, r)
		c.selector(path+".resources", r.Resources)
		c.roleCondition(path+".when", r)
		c.bounds(path+".limits", r.Limits)
		c.keeps(path+".results", r.Results)
		c.rules(path, r)
		c.reveals(path+".reveal", r, masks)
		switch r.Transcripts {
		case "", transcriptsOwn, transcriptsAll:
		default:
			c.fault(path+".transcripts", "%q is neither own nor all%s",
				r.Transcripts, Suggest(r.Transcripts, []string{transcriptsOwn, transcriptsAll}))
		}
		if r.Transcripts != transcriptsAll {
			if r.ReplayReason {
				c.fault(path+".replay_reason", "only with transcripts: all, since nobody is asked why they see their own")
			}
			if r.EndSessions {
				c.fault(path+".end_sessions", "only with transcripts: all, since who ends a session must be able to see it")
			}
		}
		if len(r.Rules) == 0 && len(r.Reveal) == 0 && r.Transcripts != transcriptsAll {
			c.fault(path+".rules", "the role gives nothing: add a rule, reveal, or transcripts: all")
		}
	}
}

// name checks a name and that it is the only one of its sort.
func (c *checker) name(path, name, noun, list string, seen map[string]int, i int) {
	if f := nameFault(name); f != "" {
		c.fault(path+".name", "%s", f)
		return
	}
	if first, ok := seen[name]; ok {
		c.fault(path+".name", "another %s is named %q (%s[%d]): names are unique", noun, name, list, first)
		return
	}
	seen[name] = i
}

// people checks whom a role is for.
func (c *checker) people(path string, r Role) {
	if len(r.Groups)+len(r.Claims) == 0 {
		c.fault(path+".groups", "at least one group or claim is needed")
	}
	c.groups(path+".groups", r.Groups)
	for _, name := range slices.Sorted(maps.Keys(r.Claims)) {
		at := path + ".claims." + name
		switch known := c.vocabulary.Claims; {
		case name == "" || !printable(name):
			c.fault(at, "a claim has a name that can be printed")
		case known != nil && !slices.Contains(known, name):
			c.fault(at, "no sign-in keeps the claim %q, so this can never match: add it to sign_in.claims%s", name, Suggest(name, known))
		}
		c.values(at, r.Claims[name])
	}
}

func (c *checker) values(path string, values []string) {
	if len(values) == 0 {
		c.fault(path, "the list is empty, so the role can never match: give the values of which one is needed")
	}
	for i, v := range values {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case v == "" || !printable(v):
			c.fault(at, "a value is a text that can be printed")
		case v == "*":
			c.fault(at, "claims are matched whole, and * is no wildcard: name the values, or use has() and a condition")
		case slices.Contains(values[:i], v):
			c.fault(at, "%q is listed twice", v)
		}
	}
}

func (c *checker) groups(path string, groups []string) {
	for i, g := range groups {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch f := groupFault(g); {
		case f != "":
			c.fault(at, "%s", f)
		case slices.Contains(groups[:i], g):
			c.fault(at, "group %q is listed twice", g)
		case !c.knowsGroup(g):
			c.fault(at, "no group is named %q%s", g, Suggest(g, c.vocabulary.Groups))
		}
	}
}

// groupFault says what is wrong with a group's name.
func groupFault(g string) string {
	switch {
	case g == "":
		return "the group is empty"
	case g == "*":
		return "groups are matched whole, and * is no wildcard: name the groups"
	case g != strings.TrimSpace(g) || !printable(g):
		return fmt.Sprintf("group %q has white space around it, or characters that cannot be printed", g)
	}
	return ""
}

// knowsGroup reports whether there may be such a group.
func (c *checker) knowsGroup(g string) bool { return knows(c.vocabulary.Groups, g) }

func (c *checker) selector(path string, s Selector) {
	if s.Empty() {
		c.fault(path, `it picks nothing, so this can never match: give names, kinds or labels; names: ["*"] is everything`)
	}
	for i, n := range s.Names {
		if n == "" || !printable(n) {
			c.fault(fmt.Sprintf("%s.names[%d]", path, i), "a name or glob is needed, without characters that cannot be printed")
		}
	}
	for i, k := range s.Kinds {
		if _, ok := c.vocabulary.Kinds[k]; !ok {
			c.fault(fmt.Sprintf("%s.kinds[%d]", path, i), "unknown kind %q%s", k, Suggest(k, c.vocabulary.kindNames()))
		}
	}
	for _, l := range newSelector(s).labels {
		switch {
		case l.key == "" || l.value == "":
			c.fault(path+".labels."+l.key, `a label needs a key and a value; "*" as a value means that the label is there`)
		case l.value != anyValue && strings.Contains(l.value, "*"):
			c.fault(path+".labels."+l.key, `%q is no glob: a label's value is matched whole, or is "*" alone`, l.value)
		case !c.knowsLabel(l.key):
			c.fault(path+".labels."+l.key, "no resource has a label %q%s", l.key, Suggest(l.key, c.labels))
		}
	}
}

// knowsLabel reports whether a resource may have such a label.
func (c *checker) knowsLabel(key string) bool { return knows(c.labels, key) }

func (c *checker) rules(path string, r Role) {
	seen := map[string]int{}
	for i, rule := range r.Rules {
		at := fmt.Sprintf("%s.rules[%d]", path, i)
		c.name(at, rule.Name, "rule of this role", "rules", seen, i)
		if c.effects(at, rule) {
			c.words(at, r, rule)
			c.approval(at, rule)
			c.terms(at, rule)
			c.outranked(at, r, i)
		}
		before := len(c.faults)
		c.condition(at+".when", rule.When, 0)
		c.files(at, r, rule)
		if rule.aboutFiles() && len(c.faults) == before {
			c.fileCondition(at, rule)
		}
		if f := textFault(rule.Reason); f != "" {
			c.fault(at+".reason", "%s", f)
		}
	}
}

// effects reports whether the rule has just one effect.
func (c *checker) effects(path string, r Rule) bool {
	var keys []string
	for _, e := range []struct {
		key   string
		texts []string
	}{{"allow", r.Allow}, {"deny", r.Deny}, {"approve", r.Approve}} {
		if e.texts != nil {
			keys = append(keys, e.key)
		}
	}
	switch len(keys) {
	case 0:
		c.fault(path, "the rule has no effect: give one of allow, deny, approve")
	case 1:
		return true
	default:
		c.fault(path, "the rule has %d effects (%s): make a rule of each", len(keys), strings.Join(keys, ", "))
	}
	return false
}

func (c *checker) words(path string, role Role, r Rule) {
	_, key, texts := r.effect()
	if len(texts) == 0 {
		c.fault(path+"."+key, "the list is empty, so the rule can never match%s", Suggest("", Words()))
	}
	_, can := c.ofKinds(role.Resources.Kinds)
	for i, s := range texts {
		at := fmt.Sprintf("%s.%s[%d]", path, key, i)
		w := parseWord(s)
		switch {
		case w == 0:
			c.fault(at, "unknown word %q%s", s, Suggest(s, Words()))
		case slices.Contains(texts[:i], s):
			c.fault(at, "%q is listed twice", s)
		case w&can == 0:
			c.fault(at, "%q can never match: nothing of kind %s has it%s", s, strings.Join(role.Resources.Kinds, ", "), Suggest("", can.texts()))
		}
	}
}

// ofKinds are the operations of the kinds and the words that can speak of them;
// all if there are none, or if one is not known, which is a fault of its own.
func (c *checker) ofKinds(kinds []string) (ops operations, ws words) {
	for _, k := range kinds {
		actions, ok := c.vocabulary.Kinds[k]
		if !ok {
			return everyWord.operations(), everyWord
		}
		o, w := possible(actions)
		ops, ws = ops|o, ws|w
	}
	if len(kinds) == 0 {
		return everyWord.operations(), everyWord
	}
	return ops, ws
}

func (c *checker) approval(path string, r Rule) {
	if r.Approve == nil {
		if r.By != nil || r.Need != 0 || r.Wait != "" || r.Lasts != "" || r.AskReason {
			c.fault(path, "by, need, wait, lasts and ask_reason belong to approve rules only")
		}
		return
	}
	if len(r.By) == 0 {
		c.fault(path, "approve needs by: the groups whose members may say yes")
	} else {
		c.groups(path+".by", r.By)
	}
	if r.Need < 0 || r.Need > maxNeed {
		c.fault(path+".need", "%d people cannot be asked for: 1 to %d", r.Need, maxNeed)
	}
	c.span(path+".wait", r.Wait, minWait)
	c.span(path+".lasts", r.Lasts, minWait)
}

// span checks a duration of a policy; an empty one is none.
func (c *checker) span(path, s string, least time.Duration) {
	if s == "" {
		return
	}
	switch d, err := time.ParseDuration(s); {
	case err != nil:
		c.fault(path, "%q is no duration: write 15m, 2h, 90s", s)
	case d < least || d > maxWait:
		c.fault(path, "%q is not between %s and %s", s, least, maxWait)
	}
}

// terms checks what a rule says of the access that it grants.
func (c *checker) terms(path string, r Rule) {
	if r.Deny != nil && (r.Limits != Bounds{} || r.Results != "" || r.Binary || r.lends() != 0) {
		c.fault(path, "limits, results, binary and what is forwarded are terms of what is granted, and a deny rule grants nothing")
	}
	if r.lends() != 0 && newRule(Role{}, r).words&(wordShell|wordExec|wordClasses) == 0 {
		c.fault(path, "agent_forwarding and x11_forwarding are about shells and commands, and the rule speaks of neither")
	}
	c.bounds(path+".limits", r.Limits)
	c.keeps(path+".results", r.Results)
}

func (c *checker) keeps(path, s string) {
	if s != "" && !slices.Contains(keeps, s) {
		c.fault(path, "%q is neither full nor digest%s", s, Suggest(s, keeps))
	}
}

func (c *checker) bounds(path string, b Bounds) {
	for _, n := range []struct {
		key   string
		value *int64
	}{{"rows", b.Rows}, {"bytes", b.Bytes}} {
		if n.value != nil && *n.value < 0 {
			c.fault(path+"."+n.key, "%d cannot be; 0 is no limit", *n.value)
		}
	}
	if b.Sessions != nil && *b.Sessions < 0 {
		c.fault(path+".sessions", "%d cannot be; 0 is no limit", *b.Sessions)
	}
	c.span(path+".statement", b.Statement, 0)
	c.span(path+".session", b.Session, 0)
	c.span(path+".idle", b.Idle, 0)
}

// outranked finds a rule that can never decide, because stronger rules of the
// same role, which match whenever it does, speak of all that it speaks of.
func (c *checker) outranked(path string, role Role, i int) {
	mine := newRule(role, role.Rules[i])
	can, _ := c.ofKinds(role.Resources.Kinds)
	left := mine.words.operations() & can
	if left == 0 {
		return // it has no word that means anything: told elsewhere
	}
	var by []string
	for j, o := range role.Rules {
		other := newRule(role, o)
		if j != i && o.When == "" && !o.aboutFiles() && other.effect < mine.effect && other.words.operations()&left != 0 {
			left &^= other.words.operations()
			by = append(by, other.id)
		}
	}
	if left == 0 {
		c.fault(path, "the rule can never decide: %s, which is stronger, speaks of all that it speaks of", strings.Join(by, " and "))
	}
}
