package tuitest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
	"github.com/sallyport/sallyport/tui"
)

// Workspace is a fake session on a database.
type Workspace struct {
	b        *backend
	resource string
	id       recorder.ID
	ended    chan struct{}

	mu              sync.Mutex
	why             error
	over            bool
	keys            []string
	ran             []string
	closed          int
	open            int // answers not closed
	judged, givenUp int
}

func (w *Workspace) ID() recorder.ID { return w.id }

// Keys is what was typed.
func (w *Workspace) Keys() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.keys) }

// Ran is the statements that reached the target.
func (w *Workspace) Ran() []string { w.mu.Lock(); defer w.mu.Unlock(); return slices.Clone(w.ran) }

// Closed is how often the session was closed, and how many answers were left open.
func (w *Workspace) Closed() (times, answers int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed, w.open
}

// End ends the session from behind.
func (w *Workspace) End(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.over {
		w.over, w.why = true, why
		close(w.ended)
	}
}

func (w *Workspace) Catalog(ctx context.Context) ([]connectors.Relation, error) {
	if err := w.b.hold(ctx, "catalog"); err != nil {
		return nil, err
	}
	if w.b.Catalog != nil {
		return w.b.Catalog, nil
	}
	return DemoCatalog(), nil
}

// Judged is how many judgements began, GivenUp how many were not waited for.
func (w *Workspace) Judged() int { w.mu.Lock(); defer w.mu.Unlock(); return w.judged }

func (w *Workspace) GivenUp() int { w.mu.Lock(); defer w.mu.Unlock(); return w.givenUp }

func (w *Workspace) Judge(ctx context.Context, text string) (policy.Decision, policy.Facts, error) {
	w.mu.Lock()
	w.judged++
	w.mu.Unlock()
	if w.b.Judging != nil {
		select {
		case <-w.b.Judging:
		case <-ctx.Done():
			w.mu.Lock()
			w.givenUp++
			w.mu.Unlock()
			return policy.Decision{}, policy.Facts{}, context.Cause(ctx)
		}
	}
	d, f := judge(text)
	return d, f, nil
}

// Explain explains what judge says.
func (w *Workspace) Explain(ctx context.Context, text string) (tui.Why, error) {
	if err := w.b.hold(ctx, "explain"); err != nil {
		return tui.Why{}, err
	}
	d, f := judge(text)
	y := tui.Why{Who: w.b.id, Resource: resource(w.resource), Action: policy.ActionSQL, Text: text, Facts: f,
		Explanation: policy.Explanation{Decision: d, Tried: []policy.Trial{
			{Rule: "engineers-read", Effect: policy.Allow, Place: "policy.yaml:12", Why: "speaks of read, not " + f.Class.String()},
			{Rule: "no-drops", Effect: policy.Deny, Place: "policy.yaml:20", Why: "speaks of ddl, not " + f.Class.String()},
			{Rule: "writes-need-dba", Effect: policy.Approve, Place: "policy.yaml:16", Why: "speaks of write, not " + f.Class.String()},
		}}}
	for i := range y.Tried {
		if t := &y.Tried[i]; t.Rule == d.Rule {
			t.Matched, t.Why = true, "engineering; orders-db; "+f.Class.String()
		}
	}
	for _, l := range w.b.Listings {
		if l.Name == w.resource {
			y.Masks, y.Detect = l.Masks, l.Detect
		}
	}
	if d.Effect == policy.Deny {
		y.Grant = "- name: engineering\n  rules:\n    - name: grant\n      allow: [" + f.Class.String() + "]\n"
	}
	return y, nil
}

func (w *Workspace) Key(k string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keys = append(w.keys, k)
	return w.b.Fail["key"]
}

func (w *Workspace) Ended() <-chan struct{} { return w.ended }

func (w *Workspace) Err() error { w.mu.Lock(); defer w.mu.Unlock(); return w.why }

func (w *Workspace) Close() error {
	w.mu.Lock()
	w.closed++
	w.mu.Unlock()
	return nil
}

// unmasking is what is said of cleartext.
var unmasking = policy.Decision{Effect: policy.Approve, Rule: "engineering/cleartext", Approvers: []string{"dba"}, Need: 1, Wait: 15 * time.Minute,
	Reason: "cleartext of masked columns needs a yes from dba on orders-db"}

func (w *Workspace) Unmasking(context.Context, string) (tui.Unmasking, error) {
	return tui.Unmasking{Roles: []string{"support-leads (support, fraud)"}, Decision: unmasking}, nil
}

func (w *Workspace) Run(ctx context.Context, text string, ask *tui.Ask) (tui.Answer, error) {
	d, f := judge(text)
	if ask != nil && len(ask.Unmask) > 0 {
		d = unmasking
	}
	switch d.Effect {
	case policy.Deny:
		return nil, &policy.Refusal{Rule: d.Rule, Reason: d.Reason, Hint: "ask a dba for a migration"}
	case policy.Approve:
		if ask == nil || ask.Later {
			return nil, &policy.ApprovalNeeded{Decision: d, Facts: f}
		}
		if err := w.wait(ctx, text, d, f, ask); err != nil {
			return nil, err
		}
	}
	if w.b.Slow > 0 {
		select {
		case <-time.After(w.b.Slow):
		case <-ctx.Done():
			return nil, connectors.ErrCanceled
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran = append(w.ran, text)
	return w.reply(ctx, text)
}

func (w *Workspace) wait(ctx context.Context, text string, d policy.Decision, f policy.Facts, ask *tui.Ask) error {
	a := w.b.Request(policy.Approval{Requester: w.b.id, Resource: resource(w.resource), Action: policy.ActionSQL, Statement: text, Cleartext: ask.Unmask,
		Facts: f, Rule: d.Rule, Approvers: d.Approvers, Need: 1, Reason: ask.Reason, From: "127.0.0.1:53422", Session: string(w.id)})
	ask.Waiting(a)
	w.b.mu.Lock()
	ch := w.b.votes[a.ID]
	w.b.mu.Unlock()
	select {
	case v := <-ch:
		if !v.Yes {
			return &policy.Refusal{Rule: d.Rule, By: v.By.Display(), Comment: v.Comment, ApprovalID: a.ID}
		}
		w.b.Set(a.ID, func(a *policy.Approval) { a.State = policy.ApprovalDone })
		return nil
	case <-ctx.Done():
		w.b.Set(a.ID, func(a *policy.Approval) { a.State = policy.ApprovalWithdrawn })
		return &policy.Refusal{Rule: d.Rule, Reason: "the request was withdrawn", ApprovalID: a.ID}
	}
}

func resource(name string) policy.Resource {
	return policy.Resource{Name: name, Kind: "postgres", Labels: map[string]string{"env": "prod"}}
}

// judge knows a few sentences.
func judge(text string) (policy.Decision, policy.Facts) {
	s := strings.ToLower(strings.TrimSpace(text))
	switch {
	case strings.HasPrefix(s, "select"), strings.HasPrefix(s, `{"find"`), strings.HasPrefix(s, "get "):
		return policy.Decision{Effect: policy.Allow, Rule: "engineers-read"},
			policy.Facts{Class: policy.Read, Verb: "SELECT", Tables: []policy.Table{{Name: "customers"}}}
	case strings.HasPrefix(s, "delete"):
		rows := int64(12400)
		return policy.Decision{Effect: policy.Approve, Rule: "writes-need-dba", Approvers: []string{"dba"}, Need: 1, Wait: 15 * time.Minute},
			policy.Facts{Class: policy.Write, Verb: "DELETE", Destructive: true, Why: "DELETE without WHERE", Estimate: &rows, Tables: []policy.Table{{Name: "orders", Write: true}}}
	case strings.HasPrefix(s, "drop"):
		return policy.Decision{Effect: policy.Deny, Rule: "no-drops", Reason: "tables are dropped by migrations only"},
			policy.Facts{Class: policy.DDL, Verb: "DROP TABLE", Destructive: true}
	}
	return policy.Decision{Effect: policy.Deny, Rule: policy.DefaultDeny, Reason: "the statement does not parse"}, policy.Facts{}
}
