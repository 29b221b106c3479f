package session

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sallyport/sallyport/policy"
	"github.com/sallyport/sallyport/recorder"
)

// swap puts other roles in force.
func (w *world) swap(t *testing.T, change func(*Rules), roles policy.Roles) int {
	t.Helper()
	p, err := policy.Compile(roles, testMasks)
	if err != nil {
		t.Fatal(err)
	}
	r := *w.gate.rules.Load()
	r.Policy, r.Revision = p, "next"
	if change != nil {
		change(&r)
	}
	n, err := w.gate.Swap(t.Context(), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// journal is the bastion's own transcript's acts.
func (w *world) journal(t *testing.T) []string {
	t.Helper()
	return w.evidence(t, w.gate.o.Journal.ID(), recorder.KindAdmin)
}

// ended waits for a session to end and returns why.
func ended(t *testing.T, s *Session) *policy.Refusal {
	t.Helper()
	select {
	case <-s.Ended():
	case <-time.After(30 * time.Second):
		t.Fatal("the session goes on")
	}
	var why *policy.Refusal
	if !errors.As(s.Err(), &why) {
		t.Fatalf("it ended with %v", s.Err())
	}
	return why
}

// A session that lost its right ends with the reason, on its screen and in its
// transcript; that of somebody else goes on.
func TestSwapEndsLostSessions(t *testing.T) {
	w := newWorld(t)
	lost, kept := w.open(t, alice), w.open(t, bob)
	if n := w.swap(t, nil, testRoles[1:]); n != 1 {
		t.Errorf("%d ended, want 1", n)
	}
	why := ended(t, lost)
	if !strings.Contains(why.Reason, "right to it was lost") || why.Rule != policy.DefaultDeny {
		t.Errorf("why: %+v", why)
	}
	if _, err := lost.Run(t.Context(), "read a", nil); err == nil {
		t.Error("a statement ran after the end")
	}
	a, err := kept.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatalf("bob's session: %v", err)
	}
	drain(t, a)
	end := w.evidence(t, lost.ID(), recorder.KindEnd)
	if len(end) != 1 || !strings.Contains(end[0], "right to it was lost") {
		t.Errorf("end on record: %q", end)
	}
	journal := w.journal(t)
	if !slices.ContainsFunc(journal, func(s string) bool { return strings.Contains(s, "policy reloaded") && strings.Contains(s, `"next"`) }) {
		t.Errorf("the swap is not on record: %q", journal)
	}
}

// What leads elsewhere than when it was opened is ended, and so is what is gone.
func TestSwapEndsMovedResources(t *testing.T) {
	for name, change := range map[string]func(*Rules){
		"gone": func(r *Rules) { r.Targets = map[string]Target{} },
		"moved": func(r *Rules) {
			t := r.Targets["db"]
			t.Revision = "elsewhere"
			r.Targets = map[string]Target{"db": t}
		},
	} {
		w := newWorld(t)
		s := w.open(t, alice)
		w.swap(t, change, testRoles)
		if why := ended(t, s); !strings.Contains(why.Reason, "configuration changed or it was taken away") {
			t.Errorf("%s: %+v", name, why)
		}
	}
}

// An operation that would be denied now ends, with the cause; its session, which
// still may read, goes on. So does one whose masks changed.
func TestSwapEndsRunningOperation(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, bob)
	a, err := s.Run(t.Context(), "write a", nil)
	if err != nil {
		t.Fatal(err)
	}
	reads := slices.Clone(testRoles)
	reads[1].Rules = []policy.Rule{{Name: "reads", Allow: []string{"read"}}, {Name: "freeze", Deny: []string{"write"}}}
	if n := w.swap(t, nil, reads); n != 1 {
		t.Errorf("%d ended, want the one operation", n)
	}
	var why *policy.Refusal
	if _, err := a.Batch(t.Context(), 10); !errors.As(err, &why) || why.Rule != "dba/freeze" {
		t.Errorf("the answer goes on: %v", err)
	}
	if s.ctx.Err() != nil {
		t.Fatalf("the session ended: %v", s.Err())
	}
	a, err = s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	hidden := slices.Clone(reads)
	hidden[1].Reveal = nil
	w.swap(t, nil, hidden)
	if _, err := a.Batch(t.Context(), 10); !errors.As(err, &why) || !strings.Contains(why.Reason, "masks on db changed") {
		t.Errorf("the answer goes on under old masks: %v", err)
	}
}

// A statement that is refused while its session is judged again, as every session is
// right after it was opened, was told that it was ended since the rules changed. It
// never ran, and they had not.
func TestRefusedWhileJudgedAgain(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	again := func() { s.rejudge() }
	w.disk.before.Store(&again)
	_, err := s.Run(t.Context(), "ddl a", nil)
	w.disk.before.Store(nil)
	var why *policy.Refusal
	if !errors.As(err, &why) || why.Rule != "engineer/no-schema" || strings.Contains(why.Reason, "ended") {
		t.Errorf("it was refused with %v", err)
	}
}

// A request whose rule turned into a denial stops waiting.
func TestSwapEndsWaiting(t *testing.T) {
	w := newWorld(t)
	s := w.open(t, alice)
	roles := slices.Clone(testRoles)
	roles[0].Rules = []policy.Rule{roles[0].Rules[0], {Name: "freeze", Deny: []string{"write", "ddl"}}}
	_, err := s.Run(t.Context(), "write a", &Ask{Reason: "r", Waiting: func(policy.Approval) { w.swap(t, nil, roles) }})
	var why *policy.Refusal
	if !errors.As(err, &why) || why.Rule != "engineer/freeze" {
		t.Fatalf("it ended with %v", err)
	}
	all, err := w.visit(bob).Approvals(t.Context())
	if err != nil || len(all) != 1 || all[0].State != policy.ApprovalWithdrawn {
		t.Errorf("approvals: %v, %v", all, err)
	}
}

// Rules that are not taken are on record, and administrators are told until others
// are.
func TestRefuse(t *testing.T) {
	w := newWorld(t)
	roles := append(slices.Clone(testRoles), policy.Role{Name: "audit", Groups: []string{"auditors"},
		Resources: policy.Selector{Names: []string{"*"}}, Transcripts: "all"})
	w.swap(t, nil, roles)
	carol := policy.Identity{Issuer: "https://id", Subject: "3", Groups: []string{"auditors"}}
	if err := w.gate.Refuse(t.Context(), "roles[0]: nonsense"); err != nil {
		t.Fatal(err)
	}
	if n := w.visit(carol).Notice(); !strings.Contains(n, "refused") {
		t.Errorf("the administrator is told %q", n)
	}
	if n := w.visit(alice).Notice(); n != "" {
		t.Errorf("alice is told %q", n)
	}
	if !slices.ContainsFunc(w.journal(t), func(s string) bool { return strings.Contains(s, "policy refused") && strings.Contains(s, "nonsense") }) {
		t.Error("the refusal is not on record")
	}
	w.swap(t, nil, roles)
	if n := w.visit(carol).Notice(); n != "" {
		t.Errorf("after a good one the administrator is told %q", n)
	}
}

// A right that hangs on the time goes with it, without anybody changing the rules.
func TestRightEndsWithTime(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2026, 1, 2, 17, 59, 0, 0, time.UTC)
	var clock atomic.Pointer[time.Time]
	clock.Store(&now)
	w.gate.o.Now = func() time.Time { return *clock.Load() }
	roles := slices.Clone(testRoles)
	roles[0].When = `now < timestamp("2026-01-02T18:00:00Z") && now - session.opened < duration("1h")`
	w.swap(t, nil, roles)
	s := w.open(t, alice)
	a, err := s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	if n := s.rejudge(); n != 0 {
		t.Errorf("%d ended before the time", n)
	}
	later := now.Add(time.Minute)
	clock.Store(&later)
	if n := s.rejudge(); n != 1 {
		t.Errorf("%d ended, want the session", n)
	}
	if why := ended(t, s); !strings.Contains(why.Reason, "right to it was lost") {
		t.Errorf("why: %+v", why)
	}
}

// Conditions on where somebody comes from see an address, however it was written.
func TestConditionOnAddress(t *testing.T) {
	for from, want := range map[string]string{"192.0.2.1:53422": "192.0.2.1", "[::ffff:192.0.2.1]:5": "192.0.2.1", "192.0.2.1": "192.0.2.1",
		"[fe80::1%eth0]:22": "fe80::1", "2001:db8::1": "2001:db8::1", "pipe": "", "": ""} {
		if got := Address(from); got != want {
			t.Errorf("%q is %q, want %q", from, got, want)
		}
	}
	w := newWorld(t)
	roles := slices.Clone(testRoles)
	roles[0].When = `cidr("192.0.2.0/24").containsIP(session.from)`
	w.swap(t, nil, roles)
	s := w.open(t, alice)
	a, err := s.Run(t.Context(), "read a", nil)
	if err != nil {
		t.Fatal(err)
	}
	drain(t, a)
	away := w.gate.Visit(Visitor{Identity: alice, From: "198.51.100.1:9"})
	if _, err := away.Open(t.Context(), "db", policy.ActionSQL, Screen{}); err == nil {
		t.Error("opened from elsewhere")
	}
}
