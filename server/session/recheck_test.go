package session

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// as is a visit of somebody who may turn out to be somebody else, or nobody.
func (w *world) as(id policy.Identity, now *atomic.Pointer[policy.Identity], out error) *Visit {
	return w.gate.Visit(Visitor{Identity: id, From: "192.0.2.1:1", Key: "SHA256:x", Now: func() (policy.Identity, error) {
		if p := now.Load(); p != nil {
			return *p, nil
		}
		return policy.Identity{}, out
	}})
}

// Who signs out loses what is open, and what runs in it; what somebody else has open
// goes on, and so does what the same person has open where they are signed in.
func TestRecheckEndsSignedOut(t *testing.T) {
	w := newWorld(t)
	var now atomic.Pointer[policy.Identity]
	now.Store(&bob)
	out := &policy.Refusal{Rule: policy.DefaultDeny, Reason: "you are signed out here"}
	v := w.as(bob, &now, out)
	s, err := v.Open(t.Context(), "db", policy.ActionSQL, Screen{})
	if err != nil {
		t.Fatal(err)
	}
	others := w.open(t, alice)
	elsewhere := w.open(t, bob)
	a, err := s.Run(t.Context(), "write a", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := w.gate.Recheck(bob); n != 0 {
		t.Errorf("%d ended while bob is signed in", n)
	}
	now.Store(nil)
	if n := w.gate.Recheck(bob); n != 1 {
		t.Errorf("%d ended, want the one session", n)
	}
	if why := ended(t, s); why.Reason != out.Reason {
		t.Errorf("why: %+v", why)
	}
	if _, err := a.Batch(t.Context(), 10); err == nil {
		t.Error("the answer goes on")
	}
	if end := w.evidence(t, s.ID(), recorder.KindEnd); len(end) != 1 || !strings.Contains(end[0], out.Reason) {
		t.Errorf("end on record: %q", end)
	}
	for _, s := range []*Session{others, elsewhere} {
		if s.ctx.Err() != nil {
			t.Errorf("the session of %s ended: %v", s.v.Identity.Subject, s.Err())
		}
	}
	if list, err := v.Resources(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("who is signed out is shown %v, %v", list, err)
	}
	if _, err := v.Open(t.Context(), "db", policy.ActionSQL, Screen{}); err == nil {
		t.Error("who is signed out opened a session")
	}
}

// Groups that a later sign-in tells of count in what is open: an operation that needs
// the old ones ends, and a session that does.
func TestRecheckGroups(t *testing.T) {
	w := newWorld(t)
	both := bob
	both.Groups = append(slices.Clone(bob.Groups), alice.Groups...)
	var now atomic.Pointer[policy.Identity]
	now.Store(&both)
	s, err := w.as(both, &now, nil).Open(t.Context(), "db", policy.ActionSQL, Screen{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	fewer := both
	fewer.Groups = alice.Groups
	now.Store(&fewer)
	if w.gate.Recheck(bob); s.ctx.Err() != nil {
		t.Fatalf("the session ended: %v", s.Err())
	}
	_, err = s.Run(t.Context(), "write a", nil)
	var needed *policy.ApprovalNeeded
	if !errors.As(err, &needed) {
		t.Errorf("a write without the group that may: %v", err)
	}
	none := both
	none.Groups = nil
	now.Store(&none)
	if n := w.gate.Recheck(bob); n != 1 {
		t.Errorf("%d ended, want the session", n)
	}
	if why := ended(t, s); !strings.Contains(why.Reason, "right to it was lost") {
		t.Errorf("why: %+v", why)
	}
}

// Somebody else who signed in where a session was opened does not own it.
func TestRecheckSomebodyElse(t *testing.T) {
	w := newWorld(t)
	var now atomic.Pointer[policy.Identity]
	now.Store(&bob)
	s, err := w.as(bob, &now, nil).Open(t.Context(), "db", policy.ActionSQL, Screen{})
	if err != nil {
		t.Fatal(err)
	}
	now.Store(&alice)
	w.gate.Recheck(bob)
	if why := ended(t, s); !strings.Contains(why.Reason, "somebody else") {
		t.Errorf("why: %+v", why)
	}
}

// Who signed out, or whose key was forgotten, decides nothing and sees nothing by a
// screen that is still open; and who votes does so with the groups that they have now.
func TestSignedOutVotesNoMore(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	var a policy.Approval
	_, err := s.Run(t.Context(), "write a", &Ask{Reason: "r", Wait: -1, Waiting: func(p policy.Approval) { a = p }})
	if err == nil || a.ID == "" {
		t.Fatalf("asking: %v", err)
	}
	out := &policy.Refusal{Rule: policy.DefaultDeny, Reason: "you are signed out here"}
	var bobNow, aliceNow atomic.Pointer[policy.Identity]
	v, own := w.as(bob, &bobNow, out), w.as(alice, &aliceNow, out)
	if p, err := v.Vote(t.Context(), a.ID, a.Hash, true, ""); !errors.Is(err, out) {
		t.Errorf("a vote after signing out: %s, %v", p.State, err)
	}
	for who, v := range map[string]*Visit{"the approver": v, "the requester": own} {
		if list, _ := v.Approvals(t.Context()); len(list) > 0 {
			t.Errorf("%s still sees %d requests", who, len(list))
		}
		if p, err := v.Approval(t.Context(), a.ID); err == nil {
			t.Errorf("%s still sees %q", who, p.Statement)
		}
		if list, _ := v.Transcripts(t.Context(), 10); len(list) > 0 {
			t.Errorf("%s still sees %d transcripts", who, len(list))
		}
	}
	plain := bob
	plain.Groups = nil
	bobNow.Store(&plain)
	if p, err := v.Vote(t.Context(), a.ID, a.Hash, true, ""); err == nil {
		t.Errorf("a vote of somebody who is no approver any more: %s", p.State)
	}
	bobNow.Store(&bob)
	if p, err := v.Vote(t.Context(), a.ID, a.Hash, true, ""); err != nil || p.State != policy.ApprovalGranted {
		t.Errorf("a vote: %s, %v", p.State, err)
	}
}

// Who watches a session, and signs out or loses the role by which they may, sees no more
// of it.
func TestWatchingEndsWithTheRight(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	roles := append(slices.Clone(testRoles), policy.Role{Name: "auditor", Groups: []string{"dba"}, Resources: policy.Selector{Names: []string{"*"}}, Transcripts: "all"})
	w.swap(t, nil, roles)
	for name, after := range map[string]*policy.Identity{"signed out": nil, "no auditor": {Issuer: bob.Issuer, Subject: bob.Subject}} {
		var now atomic.Pointer[policy.Identity]
		now.Store(&bob)
		p, err := w.as(bob, &now, errors.New("signed out")).Replay(t.Context(), s.ID(), Access{Act: "watch"})
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a watch that goes on has no end
		defer cancel()
		err = p.Follow(ctx, 0, func(recorder.Event) error {
			seen++
			now.Store(after)
			p.mu.Lock()
			p.looked = time.Time{} // it is time to look again
			p.mu.Unlock()
			return nil
		})
		var why *policy.Refusal
		if !errors.As(err, &why) || seen == 0 {
			t.Errorf("%s: %d events, %v", name, seen, err)
		}
	}
}
