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
	revision string
}

// NewPlan compiles rules and the named content detectors (see [Detectors]).
// Without either the plan masks nothing. All faults are reported, joined; each
// names its rule or detector.
func NewPlan(rules []Rule, detect []string) (*Plan, error) {
	p := &Plan{made: true}
	var faults []error
	for _, r := range rules {
		c, err := newPattern(r)
		if err == nil && int(r.Method) >= len(methodNames) {
			err = fmt.Errorf("unknown mask method %d%s", r.Method, suggest("", methodNames[:]))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("mask rule %q: %w", r.Name, err))
			continue
		}
		p.patterns = append(p.patterns, c)
	}
	for _, name := range detect {
		d, err := detectorNamed(name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		p.detect |= d
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	p.revision = p.hash()
	return p, nil
}

// MasksColumns reports whether the plan masks any column at all.
func (p *Plan) MasksColumns() bool { return p.closed() || len(p.patterns) > 0 }

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

// Column returns the rule that masks c, if one does: of several, one that shows
// nothing before one that shows a part, and the first of equals.
func (p *Plan) Column(c Column) (Rule, bool) {
	if p.closed() {
		return Rule{Name: "no plan", Column: "*.*"}, true
	}
	var found *pattern
	schema, table, name := fold(c.Schema), fold(c.Table), fold(c.Name)
	for i := range p.patterns {
		c := &p.patterns[i]
		if !c.matchesTable(schema, table) || !glob(c.name, name) {
			continue
		}
		if c.rule.Method != Partial {
			return c.rule, true
		}
		if found == nil {
			found = c
		}
	}
	if found == nil {
		return Rule{}, false
	}
	return found.rule, true
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
// and of each its name, column and method (with a space and
// the word for predicates where that is not deny), then the count of detectors and their
// names. Counts and lengths are big-endian and take eight bytes; each text
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
	return hashOf(b)
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
