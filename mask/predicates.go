package mask

import "fmt"

// Predicates says whether a masked column may decide which rows there are: in a
// condition, a join, an order, a grouping. The zero value is no.
type Predicates uint8

const (
	DenyPredicates  Predicates = iota
	EqualityAlone              // the bare column compared with constants, for keys people search by
	AllowPredicates            // any
)

var predicateNames = [...]string{DenyPredicates: "deny", EqualityAlone: "equality", AllowPredicates: "allow"}

// String is the word in the configuration.
func (p Predicates) String() string {
	if int(p) < len(predicateNames) {
		return predicateNames[p]
	}
	return predicateNames[DenyPredicates]
}

// ParsePredicates is the inverse of String. The empty word is DenyPredicates.
func ParsePredicates(s string) (Predicates, error) {
	if s == "" {
		return DenyPredicates, nil
	}
	for p, name := range predicateNames {
		if s == name {
			return Predicates(p), nil
		}
	}
	return DenyPredicates, fmt.Errorf("unknown word %q for predicates%s", s, suggest(s, predicateNames[:]))
}

// Predicates returns what the plan lets a column decide, and the rule that says
// so: of several that match, the strictest, and of equals the one with the least
// budget. A column that no rule matches may decide anything.
func (p *Plan) Predicates(c Column) (Predicates, Rule) {
	if p.closed() {
		return DenyPredicates, Rule{Name: "no plan", Column: "*.*"}
	}
	most, rule := AllowPredicates, Rule{}
	folded := c.folded()
	for i := range p.patterns {
		k := &p.patterns[i]
		if !k.matches(folded) {
			continue
		}
		if rule.Name == "" || k.rule.Predicates < most || k.rule.Predicates == most && tighter(k.rule.Budget, rule.Budget) {
			most, rule = min(k.rule.Predicates, AllowPredicates), k.rule
		}
	}
	return most, rule
}

// Most returns how many rows an answer may have that shows the column or is chosen
// by it, 0 for any number, and the rule that says so.
func (p *Plan) Most(c Column) (int64, Rule) {
	return p.bound(c, func(r Rule) int64 { return r.Rows }, tighter)
}

// Least returns how many rows an answer that is chosen by the column must be about,
// 0 for none, and the rule that says so.
func (p *Plan) Least(c Column) (int64, Rule) {
	return p.bound(c, func(r Rule) int64 { return r.Group }, func(a, b int64) bool { return a > b })
}

// bound is the number of the rule that bounds the most of those that match.
func (p *Plan) bound(c Column, of func(Rule) int64, more func(a, b int64) bool) (n int64, rule Rule) {
	if p.closed() {
		return 0, Rule{}
	}
	folded := c.folded()
	for i := range p.patterns {
		k := &p.patterns[i]
		if k.matches(folded) && more(of(k.rule), n) {
			n, rule = of(k.rule), k.rule
		}
	}
	return n, rule
}

// tighter reports whether a budget leaves less than another; 0 is none.
func tighter(a, b int64) bool { return a > 0 && (b == 0 || a < b) }
