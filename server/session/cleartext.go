package session

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
)

// cleared judges an operation whose requester asks to see masked columns in clear:
// d is what is said of it without. It takes a rule that speaks of unmask, and a
// statement that reads, may run by itself, and of which every value can be traced
// to its column. The plan of what is seen then clears just the columns; what the
// transcript keeps does not change.
func cleared(r *Rules, q policy.Request, op connectors.Operation, pm policy.Masks, d policy.Decision, m masks) (policy.Decision, masks, error) {
	no := func(why string, args ...any) (policy.Decision, masks, error) {
		return policy.Decision{Rule: maskRule(m.names), Reason: fmt.Sprintf(why, args...)}, m, nil
	}
	switch {
	case op.Action != policy.ActionSQL || op.Trace == nil:
		return no("nothing can be shown in clear here: values cannot be traced to their columns")
	case !op.Trace.Understood():
		return no("nothing of it can be shown in clear: it is not understood whole (%s)", op.Trace.Why)
	case op.Facts.Class != policy.Read || d.Effect != policy.Allow:
		return no("only of what reads, and runs without an approval of its own, columns can be shown in clear")
	}
	columns, why := maskedNamed(m.seen, op.Trace.Reads, op.Cleartext)
	if why != "" {
		return no("%s", why)
	}
	q.Action = policy.ActionUnmask
	u := r.Policy.Decide(q)
	for _, c := range columns {
		m.clear = append(m.clear, nameOf(c))
	}
	u.Reason = strings.Join(m.clear, ", ") + " in clear: " + u.Reason
	if u.Effect == policy.Deny {
		m.clear = nil
		return policy.Decision{Rule: u.Rule, Reason: u.Reason}, m, nil
	}
	u.Limits, u.Results, u.Binary = u.Limits.Tightest(d.Limits), max(u.Results, d.Results), false
	var err error
	if m.seen, err = r.Masking.plan(pm.Seen, pm.SeenDetect, columns); err != nil {
		return policy.Decision{Rule: policy.DefaultDeny}, masks{}, fmt.Errorf("compile masks of %q: %w", q.Resource.Name, err)
	}
	return u, m, nil
}

// maskedNamed finds the columns that people name among those that a statement
// reads and the plan masks, or says why they are not to be found.
func maskedNamed(p *mask.Plan, reads []mask.Column, names []string) (found []mask.Column, why string) {
	for _, name := range names {
		var here []mask.Column
		for _, c := range reads {
			if _, masked := p.Column(c); masked && named3(c, name) && !slices.Contains(here, c) {
				here = append(here, c)
			}
		}
		switch len(here) {
		case 0:
			return nil, fmt.Sprintf("it reads no column %q that is masked for you", name)
		case 1:
		default:
			return nil, fmt.Sprintf("the column %q is of several tables here: write %s or %s", name, nameOf(here[0]), nameOf(here[1]))
		}
		if !slices.Contains(found, here[0]) {
			found = append(found, here[0])
		}
	}
	slices.SortFunc(found, func(a, b mask.Column) int { return cmp.Compare(nameOf(a), nameOf(b)) })
	return found, ""
}

// named3 reports whether a name of one, two or three parts is the column's.
func named3(c mask.Column, name string) bool {
	return slices.ContainsFunc([]string{c.Name, c.Table + "." + c.Name, nameOf(c)}, func(s string) bool { return strings.EqualFold(s, name) })
}

// nameOf is a column as people write it.
func nameOf(c mask.Column) string {
	if c.Schema == "" {
		return c.Table + "." + c.Name
	}
	return c.Schema + "." + c.Table + "." + c.Name
}

// Unmasking is how a masked column could be seen in clear.
type Unmasking struct {
	// Roles are those that may always see it, each with whom it is for.
	Roles []string
	// Decision is what would be said if this person asked for it in one statement
	// that reads.
	Decision policy.Decision
}

// Unmasking tells who may see what a mask of this column pattern hides. Nothing
// runs.
func (s *Session) Unmasking(pattern string) Unmasking {
	r := s.g.rules.Load()
	res, ok := s.present(r)
	if !ok {
		return Unmasking{Decision: changed}
	}
	op := connectors.Operation{Action: policy.ActionUnmask, Facts: policy.Facts{Class: policy.Read}}
	return Unmasking{r.Policy.Revealing(res, pattern), r.Policy.Decide(s.request(res, op, s.ops.Load()))}
}
