package session

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/sallyport/sallyport/connectors"
	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// rejudgeEvery is how long a session goes on a judgement at most: conditions on
// the time of day change without anybody changing the rules.
const rejudgeEvery = 15 * time.Second

// Swap puts other rules in force, on record before they count, and judges every
// live session by them: a session that lost its right ends with the reason, and
// so does an operation that would be denied now; all others go on. details go
// into the record. It returns how many sessions and operations were ended.
func (g *Gate) Swap(ctx context.Context, r Rules, details map[string]string) (ended int, err error) {
	d := map[string]string{"config": r.Revision, "before": g.rules.Load().Revision}
	maps.Copy(d, details)
	if err := g.Journal(ctx, recorder.Admin{Act: "policy reloaded", Details: d}); err != nil {
		return 0, err
	}
	g.rules.Store(&r)
	g.refused.Store(nil)
	for _, s := range g.sessions() {
		ended += s.rejudge()
	}
	return ended, nil
}

// Recheck judges the live sessions of a person anew, at once: they signed out, or in
// again, or a key of theirs was forgotten. It returns how many sessions and operations
// were ended.
func (g *Gate) Recheck(id policy.Identity) (ended int) {
	for _, s := range g.sessions() {
		if s.v.Identity.Same(id) {
			ended += s.rejudge()
		}
	}
	return ended
}

// Refuse says, on record, that other rules were offered and not taken; those in
// force stay. Notice tells administrators until the next Swap.
func (g *Gate) Refuse(ctx context.Context, why string) error {
	text := fmt.Sprintf("The configuration on disk is refused since %s; revision %.12s stays in force. `sallyport check` shows why.",
		g.o.Now().UTC().Format("2006-01-02 15:04 UTC"), g.rules.Load().Revision)
	g.refused.Store(&text)
	return g.Journal(ctx, recorder.Admin{Act: "policy refused", Details: map[string]string{"why": why, "config": g.rules.Load().Revision}})
}

// Notice is what this person should know about the bastion, "" for nothing.
func (v *Visit) Notice() string {
	if text := v.g.refused.Load(); text != nil && v.administers() {
		return *text
	}
	return ""
}

// administers reports whether this person is an administrator: one who may see
// the bastion's own transcript, by a role with `transcripts: all` over everything.
func (v *Visit) administers() bool {
	_, ok := v.view(v.g.rules.Load()).SeesTranscript(policy.Identity{}, policy.Resource{})
	return ok
}

// sessions are the live ones.
func (g *Gate) sessions() []*Session {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.live))
}

// asked is an operation from its decision to its end.
type asked struct {
	op     connectors.Operation
	before int64
	masks  string
	rules  *Rules // by which it was decided
	lent   connectors.Borrows
	end    context.CancelCauseFunc
}

// begin notes an operation that was decided on, so that it ends when the rules
// turn against it. The returned function forgets it.
func (s *Session) begin(a *asked) func() {
	s.mu.Lock()
	s.asked[a] = true
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		delete(s.asked, a)
		s.mu.Unlock()
	}
}

// rejudge judges the session by the rules that hold now, and returns how much of
// it was ended: 1 for the session, or how many of its operations.
func (s *Session) rejudge() int {
	r := s.g.rules.Load()
	id, err := s.v.now()
	if err != nil {
		s.end(err)
		return 1
	}
	s.who.Store(&id)
	limits, why := s.lost(r)
	if why != nil {
		s.end(why)
		return 1
	}
	s.lease.rest(limits)
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.asked))
	s.mu.Unlock()
	n := 0
	for _, a := range all {
		if why := s.stopped(r, a); why != nil {
			a.end(why)
			n++
		}
	}
	return n
}

// lost is why the session may not go on, nil where it may; then with the limits
// of its life.
func (s *Session) lost(r *Rules) ([]policy.Decision, *policy.Refusal) {
	res, ok := s.present(r)
	if !ok {
		return nil, &policy.Refusal{Rule: changed.Rule, Reason: "its configuration changed or it was taken away", Hint: "open it again"}
	}
	d, limits := mayOpen(r.Policy.For(*s.who.Load(), s.facts(s.ops.Load()), s.g.o.Now()), res)
	if d.Effect == policy.Deny {
		return nil, &policy.Refusal{Rule: d.Rule, Reason: "the right to it was lost: " + d.Reason}
	}
	return limits, nil
}

// whyStopped says what changed under an operation that was allowed: the
// resource's configuration, the rules, or none of them but what the rules ask
// about, the time of day say.
func (s *Session) whyStopped(r *Rules, a *asked) string {
	_, present := s.present(r)
	switch {
	case !present:
		return "it was ended: "
	case r != a.rules:
		return "it was ended, since the rules changed: "
	}
	return "it was ended, since what allowed it holds no longer: "
}

// stopped is why an operation may not go on, nil where it may. One that was
// approved stays so; masks that are not those of its beginning end it, since what
// it still shows would be masked by the old ones.
func (s *Session) stopped(r *Rules, a *asked) *policy.Refusal {
	d, m, err := s.decideBy(r, a.op, a.before)
	switch {
	case err != nil:
		return &policy.Refusal{Rule: policy.DefaultDeny, Reason: "it was ended: its masks cannot be made by the rules that hold now"}
	case d.Effect == policy.Deny:
		return &policy.Refusal{Rule: d.Rule, Reason: s.whyStopped(r, a) + d.Reason}
	case a.lent.Agent && !d.AgentForwarding, a.lent.Display && !d.X11Forwarding:
		return &policy.Refusal{Rule: d.Rule, Reason: "it was ended, since it may use what is yours no longer", Hint: "start it again"}
	case m.revision() != a.masks:
		return &policy.Refusal{Rule: d.Rule, Reason: "it was ended, since the masks on " + s.target.Name + " changed", Hint: "run it again"}
	}
	return nil
}
