package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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
	// release is called when the operation is over.
	release func()
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
	if err := g.asked(ctx, n, op); err != nil {
		return nil, err
	}
	d, m, err := s.decide(op)
	if err != nil {
		return nil, g.refused(ctx, n, err)
	}
	used, err := g.permit(ctx, n, op, d, m)
	if err != nil {
		return nil, g.refused(ctx, n, err)
	}
	select {
	case s.running <- struct{}{}:
	default:
		g.finish(used, policy.ApprovalFailed)
		return nil, g.refused(ctx, n, &policy.Refusal{Rule: "one at a time", Reason: "another operation of this session is running"})
	}
	if err := g.record(ctx, recorder.KindRun, recorder.Run{Op: n, Approval: used}); err != nil {
		<-s.running
		g.finish(used, policy.ApprovalFailed)
		return nil, err
	}
	return &permit{g: g, op: n, approval: used, seen: m.seen, kept: m.kept, terms: s.terms(op)}, nil
}

// asked records what is asked. What is too large for the record is refused.
func (g *guard) asked(ctx context.Context, n int, op connectors.Operation) error {
	if !utf8.ValidString(op.Text) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "it is not valid UTF-8, so it cannot be judged and recorded as typed"}
	}
	sum := sha256.Sum256([]byte(op.Text))
	err := g.record(ctx, recorder.KindOperation, recorder.Operation{
		Op: n, Action: string(op.Action), Text: op.Text, SHA256: hex.EncodeToString(sum[:]), Facts: op.Facts, Login: op.Login,
	})
	if errors.Is(err, recorder.ErrTooLarge) {
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "it is too large to be judged and recorded"}
	}
	return err
}

// record makes an event durable, whether or not the requester is still there.
func (g *guard) record(ctx context.Context, k recorder.Kind, payload any) error {
	return g.s.failed(g.s.transcript.Record(context.WithoutCancel(ctx), k, payload))
}

// terms are the limits of an operation; what was judged a read runs read-only. A
// shell lasts as long as its person stays.
func (s *Session) terms(op connectors.Operation) connectors.Terms {
	l := s.g.rules.Load().Limits
	t := connectors.Terms{ReadOnly: op.Facts.Class == policy.Read, Timeout: l.Statement, MaxRows: l.Rows, MaxBytes: l.Bytes}
	if op.Action == policy.ActionShell {
		t.Timeout = 0
	}
	return t
}

// masks are the two plans of an operation and their names.
type masks struct {
	seen, kept *mask.Plan
	names      []string
}

// revision identifies both plans: an approval binds to it.
func (m masks) revision() string { return m.seen.Revision() + "/" + m.kept.Revision() }

// decide judges by the rules that hold now. A form whose rows go elsewhere than
// into the result, over a table on which the transcript keeps a mask, is denied:
// what it copies could be read back without its origin; and so is a change that
// reads a masked column.
func (s *Session) decide(op connectors.Operation) (policy.Decision, masks, error) {
	r := s.g.rules.Load()
	now, ok := r.Targets[s.target.Name]
	if !ok || now.Revision != s.target.Revision {
		return policy.Decision{Rule: policy.DefaultDeny, Reason: "the resource's configuration changed: open it again"}, masks{}, nil
	}
	pm := r.Policy.MasksFor(s.v.Identity, now.Resource)
	seen, kept, err := plans(pm)
	if err != nil {
		return policy.Decision{Rule: policy.DefaultDeny}, masks{}, fmt.Errorf("compile masks of %q: %w", s.target.Name, err)
	}
	m := masks{seen: seen, kept: kept}
	for _, k := range pm.Kept {
		if !slices.Contains(m.names, k.Name) {
			m.names = append(m.names, k.Name)
		}
	}
	d := r.Policy.Decide(policy.Request{Identity: s.v.Identity, Resource: now.Resource, Action: op.Action, Facts: op.Facts, Now: s.g.o.Now()})
	if why := carries(kept, op); why != "" && d.Effect != policy.Deny {
		d = policy.Decision{Rule: maskRule(m.names), Reason: why}
	}
	// What is not understood is left to the target first: it may be a slip.
	if op.Trace.Understood() && d.Effect != policy.Deny {
		if no := op.Trace.Refusal(seen, kept, op.Facts); no != nil {
			d = policy.Decision{Rule: no.Rule, Reason: no.Reason}
		}
	}
	return d, m, nil
}

// carries says how an operation would take masked values past the mask, "" if it
// would not. It goes by what the transcript keeps masked: what one person may
// see must not become readable for all.
func carries(kept *mask.Plan, op connectors.Operation) string {
	if op.Action != policy.ActionSQL {
		return ""
	}
	f := op.Facts
	if f.Copies && connectors.Touches(kept, f) {
		return f.Form + " over a table with masked columns would carry them past the mask"
	}
	if !op.Trace.Understood() && f.Opaque && f.Class.Severity() >= policy.Write.Severity() && connectors.Touches(kept, f) {
		return "it cannot be told what this change reads, so it could carry masked columns past the mask"
	}
	if c, ok := connectors.MaskedRead(kept, op.Reads); ok {
		return "the change reads the masked column " + c.Table + "." + c.Name + ", which would carry it past the mask"
	}
	return ""
}

func maskRule(names []string) string {
	if len(names) == 0 {
		return "masks"
	}
	return "masks/" + names[0]
}

// permit records the decision and returns the id of the approval that it uses,
// "" where none is needed. Its error refuses the operation.
func (g *guard) permit(ctx context.Context, n int, op connectors.Operation, d policy.Decision, m masks) (string, error) {
	rec := recorder.Decision{Op: n, Effect: d.Effect.String(), Rule: d.Rule, Reason: d.Reason, Masks: m.names}
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
	b := approval.Binding{Requester: s.v.Identity, Resource: s.target.Resource, Action: op.Action, Text: op.Text, Login: op.Login, Masks: m.revision()}
	hash := b.Hash()
	a, ok := s.g.o.Approvals.Granted(ctx, s.v.Identity, hash)
	if !ok && g.ask == nil {
		return "", errors.Join(&policy.ApprovalNeeded{Decision: d, Facts: op.Facts},
			g.record(ctx, recorder.KindDecision, rec))
	}
	if !ok {
		var err error
		if a, err = g.request(ctx, rec, op, d, hash); err != nil {
			return "", err
		}
	} else {
		rec.Approval = a.ID
		if err := g.record(ctx, recorder.KindDecision, rec); err != nil {
			return "", err
		}
	}
	return g.consume(ctx, a, op, hash, m.revision())
}

// request asks for a yes and waits for it.
func (g *guard) request(ctx context.Context, rec recorder.Decision, op connectors.Operation, d policy.Decision, hash string) (policy.Approval, error) {
	s := g.s
	a, err := s.g.o.Approvals.Request(ctx, policy.Approval{
		Requester: s.v.Identity, Resource: s.target.Resource, Action: op.Action, Statement: op.Text, Hash: hash, Facts: op.Facts,
		Rule: d.Rule, Why: d.Reason, Approvers: d.Approvers, Need: d.Need, Reason: strings.TrimSpace(g.ask.Reason), From: s.v.From,
		Session: string(s.ID()), Wait: d.Wait,
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
func (g *guard) consume(ctx context.Context, a policy.Approval, op connectors.Operation, hash, masks string) (string, error) {
	d, m, err := g.s.decide(op)
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
