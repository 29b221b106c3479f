package policy

import (
	"fmt"
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
}

func (c *checker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{path, fmt.Sprintf(format, args...)})
}

func (c *checker) roles(roles Roles, masks Masking) {
	seen := map[string]int{}
	for i, r := range roles {
		path := fmt.Sprintf("roles[%d]", i)
		c.name(path, r.Name, "role", "roles", seen, i)
		c.groups(path+".groups", r.Groups)
		c.selector(path+".resources", r.Resources)
		c.rules(path, r)
		c.reveals(path+".reveal", r, masks)
		switch r.Transcripts {
		case "", transcriptsOwn, transcriptsAll:
		default:
			c.fault(path+".transcripts", "%q is neither own nor all%s",
				r.Transcripts, Suggest(r.Transcripts, []string{transcriptsOwn, transcriptsAll}))
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

func (c *checker) groups(path string, groups []string) {
	if len(groups) == 0 {
		c.fault(path, "at least one group is needed")
	}
	for i, g := range groups {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case g == "":
			c.fault(at, "the group is empty")
		case g == "*":
			c.fault(at, "groups are matched whole, and * is no wildcard: name the groups")
		case g != strings.TrimSpace(g) || !printable(g):
			c.fault(at, "group %q has white space around it, or characters that cannot be printed", g)
		case slices.Contains(groups[:i], g):
			c.fault(at, "group %q is listed twice", g)
		}
	}
}

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
		}
	}
}

func (c *checker) rules(path string, r Role) {
	seen := map[string]int{}
	for i, rule := range r.Rules {
		at := fmt.Sprintf("%s.rules[%d]", path, i)
		c.name(at, rule.Name, "rule of this role", "rules", seen, i)
		if c.effects(at, rule) {
			c.words(at, r, rule)
			c.approval(at, rule)
			c.outranked(at, r, i)
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
		c.fault(path+"."+key, "the list is empty, so the rule can never match%s", Suggest("", wordTexts()))
	}
	can := c.wordsOfKinds(role.Resources.Kinds)
	for i, s := range texts {
		at := fmt.Sprintf("%s.%s[%d]", path, key, i)
		w := parseWord(s)
		switch {
		case w == 0:
			c.fault(at, "unknown word %q%s", s, Suggest(s, wordTexts()))
		case slices.Contains(texts[:i], s):
			c.fault(at, "%q is listed twice", s)
		case w&can == 0:
			c.fault(at, "%q can never match: nothing of kind %s has it", s, strings.Join(role.Resources.Kinds, ", "))
		}
	}
}

// wordsOfKinds are the words that can speak of one of the kinds; every word if
// there are none, or if one is not known, which is a fault of its own.
func (c *checker) wordsOfKinds(kinds []string) words {
	if len(kinds) == 0 {
		return everyWord
	}
	var can words
	for _, k := range kinds {
		actions, ok := c.vocabulary.Kinds[k]
		if !ok {
			return everyWord
		}
		can |= wordsOf(actions)
	}
	return can
}

func (c *checker) approval(path string, r Rule) {
	if r.Approve == nil {
		if r.By != nil || r.Need != 0 || r.Wait != "" {
			c.fault(path, "by, need and wait belong to approve rules only")
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
	if r.Wait == "" {
		return
	}
	switch d, err := time.ParseDuration(r.Wait); {
	case err != nil:
		c.fault(path+".wait", "%q is no duration: write 15m, 2h, 90s", r.Wait)
	case d < minWait || d > maxWait:
		c.fault(path+".wait", "%q is not between %s and %s", r.Wait, minWait, maxWait)
	}
}

// outranked finds a rule that can never decide, because stronger rules of the
// same role, which match whenever it does, speak of all its words.
func (c *checker) outranked(path string, role Role, i int) {
	mine := newRule(role.Name, role.Rules[i])
	left := mine.words
	var by []string
	for j, o := range role.Rules {
		other := newRule(role.Name, o)
		if j != i && other.effect < mine.effect && other.words&left != 0 {
			left &^= other.words
			by = append(by, other.id)
		}
	}
	if left == 0 && mine.words != 0 {
		c.fault(path, "the rule can never decide: %s, which is stronger, speaks of all that it speaks of", strings.Join(by, " and "))
	}
}
