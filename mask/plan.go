package mask

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// Plan is what is masked and how. A nil Plan withholds everything, and so does
// the zero Plan: use NewPlan. Plans are immutable and safe for concurrent use.
type Plan struct {
	made     bool
	patterns []pattern
	detect   detectorSet
	custom   []*Custom
	search   *search // for detect and custom
	key      Key
	clear    []Column // folded
	paths    *Paths
	revision string
}

// Options are what a plan is made of. The zero value masks nothing.
type Options struct {
	Rules  []Rule
	Detect []string  // names of content detectors, see [Detectors]
	Custom []*Custom // detectors of the deployment's own
	Key    Key       // for rules with the methods hash and token
	// Paths are masked in JSON documents, see [Plan.Paths].
	Paths []PathRule
	// Clear are columns that no rule masks, whatever it says. What they may decide
	// is not lifted, see [Plan.Predicates].
	Clear []Column
}

// NewPlan is New with rules and the named content detectors.
func NewPlan(rules []Rule, detect []string) (*Plan, error) {
	return New(Options{Rules: rules, Detect: detect})
}

// New compiles a plan. All faults are reported, joined; each names its rule or
// detector.
func New(o Options) (*Plan, error) {
	p := &Plan{made: true, key: o.Key}
	var faults []error
	for _, r := range o.Rules {
		c, err := newPattern(r)
		if err == nil && int(r.Method) >= len(methodNames) {
			err = fmt.Errorf("unknown mask method %d%s", r.Method, suggest("", methodNames[:]))
		}
		if err == nil && r.Method.keyed() && o.Key.empty() {
			err = fmt.Errorf("method %s needs the deployment's masking key, and there is none", r.Method)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("mask rule %q: %w", r.Name, err))
			continue
		}
		c.rule.key = o.Key
		p.patterns = append(p.patterns, c)
	}
	for _, name := range o.Detect {
		d, err := detectorNamed(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		p.detect |= d
	}
	var err error
	if p.paths, err = p.NewPaths(o.Paths); err != nil {
		faults = append(faults, err)
	}
	if err := p.addCustom(o.Custom); err != nil {
		faults = append(faults, err)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	for _, c := range o.Clear {
		folded := c.folded()
		folded.Reach = Exact
		p.clear = append(p.clear, folded)
	}
	p.search = newSearch(p.detect, p.custom)
	p.revision = p.hash()
	return p, nil
}

func (p *Plan) addCustom(custom []*Custom) error {
	if len(custom) > MaxCustom {
		return fmt.Errorf("%d patterns: a plan can have %d", len(custom), MaxCustom)
	}
	for k, c := range custom {
		if slices.ContainsFunc(custom[:k], func(o *Custom) bool { return o.Name == c.Name }) {
			return fmt.Errorf("pattern %q is there twice", c.Name)
		}
		p.detect |= 1 << (customShift + k)
	}
	p.custom = slices.Clone(custom)
	return nil
}

// MasksColumns reports whether the plan masks any column at all.
func (p *Plan) MasksColumns() bool { return p.closed() || len(p.patterns) > 0 }

// Paths are the plan's rules for JSON documents, nil where it has none.
func (p *Plan) Paths() *Paths {
	if p.closed() || p.paths == nil || len(p.paths.rules) == 0 {
		return nil
	}
	return p.paths
}

// MasksTable reports whether any column of the table is masked. An empty schema
// matches any.
func (p *Plan) MasksTable(schema, table string) bool {
	if p.closed() {
		return true
	}
	if len(p.patterns) == 0 {
		return false
	}
	schema, table = fold(schema), fold(table)
	return slices.ContainsFunc(p.patterns, func(c pattern) bool { return c.matchesTable(schema, table) })
}

// Column returns the rule that masks c, if one does: of several, the one whose
// method shows the least, and the first of equals.
func (p *Plan) Column(c Column) (Rule, bool) {
	if p.closed() {
		return Rule{Name: "no plan", Column: "*.*"}, true
	}
	if len(p.clear) > 0 && p.Clears(c) {
		return Rule{}, false
	}
	var found *pattern
	folded := c.folded()
	for i := range p.patterns {
		k := &p.patterns[i]
		if !k.matches(folded) {
			continue
		}
		if found == nil || k.rule.Method.ShowsLess(found.rule.Method) {
			found = k
		}
	}
	if found == nil {
		return Rule{}, false
	}
	return found.rule, true
}

// Clears reports whether the column is one of Options.Clear: that very one, with
// its schema.
func (p *Plan) Clears(c Column) bool {
	folded := c.folded()
	folded.Reach = Exact
	return !p.closed() && len(p.clear) > 0 && slices.Contains(p.clear, folded)
}

// folded is the column with its names as they are compared.
func (c Column) folded() Column {
	return Column{Schema: fold(c.Schema), Table: fold(c.Table), Name: fold(c.Name), Reach: c.Reach}
}

// Revision is the SHA-256, in hex, over the plan's rules, in order, and its
// detectors. That of a nil plan is the hash of no plan, and no other plan's.
func (p *Plan) Revision() string {
	if p.closed() {
		return hashOf([]byte(revisionFormat + " closed"))
	}
	return p.revision
}

// closed reports whether everything is withheld.
func (p *Plan) closed() bool { return p == nil || !p.made }

// revisionFormat heads what Revision hashes: this line, then the count of rules
// and of each its name, column and method (with a space and the word for
// predicates where that is not deny, and the word group with a number where there
// is one), then the count of detectors and their
// names, and, if there are any, the count of patterns and of each its name and
// expression, the name of the key, and the word clear with the count and names of
// columns that are shown all the same, and the word paths with the count of paths
// and of each its name, path and method. Counts and lengths are big-endian and take eight bytes; each text
// follows its length. A change in what a rule or detector hides is a new version.
const revisionFormat = "sallyport mask plan 1"

func (p *Plan) hash() string {
	var b []byte
	number := func(n int) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	text := func(s string) {
		number(len(s))
		b = append(b, s...)
	}
	text(revisionFormat)
	number(len(p.patterns))
	for _, c := range p.patterns {
		text(c.rule.Name)
		text(c.rule.Column)
		word := c.rule.Method.String()
		if c.rule.Predicates != DenyPredicates {
			word += " " + c.rule.Predicates.String()
		}
		if c.rule.Group > 0 {
			word += fmt.Sprintf(" group %d", c.rule.Group)
		}
		text(word)
	}
	var names []string
	for _, d := range detectors {
		if p.detect&d.set != 0 {
			names = append(names, d.Name)
		}
	}
	number(len(names))
	for _, n := range names {
		text(n)
	}
	if len(p.custom) > 0 {
		number(len(p.custom))
		for _, c := range p.custom {
			text(c.Name)
			text(c.pattern.String())
		}
	}
	if !p.key.empty() {
		text(p.key.id())
	}
	if len(p.clear) > 0 {
		text("clear")
		number(len(p.clear))
		for _, c := range p.clear {
			text(c.Schema)
			text(c.Table)
			text(c.Name)
		}
	}
	if paths := p.Paths(); paths != nil {
		text("paths")
		number(len(paths.rules))
		for _, r := range paths.rules {
			text(r.rule.Name)
			text(r.text)
			text(r.rule.Method.String())
		}
	}
	return hashOf(b)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
