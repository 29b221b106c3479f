package connectors

import (
	"context"
	"fmt"
	"slices"

	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// Trace is where an operation's values come from and go to, where the kind can
// tell. A nil Trace is of a kind that cannot.
type Trace struct {
	// Why says what of the operation is not understood, "" if all is. The rest means
	// nothing otherwise.
	Why string
	// Columns are where those of the answer come from, in order.
	Columns []ValueOrigin
	// Predicates are columns that decide which rows there are, or their order.
	Predicates []Predicate
	// Writes are values that go anywhere but into the answer.
	Writes []Written
	// Reads are all columns that the operation refers to.
	Reads []mask.Column
	// Counts is set where the operation does nothing but count the rows of one table,
	// in groups or all: the column of the answer with how many rows its row is about,
	// from one on.
	Counts int
}

// Tracer tells where a statement's values come from without running anything:
// what the verdict line shows.
type Tracer interface {
	Trace(ctx context.Context, s Statement) (*Trace, error)
}

// ValueOrigin is where the values of one column of an answer come from.
type ValueOrigin struct {
	// Direct values are those of Columns, unchanged; otherwise computed from them.
	Direct  bool
	Columns []mask.Column
}

// Predicate is a column that decides rows. Equality is set where the bare column
// is compared with constants. Clause names where: WHERE, ORDER BY.
type Predicate struct {
	Column   mask.Column
	Equality bool
	Clause   string
	// Tries is with how many constants the column is compared in all, where it is;
	// the same in each of its predicates.
	Tries int
}

// LookUp is a masked column that a statement may decide rows by, and what that
// takes off the budget of the rule that permits it.
type LookUp struct {
	Column mask.Column
	Rule   mask.Rule
	Tries  int64
}

// LookUps are those of the operation that the plan permits and has counted.
func (t *Trace) LookUps(p *mask.Plan) []LookUp {
	if !t.Understood() {
		return nil
	}
	var all []LookUp
	for _, d := range t.Predicates {
		may, rule := p.Predicates(d.Column)
		if may == mask.DenyPredicates || rule.Budget == 0 || slices.ContainsFunc(all, func(l LookUp) bool { return l.Column == d.Column }) {
			continue
		}
		all = append(all, LookUp{d.Column, rule, int64(max(1, d.Tries))})
	}
	return all
}

// Most is how many rows the answer may have by what the plan says of columns that
// it shows or that chose it, 0 for any number, and the rule that says so.
func (t *Trace) Most(p *mask.Plan) (most int64, rule mask.Rule) {
	if !t.Understood() {
		return 0, mask.Rule{}
	}
	look := func(c mask.Column) {
		if n, r := p.Most(c); n > 0 && (most == 0 || n < most) {
			most, rule = n, r
		}
	}
	for _, c := range t.Columns {
		for _, s := range c.Columns {
			look(s)
		}
	}
	for _, d := range t.Predicates {
		look(d.Column)
	}
	return most, rule
}

// Least is of how many rows at least the answer may speak, by what the plan says of
// columns that chose them, 0 for any number, and the rule that says so.
func (t *Trace) Least(p *mask.Plan) (least int64, rule mask.Rule) {
	if !t.Understood() {
		return 0, mask.Rule{}
	}
	for _, d := range t.Predicates {
		if n, r := p.Least(d.Column); n > least {
			least, rule = n, r
		}
	}
	return least, rule
}

// Written is where values go: into columns of tables, or into something else.
type Written struct {
	Into    string
	Targets []mask.Column
	Sources []mask.Column
}

// Understood reports whether all of the operation is.
func (t *Trace) Understood() bool { return t != nil && t.Why == "" }

// Touches reports whether an operation that is understood refers to a column that
// the plan masks, so that the target's words may hold its values.
func (t *Trace) Touches(p *mask.Plan) bool {
	if !t.Understood() {
		return false
	}
	_, found := MaskedRead(p, t.Reads)
	return found
}

// Refusal says why an operation must not run under the two plans, nil if it may:
// it is not understood and may reach what is masked; a masked column decides
// rows, beyond what its rule permits; masked values would go where they are not
// masked. The last goes by what the transcript keeps masked: what one person may
// see must not become readable for all.
func (t *Trace) Refusal(seen, kept *mask.Plan, f policy.Facts) *policy.Refusal {
	switch {
	case t == nil:
		return nil
	case t.Why != "":
		if !Touches(seen, f) {
			return nil
		}
		return &policy.Refusal{
			Rule: "masks", Reason: "not understood: " + t.Why + "; it may reach masked data",
			Hint: "write it so that every value can be traced to a column, or name no table with masked columns",
		}
	}
	for _, p := range t.Predicates {
		if may, rule := seen.Predicates(p.Column); may == mask.DenyPredicates || may == mask.EqualityAlone && !p.Equality {
			return &policy.Refusal{
				Rule:   "masks/" + rule.Name,
				Reason: fmt.Sprintf("the masked column %s.%s decides the answer's rows (%s): that would let one guess its values", p.Column.Table, p.Column.Name, p.Clause),
				Hint:   "select the column instead of comparing, sorting or grouping by it",
			}
		}
	}
	if n, rule := t.Least(seen); n > 0 && t.Counts == 0 {
		return &policy.Refusal{
			Rule:   "masks/" + rule.Name,
			Reason: fmt.Sprintf("rows are chosen by a masked column, which may be asked for how many they are alone, in groups of %d at least", n),
			Hint:   "select count(*) from that table, with the columns it is grouped by and nothing else",
		}
	}
	return t.Carries(kept)
}

// Carries says which masked values would go where the plan does not mask them,
// nil if none.
func (t *Trace) Carries(kept *mask.Plan) *policy.Refusal {
	if !t.Understood() {
		return nil
	}
	for _, w := range t.Writes {
		for _, s := range w.Sources {
			rule, ok := kept.Column(s)
			if !ok || covered(kept, rule, w.Targets) {
				continue
			}
			return &policy.Refusal{
				Rule:   "masks/" + rule.Name,
				Reason: fmt.Sprintf("it would write the masked column %s.%s into %s, past the mask", s.Table, s.Name, w.Into),
			}
		}
	}
	return nil
}

// covered reports whether the targets are masked like the source.
func covered(p *mask.Plan, rule mask.Rule, targets []mask.Column) bool {
	return len(targets) > 0 && !slices.ContainsFunc(targets, func(c mask.Column) bool {
		r, ok := p.Column(c)
		return !ok || r.Name != rule.Name && r.Method != rule.Method
	})
}

// masked returns the rule that masks a value of these columns: of several, the one
// whose method shows the least.
func (s ValueOrigin) masked(p *mask.Plan) (mask.Rule, bool) {
	var found mask.Rule
	any := false
	for _, c := range s.Columns {
		r, ok := p.Column(c)
		if ok && (!any || r.Method.ShowsLess(found.Method)) {
			found, any = r, true
		}
	}
	return found, any
}

// cleared reports whether the values come from columns that the plan clears, and
// from nothing else.
func (s ValueOrigin) cleared(p *mask.Plan) bool {
	return len(s.Columns) > 0 && !slices.ContainsFunc(s.Columns, func(c mask.Column) bool { return !p.Clears(c) })
}
