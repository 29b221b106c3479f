package session

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/mask"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/server/approval"
)

// guard is the gate for one operation of a session.
type guard struct {
	s   *Session
	ask *Ask
	// end ends the operation, with a cause; the first counts.
	end context.CancelCauseFunc
	// unwritten: the operation writes a file whose content has not come yet.
	unwritten bool
	// done forgets the operation; set by Check.
	done func()
	// terms are those of the permit that Check gave.
	terms terms
}

var _ connectors.Guard = (*guard)(nil)

// Note records a statement of the gate's own before it is sent.
func (g *guard) Note(ctx context.Context, text string) error {
	return g.record(ctx, recorder.KindNote, recorder.Note{Text: text})
}

// Check is the second decision, in one place: record what is asked, decide,
// record the decision, have it approved where needed, record that it runs. What
// is recorded does not depend on the requester still being there.
func (g *guard) Check(ctx context.Context, op connectors.Operation) (connectors.Permit, error) {
	s := g.s
	n := int(s.ops.Add(1))
	s.lease.touch()
	if g.ask != nil {
		op.Cleartext = g.ask.Unmask
	}
	if err := g.asked(ctx, n, op); err != nil {
		return nil, err
	}
	rules := s.g.rules.Load()
	d, m, err := s.decideBy(rules, op, int64(n-1))
	if err == nil && op.Estimate != nil {
		d, m, err = s.weighed(&op, int64(n-1), d, m, func() *int64 { return estimateOf(ctx, op) })
	}
	if err != nil {
		return nil, g.refused(ctx, n, err)
	}
	d = asksToLend(op, d)
	a := &asked{op: op, before: int64(n - 1), masks: m.revision(), rules: rules, lent: lent(op, d), end: g.end}
	g.done = func() {}
	if d.Effect != policy.Deny { // what never ran is not ended, but refused
		g.done = s.begin(a)
	}
	p, err := g.run(ctx, n, a, d, m)
	if err != nil {
		g.done()
		return nil, err
	}
	return p, nil
}

// estimateOf asks the planner from within an operation.
func estimateOf(ctx context.Context, op connectors.Operation) *int64 {
	ctx, cancel := context.WithTimeout(ctx, estimateTime)
	defer cancel()
	rows, err := op.Estimate(ctx)
	if err != nil {
		return nil
	}
	return &rows
}

// run is the way from a decision to a permit.
func (g *guard) run(ctx context.Context, n int, a *asked, d policy.Decision, m masks) (connectors.Permit, error) {
	s, op := g.s, a.op
	if why := unreadable(op, d); why != nil {
		return nil, g.refused(ctx, n, why)
	}
	if why := unsaid(op, d); why != nil {
		return nil, g.refused(ctx, n, why)
	}
	if why := crowded(s.target.Name, s.g.others(s), d); why != nil && d.Effect != policy.Deny {
		return nil, g.refused(ctx, n, why)
	}
	used, err := g.permit(ctx, n, op, d, m)
	if err != nil {
		return nil, g.refused(ctx, n, err)
	}
	free, ok := s.room(op.Action)
	if !ok {
		g.finish(used, policy.ApprovalFailed)
		return nil, g.refused(ctx, n, &policy.Refusal{Rule: "one at a time", Reason: crowd(op.Action)})
	}
	// The rules may have changed between the decision and now: whoever changed them
	// finds the operation, or it finds their change here.
	if why := s.stopped(s.g.rules.Load(), a); why != nil {
		free()
		g.finish(used, policy.ApprovalFailed)
		return nil, g.refused(ctx, n, why)
	}
	looked, why := s.g.looked.take(s.g.o.Now(), s.v.Identity, s.target.Name, op.Trace.LookUps(m.seen))
	if why != nil {
		free()
		g.finish(used, policy.ApprovalFailed)
		return nil, g.refused(ctx, n, why)
	}
	if err := g.record(ctx, recorder.KindRun, recorder.Run{Op: n, Approval: used}); err != nil {
		free()
		g.finish(used, policy.ApprovalFailed)
		return nil, err
	}
	s.lease.add(d)
	g.terms = s.terms(op, d)
	g.terms.underMasks(op.Trace, m.seen)
	return &permit{g: g, op: n, free: free, approval: used, seen: m.seen, kept: m.kept, terms: g.terms, masks: m.names, looked: looked,
		most: g.s.g.rules.Load().Limits.Kept}, nil
}

// asked records what is asked. What is too large for the record is refused.
func (g *guard) asked(ctx context.Context, n int, op connectors.Operation) error {
	if !utf8.ValidString(op.Text) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "it is not valid UTF-8, so it cannot be judged and recorded as typed"}
	}
	text := op.Shown()
	sum := sha256.Sum256([]byte(text)) // of what is kept: one of the rest would let its values be guessed
	err := g.record(ctx, recorder.KindOperation, recorder.Operation{
		Op: n, Action: string(op.Action), Text: text, SHA256: hex.EncodeToString(sum[:]), Facts: op.Facts, Login: op.Login,
		Reads: columns(op.Reads),
	})
	if errors.Is(err, recorder.ErrTooLarge) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "it is too large to be judged and recorded"}
	}
	return err
}

// columns leaves an empty list out of the record.
func columns(c []mask.Column) any {
	if len(c) == 0 {
		return nil
	}
	return c
}

// record makes an event durable, whether or not the requester is still there.
func (g *guard) record(ctx context.Context, k recorder.Kind, payload any) error {
	return g.s.failed(g.s.transcript.Record(context.WithoutCancel(ctx), k, payload))
}

// permit records the decision and returns the id of the approval that it uses,
// "" where none is needed. Its error refuses the operation.
func (g *guard) permit(ctx context.Context, n int, op connectors.Operation, d policy.Decision, m masks) (string, error) {
	rec := recorder.Decision{Op: n, Effect: d.Effect.String(), Rule: d.Rule, Reason: d.Reason, Masks: m.names,
		Estimate: op.Facts.Estimate, Lent: d.Lent()}
	if d.Effect != policy.Approve {
		if err := g.record(ctx, recorder.KindDecision, rec); err != nil {
			return "", err
		}
		if d.Effect == policy.Deny {
			return "", &policy.Refusal{Rule: d.Rule, Reason: d.Reason}
		}
		return "", nil
	}
	return g.approved(ctx, rec, op, d, m)
}

// approved has the operation approved: by a yes that is there already for these
// bytes, or by asking and waiting. Before it returns, the approval is executing.
func (g *guard) approved(ctx context.Context, rec recorder.Decision, op connectors.Operation, d policy.Decision, m masks) (string, error) {
	s := g.s
	if g.unwritten {
		why := error(errContent)
		if g.ask != nil && !g.ask.Later {
			if refusal := g.unreasoned(d); refusal != nil {
				why = refusal
			}
		}
		return "", errors.Join(why, g.record(ctx, recorder.KindDecision, rec))
	}
	b := approval.Binding{Requester: s.v.Identity, Resource: s.target.Resource, Action: op.Action, Text: op.Text, Login: op.Login, Masks: m.revision(), Cleartext: m.clear,
		Agent: d.AgentForwarding, Display: d.X11Forwarding}
	if op.Within != "" {
		b.Binds = []approval.Bind{{Type: "within", Value: []byte(op.Within)}}
	}
	hash := b.Hash()
	a, ok := s.g.o.Approvals.Granted(ctx, s.v.Identity, hash)
	if !ok && (g.ask == nil || g.ask.Later) {
		return "", errors.Join(&policy.ApprovalNeeded{Decision: d, Facts: op.Facts},
			g.record(ctx, recorder.KindDecision, rec))
	}
	if !ok {
		var err error
		if a, err = g.request(ctx, rec, op, d, m, hash); err != nil {
			return "", err
		}
	} else {
		rec.Approval = a.ID
		if err := g.record(ctx, recorder.KindDecision, rec); err != nil {
			return "", err
		}
	}
	return g.consume(ctx, a, op, int64(rec.Op-1), hash, m.revision())
}

// noReason stands where the requester gave none and need not.
const noReason = "(none given)"

// unreasoned refuses to ask without the reason that is wanted, nil where there is one.
func (g *guard) unreasoned(d policy.Decision) *policy.Refusal {
	if !d.ReasonRequired || strings.TrimSpace(g.ask.Reason) != "" {
		return nil
	}
	return &policy.Refusal{Rule: d.Rule, Reason: "it needs approval from " + strings.Join(d.Approvers, " or ") + ", who want to know why: nothing was asked yet",
		Hint: "give a reason: --reason TEXT"}
}

// request asks for a yes and waits for it.
func (g *guard) request(ctx context.Context, rec recorder.Decision, op connectors.Operation, d policy.Decision, m masks, hash string) (policy.Approval, error) {
	s := g.s
	reason := strings.TrimSpace(g.ask.Reason)
	if refusal := g.unreasoned(d); refusal != nil {
		return policy.Approval{}, errors.Join(refusal, g.record(ctx, recorder.KindDecision, rec))
	}
	a, err := s.g.o.Approvals.Request(ctx, policy.Approval{
		Requester: s.v.Identity, Resource: s.target.Resource, Action: op.Action, Statement: op.Shown(), Cleartext: m.clear, Hash: hash, Facts: op.Facts,
		Rule: d.Rule, Why: d.Reason, Approvers: d.Approvers, Need: d.Need, Reason: cmp.Or(reason, noReason), From: s.v.From,
		Session: string(s.ID()), Wait: d.Wait, Lasts: d.Lasts, AgentForwarding: d.AgentForwarding, X11Forwarding: d.X11Forwarding,
	})
	if err != nil {
		return a, err
	}
	rec.Approval = a.ID
	if err := g.record(ctx, recorder.KindDecision, rec); err != nil {
		return a, err
	}
	if g.ask.Waiting != nil {
		g.ask.Waiting(a)
	}
	if a.State == policy.ApprovalGranted {
		return a, nil
	}
	if g.ask.Wait < 0 {
		return a, &policy.Refusal{Rule: d.Rule, Reason: "it needs approval, and waiting was not asked for", ApprovalID: a.ID,
			Hint: "run the same statement again once it is approved"}
	}
	return g.wait(ctx, a)
}

// wait returns when a was decided. The requester leaving withdraws it.
func (g *guard) wait(ctx context.Context, a policy.Approval) (policy.Approval, error) {
	wctx, cancel := ctx, context.CancelFunc(func() {})
	if g.ask.Wait > 0 {
		wctx, cancel = context.WithTimeout(ctx, g.ask.Wait)
	}
	defer cancel()
	id := a.ID
	a, err := g.s.g.o.Approvals.Wait(wctx, id)
	switch {
	case err != nil && ctx.Err() == nil && wctx.Err() != nil:
		return a, &policy.Refusal{Rule: a.Rule, Reason: "nobody decided in time; the request stays open", ApprovalID: id,
			Hint: "run the same statement again once it is approved"}
	case err != nil:
		undo := g.s.g.o.Approvals.Withdraw(context.WithoutCancel(ctx), id)
		return a, errors.Join(err, undo)
	case a.State == policy.ApprovalGranted:
		return a, nil
	}
	return a, undecided(a)
}

// undecided is the refusal of an approval that did not become a yes.
func undecided(a policy.Approval) *policy.Refusal {
	r := &policy.Refusal{Rule: a.Rule, ApprovalID: a.ID, Reason: "the request was " + string(a.State)}
	for _, v := range a.Votes {
		if !v.Yes {
			r.By, r.Comment, r.Reason = v.By.Display(), v.Comment, ""
		}
	}
	return r
}

// consume takes the yes, with the decision as policy makes it now: the right may
// have gone while the requester waited.
func (g *guard) consume(ctx context.Context, a policy.Approval, op connectors.Operation, before int64, hash, masks string) (string, error) {
	d, m, err := g.s.decide(op, before)
	if err != nil {
		return "", err
	}
	if m.seen != nil && m.revision() != masks {
		return "", &policy.Refusal{Rule: d.Rule, ApprovalID: a.ID, Reason: "the masks changed while it waited: ask again"}
	}
	_, err = g.s.g.o.Approvals.Consume(ctx, a.ID, g.s.v.Identity, hash, d)
	if err != nil {
		return "", errors.Join(&policy.Refusal{Rule: d.Rule, ApprovalID: a.ID, Reason: err.Error()}, notUsable(err))
	}
	return a.ID, nil
}

// notUsable drops the plain refusal that the caller has put in words.
func notUsable(err error) error {
	if errors.Is(err, approval.ErrNotUsable) {
		return nil
	}
	return err
}

// refused records the outcome of an operation that did not run, and returns why.
func (g *guard) refused(ctx context.Context, n int, why error) error {
	return errors.Join(why, g.record(ctx, recorder.KindOutcome, recorder.Outcome{Op: n, State: "refused", Error: why.Error()}))
}

// finish says how an approved operation ended.
func (g *guard) finish(id string, state policy.ApprovalState) {
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := g.s.g.o.Approvals.Finish(ctx, id, state); err != nil {
		g.s.g.o.Log.Error("approval's end not stored", "approval", id, "err", err)
	}
}
