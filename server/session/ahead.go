package session

import (
	"context"
	"fmt"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
)

// ahead is the operation that a statement would be, as far as its kind can tell
// without running it.
func (s *Session) ahead(ctx context.Context, text string) (connectors.Operation, error) {
	op := connectors.Operation{Action: asks(s.target.Kind), Text: text}
	j, ok := s.conn.(connectors.Judge)
	if !ok {
		return op, fmt.Errorf("%q cannot be judged ahead", s.target.Name)
	}
	var err error
	if op.Facts, err = j.Judge(ctx, connectors.Statement{Text: text}); err != nil {
		return op, s.words(err)
	}
	if tr, ok := s.conn.(connectors.Tracer); ok {
		t, err := tr.Trace(ctx, connectors.Statement{Text: text})
		if err != nil {
			return op, s.words(err)
		}
		// What is not understood is the restricted login's to run, where there is one.
		if t.Understood() || s.target.Endpoint.Masked == nil {
			op.Trace = t
		}
	}
	return op, nil
}

// asks is what is asked of a kind first.
func asks(kind string) policy.Action {
	if all := policy.DefaultKinds()[kind]; len(all) > 0 {
		return all[0]
	}
	return policy.ActionSQL
}

// unread is a decision, or the denial of what is not understood and may reach
// masked data. What runs is first parsed by the target, which names a slip.
func unread(d policy.Decision, m masks, op connectors.Operation) policy.Decision {
	if d.Effect == policy.Deny || op.Trace == nil || op.Trace.Understood() {
		return d
	}
	if no := op.Trace.Refusal(m.seen, m.kept, op.Facts); no != nil {
		return policy.Decision{Rule: no.Rule, Reason: no.Reason}
	}
	return d
}
