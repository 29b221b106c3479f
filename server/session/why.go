package session

import (
	"context"
	"errors"
	"path/filepath"
	"slices"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Why is what the gate would do with an operation, and how it comes to that.
type Why struct {
	Resource policy.Resource
	Action   policy.Action
	Text     string
	policy.Explanation
	Facts policy.Facts
	Masks policy.Masks
	// Basis says what the facts rest on where it is not the target's own catalog.
	Basis string
}

// FromText is the basis of facts that a target was not asked for.
const FromText = "the text alone, without the target's catalog"

// Classifier finds the facts of an operation from its text alone. What it cannot
// tell is unknown, with the reason in Why. An error says that it could not look.
type Classifier func(ctx context.Context, kind string, action policy.Action, text string) (policy.Facts, error)

// Explain explains a decision as judge makes it.
func Explain(r *Rules, q policy.Request, op connectors.Operation) (Why, error) {
	p := r.Policy
	y := Why{Resource: q.Resource, Action: q.Action, Text: op.Text, Facts: q.Facts,
		Masks: p.For(q.Identity, q.Session, q.Now).Masks(q.Resource)}
	_, m, err := judge(r, q, op)
	if err != nil {
		return y, err
	}
	y.Explanation = p.Explain(q)
	d := unread(underMasks(y.Decision, m, op), m, op)
	if d.Rule != y.Decision.Rule {
		// No right lifts what a mask forbids.
		y.Decision, y.Grant = d, ""
		y.Tried = append(y.Tried, policy.Trial{Rule: d.Rule, Effect: policy.Deny, Matched: true, Why: d.Reason})
	}
	return y, nil
}

// Explain says what the gate would do with the statement and why, without running
// anything.
func (s *Session) Explain(ctx context.Context, text string) (Why, error) {
	op, err := s.ahead(ctx, text)
	if err != nil {
		return Why{}, err
	}
	if d, m, err := s.decide(op, s.ops.Load()); err == nil {
		// Somebody asks: that is worth a plan, also in production.
		_, _, _ = s.weighed(&op, s.ops.Load(), d, m, func() *int64 { return s.estimate(ctx, text) }) // explained below
	}
	res, ok := s.present(s.g.rules.Load())
	if !ok {
		return Why{Resource: s.target.Resource, Action: op.Action, Text: text, Facts: op.Facts,
			Explanation: policy.Explanation{Decision: changed}}, nil
	}
	y, err := Explain(s.g.rules.Load(), s.request(res, op, s.ops.Load()), op)
	y.hidePaths()
	return y, s.words(err)
}

// hidePaths leaves of the files of rules their names: where they lie on the
// bastion is nobody's business.
func (y *Why) hidePaths() {
	for i := range y.Tried {
		y.Tried[i].Place = filepath.Base(y.Tried[i].Place)
		if y.Tried[i].Place == "." {
			y.Tried[i].Place = ""
		}
	}
}

// Why explains what the gate would do with an operation of this person's, without
// running it. action may be "": that of the resource's kind. A database's catalog
// is asked through a session like any other, which is on record; where it cannot
// be opened now, and for kinds without a catalog, the text alone is judged. What
// this person may not open is refused as Open refuses it: whether it is there is
// nobody's business.
func (v *Visit) Why(ctx context.Context, name string, action policy.Action, text string) (Why, error) {
	t, rules, err := v.target(ctx, name)
	if err != nil {
		return Why{}, err
	}
	text = t.Spelled(action, text)
	if action == "" {
		action = t.DefaultAction(text)
	}
	basis := FromText
	if action == policy.ActionSQL || t.Endpoint.Command != nil {
		y, err := v.whyThere(ctx, name, action, text)
		if err == nil || ctx.Err() != nil || errors.Is(err, recorder.ErrUnavailable) {
			return y, err
		}
		basis += ": " + err.Error()
	}
	op := connectors.Operation{Action: action, Text: text}
	if v.g.o.Classify != nil && (action != policy.ActionShell || text != "" && t.Kind == kindKubernetes) {
		if op.Facts, err = v.g.o.Classify(ctx, t.Kind, action, text); err != nil {
			return Why{}, v.g.words(name, err)
		}
	}
	now := v.g.o.Now()
	y, err := Explain(rules, policy.Request{Identity: v.who(), Resource: t.Resource, Action: action, Facts: op.Facts,
		Session: v.arriving(now), Now: now}, op)
	y.Basis = basis
	y.hidePaths()
	return y, v.g.words(name, err)
}

// whyThere judges with the target's own catalog.
func (v *Visit) whyThere(ctx context.Context, name string, action policy.Action, text string) (Why, error) {
	s, err := v.Open(ctx, name, action, Screen{})
	if err != nil {
		return Why{}, err
	}
	defer s.Close() // its error is nil by contract
	if err := s.failed(s.transcript.Record(ctx, recorder.KindNote, recorder.Note{Text: "asked why, without running it: " + text})); err != nil {
		return Why{}, err
	}
	return s.Explain(ctx, text)
}

// DefaultAction is what one does with a resource of this kind: with nothing to
// run on a host, that is a shell.
func (t Target) DefaultAction(text string) policy.Action {
	all := policy.DefaultKinds()[t.Kind]
	switch {
	case len(all) == 0:
		return policy.ActionSQL
	case text == "" && slices.Contains(all, policy.ActionShell):
		return policy.ActionShell
	case t.Kind == kindKubernetes:
		return lineAction(text)
	}
	return all[0]
}
