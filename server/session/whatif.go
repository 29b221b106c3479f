package session

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// Records is where transcripts are read: a Recorder, or a Store that no bastion
// has open.
type Records interface {
	Heads(ctx context.Context) ([]recorder.Head, error)
	Read(ctx context.Context, id recorder.ID, from uint64, max int) ([]recorder.Event, error)
}

// Ruling is what was decided, or would be, about one operation.
type Ruling struct {
	Effect    string   `json:"effect"`
	Rule      string   `json:"rule"`
	Reason    string   `json:"reason,omitempty"`
	Approvers []string `json:"approvers,omitempty"`
	// Masks are the names of the masks on the resource.
	Masks []string `json:"masks,omitempty"`
}

// Difference is a recorded operation that other rules decide otherwise, in effect
// or in what is masked.
type Difference struct {
	Transcript recorder.ID     `json:"transcript"`
	Event      uint64          `json:"event"`
	At         time.Time       `json:"at"`
	Person     recorder.Person `json:"person"`
	Resource   string          `json:"resource"`
	Action     string          `json:"action"`
	Text       string          `json:"text"`
	Then       Ruling          `json:"then"`
	Now        Ruling          `json:"now"`
}

// Rerun counts what Rejudge found.
type Rerun struct {
	// Operations were judged again; Same of them with the same effect and masks,
	// OtherRule of those by another rule.
	Operations int `json:"operations"`
	Same       int `json:"same"`
	OtherRule  int `json:"other_rule"`
	// Unjudged could not be: no facts, or no decision, are on record.
	Unjudged int `json:"unjudged"`
	// Changed counts differences by effect, "allow to deny"; Masks those in what is
	// masked alone.
	Changed map[string]int `json:"changed"`
	Masks   int            `json:"masks"`
}

// Rejudge judges every operation on record since a time by other rules: with the
// facts as they were found then, the person and groups as they were then, at the
// time it was. Each difference is told in the order of transcripts. Of rules, only
// the policy and the resources count.
func Rejudge(ctx context.Context, from Records, rules Rules, since time.Time, each func(Difference) error) (Rerun, error) {
	r := &rerun{from: from, rules: rules, since: since, each: each, sum: Rerun{Changed: map[string]int{}}}
	heads, err := from.Heads(ctx)
	if err != nil {
		return r.sum, fmt.Errorf("read transcripts: %w", err)
	}
	for _, h := range heads {
		if h.Header.Kind == kindBastion || h.Operations == 0 || h.Ended != nil && h.EndedAt.Before(since) {
			continue
		}
		if err := r.transcript(ctx, h); err != nil {
			return r.sum, fmt.Errorf("replay transcript %q: %w", h.ID, err)
		}
	}
	return r.sum, nil
}

type rerun struct {
	from  Records
	rules Rules
	since time.Time
	each  func(Difference) error
	sum   Rerun
}

// pending is an operation whose decision has not come by yet.
type pending struct {
	event uint64
	at    time.Time
	op    recorder.Operation
}

func (r *rerun) transcript(ctx context.Context, h recorder.Head) error {
	asked := map[int]pending{}
	read := func(ctx context.Context, from uint64, max int) ([]recorder.Event, error) {
		return r.from.Read(ctx, h.ID, from, max)
	}
	for e, err := range recorder.Events(ctx, 0, read) {
		if err != nil {
			return err
		}
		switch e.Kind {
		case recorder.KindOperation:
			var op recorder.Operation
			if err := json.Unmarshal(e.Data, &op); err != nil {
				return fmt.Errorf("event %d: %w", e.Seq, err)
			}
			if !e.At.Before(r.since) {
				asked[op.Op] = pending{e.Seq, e.At, op}
			}
		case recorder.KindDecision:
			var d recorder.Decision
			if err := json.Unmarshal(e.Data, &d); err != nil {
				return fmt.Errorf("event %d: %w", e.Seq, err)
			}
			p, ok := asked[d.Op]
			if !ok {
				continue
			}
			delete(asked, d.Op)
			if err := r.judge(h, p, d); err != nil {
				return err
			}
		}
	}
	r.sum.Unjudged += len(asked)
	return nil
}

// judge compares one decision.
func (r *rerun) judge(h recorder.Head, p pending, then recorder.Decision) error {
	op := connectors.Operation{Action: policy.Action(p.op.Action), Text: p.op.Text, Login: p.op.Login}
	if !again(p.op.Facts, &op.Facts) || !again(p.op.Reads, &op.Reads) {
		r.sum.Unjudged++
		return nil
	}
	op.Facts.Estimate = cmp.Or(op.Facts.Estimate, then.Estimate)
	now, err := r.decide(h, p, op)
	if err != nil {
		return err
	}
	r.sum.Operations++
	d := Difference{Transcript: h.ID, Event: p.event, At: p.at, Person: h.Header.Identity, Resource: h.Header.Resource,
		Action: p.op.Action, Text: p.op.Text, Now: now,
		Then: Ruling{Effect: then.Effect, Rule: then.Rule, Reason: then.Reason, Masks: then.Masks}}
	switch {
	case now.Effect != then.Effect:
		r.sum.Changed[then.Effect+" to "+now.Effect]++
	case !slices.Equal(sorted(now.Masks), sorted(then.Masks)):
		r.sum.Masks++
	default:
		r.sum.Same++
		if now.Rule != then.Rule {
			r.sum.OtherRule++
		}
		return nil
	}
	return r.each(d)
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// again reads what a record holds as any.
func again[T any](v any, into *T) bool {
	if v == nil {
		_, facts := any(into).(*policy.Facts)
		return !facts // an operation without facts cannot be judged
	}
	b, err := json.Marshal(v)
	return err == nil && json.Unmarshal(b, into) == nil
}

func (r *rerun) decide(h recorder.Head, p pending, op connectors.Operation) (Ruling, error) {
	t, ok := r.rules.Targets[h.Header.Resource]
	if !ok {
		return Ruling{Effect: policy.Deny.String(), Rule: policy.DefaultDeny, Reason: "there is no such resource any more"}, nil
	}
	d, m, err := judge(&r.rules, policy.Request{
		Identity: identityOf(h.Header.Identity), Resource: t.Resource, Action: op.Action, Facts: op.Facts, Now: p.at,
		Session: policy.Session{From: Address(h.Header.From), Opened: h.Header.Started, Operations: int64(p.op.Op - 1)},
	}, op)
	if err != nil {
		return Ruling{}, err
	}
	return Ruling{Effect: d.Effect.String(), Rule: d.Rule, Reason: d.Reason, Approvers: d.Approvers, Masks: m.names}, nil
}

// identityOf is a person on record as policy sees people.
func identityOf(p recorder.Person) policy.Identity {
	return policy.Identity{Issuer: p.Issuer, Subject: p.Subject, Email: p.Email, Groups: p.Groups, Claims: p.Claims,
		Method: p.Method, SignedIn: p.SignedIn}
}

// errNotAdministrator refuses what only administrators may ask.
func errNotAdministrator(what string) *policy.Refusal {
	return &policy.Refusal{Rule: policy.DefaultDeny, Reason: what + " shows what everybody did, so it is for administrators",
		Hint: "an administrator has a role with transcripts: all over everything (names [\"*\"])"}
}

// PolicyReplay judges everybody's recorded operations by other rules, or by those in
// force where candidate is nil; resources are those of the candidate. It is an
// administrator's, and on record before anything is read. See
// Rejudge.
func (v *Visit) PolicyReplay(ctx context.Context, candidate *Rules, since time.Time, each func(Difference) error) (Rerun, error) {
	if !v.administers() {
		return Rerun{}, errNotAdministrator("policy replay")
	}
	rules := *v.g.rules.Load()
	if candidate != nil {
		rules = *candidate
	}
	err := v.g.Journal(ctx, recorder.Admin{Act: "policy replay", By: v.v.Person(), From: v.v.From, Target: rules.Revision,
		Details: map[string]string{"since": since.UTC().Format(time.RFC3339)}})
	if err != nil {
		return Rerun{}, err
	}
	return Rejudge(ctx, v.g.o.Recorder, rules, since, each)
}
